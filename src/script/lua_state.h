/* SPDX-License-Identifier: MIT */
/* A Lua state with a counting allocator, allow-listed libraries, our own require, and the one protected door. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "attr.h"
#include "limits.h"
#include "plugin_limits.h"
#include "str.h"

struct lua_state;

struct lua_module {
	const char *name; /* as the Lua library requires it: "moontusk.core" */
	lua_CFunction open;
};

struct lua_state_config {
	const struct lua_module *modules; /* keeps; C modules, for the Lua library only */
	size_t module_count;
	/* Called once with the allow-listed globals in place: adds or replaces globals (print, ...). May be NULL. */
	void (*globals)(lua_State *L);
	const char *lua_dir; /* keeps; the library is read from here; NULL: the compiled-in one */
	const char *folder;  /* keeps; require finds a plugin's own modules here; NULL: none */
	/* The whole state is library code: require finds every module, tracebacks hide nothing. */
	bool trusted;
	size_t limit_bytes;    /* of memory; a call that passes it ends; 0: no limit */
	int cpu_ms;            /* CPU time of one call; 0: no limit */
	uint64_t seed;         /* of math.random; 0: Lua's own choice */
	unsigned long fail_at; /* for tests: this allocation fails and all after it; 0: none */
	void *owner;           /* what lua_state_owner gives */
	/* A module of `folder` was read, or was not there (STR_NONE). May be NULL; must not raise. */
	void (*on_file)(void *owner, const char *path, struct str text);
};

/* NULL: `error` (PLUGIN_ERROR_MAX bytes) says why. */
struct lua_state *lua_state_create(const struct lua_state_config *config, char *error); /* new */
void lua_state_destroy(struct lua_state *state);
void *lua_state_owner(lua_State *L);
void lua_state_usage(const struct lua_state *state, struct plugin_usage *usage);
void lua_state_set_cpu(struct lua_state *state, int cpu_ms); /* for the calls that follow */

/* The one door into Lua: runs `body` protected, with LUA_MINSTACK free slots and nothing else on its stack. False when it
 * raised: `error` (PLUGIN_ERROR_MAX bytes) has the message and a traceback. The stack is as before on both ways out.
 * Everything that may raise (and in Lua nearly everything may) belongs into the body. */
typedef void lua_body_fn(lua_State *L, void *data);
MUST_USE bool lua_state_call(struct lua_state *state, lua_body_fn *body, void *data, char *error);
/* The same without a budget, for the host's own tidying up between two calls: it must work when memory is used up too. */
MUST_USE bool lua_state_tidy(struct lua_state *state, lua_body_fn *body, void *data, char *error);
/* What the host holds for the state's plugin elsewhere counts as its memory: bytes, in place of those told before. */
void lua_state_set_outside(struct lua_state *state, size_t bytes);
void lua_state_add_outside(struct lua_state *state, ptrdiff_t more); /* at least nothing is left */
/* The limit that ended the last call; LIMIT_NONE: none. A call that was made inside another shares its budget. */
enum plugin_limit lua_state_limit(const struct lua_state *state);

/* From here on only inside a body or a C function; all may raise. */

/* Runs `thread`, a coroutine of this state that waits or has a function below the `count` values on its stack, until it ends
 * or waits. True: it waits, and goes on with the next call, whose `count` values lua_state_wait returns. Its errors are
 * raised from here, with its traceback. Called by a body, not by what one of these threads runs. */
bool lua_state_resume(lua_State *L, lua_State *thread, int count);
/* For C functions that such a thread calls, also from a coroutine of its own: `return lua_state_wait(L, "tusk.sleep");`.
 * Raises where nothing can wait. */
int lua_state_wait(lua_State *L, const char *call);

/* For loops in C: raises when the budget of the call is used up. Costs two loads. */
void lua_state_check(lua_State *L);
/* True: lua_state_check would raise. Where raising is not possible. */
bool lua_state_must_end(lua_State *L);
/* Before making something big: raises when `bytes` more would pass the memory limit, even after a collection. */
void lua_state_room(lua_State *L, size_t bytes);
/* Counts memory outside the Lua heap that Lua values keep alive: documents, patterns, answers. Call it with a positive
 * number before the memory is taken (it may collect garbage and raise), with the negative one when it is freed (never raises). */
void lua_state_charge(lua_State *L, ptrdiff_t bytes);

/* Pushes the library's module `name`, loaded when first asked for. */
void lua_state_require(lua_State *L, const char *name);
/* Pushes the chunk of a plugin's text (never bytecode); `file` is its path, for messages. */
void lua_state_load(lua_State *L, struct str source, const char *file);
/* The innermost frame of the plugin: its file (as in messages) and line. False when no plugin code is running. */
bool lua_state_position(lua_State *L, lua_Debug *where);
/* Raises "file:line: text" with that position: for misuse that the library found. Never returns. */
int lua_state_fail(lua_State *L, const char *format, ...) PRINTF_LIKE(2, 3);
