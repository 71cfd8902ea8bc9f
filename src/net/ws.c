/* SPDX-License-Identifier: MIT */
/* WebSocket client connections: a dialled stream of bytes, the opening handshake, then frames. Why not the client of
 * libwebsockets: it hides pings, changes close codes 1012 to 1015, and takes every byte of a frame on its own. */
#define LOG_MODULE "ws"
#include "ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>
#include <utlist.h>

#include "dial.h"
#include "limits.h"
#include "url.h"
#include "ws_frames.h"
#include "ws_handshake.h"
#include "xmalloc.h"

#define CLOSE_MS 5000 /* for the answer to our close frame */

enum state {
	STATE_CONNECT,   /* name, TCP and TLS */
	STATE_HANDSHAKE, /* the upgrade request was sent */
	STATE_OPEN,
	STATE_CLOSE, /* our close frame is queued or sent */
};

struct ws {
	struct ws_client *client;
	struct ws *prev, *next;
	struct ws_events events;
	void *data;
	struct url url;
	char *path; /* with the query */
	char *host; /* for the Host header */
	char *bearer;
	enum ws_bearer bearer_in;
	char *user_agent;

	enum state state;
	struct loop_timer *timer; /* of the state; open: frames wait that came while paused */
	struct dial *dial;
	bool paused;
	unsigned depth; /* inside callbacks of the owner */
	bool abandoned;

	char key[WS_KEY_SIZE]; /* of the handshake */
	struct frames frames;
	struct buf in; /* the answer's head; a frame that is not whole; what came while paused */
	int close_code;

	bool over; /* `ended` holds the reason, the first one counts */
	struct ws_ended ended;
	char error[MESSAGE_MAX];
	struct handshake_hints *hints; /* of a refusal; else NULL */
};

struct ws_client {
	struct loop *loop;
	struct log *log;
	struct dialer *dialer;
	struct ws *open; /* list, ws::next */
};

static void
end_with(struct ws *ws, enum ws_end end, const char *error)
{
	if (ws->over)
		return;
	ws->over = true;
	ws->ended.end = end;
	if (error != ws->error)
		snprintf(ws->error, sizeof(ws->error), "%s", error);
	ws->ended.error = ws->error;
}

static void
ws_free(struct ws *ws)
{
	DL_DELETE(ws->client->open, ws);
	dial_close(ws->dial);
	loop_timer_destroy(ws->timer);
	frames_finish(&ws->frames);
	buf_finish(&ws->in);
	url_finish(&ws->url);
	free(ws->path);
	free(ws->host);
	free(ws->bearer);
	free(ws->user_agent);
	free(ws->hints);
	free(ws);
}

static void
enter(struct ws *ws)
{
	ws->depth++;
}

/* False when the owner abandoned the connection meanwhile: it is gone. */
static bool
leave(struct ws *ws)
{
	if (--ws->depth == 0 && ws->abandoned) {
		ws_free(ws);
		return false;
	}
	return true;
}

/* The last word. */
static void
finish(struct ws *ws)
{
	end_with(ws, WS_CUT, "the connection ended without a close frame");
	log_debug(ws->client->log, "%s: %s", ws->url.host, ws->error);
	enter(ws);
	ws->abandoned = true; /* freed by leave() */
	if (ws->events.on_end)
		ws->events.on_end(ws->data, &ws->ended);
	leave(ws);
}

static void take_pending(struct ws *ws);

static void
on_ws_timer(void *data)
{
	struct ws *ws = data;

	if (ws->state == STATE_OPEN && !ws->over) {
		take_pending(ws);
		return;
	}
	switch (ws->state) {
	case STATE_CONNECT:
		end_with(ws, WS_NO_CONNECT, "no connection in time");
		break;
	case STATE_HANDSHAKE:
		end_with(ws, WS_SLOW, "no answer to the handshake in time");
		break;
	case STATE_OPEN: /* the other side does not take our close frame */
	case STATE_CLOSE:
		end_with(ws, WS_CLOSED, "closed by us");
		break;
	}
	finish(ws);
}

/* ---- bytes out ---- */

static void
put_frame(struct ws *ws, int opcode, struct str payload)
{
	unsigned char mask[4] = {0};
	struct buf frame;
	ssize_t got = getrandom(mask, sizeof(mask), 0);
	(void)got; /* a mask guards intermediaries (RFC 6455, 10.3), not secrets */
	buf_init(&frame, payload.len + WS_HEAD_MAX);
	frames_put_masked(&frame, opcode, payload, mask);
	dial_send(ws->dial, buf_str(&frame));
	buf_finish(&frame);
}

