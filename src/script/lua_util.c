/* SPDX-License-Identifier: MIT */
/* Scratch buffers, typed errors, and the module of small helpers: suggestions, durations, time. */
#include "lua_util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "plugin_internal.h"
#include "stream_name.h"
#include "suggest.h"
#include "xmalloc.h"

#define BUF_TYPE   "moontusk.buf"
#define ERROR_TYPE "moontusk.error"

static int
buf_gc(lua_State *L)
{
	buf_finish(luaL_checkudata(L, 1, BUF_TYPE));
	return 0;
}

struct buf *
lua_push_buf(lua_State *L, size_t max)
{
	struct buf *buf = lua_newuserdatauv(L, sizeof(*buf), 0);
	buf_init(buf, max);
	if (luaL_newmetatable(L, BUF_TYPE)) {
		lua_pushcfunction(L, buf_gc);
		lua_setfield(L, -2, "__gc");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, -2);
	return buf;
}

void
lua_buf_result(lua_State *L, struct buf *buf, const char *what)
{
	struct str text = buf_str(buf);
	if (!text.ptr)
		luaL_error(L, "%s: longer than %d bytes", what, (int)buf->max);
	lua_pushlstring(L, text.ptr, text.len);
	buf_finish(buf);
	buf_init(buf, buf->max);
}

struct str
lua_check_str(lua_State *L, int index)
{
	struct str text;
	luaL_checktype(L, index, LUA_TSTRING);
	text.ptr = lua_tolstring(L, index, &text.len);
	return text;
}

/* tostring(error) -> message */
static int
error_text(lua_State *L)
{
	lua_getfield(L, 1, "message");
	return 1;
}

int
lua_raise(lua_State *L, const char *kind, const char *format, ...)
{
	char text[MESSAGE_MAX * 2];
	va_list args;
	va_start(args, format);
	char *whole = xvasprintf(format, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s", whole);
	free(whole); /* before anything that may raise */
	lua_Debug where;
	lua_createtable(L, 0, 2);
	lua_pushstring(L, kind);
	lua_setfield(L, -2, "kind");
	if (lua_state_position(L, &where))
		lua_pushfstring(L, "%s:%d: %s", where.source + 1, where.currentline, text);
	else
		lua_pushstring(L, text);
	lua_setfield(L, -2, "message");
	if (luaL_newmetatable(L, ERROR_TYPE)) {
		lua_pushcfunction(L, error_text);
		lua_setfield(L, -2, "__tostring");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, -2);
	return lua_error(L);
}

/* raise(kind, message): an error object with the plugin's position. Never returns. */
static int
util_raise(lua_State *L)
{
	return lua_raise(L, luaL_checkstring(L, 1), "%s", luaL_checkstring(L, 2));
}

/* fail(message): an error text with the plugin's position. Never returns. */
static int
util_fail(lua_State *L)
{
	return lua_state_fail(L, "%s", luaL_checkstring(L, 1));
}

/* position() -> "file:line: " of the plugin, "" when none of its code runs */
static int
util_position(lua_State *L)
{
	lua_Debug where;
	if (lua_state_position(L, &where))
		lua_pushfstring(L, "%s:%d: ", where.source + 1, where.currentline);
	else
		lua_pushliteral(L, "");
	return 1;
}

/* suggest(word, words) -> word | nil */
static int
util_suggest(lua_State *L)
{
	struct str given = lua_check_str(L, 1);
	luaL_checktype(L, 2, LUA_TTABLE);
	size_t count = lua_rawlen(L, 2);
	luaL_argcheck(L, count < 100000, 2, "too many words");
	const char **known = lua_newuserdatauv(L, (count + 1) * sizeof(*known), 0);
	size_t used = 0;
	for (size_t i = 1; i <= count; i++) {
		if (lua_rawgeti(L, 2, (lua_Integer)i) == LUA_TSTRING)
			known[used++] = lua_tostring(L, -1); /* the list keeps it alive */
		lua_pop(L, 1);
	}
	lua_pushstring(L, suggest(given, known, used));
	return 1;
}

/* duration("15m") -> milliseconds | nil */
static int
util_duration(lua_State *L)
{
	int64_t ms;
	if (lua_type(L, 1) == LUA_TSTRING && duration_parse(lua_check_str(L, 1), &ms))
		lua_pushinteger(L, ms);
	else
		lua_pushnil(L);
	return 1;
}

/* now() -> Unix seconds, with fraction */
static int
util_now(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)clock_wall_ms(&plugin_of(L)->clock) / 1000.0);
	return 1;
}

/* time(text) -> Unix seconds | nil. RFC 3339, as entities write their times. */
static int
util_time(lua_State *L)
{
	int64_t ms;
	if (time_parse(lua_check_str(L, 1), &ms))
		lua_pushnumber(L, (lua_Number)ms / 1000.0);
	else
		lua_pushnil(L);
	return 1;
}

/* time_text(seconds) -> "2026-11-20T12:00:02.000Z" */
static int
util_time_text(lua_State *L)
{
	lua_Number seconds = luaL_checknumber(L, 1);
	luaL_argcheck(
		L, seconds > -6e10 && seconds < 2.5e11, 1, "not a time of the years 1 to 9999");
	struct buf *out = lua_push_buf(L, 64);
	time_format(out, (int64_t)(seconds * 1000));
	lua_buf_result(L, out, "time");
	return 1;
}

void
lua_host_text(const struct url *url, char *out, size_t size)
{
	const char *open = strchr(url->host, ':') ? "[" : "", *close = *open ? "]" : "";
	if (url->default_port)
		snprintf(out, size, "%s%s%s", open, url->host, close);
	else
		snprintf(out, size, "%s%s%s:%u", open, url->host, close, url->port);
}

/* host(url) -> "host[:port]" | nil: as it stands in a permission "http:HOST" */
static int
util_host(lua_State *L)
{
	char host[300];
	struct url url;
	struct str text = lua_check_str(L, 1);
	if (!(str_starts(text, "https://") || str_starts(text, "http://")) ||
		!url_parse(text, &url)) {
		lua_pushnil(L);
		return 1;
	}
	lua_host_text(&url, host, sizeof(host));
	url_finish(&url);
	lua_pushstring(L, host);
	return 1;
}

/* url_encode(text) -> text: all but unreserved characters */
static int
util_url_encode(lua_State *L)
{
	struct str text = lua_check_str(L, 1);
	struct buf *out = lua_push_buf(L, 3 * (size_t)ACTION_BODY_MAX);
	url_encode(text, out);
	lua_buf_result(L, out, "the text");
	return 1;
}

static const luaL_Reg functions[] = {
	{"duration", util_duration},
	{"fail", util_fail},
	{"host", util_host},
	{"now", util_now},
	{"position", util_position},
	{"raise", util_raise},
	{"suggest", util_suggest},
	{"time", util_time},
	{"time_text", util_time_text},
	{"url_encode", util_url_encode},
	{NULL, NULL},
};

int
lua_util_open(lua_State *L)
{
	static const struct {
		const char *name;
		lua_Integer value;
	} numbers[] = {
		{"api_items_default", API_ITEMS_DEFAULT},
		{"api_items_max", API_ITEMS_MAX},
		{"api_pages_max", API_PAGES_MAX},
		{"http_headers_max", OUTBOX_HEADERS_MAX},
		{"http_request_max", ACTION_BODY_MAX},
		{"http_total_ms", HTTP_TOTAL_MS},
	};
	luaL_newlib(L, functions);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		lua_pushinteger(L, numbers[i].value);
		lua_setfield(L, -2, numbers[i].name);
	}
	return 1;
}
