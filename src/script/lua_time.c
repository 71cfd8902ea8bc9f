/* SPDX-License-Identifier: MIT */
/* Dates of time zones: tusk.time.date, tusk.time.at, and os.time and os.date by the host's clock and zone. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "civil.h"
#include "lua_util.h"
#include "plugin_internal.h"

/* ---- zones ---- */

struct str
lua_zone_name(lua_State *L, int index)
{
	const struct plugin *plugin = plugin_of(L);
	if (!lua_isnoneornil(L, index))
		return lua_check_str(L, index);
	return plugin->tz ? str_from(plugin->tz) : STR("local");
}

const struct zone *
lua_check_zone(lua_State *L, int index)
{
	struct plugin *plugin = plugin_of(L);
	struct str name = lua_zone_name(L, index);
	for (unsigned i = 0; i < PLUGIN_ZONES_MAX; i++) {
		if (plugin->zones[i] && str_eq_text(name, zone_name(plugin->zones[i])))
			return plugin->zones[i];
	}
	char error[MESSAGE_MAX];
	struct zone *zone = zone_open(name, zone_folder(), error);
	if (!zone)
		lua_raise(L, "zone", "%s", error);
	struct zone **place = &plugin->zones[plugin->zone_next];
	plugin->zone_next = (plugin->zone_next + 1) % PLUGIN_ZONES_MAX;
	zone_destroy(*place);
	*place = zone;
	return zone;
}

/* ---- dates ---- */

/* Whole seconds, rounded down; now without. */
static int64_t
check_seconds(lua_State *L, int index)
{
	if (lua_isnoneornil(L, index))
		return div_floor(clock_wall_ms(&plugin_of(L)->clock), 1000);
	lua_Number seconds = luaL_checknumber(L, index);
	luaL_argcheck(L, seconds > -6e10 && seconds < 2.5e11, index,
		"expected Unix seconds of the years 69 to 9891");
	int64_t whole = (int64_t)seconds;
	return (lua_Number)whole > seconds ? whole - 1 : whole;
}

static void
set_integer(lua_State *L, const char *key, int64_t value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, key);
}

/* Into the table on top: the fields of os.date. */
static void
set_date(lua_State *L, const struct local_time *local)
{
	set_integer(L, "year", local->year);
	set_integer(L, "month", local->month);
	set_integer(L, "day", local->day);
	set_integer(L, "hour", local->hour);
	set_integer(L, "min", local->minute);
	set_integer(L, "sec", local->second);
	set_integer(L, "wday", local->weekday + 1);
	set_integer(L, "yday", local->year_day);
	lua_pushboolean(L, local->dst);
	lua_setfield(L, -2, "isdst");
}

/* date(seconds | nil, zone | nil) -> { year =, month =, …, offset = seconds, zone = "CET" } */
static int
time_date(lua_State *L)
{
	struct local_time local;
	int64_t unix_s = check_seconds(L, 1);
	zone_local(lua_check_zone(L, 2), unix_s, &local);
	lua_createtable(L, 0, 11);
	set_date(L, &local);
	set_integer(L, "offset", local.offset_s);
	lua_pushstring(L, local.abbreviation);
	lua_setfield(L, -2, "zone");
	return 1;
}

/* A whole number from the table at 1. `missing`: what stands for it; below 0: it must be there. */
static int64_t
get_field(lua_State *L, const char *call, const char *key, int64_t missing)
{
	int is_integer;
	int type = lua_getfield(L, 1, key);
	lua_Integer value = lua_tointegerx(L, -1, &is_integer);
	lua_pop(L, 1);
	if (type == LUA_TNIL && missing >= 0)
		return missing;
	if (type == LUA_TNIL)
		lua_state_fail(L, "%s: the field \"%s\" is missing", call, key);
	if (!is_integer || value < -10000000000 || value > 10000000000)
		lua_state_fail(
			L, "%s: %s: expected a whole number within 10000000000 of 0", call, key);
	return value;
}

/* The local time that the table at 1 says, in seconds as if it were UTC. Fields run over: month 13 is January. */
static int64_t
get_local(lua_State *L, const char *call, int64_t hour)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	int64_t year = get_field(L, call, "year", -1), month = get_field(L, call, "month", -1),
		day = get_field(L, call, "day", -1);
	int64_t seconds = get_field(L, call, "hour", hour) * 3600 +
			  get_field(L, call, "min", 0) * 60 + get_field(L, call, "sec", 0);
	if (year < -100000 || year > 100000 || month < -1000000 || month > 1000000)
		lua_state_fail(L, "%s: the date is out of range", call);
	seconds += days_from_date(year, month, day) * DAY_SECONDS;
	if ((lua_Number)seconds <= -6e10 || (lua_Number)seconds >= 2.5e11)
		lua_state_fail(L, "%s: the date is out of range", call);
	return seconds;
}

/* at(table, zone | nil) -> seconds, nil | "gap" | "twice" */
static int
time_at(lua_State *L)
{
	int64_t first, last;
	int64_t local_s = get_local(L, "tusk.time.at", 0);
	enum zone_fit fit = zone_instant(lua_check_zone(L, 2), local_s, &first, &last);
	lua_pushinteger(L, first);
	lua_pushstring(L, fit == ZONE_GAP ? "gap" : fit == ZONE_TWICE ? "twice" : NULL);
	return 2;
}

