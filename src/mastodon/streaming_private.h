/* SPDX-License-Identifier: MIT */
/* What the files of struct streaming share. Included by nobody else. */
#pragma once

#include "ending.h"
#include "limits.h"
#include "loop.h"
#include "pace.h"
#include "pulse.h"
#include "sse.h"
#include "stream_name.h"
#include "streaming.h"

/* One WebSocket: for all streams that are subscribed in band, or for the one that its address names. */
struct carrier {
	struct streaming *streaming;
	struct sub *only; /* NULL: shared */
	struct ws *ws;
	bool is_open;
	struct pulse pulse;
	int64_t byte_ms;         /* Unix ms of the last bytes; 0: none */
	unsigned sent, answered; /* messages, and Pleroma's answers to them */
	/* The one whose place it takes: kept until this one has settled, so that nothing is missed. NULL: none. */
	struct carrier *former;
	struct loop_timer *settled;
};

/* One stream that was added. */
struct sub {
	struct streaming *streaming;
	const struct stream_info *info;
	char *param; /* NULL without */
	enum stream_state state;
	enum stream_state was;
	enum stream_news told; /* the last that was not NONE */
	bool renewing; /* what carried it is being replaced, on purpose: no news until that failed */
	int64_t retry_at_ms; /* STREAM_WAITING: loop_now_ms of the next attempt */
	int64_t since_ms;    /* Unix ms of the last change of `state` */
	int64_t byte_ms;     /* Unix ms of the last bytes of connections that are gone; 0: none */
	int64_t event_ms;    /* Unix ms of the last event; 0: none */
	char *reason;        /* never NULL */
	bool polled;         /* somebody fetches it; no connection is kept */
	bool is_new;         /* no kick has seen it yet */
	bool asked_again;    /* since it was refused */
	unsigned silences;   /* that were found since its last event */
	int64_t polled_ms;   /* how long it was left to polling for its silence, the last time */
	char *refusal;       /* the last that was said in the log; NULL: none */
	bool removed;        /* freed by the next kick: callbacks may be on the stack */
	/* Its own wait for the next attempt. WebSocket: also from the subscribe message to its confirmation. */
	struct loop_timer *timer;
	struct pace pace;
	unsigned failures; /* in a row */

	/* Of the present WebSocket: */
	struct carrier *carrier; /* its own; NULL: the shared one, or none */
	bool alone;              /* wants one of its own, whatever the others do */
	unsigned message;        /* number of its subscribe message; 0: none was sent */
	bool proven;             /* an event or a probe showed that the server took it */
	bool suspected;          /* an error frame may mean it: a probe is due */

	/* Of the present SSE answer: */
	unsigned request; /* 0: none */
	bool has_bytes;
	bool old;     /* it is to be renewed when a trial of WebSocket ends badly */
	bool leaving; /* a WebSocket carries the stream as well, for a while */
	char *place;  /* where a redirect led; NULL: nowhere */
	unsigned redirects;
	/* How often a place that a redirect named has refused since a connection stood: that may say nothing about the
	 * stream or the token, but that the redirect was there for a while only. */
	unsigned misled;
	struct pulse pulse;
	struct sse sse;

	struct sub *prev, *next; /* utlist */
};

/* How streams are asked for on this server's WebSockets. */
enum dialect {
	DIALECT_UNKNOWN,
	DIALECT_IN_BAND, /* it answers what it does not know: any number of streams on one connection */
	DIALECT_ADDRESS, /* it does not: one connection a stream, named in the address */
};

struct streaming {
	struct streaming_config config;
	struct streaming_events events;
	void *data;
	struct sub *subs;  /* list, sub::next */
	struct sub *found; /* the sub of the last event; NULL */
	struct loop_timer *kick;
	/* Until the next attempt of everything, or of a change of transport. */
	struct loop_timer *retry;
	int64_t retry_at_ms; /* loop_now_ms when `retry` fires */
	char *wait_reason;   /* why it waits; NULL before the first time */
	struct pace pace;
	unsigned failures; /* of attempts to reach the server, in a row */
	bool cautious;     /* one attempt at a time, until one succeeds */
	bool use_ws;
	bool trial;  /* use_ws, but what is open over SSE stays until that works */
	bool regain; /* no stream has come since streaming_again: polling is ready to go on */
	enum transport wanted; /* config.transport is POLL while there is no streaming */
	bool paused;
	bool stopped;
	char *stop_reason;
	int64_t broken_said_ms; /* loop_now_ms of the last line about a broken message */
	uint64_t broken_unsaid; /* broken messages since */

