/* SPDX-License-Identifier: MIT */
/* The streaming connections of one account: WebSockets, shared or one a stream, or one SSE answer a stream. */
#pragma once

#include <stdbool.h>

#include "account.h"
#include "event.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "rng.h"
#include "ws.h"

enum transport {
	TRANSPORT_AUTO,
	TRANSPORT_WS,
	TRANSPORT_SSE,
	TRANSPORT_POLL, /* no connections: somebody else fetches, and tells by streaming_polled */
};

/* Drawn in docs/architecture.md. */
enum stream_state {
	STREAM_CONNECTING,
	STREAM_LIVE, /* SSE: the first bytes came; WebSocket: open, subscribe sent and no error within a second or
			    an event came */
	STREAM_FILLING, /* live, and what it may have missed before is being fetched: streaming_filling */
	STREAM_WAITING, /* until the next attempt; retry_ms says how long */
	STREAM_REFUSED, /* the server will not have it: scope, list, unknown stream. Asked for again a day later;
			   retry_ms says when */
	STREAM_DISABLED, /* credentials no longer good. Nothing of this account is retried. */
};

/* What a change of state means for who only wants to know whether the stream brings events. */
enum stream_news {
	STREAM_NEWS_NONE,
	STREAM_NEWS_UP,   /* it does now */
	STREAM_NEWS_DOWN, /* it does no more, or its first attempt failed; once until the next UP */
};

struct stream_status {
	struct str stream, param;
	enum stream_news news;               /* for on_state */
	enum stream_state state, was;        /* `was`: before this one, for on_state */
	int64_t retry_ms;                    /* STREAM_WAITING, STREAM_REFUSED */
	const char *reason;                  /* for people; "" when there is nothing to say */
	const char *transport;               /* "ws", "sse" or "poll" */
	int64_t since_ms;                    /* Unix ms: when the state began */
	int64_t last_byte_ms, last_event_ms; /* Unix ms; 0: none yet */
	unsigned attempts;                   /* that failed in a row */
};
const char *stream_state_name(enum stream_state state);

struct streaming_events {
	void (*on_event)(void *data, struct event *event); /* takes the event */
	void (*on_broken)(void *data,
		const char *what); /* a message that could not be decoded; counted, logged */
	/* Borrowed; also for each retry. LIVE with `was` FILLING is the end of a fill; any other LIVE is a new
	 * connection, after which a fill is due. */
	void (*on_state)(void *data, const struct stream_status *status);
	/* The server was not reached several times in a row, or it points to a place that it may not: its address may
	 * be another one now. NULL is fine, also for on_absent. */
	void (*on_lost)(void *data);
	/* The server has neither transport. The streams are CONNECTING, as with TRANSPORT_POLL. */
	void (*on_absent)(void *data, const char *why);
};

/* When the watchdogs act, and what they are patient with. */
struct streaming_times {
	int64_t ws_ask_ms,
		ws_quiet_ms; /* without bytes: a ping of ours, the end. Mastodon pings every 30 s */
	int64_t sse_quiet_ms; /* the same; heartbeats come every 15 s */
	int64_t first_byte_ms; /* after the head of an SSE answer; ":)" comes with it (protocol.md 10, row 7) */
	int64_t answer_ms;  /* for the answer to an unknown stream */
	int64_t overlap_ms; /* that a connection is kept beside the one that takes its place */
	int64_t age_min_ms,
		age_max_ms; /* of a connection; between them by chance (protocol.md 2.6) */
	int64_t refused_ms; /* about so long a refused stream is left alone */
	int64_t silent_ms;  /* so long a silent one is polled at first */
};

struct streaming_config {
	struct loop *loop;
	struct http *http;
	struct ws_client *ws;
	struct log *log;
	struct rng *rng;
	struct json_parser *parser;
	const struct account *account; /* kept; discovery is done */
	enum transport transport;
	bool absent; /* the server names no streaming: as TRANSPORT_POLL, until streaming_again */
	const char *user_agent;
	struct streaming_times times; /* all 0: the usual ones */
};

struct streaming;

/* Keeps everything in `config` (the struct itself is copied). Connects when the first stream is added. Callbacks run
 * from the loop, or from inside the functions that say so. Auto tries WebSocket first; where its handshake fails, SSE, and
 * back; while SSE is used, WebSocket is tried beside it when a connection is old. What each end of a connection leads to
 * stands in docs/architecture.md. */
struct streaming *streaming_create(
	const struct streaming_config *config, const struct streaming_events *events, void *data);
void streaming_destroy(struct streaming *streaming); /* no callbacks after */
/* The stream must have passed stream_check. Adding one that is there does nothing, but a refused one is asked for
 * again. One that no server streams (stream_name.h) is
 * CONNECTING until somebody polls it, as with TRANSPORT_POLL. */
void streaming_add(struct streaming *streaming, struct str stream, struct str param);
void streaming_remove(struct streaming *streaming, struct str stream, struct str param);
/* Stops and resumes reading from the sockets (back-pressure). */
void streaming_pause(struct streaming *streaming, bool paused);
/* A fill of the stream has begun or ended: LIVE becomes FILLING or back, and on_state is told. Does nothing in another
 * state: a connection that ends meanwhile ends FILLING too. */
void streaming_filling(
	struct streaming *streaming, struct str stream, struct str param, bool filling);
/* Gives up all connections and makes them again, by the pace. `reason` is for people and copied. */
void streaming_reconnect(struct streaming *streaming, const char *reason);
/* account->streaming is another one now: redirects are forgotten, and a wait is cut short. */
void streaming_moved(struct streaming *streaming);
/* The stream is open, and brings nothing although REST has more of it. What is done, in this order: when others come on the
 * same WebSocket, it gets one of its own, with the stream named in the address; else its connection is made again. When
 * that did not help, the stream is CONNECTING until somebody polls it, and is listened to again an hour later, then two
 * hours, up to a day. */
enum stream_remedy {
	STREAM_REMEDY_NONE,
	STREAM_REMEDY_OWN,
	STREAM_REMEDY_ANEW,
	STREAM_REMEDY_POLL
};
enum stream_remedy streaming_silent(
	struct streaming *streaming, struct str stream, struct str param, const char *reason);
/* The instance document names a streaming server. Where streams are polled for want of one, connections are tried once; when
 * none comes to bring a stream the streams are CONNECTING for who polls, without a word to on_absent. */
void streaming_again(struct streaming *streaming);
/* The credentials are no good, as somebody else found out: everything is DISABLED, and said once. */
void streaming_disable(struct streaming *streaming, const char *reason);
/* Somebody fetches the stream by polling, and this is how it stands: LIVE, FILLING, WAITING (`retry_ms`) or REFUSED.
 * From the first call on no connection is kept for it. */
void streaming_polled(struct streaming *streaming, struct str stream, struct str param,
	enum stream_state state, int64_t retry_ms, const char *reason);
/* Calls for each stream with its present status. */
void streaming_each(const struct streaming *streaming,
	void (*fn)(void *data, const struct stream_status *status), void *data);
