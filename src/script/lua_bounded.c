/* SPDX-License-Identifier: MIT */
/* string.rep, format and pack: what they make is measured before it is made. */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>

#include "limits.h"
#include "lua_state_internal.h"

#define NUMBER_BYTES 512 /* bytes that one number becomes: "%.99f" of 1e308 has 410 */
#define ITEM_BYTES   32  /* bytes that one letter of a pack format becomes, padding included */

/* rep(s, n [, separator]) -> text */
static int
bounded_rep(lua_State *L)
{
	size_t len, separator_len, done = 0;
	const char *text = luaL_checklstring(L, 1, &len);
	lua_Integer count = luaL_checkinteger(L, 2);
	const char *separator = luaL_optlstring(L, 3, "", &separator_len);
	size_t step = len + separator_len;
	if (count <= 0 || step == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	if (step < len || (lua_Unsigned)count > INT32_MAX / step)
		return luaL_error(L, "resulting string too large");
	size_t total = (size_t)count * step - separator_len;
	lua_state_room(L, total);
	luaL_Buffer out;
	char *room = luaL_buffinitsize(L, &out, total + separator_len);
	memcpy(room, text, len);
	memcpy(room + len, separator, separator_len);
	for (done = step; done < total; done *= 2) /* what is there is the pattern of the rest */
		memcpy(room + done, room, done < total - done ? done : total - done);
	luaL_pushresultsize(&out, total);
	return 1;
}

/* Calls the function that this one stands for, with all arguments. */
static int
call_original(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	return 1;
}

/* Bytes of all arguments from the second on that are texts. */
static size_t
texts_len(lua_State *L)
{
	size_t sum = 0;
	for (int i = lua_gettop(L); i > 1; i--) {
		if (lua_type(L, i) == LUA_TSTRING)
			sum += lua_rawlen(L, i);
	}
	return sum;
}

/* Objects that a %s shows become their texts, whose length is known. */
static void
show_objects(lua_State *L, const char *format, size_t len)
{
	int arg = 1;
	for (const char *c = format, *end = format + len; c < end; c++) {
		if (*c != '%' || *++c == '%')
			continue;
		arg++;
		c += strspn(c, "-+ #0123456789.");
		if (*c != 's' || arg > lua_gettop(L))
			continue;
		if (lua_type(L, arg) == LUA_TSTRING || !luaL_getmetafield(L, arg, "__tostring"))
			continue;
		lua_pop(L, 1);
		luaL_tolstring(L, arg, NULL);
		lua_replace(L, arg);
	}
}

/* format(format, ...) -> text */
static int
bounded_format(lua_State *L)
{
	size_t len, count = (size_t)lua_gettop(L);
	const char *format = luaL_checklstring(L, 1, &len);
	for (int i = 2; i <= (int)count; i++) {
		if (lua_type(L, i) == LUA_TTABLE || lua_type(L, i) == LUA_TUSERDATA) {
			luaL_checkstack(L, 4, NULL);
			show_objects(L, format, len);
			break;
		}
	}
	size_t most = len + count * NUMBER_BYTES + 4 * texts_len(L); /* %q: "\000" for a byte */
	if (most > LUA_SMALL_TEXT)
		lua_state_room(L, len + texts_len(L));
	if (most > LUA_SMALL_TEXT && memmem(format, len, "q", 1))
		lua_state_room(L, most);
	return call_original(L);
}

/* pack(format, ...) -> text */
static int
bounded_pack(lua_State *L)
{
	size_t len;
	const char *format = luaL_checklstring(L, 1, &len);
	size_t most = ITEM_BYTES * len + texts_len(L);
	for (const char *c = format; *c;
		c++) { /* "c1000" is 1000 bytes, whatever the argument has */
		size_t number = 0;
		if (*c != 'c')
			continue;
		for (; isdigit((unsigned char)c[1]) && number < INT32_MAX; c++)
			number = number * 10 + (size_t)(c[1] - '0');
		most += number;
	}
	if (most > LUA_SMALL_TEXT)
		lua_state_room(L, most);
	return call_original(L);
}

static const luaL_Reg functions[] = {
	{"format", bounded_format},
	{"pack", bounded_pack},
	{NULL, NULL},
};

void
lua_bounded_open(lua_State *L)
{
	lua_pushcfunction(L, bounded_rep);
	lua_setfield(L, -2, "rep");
	for (const luaL_Reg *entry = functions; entry->name; entry++) {
		lua_getfield(L, -1, entry->name);
		lua_pushcclosure(L, entry->func, 1);
		lua_setfield(L, -2, entry->name);
	}
}
