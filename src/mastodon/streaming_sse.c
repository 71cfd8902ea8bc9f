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
#include "streaming_private.h"
#include "url.h"
#include "xmalloc.h"

/* ":)" comes with the headers; without it a proxy holds the stream back (protocol.md 10, row 7). */
#define FIRST_BYTES_MS 15000

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
	(void)buf_printf(&url, "%s%s",
		account->streaming != NULL ? account->streaming : account->server, sub->info->path);
	if (sub->info->query != NULL) {
		(void)buf_printf(&url, "?%s", sub->info->query);
	}
	if (sub->param != NULL) {
		(void)buf_printf(&url, "?%s=", sub->info->parameter);
		url_encode(sub_param(sub), &url);
	}
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

enum sse_verdict
streaming_sse_verdict(int status, const char *words)
{
	switch (status) {
	case 200:
		return SSE_GOOD;
	case 400:
		return SSE_REFUSED;
	case 401:
		/* One status for three things; only the words tell a bad token from a stream that this
		 * token may not have (protocol.md 1.4). */
		return strstr(words, "scope") != NULL || strstr(words, "this list") != NULL
			       ? SSE_REFUSED
			       : SSE_CREDENTIALS;
	case 404:
	case 405:
	case 501:
		return SSE_ABSENT;
	default:
		return SSE_TROUBLE;
	}
}

void
streaming_sse_cancel(struct sub *sub)
{
	if (sub->request != 0) {
		http_cancel(sub->streaming->config.http, sub->request);
		sub->request = 0;
	}
}

static bool
any_live(const struct streaming *streaming)
{
	const struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		if (!sub->removed && !sub->polled && sub_is_live(sub)) {
			return true;
		}
	}
	return false;
}

