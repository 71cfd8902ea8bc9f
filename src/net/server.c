/* SPDX-License-Identifier: MIT */
/* The embedded server: connections, their queues and what is answered on them.
 *
 * libwebsockets accepts, encrypts and carries the bytes ("raw" role), on our loop. The bytes themselves are made
 * here, because its own HTTP and WebSocket roles decide over header lines, subprotocols and close codes, and a
 * server that stands in for Mastodon in tests must decide over each byte. */
#define LOG_MODULE "server"
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>
#include <uthash.h>

#include "limits.h"
#include "server_http.h"
#include "server_listen.h"
#include "ws_frames.h"
#include "xmalloc.h"

#define WRITE_BYTES   65536 /* bytes a write: many small chunks leave in one system call */
#define WRITES_A_TURN 16    /* then the other sockets of the loop have their turn */
#define SWEEP_MS      1000
#define IDLE_MS       5000  /* of a kept connection, as Node has it */
#define HEAD_MS       60000 /* for a request to come in */
#define CLOSE_MS      30000 /* for the answer to our close frame */

enum mode {
	MODE_REQUEST, /* reads a request */
	MODE_ANSWER,  /* a whole request was given up, the answer is awaited */
	MODE_STREAM,  /* server_begin was called */
	MODE_WS,
	MODE_WS_CLOSING, /* we sent our close frame */
	MODE_END,        /* nothing is read or queued any more */
};

struct conn {
	struct server *server;
	server_conn id;
	struct lws *wsi;
	enum mode mode;
	struct parser parser;
	struct frames frames; /* once it is a WebSocket */
	struct buf out;
	size_t out_at;    /* bytes of `out` that lws has taken */
	bool chunked;     /* of the answer under way */
	bool close_after; /* once `out` is empty */
	bool known;       /* the owner heard of it: it will hear its end */
	bool wants_write; /* a writable callback was asked for */
	bool busy;        /* inside process(): it goes on by itself */
	int64_t since_ms; /* of the mode, or of the last byte */
	UT_hash_handle hh;
};

struct server {
	struct loop *loop;
	struct log *log;
	struct server_events events;
	void *data;
	struct listener *listener;
	struct loop_timer *sweep;
	struct clock clock;
	struct conn *conns; /* hash by id */
	server_conn last_id;
};

static void
want_write(struct conn *conn)
{
	if (conn->wants_write)
		return;
	conn->wants_write = true;
	lws_callback_on_writable(conn->wsi);
}

/* Ends the connection soon, whatever is queued. */
static void
kill_conn(struct conn *conn)
{
	conn->mode = MODE_END;
	buf_clear(&conn->out);
	conn->out_at = 0;
	listener_kill(conn->server->listener, conn->wsi); /* soon: lws may be in a callback of it */
}

/* After something was added to `out`. */
static bool
queued(struct conn *conn)
{
	if (conn->out.err == ERR_OK && conn->out.len - conn->out_at <= SERVER_SEND_QUEUE_MAX) {
		want_write(conn);
		return true;
	}
	log_warn(conn->server->log, "a client does not read: cut after %u MiB",
		SERVER_SEND_QUEUE_MAX >> 20);
	kill_conn(conn);
	return false;
}

static void
set_mode(struct conn *conn, enum mode mode)
{
	conn->mode = mode;
	/* Not the time of the iteration: what answers may have taken its time. */
	conn->since_ms = clock_mono_ms(&conn->server->clock);
}

static void
close_soon(struct conn *conn)
{
	set_mode(conn, MODE_END);
	conn->close_after = true;
	want_write(conn);
}

/* ---- answers ---- */

/* The caller's "Connection" wins over what the request asked for. */
static void
put_connection(struct conn *conn, const struct http_header *headers, unsigned count)
{
	bool given = false;

	for (unsigned i = 0; i < count; i++) {
		if (!str_eq_nocase(str_from(headers[i].name), STR("Connection")))
			continue;
		given = true;
		if (str_eq_nocase(str_from(headers[i].value), STR("close")))
			conn->parser.close = true;
	}
	if (!given)
		buf_add_text(&conn->out, conn->parser.close ? "Connection: close\r\n"
							    : "Connection: keep-alive\r\n");
}

