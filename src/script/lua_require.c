/* SPDX-License-Identifier: MIT */
/* Our own require: the compiled-in library, C modules for it, and a plugin's own folder. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_source.h"
#include "lua_state_internal.h"

#define PLUGIN_LIBRARY "moontusk" /* the one library module that plugins may require */

static const char library_loaded_key; /* registry: name -> module, of the library */
static const char plugin_loaded_key;  /* registry: name -> module, of the plugin's folder */
static const char loading_key;        /* registry: name -> true while its chunk runs */

/* Letters, digits and _ between single dots: such a name cannot leave the folder. */
static bool
is_module_name(const char *name, size_t len)
{
	bool is_start = true;
	if (len == 0 || len > PLUGIN_MODULE_NAME_MAX || strlen(name) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '_';
		if (!is_word && (c != '.' || is_start))
			return false;
		is_start = c == '.';
	}
	return !is_start;
}

struct source_file {
	FILE *file;
};

static int
source_file_close(lua_State *L)
{
	struct source_file *source = lua_touserdata(L, 1);
	if (source->file)
		fclose(source->file);
	source->file = NULL;
	return 0;
}

/* Pushes the text of the file, or nothing and false when there is no such file. */
static bool
push_file(lua_State *L, const char *path)
{
	struct source_file *source = lua_newuserdatauv(L, sizeof(*source), 0);
	source->file = NULL;
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, source_file_close);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2); /* from here on __gc owns the file */
	source->file = fopen(path, "re");
	if (!source->file) {
		if (errno != ENOENT && errno != ENOTDIR)
			luaL_error(L, "%s: cannot be read: %s", path, strerror(errno));
		lua_pop(L, 1);
		return false;
	}
	luaL_Buffer text;
	luaL_buffinit(L, &text);
	size_t len = 0, got;
	do {
		char *room = luaL_prepbuffer(&text);
		got = fread(room, 1, LUAL_BUFFERSIZE, source->file);
		luaL_addsize(&text, got);
		len += got;
		if (len > PLUGIN_SOURCE_MAX)
			luaL_error(L, "%s: longer than %d bytes", path, (int)PLUGIN_SOURCE_MAX);
	} while (got > 0);
	if (ferror(source->file))
		luaL_error(L, "%s: cannot be read", path);
	luaL_pushresult(&text);
	fclose(source->file);
	source->file = NULL;
	lua_remove(L, -2);
	return true;
}

/* A byte order mark and a first line that starts with '#' are not Lua; the line end stays, for the numbers. */
static struct str
skip_preamble(struct str source)
{
	if (str_starts(source, "\xef\xbb\xbf"))
		source = (struct str){source.ptr + 3, source.len - 3};
	if (source.len && *source.ptr == '#') {
		const char *end = memchr(source.ptr, '\n', source.len);
		size_t cut = end ? (size_t)(end - source.ptr) : source.len;
		source = (struct str){source.ptr + cut, source.len - cut};
	}
	return source;
}

static void
load_text(lua_State *L, struct str source, const char *chunk)
{
	source = skip_preamble(source);
	if (source.len && *source.ptr == LUA_SIGNATURE[0])
		luaL_error(L, "%s: this is compiled Lua; moontusk loads plugins as text only",
			chunk + 1);
	if (lua_load_text(L, source, chunk) != LUA_OK)
		lua_error(L);
}

void
lua_state_load(lua_State *L, struct str source, const char *file)
{
	lua_pushfstring(L, "@%s", file);
	load_text(L, source, lua_tostring(L, -1));
	lua_remove(L, -2);
}

/* Loads library text and gives it the library's globals. */
static void
load_library_text(lua_State *L, struct str source, const char *file)
{
	lua_pushfstring(L, LIBRARY_CHUNK "%s", file);
	load_text(L, source, lua_tostring(L, -1));
	lua_remove(L, -2);
	lua_sandbox_library(L);
	lua_setupvalue(L, -2, 1);
}

/* Pushes the chunk of a library module; false when there is none of that name. */
static bool
find_library(lua_State *L, const char *name)
{
	const struct lua_state_config *config = &lua_state_of(L)->config;
	for (size_t i = 0; i < config->module_count; i++) {
		if (strcmp(config->modules[i].name, name) == 0) {
			lua_pushcfunction(L, config->modules[i].open);
			return true;
		}
	}
	for (size_t i = 0; i < lua_source_count; i++) {
		const struct lua_source *source = &lua_sources[i];
		if (strcmp(source->name, name) != 0)
			continue;
		struct str text = {source->text, source->len};
		if (config->lua_dir) {
			lua_pushfstring(L, "%s/%s", config->lua_dir, source->file);
			if (!push_file(L, lua_tostring(L, -1)))
				luaL_error(L, "%s: no such file (--lua-dir)", lua_tostring(L, -1));
			text.ptr = lua_tolstring(L, -1, &text.len);
			load_library_text(L, text, source->file);
			lua_replace(L, -3);
			lua_pop(L, 1);
		} else {
			load_library_text(L, text, source->file);
		}
		return true;
	}
	return false;
}

