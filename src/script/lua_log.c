/* SPDX-License-Identifier: MIT */
/* tusk.log and print: a plugin's lines, under the instance's name. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_util.h"
#include "plugin_internal.h"
#include "xmalloc.h"

/* Counts a line. False: it is one too many, of the call or of the minute; said once. */
static bool
may_log(struct plugin *plugin)
{
	unsigned *lines = plugin->task ? &plugin->task->log_lines : &plugin->load_lines;
	int64_t minute = clock_wall_ms(&plugin->clock) / 60000;
	if (plugin->minute != minute) {
		plugin->minute = minute;
		plugin->minute_lines = 0;
	}
	if (++*lines > PLUGIN_LOG_LINES_MAX) {
		if (*lines == PLUGIN_LOG_LINES_MAX + 1)
			log_write(plugin->log, LOG_WARN, plugin->name,
				"this %s has logged %d lines; the rest is left out",
				plugin->task ? "handler call" : "loading", PLUGIN_LOG_LINES_MAX);
		return false;
	}
	if (++plugin->minute_lines > PLUGIN_LOG_MINUTE_MAX) {
		if (plugin->minute_lines == PLUGIN_LOG_MINUTE_MAX + 1)
			log_write(plugin->log, LOG_WARN, plugin->name,
				"this plugin has logged %d lines in a minute; the rest of the minute is left out",
				PLUGIN_LOG_MINUTE_MAX);
		return false;
	}
	return true;
}

static void
write_line(struct plugin *plugin, enum log_level level, struct str text)
{
	if (!log_enabled(plugin->log, level))
		return;
	if (!may_log(plugin))
		return;
	if (text.len > PLUGIN_LOG_TEXT_MAX)
		text = str_clip(text, PLUGIN_LOG_TEXT_MAX);
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
	size_t whole = 0, len;
	for (int i = 1; i <= count && whole <= PLUGIN_LOG_TEXT_MAX; i++) {
		if (i > 1)
			luaL_addchar(&line, '\t');
		luaL_tolstring(L, i, &len);
		luaL_addvalue(&line);
		whole += len;
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
