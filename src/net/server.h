/* SPDX-License-Identifier: MIT */
/* The embedded server on loopback: HTTP, event streams and WebSocket. It knows no Mastodon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "log.h"
#include "loop.h"
#include "str.h"

struct server;

/* Connections are named by an id > 0 that is never used twice; calls with the id of one that has
 * ended do nothing and return false. */
typedef uint64_t server_conn;

struct server_request {
	const char *method;
	struct str path;                   /* as sent, still encoded, without query */
	struct str query;                  /* behind '?'; empty without */
	const struct http_header *headers; /* names in lower case */
	unsigned header_count;
	struct str body; /* whole; at most SERVER_BODY_MAX */
	bool http10;
};

struct server_events {
	/* One whole request; answer it now or later with server_respond or server_begin. */
	void (*on_request)(void *data, server_conn conn, const struct server_request *request);
	/* An upgrade request. Return 0 to accept (the connection is a WebSocket from the next callback
	 * on; `*subprotocol` set to a text is echoed), or an HTTP status to refuse with, which is
	 * answered with the headers in `*refusal` and an empty body. When accepting, `*refusal` holds lines
	 * that the 101 answer ends with. Method, key and version are checked after this call, as Mastodon does
	 * after looking at the token: on_ws_open tells that they were good. A refusal that has a body is given by
	 * server_respond from inside this call; what is returned then does not count. */
	int (*on_upgrade)(void *data, server_conn conn, const struct server_request *request,
		const char **subprotocol, const struct http_header **refusal,
		unsigned *refusal_count);
	void (*on_ws_open)(void *data, server_conn conn);
	void (*on_ws_message)(void *data, server_conn conn, struct str message, bool binary);
	void (*on_ws_pong)(void *data, server_conn conn);
	/* The client went away or the connection ended. Once, last. */
	void (*on_end)(void *data, server_conn conn);
};

struct server_config {
	const char *host;      /* "127.0.0.1" unless NULL */
	int port;              /* 0: any free one */
	const char *cert_file; /* both or none */
	const char *key_file;
};

/* NULL when the port is taken or the certificate cannot be read: `error` (MESSAGE_MAX bytes) says why. */
struct server *server_create(struct loop *loop, struct log *log, const struct server_config *config,
	const struct server_events *events, void *data, char *error);
void server_destroy(struct server *server); /* cuts all connections, no callbacks */
int server_port(const struct server *server);

/* The whole answer; sends Content-Length unless `chunked`. Connection stays open (keep-alive) unless
 * the request asked to close or was HTTP/1.0, or `headers` say "Connection: close". Headers are sent as given
 * and in that order; Content-Length, Transfer-Encoding and Connection are added only where they are missing.
 * An idle connection is closed after five seconds, as Node does. */
bool server_respond(struct server *server, server_conn id, int status,
	const struct http_header *headers, unsigned header_count, struct str body, bool chunked);
/* An answer without known end: chunked (plain until close for HTTP/1.0, unless `headers` name the chunks as
 * Mastodon's do). Each server_write is one chunk. */
bool server_begin(struct server *server, server_conn id, int status,
	const struct http_header *headers, unsigned header_count);
bool server_write(struct server *server, server_conn id, struct str chunk);
bool server_finish(struct server *server, server_conn id); /* last chunk */
/* WebSocket: one message; a ping (with `pong`: a pong that nobody asked for) of up to 125 bytes; a close frame
 * (code 0: without a code). */
bool server_ws_send(struct server *server, server_conn id, struct str text);
bool server_ws_ping(struct server *server, server_conn id, struct str payload, bool pong);
bool server_ws_close(struct server *server, server_conn id, int code, struct str reason);
/* Cuts the connection: FIN, or RST when `reset`; nothing further is sent. */
bool server_cut(struct server *server, server_conn id, bool reset);
/* Port that the connection comes from, as the server sees it; 0 for unknown ids. */
int server_peer_port(const struct server *server, server_conn id);
/* Bytes queued for a connection and not yet taken by the socket; 0 for unknown ids. */
size_t server_queued(const struct server *server, server_conn id);
