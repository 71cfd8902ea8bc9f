/* SPDX-License-Identifier: MIT */
/* Events as Lua tables: empty at first, with a hidden node that knows the JSON value behind them. */
#include "lua_event.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_entity.h"
#include "lua_json.h"
#include "plugin_internal.h"

#define DOCUMENT_TYPE "moontusk.document"
#define SHORT_TEXT    40 /* longer ones are kept once read */
#define EVENT_STREAMS 2

enum { KEPT_HERE = 2 }; /* members of one table that are kept without a table for them */

/* User values of a node. */
enum {
	VALUE_HOLDER = 1, /* of a holder: the document that it has read again, or nil */
	VALUE_KEPT,       /* the first members that were read and are kept ... */
	VALUE_MORE = VALUE_KEPT + KEPT_HERE, /* ... and a table of further ones, by place */
	VALUES = VALUE_MORE,
};

/* The hidden node of a table that is not filled yet. What was read is kept here and not set in the table itself: an
 * assignment must reach __newindex. */
struct node {
	uint64_t at; /* place of its value in the document */
	enum entity entity;
	bool is_holder;
	bool has_tables;          /* members that the plugin may have changed */
	uint64_t kept[KEPT_HERE]; /* places of the members in the user values; 0: none */
};

/* What the tables of one event share; the node of its subject. As long as the task runs, the document is the task's, which
 * may have it on loan. Most handlers keep nothing, so nothing is copied or freed at their end: whoever kept a table and looks
 * into it later has the payload parsed again, which gives the same places. */
struct holder {
	struct node node; /* first */
	uint64_t task;
	struct str matched; /* what matched, JSON */
	struct event
		*event; /* a copy, without document; it and the texts stand behind this struct */
};

/* A document that was read again. */
struct document {
	struct json_doc *doc;
	size_t charged; /* to the instance's memory: it is there as long as one of the event's tables */
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

static int
document_gc(lua_State *L)
{
	struct document *document = lua_touserdata(L, 1);
	json_doc_destroy(document->doc);
	document->doc = NULL;
	lua_state_charge(L, -(ptrdiff_t)document->charged);
	document->charged = 0;
	return 0;
}

/* The task has ended: the document of an event of which the plugin kept a table. */
static const struct json_doc *
read_again(lua_State *L, int holder_index)
{
	const struct holder *holder = lua_touserdata(L, holder_index);
	struct json_error error = {0};
	luaL_checkstack(L, 4, "too deep");
	lua_getiuservalue(L, holder_index, VALUE_HOLDER);
	struct document *document = lua_touserdata(L, -1);
	lua_pop(L, 1);
	if (document && document->doc)
		return document->doc;
	document = lua_newuserdatauv(L, sizeof(*document), 0);
	*document = (struct document){0};
	luaL_setmetatable(L, DOCUMENT_TYPE); /* from here on __gc owns the document */
	lua_pushvalue(L, -1);
	lua_setiuservalue(L, holder_index, VALUE_HOLDER);
	struct str payload = holder->event->payload;
	lua_state_room(L, payload.len);
	if (json_parse(plugin_of(L)->parser, payload, &document->doc, &error) != ERR_OK)
		luaL_error(L, "the event cannot be read again: %s", error.message);
	size_t size = payload.len + json_doc_memory(document->doc);
	lua_state_charge(L, (ptrdiff_t)size);
	document->charged = size;
	lua_pop(L, 1);
	return document->doc;
}

/* Good until the next parse of any kind, or as long as the holder: for use at once. */
static const struct json_doc *
document_of(lua_State *L, const struct holder *holder, int holder_index)
{
	const struct plugin_task *task = plugin_find_task(plugin_of(L), holder->task);
	if (task && task->delivery.event && task->delivery.event->doc)
		return task->delivery.event->doc;
	return read_again(L, holder_index);
}

static struct json_value
value_of(lua_State *L, const struct node *node, int holder_index)
{
	const struct holder *holder =
		node->is_holder ? (const struct holder *)node : lua_touserdata(L, holder_index);
	return (struct json_value){document_of(L, holder, holder_index), node->at};
}

/* Pushes the holder of the node at the index. */
static void
push_holder(lua_State *L, int node_index)
{
	const struct node *node = lua_touserdata(L, node_index);
	if (node->is_holder)
		lua_pushvalue(L, node_index);
	else
		lua_getiuservalue(L, node_index, VALUE_HOLDER);
}

/* The node is on top: pops it, pushes an empty table that has it. */
static void
make_table(lua_State *L)
{
	lua_createtable(L, 0, 1);
	lua_insert(L, -2);
	lua_rawsetp(L, -2, &node_key);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &empty_key);
	lua_setmetatable(L, -2);
}

