/* SPDX-License-Identifier: MIT */
/* Private to net/: a listening port and its connections as libwebsockets carries them, TLS included. */
#pragma once

#include <stdbool.h>

#include "loop.h"
#include "server.h"
#include "str.h"

struct lws;
struct listener;

/* A connection is named by what on_accept returned, which is its opaque data in lws: without it, no call. */
struct listener_events {
	void *(*on_accept)(void *data, struct lws *wsi); /* NULL: it is closed at once */
	void (*on_bytes)(void *link, struct str bytes);
	bool (*on_writable)(void *link); /* false: close it */
	void (*on_closed)(void *link);   /* the last call */
};

/* `error` (MESSAGE_MAX bytes) says why NULL comes back. `events` is kept. */
struct listener *listener_create(struct loop *loop, const struct server_config *config,
	const struct listener_events *events, void *data, char *error);
void listener_destroy(struct listener *listener); /* connections stay; NULL is fine */
int listener_port(const struct listener *listener);
/* Port that a connection comes from; 0 when it cannot be told. */
int listener_peer_port(struct lws *wsi);
/* Closes a connection soon. */
void listener_kill(struct listener *listener, struct lws *wsi);
