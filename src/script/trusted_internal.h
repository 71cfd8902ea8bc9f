/* SPDX-License-Identifier: MIT */
/* What the files behind a trusted state share: its parts and its modules. */
#pragma once

#include <lua.h>

#include "json.h"
#include "lua_state.h"
#include "relay.h"
#include "rng.h"
#include "server.h"
#include "trusted.h"

struct trusted_timer;

struct trusted {
	struct loop *loop;
	struct log *log;
	FILE *out;
	struct lua_state *state;
	struct server *server;        /* NULL until it listens */
	struct relay *relay;          /* before it; NULL until it listens */
	struct trusted_timer *timers; /* hash, by id */
	unsigned last_timer;
	struct json_parser *parser;
	struct rng content; /* seeded: what is made up */
	struct rng other;   /* from the system: request ids */
	struct http_header
		upgrade_headers[TRUSTED_HEADERS_MAX]; /* of the handshake being answered */
	struct buf scratch; /* of one call at a time, so that a Lua error leaks nothing */
};

/* The state that Lua is running in. */
/* The state that `L` belongs to. */
static inline struct trusted *
trusted_of(lua_State *L)
{
	return lua_state_owner(L);
}

/* Runs `body` through the door; an error is logged under `what`. */
bool trusted_enter(struct trusted *trusted, lua_body_fn *body, void *data, const char *what);
/* Pushes the function `name` of the main module; raises when it has none. */
void trusted_push_function(lua_State *L, const char *name);

int lua_server_open(lua_State *L);     /* trusted.server */
int lua_relay_open(lua_State *L);      /* trusted.relay */
int lua_loop_open(lua_State *L);       /* trusted.loop */
int trusted_json_open(lua_State *L);   /* trusted.json */
int trusted_system_open(lua_State *L); /* trusted.system */

/* Stops and frees all timers. */
void lua_loop_finish(struct trusted *trusted);
/* Pushes a JSON text as Lua values; false (nothing pushed) when it is none: `error` says why. */
bool trusted_json_push(lua_State *L, struct str text, struct json_error *error);
/* Adds the Lua value at `index` as JSON: tables with [1] are arrays, others objects. Raises on what JSON has not. */
void trusted_json_put(lua_State *L, int index, struct buf *out);
