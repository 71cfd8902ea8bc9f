/* SPDX-License-Identifier: MIT */
/* tusk.json: Lua values to JSON and back. */
#include "lua_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "json_write.h"
#include "limits.h"
#include "lua_event.h"
#include "lua_util.h"
#include "plugin_internal.h"

#define DOC_TYPE   "moontusk.json_doc"
#define ARRAY_TYPE "moontusk.array"

/* Where in the value we are: for messages. */
struct step {
	const struct step *up;
	const char *name; /* NULL: element `index` */
	lua_Integer index;
	unsigned depth;
	bool loose;  /* as lua_json_put_loose says */
	bool strict; /* texts that are no UTF-8 are refused, else repaired */
};

static void
put_path(luaL_Buffer *out, const struct step *step)
{
	if (step->up)
		put_path(out, step->up);
	char number[32];
	if (step->name) {
		if (step->up)
			luaL_addchar(out, '.');
		luaL_addstring(out, step->name);
	} else {
		snprintf(number, sizeof(number), "[%lld]", (long long)step->index);
		luaL_addstring(out, number);
	}
}

static int
refuse(lua_State *L, const struct step *step, const char *found)
{
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	put_path(&out, step);
	luaL_pushresult(&out);
	return lua_state_fail(L,
		"%s: found %s; JSON takes texts, numbers, booleans, lists and tables with text keys",
		lua_tostring(L, -1), found);
}

static void put_value(lua_State *L, struct buf *out, const struct step *step);

static void
put_list(lua_State *L, struct buf *out, const struct step *step, lua_Integer count)
{
	(void)buf_add_char(out, '[');
	for (lua_Integer i = 1; i <= count; i++) {
		struct step inner = {.up = step,
			.index = i,
			.depth = step->depth + 1,
			.loose = step->loose,
			.strict = step->strict};
		json_put_comma(out);
		lua_rawgeti(L, -1, i);
		put_value(L, out, &inner);
		lua_pop(L, 1);
	}
	(void)buf_add_char(out, ']');
}

/* qsort cannot be left: once the call has to end, all keys are equal, and it is done soon. */
static int
compare_keys(const void *a, const void *b, void *data)
{
	const struct str *x = a, *y = b;
	if (lua_state_must_end(data))
		return 0;
	int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
	if (order)
		return order;
	return x->len < y->len ? -1 : x->len > y->len;
}

/* The table is on top. Sorted, so that equal tables give equal texts. */
static void
put_object(lua_State *L, struct buf *out, const struct step *step, size_t count)
{
	luaL_checkstack(L, 8, "too deep");
	struct str *keys = lua_newuserdatauv(L, (count + 1) * sizeof(*keys), 0); /* table keys */
	size_t used = 0;
	lua_pushnil(L);
	while (lua_next(L, -3)) {
		lua_pop(L, 1);
		if (used < count)
			keys[used].ptr = lua_tolstring(L, -1, &keys[used].len);
		used++;
	}
	qsort_r(keys, count, sizeof(*keys), compare_keys, L);
	(void)buf_add_char(out, '{');
	for (size_t i = 0; i < count; i++) {
		struct step inner = {.up = step,
			.name = keys[i].ptr,
			.depth = step->depth + 1,
			.loose = step->loose,
			.strict = step->strict};
		if (step->strict && !str_is_utf8(keys[i]))
			refuse(L, &inner, "a key that is not valid UTF-8");
		json_put_comma(out);
		json_put_str(out, keys[i]);
		(void)buf_add_char(out, ':');
		lua_pushlstring(L, keys[i].ptr, keys[i].len);
		lua_rawget(L, -3);
		put_value(L, out, &inner);
		lua_pop(L, 1);
	}
	(void)buf_add_char(out, '}');
	lua_pop(L, 1);
}

/* The table on top has text keys and list elements: as an object in which "1" is the first element. */
static void
put_mixed(lua_State *L, struct buf *out, const struct step *step, size_t count)
{
	luaL_checkstack(L, 8, "too deep");
	lua_createtable(L, 0, (int)count);
	lua_pushnil(L);
	while (lua_next(L, -3)) { /* mixed fresh key value */
		lua_pushvalue(L, -2);
		luaL_tolstring(L, -1, NULL);
		lua_replace(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -4);
	}
	put_object(L, out, step, count);
	lua_pop(L, 1);
}