static void
put_close(struct ws *ws, int code)
{
	char payload[WS_CONTROL_MAX];
	put_frame(ws, WS_CLOSE, frames_close_payload(payload, code, STR("")));
}

/* ---- bytes in ---- */

/* Ends with a close frame that says why. */
static void
give_up(struct ws *ws, enum ws_end end, int code, const char *why)
{
	if (ws->over)
		return;
	end_with(ws, end, why);
	put_close(ws, code);
	loop_timer_start(ws->timer, CLOSE_MS, 0);
}

static void
peer_closed(struct ws *ws, struct str payload)
{
	int code = 1005;
	struct str reason = STR_NONE;

	if (payload.len >= 2) {
		code = (unsigned char)payload.ptr[0] << 8 | (unsigned char)payload.ptr[1];
		reason = (struct str){payload.ptr + 2, payload.len - 2};
	}
	if (ws->over)
		return;
	ws->ended.code = code;
	snprintf(ws->error, sizeof(ws->error),
		reason.len ? "closed by the server (%d): %.*s" : "closed by the server (%d)", code,
		STR_ARG(reason));
	end_with(ws, WS_CLOSED, ws->error);
	put_close(ws, code == 1005 ? 0 : code);
	loop_timer_start(ws->timer, CLOSE_MS, 0);
}

/* False when `ws` is gone. */
static bool
take_frame(struct ws *ws, enum frame frame, struct str payload)
{
	switch (frame) {
	case FRAME_MORE:
	case FRAME_PONG:
		break;
	case FRAME_MESSAGE:
		enter(ws);
		if (ws->events.on_message)
			ws->events.on_message(ws->data, payload);
		if (!leave(ws))
			return false;
		if (ws->frames.message.size > WS_MESSAGE_KEPT_MAX && ws->frames.opcode == 0) {
			/* a rare big one must not hold its memory for ever */
			frames_finish(&ws->frames);
			frames_init(&ws->frames, true);
		}
		break;
	case FRAME_PING:
		put_frame(ws, WS_PONG, payload);
		break;
	case FRAME_CLOSE:
		peer_closed(ws, payload);
		break;
	case FRAME_BAD:
		if (ws->frames.code == 1009)
			give_up(ws, WS_TOO_BIG, 1009, "a message is too big");
		else
			give_up(ws, WS_BROKEN, ws->frames.code, "what came is no WebSocket frame");
		break;
	}
	return true;
}

static bool
reads(const struct ws *ws)
{
	return !ws->over && !ws->paused && (ws->state == STATE_OPEN || ws->state == STATE_CLOSE);
}

/* Takes the whole frames at the front; *used gets their length. False when `ws` is gone. */
static bool
take_frames(struct ws *ws, char *bytes, size_t len, size_t *used)
{
	*used = 0;
	while (*used < len && reads(ws)) {
		struct str payload = STR_NONE;
		size_t one;
		enum frame frame =
			frames_next(&ws->frames, bytes + *used, len - *used, &one, &payload);
		*used += one;
		if (frame == FRAME_MORE && one == 0)
			break;
		if (!take_frame(ws, frame, payload))
			return false;
	}
	return true;
}

/* What stands in ws->in: frames that came while paused, or behind the answer's head. */
static void
take_pending(struct ws *ws)
{
	size_t used;
	if (ws->in.len == 0 || !take_frames(ws, ws->in.ptr, ws->in.len, &used))
		return;
	buf_drop_front(&ws->in, used);
}

/* Completes the frame whose start stands in ws->in from the front of `bytes`. Returns how many bytes it took. */
static size_t
complete_frame(struct ws *ws, const char *bytes, size_t len)
{
	size_t taken = 0;
	uint64_t whole;
	while ((whole = frames_length(ws->in.ptr, ws->in.len)) == 0 && taken < len)
		buf_add(&ws->in, bytes + taken++, 1); /* of a head, WS_HEAD_MAX at most */
	if (whole > ws->in.len) {
		size_t missing = (size_t)whole - ws->in.len;
		size_t more = len - taken < missing ? len - taken : missing;
		buf_add(&ws->in, bytes + taken, more);
		taken += more;
	}
	return taken;
}

