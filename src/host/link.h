/* SPDX-License-Identifier: MIT */
/* An account with its connections: discovery, tried again until it works and once a day, and streaming. */
#pragma once

#include "account.h"
#include "streaming.h"

enum link_event {
	LINK_READY,   /* discovery is done; streams connect from now on */
	LINK_RETRY,   /* nothing answered; tried again after the wait that the message names */
	LINK_REFUSED, /* the token is no good: nothing of this account is tried again */
	LINK_NO_STREAMING, /* after LINK_READY: the server names no streaming. Its streams stay CONNECTING until somebody
			      polls them and says so by link_polled. */
};

struct link_events {
	void (*on_event)(void *data, struct event *event); /* takes */
	void (*on_broken)(void *data, const char *what);
	void (*on_state)(
		void *data, const struct account *account, const struct stream_status *status);
	void (*on_link)(void *data, const struct account *account, enum link_event what,
		const char *message);
};

struct link_config {
	struct streaming_config streaming; /* `account` is set by the link */
	struct account *account;           /* kept */
	/* Between two looks whether the token is good and where the streaming server is; 0: about a day. A server stops
	 * producing the home stream of who has not made an authenticated request for a week (protocol.md 3.2). */
	int64_t look_ms;
};

struct link;

/* Starts discovery at once. Keeps events and data. */
struct link *link_create(
	const struct link_config *config, const struct link_events *events, void *data);
void link_destroy(struct link *link);
/* May be called before the link is ready. */
void link_add(struct link *link, struct str stream, struct str param);
/* Nobody wants the stream any more; one that is not there is fine. */
void link_remove(struct link *link, struct str stream, struct str param);
void link_pause(struct link *link, bool paused);
/* What streaming.h says of streaming_filling, streaming_reconnect, streaming_silent and streaming_polled. */
void link_filling(struct link *link, struct str stream, struct str param, bool filling);
void link_reconnect(struct link *link, const char *reason);
enum stream_remedy link_silent(
	struct link *link, struct str stream, struct str param, const char *reason);
void link_polled(struct link *link, struct str stream, struct str param, enum stream_state state,
	int64_t retry_ms, const char *reason);
/* Some answer said that the token is no good: asks the server who we are, whose answer decides. */
void link_doubt(struct link *link);
const struct account *link_account(const struct link *link);
/* Calls for each stream with its present status; nothing before the link is ready. */
void link_each(const struct link *link, void (*fn)(void *data, const struct stream_status *status),
	void *data);
