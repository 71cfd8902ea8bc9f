/* SPDX-License-Identifier: MIT */
/* Config files: Lua that can do nothing but ask for environment variables and files. */
#include "lua_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_json.h"
#include "lua_state.h"
#include "lua_util.h"
#include "xmalloc.h"

#define FILE_TYPE "moontusk.file"

struct reading {
	const char *file;
	struct str source;
	struct secrets *secrets;
	struct buf *out;
};

/* Registered under its source's name: what comes from outside of the config is a secret until shown otherwise. */
static void
add_secret(lua_State *L, const char *name, struct str value)
{
	struct reading *reading = lua_state_owner(L);
	if (!reading->secrets)
		return;
	char *full = xasprintf("config/%s", name);
	secrets_add(reading->secrets, full, value);
	free(full);
}

/* env "NAME" -> text */
static int
config_env(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const char *value = getenv(name); /* one thread: nobody changes it meanwhile */
	if (!value)
		return lua_state_fail(L,
			"env \"%s\": there is no such environment variable; set it before the start",
			name);
	add_secret(L, name, str_from(value));
	lua_pushstring(L, value);
	return 1;
}

static int
file_gc(lua_State *L)
{
	FILE **file = luaL_checkudata(L, 1, FILE_TYPE);
	if (*file)
		fclose(*file);
	*file = NULL;
	return 0;
}

/* Pushes the text of the file at `path` without its last line end. */
static void
push_value(lua_State *L, const char *path)
{
	FILE **file = lua_newuserdatauv(L, sizeof(FILE *), 0);
	*file = NULL;
	luaL_newmetatable(L, FILE_TYPE);
	lua_pushcfunction(L, file_gc);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2); /* from here on __gc owns the file */
	*file = fopen(path, "re");
	if (!*file)
		lua_state_fail(L, "file \"%s\": cannot be read: %s", path, strerror(errno));
	char *room = lua_newuserdatauv(L, CONFIG_VALUE_MAX + 1, 0);
	size_t len = fread(room, 1, CONFIG_VALUE_MAX + 1, *file);
	if (ferror(*file))
		lua_state_fail(L, "file \"%s\": cannot be read", path);
	if (len > CONFIG_VALUE_MAX)
		lua_state_fail(L, "file \"%s\": longer than %d bytes", path, (int)CONFIG_VALUE_MAX);
	if (len && room[len - 1] == '\n')
		len--;
	if (len && room[len - 1] == '\r')
		len--;
	lua_pushlstring(L, room, len);
}

/* file "path" -> text, relative to the config's folder */
static int
config_file(lua_State *L)
{
	struct reading *reading = lua_state_owner(L);
	const char *name = luaL_checkstring(L, 1);
	const char *slash = strrchr(reading->file, '/');
	if (*name == '/' || !slash)
		lua_pushstring(L, name);
	else
		lua_pushfstring(L, "%s/%s",
			lua_pushlstring(L, reading->file, (size_t)(slash - reading->file)), name);
	push_value(L, lua_tostring(L, -1));
	struct str value;
	value.ptr = lua_tolstring(L, -1, &value.len);
	add_secret(L, name, value);
	return 1;
}

static void
read_config(lua_State *L, void *data)
{
	struct reading *reading = data;
	lua_state_load(L, reading->source, reading->file);
	lua_createtable(L, 0, 2); /* all that it sees */
	lua_pushcfunction(L, config_env);
	lua_setfield(L, -2, "env");
	lua_pushcfunction(L, config_file);
	lua_setfield(L, -2, "file");
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 1);
	if (!lua_istable(L, -1))
		luaL_error(L, "%s: found a %s, expected return { ... } with accounts and plugins",
			reading->file, luaL_typename(L, -1));
	/* The writer raises; the caller's buffer is its own to free, so nothing leaks here. */
	lua_json_put_loose(L, -1, reading->out, reading->file);
	if (reading->out->err != ERR_OK)
		luaL_error(L, "%s: what it returns is longer than %d bytes", reading->file,
			(int)reading->out->max);
}

bool
lua_file_read(
	const char *file, struct str source, struct secrets *secrets, struct buf *out, char *error)
{
	struct reading reading = {file, source, secrets, out};
	struct lua_state_config config = {
		.limit_bytes = CONFIG_MEMORY_MAX, .cpu_ms = CONFIG_CPU_MS_MAX, .owner = &reading};
	struct lua_state *state = lua_state_create(&config, error);
	bool ok = state && lua_state_call(state, read_config, &reading, error);
	lua_state_destroy(state);
	return ok;
}
