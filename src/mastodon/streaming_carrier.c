/* SPDX-License-Identifier: MIT */
/* A single WebSocket to a streaming server: its address and token, its messages, its watchdogs (protocol.md 2). */
#define LOG_MODULE "stream"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "json_write.h"
#include "limits.h"
#include "streaming_private.h"
#include "url.h"
#include "xmalloc.h"

/* No server has such a stream. Mastodon and Pleroma say so at once; others keep silent (protocol.md 9). */
#define UNKNOWN_STREAM "moontusk:which"

static const struct account *
account_of(const struct carrier *carrier)
{
	return carrier->streaming->config.account;
}

/* ---- messages out ---- */

static bool
send_message(struct carrier *carrier, const char *type, const char *stream, const struct sub *sub)
{
	struct buf message;
	buf_init(&message, EVENT_STREAM_MAX * 4);
	(void)buf_add_char(&message, '{');
	json_put_key(&message, "type");
	json_put_text(&message, type);
	json_put_key(&message, "stream");
	json_put_text(&message, stream);
	if (sub != NULL && sub->param != NULL) {
		/* Always a string: a number breaks the server's normalisation (protocol.md 2.2). */
		json_put_key(&message, sub->info->parameter);
		json_put_text(&message, sub->param);
	}
	(void)buf_add_char(&message, '}');
	bool sent = message.err == ERR_OK && ws_send(carrier->ws, buf_str(&message));
	buf_finish(&message);
	carrier->sent += sent ? 1 : 0;
	return sent;
}

bool
carrier_ask(struct carrier *carrier)
{
	return send_message(carrier, "subscribe", UNKNOWN_STREAM, NULL);
}

bool
carrier_subscribe(struct carrier *carrier, struct sub *sub)
{
	bool sent = send_message(carrier, "subscribe", sub->info->name, sub);
	sub->message = sent ? carrier->sent : 0;
	return sent;
}

void
carrier_unsubscribe(struct carrier *carrier, struct sub *sub)
{
	if (carrier->is_open && sub->message != 0) {
		(void)send_message(carrier, "unsubscribe", sub->info->name, sub);
		sub->message = 0;
	}
}

void
carrier_pause(struct carrier *carrier, bool paused)
{
	pulse_pause(&carrier->pulse, paused);
	if (carrier->is_open) { /* a handshake would be given up */
		ws_pause(carrier->ws, paused);
	}
	if (carrier->former != NULL) {
		carrier_pause(carrier->former, paused);
	}
}

/* ---- the end ---- */

/* Takes it out of whoever knows it; true when it was in use, and not the one before that. */
static bool
unlink_carrier(struct carrier *carrier)
{
	struct streaming *streaming = carrier->streaming;
	struct carrier **place =
		carrier->only != NULL ? &carrier->only->carrier : &streaming->shared;
	if (*place != carrier) {
		if (*place != NULL && (*place)->former == carrier) {
			(*place)->former = NULL;
		}
		return false;
	}
	*place = carrier->former;
	return true;
}

static void
carrier_free(struct carrier *carrier)
{
	pulse_finish(&carrier->pulse);
	loop_timer_destroy(carrier->settled);
	free(carrier);
}

void
carrier_abandon(struct carrier *carrier)
{
	if (carrier == NULL) {
		return;
	}
	carrier_abandon(carrier->former);
	(void)unlink_carrier(carrier);
	ws_abandon(carrier->ws);
	streaming_ws_forget(carrier->streaming, carrier->only);
	carrier_free(carrier);
}

/* The WebSocket is gone or abandoned. */
static void
ended(struct carrier *carrier, const struct ws_ended *how)
{
	struct streaming *streaming = carrier->streaming;
	struct sub *only = carrier->only;
	bool was_open = carrier->is_open;
	struct carrier *former = carrier->former;
	bool was_used = unlink_carrier(carrier);
	carrier_free(carrier);
	if (former != NULL && ending_of_ws(how, was_open) != ENDING_CREDENTIALS) {
		/* The new one failed, and the old one still stands: it goes on for a while. */
		carrier_renew_later(former);
	} else if (was_used) {
		carrier_abandon(former);
		streaming_ws_forget(streaming, only);
		streaming_ws_ended(streaming, only, was_open, how);
	}
}

static void
on_end(void *data, const struct ws_ended *how)
{
	ended(data, how);
}

/* ---- the watchdogs ---- */

static int64_t
pick_age(const struct streaming *streaming)
{
	const struct streaming_times *times = &streaming->config.times;
	uint64_t range = (uint64_t)(times->age_max_ms - times->age_min_ms);
	return times->age_min_ms + (int64_t)rng_below(streaming->config.rng, range + 1);
}

void
carrier_renew_later(struct carrier *carrier)
{
	const struct streaming_times *times = &carrier->streaming->config.times;
	struct pulse_times watched = {
		.ask_ms = times->ws_ask_ms,
		.quiet_ms = times->ws_quiet_ms,
		.age_ms = pick_age(carrier->streaming),
	};
	pulse_start(&carrier->pulse, &watched);
	pulse_beat(&carrier->pulse);
}

/* The new one comes first, so that nothing is missed between the two. */
static void
renew(struct carrier *carrier)
{
	struct streaming *streaming = carrier->streaming;
	struct carrier **place =
		carrier->only != NULL ? &carrier->only->carrier : &streaming->shared;
	if (*place != carrier || carrier->former != NULL || !carrier->is_open) {
		return;
	}
	log_debug(streaming->config.log, "%s: renews a connection", account_of(carrier)->name);
	struct carrier *fresh = carrier_create(streaming, carrier->only, carrier);
	if (fresh != NULL) {
		*place = fresh;
	}
}

