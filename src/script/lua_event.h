/* SPDX-License-Identifier: MIT */
/* Events as Lua tables that fill as they are read. All of these may raise. */
#pragma once

#include <lua.h>

#include "event.h"
#include "plugin_internal.h"

/* Pushes the subject (a table, the id as a text, or nil) and the event's own table, of the event that the task delivers;
 * without `whole`, which is for functions that do not look at it, nil in its place. `matched` is JSON or empty. */
void lua_event_push(lua_State *L, const struct plugin_task *task, struct str matched, bool whole);
/* True when the table at `index` still is as it came: *value is what it stands for, for use at once. */
bool lua_event_value(lua_State *L, int index, struct json_value *value);
/* Makes the value at `index` an ordinary table when it is one that fills itself. */
void lua_event_fill(lua_State *L, int index);
/* In place of a table of tusk.store at `index`, through which the plugin sees another one: that one. */
void lua_plain_table(lua_State *L, int index);
/* views(metatable): of such tables; its __stored(table) gives the other one. Called once, by the library. */
int lua_event_views(lua_State *L);
