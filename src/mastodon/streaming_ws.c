/* SPDX-License-Identifier: MIT */
/* One WebSocket for all streams of an account (protocol.md 2). */
#define LOG_MODULE "stream"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "decode.h"
#include "json_write.h"
#include "limits.h"
#include "streaming_private.h"
#include "xmalloc.h"

/* A subscription is never acknowledged; its refusal comes within a database query. */
#define CONFIRM_MS 1000

static const char *
server_name(const struct streaming *streaming)
{
	const struct account *account = streaming->config.account;
	return account->streaming != NULL ? account->streaming : account->server;
}

static void
put_message(const struct sub *sub, const char *type, struct buf *out)
{
	buf_init(out, EVENT_STREAM_MAX * 4);
	(void)buf_add_char(out, '{');
	json_put_key(out, "type");
	json_put_text(out, type);
	json_put_key(out, "stream");
	json_put_text(out, sub->info->name);
	if (sub->param != NULL) {
		/* Always a string: a number breaks the server's normalisation (protocol.md 2.2). */
		json_put_key(out, sub->info->parameter);
		json_put_text(out, sub->param);
	}
	(void)buf_add_char(out, '}');
}

static bool
send_message(const struct sub *sub, const char *type)
{
	struct buf message;
	put_message(sub, type, &message);
	bool sent = message.err == ERR_OK && ws_send(sub->streaming->ws, buf_str(&message));
	buf_finish(&message);
	return sent;
}

void
streaming_ws_subscribe(struct sub *sub)
{
	struct streaming *streaming = sub->streaming;
	if (!streaming->is_open || sub->subscribed) {
		return;
	}
	sub_set(sub, STREAM_CONNECTING, 0, "");
	/* Without room in the send queue the timer tries again. */
	sub->subscribed = send_message(sub, "subscribe");
	loop_timer_start(sub->timer, CONFIRM_MS, 0);
}

void
streaming_ws_unsubscribe(struct sub *sub)
{
	if (sub->streaming->is_open && sub->subscribed) {
		(void)send_message(sub, "unsubscribe");
		sub->subscribed = false;
	}
}

void
streaming_ws_on_timer(struct sub *sub)
{
	if (!sub->streaming->is_open) {
		return;
	}
	if (!sub->subscribed) {
		streaming_ws_subscribe(sub);
	} else if (!sub->suspected) {
		pace_up(&sub->pace, loop_now_ms(sub->streaming->config.loop));
		if (!sub_is_live(sub)) {
			sub_set(sub, STREAM_LIVE, 0, "");
		}
	}
}

static void
forget_connection(struct streaming *streaming)
{
	struct sub *sub;
	streaming->ws = NULL;
	streaming->is_open = false;
	streaming_probe_cancel(streaming);
	DL_FOREACH(streaming->subs, sub) {
		sub->subscribed = false;
		sub->proven = false;
		sub->suspected = false;
	}
}

void
streaming_ws_abandon(struct streaming *streaming)
{
	if (streaming->ws != NULL) {
		ws_abandon(streaming->ws);
		forget_connection(streaming);
	}
}

static void
on_open(void *data)
{
	struct streaming *streaming = data;
	streaming->is_open = true;
	streaming->failures = 0;
	pace_up(&streaming->pace, loop_now_ms(streaming->config.loop));
	streaming_kick(streaming); /* which subscribes */
}

static void
on_alive(void *data)
{
	struct streaming *streaming = data;
	streaming->byte_ms = streaming_wall_ms(streaming);
}

static void
on_message(void *data, struct str text)
{
	struct streaming *streaming = data;
	struct clock clock = loop_clock(streaming->config.loop);
	struct decode_context context = {
		.parser = streaming->config.parser,
		.account = str_from(streaming->config.account->name),
		.origin = ORIGIN_LIVE,
		.received_at_ms = clock_wall_ms(&clock),
	};
	/* With one stream there is no doubt about frames that name none. */
	if (streaming->subs != NULL && streaming->subs->next == NULL) {
		context.stream = str_from(streaming->subs->info->name);
		context.param = sub_param(streaming->subs);
	}
	struct decode_output out = {0};
	switch (decode_ws(&context, text, &out)) {
	case DECODE_EVENT:
		streaming_attribute(streaming, &context, out.event, text);
		break;
	case DECODE_ERROR:
		streaming_on_error_frame(streaming, out.error_status, out.error_text);
		break;
	case DECODE_BROKEN:
		streaming_broken(streaming, out.error_text);
		break;
	case DECODE_IGNORED:
		break;
	}
}

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
	const char *server = server_name(streaming);
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

/* Codes by which a server says that what we send is wrong (protocol.md 10, row 32). */
static bool
is_our_fault(const struct ws_ended *ended)
{
	return ended->end == WS_CLOSED &&
	       (ended->code == 1003 || ended->code == 1007 || ended->code == 1008);
}

static void
on_end(void *data, const struct ws_ended *ended)
{
	struct streaming *streaming = data;
	bool was_open = streaming->is_open;
	forget_connection(streaming);
	if (ended->end == WS_REFUSED && ended->http_status == 401) {
		char *words = refusal(ended);
		streaming_stop(streaming, words);
		free(words);
		return;
	}
	if (ended->end == WS_TOO_BIG) {
		streaming->events.on_broken(streaming->data, ended->error);
	}
	if (ended->end == WS_REFUSED && ended->http_status / 100 == 3) {
		streaming->slash = !streaming->slash;
	}
	char *words = describe(streaming, ended);
	if (!was_open) {
		streaming->failures++;
	}
	if (streaming->config.transport == TRANSPORT_AUTO &&
		streaming->failures >= SWITCH_FAILURES) {
		streaming_switch(streaming, words);
		free(words);
		return;
	}
	int64_t wait_ms = pace_down(
		&streaming->pace, streaming->config.rng, loop_now_ms(streaming->config.loop));
	if (is_our_fault(ended)) {
		log_error(streaming->config.log,
			"%s: %s: the server does not like what it was sent",
			streaming->config.account->name, words);
		wait_ms = STREAMING_CAP_MS;
	}
	streaming_wait(streaming, wait_ms, words);
	free(words);
}

void
streaming_ws_connect(struct streaming *streaming)
{
	static const struct ws_events events = {.on_open = on_open,
		.on_message = on_message,
		.on_alive = on_alive,
		.on_end = on_end};
	const struct account *account = streaming->config.account;
	struct sub *sub;
	if (streaming->ws != NULL) {
		return;
	}
	char *url = xasprintf(
		"%s/api/v1/streaming%s", server_name(streaming), streaming->slash ? "/" : "");
	struct ws_target target = {
		.url = url,
		.bearer = account->token,
		.ca_file = account->ca_file,
		.user_agent = streaming->config.user_agent,
	};
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub)) {
			sub_set(sub, STREAM_CONNECTING, 0, "");
		}
	}
	streaming->ws = ws_open(streaming->config.ws, &target, &events, streaming);
	free(url);
	if (streaming->ws == NULL) {
		streaming_wait(streaming, STREAMING_CAP_MS, "the streaming address is none");
	} else if (streaming->paused) {
		ws_pause(streaming->ws, true);
	}
}
