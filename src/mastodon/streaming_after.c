/* SPDX-License-Identifier: MIT */
/* What follows when a connection ended or none came: who waits, how long, and what is given up. */
#define LOG_MODULE "stream"
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "streaming_private.h"
#include "xmalloc.h"

#define ABSENT_TIMES  3 /* of each transport before the server counts as one without streaming */
#define LOST_FAILURES 5 /* in a row, until somebody should look whether the address has changed */

bool
streaming_any_live(const struct streaming *streaming)
{
	const struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		if (!sub->removed && !sub->polled && sub_is_live(sub) && sub_is_connected(sub)) {
			return true;
		}
	}
	return false;
}

bool
streaming_may_switch(const struct streaming *streaming)
{
	return streaming->config.transport == TRANSPORT_AUTO && !streaming_any_live(streaming);
}

void
streaming_cut(struct streaming *streaming)
{
	struct sub *sub;
	streaming_ws_abandon(streaming);
	streaming_probe_cancel(streaming);
	DL_FOREACH(streaming->subs, sub) {
		streaming_sse_cancel(sub);
		sub->old = sub->leaving = false;
		if (sub->state != STREAM_REFUSED && !sub->polled) {
			loop_timer_stop(sub->timer);
		}
	}
	streaming->trial = false;
}

void
streaming_is_up(struct streaming *streaming)
{
	if (streaming->pace.up_since_ms < 0 || streaming->failures > 0) {
		pace_up(&streaming->pace, loop_now_ms(streaming->config.loop));
	}
	streaming->failures = 0;
	streaming->cautious = false;
	streaming->handshakes_failed = 0;
	streaming->absent_ws = 0;
	streaming->absent_sse = 0;
	streaming_kick(streaming);
}

void
streaming_stop(struct streaming *streaming, const char *words)
{
	char *reason = xasprintf("credentials: the server says %s", words);
	if (!streaming_regain_failed(streaming, reason)) {
		streaming_disable(streaming, reason);
	}
	free(reason);
}

void
streaming_disable(struct streaming *streaming, const char *reason)
{
	struct sub *sub;
	if (streaming->stopped) {
		return;
	}
	streaming->stopped = true;
	streaming->stop_reason = xstrdup(reason);
	log_error(streaming->config.log, "%s: %s; nothing of this account is retried: %s",
		streaming->config.account->name, streaming->stop_reason,
		streaming->config.account->token != NULL
			? "put in a token that is good and start again"
			: "give it a token");
	streaming_cut(streaming);
	loop_timer_stop(streaming->retry);
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub) || sub->polled) {
			sub_set(sub, STREAM_DISABLED, 0, streaming->stop_reason);
		}
	}
}

void
sub_refuse(struct sub *sub, const char *reason)
{
	char label[SUB_LABEL_BYTES];
	if (streaming_regain_failed(sub->streaming, reason)) {
		return;
	}
	/* What is still as it was a day ago has been said. */
	bool said = sub->refusal != NULL && strcmp(sub->refusal, reason) == 0;
	int64_t wait_ms = sub_refused_ms(sub);
	log_write(sub->streaming->config.log, said ? LOG_DEBUG : LOG_ERROR, LOG_MODULE,
		"%s: %s will not work: %s; it is asked for again in about a day, and when plugins or the config are loaded anew",
		sub->streaming->config.account->name, sub_label(sub, label, sizeof(label)), reason);
	if (!said) {
		free(sub->refusal);
		sub->refusal = xstrdup(reason);
	}
	sub_set(sub, STREAM_REFUSED, wait_ms, reason);
	loop_timer_start(sub->timer, wait_ms, 0);
	streaming_kick(sub->streaming); /* which ends what is open for it */
}

