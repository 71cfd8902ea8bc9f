/* SPDX-License-Identifier: MIT */
/* WebSocket client connections: libwebsockets as a guest on our loop. */
#define LOG_MODULE "ws"
#include "ws.h"

#include <linux/tcp.h> /* the C library's own tcp_info lacks tcpi_bytes_received */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>
#include <utlist.h>

#include "limits.h"
#include "lws_guest.h"
#include "url.h"
#include "xmalloc.h"

#define FRAGMENT_BYTES 16384 /* of a message, handed up at once; each connection holds that much */
#define ALIVE_MS       5000  /* how often bytes that lws hides (pings) are looked for */
#define CLOSE_MS       5000  /* for the answer to our close frame */

struct outgoing {
	struct outgoing *next;
	size_t len;
	unsigned char bytes[]; /* LWS_PRE of room, then the message */
};

enum state {
	STATE_RESOLVE,
	STATE_CONNECT,   /* TCP and TLS */
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
	char *host; /* for Host and SNI */
	char *bearer;
	char *ca_file;
	char *user_agent;

	enum state state;
	struct loop_timer *timer; /* of the state; or the next address */
	unsigned resolve_id;
	char *addresses[RESOLVE_ADDRESSES_MAX];
	unsigned address_count, address_next;
	struct lws *wsi; /* NULL before and after */
	bool connecting; /* inside lws_client_connect_via_info */
	bool paused;
	unsigned depth; /* inside callbacks of the owner */
	bool abandoned;

	struct buf message;   /* fragments so far */
	struct outgoing *out; /* list, outgoing::next */
	size_t out_len;
	int close_code;
	uint64_t bytes_seen; /* the socket's counter at the last look */

	bool over; /* `ended` holds the reason, the first one counts */
	struct ws_ended ended;
	char error[MESSAGE_MAX];
};

struct ws_client {
	struct loop *loop;
	struct log *log;
	struct lws_guest *guest;
	struct ws *cursor; /* of on_alive_timer: moves on when its connection is freed */
	struct ws *open;   /* list, ws::next */
	struct loop_timer *alive;
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
	struct outgoing *out, *next;