/* Decides whether the answer is chunked: HTTP/1.0 does not know chunks, but gets them when the caller names
 * them, as Mastodon does. */
static void
put_coding(struct conn *conn, const struct http_header *headers, unsigned count)
{
	bool given = http_has_header(headers, count, "Transfer-Encoding");

	conn->chunked = given || !conn->parser.request.http10;
	if (conn->chunked && !given)
		buf_add_text(&conn->out, "Transfer-Encoding: chunked\r\n");
	if (!conn->chunked)
		conn->parser.close = true; /* the end of the connection is the end of the answer */
}

/* The answer is complete: the next request, or the end. */
static void
answered(struct conn *conn)
{
	bool close = conn->parser.close;

	parser_drop(&conn->parser);
	if (close)
		close_soon(conn);
	else
		set_mode(conn, MODE_REQUEST);
	want_write(
		conn); /* a request that waits behind is taken from there, never from inside this call */
}

static struct conn *
find(const struct server *server, server_conn id)
{
	struct conn *conn;

	HASH_FIND(hh, server->conns, &id, sizeof(id), conn);
	return conn && conn->mode != MODE_END ? conn : NULL;
}

bool
server_respond(/* NOLINT(readability-function-size): a whole answer in one call */
	struct server *server, server_conn id, int status, const struct http_header *headers,
	unsigned header_count, struct str body, bool chunked)
{
	struct conn *conn = find(server, id);
	bool head_only;

	if (!conn || conn->mode != MODE_ANSWER)
		return false;
	head_only = strcmp(conn->parser.request.method, "HEAD") == 0;
	http_put_head(&conn->out, status, headers, header_count);
	if (chunked)
		put_coding(conn, headers, header_count);
	else if (!http_has_header(headers, header_count, "Content-Length"))
		buf_printf(&conn->out, "Content-Length: %zu\r\n", body.len);
	put_connection(conn, headers, header_count);
	buf_add(&conn->out, "\r\n", 2);
	if (!head_only && chunked && conn->chunked) {
		http_put_chunk(&conn->out, body);
		buf_add_text(&conn->out, "0\r\n\r\n");
	} else if (!head_only) {
		buf_add_str(&conn->out, body);
	}
	answered(conn);
	return queued(conn);
}

bool
server_begin(struct server *server, server_conn id, int status, const struct http_header *headers,
	unsigned header_count)
{
	struct conn *conn = find(server, id);

	if (!conn || conn->mode != MODE_ANSWER)
		return false;
	http_put_head(&conn->out, status, headers, header_count);
	put_coding(conn, headers, header_count);
	put_connection(conn, headers, header_count);
	buf_add(&conn->out, "\r\n", 2);
	set_mode(conn, MODE_STREAM);
	return queued(conn);
}

bool
server_write(struct server *server, server_conn id, struct str chunk)
{
	struct conn *conn = find(server, id);

	if (!conn || conn->mode != MODE_STREAM)
		return false;
	if (conn->chunked)
		http_put_chunk(&conn->out, chunk);
	else
		buf_add_str(&conn->out, chunk);
	return queued(conn);
}

bool
server_finish(struct server *server, server_conn id)
{
	struct conn *conn = find(server, id);

	if (!conn || conn->mode != MODE_STREAM)
		return false;
	if (conn->chunked)
		buf_add_text(&conn->out, "0\r\n\r\n");
	answered(conn);
	return queued(conn);
}

static bool
send_frame(struct server *server, server_conn id, int opcode, struct str payload)
{
	struct conn *conn = find(server, id);

	if (!conn || conn->mode != MODE_WS)
		return false;
	frames_put(&conn->out, opcode, payload);
	return queued(conn);
}

bool
server_ws_send(struct server *server, server_conn id, struct str text)
{
	return send_frame(server, id, WS_TEXT, text);
}

bool
server_ws_ping(struct server *server, server_conn id, struct str payload, bool pong)
{
	return send_frame(server, id, pong ? WS_PONG : WS_PING, payload);
}

bool
server_ws_close(struct server *server, server_conn id, int code, struct str reason)
{
	struct conn *conn = find(server, id);

	if (!conn || conn->mode != MODE_WS)
		return false;
	char payload[WS_CONTROL_MAX];
	frames_put(&conn->out, WS_CLOSE, frames_close_payload(payload, code, reason));
	set_mode(conn, MODE_WS_CLOSING);
	return queued(conn);
}

