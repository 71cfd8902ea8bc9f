/* SPDX-License-Identifier: MIT */
/* pcall and xpcall that the end of a call passes through: nothing in Lua can catch it. */
#include <lauxlib.h>

#include "lua_state_internal.h"

static int
finish_pcall(lua_State *L, int status, lua_KContext below)
{
	lua_budget_back(L);
	if (status != LUA_OK && status != LUA_YIELD) {
		lua_pushboolean(L, 0);
		lua_pushvalue(L, -2);
		return 2;
	}
	return lua_gettop(L) - (int)below;
}

/* A call that has to end goes through each pcall on its way out, and Lua looks at all frames below each of them. */
static bool
is_too_deep(lua_State *L)
{
	lua_Debug frame;
	if (!lua_getstack(L, PLUGIN_PCALL_FRAMES_MAX, &frame))
		return false;
	lua_pushboolean(L, 0);
	lua_pushfstring(
		L, "stack overflow: pcall inside more than %d calls", PLUGIN_PCALL_FRAMES_MAX);
	return true;
}

/* pcall(f, ...) -> true, results | false, error */
static int
control_pcall(lua_State *L)
{
	luaL_checkany(L, 1);
	if (is_too_deep(L))
		return 2;
	lua_pushboolean(L, 1);
	lua_insert(L, 1); /* true f .. */
	int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall);
	return finish_pcall(L, status, 0);
}

/* The message handler of xpcall: the plugin's own (upvalue 1), which must not run once the call has to end: hooks are off
 * while the error of a hook is handled, and it could run for ever. */
static int
on_xpcall_error(lua_State *L)
{
	if (lua_state_of(L)->budget.kill)
		return 1;
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	return 1;
}

/* xpcall(f, handler, ...) -> true, results | false, what the handler made of the error */
static int
control_xpcall(lua_State *L)
{
	int count = lua_gettop(L);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	if (is_too_deep(L))
		return 2;
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, on_xpcall_error, 1);
	lua_replace(L, 2); /* f handler .. */
	lua_pushboolean(L, 1);
	lua_pushvalue(L, 1);
	lua_rotate(L, 3, 2); /* f handler true f .. */
	int status = lua_pcallk(L, count - 2, LUA_MULTRET, 2, 2, finish_pcall);
	return finish_pcall(L, status, 2);
}

static const luaL_Reg base[] = {
	{"pcall", control_pcall},
	{"xpcall", control_xpcall},
	{NULL, NULL},
};

void
lua_control_open(lua_State *L)
{
	lua_pushglobaltable(L);
	luaL_setfuncs(L, base, 0);
	lua_pop(L, 1);
}
