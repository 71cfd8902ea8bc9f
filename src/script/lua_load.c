/* SPDX-License-Identifier: MIT */
/* Compiling Lua text, in pieces between which the budget is looked at; and load for plugins. */
#include <stdbool.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_state_internal.h"

#define PIECE 512 /* the compiler's work for a piece grows with what was before it */

struct source {
	struct str rest;
	struct lua_budget *budget;
};

static const char *
read_piece(lua_State *L, void *data, size_t *len)
{
	struct source *source = data;
	const char *piece = source->rest.ptr;
	lua_budget_check(L, source->budget);
	*len = source->rest.len < PIECE ? source->rest.len : PIECE;
	source->rest.ptr += *len;
	source->rest.len -= *len;
	return *len ? piece : NULL;
}

/* Each of these waits in a list until its block ends, where the compiler needs a time that grows with the square. */
static bool
has_too_many_jumps(struct str text)
{
	static const char *const words[] = {"break", "goto"};
	unsigned count = 0;
	for (size_t i = 0; i < 2; i++) {
		struct str rest = text;
		const char *found;
		while (rest.len &&
			(found = memmem(rest.ptr, rest.len, words[i], strlen(words[i]))) != NULL) {
			count++;
			rest.len -= (size_t)(found + 1 - rest.ptr);
			rest.ptr = found + 1;
		}
	}
	return count > LUA_JUMPS_MAX;
}

int
lua_load_text(lua_State *L, struct str text, const char *chunk)
{
	struct source source = {text, &lua_state_of(L)->budget};
	if (has_too_many_jumps(text)) {
		lua_pushfstring(L, "%s: more than %d times break or goto",
			*chunk == '@' || *chunk == '=' ? chunk + 1 : "load", LUA_JUMPS_MAX);
		return LUA_ERRSYNTAX;
	}
	int status = lua_load(L, read_piece, &source, chunk, "t");
	lua_budget_back(L);
	return status;
}

/* Replaces the function at 1 by the text that its calls return. */
static void
collect_pieces(lua_State *L)
{
	luaL_Buffer out;
	size_t len = 0, added;
	luaL_buffinit(L, &out);
	do {
		lua_state_check(L);
		lua_pushvalue(L, 1);
		lua_call(L, 0, 1);
		if (!lua_isnil(L, -1) && !lua_isstring(L, -1))
			luaL_error(L, "reader function must return a string");
		if (lua_isnil(L, -1))
			lua_pushliteral(L, "");
		else
			lua_pushvalue(L, -1);
		lua_remove(L, -2);
		lua_tolstring(L, -1, &added);
		len += added;
		luaL_addvalue(&out);
	} while (added && len <= LUA_LOAD_MAX);
	luaL_pushresult(&out);
	lua_replace(L, 1);
}

/* load(chunk [, name [, mode [, env]]]) -> function | nil, message. Text only, whatever `mode` says. */
static int
text_load(lua_State *L)
{
	bool has_env = !lua_isnone(L, 4);
	lua_settop(L, 4);
	struct str text;
	const char *name = luaL_optstring(L, 2, lua_type(L, 1) == LUA_TSTRING ? NULL : "=(load)");
	if (lua_type(L, 1) == LUA_TFUNCTION)
		collect_pieces(L);
	text.ptr = luaL_checklstring(L, 1, &text.len);
	if (text.len > LUA_LOAD_MAX) {
		luaL_pushfail(L);
		lua_pushfstring(L, "load: longer than %d bytes", LUA_LOAD_MAX);
		return 2;
	}
	if (lua_load_text(L, text, name ? name : text.ptr) != LUA_OK) {
		luaL_pushfail(L);
		lua_insert(L, -2);
		return 2;
	}
	if (has_env) {
		lua_pushvalue(L, 4);
		if (!lua_setupvalue(L, -2, 1))
			lua_pop(L, 1);
	}
	return 1;
}

void
lua_load_open(lua_State *L)
{
	lua_pushcfunction(L, text_load);
	lua_setglobal(L, "load");
}
