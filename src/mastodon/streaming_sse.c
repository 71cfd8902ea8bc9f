/* SPDX-License-Identifier: MIT */
/* One SSE answer for each stream (protocol.md 1). */
#define LOG_MODULE "stream"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "answer.h"
#include "decode.h"
#include "limits.h"
#include "redirect.h"
#include "streaming_private.h"
#include "url.h"
#include "xmalloc.h"

static void
put_address(const struct sub *sub, struct buf *url)
{
	const struct account *account = sub->streaming->config.account;
	if (sub->place != NULL) {
		(void)buf_add_text(url, sub->place);
		return;
	}
	(void)buf_printf(url, "%s%s",
		account->streaming != NULL ? account->streaming : account->server, sub->info->path);
	if (sub->info->query != NULL) {
		(void)buf_printf(url, "?%s", sub->info->query);
	}
	if (sub->param != NULL) {
		(void)buf_printf(url, "?%s=", sub->info->parameter);
		url_encode(sub_param(sub), url);
	}
}

unsigned
streaming_sse_request(const struct sub *sub, const struct http_request *hooks)
{
	static const struct http_header headers[] = {
		{"Accept", "text/event-stream"},
		/* Proxies that compress an event stream also hold it back (protocol.md 10, row 6). */
		{"Accept-Encoding", "identity"},
	};
	const struct streaming *streaming = sub->streaming;
	const struct account *account = streaming->config.account;
	struct buf url;
	buf_init(&url, URL_MAX);
	put_address(sub, &url);
	struct http_request request = *hooks;
	request.url = url.ptr;
	request.headers = headers;
	request.header_count = sizeof(headers) / sizeof(headers[0]);
	request.bearer = account->token;
	request.ca_file = account->ca_file;
	request.total_ms = -1;
	unsigned id = url.err == ERR_OK ? http_start(streaming->config.http, &request) : 0;
	buf_finish(&url);
	return id;
}

void
streaming_sse_cancel(struct sub *sub)
{
	pulse_stop(&sub->pulse);
	if (sub->request != 0) {
		http_cancel(sub->streaming->config.http, sub->request);
		sub->request = 0;
	}
}

/* It stood, or none came although the server is there: waits, or leaves SSE to WebSocket. */
static void
failed(struct sub *sub, const char *reason)
{
	struct streaming *streaming = sub->streaming;
	if (streaming_regain_failed(streaming, reason)) {
		return;
	}
	sub_wait(sub, reason, 0);
	if (sub->failures >= SWITCH_FAILURES && streaming_may_switch(streaming)) {
		streaming_switch(streaming, reason);
	}
	streaming_kick(streaming);
}

/* Everybody waits. */
static void
server_failed(struct sub *sub, const char *reason, int64_t least_ms)
{
	struct streaming *streaming = sub->streaming;
	free(sub->place); /* the place that a redirect named may be what is gone */
	sub->place = NULL;
	if (streaming_regain_failed(streaming, reason)) {
		return;
	}
	if (++streaming->handshakes_failed >= SWITCH_FAILURES && streaming_may_switch(streaming)) {
		streaming_switch(streaming, reason);
	} else {
		streaming_wait(streaming, reason, least_ms);
	}
}

void
streaming_sse_on_event(void *data, struct str type, struct str payload)
{
	struct sub *sub = data;
	struct streaming *streaming = sub->streaming;
	struct clock clock = loop_clock(streaming->config.loop);
	if (sub->removed || sub->request == 0) {
		return; /* taken away by the event before, in the same bytes */
	}
	struct decode_context context = {
		.parser = streaming->config.parser,
		.stream = str_from(sub->info->name),
		.param = sub_param(sub),
		.account = str_from(streaming->config.account->name),
		.origin = ORIGIN_LIVE,
		.received_at_ms = clock_wall_ms(&clock),
	};
	struct decode_output out = {0};
	switch (decode_sse(&context, type, payload, &out)) {
	case DECODE_EVENT:
		sub_heard(sub, out.event);
		streaming_deliver(streaming, out.event);
		break;
	case DECODE_ERROR:
	case DECODE_BROKEN:
		streaming_broken(streaming, out.error_text);
		break;
	case DECODE_IGNORED:
		break;
	}
}

