/* SPDX-License-Identifier: MIT */
/* An HTTP answer in the form in which a waiting task reads it. */
#include "request_answer.h"

#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "xmalloc.h"

static const char *
kind_of(enum http_end end)
{
	switch (end) {
	case HTTP_NO_NAME:
		return "no_name";
	case HTTP_NO_CONNECT:
		return "no_connection";
	case HTTP_TLS:
		return "tls";
	case HTTP_SLOW:
		return "timeout";
	case HTTP_TRUNCATED:
		return "truncated";
	case HTTP_FORBIDDEN:
		return "forbidden";
	case HTTP_DONE:
	case HTTP_BROKEN:
	case HTTP_REJECTED:
		break;
	}
	return "broken";
}

/* Has the part ` rel="next"` of a Link header (RFC 8288)? */
static bool
is_next(struct str params)
{
	struct str rest = params;
	while (rest.len > 0) {
		struct str part;
		rest = str_split(rest, ';', &part);
		part = str_trim(part);
		if (str_eq_nocase(part, STR("rel=\"next\"")) ||
			str_eq_nocase(part, STR("rel=next")))
			return true;
	}
	return false;
}

/* "/api/…" of the next page; STR_NONE without, or when it is elsewhere. */
static struct str
next_page(const struct http_answer *answer, const char *origin)
{
	const char *at = http_header(answer, "link");
	size_t len = strlen(origin);
	while (at && (at = strchr(at, '<'))) {
		const char *end = strchr(at, '>');
		if (!end)
			break;
		struct str address = {at + 1, (size_t)(end - at) - 1};
		const char *comma = strchr(end, ',');
		struct str params = {end + 1, comma ? (size_t)(comma - end) - 1 : strlen(end + 1)};
		at = end;
		if (!is_next(params))
			continue;
		if (address.len > len && memcmp(address.ptr, origin, len) == 0)
			address = (struct str){address.ptr + len, address.len - len};
		return str_starts(address, "/api/") ? address : STR_NONE;
	}
	return STR_NONE;
}

/* A name that came before has its values joined (RFC 9110, 5.3). */
static void
put_headers(const struct http_answer *answer, struct buf *out)
{
	unsigned count = answer->header_count < REQUEST_HEADERS_MAX ? answer->header_count
								    : REQUEST_HEADERS_MAX;
	buf_add_char(out, '{');
	for (unsigned i = 0; i < count; i++) {
		const struct http_header *header = &answer->headers[i];
		bool told = false;
		struct buf value;
		buf_init(&value, HTTP_HEADERS_MAX);
		for (unsigned j = 0; j < count; j++) {
			if (strcmp(answer->headers[j].name, header->name) != 0)
				continue;
			told = told || j < i;
			buf_printf(&value, "%s%s", value.len > 0 ? ", " : "",
				answer->headers[j].value);
		}
		if (!told) {
			json_put_comma(out);
			json_put_text(out, header->name);
			buf_add_char(out, ':');
			json_put_str(out, value.ptr ? buf_str(&value) : STR(""));
		}
		buf_finish(&value);
	}
	buf_add_char(out, '}');
}

static void
put_problem(const struct http_answer *answer, const struct secrets *secrets, struct buf *out)
{
	struct buf words;
	buf_init(&words, 4 * MESSAGE_MAX);
	secrets_redact(secrets, str_from(answer->error ? answer->error : "no answer"), &words);
	char *text = outcome_problem(kind_of(answer->end), answer->status, words.ptr);
	buf_add_text(out, text);
	free(text);
	buf_finish(&words);
}

void
request_put_answer(const struct http_answer *answer, const char *origin,
	const struct secrets *secrets, struct buf *out)
{
	if (answer->end != HTTP_DONE) {
		put_problem(answer, secrets, out);
		return;
	}
	struct str next = origin ? next_page(answer, origin) : STR_NONE;
	buf_add_text(out, "{\"ok\":{");
	json_put_key(out, "status");
	json_put_int(out, answer->status);
	json_put_key(out, "headers");
	put_headers(answer, out);
	if (next.ptr) {
		json_put_key(out, "next");
		json_put_str(out, next);
	}
	buf_add_text(out, "}}\n");
	buf_add_str(out, answer->body);
}
