/* SPDX-License-Identifier: MIT */
/* What the files that make up a Lua state share: lua_state.c, lua_sandbox.c, lua_require.c. */
#pragma once

#include "lua_blocks.h"
#include "lua_budget.h"
#include "lua_state.h"

struct lua_state {
	lua_State *L;
	struct lua_state_config config;
	struct lua_budget budget;
	lua_State *task; /* the thread that lua_state_resume runs; NULL: none */
	bool waits; /* what runs has called lua_state_wait: coroutines give way to the task's */
	unsigned barriers; /* coroutines that were resumed from where nothing can wait */
	bool reported;     /* the error that is raised stands in `error` already */
	char *error; /* where the running lua_state_call wants its message; NULL outside of one */
	struct lua_blocks blocks;
	unsigned long allocations; /* made so far; counted only with config.fail_at */
};

struct lua_state *lua_state_of(lua_State *L);
/* The file of a frame, as messages name it. */
const char *lua_state_source(const lua_Debug *frame);
/* Adds the plugin's frames from `level` on to the text in `out` (PLUGIN_ERROR_MAX bytes). Allocates nothing, raises nothing. */
void lua_state_traceback(lua_State *L, int level, char *out);
/* Makes the table on top weak: "k", "v" or "kv". */
void lua_sandbox_make_weak(lua_State *L, const char *mode);
/* Compiles text and pushes the function, or a message: Lua's status. Raises when the budget is used up. */
int lua_load_text(lua_State *L, struct str text, const char *chunk);
/* Sets load among the globals. */
void lua_load_open(lua_State *L);
/* Replace functions of the table on top by ones that keep within the budget: of "string", of "table". */
void lua_bounded_open(lua_State *L);
void lua_table_open(lua_State *L);
/* Replaces pcall and xpcall by versions that the end of a call passes through. */
void lua_control_open(lua_State *L);
/* Sets up the globals and the library's own copy of them. */
void lua_sandbox_open(lua_State *L);
/* Pushes the table of globals that library code sees; a plugin cannot reach it. */
void lua_sandbox_library(lua_State *L);
/* Adds `require` to the globals of plugins and to those of the library. */
void lua_require_open(lua_State *L);
/* Replaces the functions of the table `coroutine` that must know about waiting. */
void lua_coroutine_open(lua_State *L);
/* Raises from L the error with which `thread` ended, with the traceback of the thread. */
_Noreturn void lua_state_rethrow(lua_State *L, lua_State *thread, int status);
/* Chunk names of library files start with this; frames of such chunks are left out of plugins' tracebacks. */
#define LIBRARY_CHUNK "=lua/"