	if (ws->client->cursor == ws)
		ws->client->cursor = ws->next;
	DL_DELETE(ws->client->open, ws);
	if (ws->wsi) {
		lws_set_opaque_user_data(ws->wsi, NULL); /* lws says nothing more about it */
		lws_guest_kill(ws->client->guest, ws->wsi);
	}
	loop_resolve_cancel(ws->client->loop, ws->resolve_id);
	loop_timer_destroy(ws->timer);
	LL_FOREACH_SAFE(ws->out, out, next)
		free(out);
	for (unsigned i = 0; i < ws->address_count; i++)
		free(ws->addresses[i]);
	buf_finish(&ws->message);
	url_finish(&ws->url);
	free(ws->path);
	free(ws->host);
	free(ws->bearer);
	free(ws->ca_file);
	free(ws->user_agent);
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

static void try_next_address(struct ws *ws);

/* lws is done with an attempt. */
static void
attempt_over(struct ws *ws)
{
	ws->wsi = NULL;
	if (ws->state == STATE_CONNECT && ws->over && ws->ended.end == WS_NO_CONNECT &&
		ws->address_next < ws->address_count) {
		ws->over = false;
		loop_timer_start(ws->timer, 0, 0); /* not from inside this callback of lws */
		return;
	}
	finish(ws);
}

static void
on_ws_timer(void *data)
{
	struct ws *ws = data;

	if (ws->state == STATE_CONNECT && !ws->wsi && !ws->over) {
		try_next_address(ws);
		return;
	}
	switch (ws->state) {
	case STATE_RESOLVE:
		end_with(ws, WS_NO_NAME, "the name was not resolved in time");
		break;
	case STATE_CONNECT:
		end_with(ws, WS_NO_CONNECT, "no connection in time");
		break;
	case STATE_HANDSHAKE:
		end_with(ws, WS_SLOW, "no answer to the handshake in time");
		break;
	case STATE_OPEN:
		return;
	case STATE_CLOSE:
		end_with(ws, WS_CLOSED, "closed by us");
		break;
	}
	if (ws->wsi)
		lws_guest_kill(ws->client->guest, ws->wsi);
	else
		finish(ws);
}

/* ---- what lws calls ---- */

static int
append_headers(struct ws *ws, struct lws *wsi, unsigned char **at, size_t len)
{
	unsigned char *end = *at + len;
	char *bearer;
	int failed = 0;

	if (ws->bearer) {
		bearer = xasprintf("Bearer %s", ws->bearer);
		failed = lws_add_http_header_by_name(wsi,
			(const unsigned char *)"Authorization:", (const unsigned char *)bearer,
			(int)strlen(bearer), at, end);
		free(bearer);
	}
	if (!failed && ws->user_agent)
		failed = lws_add_http_header_by_name(wsi,
			(const unsigned char *)"User-Agent:", (const unsigned char *)ws->user_agent,
			(int)strlen(ws->user_agent), at, end);
	ws->state = STATE_HANDSHAKE;
	loop_timer_start(ws->timer, WS_HANDSHAKE_MS, 0);
	return failed ? -1 : 0;
}

static void
on_established(struct ws *ws)
{
	ws->state = STATE_OPEN;
	loop_timer_stop(ws->timer);
	if (ws->paused)
		lws_rx_flow_control(ws->wsi, 0);
	if (ws->out)
		lws_callback_on_writable(ws->wsi);
	enter(ws);
	if (ws->events.on_open)
		ws->events.on_open(ws->data);
	leave(ws);
}

/* The server's own words about a refused upgrade. */
static void
refused(struct ws *ws, struct lws *wsi, int status)
{
	static const char name[] = "x-error-message:";
	char words[ERROR_BODY_SHOWN_MAX];
	int len = lws_hdr_custom_length(wsi, name, sizeof(name) - 1);

	ws->ended.http_status = status;
	if (len > 0 && len < (int)sizeof(words) &&
		lws_hdr_custom_copy(wsi, words, sizeof(words), name, sizeof(name) - 1) > 0)
		snprintf(ws->error, sizeof(ws->error), "%s", words);
	else
		snprintf(ws->error, sizeof(ws->error),
			"the server answered the upgrade with status %d", status);
	end_with(ws, WS_REFUSED, ws->error);
}

static bool
mentions_tls(const char *text)
{
	return strcasestr(text, "ssl") || strcasestr(text, "tls") || strcasestr(text, "cert");
}

static void
connection_error(struct ws *ws, struct lws *wsi, struct str text)
{
	char words[ERROR_BODY_SHOWN_MAX];
	int status = wsi ? (int)lws_http_client_http_response(wsi) : 0;

	if (ws->over)
		return;
	snprintf(words, sizeof(words), "%.*s", STR_ARG(text));
	if (ws->state == STATE_HANDSHAKE) {
		if (status > 0)
			refused(ws, wsi, status);
		else
			end_with(ws, WS_CUT,
				words[0] ? words : "the connection ended inside the handshake");
		return;
	}
	if (ws->url.tls && mentions_tls(words))
		end_with(ws, WS_TLS, words);
	else
		end_with(ws, WS_NO_CONNECT, words[0] ? words : "no connection");
}

/* Hands a whole message up. False when `ws` is gone. */
static bool
deliver(struct ws *ws, struct str text)
{
	enter(ws);
	if (ws->events.on_message)
		ws->events.on_message(ws->data, text);
	return leave(ws);
}

static void
receive(struct ws *ws, struct lws *wsi, struct str bytes)
{
	bool whole = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

	if (ws->over)
		return;
	if (ws->events.on_alive) {
		enter(ws);
		ws->events.on_alive(ws->data);
		if (!leave(ws))
			return;
	}
	if (whole && ws->message.len == 0) {
		deliver(ws, bytes.ptr ? bytes : STR(""));
		return;
	}
	if (buf_add_str(&ws->message, bytes) != ERR_OK) {
		end_with(ws, WS_TOO_BIG, "a message is too big");
		lws_guest_kill(ws->client->guest, ws->wsi);
		return;
	}
	if (!whole || !deliver(ws, buf_str(&ws->message)))
		return;
	if (ws->message.size >
		WS_MESSAGE_KEPT_MAX) { /* a rare big one must not hold its memory for ever */
		buf_finish(&ws->message);
		buf_init(&ws->message, WS_MESSAGE_MAX);
	} else {
		buf_clear(&ws->message);
	}
}

/* lws 4.1 has made 1002 of the codes 1012 to 1015 before we see them. */
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
	if (reason.len && str_is_utf8(reason))
		snprintf(ws->error, sizeof(ws->error), "closed by the server (%d): %.*s", code,
			STR_ARG(reason));
	else
		snprintf(ws->error, sizeof(ws->error), "closed by the server (%d)", code);
	end_with(ws, WS_CLOSED, ws->error);
}

