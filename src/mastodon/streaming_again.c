/* SPDX-License-Identifier: MIT */
/* What is tried again: WebSocket beside SSE, streaming where polling had to do, streams that were refused or silent. */
#define LOG_MODULE    "stream"
#define SILENT_MAX_MS (24 * 3600 * 1000)
#define RECENT_MS     (10 * 60 * 1000)

#include <utlist.h>

#include "streaming_private.h"

/* ---- WebSocket beside SSE ---- */

bool
streaming_trial_start(struct streaming *streaming)
{
	if (streaming->trial) {
		return true;
	}
	if (streaming->config.transport != TRANSPORT_AUTO || streaming->use_ws ||
		streaming->stopped || streaming->paused || loop_timer_active(streaming->retry)) {
		return false;
	}
	log_debug(streaming->config.log, "%s: tries WebSocket again, beside SSE",
		streaming->config.account->name);
	streaming->trial = true;
	streaming->use_ws = true; /* what is open over SSE stays until a WebSocket carries it */
	streaming->handshakes_failed = 0;
	streaming_kick(streaming);
	return true;
}

void
streaming_trial_end(struct streaming *streaming, const char *why)
{
	struct sub *sub;
	streaming->trial = false;
	streaming->use_ws = false;
	streaming->handshakes_failed = 0;
	streaming_ws_abandon(streaming);
	streaming_probe_cancel(streaming);
	DL_FOREACH(streaming->subs, sub) {
		bool old = sub->old;
		sub->old = sub->leaving = false;
		if (!sub_is_active(sub)) {
			continue;
		}
		if (sub->request != 0) {
			loop_timer_stop(sub->timer);
		}
		if ((sub->request != 0 && old) || (sub->request == 0 && sub_is_live(sub))) {
			streaming_sse_cancel(sub);
			sub->renewing = true;
			sub_set(sub, STREAM_CONNECTING, 0, "the connection was old and is renewed");
		}
	}
	log_info(streaming->config.log, "%s: WebSocket still does not work, SSE goes on: %s",
		streaming->config.account->name, why);
	streaming_kick(streaming);
}

static bool
any_over_sse(const struct streaming *streaming)
{
	const struct sub *sub;
	DL_FOREACH(streaming->subs, sub) {
		if (sub->request != 0 && sub_is_active(sub)) {
			return true;
		}
	}
	return false;
}

void
sub_leave_sse(struct sub *sub)
{
	struct streaming *streaming = sub->streaming;
	if (!sub->leaving) {
		/* That it was subscribed is not acknowledged: both bring events for a while. */
		sub->leaving = true;
		loop_timer_start(sub->timer, streaming->config.times.overlap_ms, 0);
		return;
	}
	streaming_sse_cancel(sub);
	sub->old = sub->leaving = false;
	if (streaming->trial && !any_over_sse(streaming)) {
		streaming->trial = false;
		log_info(streaming->config.log, "%s: WebSocket works again, SSE is left",
			streaming->config.account->name);
	}
}

/* ---- streaming where polling had to do ---- */

void
streaming_again(struct streaming *streaming)
{
	struct sub *sub;
	if (streaming->stopped || streaming->wanted == TRANSPORT_POLL ||
		streaming->config.transport != TRANSPORT_POLL) {
		return;
	}
	streaming->config.transport = streaming->wanted;
	streaming->use_ws = streaming->wanted != TRANSPORT_SSE;
	streaming->regain = true;
	streaming->cautious = true;
	/* It may be another software by now. */
	streaming->dialect = DIALECT_UNKNOWN;
	streaming->address_tried = false;
	streaming->asked_in_vain = streaming->handshakes_failed = 0;
	streaming->absent_ws = streaming->absent_sse = 0;
	DL_FOREACH(streaming->subs, sub) {
		if (!sub->removed && sub->polled && sub->info->path != NULL) {
			sub->polled = false;
			sub->renewing = true;
			sub_set(sub, STREAM_CONNECTING, 0,
				"perhaps the server has streaming by now");
		}
	}
	streaming_kick(streaming);
}