/* Pushes the chunk of a module in the plugin's folder; false when there is none. */
static bool
find_own(lua_State *L, const char *name)
{
	static const char *const forms[] = {"%s/%s.lua", "%s/%s/init.lua"};
	const char *folder = lua_state_of(L)->config.folder;
	const struct lua_state_config *config = &lua_state_of(L)->config;
	if (!folder)
		return false;
	luaL_gsub(L, name, ".", "/"); /* path */
	for (size_t i = 0; i < 2; i++) {
		lua_pushfstring(L, forms[i], folder, lua_tostring(L, -1)); /* path file */
		if (push_file(L, lua_tostring(L, -1))) {
			struct str text;
			text.ptr = lua_tolstring(L, -1, &text.len);
			if (config->on_file)
				config->on_file(config->owner, lua_tostring(L, -2), text);
			lua_state_load(L, text, lua_tostring(L, -2)); /* path file text chunk */
			lua_replace(L, -4);
			lua_pop(L, 2);
			return true;
		}
		if (config->on_file)
			config->on_file(config->owner, lua_tostring(L, -1), STR_NONE);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return false;
}

/* The chunk is on top: runs it once and leaves its module in its place; remembers it in the table `loaded_key`. */
static void
run_module(lua_State *L, const char *name, const void *loaded_key)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &loading_key);
	lua_getfield(L, -1, name);
	if (lua_toboolean(L, -1))
		luaL_error(L, "module '%s' requires itself (by way of others)", name);
	lua_pop(L, 1);
	lua_pushboolean(L, 1);
	lua_setfield(L, -2, name); /* chunk loading */
	lua_insert(L, -2);
	lua_pushstring(L, name);
	lua_call(L, 1, 1); /* loading module */
	lua_pushnil(L);
	lua_setfield(L, -3, name);
	lua_remove(L, -2);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
	}
	lua_rawgetp(L, LUA_REGISTRYINDEX, loaded_key);
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

static bool
push_loaded(lua_State *L, const char *name, const void *loaded_key)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, loaded_key);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
	if (!lua_isnil(L, -1))
		return true;
	lua_pop(L, 1);
	return false;
}

void
lua_state_require(lua_State *L, const char *name)
{
	luaL_checkstack(L, LUA_MINSTACK, "too many nested modules");
	if (push_loaded(L, name, &library_loaded_key))
		return;
	if (!find_library(L, name))
		luaL_error(L, "the library has no module '%s'", name);
	run_module(L, name, &library_loaded_key);
}

/* require(name) -> module. What library code sees. */
static int
library_require(lua_State *L)
{
	lua_state_require(L, luaL_checkstring(L, 1));
	return 1;
}

/* require(name) -> module. What plugins see: "moontusk" and the modules in their own folder. */
static int
plugin_require(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	if (strcmp(name, PLUGIN_LIBRARY) == 0) {
		lua_state_require(L, name);
		return 1;
	}
	if (!is_module_name(name, len))
		return lua_state_fail(L,
			"require '%s': a module name is letters, digits and _ with dots between them",
			name);
	if (push_loaded(L, name, &plugin_loaded_key))
		return 1;
	if (!find_own(L, name))
		return lua_state_fail(L,
			"require '%s': found no such module; expected \"moontusk\" or a file %s.lua in the plugin's own folder",
			name, name);
	run_module(L, name, &plugin_loaded_key);
	return 1;
}

void
lua_require_open(lua_State *L)
{
	const void *const keys[] = {&library_loaded_key, &plugin_loaded_key, &loading_key};
	for (size_t i = 0; i < 3; i++) {
		lua_newtable(L);
		lua_rawsetp(L, LUA_REGISTRYINDEX, keys[i]);
	}
	lua_pushcfunction(L, lua_state_of(L)->config.trusted ? library_require : plugin_require);
	lua_setglobal(L, "require");
	lua_sandbox_library(L);
	lua_pushcfunction(L, library_require);
	lua_setfield(L, -2, "require");
	lua_pop(L, 1);
}