/* Whole frames are read where they lie; only one that is cut by the end of a read is copied. */
static void
receive_frames(struct ws *ws, char *bytes, size_t len)
{
	size_t at = 0, used;
	if (ws->in.len > 0 && reads(ws)) {
		at = complete_frame(ws, bytes, len);
		if (!take_frames(ws, ws->in.ptr, ws->in.len, &used))
			return;
		buf_drop_front(&ws->in, used);
	}
	if (ws->in.len == 0) {
		if (!take_frames(ws, bytes + at, len - at, &used))
			return;
		at += used;
		if (ws->in.size > WS_MESSAGE_KEPT_MAX) {
			buf_finish(&ws->in);
			buf_init(&ws->in, WS_MESSAGE_MAX + WS_MESSAGE_KEPT_MAX * 4);
		}
	}
	if (!ws->over && buf_add(&ws->in, bytes + at, len - at) != ERR_OK)
		give_up(ws, WS_TOO_BIG, 1009, "a message is too big");
}

static struct handshake
handshake_of(const struct ws *ws)
{
	return (struct handshake){.host = ws->host,
		.path = ws->path,
		.bearer = ws->bearer,
		.header_only = ws->bearer_in == WS_BEARER_HEADER,
		.user_agent = ws->user_agent,
		.key = ws->key};
}

static void
opened(struct ws *ws, size_t used)
{
	buf_drop_front(&ws->in, used);
	ws->state = STATE_OPEN;
	loop_timer_stop(ws->timer);
	enter(ws);
	if (ws->events.on_open)
		ws->events.on_open(ws->data);
	if (leave(ws))
		take_pending(ws);
}

static const char *
hint(const char *text)
{
	return text[0] != '\0' && str_is_utf8(str_from(text)) ? text : NULL;
}

static void
receive_answer(struct ws *ws, struct str bytes)
{
	struct handshake_answer answer;
	struct handshake handshake = handshake_of(ws);
	enum handshake_result result = HANDSHAKE_BAD;
	if (buf_add_str(&ws->in, bytes) == ERR_OK)
		result = handshake_read(&handshake, buf_str(&ws->in), &answer);
	switch (result) {
	case HANDSHAKE_MORE:
		return;
	case HANDSHAKE_OPEN:
		opened(ws, answer.used);
		return;
	case HANDSHAKE_REFUSED:
		ws->ended.http_status = answer.status;
		ws->hints = xmalloc(sizeof(*ws->hints));
		*ws->hints = answer.hints;
		ws->ended.location = hint(ws->hints->location);
		ws->ended.retry_after = hint(ws->hints->retry_after);
		ws->ended.limit_reset = hint(ws->hints->limit_reset);
		if (answer.error[0] && str_is_utf8(str_from(answer.error)))
			snprintf(ws->error, sizeof(ws->error), "%s", answer.error);
		else
			snprintf(ws->error, sizeof(ws->error),
				"the server answered the upgrade with status %d", answer.status);
		end_with(ws, WS_REFUSED, ws->error);
		break;
	case HANDSHAKE_BAD:
		end_with(ws, WS_BROKEN, answer.error);
		break;
	}
	finish(ws);
}

/* ---- what the stream of bytes says ---- */

static void
on_bytes(void *data, char *bytes, size_t len)
{
	struct ws *ws = data;
	if (ws->over)
		return;
	if (ws->events.on_alive && ws->state == STATE_OPEN) {
		enter(ws);
		ws->events.on_alive(ws->data);
		if (!leave(ws))
			return;
	}
	if (ws->state == STATE_HANDSHAKE)
		receive_answer(ws, (struct str){bytes, len});
	else
		receive_frames(ws, bytes, len);
}

static void
on_connected(void *data)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct ws *ws = data;
	unsigned char random[22] = {0};
	ssize_t got = getrandom(random, sizeof(random), 0);
	(void)got; /* the key guards against caches, it is no secret (RFC 6455, 1.3) */
	for (size_t i = 0; i < sizeof(random);
		i++) /* 16 bytes are 22 digits; the last has 2 bits */
		ws->key[i] = digits[i < 21 ? random[i] & 63 : random[i] & 48];
	memcpy(ws->key + sizeof(random), "==", 3);
	struct handshake handshake = handshake_of(ws);
	struct buf request;
	buf_init(&request, DIAL_QUEUE_MAX);
	handshake_put(&handshake, &request);
	dial_send(ws->dial, buf_str(&request));
	buf_finish(&request);
	ws->state = STATE_HANDSHAKE;
	loop_timer_start(ws->timer, WS_HANDSHAKE_MS, 0);
}

/* Our last frame is out. */
static void
on_sent(void *data)
{
	struct ws *ws = data;
	if (ws->state == STATE_CLOSE && !ws->over) {
		ws->ended.code = ws->close_code;
		end_with(ws, WS_CLOSED, "closed by us");
	}
	if (ws->over)
		finish(ws);
}

