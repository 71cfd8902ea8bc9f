/* SPDX-License-Identifier: MIT */
/* The control socket of a running host: one line of JSON asks, one answers. */
#pragma once

#include "host.h"

/* A request is { "v": 1, "verb": "status" | "reload" | "rearm", "instance": "…" }, an answer { "v": 1, "ok": true, "result": … } or
 * { "v": 1, "ok": false, "error": "…" }. The socket is CONTROL_SOCKET in the state folder. */
#define CONTROL_VERSION 1
#define CONTROL_SOCKET  "control.sock"

struct control;

/* NULL: `error` (MESSAGE_MAX bytes) says why. The host's lock on the folder proves that a socket that lies there is
 * nobody's. Keeps everything. */
struct control *control_open(struct host *host, struct loop *loop, const char *folder, char *error);
void control_close(struct control *control); /* NULL is fine */
