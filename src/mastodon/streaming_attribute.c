/* SPDX-License-Identifier: MIT */
/* Whose a WebSocket frame is: events of servers that name their streams otherwise, and error frames. */
#define LOG_MODULE "stream"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "answer.h"
#include "attr.h"
#include "decode.h"
#include "streaming_private.h"
#include "xmalloc.h"

static void
prove(struct sub *sub)
{
	sub->proven = true;
	sub->suspected = false;
	if (!sub_is_live(sub)) {
		loop_timer_stop(sub->timer);
		sub_set(sub, STREAM_LIVE, 0, "");
	}
}

static bool
is_exactly(const struct sub *sub, const struct event *event)
{
	return sub_is_active(sub) && str_eq_text(event->stream, sub->info->name) &&
	       (event->param.len == 0 ? sub->param == NULL : str_eq(event->param, sub_param(sub)));
}

static struct sub *
find(struct streaming *streaming, const struct event *event)
{
	struct sub *sub;
	if (streaming->found != NULL && is_exactly(streaming->found, event)) {
		return streaming->found;
	}
	DL_FOREACH(streaming->subs, sub) {
		if (is_exactly(sub, event)) {
			return sub;
		}
	}
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub) && stream_same(str_from(sub->info->name), sub_param(sub),
						  event->stream, event->param)) {
			return sub;
		}
	}
	return NULL;
}

/* ---- events of other servers (protocol.md 9.1) ---- */

/* Akkoma names no stream for a delete: it goes to all of ours. A plugin has an event once, whoever brought it. */
static void
deliver_to_all(struct streaming *streaming, const struct decode_context *context, struct str text)
{
	struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		struct decode_context with_stream = *context;
		struct decode_output out = {0};
		with_stream.stream = str_from(sub->info->name);
		with_stream.param = sub_param(sub);
		if (sub_is_active(sub) && decode_ws(&with_stream, text, &out) == DECODE_EVENT) {
			streaming_deliver(streaming, out.event);
		}
	}
}

/* Iceshrimp-JS leaves the tag and the list id out: no doubt while we have one of that name. */
static struct sub *
find_only(struct streaming *streaming, const struct event *event)
{
	struct sub *sub;
	struct sub *only = NULL;
	DL_FOREACH(streaming->subs, sub) {
		if (!sub_is_active(sub) || !str_eq_text(event->stream, sub->info->name)) {
			continue;
		}
		if (only != NULL || event->param.len > 0) {
			return NULL;
		}
		only = sub;
	}
	return only;
}

static void
deliver_as(struct sub *sub, struct event *event)
{
	sub->event_ms = event->received_at_ms;
	struct event parts = *event;
	parts.param = sub_param(sub);
	event->doc = NULL; /* the new event owns it */
	streaming_deliver(sub->streaming, event_create(&parts));
	event_unref(event);
}

void
streaming_attribute(struct streaming *streaming, const struct decode_context *context,
	struct event *event, struct str text)
{
	struct sub *sub = find(streaming, event);
	if (sub != NULL) {
		streaming->found = sub;
		prove(sub);
		sub->event_ms = event->received_at_ms;
		streaming_deliver(streaming, event);
		return;
	}
	if (event->stream.len == 0) {
		deliver_to_all(streaming, context, text);
	} else if ((sub = find_only(streaming, event)) != NULL) {
		prove(sub);
		deliver_as(sub, event);
		return;
	} else {
		log_debug(streaming->config.log, "%s: an event of \"%.*s\", which is none of ours",
			streaming->config.account->name, STR_ARG(event->stream));
	}
	event_unref(event);
}

/* ---- error frames (protocol.md 2.3) ---- */

static bool
may_concern(const struct sub *sub, const char *text)
{
	if (!sub_is_active(sub) || !sub->subscribed || sub->proven) {
		return false;
	}
	const char *parameter = sub->info->parameter;
	if (strstr(text, "this list") != NULL || strstr(text, "list name") != NULL) {
		return parameter != NULL && strcmp(parameter, "list") == 0;
	}
	if (strstr(text, "tag name") != NULL) {
		return parameter != NULL && strcmp(parameter, "tag") == 0;
	}
	return true;
}

/* The server failed and has not subscribed somebody: all who may be meant subscribe again, which the
 * server does not mind. */
static void
subscribe_again(struct sub *sub, const char *text)
{
	const struct streaming_config *config = &sub->streaming->config;
	int64_t wait_ms = pace_down(&sub->pace, config->rng, loop_now_ms(config->loop));
	sub->subscribed = false;
	sub_set(sub, STREAM_WAITING, wait_ms, text);
	loop_timer_start(sub->timer, wait_ms, 0);
}

/* What a server says about a subscription, with its status or, until Mastodon 4.2, without. */
static bool
is_refusal(int status, const char *text)
{
	static const char *const words[] = {
		"scope", "this list", "list name", "tag name", "Unknown stream"};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (strstr(text, words[i]) != NULL) {
			return true;
		}
	}
	return status >= 400 && status < 500;
}

