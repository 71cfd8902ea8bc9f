/* SPDX-License-Identifier: MIT */
/* Which ends of connections are retried, and which never help to try again. */
#include "ending.h"

#include <string.h>

#include "str.h"

/* One status for three things; only the words tell a bad token from a stream that this token may not have
 * (protocol.md 1.4). Pleroma says "unauthorized" of a single stream. */
static bool
is_about_one_stream(const char *words)
{
	return strstr(words, "scope") != NULL || strstr(words, "this list") != NULL;
}

enum ending
ending_of_words(int status, const char *words)
{
	switch (status) {
	case 400:
		return ENDING_OURS;
	case 401:
		return is_about_one_stream(words) ? ENDING_REFUSED : ENDING_CREDENTIALS;
	case 403:
		return ENDING_FORBIDDEN;
	case 404:
	case 405:
	case 410:
	case 426:
	case 501:
		return ENDING_ABSENT;
	case 418: /* GoToSocial, when it dislikes the User-Agent */
		return ENDING_OURS;
	default:
		return status / 100 == 3 ? ENDING_MOVED : ENDING_DOWN;
	}
}

static enum ending
ending_of_code(int code)
{
	/* 1005 is what Mastodon sends when a token is revoked; the next attempt says 401 then (protocol.md 2.4). */
	bool ours = code == 1003 || code == 1007 || code == 1008;
	return ours ? ENDING_OURS : ENDING_TRANSIENT;
}

enum ending
ending_of_ws(const struct ws_ended *ended, bool was_open)
{
	switch (ended->end) {
	case WS_CLOSED:
		return ending_of_code(ended->code);
	case WS_REFUSED:
		return ending_of_words(ended->http_status, ended->error);
	case WS_NO_NAME:
	case WS_NO_CONNECT:
	case WS_TLS:
	case WS_SLOW:
	case WS_CUT:
	case WS_TOO_BIG:
	case WS_BROKEN:
		break;
	}
	return was_open ? ENDING_TRANSIENT : ENDING_DOWN;
}

enum ending
ending_of_sse(const struct http_answer *answer, const char *words)
{
	switch (answer->end) {
	case HTTP_REJECTED:
		/* 200 and no event stream: a captive portal, or a proxy's page. */
		return answer->status == 200 ? ENDING_DOWN : ending_of_words(answer->status, words);
	case HTTP_DONE: /* perhaps revoked: the next attempt says 401 then (protocol.md 1.6) */
	case HTTP_TRUNCATED:
	case HTTP_BROKEN:
		return answer->status == 200 ? ENDING_TRANSIENT : ENDING_DOWN;
	case HTTP_NO_NAME:
	case HTTP_NO_CONNECT:
	case HTTP_TLS:
	case HTTP_SLOW:
	case HTTP_FORBIDDEN:
		break;
	}
	return ENDING_DOWN;
}
