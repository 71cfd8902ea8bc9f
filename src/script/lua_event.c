/* SPDX-License-Identifier: MIT */
/* Events as Lua tables: empty at first, with a hidden node that knows the JSON value behind them. */
#include "lua_event.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_json.h"
#include "plugin_internal.h"

#define HOLDER_TYPE   "moontusk.event"
#define SHORT_TEXT    40 /* longer ones are kept once read */
#define EVENT_STREAMS 2

enum entity {
	ENTITY_PLAIN, /* media, lists: tables without methods */
	ENTITY_STATUS,
	ENTITY_NOTIFICATION,
	ENTITY_CONVERSATION,
	ENTITY_ANNOUNCEMENT,
	ENTITY_QUOTE,
	ENTITY_ACCOUNT,
	ENTITY_REPORT, /* of a notification for moderators */
	ENTITY_EVENT,  /* the event itself: its fields come from the struct */
	ENTITY_COUNT,
};

/* Methods come from these modules; none may be the name of a field of that entity (a test looks). */
struct methods {
	const char *module;
	const char *const *names;
};
static const char *const status_methods[] = {"archive", "bookmark", "boost", "favourite", "forward",
	"reply", "report", "unbookmark", "unboost", "unfavourite", NULL};
static const char *const account_methods[] = {
	"block", "follow", "mute", "report", "unblock", "unfollow", "unmute", NULL};
static const char *const other_methods[] = {"archive", "forward", NULL};
static const struct methods methods[ENTITY_COUNT] = {
	[ENTITY_STATUS] = {"moontusk.actions", status_methods},
	[ENTITY_NOTIFICATION] = {"moontusk.actions", other_methods},
	[ENTITY_CONVERSATION] = {"moontusk.actions", other_methods},
	[ENTITY_ANNOUNCEMENT] = {"moontusk.actions", other_methods},
	[ENTITY_ACCOUNT] = {"moontusk.people", account_methods},
	[ENTITY_EVENT] = {"moontusk.actions", other_methods},
};

/* Which member of which entity is an entity itself. */
static const struct member {
	const char *key;
	enum entity parent, child;
} members[] = {
	{"reblog", ENTITY_STATUS, ENTITY_STATUS},
	{"quote", ENTITY_STATUS, ENTITY_QUOTE},
	{"quoted_status", ENTITY_QUOTE, ENTITY_STATUS},
	{"status", ENTITY_NOTIFICATION, ENTITY_STATUS},
	{"last_status", ENTITY_CONVERSATION, ENTITY_STATUS},
	{"account", ENTITY_STATUS, ENTITY_ACCOUNT},
	{"account", ENTITY_NOTIFICATION, ENTITY_ACCOUNT},
	{"report", ENTITY_NOTIFICATION, ENTITY_REPORT},
	{"target_account", ENTITY_REPORT, ENTITY_ACCOUNT},
};

/* Keeps the event alive; user value 1: the text of what matched. */
struct holder {
	struct event *event;
	size_t charged; /* to the instance's memory: the document is there as long as one of its tables */
};

/* The hidden node of a table that is not filled yet. User values: 1 the holder, 2 the members that were read and
 * are kept (they are not set in the table itself: an assignment must reach __newindex). */
struct node {
	struct json_value value;
	enum entity entity;
	bool has_tables; /* members that the plugin may have changed */
};

static const char node_key;   /* in the table: its node */
static const char empty_key;  /* registry: metatable of tables that are not filled */
static const char filled_key; /* registry: list of metatables of filled ones, by entity */
static const char views_key;  /* registry: metatable of tables that stand for others */

static struct node *
node_at(lua_State *L, int index)
{
	if (lua_type(L, index) != LUA_TTABLE)
		return NULL;
	lua_rawgetp(L, index, &node_key);
	struct node *node = lua_touserdata(L, -1); /* only this file can set that key */
	lua_pop(L, 1);
	return node;
}

/* Pushes an empty table for `value`; the holder is at `holder`. */
static void
push_node(lua_State *L, int holder, struct json_value value, enum entity entity)
{
	holder = lua_absindex(L, holder);
	lua_createtable(L, 0, 1);
	struct node *node = lua_newuserdatauv(L, sizeof(*node), 2);
	*node = (struct node){.value = value, .entity = entity};
	lua_pushvalue(L, holder);
	lua_setiuservalue(L, -2, 1);
	lua_rawsetp(L, -2, &node_key);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &empty_key);
	lua_setmetatable(L, -2);
}

static enum entity
member_entity(const struct node *node, struct str key, struct json_value value)
{
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		if (members[i].parent != node->entity || !str_eq_text(key, members[i].key))
			continue;
		/* Before Mastodon 4.5, other servers put the quoted post itself there. */
		if (members[i].child == ENTITY_QUOTE && json_exists(json_get(value, "account")))
			return ENTITY_STATUS;
		return members[i].child;
	}
	return ENTITY_PLAIN;
}