bool
server_cut(struct server *server, server_conn id, bool reset)
{
	struct conn *conn = find(server, id);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd;

	if (!conn)
		return false;
	fd = lws_get_socket_fd(conn->wsi);
	/* At once, so that nothing (not even TLS's good-bye) is sent after. On Linux, connecting to no address
	 * is what sends a reset. */
	if (reset && connect(fd, &none, sizeof(none)) != 0)
		log_debug(server->log, "reset: %s", strerror(errno));
	else if (!reset)
		shutdown(fd, SHUT_WR);
	kill_conn(conn);
	return true;
}

int
server_peer_port(const struct server *server, server_conn id)
{
	struct conn *conn = find(server, id);

	return conn ? listener_peer_port(conn->wsi) : 0;
}

size_t
server_queued(const struct server *server, server_conn id)
{
	struct conn *conn = find(server, id);

	return conn ? conn->out.len - conn->out_at : 0;
}

int
server_port(const struct server *server)
{
	return listener_port(server->listener);
}

/* ---- what comes in ---- */

/* An answer of the server's own, after which the connection ends. */
static void
refuse(struct conn *conn, int status, const char *text, const char *extra)
{
	buf_printf(&conn->out,
		"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: text/html\r\n"
		"Content-Length: %zu\r\n%s\r\n%s",
		status, status_text(status), strlen(text), extra, text);
	close_soon(conn);
	queued(conn);
}

/* What the ws library, on which Mastodon stands, checks of an upgrade; in its order and words. */
static bool
check_upgrade(struct conn *conn)
{
	const char *key = parser_header(&conn->parser, "sec-websocket-key");
	const char *version = parser_header(&conn->parser, "sec-websocket-version");

	if (strcmp(conn->parser.request.method, "GET") != 0) {
		refuse(conn, 405, "Invalid HTTP method", "");
		return false;
	}
	if (!key || strlen(key) != 24 || strcmp(key + 22, "==") != 0) {
		refuse(conn, 400, "Missing or invalid Sec-WebSocket-Key header", "");
		return false;
	}
	if (!version || (strcmp(version, "13") != 0 && strcmp(version, "8") != 0)) {
		refuse(conn, 400, "Missing or invalid Sec-WebSocket-Version header",
			"Sec-WebSocket-Version: 13, 8\r\n");
		return false;
	}
	return true;
}

