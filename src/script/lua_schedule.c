/* SPDX-License-Identifier: MIT */
/* Registers what tusk.every and tusk.daily ask for, and tells a run about its due time. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_util.h"
#include "plugin_internal.h"
#include "xmalloc.h"

/* Raises unless another schedule of this name may be registered now. */
static struct plugin *
check_new(lua_State *L, const char *call)
{
	struct plugin *plugin = plugin_of(L);
	struct str name = lua_check_str(L, 1);
	if (plugin->phase != PLUGIN_LOADING)
		lua_state_fail(L,
			"%s works only while the plugin's file runs, not inside a handler", call);
	if (name.len == 0 || name.len > SCHEDULE_NAME_MAX || !str_is_utf8(name) ||
		memchr(name.ptr, 0, name.len))
		lua_state_fail(L,
			"%s: the name has %d bytes, expected 1 to %d of valid UTF-8 without NUL; give it another: { name = \"...\" }",
			call, (int)name.len, SCHEDULE_NAME_MAX);
	for (unsigned i = 0; i < plugin->schedule_count; i++) {
		const struct plugin_schedule *other = &plugin->schedules[i];
		if (str_eq_text(name, other->name))
			lua_state_fail(L,
				"%s: the name \"%s\" is taken by the schedule of line %d; give this one another: { name = \"...\" }",
				call, other->name, other->line);
	}
	if (plugin->schedule_count == PLUGIN_SCHEDULES_MAX)
		lua_state_fail(L, "%s: more than %d schedules", call, PLUGIN_SCHEDULES_MAX);
	return plugin;
}

/* Nothing from here to the end of the registration raises. */
static struct plugin_schedule *
add(lua_State *L, struct plugin *plugin)
{
	lua_Debug where;
	plugin->schedules = xreallocarray(
		plugin->schedules, plugin->schedule_count + 1, sizeof(*plugin->schedules));
	struct plugin_schedule *schedule = &plugin->schedules[plugin->schedule_count++];
	*schedule = (struct plugin_schedule){
		.name = str_dup(lua_check_str(L, 1)),
		.line = lua_state_position(L, &where) ? where.currentline : 0,
	};
	return schedule;
}

static int
finish(lua_State *L, struct plugin_schedule *schedule, char *spec)
{
	schedule->spec_hash = (int64_t)(str_hash(str_from(spec)) | 1);
	free(spec);
	lua_pushinteger(L, plugin_of(L)->schedule_count);
	return 1;
}

/* every(name, interval_ms, late) -> id */
static int
schedule_every(lua_State *L)
{
	lua_Integer every_ms = luaL_checkinteger(L, 2);
	bool runs_late = lua_toboolean(L, 3);
	struct plugin *plugin = check_new(L, "tusk.every");
	if (every_ms < SCHEDULE_MS_MIN || every_ms > SCHEDULE_MS_MAX)
		return lua_state_fail(
			L, "tusk.every: found a time out of range, expected \"1s\" to \"366d\"");
	struct plugin_schedule *schedule = add(L, plugin);
	schedule->every_ms = every_ms;
	schedule->runs_late = runs_late;
	return finish(L, schedule, xasprintf("every %lld", (long long)every_ms));
}

/* daily(name, times, weekdays, zone | nil, late) -> id. `times`: ascending seconds after midnight. */
static int
schedule_daily(lua_State *L)
{
	unsigned weekdays = (unsigned)luaL_checkinteger(L, 3);
	bool runs_late = lua_toboolean(L, 5);
	struct plugin *plugin = check_new(L, "tusk.daily");
	luaL_checktype(L, 2, LUA_TTABLE);
	unsigned count = (unsigned)lua_rawlen(L, 2);
	if (count > SCHEDULE_TIMES_MAX)
		return lua_state_fail(L,
			"tusk.daily: found %d times, expected at most %d; tusk.every may be what you want",
			(int)count, SCHEDULE_TIMES_MAX);
	int32_t times_s[SCHEDULE_TIMES_MAX];
	for (unsigned i = 0; i < count; i++) {
		lua_rawgeti(L, 2, (lua_Integer)i + 1);
		times_s[i] = (int32_t)luaL_checkinteger(L, -1);
		lua_pop(L, 1);
	}
	char error[MESSAGE_MAX];
	struct zone *zone = zone_open(lua_zone_name(L, 4), zone_folder(), error);
	if (!zone)
		return lua_state_fail(L, "tusk.daily: tz: %s", error);
	struct plugin_schedule *schedule = add(L, plugin);
	schedule->zone = zone;
	schedule->runs_late = runs_late;
	schedule->weekdays = weekdays;
	schedule->time_count = count;
	schedule->times_s = xcalloc(count + 1, sizeof(schedule->times_s[0]));
	struct buf spec;
	buf_init(&spec, MESSAGE_MAX * 2);
	buf_printf(&spec, "daily %u %s", weekdays, zone_name(zone));
	for (unsigned i = 0; i < count; i++) {
		schedule->times_s[i] = times_s[i];
		buf_printf(&spec, " %d", (int)times_s[i]);
	}
	return finish(L, schedule, buf_take(&spec, NULL));
}

/* due(id) -> { name =, due =, late =, missed = } of the run that starts */
static int
schedule_due(lua_State *L)
{
	const struct plugin *plugin = plugin_of(L);
	lua_Integer id = luaL_checkinteger(L, 1);
	luaL_argcheck(L, id >= 1 && id <= plugin->schedule_count, 1, "no schedule");
	const struct plugin_schedule *schedule = &plugin->schedules[id - 1];
	lua_createtable(L, 0, 4);
	lua_pushstring(L, schedule->name);
	lua_setfield(L, -2, "name");
	lua_pushnumber(L, (lua_Number)schedule->due.due_ms / 1000.0);
	lua_setfield(L, -2, "due");
	lua_pushinteger(L, schedule->due.late_ms / 1000);
	lua_setfield(L, -2, "late");
	lua_pushinteger(L, schedule->due.missed);
	lua_setfield(L, -2, "missed");
	return 1;
}

static const luaL_Reg functions[] = {
	{"daily", schedule_daily},
	{"due", schedule_due},
	{"every", schedule_every},
	{NULL, NULL},
};

int
lua_schedule_open(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
