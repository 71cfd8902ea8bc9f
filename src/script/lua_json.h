/* SPDX-License-Identifier: MIT */
/* Between Lua values and JSON. All of these may raise. */
#pragma once

#include <lua.h>

#include "buf.h"
#include "json.h"

/* Adds the value at `index` as JSON, keys sorted; `what` names it in errors ("tusk.store.users"). */
void lua_json_put(lua_State *L, int index, struct buf *out, const char *what);
/* The same for config files: an empty table is [], and a table with both list elements and text keys an object in which
 * the elements are "1", "2", ... */
void lua_json_put_loose(lua_State *L, int index, struct buf *out, const char *what);
/* Pushes the whole value; JSON null becomes nil (tusk.json.null with keep_null). */
void lua_json_push(lua_State *L, struct json_value value, bool keep_null);
/* Pushes a number, text or boolean; nil for null. False (and nothing pushed) for arrays and objects. */
bool lua_json_push_scalar(lua_State *L, struct json_value value);
/* Parses and pushes; false with nothing pushed and *error filled when it is no JSON. */
bool lua_json_decode(lua_State *L, struct json_parser *parser, struct str text, bool keep_null,
	struct json_error *error);
/* Marks the empty table on top so that it encodes as [] and not as {}. */
void lua_json_mark_array(lua_State *L);
