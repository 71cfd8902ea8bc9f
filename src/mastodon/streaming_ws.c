/* SPDX-License-Identifier: MIT */
/* Which WebSockets an account has: one for all its streams, or one a stream; and what follows when one ends. */
#define LOG_MODULE "stream"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "redirect.h"
#include "streaming_private.h"
#include "xmalloc.h"

/* A subscription is never acknowledged by Mastodon; its refusal comes within a database query. */
#define CONFIRM_MS 1000

static bool
wants_own(const struct sub *sub)
{
	return sub->alone || sub->streaming->dialect == DIALECT_ADDRESS;
}

struct carrier *
sub_carrier(const struct sub *sub)
{
	return wants_own(sub) ? sub->carrier : sub->streaming->shared;
}

void
streaming_ws_abandon(struct streaming *streaming)
{
	struct sub *sub;
	loop_timer_stop(streaming->ask);
	carrier_abandon(streaming->shared);
	DL_FOREACH(streaming->subs, sub) {
		carrier_abandon(sub->carrier);
	}
}

static void
forget_one(struct sub *sub)
{
	sub->message = 0;
	sub->proven = false;
	sub->suspected = false;
}

void
streaming_ws_forget(struct streaming *streaming, struct sub *only)
{
	struct sub *sub;
	if (only != NULL) {
		forget_one(only);
		return;
	}
	streaming_probe_cancel(streaming);
	loop_timer_stop(streaming->ask);
	DL_FOREACH(streaming->subs, sub) {
		if (sub->carrier == NULL) {
			forget_one(sub);
		}
	}
}

/* ---- what is due ---- */

static unsigned
count_connecting(const struct streaming *streaming)
{
	const struct sub *sub;
	unsigned count = streaming->shared != NULL && !streaming->shared->is_open ? 1 : 0;
	DL_FOREACH(streaming->subs, sub) {
		count += sub->carrier != NULL && !sub->carrier->is_open ? 1 : 0;
	}
	return count;
}

static void
open_own(struct sub *sub, unsigned *connecting)
{
	struct streaming *streaming = sub->streaming;
	if (sub->carrier != NULL || loop_timer_active(sub->timer) ||
		(streaming->cautious && *connecting > 0)) {
		return;
	}
	++*connecting;
	if (!sub_is_live(sub)) { /* over SSE it is */
		sub_set(sub, STREAM_CONNECTING, 0, "");
	}
	sub->carrier = carrier_create(streaming, sub, NULL);
	if (sub->carrier == NULL) {
		sub_wait(sub, "the streaming address is none", STREAMING_CAP_MS);
	}
}

static void
open_shared(struct streaming *streaming)
{
	struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub) && !wants_own(sub) && !sub_is_live(sub)) {
			sub_set(sub, STREAM_CONNECTING, 0, "");
		}
	}
	streaming->shared = carrier_create(streaming, NULL, NULL);
	if (streaming->shared == NULL) {
		streaming_wait(streaming, "the streaming address is none", STREAMING_CAP_MS);
	}
}

static void
subscribe(struct sub *sub)
{
	struct carrier *shared = sub->streaming->shared;
	if (sub->message != 0) {
		return;
	}
	if (!sub_is_live(sub)) { /* it is while the connection is renewed */
		sub_set(sub, STREAM_CONNECTING, 0, "");
	}
	/* Without room in the send queue the timer tries again. */
	(void)carrier_subscribe(shared, sub);
	loop_timer_start(sub->timer, CONFIRM_MS, 0);
}

/* Returns whether somebody wants the shared connection. */
static bool
look_at_subs(struct streaming *streaming)
{
	struct sub *sub;
	bool shared_wanted = false;
	unsigned connecting = streaming->cautious ? count_connecting(streaming) : 0;
	DL_FOREACH(streaming->subs, sub) {
		if (!sub_is_active(sub)) {
			carrier_abandon(sub->carrier);
		} else if (wants_own(sub)) {
			open_own(sub, &connecting);
		} else {
			shared_wanted = true;
		}
	}
	return shared_wanted;
}

void
streaming_ws_look(struct streaming *streaming)
{
	struct sub *sub;
	if (!look_at_subs(streaming)) {
		carrier_abandon(streaming->shared);
	} else if (streaming->shared == NULL) {
		if (!streaming->cautious || count_connecting(streaming) == 0) {
			open_shared(streaming);
		}
	} else if (streaming->shared->is_open && streaming->dialect == DIALECT_IN_BAND) {
		DL_FOREACH(streaming->subs, sub) {
			if (sub_is_active(sub) && !wants_own(sub) &&
				!loop_timer_active(sub->timer)) {
				subscribe(sub);
			}
		}
	}
	streaming_probe_next(streaming);
}

