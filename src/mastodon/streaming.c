/* SPDX-License-Identifier: MIT */
/* The streams of an account and their states; how they are carried is in streaming_ws.c and streaming_sse.c. */
#define LOG_MODULE "stream"
#include "streaming.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "attr.h"
#include "limits.h"
#include "streaming_private.h"
#include "xmalloc.h"

const char *
stream_state_name(enum stream_state state)
{
	switch (state) {
	case STREAM_CONNECTING:
		return "connecting";
	case STREAM_LIVE:
		return "live";
	case STREAM_FILLING:
		return "filling";
	case STREAM_WAITING:
		return "waiting";
	case STREAM_REFUSED:
		return "refused";
	case STREAM_DISABLED:
		return "disabled";
	}
	return "?";
}

/* ---- one stream ---- */

bool
sub_is_active(const struct sub *sub)
{
	return !sub->removed && !sub->polled && sub->state != STREAM_REFUSED &&
	       sub->state != STREAM_DISABLED;
}

bool
sub_is_live(const struct sub *sub)
{
	return sub->state == STREAM_LIVE || sub->state == STREAM_FILLING;
}

struct str
sub_param(const struct sub *sub)
{
	return str_from(sub->param);
}

const char *
sub_label(const struct sub *sub, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s%s", sub->info->name, sub->param != NULL ? " " : "",
		sub->param != NULL ? sub->param : "");
	return out;
}

int64_t
streaming_wall_ms(const struct streaming *streaming)
{
	struct clock clock = loop_clock(streaming->config.loop);
	return clock_wall_ms(&clock);
}

static const char *
transport_name(const struct sub *sub)
{
	return sub->polled ? "poll" : sub->streaming->use_ws ? "ws" : "sse";
}

static struct stream_status
sub_status(const struct sub *sub)
{
	const struct streaming *streaming = sub->streaming;
	int64_t left = sub->retry_at_ms - loop_now_ms(sub->streaming->config.loop);
	return (struct stream_status){
		.stream = str_from(sub->info->name),
		.param = sub_param(sub),
		.state = sub->state,
		.was = sub->was,
		.retry_ms = sub->state == STREAM_WAITING && left > 0 ? left : 0,
		.reason = sub->reason,
		.transport = transport_name(sub),
		.since_ms = sub->since_ms,
		.last_byte_ms = streaming->use_ws ? streaming->byte_ms : sub->byte_ms,
		.last_event_ms = sub->event_ms,
		.attempts = streaming->failures + sub->failures,
	};
}

void
sub_set(struct sub *sub, enum stream_state state, int64_t retry_ms, const char *reason)
{
	struct streaming *streaming = sub->streaming;
	if (sub->removed || (sub->state == state && state != STREAM_WAITING &&
				    strcmp(sub->reason, reason) == 0)) {
		return;
	}
	if (state != sub->state && (state == STREAM_LIVE || state == STREAM_FILLING)) {
		char label[SUB_LABEL_BYTES];
		log_info(streaming->config.log, "%s: %s is %s (%s)",
			streaming->config.account->name, sub_label(sub, label, sizeof(label)),
			stream_state_name(state), transport_name(sub));
	}
	char *copy = xstrdup(reason); /* `reason` may be the old one */
	free(sub->reason);
	sub->reason = copy;
	sub->since_ms = sub->state != state ? streaming_wall_ms(streaming) : sub->since_ms;
	sub->was = sub->state;
	sub->state = state;
	sub->retry_at_ms = loop_now_ms(streaming->config.loop) + retry_ms;
	struct stream_status status = sub_status(sub);
	streaming->events.on_state(streaming->data, &status);
}

void
sub_refuse(struct sub *sub, const char *reason)
{
	char label[SUB_LABEL_BYTES];
	log_error(sub->streaming->config.log, "%s: %s will not work: %s",
		sub->streaming->config.account->name, sub_label(sub, label, sizeof(label)), reason);
	loop_timer_stop(sub->timer);
	sub_set(sub, STREAM_REFUSED, 0, reason);
}

