/* SPDX-License-Identifier: MIT */
/* trusted.relay: the relay in front of the embedded server, for a trusted state that makes connections go wrong. */
#include <lauxlib.h>

#include "relay.h"
#include "trusted_internal.h"

static struct relay *
check_relay(lua_State *L)
{
	struct relay *relay = trusted_of(L)->relay;

	if (!relay)
		luaL_error(L, "relay.listen comes first");
	return relay;
}

static lua_Integer
field_integer(lua_State *L, int index, const char *key, lua_Integer otherwise)
{
	lua_Integer value;

	lua_getfield(L, index, key);
	value = luaL_optinteger(L, -1, otherwise);
	lua_pop(L, 1);
	return value;
}

static bool
field_boolean(lua_State *L, int index, const char *key)
{
	bool value;

	lua_getfield(L, index, key);
	value = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return value;
}

/* listen { host, port, target } -> port | nil, message */
static int
relay_open(lua_State *L)
{
	struct trusted *trusted = trusted_of(L);
	struct relay_config config;
	char error[MESSAGE_MAX];

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argcheck(L, !trusted->relay, 1, "it listens already");
	config.port = (int)field_integer(L, 1, "port", 0);
	config.target_port = (int)field_integer(L, 1, "target", 0);
	lua_getfield(L, 1, "host");
	config.host = luaL_optstring(L, -1, NULL);
	trusted->relay = relay_create(trusted->loop, &config, error);
	if (!trusted->relay) {
		lua_pushnil(L);
		lua_pushstring(L, error);
		return 2;
	}
	lua_pushinteger(L, relay_port(trusted->relay));
	return 1;
}

/* accept(wanted) -> true | false: the port cannot be had back just now; connects are taken or refused */
static int
relay_accept(lua_State *L)
{
	lua_pushboolean(L, relay_listen(check_relay(L), lua_toboolean(L, 1)));
	return 1;
}

/* find(port) -> id | nil: the connection that the server sees coming from that port */
static int
relay_by_port(lua_State *L)
{
	uint64_t id = relay_find(check_relay(L), (int)luaL_checkinteger(L, 1));

	if (id)
		lua_pushinteger(L, (lua_Integer)id);
	else
		lua_pushnil(L);
	return 1;
}

/* spoil(id, { held, cut_after, reset, piece, pause }) -> true | false; id 0: those to come; an empty table heals */
static int
relay_fault(lua_State *L)
{
	struct relay *relay = check_relay(L);
	uint64_t id = (uint64_t)luaL_checkinteger(L, 1);
	struct relay_fault fault;

	luaL_checktype(L, 2, LUA_TTABLE);
	fault.held = field_boolean(L, 2, "held");
	fault.reset = field_boolean(L, 2, "reset");
	fault.cut_after = field_integer(L, 2, "cut_after", -1);
	fault.piece_bytes = (int)field_integer(L, 2, "piece", 0);
	fault.piece_ms = field_integer(L, 2, "pause", 0);
	lua_pushboolean(L, relay_spoil(relay, id, &fault));
	return 1;
}

/* heal(): everything passes again */
static int
relay_all_well(lua_State *L)
{
	relay_heal(check_relay(L));
	return 0;
}

/* cut(spared, reset) -> how many: all connections but that one (0: all) */
static int
relay_break(lua_State *L)
{
	lua_pushinteger(L,
		relay_cut(check_relay(L), (uint64_t)luaL_checkinteger(L, 1), lua_toboolean(L, 2)));
	return 1;
}

static const luaL_Reg relay_functions[] = {
	{"listen", relay_open},
	{"accept", relay_accept},
	{"find", relay_by_port},
	{"spoil", relay_fault},
	{"heal", relay_all_well},
	{"cut", relay_break},
	{NULL, NULL},
};

int
lua_relay_open(lua_State *L)
{
	luaL_newlib(L, relay_functions);
	return 1;
}