void
streaming_ws_on_timer(struct sub *sub)
{
	const struct carrier *carrier = sub_carrier(sub);
	if (carrier == NULL || !carrier->is_open || sub->message == 0) {
		streaming_kick(sub->streaming); /* its wait is over */
	} else if (sub->streaming->paused) {
		loop_timer_start(sub->timer, CONFIRM_MS, 0); /* a refusal may lie unread */
	} else if (!sub->suspected) {
		pace_up(&sub->pace, loop_now_ms(sub->streaming->config.loop));
		if (!sub_is_live(sub)) {
			sub_set(sub, STREAM_LIVE, 0, "");
		}
		if (sub->request != 0) {
			sub_leave_sse(sub);
		}
	}
}

/* ---- which dialect ---- */

static void
learn(struct streaming *streaming, enum dialect dialect)
{
	loop_timer_stop(streaming->ask);
	streaming->dialect = dialect;
	streaming_kick(streaming);
	if (dialect == DIALECT_ADDRESS) {
		log_info(streaming->config.log,
			"%s: the server does not say when it knows no such stream: one connection a stream",
			streaming->config.account->name);
	}
}

void
streaming_ws_on_ask(struct streaming *streaming)
{
	if (streaming->paused) {
		loop_timer_start(streaming->ask, streaming->config.times.answer_ms, 0);
	} else if (streaming->dialect == DIALECT_UNKNOWN) {
		learn(streaming, DIALECT_ADDRESS);
	}
}

void
streaming_ws_opened(struct carrier *carrier)
{
	struct streaming *streaming = carrier->streaming;
	struct sub *sub;
	streaming->bearer_proven = true;
	streaming->redirects = 0;
	streaming->misled = 0;
	streaming_is_up(streaming);
	if (carrier->only != NULL) {
		carrier->only->message = 1; /* the address has it */
		pace_up(&carrier->only->pace, loop_now_ms(streaming->config.loop));
		loop_timer_start(carrier->only->timer, CONFIRM_MS, 0);
		return;
	}
	DL_FOREACH(streaming->subs, sub) {
		if (!wants_own(sub)) {
			sub->message = 0; /* those of a connection that is renewed */
		}
	}
	if (streaming->dialect == DIALECT_UNKNOWN) {
		(void)carrier_ask(carrier);
		loop_timer_start(streaming->ask, streaming->config.times.answer_ms, 0);
	}
}

/* ---- what the server says ---- */

static char *
says(const char *words)
{
	return xasprintf("the server says %s", words);
}

static void
own_error(struct sub *sub, int status, const char *text)
{
	struct streaming *streaming = sub->streaming;
	bool is_trouble = status >= 500 || strstr(text, "unexpected error") != NULL;
	char *words =
		status != 0 ? xasprintf("%d \"%s\"", status, text) : xasprintf("\"%s\"", text);
	char *reason = says(words);
	if (is_trouble) {
		carrier_abandon(sub->carrier);
		sub_wait(sub, reason, 0);
	} else if (ending_of_words(status, text) == ENDING_CREDENTIALS) {
		streaming_stop(streaming, words);
	} else {
		sub_refuse(sub, reason);
	}
	free(reason);
	free(words);
	streaming_kick(streaming);
}

void
streaming_ws_error(struct carrier *carrier, int status, const char *text)
{
	struct streaming *streaming = carrier->streaming;
	if (streaming->trial && (carrier->only != NULL || streaming->dialect != DIALECT_UNKNOWN)) {
		streaming_trial_end(streaming, text);
	} else if (carrier->only != NULL) {
		own_error(carrier->only, status, text);
	} else if (streaming->dialect == DIALECT_UNKNOWN) {
		learn(streaming, DIALECT_IN_BAND);
	} else {
		streaming_on_error_frame(streaming, status, text);
	}
}

void
streaming_ws_answered(struct carrier *carrier, const char *error)
{
	struct streaming *streaming = carrier->streaming;
	struct sub *sub;
	unsigned number = ++carrier->answered;
	if (carrier->only != NULL || carrier != streaming->shared) {
		return;
	}
	if (streaming->dialect == DIALECT_UNKNOWN) {
		learn(streaming, DIALECT_IN_BAND);
		return;
	}
	DL_FOREACH(streaming->subs, sub) {
		if (!sub_is_active(sub) || wants_own(sub) || sub->message != number) {
			continue;
		}
		if (error == NULL) {
			sub_prove(sub);
		} else if (strcmp(error, "bad_topic") == 0) {
			/* Perhaps it reads the parameter in the address only (protocol.md 9.3). */
			loop_timer_stop(sub->timer);
			sub->alone = true;
			forget_one(sub);
		} else if (streaming->trial) {
			streaming_trial_end(streaming, error);
			return;
		} else {
			char *reason = says(error);
			sub_refuse(sub, reason);
			free(reason);
		}
		streaming_kick(streaming);
		return;
	}
}

