/* SPDX-License-Identifier: MIT */
/* The Lua library that is compiled into the program: one entry a module (tools/embed.py writes them). */
#pragma once

#include <stddef.h>

struct lua_source {
	const char *name; /* "moontusk.options" */
	const char *file; /* "moontusk/options.lua", below the library folder */
	const char *text;
	size_t len;
};

extern const struct lua_source lua_sources[];
extern const size_t lua_source_count;
