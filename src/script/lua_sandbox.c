/* SPDX-License-Identifier: MIT */
/* The globals of a Lua state: an allow-list of Lua's own libraries, text chunks only. */
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "lua_pattern.h"
#include "lua_state_internal.h"
#include "rng.h"

static const char *const base_names[] = {"assert", "error", "getmetatable", "ipairs", "load",
	"next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset", "select",
	"setmetatable", "collectgarbage", "tonumber", "tostring", "type", "xpcall", "_G",
	"_VERSION", NULL};
static const char *const coroutine_names[] = {
	"close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield", NULL};
static const char *const math_names[] = {"abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp",
	"floor", "fmod", "huge", "log", "max", "maxinteger", "min", "mininteger", "modf", "pi",
	"rad", "random", "randomseed", "sin", "sqrt", "tan", "tointeger", "type", "ult", NULL};
static const char *const os_names[] = {"clock", "date", "difftime", "time", NULL};
static const char *const string_names[] = {"byte", "char", "find", "format", "gmatch", "gsub",
	"len", "lower", "match", "pack", "packsize", "rep", "reverse", "sub", "unpack", "upper",
	NULL};
static const char *const table_names[] = {
	"concat", "insert", "move", "pack", "remove", "sort", "unpack", NULL};
static const char *const utf8_names[] = {
	"char", "charpattern", "codepoint", "codes", "len", "offset", NULL};

/* What stays, by list: a list of what goes would forget an entry one day. */
static const struct library {
	const char *name;
	lua_CFunction open;
	const char *const *names;
} libraries[] = {
	{"_G", luaopen_base, base_names},
	{"coroutine", luaopen_coroutine, coroutine_names},
	{"math", luaopen_math, math_names},
	{"os", luaopen_os, os_names},
	{"string", luaopen_string, string_names},
	{"table", luaopen_table, table_names},
	{"utf8", luaopen_utf8, utf8_names},
};

static const char library_key;      /* registry: the library's globals */
static const char setmetatable_key; /* registry: Lua's own */
static const char mode_key;         /* registry: the text that Lua knows as "__mode" */

/* Weak keys whose values hold other keys: to collect a chain of 50,000 takes a quarter of a minute, and nothing can end it. To
 * refuse "__mode" in setmetatable is not enough, it can be set later. So the one text of Lua's own that makes tables weak gets
 * other bytes, which nobody can guess, and is kept in the registry: what plugins write as "__mode" is another text. */
static void
hide_mode(lua_State *L)
{
	struct rng rng;
	uint64_t random;
	rng_seed_system(&rng);
	random = rng_next(&rng);
	lua_pushliteral(L, "__mode");
	union {
		const char *in;
		char *out;
	} bytes = {lua_tostring(L, -1)};
	memcpy(bytes.out, &random, sizeof("__mode") - 1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &mode_key);
}

static void
push_mode_key(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &mode_key) == LUA_TNIL) { /* a trusted state */
		lua_pop(L, 1);
		lua_pushliteral(L, "__mode");
	}
}

void
lua_sandbox_make_weak(lua_State *L, const char *mode)
{
	lua_createtable(L, 0, 1);
	push_mode_key(L);
	lua_pushstring(L, mode);
	lua_rawset(L, -3);
	lua_setmetatable(L, -2);
}

/* The metatable is at 2. A library's becomes weak, whose metatables no plugin sees. */
static void
check_mode(lua_State *L, bool for_library)
{
	push_mode_key(L);
	lua_pushliteral(L, "__mode");
	if (lua_rawget(L, 2) == LUA_TNIL) {
		lua_pop(L, 2);
		return;
	}
	if (!for_library)
		luaL_argerror(L, 2, "__mode is not available to plugins");
	lua_rawset(L, 2);
}

/* setmetatable(table, metatable | nil) -> table. Without __gc: a finalizer runs where no budget watches it. Upvalues: Lua's
 * own, and true for the library's. */
static int
plain_setmetatable(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	if (lua_type(L, 2) == LUA_TTABLE) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_argerror(L, 2, "__gc is not available to plugins");
		lua_pop(L, 1);
		check_mode(L, lua_toboolean(L, lua_upvalueindex(2)));
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

static void
push_setmetatable(lua_State *L, bool for_library)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &setmetatable_key);
	lua_pushboolean(L, for_library);
	lua_pushcclosure(L, plain_setmetatable, 2);
}