/* ---- the end of one ---- */

/* New: `401 "Invalid access token"`, or "404" where the server said no more. */
static char *
refusal(const struct ws_ended *ended)
{
	bool has_words = ended->error[0] != '\0' && strstr(ended->error, "with status") == NULL;
	return has_words ? xasprintf("%d \"%s\"", ended->http_status, ended->error)
			 : xasprintf("%d", ended->http_status);
}

/* New: why it ended, in words. */
static char *
describe(const struct streaming *streaming, const struct ws_ended *ended)
{
	const struct account *account = streaming->config.account;
	const char *server = account->streaming != NULL ? account->streaming : account->server;
	if (ended->end == WS_CLOSED && ended->code == 1005) {
		return xasprintf("%s closed the connection without a reason, as it does when a "
				 "token is revoked",
			server);
	}
	if (ended->end == WS_REFUSED) {
		char *words = refusal(ended);
		char *text = xasprintf("%s refuses the WebSocket: it says %s", server, words);
		free(words);
		return text;
	}
	return xasprintf("%s: %s", server, ended->error);
}

/* Tries the token where it was not tried yet; false: nothing is left to try. GoToSocial wants more of a token in
 * Sec-WebSocket-Protocol than of one in Authorization; proxies take out headers (protocol.md 9.1, 9.2a). */
static bool
move_bearer(struct streaming *streaming, const struct ws_ended *ended)
{
	const struct account *account = streaming->config.account;
	if (streaming->bearer_proven || account->token == NULL || account->id == NULL) {
		return false; /* it was good there, or nobody knows that it is good at all */
	}
	if (ended->http_status == 403 && streaming->bearer_in == WS_BEARER_BOTH &&
		!streaming->bearer_in_query) {
		streaming->bearer_in = WS_BEARER_HEADER;
		return true;
	}
	if (ended->http_status == 401 && !streaming->bearer_in_query &&
		strstr(ended->error, "nvalid") == NULL) {
		log_warn(streaming->config.log,
			"%s: the streaming server does not see the token in the headers: it goes into the address, which servers on the way may log",
			account->name);
		streaming->bearer_in_query = true;
		return true;
	}
	return false;
}

/* Follows a redirect; NULL when it did, else why not, new. */
static char *
follow(struct streaming *streaming, const struct ws_ended *ended)
{
	const struct account *account = streaming->config.account;
	const char *origin = account->streaming != NULL ? account->streaming : account->server;
	struct buf to;
	if (++streaming->redirects > HTTP_REDIRECTS_MAX) {
		streaming->redirects = 0;
		free(streaming->ws_place);
		streaming->ws_place = NULL;
		return xasprintf("%s redirects in a circle", origin);
	}
	buf_init(&to, URL_MAX);
	if (ended->location == NULL) {
		/* Some proxies want the path with a slash (protocol.md 2.1). */
		bool slash = streaming->ws_place == NULL;
		(void)buf_printf(&to, "%s/api/v1/streaming%s", origin, slash ? "/" : "");
	} else if (!redirect_resolve(account,
			   streaming->ws_place != NULL ? streaming->ws_place : origin,
			   ended->location, true, &to)) {
		buf_finish(&to);
		streaming_ask_address(streaming);
		return xasprintf(
			"%s points to %s, which its instance document does not name: the token is not sent there",
			origin, ended->location);
	}
	free(streaming->ws_place);
	streaming->ws_place = buf_take(&to, NULL);
	streaming_kick(streaming);
	return NULL;
}

/* What we sent was wrong. Of several streams one may be the cause: then each gets its own connection. */
static void
our_fault(struct streaming *streaming, struct sub *only, const char *words)
{
	struct sub *sub;
	unsigned count = 0;
	char *reason = xasprintf("%s: the server does not like what it was sent", words);
	DL_FOREACH(streaming->subs, sub) {
		count += sub_is_active(sub) && !wants_own(sub) ? 1 : 0;
	}
	if (only != NULL) {
		sub_refuse(only, reason);
	}
	DL_FOREACH(streaming->subs, sub) {
		if (only != NULL || !sub_is_active(sub) || wants_own(sub)) {
			continue;
		}
		if (count > 1) {
			sub->alone = true;
		} else {
			sub_refuse(sub, reason);
		}
	}
	if (only == NULL && count > 1) {
		streaming_wait(streaming, reason, 0);
	}
	free(reason);
}