static void
on_sub_timer(void *data)
{
	struct sub *sub = data;
	if (!sub_is_active(sub)) {
		return;
	}
	if (sub->streaming->use_ws) {
		streaming_ws_on_timer(sub);
	} else {
		streaming_sse_on_timer(sub);
	}
}

static void
sub_destroy(struct sub *sub)
{
	struct streaming *streaming = sub->streaming;
	streaming_sse_cancel(sub);
	if (streaming->probing == sub) {
		streaming_probe_cancel(streaming);
	}
	if (streaming->found == sub) {
		streaming->found = NULL;
	}
	DL_DELETE(streaming->subs, sub);
	loop_timer_destroy(sub->timer);
	sse_finish(&sub->sse);
	free(sub->param);
	free(sub->reason);
	free(sub);
}

/* ---- all streams ---- */

void
streaming_deliver(struct streaming *streaming, struct event *event)
{
	streaming->events.on_event(streaming->data, event);
}

void
streaming_broken(struct streaming *streaming, const char *what)
{
	int64_t now_ms = loop_now_ms(streaming->config.loop);
	streaming->events.on_broken(streaming->data, what);
	/* A server that sends nothing else must not fill the log. */
	if (streaming->broken_said_ms != 0 &&
		now_ms - streaming->broken_said_ms < STREAMING_SAY_MS) {
		streaming->broken_unsaid++;
		return;
	}
	char more[64] = "";
	if (streaming->broken_unsaid > 0) {
		(void)snprintf(more, sizeof(more), " (and %llu before it)",
			(unsigned long long)streaming->broken_unsaid);
	}
	log_warn(streaming->config.log, "%s: a message could not be read: %s%s",
		streaming->config.account->name, what, more);
	streaming->broken_said_ms = now_ms > 0 ? now_ms : 1;
	streaming->broken_unsaid = 0;
}

static void
cut_all(struct streaming *streaming)
{
	struct sub *sub;
	streaming_ws_abandon(streaming);
	streaming_probe_cancel(streaming);
	DL_FOREACH(streaming->subs, sub) {
		streaming_sse_cancel(sub);
		loop_timer_stop(sub->timer);
	}
}

void
streaming_stop(struct streaming *streaming, const char *words)
{
	struct sub *sub;
	if (streaming->stopped) {
		return;
	}
	streaming->stopped = true;
	streaming->stop_reason = xasprintf("credentials: the server says %s", words);
	log_error(streaming->config.log, "%s: %s; nothing of this account is retried: %s",
		streaming->config.account->name, streaming->stop_reason,
		streaming->config.account->token != NULL
			? "put in a token that is good and start again"
			: "give it a token");
	cut_all(streaming);
	loop_timer_stop(streaming->retry);
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub) || sub->polled) {
			sub_set(sub, STREAM_DISABLED, 0, streaming->stop_reason);
		}
	}
}

void
streaming_wait(struct streaming *streaming, int64_t wait_ms, const char *reason)
{
	struct sub *sub;
	char *copy = xstrdup(reason);
	free(streaming->wait_reason);
	streaming->wait_reason = copy;
	streaming->retry_at_ms = loop_now_ms(streaming->config.loop) + wait_ms;
	loop_timer_start(streaming->retry, wait_ms, 0);
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub)) {
			loop_timer_stop(sub->timer);
			sub_set(sub, STREAM_WAITING, wait_ms, reason);
		}
	}
	log_warn(streaming->config.log, "%s: %s; next attempt in %.1f s",
		streaming->config.account->name, reason, (double)wait_ms / 1000.0);
}

void
streaming_switch(struct streaming *streaming, const char *reason)
{
	struct sub *sub;
	cut_all(streaming);
	streaming->use_ws = !streaming->use_ws;
	streaming->failures = 0;
	DL_FOREACH(streaming->subs, sub) {
		sub->failures = 0;
	}
	/* The pace of the connection is never reset by a change, so that two transports that both
	 * fail do not take turns in a tight loop. */
	int64_t wait_ms = pace_down(
		&streaming->pace, streaming->config.rng, loop_now_ms(streaming->config.loop));
	char *text = xasprintf("%s; trying %s", reason, streaming->use_ws ? "WebSocket" : "SSE");
	streaming_wait(streaming, wait_ms, text);
	free(text);
}

