/* SPDX-License-Identifier: MIT */
/* What a task waits for: outcomes, time, answers; and the functions that it starts for later. */
#include <stdlib.h>

#include <lauxlib.h>

#include "lua_util.h"
#include "plugin_internal.h"
#include "xmalloc.h"

/* task() -> number of the task that runs | nil */
static int
wait_task(lua_State *L)
{
	const struct plugin_task *task = plugin_of(L)->task;
	if (!task)
		return 0;
	lua_pushinteger(L, (lua_Integer)task->id);
	return 1;
}

/* check(call): raises unless a task runs */
static int
wait_check(lua_State *L)
{
	(void)lua_check_handling(L, luaL_checkstring(L, 1));
	return 0;
}

/* choosing(boolean): a `where` function is about to run, or has */
static int
wait_choosing(lua_State *L)
{
	plugin_of(L)->choosing = lua_toboolean(L, 1);
	return 0;
}

/* Not now: a loop that waits for nothing must not keep the host from everything else. */
static int64_t
later(const struct plugin *plugin, lua_Integer ms)
{
	return clock_wall_ms(&plugin->clock) + (ms < 1 ? 1 : ms);
}

/* outcome(index, call, patience_ms) -> JSON: of the action that effect.action gave the index of (waits) */
static int
wait_outcome(lua_State *L)
{
	const char *call = luaL_checkstring(L, 2);
	struct plugin *plugin = lua_check_handling(L, call);
	lua_Integer index = luaL_checkinteger(L, 1), patience_ms = luaL_checkinteger(L, 3);
	luaL_argcheck(L,
		index >= 1 && (size_t)index <= plugin->effects->count &&
			plugin->effects->list[index - 1].type == EFFECT_ACTION,
		1, "no action of this task");
	plugin_wait_finish(&plugin->run->wait);
	plugin->run->wait = (struct plugin_wait){
		.kind = WAIT_ACTION,
		.action = (size_t)index - 1,
		.until_ms = later(plugin, patience_ms),
	};
	return lua_state_wait(L, call);
}

/* sleep(ms) (waits) */
static int
wait_sleep(lua_State *L)
{
	struct plugin *plugin = lua_check_handling(L, "tusk.sleep");
	lua_Integer ms = luaL_checkinteger(L, 1);
	plugin_wait_finish(&plugin->run->wait);
	plugin->run->wait = (struct plugin_wait){.kind = WAIT_SLEEP, .until_ms = later(plugin, ms)};
	return lua_state_wait(L, "tusk.sleep");
}

static char *
dup_field(lua_State *L, const char *key, size_t *len)
{
	struct str text = STR_NONE;
	if (lua_getfield(L, 1, key) == LUA_TSTRING)
		text.ptr = lua_tolstring(L, -1, &text.len);
	char *copy = text.ptr ? xmemdup0(text.ptr, text.len) : NULL;
	if (len)
		*len = text.len;
	lua_pop(L, 1);
	return copy;
}

/* request { call =, is_api =, method =, url =, headers = JSON, body =, total_ms = } -> JSON (waits) */
static int
wait_request(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_getfield(L, 1, "call");
	const char *call = luaL_checkstring(L, 2);
	struct plugin *plugin = lua_check_handling(L, call);
	lua_getfield(L, 1, "total_ms");
	lua_getfield(L, 1, "is_api");
	struct plugin_wait *wait = &plugin->run->wait; /* owns the texts from here on */
	int64_t total_ms = luaL_optinteger(L, 3, 0);
	plugin_wait_finish(wait); /* one may be left from a call that could not wait */
	*wait = (struct plugin_wait){
		.kind = WAIT_REQUEST,
		.request.is_api = lua_toboolean(L, 4),
		.request.total_ms = total_ms,
	};
	wait->request.method = dup_field(L, "method", NULL);
	wait->request.url = dup_field(L, "url", NULL);
	wait->request.headers = dup_field(L, "headers", NULL);
	wait->request.body = dup_field(L, "body", &wait->request.body_len);
	return lua_state_wait(L, call);
}

/* start(call, ms) -> number of a function that callbacks.fire gets when the time has come after this task's end */
static int
wait_start(lua_State *L)
{
	struct plugin *plugin = lua_check_handling(L, luaL_checkstring(L, 1));
	lua_Integer ms = luaL_checkinteger(L, 2);
	struct effect *effect = plugin_add_effect(L, plugin, EFFECT_START);
	effect->at_ms = later(plugin, ms);
	effect->function = ++plugin->last_function;
	effect->event = plugin->delivery->event ? event_ref(plugin->delivery->event) : NULL;
	lua_pushinteger(L, effect->function);
	return 1;
}

/* stop(number): of a function that was started and has not run */
static int
wait_stop(lua_State *L)
{
	struct plugin *plugin = lua_check_handling(L, "cancel");
	lua_Integer function = luaL_checkinteger(L, 1);
	plugin_add_effect(L, plugin, EFFECT_STOP)->function = (unsigned)function;
	return 0;
}

static const luaL_Reg functions[] = {
	{"check", wait_check},
	{"choosing", wait_choosing},
	{"outcome", wait_outcome},
	{"request", wait_request},
	{"sleep", wait_sleep},
	{"start", wait_start},
	{"stop", wait_stop},
	{"task", wait_task},
	{NULL, NULL},
};

int
lua_wait_open(lua_State *L)
{
	luaL_newlib(L, functions);
	lua_pushinteger(L, TIMER_DELAY_MAX_MS);
	lua_setfield(L, -2, "after_max_ms");
	lua_pushinteger(L, TASK_SLEEP_MAX_MS);
	lua_setfield(L, -2, "sleep_max_ms");
	lua_pushinteger(L, TASK_WAIT_MAX_MS);
	lua_setfield(L, -2, "patience_max_ms");
	lua_pushinteger(L, PLUGIN_TIMERS_MAX);
	lua_setfield(L, -2, "timers_max");
	return 1;
}