/* Pushes an empty table for the value at that place; the holder is at `holder`. */
static void
push_node(lua_State *L, int holder, uint64_t at, enum entity entity)
{
	holder = lua_absindex(L, holder);
	struct node *node = lua_newuserdatauv(L, sizeof(*node), VALUES);
	*node = (struct node){.at = at, .entity = entity};
	lua_pushvalue(L, holder);
	lua_setiuservalue(L, -2, VALUE_HOLDER);
	make_table(L);
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
	if (json_get_int(value, &number) && is_id_key(key)) {
		lua_pushfstring(L, "%I", (LUAI_UACINT)number); /* ids are texts everywhere */
		return;
	}
	if (!lua_json_push_scalar(L, value))
		push_node(L, holder, value.at, entity_of_member(node->entity, key, value));
}

/* The member at that place when it was kept: pushes it. The node is at `node_index`. */
static bool
push_kept(lua_State *L, const struct node *node, int node_index, uint64_t place)
{
	for (int i = 0; i < KEPT_HERE; i++) {
		if (node->kept[i] == place) {
			lua_getiuservalue(L, node_index, VALUE_KEPT + i);
			return true;
		}
	}
	if (!node->kept[KEPT_HERE - 1])
		return false;
	if (lua_getiuservalue(L, node_index, VALUE_MORE) == LUA_TTABLE) {
		if (lua_rawgeti(L, -1, (lua_Integer)place) != LUA_TNIL) {
			lua_remove(L, -2);
			return true;
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return false;
}

/* Keeps the value on top as what is at that place, and leaves it on top. */
static void
keep(lua_State *L, struct node *node, int node_index, uint64_t place)
{
	for (int i = 0; i < KEPT_HERE; i++) {
		if (!node->kept[i]) {
			lua_pushvalue(L, -1);
			lua_setiuservalue(L, node_index, VALUE_KEPT + i);
			node->kept[i] = place;
			return;
		}
	}
	if (lua_getiuservalue(L, node_index, VALUE_MORE) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 2);
		lua_pushvalue(L, -1);
		lua_setiuservalue(L, node_index, VALUE_MORE);
	}
	lua_pushvalue(L, -2); /* value kept value */
	lua_rawseti(L, -2, (lua_Integer)place);
	lua_pop(L, 1);
}

/* What matched: { rule, view, captures, span }; captures that took no part are false. */
static void
push_match(lua_State *L, int holder)
{
	struct json_error error;
	struct str text = ((const struct holder *)lua_touserdata(L, holder))->matched;
	int top = lua_gettop(L);
	if (!text.len || !lua_json_decode(L, plugin_of(L)->parser, text, true, &error) ||
		!lua_istable(L, -1)) {
		lua_settop(L, top);
		lua_newtable(L);
		return;
	}
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

/* False, and nothing pushed, when it cannot be read. */
static bool
push_streams(lua_State *L, struct str text)
{
	struct json_error error;
	if (!lua_json_decode(L, plugin_of(L)->parser, text, true, &error))
		return false;
	if (lua_istable(L, -1))
		return true;
	lua_pop(L, 1);
	return false;
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
		if (event->streams.len > 0 && push_streams(L, event->streams))
			return;
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
	if (!entity_has_methods(entity)) {
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
		if (!push_kept(L, node, node_index, value.at))
			push_member(L, node_index + 1, node, key, value);
		lua_pushvalue(L, key_index);
		lua_insert(L, -2); /* .. nil key value */
		lua_rawset(L, table);
	}
	lua_settop(L, key_index - 1);
}

static void
fill_members(lua_State *L, int table, int node_index, struct json_value value)
{
	struct json_iter iter = json_iter(value);
	bool is_array = json_type(value) == JSON_ARRAY;
	for (lua_Integer i = 1; json_next(&iter); i++) {
		lua_state_check(L);
		if (is_array)
			lua_pushinteger(L, i);
		else
			lua_pushlstring(L, iter.key.ptr, iter.key.len);
		fill_member(L, table, node_index, is_array ? STR("") : iter.key, iter.value);
	}
}

/* Fields of the event are kept under their numbers. */
static uint64_t
field_place(const char *key)
{
	for (size_t i = 0; i < COUNT_OF(event_fields); i++) {
		if (strcmp(key, event_fields[i]) == 0)
			return i + 1;
	}
	return 0;
}

static void
fill_event(lua_State *L, int table, int node_index)
{
	const struct node *node = lua_touserdata(L, node_index);
	for (size_t i = 0; i < COUNT_OF(event_fields); i++) {
		lua_pushstring(L, event_fields[i]);
		if (!push_kept(L, node, node_index, i + 1))
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
	push_holder(L, node_index); /* node holder */
	enum entity entity = node->entity;
	bool is_empty_array = false;
	if (entity == ENTITY_EVENT) {
		fill_event(L, table, node_index);
	} else {
		struct json_value value = value_of(L, node, node_index + 1);
		fill_members(L, table, node_index, value);
		is_empty_array = json_type(value) == JSON_ARRAY && json_count(value) == 0;
	}
	/* Last: when memory runs out on the way, the next try goes on where this one stopped. */
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
	luaL_checkstack(L, 4, "too deep");
	lua_rawgetp(L, index, &node_key);
	push_holder(L, -1);
	*value = value_of(L, node, lua_gettop(L));
	lua_pop(L, 2);
	return true;
}

/* Pushes the member `key` of `object`, or the field of the event, of the node at 3, whose holder is at `holder`: nil when there
 * is none. Returns its type. */
static int
push_read(lua_State *L, struct node *node, int holder, struct json_value object, struct str key)
{
	bool is_event = node->entity == ENTITY_EVENT;
	struct json_value value = {0};
	uint64_t place;
	if (is_event) {
		place = field_place(key.ptr);
	} else {
		value = json_get_str(object, key);
		place = json_exists(value) ? value.at : 0;
	}
	if (place && push_kept(L, node, 3, place))
		return LUA_TTABLE; /* or a text: nil is never kept */
	if (!place)
		lua_pushnil(L);
	else if (is_event)
		push_event_field(L, holder, key.ptr);
	else
		push_member(L, holder, node, key, value);
	int type = lua_type(L, -1);
	if (type == LUA_TTABLE || (type == LUA_TSTRING && lua_rawlen(L, -1) > SHORT_TEXT))
		keep(L, node, 3, place);
	node->has_tables = node->has_tables || type == LUA_TTABLE;
	return type;
}

/* entity[key] -> value, of a table that is not filled */
static int
empty_index(lua_State *L)
{
	if (lua_gettop(L) != 2)
		lua_settop(L, 2);
	if (lua_type(L, 1) != LUA_TTABLE)
		return 0;
	lua_rawgetp(L, 1, &node_key);
	struct node *node = lua_touserdata(L, 3);
	if (!node)
		return 0;
	int holder = 3; /* entity key node [holder] */
	if (!node->is_holder) {
		lua_getiuservalue(L, 3, VALUE_HOLDER);
		holder = 4;
	}
	struct json_value object = {0};
	if (node->entity != ENTITY_EVENT)
		object = value_of(L, node, holder);
	if (json_type(object) == JSON_ARRAY) {
		lua_event_fill(L, 1);
		lua_pushvalue(L, 2);
		lua_rawget(L, 1);
		return 1;
	}
	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	struct str key;
	key.ptr = lua_tolstring(L, 2, &key.len);
	if (push_read(L, node, holder, object, key) == LUA_TNIL)
		(void)entity_push_method(L, node->entity, key.ptr); /* above the nil */
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
	return lua_type(L, 2) == LUA_TSTRING && entity_push_method(L, entity, lua_tostring(L, 2))
		       ? 1
		       : 0;
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
		if (!entity_has_methods((enum entity)entity))
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
	if (luaL_newmetatable(L, DOCUMENT_TYPE)) {
		lua_pushcfunction(L, document_gc);
		lua_setfield(L, -2, "__gc");
	}
	lua_pop(L, 1);
}

/* Pushes a holder with a copy of the event. */
static void
push_new_holder(lua_State *L, const struct event *event, struct str matched, uint64_t task)
{
	struct holder *holder = lua_newuserdatauv(
		L, sizeof(*holder) + event_copy_size(event) + matched.len, VALUES);
	*holder = (struct holder){
		.node.at = json_root(event->doc).at,
		.node.entity = entity_of_payload(event_kind_info(event->kind)->payload),
		.node.is_holder = true,
		.task = task,
	};
	holder->event = event_copy(event, holder + 1);
	char *text = (char *)(holder + 1) + event_copy_size(event);
	if (matched.len)
		memcpy(text, matched.ptr, matched.len);
	holder->matched = (struct str){text, matched.len};
}

void
lua_event_push(lua_State *L, const struct plugin_task *task, struct str matched, bool whole)
{
	const struct event *event = task->delivery.event;
	enum event_payload payload = event_kind_info(event->kind)->payload;
	push_new_holder(L, event, matched, task->id);
	int holder = lua_gettop(L);
	if (event->doc) {
		lua_pushvalue(L, holder);
		make_table(L);
	} else if (payload == PAYLOAD_ID) {
		push_text(L, event->id);
	} else if (payload == PAYLOAD_OTHER) {
		push_text(L, event->payload);
	} else {
		lua_pushnil(L);
	}
	if (whole)
		push_node(L, holder, 0, ENTITY_EVENT);
	else
		lua_pushnil(L);
	lua_remove(L, holder);
}