	struct carrier *shared; /* NULL: none */
	enum dialect dialect;
	struct loop_timer *ask; /* until the server's silence is an answer */
	bool address_tried; /* that the shared connection was refused may be for the stream in its address */
	unsigned asked_in_vain; /* connections that ended while the answer was awaited */
	enum ws_bearer bearer_in;
	bool bearer_in_query; /* the last resort */
	bool bearer_proven;   /* a handshake went well with it */
	char *ws_place;       /* where a redirect led; NULL: nowhere */
	unsigned redirects;
	unsigned misled;                /* as of a sub */
	unsigned handshakes_failed;     /* in a row */
	unsigned absent_ws, absent_sse; /* times that the server had no such thing, in a row */

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
void sub_heard(struct sub *sub, const struct event *event); /* an event of it came */
void sub_leave(struct sub *sub);              /* nobody wants it over a connection any more */
bool sub_is_active(const struct sub *sub);    /* neither removed nor refused, disabled or polled */
bool sub_is_live(const struct sub *sub);      /* perhaps filling */
bool sub_is_connected(const struct sub *sub); /* something is open that carries it */
struct str sub_param(const struct sub *sub);
const char *sub_label(const struct sub *sub, char *out, size_t size); /* "hashtag caturday" */
/* Hands a decoded message on: the event, or what was broken. */
void streaming_deliver(struct streaming *streaming, struct event *event);
void streaming_broken(struct streaming *streaming, const char *what);

/* streaming_after.c: what follows an end. */
/* A connection stands: what was counted against the server is forgotten. */
void streaming_is_up(struct streaming *streaming);
/* The credentials are no good: ends everything, tells and logs once. */
void streaming_stop(struct streaming *streaming, const char *words);
/* The server will not have it. Logs. */
void sub_refuse(struct sub *sub, const char *reason);
/* This one waits, at least `least_ms`; its connection is gone. */
void sub_wait(struct sub *sub, const char *reason, int64_t least_ms);
/* The server cannot be reached, or only the shared connection ended: all that are not live wait, at least `least_ms`. */
void streaming_wait(struct streaming *streaming, const char *reason, int64_t least_ms);
/* Auto: takes the other transport after a wait. */
void streaming_switch(struct streaming *streaming, const char *reason);
/* The server has no such thing as this transport. */
void streaming_absent(struct streaming *streaming, const char *reason);
/* Somebody else may poll. */
void streaming_leave_to_polling(struct streaming *streaming, const char *reason);
/* Somebody should look whether the address of the streaming server has changed. */
void streaming_ask_address(struct streaming *streaming);
/* Ends all connections and attempts. */
void streaming_cut(struct streaming *streaming);
bool streaming_any_live(const struct streaming *streaming); /* over a connection */
bool streaming_may_switch(const struct streaming *streaming);
/* What a server asks to wait: Retry-After in seconds, X-RateLimit-Reset as a time; NULL without. Never longer than the cap. */
int64_t streaming_asked_wait(
	const struct streaming *streaming, const char *retry_after, const char *limit_reset);

/* streaming_again.c: what is tried again. */
/* Auto, over SSE: tries WebSocket, and keeps what is open. False: this is no time for it. */
bool streaming_trial_start(struct streaming *streaming);
void streaming_trial_end(struct streaming *streaming, const char *why); /* it failed */
/* A WebSocket carries it: the SSE answer is left after an overlap. Called again when that is over. */
void sub_leave_sse(struct sub *sub);
/* True when connections were only tried where polling works: another way is tried, or polling goes on. */
bool streaming_regain_failed(struct streaming *streaming, const char *reason);
int64_t sub_refused_ms(const struct sub *sub); /* how long it is left alone */
void sub_ask_again(struct sub *sub);           /* does nothing on one that is not refused */
enum stream_remedy sub_silent(struct sub *sub, const char *reason);
void sub_listen_again(struct sub *sub); /* it was polled for its silence */

/* streaming_carrier.c: a single WebSocket. */
/* Starts one, unless the address is none (NULL). `former`: the one whose place it takes. */
struct carrier *carrier_create(
	struct streaming *streaming, struct sub *only, struct carrier *former);
void carrier_abandon(struct carrier *carrier);     /* NULL is fine */
void carrier_renew_later(struct carrier *carrier); /* starts the watchdogs */
/* Asks the server for something that no server has, to see whether it says so. False: no room. */
bool carrier_ask(struct carrier *carrier);
bool carrier_subscribe(struct carrier *carrier, struct sub *sub); /* false: no room */
void carrier_unsubscribe(struct carrier *carrier, struct sub *sub);
void carrier_pause(struct carrier *carrier, bool paused);

/* streaming_ws.c: which WebSockets there are, and who is on which. */
void streaming_ws_look(struct streaming *streaming); /* opens, closes, subscribes what is due */
void streaming_ws_abandon(struct streaming *streaming);
void streaming_ws_opened(struct carrier *carrier);
void streaming_ws_error(struct carrier *carrier, int status, const char *text);
void streaming_ws_answered(struct carrier *carrier, const char *error); /* NULL: it took it */
/* The carrier is gone; `only` was its. */
void streaming_ws_ended(
	struct streaming *streaming, struct sub *only, bool was_open, const struct ws_ended *ended);
/* What was known of `only`, or of all on the shared connection, is void: there is none. */
void streaming_ws_forget(struct streaming *streaming, struct sub *only);
void streaming_ws_on_timer(struct sub *sub);
void streaming_ws_on_ask(struct streaming *streaming); /* no answer came */
struct carrier *sub_carrier(const struct sub *sub);    /* that it is on; NULL: none */

/* streaming_sse.c */
/* Starts the request of a stream with the callbacks and data in `hooks`; 0 when too many run. */
unsigned streaming_sse_request(const struct sub *sub, const struct http_request *hooks);
void streaming_sse_on_event(void *data, struct str type, struct str payload);
void streaming_sse_on_pulse(void *data, enum pulse_news news);
void streaming_sse_look(struct streaming *streaming); /* starts what is due */
void streaming_sse_cancel(struct sub *sub);

/* streaming_attribute.c: whose event it is, and what an error frame is about. */
/* The server has the stream: it is live. */
void sub_prove(struct sub *sub);
/* `text` is the frame. */
struct decode_context;
void streaming_attribute(struct carrier *carrier, const struct decode_context *context,
	struct event *event, struct str text); /* takes the event */
void streaming_on_error_frame(struct streaming *streaming, int status, const char *text);

/* streaming_probe.c: which of several streams an error frame was about. */
void streaming_probe_next(struct streaming *streaming); /* starts or ends a probe when one is due */
void streaming_probe_cancel(struct streaming *streaming);