static bool
is_id_key(struct str key)
{
	return str_eq_text(key, "id") || str_ends(key, "_id");
}

/* Pushes the member `value` of `node`, whose holder is at `holder`; `key` is empty in lists. */
static void
push_member(
	lua_State *L, int holder, const struct node *node, struct str key, struct json_value value)
{
	int64_t number;
	if (is_id_key(key) && json_get_int(value, &number)) {
		lua_pushfstring(L, "%I", (LUAI_UACINT)number); /* ids are texts everywhere */
		return;
	}
	if (!lua_json_push_scalar(L, value))
		push_node(L, holder, value, member_entity(node, key, value));
}

/* table.key when it was kept: pushes it. The node is at `node_index`. */
static bool
push_kept(lua_State *L, int node_index, int key_index)
{
	if (lua_getiuservalue(L, node_index, 2) == LUA_TTABLE) {
		lua_pushvalue(L, key_index);
		if (lua_rawget(L, -2) != LUA_TNIL) {
			lua_remove(L, -2);
			return true;
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return false;
}

/* Keeps the value on top under the key, and leaves it on top. */
static void
keep(lua_State *L, int node_index, int key_index)
{
	if (lua_getiuservalue(L, node_index, 2) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 2);
		lua_pushvalue(L, -1);
		lua_setiuservalue(L, node_index, 2);
	}
	lua_pushvalue(L, key_index);
	lua_pushvalue(L, -3); /* value kept key value */
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

static bool
push_method(lua_State *L, enum entity entity, const char *key)
{
	for (const char *const *name = methods[entity].names; name && *name; name++) {
		if (strcmp(*name, key) == 0) {
			lua_state_require(L, methods[entity].module);
			lua_getfield(L, -1, key);
			lua_remove(L, -2);
			return true;
		}
	}
	return false;
}

/* What matched: { rule, view, captures, span }; captures that took no part are false. */
static void
push_match(lua_State *L, int holder)
{
	struct json_error error;
	struct str text;
	lua_getiuservalue(L, holder, 1);
	text.ptr = lua_tolstring(L, -1, &text.len);
	if (!text.ptr || !text.len ||
		!lua_json_decode(L, plugin_of(L)->parser, text, true, &error) ||
		!lua_istable(L, -1)) {
		lua_newtable(L);
		lua_remove(L, -2);
		return;
	}
	lua_remove(L, -2);
	if (lua_getfield(L, -1, "captures") == LUA_TTABLE) {
		lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
		for (lua_Integer i = 1; i <= count; i++) {
			if (lua_rawgeti(L, -1, i) == LUA_TLIGHTUSERDATA) {
				lua_pushboolean(L, 0);
				lua_rawseti(L, -3, i);
			}
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
}

static void
push_text(lua_State *L, struct str text)
{
	if (text.ptr)
		lua_pushlstring(L, text.ptr, text.len);
	else
		lua_pushnil(L);
}

static const char *const event_fields[] = {
	"kind", "streams", "account", "origin", "received_at", "time", "raw", "match"};

/* Pushes the field of the event, nil when it has none of that name. */
static void
push_event_field(lua_State *L, int holder, const char *key)
{
	const struct holder *owner = lua_touserdata(L, holder);
	const struct event *event = owner->event;
	if (strcmp(key, "kind") == 0) {
		push_text(L, event->name);
	} else if (strcmp(key, "account") == 0) {
		push_text(L, event->account);
	} else if (strcmp(key, "origin") == 0) {
		lua_pushstring(L, event_origin_name(event->origin));
	} else if (strcmp(key, "received_at") == 0 || strcmp(key, "time") == 0) {
		lua_pushnumber(L, (lua_Number)event->received_at_ms / 1000.0);
	} else if (strcmp(key, "raw") == 0) {
		push_text(L, event->payload);
	} else if (strcmp(key, "match") == 0) {
		push_match(L, holder);
	} else if (strcmp(key, "streams") == 0) {
		lua_newtable(L);
		if (event->stream.ptr) {
			lua_createtable(L, EVENT_STREAMS, 0);
			push_text(L, event->stream);
			lua_rawseti(L, -2, 1);
			push_text(L, event->param);
			lua_rawseti(L, -2, 2);
			lua_rawseti(L, -2, 1);
		}
	} else {
		lua_pushnil(L);
	}
}

static void
set_filled_metatable(lua_State *L, int table, enum entity entity)
{
	if (!methods[entity].names) {
		lua_pushnil(L);
	} else {
		lua_rawgetp(L, LUA_REGISTRYINDEX, &filled_key);
		lua_rawgeti(L, -1, (lua_Integer)entity);
		lua_remove(L, -2);
	}
	lua_setmetatable(L, table);
}

/* table[key on top] = the kept value or else what `value` says, unless it is set. Pops the key. */
static void
fill_member(lua_State *L, int table, int node_index, struct str key, struct json_value value)
{
	const struct node *node = lua_touserdata(L, node_index);
	int key_index = lua_gettop(L);
	lua_pushvalue(L, key_index);
	if (lua_rawget(L, table) == LUA_TNIL) {
		if (!push_kept(L, node_index, key_index))
			push_member(L, node_index + 1, node, key, value);
		lua_pushvalue(L, key_index);
		lua_insert(L, -2); /* .. nil key value */
		lua_rawset(L, table);
	}
	lua_settop(L, key_index - 1);
}

static void
fill_members(lua_State *L, int table, int node_index)
{
	const struct node *node = lua_touserdata(L, node_index);
	struct json_iter iter = json_iter(node->value);
	bool is_array = json_type(node->value) == JSON_ARRAY;
	for (lua_Integer i = 1; json_next(&iter); i++) {
		lua_state_check(L);
		if (is_array)
			lua_pushinteger(L, i);
		else
			lua_pushlstring(L, iter.key.ptr, iter.key.len);
		fill_member(L, table, node_index, is_array ? STR("") : iter.key, iter.value);
	}
}

static void
fill_event(lua_State *L, int table, int node_index)
{
	for (size_t i = 0; i < COUNT_OF(event_fields); i++) {
		int top = lua_gettop(L);
		lua_pushstring(L, event_fields[i]);
		if (!push_kept(L, node_index, top + 1))
			push_event_field(L, node_index + 1, event_fields[i]);
		lua_rawset(L, table);
	}
}

void
lua_event_fill(lua_State *L, int index)
{
	const struct node *node = node_at(L, index);
	if (!node)
		return;
	luaL_checkstack(L, 12, "too deep");
	int table = lua_absindex(L, index);
	lua_rawgetp(L, table, &node_key);
	int node_index = lua_gettop(L);
	lua_getiuservalue(L, node_index, 1); /* node holder */
	if (node->entity == ENTITY_EVENT)
		fill_event(L, table, node_index);
	else
		fill_members(L, table, node_index);
	/* Last: when memory runs out on the way, the next try goes on where this one stopped. */
	enum entity entity = node->entity;
	bool is_empty_array = json_type(node->value) == JSON_ARRAY && json_count(node->value) == 0;
	lua_pushnil(L);
	lua_rawsetp(L, table, &node_key);
	if (is_empty_array) {
		lua_pushvalue(L, table);
		lua_json_mark_array(L);
	} else {
		set_filled_metatable(L, table, entity);
	}
	lua_settop(L, node_index - 1);
}

bool
lua_event_value(lua_State *L, int index, struct json_value *value)
{
	const struct node *node = node_at(L, index);
	if (!node || node->entity == ENTITY_EVENT || node->has_tables)
		return false;
	*value = node->value;
	return true;
}

/* entity[key] -> value, of a table that is not filled */
static int
empty_index(lua_State *L)
{
	struct node *node = node_at(L, 1);
	lua_settop(L, 2);
	if (!node)
		return 0;
	if (json_type(node->value) == JSON_ARRAY) {
		lua_event_fill(L, 1);
		lua_pushvalue(L, 2);
		lua_rawget(L, 1);
		return 1;
	}
	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	lua_rawgetp(L, 1, &node_key);
	if (push_kept(L, 3, 2))
		return 1;
	struct str key;
	key.ptr = lua_tolstring(L, 2, &key.len);
	lua_getiuservalue(L, 3, 1); /* entity key node holder */
	if (node->entity == ENTITY_EVENT) {
		push_event_field(L, 4, key.ptr);
	} else {
		struct json_value value = json_get_str(node->value, key);
		if (json_exists(value))
			push_member(L, 4, node, key, value);
		else
			lua_pushnil(L);
	}
	bool is_table = lua_istable(L, -1);
	if (lua_isnil(L, -1) && push_method(L, node->entity, key.ptr))
		return 1;
	if (is_table || (lua_type(L, -1) == LUA_TSTRING && lua_rawlen(L, -1) > SHORT_TEXT))
		keep(L, 3, 2);
	node->has_tables = node->has_tables || is_table;
	return 1;
}

/* entity[key] = value, of a table that is not filled */
static int
empty_newindex(lua_State *L)
{
	lua_settop(L, 3);
	lua_event_fill(L, 1);
	lua_rawset(L, 1);
	return 0;
}

/* #entity */
static int
empty_len(lua_State *L)
{
	lua_event_fill(L, 1);
	lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
	return 1;
}

/* pairs(entity) -> next, entity, nil */
static int
empty_pairs(lua_State *L)
{
	lua_event_fill(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

/* entity[key] -> method | nil, of a filled table; the upvalue is the entity's number */
static int
filled_index(lua_State *L)
{
	enum entity entity = (enum entity)lua_tointeger(L, lua_upvalueindex(1));
	return lua_type(L, 2) == LUA_TSTRING && push_method(L, entity, lua_tostring(L, 2)) ? 1 : 0;
}

int
lua_event_views(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &views_key);
	return 0;
}

/* By the metatable itself: a field of a plugin's own could run code amid the work of C, and give no table. */
void
lua_plain_table(lua_State *L, int index)
{
	index = lua_absindex(L, index);
	if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
		return;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &views_key);
	bool is_view = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	if (!is_view || luaL_getmetafield(L, index, "__stored") == LUA_TNIL)
		return;
	lua_pushvalue(L, index);
	lua_call(L, 1, 1);
	luaL_checktype(L, -1, LUA_TTABLE);
	lua_replace(L, index);
}

/* next, rawget, rawset, rawlen: fills the table first; the upvalue is Lua's own function. */
static int
filling(lua_State *L)
{
	lua_plain_table(L, 1);
	lua_event_fill(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

static int
holder_gc(lua_State *L)
{
	struct holder *holder = luaL_checkudata(L, 1, HOLDER_TYPE);
	event_unref(holder->event);
	holder->event = NULL;
	lua_state_charge(L, -(ptrdiff_t)holder->charged);
	holder->charged = 0;
	return 0;
}

void
lua_event_globals(lua_State *L)
{
	static const char *const names[] = {"next", "rawget", "rawset", "rawlen"};
	static const luaL_Reg empty[] = {{"__index", empty_index}, {"__newindex", empty_newindex},
		{"__len", empty_len}, {NULL, NULL}};
	lua_newtable(L);
	luaL_setfuncs(L, empty, 0);
	lua_getglobal(L, "next"); /* Lua's own: the table is filled by then */
	lua_pushcclosure(L, empty_pairs, 1);
	lua_setfield(L, -2, "__pairs");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &empty_key);
	lua_newtable(L);
	for (int entity = 0; entity < ENTITY_COUNT; entity++) {
		if (!methods[entity].names)
			continue;
		lua_createtable(L, 0, 2);
		lua_pushinteger(L, entity);
		lua_pushcclosure(L, filled_index, 1);
		lua_setfield(L, -2, "__index");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
		lua_rawseti(L, -2, entity);
	}
	lua_rawsetp(L, LUA_REGISTRYINDEX, &filled_key);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		lua_getglobal(L, names[i]);
		lua_pushcclosure(L, filling, 1);
		lua_setglobal(L, names[i]);
	}
	if (luaL_newmetatable(L, HOLDER_TYPE)) {
		lua_pushcfunction(L, holder_gc);
		lua_setfield(L, -2, "__gc");
	}
	lua_pop(L, 1);
}

static enum entity
payload_entity(enum event_payload payload)
{
	switch (payload) {
	case PAYLOAD_STATUS:
		return ENTITY_STATUS;
	case PAYLOAD_NOTIFICATION:
		return ENTITY_NOTIFICATION;
	case PAYLOAD_CONVERSATION:
		return ENTITY_CONVERSATION;
	case PAYLOAD_ANNOUNCEMENT:
		return ENTITY_ANNOUNCEMENT;
	case PAYLOAD_NONE:
	case PAYLOAD_ID:
	case PAYLOAD_REACTION:
	case PAYLOAD_OTHER:
		break;
	}
	return ENTITY_PLAIN;
}

void
lua_event_push(lua_State *L, struct event *event, struct str matched)
{
	enum event_payload payload = event_kind_info(event->kind)->payload;
	struct holder *holder = lua_newuserdatauv(L, sizeof(*holder), 1);
	*holder = (struct holder){0};
	luaL_setmetatable(L, HOLDER_TYPE); /* from here on __gc owns the reference */
	size_t size = event_memory(event);
	lua_state_charge(L, (ptrdiff_t)size);
	holder->charged = size;
	holder->event = event_ref(event);
	if (matched.len) {
		lua_pushlstring(L, matched.ptr, matched.len);
		lua_setiuservalue(L, -2, 1);
	}
	if (event->doc)
		push_node(L, -1, json_root(event->doc), payload_entity(payload));
	else if (payload == PAYLOAD_ID)
		push_text(L, event->id);
	else if (payload == PAYLOAD_OTHER)
		push_text(L, event->payload);
	else
		lua_pushnil(L);
	push_node(L, -2, (struct json_value){0}, ENTITY_EVENT); /* holder subject event */
	lua_remove(L, -3);
}
