/* SPDX-License-Identifier: MIT */
/* Private to net/: libwebsockets as a guest on a loop, one for all its servers. */
#pragma once

#include <libwebsockets.h>

#include "loop.h"

struct lws_guest;

/* The guest of this loop; made when first asked for, ends with the loop. */
struct lws_guest *lws_guest_of(struct loop *loop);
struct lws_context *lws_guest_context(struct lws_guest *guest);
/* What accepted connections are given to; cert and key may be NULL. NULL when they cannot be used. */
struct lws_vhost *lws_guest_server(struct lws_guest *guest, const char *cert_file,
	const char *key_file, const struct lws_protocols *protocols);
/* Closes a connection soon, without a word, from anywhere but inside its own callbacks too. */
void lws_guest_kill(struct lws_guest *guest, struct lws *wsi);
/* After lws was told something from outside its own callbacks: it re-arms its timers only after an event. */
void lws_guest_kick(struct lws_guest *guest);
