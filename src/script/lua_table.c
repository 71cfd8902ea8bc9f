/* SPDX-License-Identifier: MIT */
/* table.concat, insert, move, remove and sort: as Lua's own, but within the budget of the call however long they run. */
#include <limits.h>
#include <stdbool.h>

#include <lauxlib.h>

#include "lua_state_internal.h"

#define SORT_SMALL 8 /* elements that are sorted by insertion */

static lua_Integer
table_len(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	return luaL_len(L, 1);
}

/* concat(list [, separator [, first [, last]]]) -> text */
static int
table_concat(lua_State *L)
{
	size_t len;
	lua_Integer last = table_len(L);
	const char *separator = luaL_optlstring(L, 2, "", &len);
	lua_Integer i = luaL_optinteger(L, 3, 1);
	last = luaL_optinteger(L, 4, last);
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	for (; i <= last; i++) {
		lua_state_check(L);
		if (lua_geti(L, 1, i) != LUA_TSTRING && !lua_isstring(L, -1))
			return luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
				luaL_typename(L, -1), (LUAI_UACINT)i);
		luaL_addvalue(&out);
		if (i == last) /* it may be the greatest integer */
			break;
		luaL_addlstring(&out, separator, len);
	}
	luaL_pushresult(&out);
	return 1;
}

/* insert(list, [position,] value) */
static int
table_insert(lua_State *L)
{
	lua_Integer end = (lua_Integer)((lua_Unsigned)table_len(L) + 1), position = end;
	switch (lua_gettop(L)) {
	case 2:
		break;
	case 3:
		position = luaL_checkinteger(L, 2);
		luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2,
			"position out of bounds");
		for (lua_Integer i = end; i > position; i--) {
			lua_state_check(L);
			lua_geti(L, 1, i - 1);
			lua_seti(L, 1, i);
		}
		break;
	default:
		return luaL_error(L, "wrong number of arguments to 'insert'");
	}
	lua_seti(L, 1, position);
	return 0;
}

/* remove(list [, position]) -> value */
static int
table_remove(lua_State *L)
{
	lua_Integer size = table_len(L), position = luaL_optinteger(L, 2, size);
	if (position != size)
		luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 2,
			"position out of bounds");
	lua_geti(L, 1, position);
	for (; position < size; position++) {
		lua_state_check(L);
		lua_geti(L, 1, position + 1);
		lua_seti(L, 1, position);
	}
	lua_pushnil(L);
	lua_seti(L, 1, position);
	return 1;
}

/* move(from, first, last, position [, to]) -> to */
static int
table_move(lua_State *L)
{
	lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
	lua_Integer position = luaL_checkinteger(L, 4);
	int to = lua_isnoneornil(L, 5) ? 1 : 5;
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checktype(L, to, LUA_TTABLE);
	if (last >= first) {
		luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3,
			"too many elements to move");
		lua_Integer count = last - first + 1;
		luaL_argcheck(
			L, position <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
		bool overlaps = position > first && position <= last &&
				(to == 1 || lua_compare(L, 1, to, LUA_OPEQ));
		for (lua_Integer i = 0; i < count; i++) {
			lua_Integer offset = overlaps ? count - 1 - i : i;
			lua_state_check(L);
			lua_geti(L, 1, first + offset);
			lua_seti(L, to, position + offset);
		}
	}
	lua_pushvalue(L, to);
	return 1;
}

/* ---- sort: list at 1, order at 2 ---- */

/* Whether the value at `a` comes before the one at `b`; both are positive indices. */
static bool
is_less(lua_State *L, int a, int b)
{
	lua_state_check(L);
	if (lua_isnil(L, 2))
		return lua_compare(L, a, b, LUA_OPLT);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, a);
	lua_pushvalue(L, b);
	lua_call(L, 2, 1);
	bool less = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return less;
}

static void
sort_small(lua_State *L, lua_Integer first, lua_Integer last)
{
	int value = lua_gettop(L) + 1, other = value + 1;
	for (lua_Integer i = first + 1; i <= last; i++) {
		lua_Integer j = i;
		lua_geti(L, 1, i);
		for (; j > first; j--) {
			lua_geti(L, 1, j - 1);
			if (!is_less(L, value, other)) {
				lua_pop(L, 1);
				break;
			}
			lua_seti(L, 1, j);
		}
		lua_seti(L, 1, j);
	}
}

static int
refuse_order(lua_State *L)
{
	return luaL_error(L, "invalid order function for sorting");
}

/* Hoare's partition around the middle element: nothing up to the result is greater than anything behind it. */
static lua_Integer
partition(lua_State *L, lua_Integer first, lua_Integer last)
{
	int pivot = lua_gettop(L) + 1, low = pivot + 1, high = pivot + 2;
	lua_Integer i = first, j = last;
	lua_geti(L, 1, first + (last - first) / 2);
	for (;; i++, j--) {
		for (; lua_geti(L, 1, i), is_less(L, low, pivot); i++) {
			if (i == last)
				refuse_order(L);
			lua_pop(L, 1);
		}
		for (; lua_geti(L, 1, j), is_less(L, pivot, high); j--) {
			if (j == first)
				refuse_order(L);
			lua_pop(L, 1);
		}
		if (i >= j)
			break;
		lua_seti(L, 1, i);
		lua_seti(L, 1, j);
	}
	lua_settop(L, pivot - 1);
	if (j >= last || j < first)
		refuse_order(L);
	return j;
}

/* Recursion into the smaller part only: never deeper than the logarithm of the length. */
static void
sort_range(lua_State *L, lua_Integer first, lua_Integer last)
{
	while (last - first >= SORT_SMALL) {
		lua_Integer middle = partition(L, first, last);
		if (middle - first < last - middle) {
			sort_range(L, first, middle);
			first = middle + 1;
		} else {
			sort_range(L, middle + 1, last);
			last = middle;
		}
	}
	sort_small(L, first, last);
}

/* sort(list [, order]) */
static int
table_sort(lua_State *L)
{
	lua_Integer count = table_len(L);
	if (count < 2)
		return 0;
	luaL_argcheck(L, count < INT_MAX, 1, "array too big");
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	luaL_checkstack(L, 16, "");
	sort_range(L, 1, count);
	return 0;
}

void
lua_table_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"concat", table_concat},
		{"insert", table_insert},
		{"move", table_move},
		{"remove", table_remove},
		{"sort", table_sort},
		{NULL, NULL},
	};
	luaL_setfuncs(L, functions, 0);
}
