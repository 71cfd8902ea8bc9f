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
sub_is_connected(const struct sub *sub)
{
	const struct carrier *carrier = sub->streaming->use_ws ? sub_carrier(sub) : NULL;
	return (carrier != NULL && carrier->is_open) || (sub->request != 0 && sub->has_bytes);
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
	bool over_ws = sub->streaming->use_ws && (sub->request == 0 || !sub->has_bytes);
	return sub->polled ? "poll" : over_ws ? "ws" : "sse";
}

static struct stream_status
sub_status(const struct sub *sub)
{
	const struct streaming *streaming = sub->streaming;
	int64_t left = sub->retry_at_ms - loop_now_ms(sub->streaming->config.loop);
	const struct carrier *carrier = streaming->use_ws && !sub->polled ? sub_carrier(sub) : NULL;
	int64_t byte_ms = carrier != NULL ? carrier->byte_ms : 0;
	return (struct stream_status){
		.stream = str_from(sub->info->name),
		.param = sub_param(sub),
		.state = sub->state,
		.was = sub->was,
		.retry_ms =
			(sub->state == STREAM_WAITING || sub->state == STREAM_REFUSED) && left > 0
				? left
				: 0,
		.reason = sub->reason,
		.transport = transport_name(sub),
		.since_ms = sub->since_ms,
		.last_byte_ms = byte_ms > sub->byte_ms ? byte_ms : sub->byte_ms,
		.last_event_ms = sub->event_ms,
		.attempts = sub_is_live(sub) ? 0 : streaming->pace.failures + sub->pace.failures,
	};
}

/* An attempt that failed after another one is no news, and neither is the first attempt itself. */
static enum stream_news
sub_news(struct sub *sub)
{
	enum stream_news news = sub_is_live(sub) ? STREAM_NEWS_UP : STREAM_NEWS_DOWN;
	sub->renewing = sub->renewing && sub->state == STREAM_CONNECTING;
	if (news == sub->told || sub->renewing ||
		(sub->told == STREAM_NEWS_NONE && sub->state == STREAM_CONNECTING)) {
		return STREAM_NEWS_NONE;
	}
	sub->told = news;
	return news;
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
		bool news = sub->state != STREAM_LIVE && sub->state != STREAM_FILLING;
		log_write(streaming->config.log, news ? LOG_INFO : LOG_DEBUG, LOG_MODULE,
			"%s: %s is %s (%s)", streaming->config.account->name,
			sub_label(sub, label, sizeof(label)), stream_state_name(state),
			transport_name(sub));
	}
	char *copy = xstrdup(reason); /* `reason` may be the old one */
	free(sub->reason);
	sub->reason = copy;
	sub->since_ms = sub->state != state ? streaming_wall_ms(streaming) : sub->since_ms;
	sub->was = sub->state;
	sub->state = state;
	if (sub_is_live(sub) && !sub->polled) {
		streaming->regain = false;
	}
	sub->retry_at_ms = loop_now_ms(streaming->config.loop) + retry_ms;
	struct stream_status status = sub_status(sub);
	status.news = sub_news(sub);
	streaming->events.on_state(streaming->data, &status);
}

static void
on_sub_timer(void *data)
{
	struct sub *sub = data;
	if (sub->polled && sub->silences > 0) {
		sub_listen_again(sub);
		return;
	}
	if (!sub_is_active(sub)) {
		sub_ask_again(sub);
		return;
	}
	if (sub->streaming->use_ws) {
		streaming_ws_on_timer(sub);
	} else {
		streaming_kick(sub->streaming);
	}
}

static void
sub_destroy(struct sub *sub)
{
	struct streaming *streaming = sub->streaming;
	streaming_sse_cancel(sub);
	carrier_abandon(sub->carrier);
	if (streaming->probing == sub) {
		streaming_probe_cancel(streaming);
	}
	if (streaming->found == sub) {
		streaming->found = NULL;
	}
	DL_DELETE(streaming->subs, sub);
	loop_timer_destroy(sub->timer);
	pulse_finish(&sub->pulse);
	free(sub->place);
	sse_finish(&sub->sse);
	free(sub->param);
	free(sub->refusal);
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
			sub_set(sub, streaming->stopped ? STREAM_DISABLED : STREAM_CONNECTING, 0,
				streaming->stopped ? streaming->stop_reason : "");
		} else if (sub_is_active(sub)) {
			greet(streaming, sub);
		}
	}
	if (!any_active(streaming)) {
		streaming_ws_abandon(streaming);
		loop_timer_stop(streaming->retry);
		return;
	}
	if (loop_timer_active(streaming->retry) || streaming->paused) {
		return; /* the answer to a handshake would lie unread until it is given up */
	}
	if (streaming->use_ws) {
		streaming_ws_look(streaming);
	} else {
		streaming_sse_look(streaming);
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
	on_kick(data);
}

static void
on_ask(void *data)
{
	streaming_ws_on_ask(data);
}

