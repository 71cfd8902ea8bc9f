/* SPDX-License-Identifier: MIT */
/* What a handler asks for: actions, archive lines, state. Each becomes an effect, applied when the task waits or ends. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "decode.h"
#include "lua_event.h"
#include "lua_util.h"
#include "plugin_internal.h"
#include "xmalloc.h"

struct plugin *
lua_check_handling(lua_State *L, const char *call)
{
	struct plugin *plugin = plugin_of(L);
	if (plugin->phase != PLUGIN_HANDLING)
		lua_state_fail(L, "%s works only inside a handler or a schedule", call);
	if (plugin->choosing)
		lua_state_fail(L,
			"%s does not work inside a where function, which only chooses: do it in the handler",
			call);
	return plugin;
}

struct effect *
plugin_add_effect(lua_State *L, struct plugin *plugin, enum effect_type type)
{
	struct effect *effect = effects_add(plugin->effects, type);
	plugin->over_output = plugin->over_output || !effect;
	if (!effect)
		lua_state_fail(L,
			"one handler call asked for more than %d things; ask for fewer, or do the rest in a schedule",
			PLUGIN_EFFECTS_MAX);
	return effect;
}

void
plugin_effect_room(lua_State *L, struct plugin *plugin, size_t bytes)
{
	if (effects_room(plugin->effects, bytes))
		return;
	plugin->over_output = true;
	lua_state_fail(L,
		"one handler call asked for things with more than %d bytes of text in all",
		EFFECTS_BYTES_MAX);
}

/* The text field of the table at 1, pushed so that it stays; STR_NONE when it is nil. */
static struct str
text_field(lua_State *L, const char *key)
{
	struct str text = STR_NONE;
	int type = lua_getfield(L, 1, key);
	if (type == LUA_TNIL)
		return text;
	if (type != LUA_TSTRING)
		lua_state_fail(L, "%s: found a %s, expected a text", key, luaL_typename(L, -1));
	text.ptr = lua_tolstring(L, -1, &text.len);
	if (memchr(text.ptr, '\0', text.len))
		lua_state_fail(L, "%s: a zero byte is inside", key);
	return text;
}

static lua_Integer
integer_field(lua_State *L, const char *key)
{
	lua_getfield(L, 1, key);
	lua_Integer number = luaL_optinteger(L, -1, 0);
	lua_pop(L, 1);
	return number;
}

/* action { kind =, call =, permission =, target =, author =, key =, url =, headers =, body =, summary =, at_most =, per_ms = }
 * -> its number in this task */
static int
effect_action(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	luaL_checkstack(L, 16, "too deep");
	struct str call = text_field(L, "call");
	struct plugin *plugin = lua_check_handling(L, call.ptr);
	enum action_kind kind;
	if (!action_from_name(text_field(L, "kind"), &kind))
		return luaL_error(L, "no such action");
	struct str permission = text_field(L, "permission"); /* of a forward: "http:HOST" */
	grants_require(
		L, call.ptr, permission.ptr ? permission.ptr : action_info(kind)->permission);
	struct str target = text_field(L, "target"), author = text_field(L, "author");
	struct str key = text_field(L, "key"), url = text_field(L, "url");
	struct str headers = text_field(L, "headers"), body = text_field(L, "body");
	struct str summary = text_field(L, "summary");
	lua_Integer at_most = integer_field(L, "at_most"), per_ms = integer_field(L, "per_ms");
	if (body.len > ACTION_BODY_MAX)
		return lua_state_fail(L, "%s: %zu bytes to send, at most %d are possible", call.ptr,
			body.len, (int)ACTION_BODY_MAX);
	plugin_effect_room(L, plugin,
		target.len + author.len + key.len + url.len + headers.len + body.len + summary.len);
	struct effect *effect = plugin_add_effect(L, plugin, EFFECT_ACTION);
	effect->action = (struct action){
		.kind = kind,
		.target = str_dup(target),
		.target_author = str_dup(author),
		.key = str_dup(key),
		.url = str_dup(url),
		.headers = str_dup(headers),
		.body = str_dup(body),
		.summary = str_dup(summary),
		.at_most = at_most,
		.per_ms = per_ms,
	};
	lua_pushinteger(L, (lua_Integer)plugin->effects->count);
	return 1;
}

static void
set_texts(struct effect *effect, struct str name, struct str json)
{
	effect->name = xmemdup0(name.ptr, name.len);
	effect->name_len = name.len;
	if (!json.ptr)
		return;
	effect->json = xmemdup0(json.ptr, json.len);
	effect->json_len = json.len;
}