void
sub_wait(struct sub *sub, const char *reason, int64_t least_ms)
{
	const struct streaming_config *config = &sub->streaming->config;
	char label[SUB_LABEL_BYTES];
	sub->failures++;
	int64_t wait_ms = pace_down(&sub->pace, config->rng, loop_now_ms(config->loop));
	wait_ms = wait_ms < least_ms ? least_ms : wait_ms;
	sub_set(sub, STREAM_WAITING, wait_ms, reason);
	if (!streaming_any_live(sub->streaming)) {
		sub->streaming->cautious = true; /* the server may be gone: one finds out for all */
	}
	log_warn(config->log, "%s: %s: %s; next attempt in %.1f s", config->account->name,
		sub_label(sub, label, sizeof(label)), reason, (double)wait_ms / 1000.0);
	loop_timer_start(sub->timer, wait_ms, 0);
}

void
streaming_wait(struct streaming *streaming, const char *reason, int64_t least_ms)
{
	const struct streaming_config *config = &streaming->config;
	struct sub *sub;
	int64_t now_ms = loop_now_ms(config->loop);
	int64_t wait_ms = pace_down(&streaming->pace, config->rng, now_ms);
	wait_ms = wait_ms < least_ms ? least_ms : wait_ms;
	streaming->cautious = true;
	char *copy = xstrdup(reason);
	free(streaming->wait_reason);
	streaming->wait_reason = copy;
	streaming->retry_at_ms = now_ms + wait_ms;
	loop_timer_start(streaming->retry, wait_ms, 0);
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub) && (!sub_is_live(sub) || !sub_is_connected(sub))) {
			carrier_abandon(sub->carrier);
			streaming_sse_cancel(sub);
			loop_timer_stop(sub->timer);
			sub_set(sub, STREAM_WAITING, wait_ms, copy);
		}
	}
	log_warn(config->log, "%s: %s; next attempt in %.1f s", config->account->name, copy,
		(double)wait_ms / 1000.0);
	if (++streaming->failures % LOST_FAILURES == 0) {
		streaming_ask_address(streaming);
	}
}

void
streaming_ask_address(struct streaming *streaming)
{
	if (streaming->events.on_lost != NULL) {
		streaming->events.on_lost(streaming->data);
	}
}

void
streaming_switch(struct streaming *streaming, const char *reason)
{
	struct sub *sub;
	streaming_cut(streaming);
	streaming->use_ws = !streaming->use_ws;
	streaming->handshakes_failed = 0;
	DL_FOREACH(streaming->subs, sub) {
		sub->failures = 0;
	}
	/* The pace is never reset by a change, so that two transports that both fail do not take turns in a tight
	 * loop. */
	char *text = xasprintf("%s; trying %s", reason, streaming->use_ws ? "WebSocket" : "SSE");
	streaming_wait(streaming, text, 0);
	free(text);
}

void
streaming_leave_to_polling(struct streaming *streaming, const char *reason)
{
	struct sub *sub;
	streaming_cut(streaming);
	loop_timer_stop(streaming->retry);
	streaming->config.transport = TRANSPORT_POLL;
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub)) {
			sub->polled = true;
			sub_set(sub, STREAM_CONNECTING, 0, reason);
		}
	}
}

/* There is no streaming at all. */
static void
give_up_streaming(struct streaming *streaming, const char *reason)
{
	streaming_leave_to_polling(streaming, reason);
	if (streaming->events.on_absent != NULL) {
		streaming->events.on_absent(streaming->data, reason);
	}
}

void
streaming_absent(struct streaming *streaming, const char *reason)
{
	unsigned *times = streaming->use_ws ? &streaming->absent_ws : &streaming->absent_sse;
	++*times;
	if (streaming->absent_ws >= ABSENT_TIMES && streaming->absent_sse >= ABSENT_TIMES) {
		give_up_streaming(streaming, reason);
	} else {
		streaming_switch(streaming, reason);
	}
}

int64_t
streaming_asked_wait(
	const struct streaming *streaming, const char *retry_after, const char *limit_reset)
{
	int64_t wait_ms = 0;
	int64_t at_ms = 0;
	int64_t seconds = 0;
	if (str_to_int(str_from(retry_after), 0, 3600, &seconds)) {
		wait_ms = seconds * 1000;
	} else if (time_parse(str_from(limit_reset), &at_ms)) {
		wait_ms = at_ms - streaming_wall_ms(streaming);
	}
	return wait_ms > STREAMING_CAP_MS ? STREAMING_CAP_MS : wait_ms;
}
