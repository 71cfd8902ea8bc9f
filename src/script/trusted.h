/* SPDX-License-Identifier: MIT */
/* A trusted Lua state that has the server module: the practice instance runs in it. Plugins never see it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "limits.h"
#include "log.h"
#include "loop.h"
#include "str.h"

struct trusted;

/* Runs module `module` ("practice.main") of the compiled-in library (or of lua_dir) with the decoded JSON `arguments`. It may use
 * require "trusted.server" (net/server.h: listen, respond, begin, write, finish, ws_send, ...), "trusted.loop" (timers,
 * now, wall, stop), "trusted.json", "trusted.random" (seeded by `seed`), print to stdout. NULL: `error` (PLUGIN_ERROR_MAX). */
struct trusted_config {
	struct loop *loop;
	struct log *log;
	const char *module;
	struct str arguments;
	const char *lua_dir;
	uint64_t seed;
	FILE *out; /* where its print goes; NULL: nowhere */
};
struct trusted *trusted_create(const struct trusted_config *config, char *error);
void trusted_destroy(struct trusted *trusted);
/* Calls the function `name` of the module's table with one JSON argument; its result as JSON goes to `out`. */
bool trusted_call(struct trusted *trusted, const char *name, struct str argument, struct buf *out,
	char *error);
