/* SPDX-License-Identifier: MIT */
/* WebSocket client connections (RFC 6455) on the loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "log.h"
#include "loop.h"
#include "str.h"

struct ws_client; /* the shared context: one per loop */
struct ws;        /* one connection */

enum ws_end {
	WS_CLOSED, /* a close frame came; code 1005 when it had none */
	WS_CUT,    /* the connection ended without one (1006) */
	WS_NO_NAME,
	WS_NO_CONNECT,
	WS_TLS,
	WS_REFUSED, /* the server answered the upgrade with another status: http_status, error */
	WS_SLOW,    /* no answer to the handshake within WS_HANDSHAKE_MS */
	WS_TOO_BIG, /* a message over WS_MESSAGE_MAX */
	WS_BROKEN,  /* what came is no WebSocket: bad frames, or a bad answer to the upgrade */
};

struct ws_ended {
	enum ws_end end;
	int code;        /* WS_CLOSED: the close code (RFC 6455, 7.4) */
	int http_status; /* WS_REFUSED */
	const char *
		error; /* words for people: the server's X-Error-Message where it sent one; never NULL */
	/* WS_REFUSED, from the answer's headers; NULL without: Location, Retry-After, X-RateLimit-Reset. */
	const char *location, *retry_after, *limit_reset;
};

/* Where the token of a target goes. */
enum ws_bearer {
	WS_BEARER_BOTH, /* Authorization: Bearer and Sec-WebSocket-Protocol: servers read one or the other */
	WS_BEARER_HEADER, /* Authorization alone */
};

struct ws_target {
	const char *url;    /* ws or wss (http and https mean the same) with path and query */
	const char *bearer; /* may be NULL */
	enum ws_bearer bearer_in;
	const char *
		ca_file; /* NULL: the system's authorities. TLS is always verified, ALPN is http/1.1. */
	const char *user_agent;
};

/* Called from the loop, never from inside ws_open, ws_send or ws_close. */
struct ws_events {
	void (*on_open)(void *data);
	void (*on_message)(void *data, struct str text); /* one whole message; borrowed */
	void (*on_alive)(void *data); /* bytes came, pings included: once a read; may be NULL */
	/* Last callback of a connection, exactly once, however it ended; `ws` is gone after. */
	void (*on_end)(void *data, const struct ws_ended *ended);
};

struct ws_client *ws_client_create(struct loop *loop, struct log *log);
void ws_client_destroy(struct ws_client *client); /* all connections end without callbacks */
/* Starts a connection. Copies the target; keeps events and data. Resolves off the loop. NULL only when the
 * url is none of ours (nothing is called then). */
struct ws *ws_open(struct ws_client *client, const struct ws_target *target,
	const struct ws_events *events, void *data);
/* Queues one text message; false when WS_SEND_QUEUE_MAX bytes wait, and before on_open. */
bool ws_send(struct ws *ws, struct str text);
/* Sends a ping, which any server answers (RFC 6455, 5.5.2); on_alive tells. Nothing before on_open. */
void ws_ping(struct ws *ws);
/* Sends a close frame with `code` and ends; on_end follows within a few seconds. */
void ws_close(struct ws *ws, int code);
/* Ends without any further callback. */
void ws_abandon(struct ws *ws);
void ws_pause(struct ws *ws, bool paused); /* stops and resumes reading (back-pressure) */