/* The answer ended or none came: waits, or leaves SSE to WebSocket. */
static void
failed(struct sub *sub, const char *reason, int64_t least_ms)
{
	struct streaming *streaming = sub->streaming;
	const struct streaming_config *config = &streaming->config;
	char label[SUB_LABEL_BYTES];
	sub->failures++;
	int64_t wait_ms = pace_down(&sub->pace, config->rng, loop_now_ms(config->loop));
	wait_ms = wait_ms < least_ms ? least_ms : wait_ms;
	sub_set(sub, STREAM_WAITING, wait_ms, reason);
	if (config->transport == TRANSPORT_AUTO && sub->failures >= SWITCH_FAILURES &&
		!any_live(streaming)) {
		streaming_switch(streaming, reason);
		return;
	}
	log_warn(config->log, "%s: %s: %s; next attempt in %.1f s", config->account->name,
		sub_label(sub, label, sizeof(label)), reason, (double)wait_ms / 1000.0);
	loop_timer_start(sub->timer, wait_ms, 0);
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
		sub->event_ms = out.event->received_at_ms;
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

static bool
on_head(void *data, const struct http_answer *head)
{
	struct sub *sub = data;
	const char *type = http_header(head, "content-type");
	if (head->status != 200 || type == NULL ||
		!str_starts(str_from(type), "text/event-stream")) {
		return false;
	}
	loop_timer_start(sub->timer, FIRST_BYTES_MS, 0);
	return true;
}

static void
on_data(void *data, struct str bytes)
{
	struct sub *sub = data;
	sub->byte_ms = streaming_wall_ms(sub->streaming);
	if (!sub->has_bytes) {
		sub->has_bytes = true;
		sub->failures = 0;
		loop_timer_stop(sub->timer);
		int64_t now_ms = loop_now_ms(sub->streaming->config.loop);
		pace_up(&sub->pace, now_ms);
		if (sub->streaming->pace.up_since_ms < 0) {
			pace_up(&sub->streaming->pace, now_ms);
		}
		sub_set(sub, STREAM_LIVE, 0, "");
	}
	if (sse_feed(&sub->sse, bytes) != ERR_OK) {
		streaming_broken(sub->streaming, "an event is longer than SSE_EVENT_MAX");
		streaming_sse_cancel(sub);
		failed(sub, "the server sent an event that is too long", 0);
	}
}

/* Seconds, or the time of X-RateLimit-Reset; 0 without. Never longer than the cap. */
static int64_t
asked_wait_ms(const struct sub *sub, const struct http_answer *answer)
{
	struct clock clock = loop_clock(sub->streaming->config.loop);
	int64_t wait_ms = 0;
	int64_t at_ms = 0;
	int64_t seconds = 0;
	if (str_to_int(str_from(http_header(answer, "retry-after")), 0, 3600, &seconds)) {
		wait_ms = seconds * 1000;
	} else if (time_parse(str_from(http_header(answer, "x-ratelimit-reset")), &at_ms)) {
		wait_ms = at_ms - clock_wall_ms(&clock);
	}
	return wait_ms > STREAMING_CAP_MS ? STREAMING_CAP_MS : wait_ms;
}

static void
on_refusal(struct sub *sub, const struct http_answer *answer, const char *words)
{
	struct streaming *streaming = sub->streaming;
	char *reason = NULL;
	switch (streaming_sse_verdict(answer->status, words)) {
	case SSE_GOOD:
		reason = xasprintf("the server answers with %s and not with an event stream",
			answer_is_html(answer) ? "an HTML page" : "something else");
		failed(sub, reason, 0);
		break;
	case SSE_REFUSED:
		reason = xasprintf("the server says %s", words);
		sub_refuse(sub, reason);
		break;
	case SSE_CREDENTIALS:
		streaming_stop(streaming, words);
		break;
	case SSE_ABSENT:
		if (streaming->config.transport == TRANSPORT_AUTO && !any_live(streaming)) {
			streaming_switch(streaming, "the server has no SSE");
		} else {
			reason = xasprintf("the server has no such stream over SSE (it says %s): "
					   "try --transport ws",
				words);
			sub_refuse(sub, reason);
		}
		break;
	case SSE_TROUBLE:
		reason = xasprintf("the server says %s", words);
		failed(sub, reason, asked_wait_ms(sub, answer));
		break;
	}
	free(reason);
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct sub *sub = data;
	sub->request = 0;
	if (sub->removed) {
		return;
	}
	loop_timer_stop(sub->timer);
	char *words = answer_describe(answer, sub->streaming->config.parser);
	if (answer->end == HTTP_REJECTED) {
		on_refusal(sub, answer, words);
	} else if (answer->end == HTTP_DONE) {
		/* Perhaps revoked: the next attempt will say 401 then (protocol.md 1.6). */
		failed(sub,
			"the server ended the stream in good order, as it does when a token is "
			"revoked",
			0);
	} else {
		failed(sub, words, 0);
	}
	free(words);
}

void
streaming_sse_on_timer(struct sub *sub)
{
	if (sub->request == 0) {
		streaming_kick(sub->streaming);
	} else if (sub->streaming->paused) {
		loop_timer_start(sub->timer, FIRST_BYTES_MS, 0);
	} else if (!sub->has_bytes) {
		streaming_sse_cancel(sub);
		failed(sub,
			"the server answers but sends nothing: a proxy may hold the stream back",
			0);
	}
}

void
streaming_sse_connect(struct sub *sub)
{
	struct http_request hooks = {
		.on_head = on_head, .on_data = on_data, .on_done = on_done, .data = sub};
	if (sub->request != 0) {
		return;
	}
	sse_finish(&sub->sse);
	sse_init(&sub->sse, streaming_sse_on_event, sub);
	sub->has_bytes = false;
	sub_set(sub, STREAM_CONNECTING, 0, "");
	sub->request = streaming_sse_request(sub, &hooks);
	if (sub->request == 0) {
		failed(sub, "too many requests are running", 0);
	} else if (sub->streaming->paused) {
		http_pause(sub->streaming->config.http, sub->request, true);
	}
}