static void
handshake_failed(struct streaming *streaming, struct sub *only, const struct ws_ended *ended,
	const char *words)
{
	bool reached =
		ended->end != WS_NO_NAME && ended->end != WS_NO_CONNECT && ended->end != WS_TLS;
	streaming->handshakes_failed += reached ? 1 : 0;
	free(streaming->ws_place); /* the place that a redirect named may be what is gone */
	streaming->ws_place = NULL;
	if (only == NULL && streaming->handshakes_failed >= SWITCH_FAILURES &&
		streaming_may_switch(streaming)) {
		streaming_switch(streaming, words);
		return;
	}
	streaming_wait(streaming, words,
		streaming_asked_wait(streaming, ended->retry_after, ended->limit_reset));
}

/* The connection answered the question after its dialect by ending. */
static void
ended_unanswered(struct streaming *streaming, enum ending ending, const char *words)
{
	if (++streaming->asked_in_vain >= 2 || ending == ENDING_OURS) {
		learn(streaming, DIALECT_ADDRESS);
	}
	streaming_wait(streaming, words, 0);
}

static void
refused_credentials(struct streaming *streaming, struct sub *only, const struct ws_ended *ended)
{
	char *words = refusal(ended);
	if (move_bearer(streaming, ended)) {
		streaming_kick(streaming);
	} else if (only != NULL && (streaming_any_live(streaming) || only->asked_again)) {
		/* Pleroma says 401 of a single stream, too. */
		char *reason = says(words);
		sub_refuse(only, reason);
		free(reason);
	} else {
		streaming_stop(streaming, words);
	}
	free(words);
}

/* Old Pleroma refuses an address that names no stream (protocol.md 9.3): then each stream gets its own, once. When those
 * are refused as well it was not that, and `*only` does not count any more. */
static bool
try_address(struct streaming *streaming, struct sub **only)
{
	if (streaming->bearer_proven) {
		return false; /* some address was good */
	}
	if (*only == NULL && streaming->dialect == DIALECT_UNKNOWN && !streaming->address_tried) {
		streaming->address_tried = true;
		streaming->dialect = DIALECT_ADDRESS;
		streaming->cautious = true;
		streaming_kick(streaming);
		return true;
	}
	if (*only != NULL) {
		streaming->dialect = DIALECT_UNKNOWN;
		*only = NULL;
	}
	return false;
}

static void
refuse_all(struct streaming *streaming, const char *reason)
{
	struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub)) {
			sub_refuse(sub, reason);
		}
	}
}

/* The server will not open it; true when that is the last word. */
static bool
refused_for_good(struct streaming *streaming, struct sub *only, enum ending ending,
	const struct ws_ended *ended, const char *words)
{
	if (ending == ENDING_CREDENTIALS || (ending == ENDING_REFUSED && only == NULL)) {
		refused_credentials(streaming, only, ended);
	} else if (ending == ENDING_FORBIDDEN && move_bearer(streaming, ended)) {
		streaming_kick(streaming);
	} else if (try_address(streaming, &only)) {
		return true;
	} else if (only != NULL) {
		sub_refuse(only, words);
	} else if (ending != ENDING_FORBIDDEN && streaming_may_switch(streaming)) {
		streaming_absent(streaming, words);
	} else if (ending == ENDING_OURS) {
		refuse_all(streaming, words);
	} else {
		return false;
	}
	return true;
}

void
streaming_ws_ended(
	struct streaming *streaming, struct sub *only, bool was_open, const struct ws_ended *ended)
{
	enum ending ending = ending_of_ws(ended, was_open);
	bool was_asked = was_open && only == NULL && streaming->dialect == DIALECT_UNKNOWN;
	char *words = describe(streaming, ended);
	char *no_way = NULL;
	if (ended->end == WS_TOO_BIG) {
		streaming->events.on_broken(streaming->data, ended->error);
	}
	if (ending == ENDING_MOVED && (no_way = follow(streaming, ended)) == NULL) {
		free(words);
		return;
	}
	if (!was_open && streaming->ws_place != NULL && ending != ENDING_MOVED &&
		++streaming->misled <= HTTP_REDIRECTS_MAX) {
		ending = ENDING_DOWN; /* which forgets the place */
	}
	if (streaming->trial && (only == NULL || only->request != 0)) {
		streaming_trial_end(streaming, no_way != NULL ? no_way : words);
	} else if (streaming_regain_failed(streaming, words)) {
		/* Another way is tried, or polling goes on. */
	} else if (was_asked) {
		ended_unanswered(streaming, ending, words);
	} else if (was_open && ending == ENDING_OURS) {
		our_fault(streaming, only, words);
	} else if (was_open && only != NULL) {
		sub_wait(only, words, 0);
	} else if (was_open) {
		streaming_wait(streaming, words, 0);
	} else if (ending == ENDING_DOWN || ending == ENDING_MOVED ||
		   !refused_for_good(streaming, only, ending, ended, words)) {
		handshake_failed(streaming, streaming->dialect == DIALECT_UNKNOWN ? NULL : only,
			ended, no_way != NULL ? no_way : words);
	}
	free(no_way);
	free(words);
}
