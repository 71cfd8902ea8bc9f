/* SPDX-License-Identifier: MIT */
/* Rolling windows for plugins: counts of the task that runs on top of those of the instance; each becomes an effect. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_util.h"
#include "plugin_internal.h"
#include "windows.h"
#include "xmalloc.h"

static void
add_number(struct buf *text, int64_t number)
{
	buf_printf(text, "%lld", (long long)number);
}

/* The same for every handler of an event and after a crash, another one for an edit: what makes an event one event. */
static uint64_t
event_number(const struct event *event)
{
	struct buf text;
	buf_init(&text, MESSAGE_MAX * 4);
	buf_add_str(&text, event->account);
	buf_add_char(&text, '\n');
	buf_add_str(&text, event->name);
	buf_add_char(&text, '\n');
	buf_add_str(&text, event->id);
	buf_add_char(&text, '\n');
	if (event->id.len && event_kind_info(event->kind)->deduplicated) {
		event_version(event, &text);
	} else {
		add_number(&text, event->received_at_ms);
		add_number(&text, (int64_t)str_hash(event->payload));
	}
	uint64_t number = str_hash(buf_str(&text));
	buf_finish(&text);
	return number;
}

/* When the task happens, and which event it is. */
static void
set_moment(const struct plugin *plugin, struct window_ask *ask)
{
	const struct plugin_task *task = plugin->task;
	const struct event *event = task->delivery.event;
	ask->at_ms = task->at_ms;
	if (!task->is_late && event && event->received_at_ms)
		ask->at_ms = event->received_at_ms;
	ask->event = event && !task->is_late ? event_number(event) : task->number;
}

/* Key at 1, length at `within`; raises unless a task runs. Readers may run in a `where` function, too. */
static struct plugin *
check_ask(lua_State *L, const char *call, int within, struct window_ask *ask)
{
	struct plugin *plugin = plugin_of(L);
	bool reads = plugin->phase == PLUGIN_HANDLING && strcmp(call, "tusk.peek") == 0;
	if (!reads)
		lua_check_handling(L, call);
	if (!plugin->windows)
		lua_state_fail(L, "%s: nothing is counted here", call);
	ask->key = lua_check_str(L, 1);
	ask->within_ms = luaL_checkinteger(L, within);
	set_moment(plugin, ask);
	return plugin;
}

static bool
is_of(const struct effect *effect, const struct window_ask *ask)
{
	return effect->type == EFFECT_WINDOW && effect->window == ask->kind &&
	       str_eq((struct str){effect->name, effect->name_len}, ask->key);
}

/* What this task has asked for under the same key; with `value`, for that value. NULL: nothing. */
static const struct effect *
find_own(const struct plugin *plugin, const struct window_ask *ask, const struct str *value)
{
	for (size_t i = 0; i < plugin->effects->count; i++) {
		const struct effect *effect = &plugin->effects->list[i];
		if (is_of(effect, ask) &&
			(!value || str_eq((struct str){effect->json, effect->json_len}, *value)))
			return effect;
	}
	return NULL;
}

static void
add_window(lua_State *L, struct plugin *plugin, const struct window_ask *ask)
{
	struct effect *effect = plugin_add_effect(L, plugin, EFFECT_WINDOW);
	effect->window = ask->kind;
	effect->name = xmemdup0(ask->key.ptr, ask->key.len);
	effect->name_len = ask->key.len;
	if (ask->value.ptr) {
		effect->json = xmemdup0(ask->value.ptr, ask->value.len);
		effect->json_len = ask->value.len;
	}
	effect->at_ms = ask->at_ms;
	effect->within_ms = ask->within_ms;
	effect->amount = ask->amount;
	effect->event_number = ask->event;
}

/* Pushes the total, and true when a cap has taken away what would count. */
static int
push_total(lua_State *L, struct plugin *plugin, const struct window_ask *ask)
{
	bool capped = false;
	int64_t total;
	if (ask->kind == WINDOW_DISTINCT) {
		/* The values stay the effects'; the room is Lua's, so that nothing leaks when something raises. */
		struct str *more =
			lua_newuserdatauv(L, (plugin->effects->count + 1) * sizeof(*more), 0);
		size_t count = 0;
		for (size_t i = 0; i < plugin->effects->count; i++) {
			const struct effect *effect = &plugin->effects->list[i];
			if (is_of(effect, ask))
				more[count++] = (struct str){effect->json, effect->json_len};
		}
		total = windows_total(plugin->windows, ask, more, count, &capped);
	} else {
		const struct effect *own = find_own(plugin, ask, NULL);
		total = windows_total(plugin->windows, ask, NULL, 0, &capped) +
			(own ? own->amount : 0);
	}
	lua_pushinteger(L, total);
	if (!capped)
		return 1;
	lua_pushboolean(L, true);
	return 2;
}

/* count(key, within_ms, by) -> total [, true] */
static int
windows_count(lua_State *L)
{
	struct window_ask ask = {.kind = WINDOW_COUNT, .amount = luaL_checkinteger(L, 3)};
	struct plugin *plugin = check_ask(L, "tusk.count", 2, &ask);
	if (!windows_has(plugin->windows, &ask) && !find_own(plugin, &ask, NULL))
		add_window(L, plugin, &ask);
	return push_total(L, plugin, &ask);
}

/* distinct(key, within_ms, value) -> total [, true] */
static int
windows_distinct(lua_State *L)
{
	struct window_ask ask = {.kind = WINDOW_DISTINCT, .value = lua_check_str(L, 3)};
	struct plugin *plugin = check_ask(L, "tusk.distinct", 2, &ask);
	if (!find_own(plugin, &ask, &ask.value))
		add_window(L, plugin, &ask);
	return push_total(L, plugin, &ask);
}

/* peek(key, within_ms) -> total [, true]. Only reads, so `where` functions may, too. */
static int
windows_peek(lua_State *L)
{
	struct window_ask ask = {.kind = WINDOW_COUNT};
	struct plugin *plugin = check_ask(L, "tusk.peek", 2, &ask);
	if (!find_own(plugin, &ask, NULL)) {
		ask.kind = WINDOW_DISTINCT;
		if (!find_own(plugin, &ask, NULL))
			ask.kind = windows_kind(plugin->windows, ask.key);
	}
	return push_total(L, plugin, &ask);
}

/* once(key, within_ms) -> true the first time */
static int
windows_once(lua_State *L)
{
	struct window_ask ask = {.kind = WINDOW_ONCE};
	struct plugin *plugin = check_ask(L, "tusk.once", 2, &ask);
	bool first = !find_own(plugin, &ask, NULL) && !windows_has(plugin->windows, &ask);
	if (first)
		add_window(L, plugin, &ask);
	lua_pushboolean(L, first);
	return 1;
}

static const luaL_Reg functions[] = {
	{"count", windows_count},
	{"distinct", windows_distinct},
	{"once", windows_once},
	{"peek", windows_peek},
	{NULL, NULL},
};

int
lua_windows_open(lua_State *L)
{
	luaL_newlib(L, functions);
	lua_pushinteger(L, WINDOW_WITHIN_MAX_MS);
	lua_setfield(L, -2, "within_max");
	return 1;
}