static void
sweep(struct streaming *streaming)
{
	struct sub *sub, *next;
	DL_FOREACH_SAFE(streaming->subs, sub, next) {
		if (sub->removed) {
			sub_destroy(sub);
		}
	}
}

static bool
any_active(const struct streaming *streaming)
{
	const struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub)) {
			return true;
		}
	}
	return false;
}

/* A stream that came while nothing can be done for it at once. */
static void
greet(struct streaming *streaming, struct sub *sub)
{
	if (streaming->stopped) {
		sub_set(sub, STREAM_DISABLED, 0, streaming->stop_reason);
	} else if (loop_timer_active(streaming->retry) && sub->is_new) {
		int64_t left = streaming->retry_at_ms - loop_now_ms(streaming->config.loop);
		sub_set(sub, STREAM_WAITING, left > 0 ? left : 0, streaming->wait_reason);
	}
	sub->is_new = false;
}

/* Brings the connections in line with the streams. Runs from the loop, never inside a callback. */
static void
on_kick(void *data)
{
	struct streaming *streaming = data;
	struct sub *sub;
	sweep(streaming);
	DL_FOREACH(streaming->subs, sub) {
		if (sub->polled && sub->is_new) {
			sub->is_new = false;
			sub_set(sub, STREAM_CONNECTING, 0, "");
		} else if (sub_is_active(sub)) {
			greet(streaming, sub);
		}
	}
	if (!any_active(streaming)) {
		streaming_ws_abandon(streaming);
		loop_timer_stop(streaming->retry);
		return;
	}
	if (loop_timer_active(streaming->retry)) {
		return;
	}
	if (streaming->use_ws) {
		streaming_ws_connect(streaming);
		streaming_probe_next(streaming);
	}
	DL_FOREACH(streaming->subs, sub) {
		if (!sub_is_active(sub)) {
			streaming_sse_cancel(sub);
		} else if (loop_timer_active(sub->timer)) {
			continue; /* it waits for its own moment */
		} else if (streaming->use_ws) {
			streaming_ws_subscribe(sub);
		} else {
			streaming_sse_connect(sub);
		}
	}
}

void
streaming_kick(struct streaming *streaming)
{
	loop_timer_start(streaming->kick, 0, 0);
}

/* The wait is over; the timer is no longer active, so the kick connects. */
static void
on_retry(void *data)
{
	struct streaming *streaming = data;
	on_kick(streaming);
}

struct streaming *
streaming_create(
	const struct streaming_config *config, const struct streaming_events *events, void *data)
{
	struct streaming *streaming = xcalloc(1, sizeof(*streaming));
	streaming->config = *config;
	streaming->events = *events;
	streaming->data = data;
	streaming->use_ws = config->transport != TRANSPORT_SSE;
	streaming->kick = loop_timer_create(config->loop, on_kick, streaming);
	streaming->retry = loop_timer_create(config->loop, on_retry, streaming);
	pace_init(&streaming->pace, STREAMING_BASE_MS, STREAMING_CAP_MS, STREAMING_HEALTHY_MS);
	return streaming;
}

void
streaming_destroy(struct streaming *streaming)
{
	struct sub *sub, *next;
	if (streaming == NULL) {
		return;
	}
	cut_all(streaming);
	DL_FOREACH_SAFE(streaming->subs, sub, next) {
		sub_destroy(sub);
	}
	loop_timer_destroy(streaming->kick);
	loop_timer_destroy(streaming->retry);
	free(streaming->stop_reason);
	free(streaming->wait_reason);
	free(streaming);
}

