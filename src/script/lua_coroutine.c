/* SPDX-License-Identifier: MIT */
/* Coroutines: those that tasks run in, and a plugin's own, through which a wait passes to the task's. */
#include <lauxlib.h>

#include "lua_state_internal.h"

static const char
	waiting_key; /* registry: coroutines that a wait has stopped; nobody but us may go on with them */

/* Remembers, or forgets, that `thread` is stopped by a wait. */
static void
mark_waiting(lua_State *L, lua_State *thread, bool waits)
{
	luaL_checkstack(L, 4, NULL);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_sandbox_make_weak(L, "k");
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &waiting_key);
	}
	lua_pushthread(thread);
	lua_xmove(thread, L, 1);
	lua_pushboolean(L, waits);
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

static bool
is_waiting(lua_State *L, lua_State *thread)
{
	luaL_checkstack(L, 3, NULL);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key) != LUA_TTABLE) {
		lua_pop(L, 1);
		return false;
	}
	if (!lua_checkstack(thread, 1))
		luaL_error(L, "stack overflow");
	lua_pushthread(thread);
	lua_xmove(thread, L, 1);
	bool waits = lua_rawget(L, -2) == LUA_TBOOLEAN && lua_toboolean(L, -1);
	lua_pop(L, 2);
	return waits;
}

/* ---- tasks ---- */

bool
lua_state_resume(lua_State *L, lua_State *thread, int count)
{
	struct lua_state *state = lua_state_of(L);
	int results;
	if (lua_status(thread) == LUA_YIELD)
		mark_waiting(L, thread, false);
	state->task = thread;
	state->waits = false;
	state->barriers = 0;
	int status = lua_budget_resume(thread, L, count, &results);
	state->task = NULL;
	lua_budget_back(L);
	if (status == LUA_OK) {
		lua_settop(thread, 0);
		return false;
	}
	if (status != LUA_YIELD)
		lua_state_rethrow(L, thread, status);
	lua_pop(thread, results);
	mark_waiting(L, thread, true);
	return true;
}

int
lua_state_wait(lua_State *L, const char *call)
{
	struct lua_state *state = lua_state_of(L);
	if (!state->task)
		return lua_state_fail(
			L, "%s waits, which is possible inside handlers and schedules only", call);
	if (!lua_isyieldable(L) || state->barriers > 0)
		return lua_state_fail(L,
			"%s waits, which is not possible inside a function that table.sort, string.gsub, tusk.regex.gsub and "
			"the like call; collect what to do there, and do it afterwards",
			call);
	state->waits = true;
	return lua_yield(L, 0);
}

/* ---- a plugin's own coroutines ---- */

/* Runs `thread` with the `count` values on top of L's stack, which are taken. */
static int
run_thread(lua_State *L, lua_State *thread, int count, int *results)
{
	struct lua_state *state = lua_state_of(L);
	bool barrier = !lua_isyieldable(L);
	if (!lua_checkstack(thread, count))
		luaL_error(L, "too many arguments to resume");
	lua_xmove(L, thread, count);
	state->barriers += barrier ? 1 : 0;
	int status = lua_budget_resume(thread, L, count, results);
	state->barriers -= barrier ? 1 : 0;
	lua_budget_back(L);
	return status;
}

/* coroutine.resume has its coroutine at 1 and returns errors; a function of coroutine.wrap has it as upvalue and raises. */
enum { IS_WRAP = 0, IS_RESUME = 1 };

static int
give_error(lua_State *L, int shape)
{
	if (shape == IS_RESUME) {
		lua_pushboolean(L, 0);
		lua_insert(L, -2);
		return 2;
	}
	if (lua_type(L, -1) == LUA_TSTRING) { /* as Lua does: where it was called */
		luaL_where(L, 1);
		lua_insert(L, -2);
		lua_concat(L, 2);
	}
	return lua_error(L);
}

static int go_on(lua_State *L, lua_State *thread, int shape);

/* The task was resumed: so is the coroutine that waits in it. */
static int
on_passed(lua_State *L, int status, lua_KContext shape)
{
	(void)status;
	lua_State *thread = lua_tothread(L, shape == IS_RESUME ? 1 : lua_upvalueindex(1));
	mark_waiting(L, thread, false);
	return go_on(L, thread, (int)shape);
}