/* One message a call; true: ask for another. Returns -1 to close. */
static int
on_writable(struct ws *ws, struct lws *wsi)
{
	struct outgoing *out = ws->out;

	if (ws->over)
		return 0;
	if (out) {
		LL_DELETE(ws->out, out);
		ws->out_len -= out->len;
		if (lws_write(wsi, out->bytes + LWS_PRE, out->len, LWS_WRITE_TEXT) <
			(int)out->len) {
			free(out);
			return -1;
		}
		free(out);
	}
	if (ws->out) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	if (ws->state != STATE_CLOSE)
		return 0;
	ws->ended.code = ws->close_code;
	end_with(ws, WS_CLOSED, "closed by us");
	lws_close_reason(wsi, (enum lws_close_status)ws->close_code, NULL, 0);
	return -1;
}

static int
on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct ws *ws = wsi ? lws_get_opaque_user_data(wsi) : NULL;

	(void)user;
	if (!ws)
		return 0; /* abandoned, or an event of no connection */
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return append_headers(ws, wsi, in, len);
	case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
		return 1; /* the token must not travel */
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		on_established(ws);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		receive(ws, wsi, (struct str){in, len});
		break;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return on_writable(ws, wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		peer_closed(ws, (struct str){in, len});
		break;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		connection_error(ws, wsi, (struct str){in, in ? len : 0});
		break;
	case LWS_CALLBACK_WSI_DESTROY:
		/* The only reason that always comes: a server that accepts and stays silent yields no
		 * CONNECTION_ERROR. */
		ws->wsi = NULL;
		lws_set_opaque_user_data(wsi, NULL);
		if (!ws->connecting)
			attempt_over(ws);
		break;
	}
	return 0;
}

/* The bearer goes out as subprotocol and may come back or not: messages come here either way. */
static const struct lws_protocols protocols[] = {
	{.name = "moontusk", .callback = on_lws, .rx_buffer_size = FRAGMENT_BYTES},
	{0},
};

/* ---- connecting ---- */

static void
connect_to(struct ws *ws, const char *address)
{
	struct lws_client_connect_info info = {
		.context = lws_guest_context(ws->client->guest),
		.address = address,
		.port = ws->url.port,
		.path = ws->path,
		.host = ws->host,
		.protocol = ws->bearer,
		.local_protocol_name = protocols[0].name,
		.alpn = "http/1.1",
		.ietf_version_or_minus_one = -1,
		.pwsi = &ws->wsi,
		.opaque_user_data = ws,
	};
	bool failed;

	info.vhost =
		lws_guest_client(ws->client->guest, ws->url.tls ? ws->ca_file : NULL, protocols);
	info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (ws->url.tls ? LCCSCF_USE_SSL : 0);
	ws->connecting = true;
	failed = !info.vhost || !lws_client_connect_via_info(&info);
	ws->connecting = false;
	if (!failed)
		return;
	end_with(ws, WS_NO_CONNECT, "no connection");
	attempt_over(ws);
}

static void
try_next_address(struct ws *ws)
{
	ws->state = STATE_CONNECT;
	loop_timer_start(ws->timer, HTTP_CONNECT_MS, 0);
	connect_to(ws, ws->addresses[ws->address_next++]);
}