static struct sub *
find_sub(struct streaming *streaming, struct str stream, struct str param)
{
	struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		if (!sub->removed &&
			stream_same(str_from(sub->info->name), sub_param(sub), stream, param)) {
			return sub;
		}
	}
	return NULL;
}

void
streaming_add(struct streaming *streaming, struct str stream, struct str param)
{
	const struct stream_info *info = stream_info(stream);
	REQUIRE(info != NULL);
	param = stream_param(info, param);
	if (find_sub(streaming, stream, param) != NULL) {
		return;
	}
	struct sub *sub = xcalloc(1, sizeof(*sub));
	sub->streaming = streaming;
	sub->info = info;
	sub->param = str_dup(param);
	sub->state = STREAM_WAITING; /* so that the first "connecting" is told */
	sub->was = STREAM_WAITING;
	sub->since_ms = streaming_wall_ms(streaming);
	sub->polled = streaming->config.transport == TRANSPORT_POLL;
	sub->reason = xstrdup("");
	sub->is_new = true;
	sse_init(&sub->sse, streaming_sse_on_event, sub);
	sub->timer = loop_timer_create(streaming->config.loop, on_sub_timer, sub);
	pace_init(&sub->pace, STREAMING_BASE_MS, STREAMING_CAP_MS, STREAMING_HEALTHY_MS);
	DL_APPEND(streaming->subs, sub);
	streaming_kick(streaming);
}

void
streaming_filling(struct streaming *streaming, struct str stream, struct str param, bool filling)
{
	const struct stream_info *info = stream_info(stream);
	struct sub *sub =
		info != NULL ? find_sub(streaming, stream, stream_param(info, param)) : NULL;
	if (sub != NULL && sub_is_live(sub)) {
		sub_set(sub, filling ? STREAM_FILLING : STREAM_LIVE, 0, sub->reason);
	}
}

void
streaming_reconnect(struct streaming *streaming, const char *reason)
{
	int64_t now_ms = loop_now_ms(streaming->config.loop);
	if (streaming->stopped || !any_active(streaming) || loop_timer_active(streaming->retry)) {
		return; /* which is on its way already */
	}
	cut_all(streaming);
	streaming_wait(
		streaming, pace_down(&streaming->pace, streaming->config.rng, now_ms), reason);
}

void
streaming_polled(struct streaming *streaming, struct str stream, struct str param,
	enum stream_state state, int64_t retry_ms, const char *reason)
{
	const struct stream_info *info = stream_info(stream);
	struct sub *sub =
		info != NULL ? find_sub(streaming, stream, stream_param(info, param)) : NULL;
	if (sub == NULL || streaming->stopped) {
		return;
	}
	if (!sub->polled) {
		streaming_ws_unsubscribe(sub);
		loop_timer_stop(sub->timer);
		streaming_sse_cancel(sub);
		sub->polled = true;
		streaming_kick(streaming);
	}
	sub_set(sub, state, retry_ms, reason);
}

void
streaming_remove(struct streaming *streaming, struct str stream, struct str param)
{
	const struct stream_info *info = stream_info(stream);
	struct sub *sub =
		info != NULL ? find_sub(streaming, stream, stream_param(info, param)) : NULL;
	if (sub == NULL) {
		return;
	}
	streaming_ws_unsubscribe(sub);
	sub->removed = true;
	loop_timer_stop(sub->timer);
	streaming_sse_cancel(sub);
	streaming_kick(streaming);
}

void
streaming_pause(struct streaming *streaming, bool paused)
{
	struct sub *sub;
	if (streaming->paused == paused) {
		return;
	}
	streaming->paused = paused;
	if (streaming->ws != NULL) {
		ws_pause(streaming->ws, paused);
	}
	DL_FOREACH(streaming->subs, sub) {
		if (sub->request != 0) {
			http_pause(streaming->config.http, sub->request, paused);
		}
	}
}

void
streaming_each(const struct streaming *streaming,
	void (*fn)(void *data, const struct stream_status *status), void *data)
{
	const struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		if (!sub->removed) {
			struct stream_status status = sub_status(sub);
			fn(data, &status);
		}
	}
}