static bool
is_marked_array(lua_State *L)
{
	if (!lua_getmetatable(L, -1))
		return false;
	luaL_getmetatable(L, ARRAY_TYPE);
	bool same = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return same;
}

static void
put_table(lua_State *L, struct buf *out, const struct step *step)
{
	struct json_value lazy;
	if (step->depth > LUA_JSON_DEPTH_MAX) {
		refuse(L, step, "a table nested too deep, or one that contains itself");
		return;
	}
	lua_plain_table(L, -1);
	if (lua_event_value(L, -1, &lazy)) {
		json_put_value(out, lazy);
		return;
	}
	lua_event_fill(L, -1);
	size_t texts = 0, numbers = 0;
	lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		lua_state_check(L);
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING)
			texts++;
		else if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 &&
			 lua_tointeger(L, -1) <= count)
			numbers++;
		else
			refuse(L, step,
				"a key that is no text and not part of a list without holes");
	}
	bool is_list = numbers || (!texts && (step->loose || is_marked_array(L)));
	if (texts && numbers && step->loose)
		put_mixed(L, out, step, texts + numbers);
	else if (texts && numbers)
		refuse(L, step, "a table with both text keys and list elements");
	else if (is_list)
		put_list(L, out, step, count);
	else
		put_object(L, out, step, texts);
}

/* The value is on top and stays. */
static void
put_value(lua_State *L, struct buf *out, const struct step *step)
{
	char found[64];
	/* Few tables that hold each other twice are many in the text: past its end none is looked at. */
	if (out->err != ERR_OK)
		return;
	lua_state_check(L);
	luaL_checkstack(L, 8, "too deep");
	switch (lua_type(L, -1)) {
	case LUA_TNIL:
		(void)buf_add_text(out, "null");
		return;
	case LUA_TBOOLEAN:
		json_put_bool(out, lua_toboolean(L, -1));
		return;
	case LUA_TNUMBER:
		if (lua_isinteger(L, -1))
			json_put_int(out, lua_tointeger(L, -1));
		else if (isfinite(lua_tonumber(L, -1)))
			json_put_double(out, lua_tonumber(L, -1));
		else
			refuse(L, step, "a number that is not finite");
		return;
	case LUA_TSTRING: {
		struct str text;
		text.ptr = lua_tolstring(L, -1, &text.len);
		if (step->strict && !str_is_utf8(text))
			refuse(L, step, "a text that is not valid UTF-8");
		json_put_str(out, text);
		return;
	}
	case LUA_TTABLE:
		put_table(L, out, step);
		return;
	case LUA_TLIGHTUSERDATA: /* tusk.json.null */
		(void)buf_add_text(out, "null");
		return;
	}
	snprintf(found, sizeof(found), "a %s", luaL_typename(L, -1));
	refuse(L, step, found);
}

void
lua_json_put(lua_State *L, int index, struct buf *out, const char *what)
{
	struct step step = {.name = what};
	lua_pushvalue(L, index);
	put_value(L, out, &step);
	lua_pop(L, 1);
}

void
lua_json_put_loose(lua_State *L, int index, struct buf *out, const char *what)
{
	struct step step = {.name = what, .loose = true};
	lua_pushvalue(L, index);
	put_value(L, out, &step);
	lua_pop(L, 1);
}

