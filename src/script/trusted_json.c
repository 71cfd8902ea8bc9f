/* SPDX-License-Identifier: MIT */
/* trusted.json: reading JSON into Lua values, and writing the texts that a stand-in server is made of. */
#include <lauxlib.h>

#include "json_write.h"
#include "trusted_internal.h"

#define DOC_TYPE "trusted.json.doc"

static const char null_key; /* registry: what a JSON null becomes */

/* Holds a document while Lua errors may jump. */
struct held {
	struct json_doc *doc;
};

static int
held_close(lua_State *L)
{
	struct held *held = luaL_checkudata(L, 1, DOC_TYPE);

	json_doc_destroy(held->doc);
	held->doc = NULL;
	return 0;
}

/* Pushes a holder with the parsed text; on an error its doc is NULL. */
static struct held *
push_parsed(lua_State *L, struct str text, struct json_error *error)
{
	struct held *held = lua_newuserdatauv(L, sizeof(*held), 0);

	held->doc = NULL;
	luaL_setmetatable(L, DOC_TYPE); /* from here on __gc owns the document */
	if (json_parse(trusted_of(L)->parser, text, &held->doc, error) != ERR_OK)
		held->doc = NULL;
	return held;
}

static void push_value(lua_State *L, struct json_value value);

static void
push_container(lua_State *L, struct json_value value, bool is_array)
{
	struct json_iter it = json_iter(value);
	lua_Integer at = 0;

	luaL_checkstack(L, 4, "JSON is nested too deep");
	lua_newtable(L);
	while (json_next(&it)) {
		if (!is_array)
			lua_pushlstring(L, it.key.ptr, it.key.len);
		push_value(L, it.value);
		if (is_array)
			lua_rawseti(L, -2, ++at);
		else
			lua_rawset(L, -3);
	}
}

static void
push_value(lua_State *L, struct json_value value)
{
	struct str text;
	int64_t number;
	double fraction = 0;
	bool flag = false;

	switch (json_type(value)) {
	case JSON_NULL:
		lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key);
		break;
	case JSON_BOOL:
		(void)json_get_bool(value, &flag);
		lua_pushboolean(L, flag);
		break;
	case JSON_INT:
	case JSON_UINT:
	case JSON_DOUBLE:
		if (json_get_int(value, &number)) {
			lua_pushinteger(L, number);
		} else {
			(void)json_get_double(value, &fraction);
			lua_pushnumber(L, fraction);
		}
		break;
	case JSON_STRING:
		text = json_str(value);
		lua_pushlstring(L, text.ptr, text.len);
		break;
	case JSON_ARRAY:
		push_container(L, value, true);
		break;
	case JSON_OBJECT:
		push_container(L, value, false);
		break;
	}
}

bool
trusted_json_push(lua_State *L, struct str text, struct json_error *error)
{
	struct held *held = push_parsed(L, text, error);

	if (!held->doc) {
		lua_pop(L, 1);
		return false;
	}
	push_value(L, json_root(held->doc));
	json_doc_destroy(held->doc);
	held->doc = NULL;
	lua_remove(L, -2);
	return true;
}

static struct str
check_str(lua_State *L, int index)
{
	struct str text;

	text.ptr = luaL_checklstring(L, index, &text.len);
	return text;
}

/* decode(text) -> value | nil, message */
static int
lua_json_decode(lua_State *L)
{
	struct json_error error;

	if (trusted_json_push(L, check_str(L, 1), &error))
		return 1;
	lua_pushnil(L);
	lua_pushstring(L, error.message);
	return 2;
}

static void
push_scratch(lua_State *L)
{
	struct str text = buf_str(&trusted_of(L)->scratch);

	if (!text.ptr)
		luaL_error(L, "a JSON text is longer than %d bytes", (int)JSON_TEXT_MAX);
	lua_pushlstring(L, text.ptr, text.len);
}

/* quote(text) -> the text as a JSON string */
static int
lua_json_quote(lua_State *L)
{
	struct buf *scratch = &trusted_of(L)->scratch;
	struct str text = check_str(L, 1);

	buf_clear(scratch);
	json_put_str(scratch, text);
	push_scratch(L);
	return 1;
}

/* pick(text, name...) -> the JSON texts of these members of an object, nil for those it has not;
 * false, message when the text is no JSON */
static int
lua_json_pick(lua_State *L)
{
	int count = lua_gettop(L) - 1;
	struct json_error error;
	struct held *held = push_parsed(L, check_str(L, 1), &error);
	struct buf *scratch = &trusted_of(L)->scratch;
	struct json_value root;

	if (!held->doc) {
		lua_pushboolean(L, false);
		lua_pushstring(L, error.message);
		return 2;
	}
	luaL_checkstack(L, count + 1, "too many names");
	root = json_root(held->doc);
	for (int i = 0; i < count; i++) {
		struct json_value value = json_get_str(root, check_str(L, i + 2));
		if (!json_exists(value)) {
			lua_pushnil(L);
			continue;
		}
		buf_clear(scratch);
		json_put_value(scratch, value);
		push_scratch(L);
	}
	json_doc_destroy(held->doc);
	held->doc = NULL;
	return count;
}

static void
put_table(lua_State *L, int index, struct buf *out)
{
	lua_Integer count = (lua_Integer)lua_rawlen(L, index);

	if (count > 0) {
		buf_add_char(out, '[');
		for (lua_Integer i = 1; i <= count; i++) {
			json_put_comma(out);
			lua_rawgeti(L, index, i);
			trusted_json_put(L, -1, out);
			lua_pop(L, 1);
		}
		buf_add_char(out, ']');
		return;
	}
	buf_add_char(out, '{');
	lua_pushnil(L);
	while (lua_next(L, index)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "an object's key is no text");
		json_put_key(out, lua_tostring(L, -2));
		trusted_json_put(L, -1, out);
		lua_pop(L, 1);
	}
	buf_add_char(out, '}');
}

void
trusted_json_put(lua_State *L, int index, struct buf *out)
{
	size_t len;
	const char *text;

	index = lua_absindex(L, index);
	luaL_checkstack(L, 6, "nested too deep for JSON");
	switch (lua_type(L, index)) {
	case LUA_TNIL:
		buf_add_text(out, "null");
		return;
	case LUA_TBOOLEAN:
		json_put_bool(out, lua_toboolean(L, index));
		return;
	case LUA_TNUMBER:
		if (lua_isinteger(L, index))
			json_put_int(out, lua_tointeger(L, index));
		else
			json_put_double(out, lua_tonumber(L, index));
		return;
	case LUA_TSTRING:
		text = lua_tolstring(L, index, &len);
		json_put_str(out, (struct str){text, len});
		return;
	case LUA_TTABLE:
		lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key);
		if (lua_rawequal(L, -1, index)) {
			lua_pop(L, 1);
			buf_add_text(out, "null");
			return;
		}
		lua_pop(L, 1);
		put_table(L, index, out);
		return;
	}
	luaL_error(L, "a %s is nothing that JSON has", luaL_typename(L, index));
}

static const luaL_Reg json_functions[] = {
	{"decode", lua_json_decode},
	{"quote", lua_json_quote},
	{"pick", lua_json_pick},
	{NULL, NULL},
};

int
trusted_json_open(lua_State *L)
{
	luaL_newmetatable(L, DOC_TYPE);
	lua_pushcfunction(L, held_close);
	lua_setfield(L, -2, "__gc");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
	luaL_newlib(L, json_functions);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &null_key);
	lua_setfield(L, -2, "null");
	return 1;
}
