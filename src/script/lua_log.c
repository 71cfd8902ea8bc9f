/* SPDX-License-Identifier: MIT */
/* tusk.log and print: a plugin's lines, under the instance's name. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_util.h"
#include "plugin_internal.h"
#include "xmalloc.h"

static void
write_line(struct plugin *plugin, enum log_level level, struct str text)
{
	if (!log_enabled(plugin->log, level))
		return;
	if (plugin->task && plugin->task->log_lines++ >= PLUGIN_LOG_LINES_MAX) {
		if (plugin->task->log_lines == PLUGIN_LOG_LINES_MAX + 1)
			log_write(plugin->log, LOG_WARN, plugin->name,
				"this handler call has logged %d lines; the rest is left out",
				PLUGIN_LOG_LINES_MAX);
		return;
	}
	/* A format ends at a NUL; the rest of the line shall not be lost. */
	char *nul;
	char *copy = xmemdup0(text.ptr, text.len);
	while ((nul = memchr(copy, '\0', text.len)) != NULL)
		*nul = ' ';
	log_write(plugin->log, level, plugin->name, "%s", copy);
	free(copy);
}

/* write(level, text): level is "debug", "info", "warn" or "error" */
static int
log_line(lua_State *L)
{
	static const char *const names[] = {"debug", "info", "warn", "error", NULL};
	static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
	enum log_level level = levels[luaL_checkoption(L, 1, NULL, names)];
	write_line(plugin_of(L), level, lua_check_str(L, 2));
	return 0;
}

/* print(...): as Lua's own, to the log */
static int
log_print(lua_State *L)
{
	int count = lua_gettop(L);
	luaL_Buffer line;
	luaL_buffinit(L, &line);
	for (int i = 1; i <= count; i++) {
		if (i > 1)
			luaL_addchar(&line, '\t');
		luaL_tolstring(L, i, NULL);
		luaL_addvalue(&line);
	}
	luaL_pushresult(&line);
	write_line(plugin_of(L), LOG_INFO, lua_check_str(L, -1));
	return 0;
}

void
lua_log_globals(lua_State *L)
{
	lua_pushcfunction(L, log_print);
	lua_setglobal(L, "print");
}

static const luaL_Reg functions[] = {
	{"write", log_line},
	{NULL, NULL},
};

int
lua_log_open(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