bool
lua_json_push_scalar(lua_State *L, struct json_value value)
{
	int64_t integer;
	uint64_t natural;
	double number;
	bool flag;
	char text[32];
	struct str string = json_str(value);
	switch (json_type(value)) {
	case JSON_NULL:
		lua_pushnil(L);
		return true;
	case JSON_BOOL:
		lua_pushboolean(L, json_get_bool(value, &flag) && flag);
		return true;
	case JSON_INT:
	case JSON_UINT:
		if (json_get_int(value, &integer)) {
			lua_pushinteger(L, integer);
		} else { /* 2^63 and more: the digits, since a float would change them */
			snprintf(text, sizeof(text), "%llu",
				json_get_uint(value, &natural) ? (unsigned long long)natural : 0);
			lua_pushstring(L, text);
		}
		return true;
	case JSON_DOUBLE:
		lua_pushnumber(L, json_get_double(value, &number) ? number : 0);
		return true;
	case JSON_STRING:
		lua_pushlstring(L, string.ptr ? string.ptr : "", string.len);
		return true;
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return false;
}

void
lua_json_mark_array(lua_State *L)
{
	if (luaL_newmetatable(L, ARRAY_TYPE)) {
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, -2);
}

void
lua_json_push(lua_State *L, struct json_value value, bool keep_null)
{
	if (keep_null && json_type(value) == JSON_NULL) {
		lua_pushlightuserdata(L, NULL);
		return;
	}
	if (lua_json_push_scalar(L, value))
		return;
	luaL_checkstack(L, 8, "JSON is nested too deep");
	bool is_array = json_type(value) == JSON_ARRAY;
	size_t count = json_count(value);
	int hint = count < 10000 ? (int)count : 10000;
	lua_createtable(L, is_array ? hint : 0, is_array ? 0 : hint);
	if (is_array && count == 0)
		lua_json_mark_array(L);
	struct json_iter iter = json_iter(value);
	for (lua_Integer i = 1; json_next(&iter); i++) {
		lua_state_check(L);
		if (!is_array)
			lua_pushlstring(L, iter.key.ptr, iter.key.len);
		lua_json_push(L, iter.value, keep_null);
		if (is_array)
			lua_rawseti(L, -2, i);
		else
			lua_rawset(L, -3);
	}
}

/* A document while it becomes Lua values. */
struct decoding {
	struct json_doc *doc;
	size_t charged; /* to the instance's memory */
};

static int
decoding_finish(lua_State *L, struct decoding *decoding)
{
	json_doc_destroy(decoding->doc);
	lua_state_charge(L, -(ptrdiff_t)decoding->charged);
	*decoding = (struct decoding){0};
	return 0;
}

static int
doc_gc(lua_State *L)
{
	return decoding_finish(L, luaL_checkudata(L, 1, DOC_TYPE));
}

bool
lua_json_decode(lua_State *L, struct json_parser *parser, struct str text, bool keep_null,
	struct json_error *error)
{
	struct decoding *decoding = lua_newuserdatauv(L, sizeof(*decoding), 0);
	*decoding = (struct decoding){0};
	if (luaL_newmetatable(L, DOC_TYPE)) {
		lua_pushcfunction(L, doc_gc);
		lua_setfield(L, -2, "__gc");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, -2); /* from here on __gc owns the document */
	lua_state_room(L, text.len);
	enum err err = json_parse(parser, text, &decoding->doc, error);
	if (err != ERR_OK) {
		lua_pop(L, 1);
		return false;
	}
	size_t size = text.len + json_doc_memory(decoding->doc);
	lua_state_charge(L, (ptrdiff_t)size);
	decoding->charged = size;
	lua_json_push(L, json_root(decoding->doc), keep_null);
	(void)decoding_finish(L, decoding);
	lua_remove(L, -2);
	return true;
}

/* encode(value [, name [, strict]]) -> text. `name` stands for the value in an error. */
static int
json_encode(lua_State *L)
{
	luaL_checkany(L, 1);
	const char *name = luaL_optstring(L, 2, "tusk.json.encode");
	struct buf *out = lua_push_buf(L, LUA_JSON_TEXT_MAX);
	struct step step = {.name = name, .strict = lua_toboolean(L, 3)};
	lua_pushvalue(L, 1);
	put_value(L, out, &step);
	lua_pop(L, 1);
	lua_buf_result(L, out, name);
	return 1;
}

/* decode(text [, keep_null]) -> value | nil, message */
static int
json_decode(lua_State *L)
{
	struct json_error error = {0};
	struct str text = lua_check_str(L, 1);
	if (lua_json_decode(L, plugin_of(L)->parser, text, lua_toboolean(L, 2), &error))
		return 1;
	lua_pushnil(L);
	lua_pushstring(L, error.message[0] ? error.message : "no JSON");
	return 2;
}

/* empty_list() -> {} that encodes as [] */
static int
json_empty_list(lua_State *L)
{
	lua_newtable(L);
	lua_json_mark_array(L);
	return 1;
}

static const luaL_Reg functions[] = {
	{"decode", json_decode},
	{"empty_list", json_empty_list},
	{"encode", json_encode},
	{NULL, NULL},
};

int
lua_json_open(lua_State *L)
{
	luaL_newlib(L, functions);
	lua_pushlightuserdata(L, NULL);
	lua_setfield(L, -2, "null");
	return 1;
}