static void
watch(struct sub *sub)
{
	const struct streaming *streaming = sub->streaming;
	const struct streaming_times *times = &streaming->config.times;
	uint64_t range = (uint64_t)(times->age_max_ms - times->age_min_ms);
	struct pulse_times watched = {
		.first_ms = sub->has_bytes ? 0 : times->first_byte_ms,
		.quiet_ms = times->sse_quiet_ms,
		.age_ms = times->age_min_ms + (int64_t)rng_below(streaming->config.rng, range + 1),
	};
	pulse_start(&sub->pulse, &watched);
}

static bool
on_head(void *data, const struct http_answer *head)
{
	struct sub *sub = data;
	const char *type = http_header(head, "content-type");
	if (head->status != 200 || type == NULL ||
		!str_starts(str_from(type), "text/event-stream")) {
		return false;
	}
	watch(sub);
	return true;
}

static void
on_data(void *data, struct str bytes)
{
	struct sub *sub = data;
	struct streaming *streaming = sub->streaming;
	sub->byte_ms = streaming_wall_ms(streaming);
	pulse_beat(&sub->pulse);
	if (!sub->has_bytes) {
		sub->has_bytes = true;
		sub->failures = 0;
		sub->redirects = 0;
		sub->misled = 0;
		pace_up(&sub->pace, loop_now_ms(streaming->config.loop));
		streaming_is_up(streaming);
		sub_set(sub, STREAM_LIVE, 0, "");
	}
	if (sse_feed(&sub->sse, bytes) != ERR_OK) {
		streaming_broken(streaming, "an event is longer than SSE_EVENT_MAX");
		streaming_sse_cancel(sub);
		failed(sub, "the server sent an event that is too long");
	}
}

void
streaming_sse_on_pulse(void *data, enum pulse_news news)
{
	struct sub *sub = data;
	struct streaming *streaming = sub->streaming;
	char text[128];
	if (news == PULSE_OLD && streaming->paused) {
		watch(sub); /* what lies unread would be lost */
		return;
	}
	if (news == PULSE_OLD && streaming_trial_start(streaming)) {
		sub->old = true;
		watch(sub);
		return;
	}
	streaming_sse_cancel(sub);
	if (news == PULSE_MUTE) {
		failed(sub,
			"the server answers but sends nothing: a proxy may hold the stream back");
	} else if (news == PULSE_QUIET) {
		(void)snprintf(text, sizeof(text),
			"nothing came for %lld s, not even a heartbeat: the connection is dead",
			(long long)(streaming->config.times.sse_quiet_ms / 1000));
		failed(sub, text);
	} else {
		sub->renewing = true;
		sub_set(sub, STREAM_CONNECTING, 0, "the connection was old and is renewed");
		streaming_kick(streaming);
	}
}

/* Follows a redirect; NULL when it does, else why not, new. */
static char *
follow(struct sub *sub, const struct http_answer *answer)
{
	struct streaming *streaming = sub->streaming;
	const struct account *account = streaming->config.account;
	const char *origin = account->streaming != NULL ? account->streaming : account->server;
	const char *location = http_header(answer, "location");
	struct buf to;
	if (location == NULL || ++sub->redirects > HTTP_REDIRECTS_MAX) {
		bool circle = location != NULL;
		sub->redirects = 0;
		free(sub->place);
		sub->place = NULL;
		return xasprintf(circle ? "%s redirects in a circle"
					: "%s redirects, and does not say where to",
			origin);
	}
	buf_init(&to, URL_MAX);
	if (!redirect_resolve(
		    account, sub->place != NULL ? sub->place : origin, location, false, &to)) {
		buf_finish(&to);
		streaming_ask_address(streaming);
		return xasprintf(
			"%s points to %s, which its instance document does not name: the token is not sent there",
			origin, location);
	}
	free(sub->place);
	sub->place = buf_take(&to, NULL);
	streaming_kick(streaming);
	return NULL;
}