static void
on_resolved(void *data, const char *const *addresses, unsigned count, const char *error)
{
	struct ws *ws = data;

	ws->resolve_id = 0;
	if (count == 0) {
		snprintf(ws->error, sizeof(ws->error), "%s: %s", ws->url.host, error);
		end_with(ws, WS_NO_NAME, ws->error);
		finish(ws);
		return;
	}
	for (unsigned i = 0; i < count; i++)
		ws->addresses[i] = xstrdup(addresses[i]);
	ws->address_count = count;
	if (ws->url.tls && ws->ca_file && access(ws->ca_file, R_OK) != 0) {
		snprintf(ws->error, sizeof(ws->error), "cannot read the CA file %s", ws->ca_file);
		end_with(ws, WS_TLS, ws->error);
		finish(ws);
		return;
	}
	try_next_address(ws);
}

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
	ws->ca_file = xstrdup(target->ca_file);
	ws->user_agent = xstrdup(target->user_agent);
	buf_init(&ws->message, WS_MESSAGE_MAX);
	ws->timer = loop_timer_create(client->loop, on_ws_timer, ws);
	DL_APPEND(client->open, ws);
	loop_timer_start(ws->timer, HTTP_CONNECT_MS, 0);
	ws->resolve_id = loop_resolve(client->loop, ws->url.host, on_resolved, ws);
	if (!loop_timer_active(client->alive))
		loop_timer_start(client->alive, ALIVE_MS, ALIVE_MS);
	return ws;
}

bool
ws_send(struct ws *ws, struct str text)
{
	struct outgoing *out;

	if (ws->over || ws->state == STATE_CLOSE || ws->out_len + text.len > WS_SEND_QUEUE_MAX)
		return false;
	out = xmalloc(sizeof(*out) + LWS_PRE + text.len + 1);
	out->next = NULL;
	out->len = text.len;
	if (text.len)
		memcpy(out->bytes + LWS_PRE, text.ptr, text.len);
	LL_APPEND(ws->out, out);
	ws->out_len += text.len;
	if (ws->state == STATE_OPEN)
		lws_callback_on_writable(ws->wsi);
	return true;
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
	if (open) {
		lws_callback_on_writable(ws->wsi);
		loop_timer_start(ws->timer, CLOSE_MS, 0);
		return;
	}
	/* Nothing to say good-bye to: on_ws_timer ends it, from the loop. */
	loop_resolve_cancel(ws->client->loop, ws->resolve_id);
	loop_timer_start(ws->timer, 0, 0);
}

void
ws_abandon(struct ws *ws)
{
	ws->abandoned = true;
	if (ws->wsi) {
		lws_set_opaque_user_data(ws->wsi, NULL);
		lws_guest_kill(ws->client->guest, ws->wsi);
		ws->wsi = NULL;
	}
	if (ws->depth == 0)
		ws_free(ws);
}

void
ws_pause(struct ws *ws, bool paused)
{
	if (ws->paused == paused)
		return;
	ws->paused = paused;
	if (ws->state == STATE_OPEN && ws->wsi) {
		lws_rx_flow_control(ws->wsi, !paused);
		lws_guest_kick(ws->client->guest);
	}
}

/* ---- the client ---- */

/* lws answers pings without telling; the socket's own counter shows that something came. */
static bool
bytes_came(struct ws *ws)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	bool came;

	if (getsockopt(lws_get_socket_fd(ws->wsi), IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return false;
	came = info.tcpi_bytes_received != ws->bytes_seen;
	ws->bytes_seen = info.tcpi_bytes_received;
	return came;
}

static void
on_alive_timer(void *data)
{
	struct ws_client *client = data;
	struct ws *ws;

	for (ws = client->open; ws; ws = client->cursor) {
		client->cursor = ws->next;
		if (ws->state != STATE_OPEN || !ws->wsi || ws->over || !ws->events.on_alive)
			continue;
		if (!bytes_came(ws))
			continue;
		enter(ws);
		ws->events.on_alive(ws->data);
		leave(ws);
	}
	if (!client->open)
		loop_timer_stop(client->alive);
}

struct ws_client *
ws_client_create(struct loop *loop, struct log *log)
{
	struct ws_client *client = xcalloc(1, sizeof(*client));

	client->loop = loop;
	client->log = log;
	client->guest = lws_guest_of(loop);
	client->alive = loop_timer_create(loop, on_alive_timer, client);
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
	loop_timer_destroy(client->alive);
	free(client);
}