/* archive(name [, payload]): the event's line, or one with `payload` (JSON) in its place */
static int
effect_archive(lua_State *L)
{
	struct plugin *plugin = lua_check_handling(L, "archive");
	struct str name = lua_check_str(L, 1);
	struct str payload = lua_isnoneornil(L, 2) ? STR_NONE : lua_check_str(L, 2);
	grants_require(L, "archive", "archive");
	if (!plugin->delivery || !plugin->delivery->event)
		return lua_state_fail(L, "archive: there is no event to archive here");
	plugin_effect_room(L, plugin, name.len + payload.len);
	struct effect *effect = plugin_add_effect(L, plugin, EFFECT_ARCHIVE);
	set_texts(effect, name, payload);
	effect->event = event_ref(plugin->delivery->event);
	return 0;
}

/* put(key, json): one key of tusk.store */
static int
effect_put(lua_State *L)
{
	struct plugin *plugin = lua_check_handling(L, "tusk.store");
	struct str key = lua_check_str(L, 1), json = lua_check_str(L, 2);
	plugin_effect_room(L, plugin, key.len + json.len);
	struct effect *effect = plugin_add_effect(L, plugin, EFFECT_STATE_PUT);
	set_texts(effect, key, json);
	return 0;
}

/* delete(key): one key of tusk.store */
static int
effect_delete(lua_State *L)
{
	struct plugin *plugin = lua_check_handling(L, "tusk.store");
	struct str key = lua_check_str(L, 1);
	plugin_effect_room(L, plugin, key.len);
	set_texts(plugin_add_effect(L, plugin, EFFECT_STATE_DELETE), key, STR_NONE);
	return 0;
}

/* note(what, json): a line of the journal */
static int
effect_note(lua_State *L)
{
	struct plugin *plugin = lua_check_handling(L, "a note");
	struct str what = lua_check_str(L, 1), json = lua_check_str(L, 2);
	plugin_effect_room(L, plugin, what.len + json.len);
	struct effect *effect = plugin_add_effect(L, plugin, EFFECT_NOTE);
	set_texts(effect, what, json);
	return 0;
}

/* acting() -> true inside a handler or schedule */
static int
effect_acting(lua_State *L)
{
	lua_pushboolean(L, plugin_of(L)->phase == PLUGIN_HANDLING);
	return 1;
}

/* event_id() -> id of the event that is handled | nil */
static int
effect_event_id(lua_State *L)
{
	const struct plugin_delivery *delivery = plugin_of(L)->delivery;
	if (!delivery || !delivery->event)
		return 0;
	lua_pushlstring(
		L, delivery->event->id.ptr ? delivery->event->id.ptr : "", delivery->event->id.len);
	return 1;
}

/* event_line() -> the event as a JSON line | nil */
static int
effect_event_line(lua_State *L)
{
	const struct plugin_delivery *delivery = plugin_of(L)->delivery;
	if (!delivery || !delivery->event)
		return 0;
	struct buf *line = lua_push_buf(L, EVENT_LINE_MAX);
	event_write_line(delivery->event, line);
	lua_buf_result(L, line, "the event");
	return 1;
}

/* Anything that is not public or unlisted: other servers have more names for "not for everybody". */
static bool
status_is_private(struct json_value status)
{
	struct str visibility = json_str(json_get(status, "visibility"));
	return visibility.ptr && !str_eq_text(visibility, "public") &&
	       !str_eq_text(visibility, "unlisted");
}

/* is_private() -> true when the event that is handled carries a post that is not public */
static int
effect_is_private(lua_State *L)
{
	const struct plugin_delivery *delivery = plugin_of(L)->delivery;
	bool private = delivery && delivery->event &&
		       (status_is_private(event_outer_status(delivery->event)) ||
			       status_is_private(event_status(delivery->event)));
	lua_pushboolean(L, private);
	return 1;
}

static const luaL_Reg functions[] = {
	{"acting", effect_acting},
	{"action", effect_action},
	{"archive", effect_archive},
	{"delete", effect_delete},
	{"event_id", effect_event_id},
	{"event_line", effect_event_line},
	{"is_private", effect_is_private},
	{"note", effect_note},
	{"put", effect_put},
	{"views", lua_event_views},
	{NULL, NULL},
};

int
lua_effect_open(lua_State *L)
{
	luaL_newlib(L, functions);
	lua_pushinteger(L, PLUGIN_STATE_VALUE_MAX);
	lua_setfield(L, -2, "state_max");
	lua_pushinteger(L, PLUGIN_STATE_TOTAL_MAX);
	lua_setfield(L, -2, "state_total_max");
	lua_pushinteger(L, ARCHIVE_NAME_MAX);
	lua_setfield(L, -2, "archive_name_max");
	return 1;
}
