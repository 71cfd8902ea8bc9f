/* SPDX-License-Identifier: MIT */
/* Whose a WebSocket frame is: events of servers that name their streams otherwise, and error frames. */
#define LOG_MODULE "stream"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "attr.h"
#include "decode.h"
#include "streaming_private.h"
#include "xmalloc.h"

void
sub_prove(struct sub *sub)
{
	sub->proven = true;
	sub->suspected = false;
	if (!sub_is_live(sub)) {
		loop_timer_stop(sub->timer);
		sub_set(sub, STREAM_LIVE, 0, "");
	}
	if (sub->request != 0 && sub->streaming->use_ws && !loop_timer_active(sub->timer)) {
		sub_leave_sse(sub);
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
	sub_heard(sub, event);
	struct event parts = *event;
	parts.stream = str_from(sub->info->name);
	parts.param = sub_param(sub);
	event->doc = NULL; /* the new event owns it */
	streaming_deliver(sub->streaming, event_create(&parts));
	event_unref(event);
}

void
streaming_attribute(struct carrier *carrier, const struct decode_context *context,
	struct event *event, struct str text)
{
	struct streaming *streaming = carrier->streaming;
	struct sub *sub = carrier->only;
	if (sub != NULL && !sub_is_active(sub)) {
		event_unref(event);
		return;
	}
	if (sub != NULL && !is_exactly(sub, event)) {
		/* Akkoma and others name their streams as they like (protocol.md 9.1); here is no doubt. */
		sub_prove(sub);
		deliver_as(sub, event);
		return;
	}
	sub = sub != NULL ? sub : find(streaming, event);
	if (sub != NULL) {
		streaming->found = sub;
		sub_prove(sub);
		sub_heard(sub, event);
		streaming_deliver(streaming, event);
		return;
	}
	if (event->stream.len == 0) {
		deliver_to_all(streaming, context, text);
	} else if ((sub = find_only(streaming, event)) != NULL) {
		sub_prove(sub);
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
	if (!sub_is_active(sub) || sub->carrier != NULL || sub->message == 0 || sub->proven) {
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
	sub->message = 0;
	sub_wait(sub, text, 0);
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
	if (ending_of_words(status, words) == ENDING_CREDENTIALS) {
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