static void
refuse_or_stop(struct sub *sub, int status, const char *words)
{
	if (status == 401 && streaming_sse_verdict(status, words) == SSE_CREDENTIALS) {
		streaming_stop(sub->streaming, words);
		return;
	}
	char *reason = xasprintf("the server says %s", words);
	sub_refuse(sub, reason);
	free(reason);
}

static void
doubt_all(struct streaming *streaming, bool is_trouble, const char *text, const char *words)
{
	struct sub *sub;
	char *reason = xasprintf("the server says %s", words);
	DL_FOREACH(streaming->subs, sub) {
		if (!may_concern(sub, text)) {
			continue;
		}
		if (is_trouble) {
			subscribe_again(sub, reason);
		} else {
			sub->suspected = true;
		}
	}
	free(reason);
	streaming_kick(streaming);
}

void
streaming_on_error_frame(struct streaming *streaming, int status, const char *text)
{
	struct sub *sub;
	struct sub *candidate = NULL;
	unsigned count = 0;
	DL_FOREACH(streaming->subs, sub) {
		if (may_concern(sub, text)) {
			candidate = sub;
			count++;
		}
	}
	bool is_trouble = status >= 500 || strstr(text, "unexpected error") != NULL;
	char *words =
		status != 0 ? xasprintf("%d \"%s\"", status, text) : xasprintf("\"%s\"", text);
	if (count == 0 || is_trouble || strstr(text, "unsubscribing") != NULL) {
		log_warn(streaming->config.log, "%s: the server says %s",
			streaming->config.account->name, words);
	}
	if (strstr(text, "unsubscribing") != NULL) {
		/* Late news about a stream that is gone. */
	} else if (count == 1 && !is_trouble && is_refusal(status, text)) {
		refuse_or_stop(candidate, status, words);
	} else {
		doubt_all(streaming, is_trouble, text, words);
	}
	free(words);
}

/* ---- probes: the same stream is asked for over SSE, where the answer has a status ---- */

void
streaming_probe_cancel(struct streaming *streaming)
{
	if (streaming->probing != NULL) {
		http_cancel(streaming->config.http, streaming->probe_request);
		streaming->probing = NULL;
		streaming->probe_request = 0;
	}
}

/* Nothing came of it: the stream counts as live, with a warning. */
static void
shrug(struct sub *sub, const char *words)
{
	char label[SUB_LABEL_BYTES];
	log_warn(sub->streaming->config.log,
		"%s: the server refused one of several streams without saying which; %s may be "
		"silent (asked for over HTTP: %s)",
		sub->streaming->config.account->name, sub_label(sub, label, sizeof(label)), words);
	prove(sub);
}

static void
end_probe(struct streaming *streaming, int status, const char *words)
{
	struct sub *sub = streaming->probing;
	streaming->probing = NULL;
	streaming->probe_request = 0;
	streaming_kick(streaming); /* for the next one */
	if (!sub_is_active(sub) || !sub->suspected) {
		return;
	}
	sub->suspected = false;
	char *reason = xasprintf("the server says %s", words);
	switch (streaming_sse_verdict(status, words)) {
	case SSE_GOOD:
		prove(sub);
		break;
	case SSE_REFUSED:
		sub_refuse(sub, reason);
		break;
	case SSE_CREDENTIALS:
		streaming_stop(streaming, words);
		break;
	case SSE_ABSENT:
	case SSE_TROUBLE:
		shrug(sub, words);
		break;
	}
	free(reason);
}

static bool
on_probe_head(void *data, const struct http_answer *head)
{
	struct streaming *streaming = data;
	if (head->status != 200) {
		return false; /* the body says why */
	}
	streaming->probe_is_good = true;
	streaming_kick(streaming); /* which ends the request */
	return true;
}

static void
on_probe_data(void *data, struct str bytes)
{
	(void)data;
	(void)bytes;
}

static void
on_probe_done(void *data, const struct http_answer *answer)
{
	struct streaming *streaming = data;
	char *words = answer_describe(answer, streaming->config.parser);
	end_probe(streaming, answer->status, words);
	free(words);
}

void
streaming_probe_next(struct streaming *streaming)
{
	struct sub *sub;
	if (streaming->probing != NULL) {
		if (streaming->probe_is_good) {
			http_cancel(streaming->config.http, streaming->probe_request);
			end_probe(streaming, 200, "200");
		}
		return;
	}
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub) && sub->suspected) {
			struct http_request hooks = {
				.on_head = on_probe_head,
				.on_data = on_probe_data,
				.on_done = on_probe_done,
				.data = streaming,
			};
			streaming->probe_is_good = false;
			streaming->probe_request = streaming_sse_request(sub, &hooks);
			if (streaming->probe_request == 0) {
				sub->suspected = false;
				shrug(sub, "too many requests are running");
				continue;
			}
			streaming->probing = sub;
			return;
		}
	}
}