static struct streaming_times
with_defaults(struct streaming_times times)
{
	static const struct streaming_times defaults = {
		.ws_ask_ms = 45 * 1000,
		.ws_quiet_ms = 75 * 1000,
		.sse_quiet_ms = 45 * 1000,
		.first_byte_ms = 15 * 1000,
		.answer_ms = 5 * 1000,
		.overlap_ms = 5 * 1000,
		.age_min_ms = 6 * 3600 * 1000,
		.age_max_ms = 24 * 3600 * 1000,
		.refused_ms = 24 * 3600 * 1000,
		.silent_ms = 3600 * 1000,
	};
	if (times.ws_quiet_ms == 0) {
		return defaults;
	}
	times.silent_ms = times.silent_ms > 0 ? times.silent_ms : defaults.silent_ms;
	times.refused_ms = times.refused_ms > 0 ? times.refused_ms : defaults.refused_ms;
	return times;
}

struct streaming *
streaming_create(
	const struct streaming_config *config, const struct streaming_events *events, void *data)
{
	struct streaming *streaming = xcalloc(1, sizeof(*streaming));
	streaming->config = *config;
	streaming->events = *events;
	streaming->data = data;
	streaming->config.times = with_defaults(config->times);
	streaming->use_ws = config->transport != TRANSPORT_SSE;
	streaming->wanted = config->transport;
	if (config->absent) {
		streaming->config.transport = TRANSPORT_POLL;
	}
	streaming->kick = loop_timer_create(config->loop, on_kick, streaming);
	streaming->retry = loop_timer_create(config->loop, on_retry, streaming);
	streaming->ask = loop_timer_create(config->loop, on_ask, streaming);
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
	streaming_cut(streaming);
	DL_FOREACH_SAFE(streaming->subs, sub, next) {
		sub_destroy(sub);
	}
	loop_timer_destroy(streaming->kick);
	loop_timer_destroy(streaming->retry);
	loop_timer_destroy(streaming->ask);
	free(streaming->ws_place);
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
	struct sub *sub = find_sub(streaming, stream, param);
	if (sub != NULL) {
		sub_ask_again(sub);
		return;
	}
	sub = xcalloc(1, sizeof(*sub));
	sub->streaming = streaming;
	sub->info = info;
	sub->param = str_dup(param);
	sub->state = STREAM_WAITING; /* so that the first "connecting" is told */
	sub->was = STREAM_WAITING;
	sub->since_ms = streaming_wall_ms(streaming);
	sub->polled = streaming->config.transport == TRANSPORT_POLL || info->path == NULL;
	sub->reason = xstrdup("");
	sub->is_new = true;
	sse_init(&sub->sse, streaming_sse_on_event, sub);
	sub->timer = loop_timer_create(streaming->config.loop, on_sub_timer, sub);
	pulse_init(&sub->pulse, streaming->config.loop, streaming_sse_on_pulse, sub);
	pace_init(&sub->pace, STREAMING_BASE_MS, STREAMING_CAP_MS, STREAMING_HEALTHY_MS);
	DL_APPEND(streaming->subs, sub);
	streaming_kick(streaming);
}

void
sub_heard(struct sub *sub, const struct event *event)
{
	sub->event_ms = event->received_at_ms;
	if (event->kind == EVENT_DELETE) {
		return; /* GoToSocial tells each connection of each (protocol.md 9.1), also where it brings no posts */
	}
	sub->silences = 0;
	sub->polled_ms = 0;
}

void
sub_leave(struct sub *sub)
{
	struct carrier *shared = sub->streaming->shared;
	if (sub->carrier == NULL && shared != NULL) {
		carrier_unsubscribe(shared, sub);
	}
	loop_timer_stop(sub->timer);
	streaming_sse_cancel(sub);
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
	if (streaming->stopped || !any_active(streaming) || loop_timer_active(streaming->retry)) {
		return; /* which is on its way already */
	}
	streaming_cut(streaming);
	streaming_wait(streaming, reason, 0);
}

void
streaming_moved(struct streaming *streaming)
{
	struct sub *sub;
	free(streaming->ws_place);
	streaming->ws_place = NULL;
	DL_FOREACH(streaming->subs, sub) {
		free(sub->place);
		sub->place = NULL;
	}
	if (!streaming->stopped && loop_timer_active(streaming->retry)) {
		loop_timer_start(streaming->retry, 0, 0);
	}
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
		sub_leave(sub);
		sub->polled = true;
		streaming_kick(streaming);
	}
	sub_set(sub, state, retry_ms, reason);
}

enum stream_remedy
streaming_silent(
	struct streaming *streaming, struct str stream, struct str param, const char *reason)
{
	const struct stream_info *info = stream_info(stream);
	struct sub *sub =
		info != NULL ? find_sub(streaming, stream, stream_param(info, param)) : NULL;
	return sub != NULL && sub_is_active(sub) && sub_is_live(sub) && !streaming->paused
		       ? sub_silent(sub, reason)
		       : STREAM_REMEDY_NONE;
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
	sub_leave(sub);
	sub->removed = true;
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
	streaming_kick(streaming);
	if (streaming->shared != NULL) {
		carrier_pause(streaming->shared, paused);
	}
	DL_FOREACH(streaming->subs, sub) {
		pulse_pause(&sub->pulse, paused);
		if (sub->carrier != NULL) {
			carrier_pause(sub->carrier, paused);
		}
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