static int
go_on(lua_State *L, lua_State *thread, int shape)
{
	struct lua_state *state = lua_state_of(L);
	int results;
	int status = run_thread(L, thread, lua_gettop(L) - shape, &results);
	if (status == LUA_YIELD && state->waits) {
		lua_pop(thread, results);
		lua_settop(L, shape);
		mark_waiting(L, thread, true);
		return lua_yieldk(L, 0, shape, on_passed);
	}
	if (status == LUA_OK || status == LUA_YIELD) {
		if (!lua_checkstack(L, results + 1)) {
			lua_pop(thread, results);
			return luaL_error(L, "too many results to resume");
		}
		if (shape == IS_RESUME)
			lua_pushboolean(L, 1);
		lua_xmove(thread, L, results);
		return results + shape;
	}
	if (shape == IS_WRAP && lua_status(thread) != LUA_OK && lua_status(thread) != LUA_YIELD) {
		(void)lua_budget_reset(thread, L); /* closes its variables; leaves the error */
		lua_budget_back(L);
	}
	lua_xmove(thread, L, 1);
	return give_error(L, shape);
}

static int
start(lua_State *L, lua_State *thread, int shape)
{
	if (!is_waiting(L, thread))
		return go_on(L, thread, shape);
	lua_pushliteral(L, "cannot resume a coroutine in which a handler waits");
	return give_error(L, shape);
}

static lua_State *
check_thread(lua_State *L)
{
	lua_State *thread = lua_tothread(L, 1);
	luaL_argexpected(L, thread, 1, "coroutine");
	return thread;
}

/* resume(co, ...) -> true, ... | false, error */
static int
coroutine_resume(lua_State *L)
{
	return start(L, check_thread(L), IS_RESUME);
}

static int
call_wrapped(lua_State *L)
{
	return start(L, lua_tothread(L, lua_upvalueindex(1)), IS_WRAP);
}

/* wrap(f) -> function */
static int
coroutine_wrap(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_State *thread = lua_newthread(L);
	lua_pushvalue(L, 1);
	lua_xmove(L, thread, 1);
	lua_pushcclosure(L, call_wrapped, 1);
	return 1;
}

/* yield(...) -> ...: of a plugin's own coroutine. The task's belongs to the host. */
static int
coroutine_yield(lua_State *L)
{
	if (L == lua_state_of(L)->task)
		return luaL_error(L, "attempt to yield from outside a coroutine");
	return lua_yield(L, lua_gettop(L));
}

/* isyieldable([co]) -> boolean */
static int
coroutine_isyieldable(lua_State *L)
{
	lua_State *thread = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
	lua_pushboolean(L, thread != lua_state_of(L)->task && lua_isyieldable(thread));
	return 1;
}

/* running() -> co, is_main: a task's is as good as the main one */
static int
coroutine_running(lua_State *L)
{
	bool is_main = lua_pushthread(L) == 1 || L == lua_state_of(L)->task;
	lua_pushboolean(L, is_main);
	return 2;
}

/* close(co) -> true | false, error */
static int
coroutine_close(lua_State *L)
{
	lua_State *thread = check_thread(L);
	lua_Debug frame;
	if (is_waiting(L, thread))
		return luaL_error(L, "cannot close a coroutine in which a handler waits");
	if (thread == L)
		return luaL_error(L, "cannot close a running coroutine");
	if (lua_status(thread) == LUA_OK && lua_getstack(thread, 0, &frame))
		return luaL_error(L, "cannot close a normal coroutine");
	int status = lua_budget_reset(thread, L);
	lua_budget_back(L);
	lua_pushboolean(L, status == LUA_OK);
	if (status == LUA_OK)
		return 1;
	lua_xmove(thread, L, 1);
	return 2;
}

void
lua_coroutine_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"close", coroutine_close},
		{"isyieldable", coroutine_isyieldable},
		{"resume", coroutine_resume},
		{"running", coroutine_running},
		{"wrap", coroutine_wrap},
		{"yield", coroutine_yield},
		{NULL, NULL},
	};
	lua_getglobal(L, "coroutine");
	luaL_setfuncs(L, functions, 0);
	lua_pop(L, 1);
}