/* text(seconds, zone) -> "2026-11-20T13:00:02.000+01:00" */
static int
time_text(lua_State *L)
{
	struct local_time local;
	luaL_checknumber(L, 1);
	int64_t unix_s = check_seconds(L, 1);
	int ms = (int)((lua_tonumber(L, 1) - (lua_Number)unix_s) * 1000);
	zone_local(lua_check_zone(L, 2), unix_s, &local);
	/* RFC 3339 has no seconds of an offset, which only local mean times have. */
	int minutes = local.offset_s / 60;
	int west = minutes < 0 ? -minutes : minutes;
	char text[64];
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03d%c%02d:%02d",
		(int)local.year, local.month, local.day, local.hour, local.minute, local.second, ms,
		minutes < 0 ? '-' : '+', west / 60, west % 60);
	lua_pushstring(L, text);
	return 1;
}

/* ---- os ---- */

/* os.time([table]) -> seconds. The table's fields are put in order, as Lua does; isdst chooses between two. */
static int
os_time(lua_State *L)
{
	if (lua_isnoneornil(L, 1)) {
		int64_t now_ms = clock_wall_ms(&plugin_of(L)->clock);
		lua_pushinteger(L, div_floor(now_ms, 1000));
		return 1;
	}
	int64_t first, last;
	struct local_time local;
	int64_t local_s = get_local(L, "os.time", 12);
	bool asked = lua_getfield(L, 1, "isdst") == LUA_TBOOLEAN, dst = lua_toboolean(L, -1);
	lua_settop(L, 1);
	const struct zone *zone =
		lua_check_zone(L, 2); /* no Lua may run from here on: it could replace it */
	enum zone_fit fit = zone_instant(zone, local_s, &first, &last);
	zone_local(zone, first, &local);
	if (asked && fit == ZONE_TWICE && dst != local.dst) {
		first = last;
		zone_local(zone, first, &local);
	}
	set_date(L, &local);
	lua_pushinteger(L, first);
	return 1;
}

/* Length of the conversion after '%', 0 when there is no such one: those of C99. */
static size_t
conversion_length(const char *text)
{
	if (*text == 'E')
		return text[1] && strchr("cCxXyY", text[1]) ? 2 : 0;
	if (*text == 'O')
		return text[1] && strchr("deHImMSuUVwWy", text[1]) ? 2 : 0;
	return *text && strchr("aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%", *text) ? 1 : 0;
}

static void
add_conversion(luaL_Buffer *out, const char *text, size_t len, const struct tm *tm)
{
	char format[4] = {'%'}, piece[256];
	memcpy(format + 1, text, len);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	luaL_addlstring(out, piece, strftime(piece, sizeof(piece), format, tm));
#pragma GCC diagnostic pop
}

static int
format_date(lua_State *L, const char *format, const struct local_time *local)
{
	struct tm tm = {
		.tm_year = (int)local->year - 1900,
		.tm_mon = local->month - 1,
		.tm_mday = local->day,
		.tm_hour = local->hour,
		.tm_min = local->minute,
		.tm_sec = local->second,
		.tm_wday = local->weekday,
		.tm_yday = local->year_day - 1,
		.tm_isdst = local->dst,
		.tm_gmtoff = local->offset_s,
		.tm_zone = local->abbreviation,
	};
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	while (*format) {
		if (*format != '%') {
			luaL_addchar(&out, *format++);
			continue;
		}
		size_t len = conversion_length(++format);
		if (len == 0)
			return lua_state_fail(
				L, "os.date: there is no conversion \"%%%.2s\"", format);
		add_conversion(&out, format, len, &tm);
		format += len;
	}
	luaL_pushresult(&out);
	return 1;
}

/* os.date([format [, seconds]]) -> text | table. "!": UTC. */
static int
os_date(lua_State *L)
{
	struct local_time local;
	size_t len;
	const char *format = luaL_optlstring(L, 1, "%c", &len);
	luaL_argcheck(L, len <= DATE_FORMAT_MAX, 1, "too long a format");
	int64_t unix_s = check_seconds(L, 2);
	lua_settop(L, 1);
	if (*format == '!') {
		format++;
		lua_pushliteral(L, "UTC");
	} else {
		lua_pushnil(L);
	}
	zone_local(lua_check_zone(L, 2), unix_s, &local);
	if (strncmp(format, "*t", 2) != 0)
		return format_date(L, format, &local);
	lua_createtable(L, 0, 9);
	set_date(L, &local);
	return 1;
}

void
lua_time_globals(lua_State *L)
{
	lua_getglobal(L, "os");
	lua_pushcfunction(L, os_time);
	lua_setfield(L, -2, "time");
	lua_pushcfunction(L, os_date);
	lua_setfield(L, -2, "date");
	lua_pop(L, 1);
}

static const luaL_Reg functions[] = {
	{"at", time_at},
	{"date", time_date},
	{"text", time_text},
	{NULL, NULL},
};

int
lua_time_open(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
