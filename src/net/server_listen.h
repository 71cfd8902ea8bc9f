/* SPDX-License-Identifier: MIT */
/* Private to net/: a listening port and its connections as libwebsockets carries them, TLS included. */
#pragma once

#include <stdbool.h>

#include "loop.h"
#include "server.h"
#include "str.h"

struct lws;
struct listener;

struct listener_events {
	/* A connection. What is returned names it in the other calls; NULL: it is closed at once. */
	void *(*on_accept)(void *data, struct lws *wsi);
	void (*on_bytes)(void *link, struct str bytes);
	bool (*on_writable)(void *link); /* false: close it */
	void (*on_closed)(
		void *link); /* the last call; unless the link's opaque data was set NULL */
};

/* `error` (MESSAGE_MAX bytes) says why NULL comes back. */
struct listener *listener_create(struct loop *loop, const struct server_config *config,
	const struct listener_events *events, void *data, char *error);
void listener_destroy(struct listener *listener); /* NULL is fine */
int listener_port(const struct listener *listener);