static void
on_dial_end(void *data, enum dial_end end, const char *words)
{
	struct ws *ws = data;
	if (end == DIAL_NO_NAME)
		end_with(ws, WS_NO_NAME, words);
	else if (end == DIAL_TLS)
		end_with(ws, WS_TLS, words);
	else if (end == DIAL_NO_CONNECT)
		end_with(ws, WS_NO_CONNECT, words);
	else if (ws->state == STATE_HANDSHAKE)
		end_with(ws, WS_CUT, "the connection ended inside the handshake");
	finish(ws);
}

static const struct dial_events dial_events = {.on_connected = on_connected,
	.on_bytes = on_bytes,
	.on_sent = on_sent,
	.on_end = on_dial_end};

/* ---- what the owner calls ---- */

struct ws *
ws_open(struct ws_client *client, const struct ws_target *target, const struct ws_events *events,
	void *data)
{
	struct ws *ws = xcalloc(1, sizeof(*ws));
	bool v6;

	if (!url_parse(str_from(target->url), &ws->url)) {
		free(ws);
		return NULL;
	}
	ws->client = client;
	ws->events = *events;
	ws->data = data;
	ws->path = ws->url.query ? xasprintf("%s?%s", ws->url.path, ws->url.query)
				 : xstrdup(ws->url.path);
	v6 = strchr(ws->url.host, ':') != NULL;
	ws->host = ws->url.default_port ? xasprintf(v6 ? "[%s]" : "%s", ws->url.host)
					: xasprintf(v6 ? "[%s]:%u" : "%s:%u", ws->url.host,
						  (unsigned)ws->url.port);
	ws->bearer = xstrdup(target->bearer);
	ws->bearer_in = target->bearer_in;
	ws->user_agent = xstrdup(target->user_agent);
	frames_init(&ws->frames, true);
	buf_init(&ws->in, WS_MESSAGE_MAX + WS_MESSAGE_KEPT_MAX * 4);
	ws->timer = loop_timer_create(client->loop, on_ws_timer, ws);
	DL_APPEND(client->open, ws);
	loop_timer_start(ws->timer, HTTP_CONNECT_MS, 0);
	char *url = xasprintf("%s://%s/", ws->url.tls ? "https" : "http", ws->host);
	ws->dial = dial_open(client->dialer, url, target->ca_file, &dial_events, ws);
	free(url);
	return ws;
}

bool
ws_send(struct ws *ws, struct str text)
{
	if (ws->over || ws->state != STATE_OPEN ||
		dial_queued(ws->dial) + text.len > WS_SEND_QUEUE_MAX)
		return false;
	put_frame(ws, WS_TEXT, text);
	return true;
}

void
ws_ping(struct ws *ws)
{
	if (!ws->over && ws->state == STATE_OPEN)
		put_frame(ws, WS_PING, STR(""));
}

void
ws_close(struct ws *ws, int code)
{
	bool open = ws->state == STATE_OPEN;

	if (ws->over || ws->state == STATE_CLOSE)
		return;
	ws->state = STATE_CLOSE;
	ws->close_code = code;
	ws->ended.code = code;
	if (open)
		put_close(ws, code);
	/* Without a connection there is nothing to say good-bye to: on_ws_timer ends it, from the loop. */
	loop_timer_start(ws->timer, open ? CLOSE_MS : 0, 0);
}

void
ws_abandon(struct ws *ws)
{
	ws->abandoned = true;
	dial_close(ws->dial);
	ws->dial = NULL;
	if (ws->depth == 0)
		ws_free(ws);
}

void
ws_pause(struct ws *ws, bool paused)
{
	if (ws->paused == paused || ws->abandoned)
		return;
	ws->paused = paused;
	dial_pause(ws->dial, paused);
	if (!paused && ws->in.len > 0 && ws->state == STATE_OPEN && !ws->over)
		loop_timer_start(ws->timer, 0, 0); /* take_pending, not from inside this call */
}

/* ---- the client ---- */

struct ws_client *
ws_client_create(struct loop *loop, struct log *log)
{
	struct ws_client *client = xcalloc(1, sizeof(*client));

	client->loop = loop;
	client->log = log;
	client->dialer = dialer_create(loop);
	return client;
}

void
ws_client_destroy(struct ws_client *client)
{
	struct ws *ws, *next;

	if (!client)
		return;
	DL_FOREACH_SAFE(client->open, ws, next)
		ws_free(ws);
	dialer_destroy(client->dialer);
	free(client);
}