bool
streaming_regain_failed(struct streaming *streaming, const char *reason)
{
	if (!streaming->regain) {
		return false;
	}
	if (streaming->wanted == TRANSPORT_AUTO && streaming->use_ws) {
		streaming_cut(streaming);
		streaming->use_ws = false;
		streaming_kick(streaming);
		return true;
	}
	streaming->regain = false;
	log_info(streaming->config.log, "%s: streaming does not work, polling goes on: %s",
		streaming->config.account->name, reason);
	streaming_leave_to_polling(streaming, reason);
	return true;
}

/* ---- streams that were refused ---- */

int64_t
sub_refused_ms(const struct sub *sub)
{
	const struct streaming_config *config = &sub->streaming->config;
	int64_t about_ms = config->times.refused_ms;
	return about_ms - (int64_t)rng_below(config->rng, (uint64_t)about_ms / 6 + 1);
}

void
sub_ask_again(struct sub *sub)
{
	struct streaming *streaming = sub->streaming;
	if (sub->removed || sub->state != STREAM_REFUSED || streaming->stopped) {
		return;
	}
	loop_timer_stop(sub->timer);
	sub->failures = 0;
	sub->asked_again = true;
	/* On a connection of its own there is no doubt whom an error means. */
	sub->alone = true;
	sub_set(sub, STREAM_CONNECTING, 0, "it was refused, and is asked for again");
	streaming_kick(streaming);
}

/* ---- streams that bring nothing ---- */

/* Others come on the connection that it shares: the connection is good, and it is the stream that the server does not know
 * in band, as one whose parameter it reads in the address only. */
static bool
is_silent_alone(const struct sub *of)
{
	const struct streaming *streaming = of->streaming;
	const struct sub *sub;
	int64_t recent_ms = streaming_wall_ms(streaming) - RECENT_MS;
	if (!streaming->use_ws || streaming->shared == NULL ||
		sub_carrier(of) != streaming->shared) {
		return false;
	}
	DL_FOREACH(streaming->subs, sub) {
		if (sub != of && sub_is_active(sub) && sub_carrier(sub) == streaming->shared &&
			sub->event_ms > recent_ms) {
			return true;
		}
	}
	return false;
}

enum stream_remedy
sub_silent(struct sub *sub, const char *reason)
{
	struct streaming *streaming = sub->streaming;
	if (++sub->silences > 1) {
		sub_leave(sub);
		sub->polled = true;
		sub->polled_ms = sub->polled_ms == 0 ? streaming->config.times.silent_ms
						     : sub->polled_ms * 2;
		sub->polled_ms = sub->polled_ms < SILENT_MAX_MS ? sub->polled_ms : SILENT_MAX_MS;
		sub->renewing = true;
		sub_set(sub, STREAM_CONNECTING, 0, reason);
		loop_timer_start(sub->timer, sub->polled_ms, 0);
		streaming_kick(streaming); /* which ends its connection */
		return STREAM_REMEDY_POLL;
	}
	bool shares = streaming->use_ws && sub_carrier(sub) == streaming->shared;
	if (shares && !is_silent_alone(sub)) {
		streaming_reconnect(streaming, reason);
		return STREAM_REMEDY_ANEW;
	}
	sub_leave(sub);
	carrier_abandon(sub->carrier);
	sub->alone = shares || sub->alone;
	sub->message = 0;
	sub->proven = sub->suspected = false;
	sub->renewing = true;
	sub_set(sub, STREAM_CONNECTING, 0, reason);
	streaming_kick(streaming);
	return shares ? STREAM_REMEDY_OWN : STREAM_REMEDY_ANEW;
}

void
sub_listen_again(struct sub *sub)
{
	struct streaming *streaming = sub->streaming;
	if (sub->removed || streaming->stopped || streaming->config.transport == TRANSPORT_POLL) {
		return;
	}
	sub->polled = false;
	sub->silences = 1; /* found silent once more, it is polled again */
	sub->renewing = true;
	sub_set(sub, STREAM_CONNECTING, 0, "perhaps the stream brings something by now");
	streaming_kick(streaming);
}
