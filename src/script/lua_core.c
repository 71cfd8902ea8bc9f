/* SPDX-License-Identifier: MIT */
/* What a plugin registers while its file runs: header, options, streams, handlers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_json.h"
#include "lua_util.h"
#include "permission.h"
#include "plugin_internal.h"
#include "stream_name.h"
#include "xmalloc.h"

#define LOG_MODULE "plugin"

static struct plugin *
check_loading(lua_State *L, const char *call)
{
	struct plugin *plugin = plugin_of(L);
	if (plugin->phase != PLUGIN_LOADING)
		lua_state_fail(L,
			"%s works only while the plugin's file runs, not inside a handler", call);
	return plugin;
}

static int
current_line(lua_State *L)
{
	lua_Debug where;
	return lua_state_position(L, &where) ? where.currentline : 0;
}

static char *
dup_field(lua_State *L, int table, const char *key)
{
	struct str text = STR_NONE;
	if (lua_getfield(L, table, key) == LUA_TSTRING)
		text.ptr = lua_tolstring(L, -1, &text.len);
	char *copy = str_dup(text);
	lua_pop(L, 1);
	return copy;
}

/* about { name =, version =, description =, permissions = {...} } */
static int
core_about(lua_State *L)
{
	struct plugin *plugin = check_loading(L, "tusk.plugin");
	luaL_checktype(L, 1, LUA_TTABLE);
	if (plugin->title || plugin->version || plugin->description || plugin->declared.count)
		return lua_state_fail(L, "tusk.plugin was called twice; one header is enough");
	lua_getfield(L, 1, "permissions");
	lua_Integer count = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
	if (count > PLUGIN_PERMISSIONS_MAX)
		return lua_state_fail(
			L, "tusk.plugin: more than %d permissions", PLUGIN_PERMISSIONS_MAX);
	for (lua_Integer i = 1; i <= count; i++) {
		lua_rawgeti(L, -1, i);
		text_list_add(&plugin->declared, lua_check_str(L, -1));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	plugin->header_line = current_line(L);
	plugin->title = dup_field(L, 1, "name");
	plugin->version = dup_field(L, 1, "version");
	plugin->description = dup_field(L, 1, "description");
	return 0;
}

/* options() -> what the operator wrote, as a table */
static int
core_options(lua_State *L)
{
	struct plugin *plugin = check_loading(L, "tusk.options");
	if (plugin->options_read)
		return lua_state_fail(
			L, "tusk.options was called twice; name all options in one call");
	plugin->options_read = true;
	if (plugin->options)
		lua_json_push(L, json_root(plugin->options), false);
	else
		lua_newtable(L);
	return 1;
}

/* secret(name, value): from now on hidden in logs and in the database */
static int
core_secret(lua_State *L)
{
	struct plugin *plugin = plugin_of(L);
	struct str name = lua_check_str(L, 1), value = lua_check_str(L, 2);
	char full[256];
	snprintf(full, sizeof(full), "options/%s/%.*s", plugin->name, STR_ARG(name));
	if (plugin->secrets)
		secrets_add(plugin->secrets, full, value);
	return 0;
}

/* stream(account | nil, name, parameter | nil) */
static int
core_stream(lua_State *L)
{
	struct plugin *plugin = check_loading(L, "tusk.subscribe");
	char error[MESSAGE_MAX];
	lua_settop(L, 3);
	struct str account = lua_isnil(L, 1) ? STR_NONE : lua_check_str(L, 1);
	struct str name = lua_check_str(L, 2);
	struct str param = lua_isnil(L, 3) ? STR_NONE : lua_check_str(L, 3);
	if (!stream_check(name, param, error))
		return lua_state_fail(L, "tusk.subscribe: %s", error);
	if (plugin->stream_count == PLUGIN_STREAMS_MAX)
		return lua_state_fail(
			L, "tusk.subscribe: more than %d streams", PLUGIN_STREAMS_MAX);
	int line = current_line(L);
	struct str as_subscribed = stream_param(stream_info(name), param);
	plugin->streams =
		xreallocarray(plugin->streams, plugin->stream_count + 1, sizeof(*plugin->streams));
	plugin->streams[plugin->stream_count++] =
		(struct plugin_stream){.account = str_dup(account),
			.stream = str_dup(name),
			.param = str_dup(as_subscribed),
			.line = line};
	return 0;
}

static bool
must_end(void *data)
{
	return lua_state_must_end(data);
}

static struct rule *
compile_rule(lua_State *L, struct plugin *plugin, struct str text, const char *call)
{
	struct json_doc *doc = NULL;
	struct json_error json_error = {0};
	struct rule_error error = {.offset = -1};
	struct rule_env env = {.must_end = must_end,
		.data = L,
		.folder = plugin->folder,
		.pattern_flags = plugin->pattern_flags};
	struct rule *rule = NULL;
	enum err err = json_parse(plugin->parser, text, &doc, &json_error);
	if (err == ERR_OK)
		rule = rule_compile(json_root(doc), &env, &error);
	else
		snprintf(error.message, sizeof(error.message), "the match table is too big");
	json_doc_destroy(doc); /* before anything that may raise */
	if (rule)
		return rule;
	lua_state_check(L);
	const char *colon = *error.where ? ": " : "";
	if (*error.pattern)
		lua_state_fail(L, "%s: match: %s%s%s; the pattern is \"%s\"", call, error.where,
			colon, error.message, error.pattern);
	lua_state_fail(L, "%s: match: %s%s%s", call, error.where, colon, error.message);
	return NULL;
}

/* Where the handler with this key was registered; 0: nowhere. */
static int
line_of_key(const struct plugin *plugin, const char *key)
{
	for (unsigned i = 0; i < plugin->handler_count; i++) {
		if (strcmp(plugin->handlers[i].key, key) == 0)
			return plugin->handlers[i].line;
	}
	return 0;
}

/* New. `kinds` is the list at index 1, checked. */
static char *
derive_key(lua_State *L, const struct plugin *plugin, const char *call)
{
	struct buf base;
	buf_init(&base, EVENT_LINE_MAX);
	buf_add_text(&base, strcmp(call, "tusk.hear") == 0 ? "hear" : "on");
	lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
	for (lua_Integer i = 1; i <= count; i++) {
		size_t len;
		lua_rawgeti(L, 1, i);
		const char *kind = lua_tolstring(L, -1, &len);
		buf_add_char(&base, ' ');
		buf_add(&base, kind, len);
		lua_pop(L, 1);
	}
	struct str rule = STR_NONE;
	if (!lua_isnil(L, 2))
		buf_printf(&base, " %s", lua_tostring(L, 2));
	if (!lua_isnil(L, 3))
		rule.ptr = lua_tolstring(L, 3, &rule.len);
	if (rule.ptr) /* equal tables have equal texts: their keys are sorted */
		buf_printf(&base, " %016llx", (unsigned long long)str_hash(rule));
	unsigned nth = 1;
	char *key = xstrdup(base.ptr);
	while (line_of_key(plugin, key)) {
		free(key);
		key = xasprintf("%s #%u", base.ptr, ++nth);
	}
	buf_finish(&base);
	return key;
}

/* The name that the plugin gave, STR_NONE without one. */
static struct str
check_handler_name(lua_State *L, const struct plugin *plugin, const char *call)
{
	if (lua_isnoneornil(L, 5))
		return STR_NONE;
	struct str name = lua_check_str(L, 5);
	if (name.len == 0 || name.len > HANDLER_NAME_MAX || memchr(name.ptr, '\n', name.len) ||
		memchr(name.ptr, '\0', name.len))
		lua_state_fail(
			L, "%s: name: expected one line of 1 to %d bytes", call, HANDLER_NAME_MAX);
	char *key = xasprintf("=%.*s", STR_ARG(name));
	int line = line_of_key(plugin, key);
	free(key);
	if (line)
		lua_state_fail(L,
			"%s: the name \"%.*s\" is taken by the handler of line %d; give this one another",
			call, STR_ARG(name), line);
	return name;
}

/* True when the function at the index could see a second argument. */
static bool
takes_two(lua_State *L, int index)
{
	lua_Debug about;
	if (lua_type(L, index) != LUA_TFUNCTION)
		return !lua_isnoneornil(L, index);
	lua_pushvalue(L, index);
	lua_getinfo(L, ">u", &about);
	return about.isvararg || about.nparams > 1;
}

/* handler(kinds, host_event | nil, rule | nil, call, name | nil, function | true, function | nil) -> id. `kinds` is a list of
 * names, "*" for all; the functions get the subject and the event; true: whatever gets them looks at both. */
static int
core_handler(lua_State *L)
{
	const char *call = luaL_checkstring(L, 4);
	struct plugin *plugin = check_loading(L, call);
	struct plugin_handler handler = {
		.line = current_line(L),
		.reads_event = takes_two(L, 6) || takes_two(L, 7),
	};
	struct str handler_name = check_handler_name(L, plugin, call);
	struct str unknown = STR_NONE, host_event = STR_NONE;
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
	for (lua_Integer i = 1; i <= count; i++) {
		lua_rawgeti(L, 1, i);
		struct str name = lua_check_str(L, -1); /* the table keeps it */
		lua_pop(L, 1);
		bool all = str_eq_text(name, "*");
		enum event_kind kind = event_kind_from_name(name);
		if (!all && kind == EVENT_UNKNOWN)
			unknown = name;
		for (int k = 0; k < EVENT_KIND_COUNT; k++)
			handler.kinds[k] = handler.kinds[k] || all || k == (int)kind;
	}
	if (!lua_isnil(L, 2))
		host_event = lua_check_str(L, 2);
	if (plugin->handler_count == PLUGIN_HANDLERS_MAX)
		return lua_state_fail(L, "%s: more than %d handlers", call, PLUGIN_HANDLERS_MAX);
	if (!lua_isnil(L, 3))
		handler.rule = compile_rule(L, plugin, lua_check_str(L, 3), call);
	handler.name = str_dup(unknown);
	handler.host_event = str_dup(host_event);
	handler.key = handler_name.ptr ? xasprintf("=%.*s", STR_ARG(handler_name))
				       : derive_key(L, plugin, call);
	plugin->handlers = xreallocarray(
		plugin->handlers, plugin->handler_count + 1, sizeof(*plugin->handlers));
	plugin->handlers[plugin->handler_count++] = handler;
	if (handler.rule) /* for as long as the state lives */
		lua_state_charge(L, (ptrdiff_t)rule_memory(handler.rule));
	lua_pushinteger(L, plugin->handler_count);
	return 1;
}

/* hand_over(call): the plugin has called tusk.on_save or tusk.on_restore */
static int
core_hand_over(lua_State *L)
{
	check_loading(L, luaL_checkstring(L, 1))->hands_over = true;
	return 0;
}

/* kinds() -> list of the event names on the wire */
static int
core_kinds(lua_State *L)
{
	lua_createtable(L, EVENT_UNKNOWN, 0);
	for (int kind = 0; kind < EVENT_UNKNOWN; kind++) {
		lua_pushstring(L, event_kind_info((enum event_kind)kind)->name);
		lua_rawseti(L, -2, kind + 1);
	}
	return 1;
}

/* views() -> list of the views that a pattern may name */
static int
core_views(lua_State *L)
{
	size_t count;
	const char *const *names = view_names(&count);
	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_pushstring(L, names[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* permission(text) -> true | false, nearest known name | nil, list of the known ones */
static int
core_permission(lua_State *L)
{
	struct str text = lua_check_str(L, 1);
	const struct permission *row = permission_find(text);
	lua_pushboolean(L, row != NULL);
	if (row)
		return 1;
	lua_pushstring(L, permission_suggest(text));
	size_t count;
	const struct permission *table = permission_table(&count);
	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_pushfstring(L, "%s%s", table[i].name, table[i].has_host ? "HOST" : "");
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 3;
}

/* may(permission) -> boolean */
static int
core_may(lua_State *L)
{
	lua_pushboolean(L, plugin_may(plugin_of(L), luaL_checkstring(L, 1)));
	return 1;
}

/* require(call, permission): raises when the instance has it not */
static int
core_require(lua_State *L)
{
	grants_require(L, luaL_checkstring(L, 1), luaL_checkstring(L, 2));
	return 0;
}

/* account() -> the account's name | nil, the instance's name */
static int
core_instance(lua_State *L)
{
	struct plugin *plugin = plugin_of(L);
	lua_pushstring(L, plugin->account);
	lua_pushstring(L, plugin->name);
	return 2;
}

static const luaL_Reg functions[] = {
	{"about", core_about},
	{"hand_over", core_hand_over},
	{"handler", core_handler},
	{"instance", core_instance},
	{"kinds", core_kinds},
	{"may", core_may},
	{"options", core_options},
	{"permission", core_permission},
	{"require", core_require},
	{"secret", core_secret},
	{"stream", core_stream},
	{"views", core_views},
	{NULL, NULL},
};

int
lua_core_open(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