static void
on_pulse(void *data, enum pulse_news news)
{
	struct carrier *carrier = data;
	char text[128];
	if (news == PULSE_ASK) {
		ws_ping(carrier->ws);
	} else if (news == PULSE_OLD && carrier->streaming->paused) {
		carrier_renew_later(carrier); /* what lies unread in it would be lost */
	} else if (news == PULSE_OLD) {
		renew(carrier);
	} else {
		(void)snprintf(text, sizeof(text),
			"nothing came for %lld s, not even a ping: the connection is dead",
			(long long)(carrier->streaming->config.times.ws_quiet_ms / 1000));
		ws_abandon(carrier->ws);
		ended(carrier, &(struct ws_ended){.end = WS_CUT, .error = text});
	}
}

/* The connection before it is no longer needed: what was subscribed had time to be. */
static void
on_settled(void *data)
{
	struct carrier *carrier = data;
	struct carrier *former = carrier->former;
	if (former != NULL && carrier->streaming->paused) {
		loop_timer_start(carrier->settled, carrier->streaming->config.times.overlap_ms, 0);
	} else if (former != NULL) {
		carrier->former = NULL;
		ws_abandon(former->ws);
		carrier_free(former);
	}
}

/* ---- messages in ---- */

static void
on_open(void *data)
{
	struct carrier *carrier = data;
	carrier->is_open = true;
	carrier_renew_later(carrier);
	if (carrier->streaming->paused) {
		carrier_pause(carrier, true);
	}
	if (carrier->former != NULL) {
		carrier->settled =
			loop_timer_create(carrier->streaming->config.loop, on_settled, carrier);
		loop_timer_start(carrier->settled, carrier->streaming->config.times.overlap_ms, 0);
	}
	streaming_ws_opened(carrier);
}

static void
on_alive(void *data)
{
	struct carrier *carrier = data;
	pulse_beat(&carrier->pulse);
	carrier->byte_ms = streaming_wall_ms(carrier->streaming);
}

static void
on_message(void *data, struct str text)
{
	struct carrier *carrier = data;
	struct streaming *streaming = carrier->streaming;
	const struct sub *certain = carrier->only;
	/* With one stream there is no doubt about frames that name none. */
	if (certain == NULL && streaming->subs != NULL && streaming->subs->next == NULL) {
		certain = streaming->subs;
	}
	struct decode_context context = {
		.parser = streaming->config.parser,
		.stream = certain != NULL ? str_from(certain->info->name) : STR_NONE,
		.param = certain != NULL ? sub_param(certain) : STR_NONE,
		.account = str_from(account_of(carrier)->name),
		.origin = ORIGIN_LIVE,
		.received_at_ms = streaming_wall_ms(streaming),
	};
	struct decode_output out = {0};
	enum decode_result result = decode_ws(&context, text, &out);
	if (out.is_answer) {
		streaming_ws_answered(carrier, result == DECODE_ERROR ? out.error_text : NULL);
		return;
	}
	switch (result) {
	case DECODE_EVENT:
		streaming_attribute(carrier, &context, out.event, text);
		break;
	case DECODE_ERROR:
		streaming_ws_error(carrier, out.error_status, out.error_text);
		break; /* the carrier may be gone */
	case DECODE_BROKEN:
		streaming_broken(streaming, out.error_text);
		break;
	case DECODE_IGNORED:
		break;
	}
}

/* ---- the beginning ---- */

static void
put_query(struct buf *url, const char *key, struct str value)
{
	bool first = memchr(url->ptr, '?', url->len) == NULL;
	(void)buf_printf(url, "%c%s=", first ? '?' : '&', key);
	url_encode(value, url);
}

static void
put_address(const struct streaming *streaming, const struct sub *only, struct buf *url)
{
	const struct account *account = streaming->config.account;
	if (streaming->ws_place != NULL) {
		(void)buf_add_text(url, streaming->ws_place);
	} else {
		(void)buf_printf(url, "%s/api/v1/streaming",
			account->streaming != NULL ? account->streaming : account->server);
	}
	if (only != NULL) {
		put_query(url, "stream", str_from(only->info->name));
	}
	if (only != NULL && only->param != NULL) {
		put_query(url, only->info->parameter, sub_param(only));
	}
	if (streaming->bearer_in_query && account->token != NULL) {
		put_query(url, "access_token", str_from(account->token));
	}
}

struct carrier *
carrier_create(struct streaming *streaming, struct sub *only, struct carrier *former)
{
	static const struct ws_events events = {
		.on_open = on_open,
		.on_message = on_message,
		.on_alive = on_alive,
		.on_end = on_end,
	};
	const struct account *account = streaming->config.account;
	struct carrier *carrier = xcalloc(1, sizeof(*carrier));
	struct buf url;
	carrier->streaming = streaming;
	carrier->only = only;
	buf_init(&url, URL_MAX);
	put_address(streaming, only, &url);
	struct ws_target target = {
		.url = url.ptr,
		.bearer = account->token,
		.bearer_in = streaming->bearer_in,
		.ca_file = account->ca_file,
		.user_agent = streaming->config.user_agent,
	};
	carrier->ws =
		url.err == ERR_OK ? ws_open(streaming->config.ws, &target, &events, carrier) : NULL;
	buf_finish(&url);
	if (carrier->ws == NULL) {
		free(carrier);
		return NULL;
	}
	carrier->former = former;
	pulse_init(&carrier->pulse, streaming->config.loop, on_pulse, carrier);
	return carrier;
}
