/* SPDX-License-Identifier: MIT */
/* What the files that make up a Lua state share: lua_state.c, lua_sandbox.c, lua_require.c. */
#pragma once

#include "lua_state.h"

struct lua_state {
	lua_State *L;
	struct lua_state_config config;
	size_t used;
	char *error; /* where the running lua_state_call wants its message; NULL outside of one */
	unsigned long allocations; /* made so far; counted only with config.fail_at */
};

struct lua_state *lua_state_of(lua_State *L);
/* Sets up the globals and the library's own copy of them. */
void lua_sandbox_open(lua_State *L);
/* Pushes the table of globals that library code sees; a plugin cannot reach it. */
void lua_sandbox_library(lua_State *L);
/* Adds `require` to the globals of plugins and to those of the library. */
void lua_require_open(lua_State *L);
/* Chunk names of library files start with this; frames of such chunks are left out of plugins' tracebacks. */
#define LIBRARY_CHUNK "=lua/"