static void
upgrade(struct conn *conn)
{
	struct server *server = conn->server;
	const char *subprotocol = NULL;
	const struct http_header *extra = NULL;
	unsigned extra_count = 0;
	int status;

	conn->known = true;
	set_mode(conn, MODE_ANSWER);
	status = server->events.on_upgrade(
		server->data, conn->id, &conn->parser.request, &subprotocol, &extra, &extra_count);
	if (conn->mode != MODE_ANSWER)
		return; /* cut or answered meanwhile */
	if (status != 0) {
		http_put_head(&conn->out, status, extra, extra_count);
		if (!http_has_header(extra, extra_count, "Connection"))
			buf_add_text(&conn->out, "Connection: close\r\n");
		if (!http_has_header(extra, extra_count, "Content-Length"))
			buf_add_text(&conn->out, "Content-Length: 0\r\n");
		buf_add(&conn->out, "\r\n", 2);
		close_soon(conn);
		queued(conn);
		return;
	}
	if (!check_upgrade(conn))
		return;
	buf_add_text(&conn->out,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
	char proof[WS_ACCEPT_SIZE];
	ws_accept(parser_header(&conn->parser, "sec-websocket-key"), proof);
	buf_printf(&conn->out, "Sec-WebSocket-Accept: %s\r\n", proof);
	if (subprotocol)
		buf_printf(&conn->out, "Sec-WebSocket-Protocol: %s\r\n", subprotocol);
	for (unsigned i = 0; i < extra_count; i++)
		buf_printf(&conn->out, "%s: %s\r\n", extra[i].name, extra[i].value);
	buf_add(&conn->out, "\r\n", 2);
	parser_drop(&conn->parser);
	frames_init(&conn->frames, false);
	set_mode(conn, MODE_WS);
	if (queued(conn) && server->events.on_ws_open)
		server->events.on_ws_open(server->data, conn->id);
}

static void
close_frame(struct conn *conn, struct str payload)
{
	if (conn->mode == MODE_WS)
		frames_put(&conn->out, WS_CLOSE, payload);
	close_soon(conn);
	queued(conn);
}

static void
take_frame(struct conn *conn, enum frame frame, struct str payload)
{
	struct server *server = conn->server;

	switch (frame) {
	case FRAME_MORE:
		break;
	case FRAME_MESSAGE:
		if (conn->mode == MODE_WS && server->events.on_ws_message)
			server->events.on_ws_message(
				server->data, conn->id, payload, conn->frames.binary);
		break;
	case FRAME_PING:
		if (conn->mode == MODE_WS) {
			frames_put(&conn->out, WS_PONG, payload);
			queued(conn);
		}
		break;
	case FRAME_PONG:
		if (server->events.on_ws_pong)
			server->events.on_ws_pong(server->data, conn->id);
		break;
	case FRAME_CLOSE:
		close_frame(conn, payload);
		break;
	case FRAME_BAD:
		if (conn->mode == MODE_WS) {
			char close[WS_CONTROL_MAX];
			frames_put(&conn->out, WS_CLOSE,
				frames_close_payload(close, conn->frames.code, STR("")));
		}
		close_soon(conn);
		queued(conn);
		break;
	}
}

static void
process_frames(struct conn *conn)
{
	struct buf *in = &conn->parser.in;
	size_t at = 0;

	while (at < in->len && (conn->mode == MODE_WS || conn->mode == MODE_WS_CLOSING)) {
		struct str payload = STR_NONE;
		size_t used;
		enum frame frame =
			frames_next(&conn->frames, in->ptr + at, in->len - at, &used, &payload);

		at += used;
		if (frame == FRAME_MORE && used == 0)
			break;
		take_frame(conn, frame, payload);
	}
	buf_drop_front(in, at);
}

/* Takes one request, if there is a whole one. */
static bool
process_request(struct conn *conn)
{
	struct server *server = conn->server;

	switch (parser_next(&conn->parser)) {
	case PARSE_MORE:
		if (conn->parser.expects) {
			conn->parser.expects = false;
			buf_add_text(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
			queued(conn);
		}
		return false;
	case PARSE_BAD:
		refuse(conn, conn->parser.status, "", "");
		return false;
	case PARSE_DONE:
		break;
	}
	if (conn->parser.upgrade && server->events.on_upgrade) {
		upgrade(conn);
		return true;
	}
	conn->known = true;
	set_mode(conn, MODE_ANSWER);
	server->events.on_request(server->data, conn->id, &conn->parser.request);
	return true;
}

static void
process(struct conn *conn)
{
	if (conn->busy)
		return;
	conn->busy = true;
	while (conn->mode == MODE_REQUEST && process_request(conn))
		;
	if (conn->mode == MODE_WS || conn->mode == MODE_WS_CLOSING)
		process_frames(conn);
	conn->busy = false;
}

static void
on_bytes(void *link, struct str bytes)
{
	struct conn *conn = link;

	if (conn->mode == MODE_END)
		return;
	if (conn->mode == MODE_REQUEST && conn->parser.in.len == 0)
		conn->since_ms = clock_mono_ms(&conn->server->clock);
	if (!parser_add(&conn->parser, bytes)) {
		kill_conn(conn);
		return;
	}
	process(conn);
}

/* ---- what lws calls ---- */

/* Hands queued bytes to the socket; false when the connection is to be closed. */
static bool
flush(struct conn *conn)
{
	for (int i = 0; i < WRITES_A_TURN && conn->out_at < conn->out.len; i++) {
		size_t len = conn->out.len - conn->out_at;

		if (len > WRITE_BYTES)
			len = WRITE_BYTES;
		if (lws_write(conn->wsi, (unsigned char *)conn->out.ptr + conn->out_at, len,
			    LWS_WRITE_RAW) < (int)len)
			return false;
		conn->out_at += len; /* what the socket did not take, lws holds */
		if (lws_send_pipe_choked(conn->wsi))
			break;
	}
	if (conn->out_at == conn->out.len) {
		bool big = conn->out.size > 4u * WRITE_BYTES;

		if (conn->close_after && !lws_partial_buffered(conn->wsi))
			return false;
		conn->out_at = 0;
		if (big) {
			buf_finish(&conn->out);
			buf_init(&conn->out, SERVER_SEND_QUEUE_MAX * 2);
		} else {
			buf_clear(&conn->out);
		}
		if (conn->close_after)
			want_write(conn);
		return true;
	}
	if (conn->out_at > conn->out.len / 2) {
		buf_drop_front(&conn->out, conn->out_at);
		conn->out_at = 0;
	}
	want_write(conn);
	return true;
}

static bool
on_writable(void *link)
{
	struct conn *conn = link;

	conn->wants_write = false;
	if (conn->mode == MODE_REQUEST)
		process(conn); /* a request that came before the last answer was given */
	return flush(conn);
}

static void *
on_accept(void *data, struct lws *wsi)
{
	struct server *server = data;
	struct conn *conn;

	if (HASH_COUNT(server->conns) >= SERVER_CONNECTIONS_MAX)
		return NULL;
	conn = xcalloc(1, sizeof(*conn));
	conn->server = server;
	conn->wsi = wsi;
	conn->id = ++server->last_id;
	parser_init(&conn->parser);
	buf_init(&conn->out, SERVER_SEND_QUEUE_MAX * 2);
	set_mode(conn, MODE_REQUEST);
	HASH_ADD(hh, server->conns, id, sizeof(conn->id), conn);
	if (!loop_timer_active(server->sweep))
		loop_timer_start(server->sweep, SWEEP_MS, SWEEP_MS);
	return conn;
}

static void
conn_destroy(struct conn *conn)
{
	HASH_DEL(conn->server->conns, conn);
	parser_finish(&conn->parser);
	frames_finish(&conn->frames);
	buf_finish(&conn->out);
	free(conn);
}

static void
on_closed(void *link)
{
	struct conn *conn = link;
	struct server *server = conn->server;
	server_conn id = conn->id;
	bool known = conn->known;

	conn_destroy(conn);
	if (known && server->events.on_end)
		server->events.on_end(server->data, id);
}

/* ---- the server ---- */

static void
on_sweep(void *data)
{
	struct server *server = data;
	int64_t now = clock_mono_ms(&server->clock);
	struct conn *conn, *next;

	HASH_ITER(hh, server->conns, conn, next) {
		bool unread = conn->out_at < conn->out.len;
		int64_t limit = INT64_MAX;

		if (conn->mode == MODE_REQUEST && !unread)
			limit = conn->known && conn->parser.in.len == 0 ? IDLE_MS : HEAD_MS;
		else if (conn->mode == MODE_WS_CLOSING || conn->mode == MODE_END)
			limit = CLOSE_MS;
		if (now - conn->since_ms > limit)
			kill_conn(conn);
	}
	if (!server->conns)
		loop_timer_stop(server->sweep);
}

static const struct listener_events from_lws = {
	.on_accept = on_accept,
	.on_bytes = on_bytes,
	.on_writable = on_writable,
	.on_closed = on_closed,
};

struct server *
server_create(struct loop *loop, struct log *log, const struct server_config *config,
	const struct server_events *events, void *data, char *error)
{
	struct server *server = xcalloc(1, sizeof(*server));

	server->loop = loop;
	server->clock = loop_clock(loop);
	server->log = log;
	server->events = *events;
	server->data = data;
	server->sweep = loop_timer_create(loop, on_sweep, server);
	server->listener = listener_create(loop, config, &from_lws, server, error);
	if (server->listener)
		return server;
	server_destroy(server);
	return NULL;
}

void
server_destroy(struct server *server)
{
	struct conn *conn, *next;

	if (!server)
		return;
	HASH_ITER(hh, server->conns, conn, next) {
		lws_set_opaque_user_data(conn->wsi, NULL); /* ends without callbacks */
		shutdown(lws_get_socket_fd(conn->wsi), SHUT_WR);
		listener_kill(server->listener, conn->wsi);
		conn_destroy(conn);
	}
	listener_destroy(server->listener);
	loop_timer_destroy(server->sweep);
	free(server);
}