/* collectgarbage("count" | "collect" | "step") -> number | boolean. Nothing that turns the collector off. */
static int
tame_collectgarbage(lua_State *L)
{
	static const char *const options[] = {"collect", "count", "step", NULL};
	switch (luaL_checkoption(L, 1, "collect", options)) {
	case 0:
		lua_pushinteger(L, lua_gc(L, LUA_GCCOLLECT));
		return 1;
	case 1:
		lua_pushnumber(
			L, (lua_Number)lua_gc(L, LUA_GCCOUNT) + lua_gc(L, LUA_GCCOUNTB) / 1024.0);
		return 1;
	}
	lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, 0));
	return 1;
}

static bool
is_listed(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

/* Of the table on top: clears every text key that is not listed. */
static void
keep_listed(lua_State *L, const char *const *names)
{
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) != LUA_TSTRING || is_listed(lua_tostring(L, -1), names))
			continue;
		lua_pushvalue(L, -1);
		lua_pushnil(L);
		lua_rawset(L, -4); /* clearing a key while walking is allowed */
	}
}

/* globals[name] becomes `wrapper` with the present function as upvalue. */
static void
wrap_global(lua_State *L, const char *name, lua_CFunction wrapper)
{
	lua_getglobal(L, name);
	lua_pushcclosure(L, wrapper, 1);
	lua_setglobal(L, name);
}

/* In place of functions that could run or grow without end. A trusted state keeps Lua's own, which are faster. */
static void
open_bounded(lua_State *L)
{
	if (lua_state_of(L)->config.trusted)
		return;
	lua_getglobal(L, LUA_STRLIBNAME);
	lua_pattern_open(L);
	lua_bounded_open(L);
	lua_getglobal(L, LUA_TABLIBNAME);
	lua_table_open(L);
	lua_pop(L, 2);
}

static void
open_libraries(lua_State *L)
{
	/* The base library first and pruned at once: the others then add their tables as globals. */
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].open, i > 0);
		keep_listed(L, libraries[i].names);
		lua_pop(L, 1);
	}
	lua_control_open(L);
	if (!lua_state_of(L)->config.trusted)
		hide_mode(L);
	lua_load_open(L);
	open_bounded(L);
	lua_getglobal(L, "setmetatable");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &setmetatable_key);
	push_setmetatable(L, lua_state_of(L)->config.trusted);
	lua_setglobal(L, "setmetatable");
	wrap_global(L, "collectgarbage", tame_collectgarbage);
	lua_coroutine_open(L);
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 2);
}

/* Pushes a copy of the table at `index`. */
static void
push_copy(lua_State *L, int index)
{
	index = lua_absindex(L, index);
	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2); /* copy key key value */
		lua_rawset(L, -4);
	}
}

/* The library gets globals of its own: what a plugin does to string.format does not change the library. */
static void
make_library_globals(lua_State *L)
{
	lua_pushglobaltable(L);
	push_copy(L, -1); /* globals library */
	for (size_t i = 1; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		lua_getfield(L, -1, libraries[i].name);
		push_copy(L, -1);
		lua_setfield(L, -3, libraries[i].name);
		lua_pop(L, 1);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "_G");
	push_setmetatable(L, true);
	lua_setfield(L, -2, "setmetatable");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &library_key);
	lua_pop(L, 1);
}

void
lua_sandbox_library(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &library_key);
}

static void
seed_random(lua_State *L, uint64_t seed)
{
	lua_getglobal(L, LUA_MATHLIBNAME);
	lua_getfield(L, -1, "randomseed");
	lua_pushinteger(L, (lua_Integer)seed);
	lua_call(L, 1, 0);
	lua_pop(L, 1);
}

void
lua_sandbox_open(lua_State *L)
{
	struct lua_state *state = lua_state_of(L);
	open_libraries(L);
	if (state->config.globals)
		state->config.globals(L);
	if (state->config.seed)
		seed_random(L, state->config.seed);
	make_library_globals(L);
	lua_require_open(L);
}
