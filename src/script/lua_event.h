/* SPDX-License-Identifier: MIT */
/* Events as Lua tables that fill as they are read. All of these may raise but lua_event_value. */
#pragma once

#include <lua.h>

#include "event.h"

/* Pushes the subject (a table, the id as a text, or nil) and the event's own table. `matched` is JSON or empty. */
void lua_event_push(lua_State *L, struct event *event, struct str matched);
/* True when the table at `index` still is as it came: *value is what it stands for. */
bool lua_event_value(lua_State *L, int index, struct json_value *value);
/* Makes the value at `index` an ordinary table when it is one that fills itself. */
void lua_event_fill(lua_State *L, int index);
/* In place of a table of tusk.store at `index`, through which the plugin sees another one: that one. */
void lua_plain_table(lua_State *L, int index);
/* views(metatable): of such tables; its __stored(table) gives the other one. Called once, by the library. */
int lua_event_views(lua_State *L);
