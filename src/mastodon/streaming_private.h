/* SPDX-License-Identifier: MIT */
/* What the files of struct streaming share. Included by nobody else. */
#pragma once

#include "limits.h"
#include "loop.h"
#include "pace.h"
#include "sse.h"
#include "stream_name.h"
#include "streaming.h"

/* One stream that was added. */
struct sub {
	struct streaming *streaming;
	const struct stream_info *info;
	char *param; /* NULL without */
	enum stream_state state;
	enum stream_state was;
	int64_t retry_at_ms; /* STREAM_WAITING: loop_now_ms of the next attempt */
	int64_t since_ms;    /* Unix ms of the last change of `state` */
	int64_t event_ms;    /* Unix ms of the last event; 0: none */
	char *reason;        /* never NULL */
	bool polled;         /* somebody fetches it; no connection is kept */
	bool is_new;         /* no kick has seen it yet */
	bool removed;        /* freed by the next kick: callbacks may be on the stack */
	/* WebSocket: from the subscribe message to its confirmation. SSE: the next attempt, and from
	 * the headers to the first bytes. */
	struct loop_timer *timer;
	struct pace pace;

	/* Of the present WebSocket: */
	bool subscribed; /* the message was sent */
	bool proven;     /* an event or a probe showed that the server took it */
	bool suspected;  /* an error frame may mean it: a probe is due */

	/* Of the present SSE answer: */
	unsigned request; /* 0: none */
	bool has_bytes;
	int64_t byte_ms; /* Unix ms of the last bytes of an answer; 0: none */
	struct sse sse;
	unsigned failures; /* in a row, without a byte */

	struct sub *prev, *next; /* utlist */
};

struct streaming {
	struct streaming_config config;
	struct streaming_events events;
	void *data;
	struct sub *subs;  /* list, sub::next */
	struct sub *found; /* the sub of the last event; NULL */
	struct loop_timer *kick;
	struct loop_timer
		*retry; /* until the next attempt of the connection, or of a change of transport */
	int64_t retry_at_ms; /* loop_now_ms when `retry` fires */
	char *wait_reason;   /* why it waits; NULL before the first time */
	struct pace pace;
	bool use_ws;
	bool paused;
	bool stopped;
	char *stop_reason;
	int64_t broken_said_ms; /* loop_now_ms of the last line about a broken message */
	uint64_t broken_unsaid; /* broken messages since */

	struct ws *ws; /* NULL: none */
	bool is_open;
	int64_t byte_ms;   /* Unix ms of the last bytes; 0: none */
	bool slash;        /* some proxies want the path with one (protocol.md 2.1) */
	unsigned failures; /* of the handshake, in a row */

	struct sub *probing; /* whom the probe is for; NULL: no probe runs */
	unsigned probe_request;
	bool probe_is_good;
};

#define STREAMING_BASE_MS    1000
#define STREAMING_SAY_MS     (10 * 1000) /* one line about broken messages in this time */
#define STREAMING_CAP_MS     (5 * 60 * 1000)
#define STREAMING_HEALTHY_MS (60 * 1000)
#define SUB_LABEL_BYTES      (STREAM_PARAM_MAX + 64)
#define SWITCH_FAILURES      2 /* of one transport before auto takes the other */

/* streaming.c */
int64_t streaming_wall_ms(const struct streaming *streaming); /* Unix ms */
void streaming_kick(struct streaming *streaming); /* looks at everything, a moment later */
/* Sets and tells. `reason` is copied. Does nothing on a removed sub. */
void sub_set(struct sub *sub, enum stream_state state, int64_t retry_ms, const char *reason);
bool sub_is_active(const struct sub *sub); /* neither removed nor refused, disabled or polled */
bool sub_is_live(const struct sub *sub);   /* perhaps filling */
struct str sub_param(const struct sub *sub);
const char *sub_label(const struct sub *sub, char *out, size_t size); /* "hashtag caturday" */
/* The server will not have it. Logs. */
void sub_refuse(struct sub *sub, const char *reason);
/* The credentials are no good: ends everything, tells and logs once. */
void streaming_stop(struct streaming *streaming, const char *words);
/* All active subs wait for the connection. */
void streaming_wait(struct streaming *streaming, int64_t wait_ms, const char *reason);
/* Auto: takes the other transport after a wait. */
void streaming_switch(struct streaming *streaming, const char *reason);
/* Hands a decoded message on: the event, or what was broken. */
void streaming_deliver(struct streaming *streaming, struct event *event);
void streaming_broken(struct streaming *streaming, const char *what);

/* streaming_ws.c */
void streaming_ws_connect(struct streaming *streaming); /* unless there is a connection */
void streaming_ws_abandon(struct streaming *streaming);
void streaming_ws_subscribe(struct sub *sub); /* sends what is due on an open connection */
void streaming_ws_unsubscribe(struct sub *sub);
void streaming_ws_on_timer(struct sub *sub);

/* streaming_sse.c */
/* What the status and the words of an answer to a stream's request mean. */
enum sse_verdict { SSE_GOOD, SSE_REFUSED, SSE_CREDENTIALS, SSE_ABSENT, SSE_TROUBLE };
enum sse_verdict streaming_sse_verdict(int status, const char *words);
/* Starts the request of a stream with the callbacks and data in `hooks`; 0 when too many run. */
unsigned streaming_sse_request(const struct sub *sub, const struct http_request *hooks);
void streaming_sse_on_event(void *data, struct str type, struct str payload);
void streaming_sse_connect(struct sub *sub); /* unless there is a request */
void streaming_sse_cancel(struct sub *sub);
void streaming_sse_on_timer(struct sub *sub);

/* streaming_attribute.c */
/* Whose event it is, and what an error frame is about. `text` is the frame. */
struct decode_context;
void streaming_attribute(struct streaming *streaming, const struct decode_context *context,
	struct event *event, struct str text); /* takes the event */
void streaming_on_error_frame(struct streaming *streaming, int status, const char *text);
void streaming_probe_next(struct streaming *streaming); /* starts or ends a probe when one is due */
void streaming_probe_cancel(struct streaming *streaming);