static void
absent(struct sub *sub, const char *words)
{
	if (streaming_regain_failed(sub->streaming, words)) {
		return;
	}
	if (streaming_may_switch(sub->streaming)) {
		streaming_absent(sub->streaming, "the server has no SSE");
		return;
	}
	char *reason = xasprintf(
		"the server has no such stream over SSE (it says %s): try --transport ws", words);
	sub_refuse(sub, reason);
	free(reason);
}

/* New: what the server answered where an event stream was asked for. */
static char *
describe(const struct http_answer *answer, const char *words)
{
	return answer->end == HTTP_REJECTED && answer->status == 200
		       ? xasprintf("the server answers with %s and not with an event stream",
				 answer_is_html(answer) ? "an HTML page" : "something else")
	       : answer->end == HTTP_REJECTED ? xasprintf("the server says %s", words)
					      : xstrdup(words);
}

static void
no_stream(struct sub *sub, const struct http_answer *answer, const char *words)
{
	char *reason = describe(answer, words);
	char *no_way = NULL;
	enum ending ending = ending_of_sse(answer, words);
	if (sub->place != NULL && ending != ENDING_MOVED && ending != ENDING_TRANSIENT &&
		++sub->misled <= HTTP_REDIRECTS_MAX) {
		ending = ENDING_DOWN; /* which forgets the place */
	}
	switch (ending) {
	case ENDING_TRANSIENT:
		failed(sub, reason);
		break;
	case ENDING_OURS:
	case ENDING_REFUSED:
		sub_refuse(sub, reason);
		break;
	case ENDING_CREDENTIALS:
		streaming_stop(sub->streaming, words);
		break;
	case ENDING_ABSENT:
		absent(sub, words);
		break;
	case ENDING_MOVED:
		no_way = follow(sub, answer);
		if (no_way != NULL) {
			server_failed(sub, no_way, 0);
		}
		break;
	case ENDING_DOWN:
	case ENDING_FORBIDDEN:
		server_failed(sub, reason,
			streaming_asked_wait(sub->streaming, http_header(answer, "retry-after"),
				http_header(answer, "x-ratelimit-reset")));
		break;
	}
	free(no_way);
	free(reason);
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct sub *sub = data;
	struct streaming *streaming = sub->streaming;
	sub->request = 0;
	pulse_stop(&sub->pulse);
	if (sub->removed) {
		return;
	}
	if (answer->end == HTTP_DONE) {
		/* Perhaps revoked: then the next attempt, and only one, says 401 (protocol.md 1.6). */
		streaming->cautious = true;
		failed(sub, "the server ended the stream in good order, as it does when a token is "
			    "revoked");
		return;
	}
	char *words = answer_describe(answer, streaming->config.parser);
	no_stream(sub, answer, words);
	free(words);
}

static void
connect_sse(struct sub *sub)
{
	struct http_request hooks = {
		.on_head = on_head, .on_data = on_data, .on_done = on_done, .data = sub};
	sse_finish(&sub->sse);
	sse_init(&sub->sse, streaming_sse_on_event, sub);
	sub->has_bytes = false;
	sub_set(sub, STREAM_CONNECTING, 0, "");
	sub->request = streaming_sse_request(sub, &hooks);
	if (sub->request == 0) {
		sub_wait(sub, "too many requests are running", 0);
	}
}

void
streaming_sse_look(struct streaming *streaming)
{
	struct sub *sub;
	unsigned connecting = 0;
	DL_FOREACH(streaming->subs, sub) {
		if (!sub_is_active(sub)) {
			streaming_sse_cancel(sub);
		}
		connecting += sub->request != 0 && !sub->has_bytes ? 1 : 0;
	}
	DL_FOREACH(streaming->subs, sub) {
		bool due =
			sub_is_active(sub) && sub->request == 0 && !loop_timer_active(sub->timer);
		if (due && !(streaming->cautious && connecting > 0)) {
			connecting++;
			connect_sse(sub);
		}
	}
}
