/* SPDX-License-Identifier: MIT */
/* A trusted state: creation, its calls, and what its Lua may ask of the system. */
#include "trusted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "trusted_internal.h"
#include "xmalloc.h"

#define LOG_MODULE "practice"

static const char module_key; /* registry: the main module's table */

static const struct lua_module modules[] = {
	{"trusted.server", lua_server_open},
	{"trusted.relay", lua_relay_open},
	{"trusted.loop", lua_loop_open},
	{"trusted.json", trusted_json_open},
	{"trusted.system", trusted_system_open},
};

bool
trusted_enter(struct trusted *trusted, lua_body_fn *body, void *data, const char *what)
{
	char error[PLUGIN_ERROR_MAX];

	if (lua_state_call(trusted->state, body, data, error))
		return true;
	log_error(trusted->log, "%s: %s", what, error);
	return false;
}

void
trusted_push_function(lua_State *L, const char *name)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key);
	if (lua_getfield(L, -1, name) != LUA_TFUNCTION)
		luaL_error(L, "the main module has no function '%s'", name);
	lua_remove(L, -2);
}

/* print(...): to `out`, flushed, so that a script that reads it need not wait. */
static int
trusted_print(lua_State *L)
{
	FILE *out = trusted_of(L)->out;
	int count = lua_gettop(L);

	for (int i = 1; out && i <= count; i++) {
		size_t len;
		const char *text = luaL_tolstring(L, i, &len);
		if (i > 1)
			fputc('\t', out);
		fwrite(text, 1, len, out);
		lua_pop(L, 1);
	}
	if (out) {
		fputc('\n', out);
		fflush(out);
	}
	return 0;
}

static void
add_globals(lua_State *L)
{
	lua_pushcfunction(L, trusted_print);
	lua_setglobal(L, "print");
}

struct start {
	const struct trusted_config *config;
};

static void
start_body(lua_State *L, void *data)
{
	const struct trusted_config *config = ((struct start *)data)->config;
	struct json_error error;

	lua_state_require(L, config->module);
	luaL_checktype(L, -1, LUA_TTABLE);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
	trusted_push_function(L, "start");
	if (!config->arguments.ptr)
		lua_newtable(L);
	else if (!trusted_json_push(L, config->arguments, &error))
		luaL_error(L, "the arguments are no JSON: %s", error.message);
	lua_call(L, 1, 0);
}

struct trusted *
trusted_create(const struct trusted_config *config, char *error)
{
	struct trusted *trusted = xcalloc(1, sizeof(*trusted));
	struct start start = {config};

	trusted->loop = config->loop;
	trusted->log = config->log;
	trusted->out = config->out;
	rng_seed(&trusted->content, config->seed);
	rng_seed_system(&trusted->other);
	buf_init(&trusted->scratch, JSON_TEXT_MAX);
	trusted->parser = json_parser_create();
	trusted->state = lua_state_create(
		&(struct lua_state_config){
			.modules = modules,
			.module_count = COUNT_OF(modules),
			.globals = add_globals,
			.lua_dir = config->lua_dir,
			.trusted = true,
			.owner = trusted,
		},
		error);
	if (!trusted->state || !lua_state_call(trusted->state, start_body, &start, error)) {
		trusted_destroy(trusted);
		return NULL;
	}
	return trusted;
}

void
trusted_destroy(struct trusted *trusted)
{
	if (!trusted)
		return;
	relay_destroy(trusted->relay);
	server_destroy(trusted->server);
	lua_loop_finish(trusted);
	lua_state_destroy(trusted->state);
	json_parser_destroy(trusted->parser);
	buf_finish(&trusted->scratch);
	free(trusted);
}

struct call {
	const char *name;
	struct str argument;
	struct buf *out;
};

static void
call_body(lua_State *L, void *data)
{
	struct call *call = data;
	struct json_error error;

	trusted_push_function(L, call->name);
	if (!call->argument.ptr)
		lua_pushnil(L);
	else if (!trusted_json_push(L, call->argument, &error))
		luaL_error(L, "the argument is no JSON: %s", error.message);
	lua_call(L, 1, 1);
	if (call->out)
		trusted_json_put(L, -1, call->out);
}

bool
trusted_call(struct trusted *trusted, const char *name, struct str argument, struct buf *out,
	char *error)
{
	struct call call = {name, argument, out};

	return lua_state_call(trusted->state, call_body, &call, error);
}

/* ---- trusted.system ---- */

/* random(n) -> 1..n, from the seed */
static int
system_random(lua_State *L)
{
	lua_Integer most = luaL_checkinteger(L, 1);

	luaL_argcheck(L, most >= 1, 1, "at least 1");
	lua_pushinteger(L, (lua_Integer)rng_below(&trusted_of(L)->content, (uint64_t)most) + 1);
	return 1;
}

/* uuid() -> "e435b79a-e094-4ead-b302-a6b9499ae2c3", never from the seed */
static int
system_uuid(lua_State *L)
{
	struct rng *rng = &trusted_of(L)->other;
	uint64_t high = rng_next(rng), low = rng_next(rng);
	char text[40];

	snprintf(text, sizeof(text), "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
		(unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
		(unsigned)(low >> 48 & 0x3fff) | 0x8000,
		(unsigned long long)(low & 0xffffffffffffULL));
	lua_pushstring(L, text);
	return 1;
}

struct reading {
	FILE *file;
};

static int
reading_close(lua_State *L)
{
	struct reading *reading = lua_touserdata(L, 1);

	if (reading->file)
		fclose(reading->file);
	reading->file = NULL;
	return 0;
}

/* read(path) -> text | nil, message */
static int
system_read(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct reading *reading = lua_newuserdatauv(L, sizeof(*reading), 0);
	luaL_Buffer text;
	size_t got;

	reading->file = NULL;
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, reading_close);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2); /* from here on __gc owns the file */
	reading->file = fopen(path, "re");
	if (!reading->file) {
		lua_pushnil(L);
		lua_pushfstring(L, "%s: cannot be read: %s", path, strerror(errno));
		return 2;
	}
	luaL_buffinit(L, &text);
	do {
		char *room = luaL_prepbuffsize(&text, 1 << 16);
		got = fread(room, 1, 1 << 16, reading->file);
		luaL_addsize(&text, got);
	} while (got > 0);
	if (ferror(reading->file)) {
		lua_pushnil(L);
		lua_pushfstring(L, "%s: cannot be read: %s", path, strerror(errno));
		return 2;
	}
	luaL_pushresult(&text);
	return 1;
}

/* say(text): one line for the operator */
static int
system_say(lua_State *L)
{
	log_info(trusted_of(L)->log, "%s", luaL_checkstring(L, 1));
	return 0;
}

/* warn(text) */
static int
system_warn(lua_State *L)
{
	log_warn(trusted_of(L)->log, "%s", luaL_checkstring(L, 1));
	return 0;
}

static const luaL_Reg system_functions[] = {
	{"random", system_random},
	{"uuid", system_uuid},
	{"read", system_read},
	{"say", system_say},
	{"warn", system_warn},
	{NULL, NULL},
};

int
trusted_system_open(lua_State *L)
{
	luaL_newlib(L, system_functions);
	return 1;
}
