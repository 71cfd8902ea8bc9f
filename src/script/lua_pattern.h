/* SPDX-License-Identifier: MIT */
/* Lua's own patterns, matched within the budget of the call: same results as Lua 5.4, but a search can be ended. */
#pragma once

#include <lua.h>

/* Sets find, gmatch, gsub and match in the table on top of the stack. */
void lua_pattern_open(lua_State *L);
