/* SPDX-License-Identifier: MIT */
/* trusted.server: the embedded server for a trusted state. What it has to say goes to functions of the main module. */
#include <string.h>

#include <lauxlib.h>

#include "json_write.h"
#include "trusted_internal.h"

static const char
	upgrade_key; /* registry: keeps what on_upgrade gave until the server has copied it */

struct arrived {
	struct trusted *trusted;
	server_conn conn;
	const char *function;
	const struct server_request *request;
	struct str message;
	bool binary;
	/* what on_upgrade answers */
	int status;
	const char *subprotocol;
	struct http_header headers[TRUSTED_HEADERS_MAX];
	unsigned header_count;
};

static void
set_str(lua_State *L, const char *key, struct str text)
{
	lua_pushlstring(L, text.ptr ? text.ptr : "", text.len);
	lua_setfield(L, -2, key);
}

/* Pushes { method, path, query, headers, body, http10 }. */
static void
push_request(lua_State *L, const struct server_request *request)
{
	lua_createtable(L, 0, 6);
	lua_pushstring(L, request->method);
	lua_setfield(L, -2, "method");
	set_str(L, "path", request->path);
	set_str(L, "query", request->query);
	set_str(L, "body", request->body);
	lua_pushboolean(L, request->http10);
	lua_setfield(L, -2, "http10");
	lua_createtable(L, 0, (int)request->header_count);
	for (unsigned i = request->header_count; i-- > 0;) { /* the first of a name wins */
		lua_pushstring(L, request->headers[i].value);
		lua_setfield(L, -2, request->headers[i].name);
	}
	lua_setfield(L, -2, "headers");
}

/* Reads { "Name", "value", ... } at `index`; the texts stay as long as the table. */
static unsigned
check_headers(lua_State *L, int index, struct http_header *headers)
{
	lua_Integer count;

	if (lua_isnoneornil(L, index))
		return 0;
	luaL_checktype(L, index, LUA_TTABLE);
	count = (lua_Integer)lua_rawlen(L, index);
	luaL_argcheck(L, count % 2 == 0 && count / 2 <= TRUSTED_HEADERS_MAX, index,
		"names and values in turn");
	for (lua_Integer i = 0; i < count; i++) {
		lua_rawgeti(L, index, i + 1);
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_argerror(L, index, "a header's name and value are texts");
		const char *text = lua_tostring(L, -1);
		luaL_argcheck(L, !strpbrk(text, "\r\n"), index, "a header is one line");
		if (i % 2 == 0)
			headers[i / 2].name = text;
		else
			headers[i / 2].value = text;
		lua_pop(L, 1);
	}
	return (unsigned)(count / 2);
}

static void
request_body(lua_State *L, void *data)
{
	struct arrived *arrived = data;

	trusted_push_function(L, "on_request");
	lua_pushinteger(L, (lua_Integer)arrived->conn);
	push_request(L, arrived->request);
	lua_call(L, 2, 0);
}

static void
on_request(void *data, server_conn conn, const struct server_request *request)
{
	struct trusted *trusted = data;
	struct arrived arrived = {.trusted = trusted, .conn = conn, .request = request};

	if (!trusted_enter(trusted, request_body, &arrived, "request"))
		server_respond(trusted->server, conn, 500, NULL, 0, STR(""), false);
}

/* on_upgrade(conn, request) -> 0, subprotocol | nil, headers; or status, nil, headers */
static void
upgrade_body(lua_State *L, void *data)
{
	struct arrived *arrived = data;

	trusted_push_function(L, "on_upgrade");
	lua_pushinteger(L, (lua_Integer)arrived->conn);
	push_request(L, arrived->request);
	lua_call(L, 2, 3);
	arrived->status = (int)luaL_checkinteger(L, -3);
	arrived->subprotocol = luaL_optstring(L, -2, NULL);
	arrived->header_count = check_headers(L, lua_gettop(L), arrived->headers);
	lua_createtable(L, 2, 0);
	lua_insert(L, -3); /* status kept subprotocol headers */
	lua_rawseti(L, -3, 1);
	lua_rawseti(L, -2, 2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &upgrade_key);
	lua_pop(L, 1);
}

static int
on_upgrade(void *data, server_conn conn, const struct server_request *request,
	const char **subprotocol, const struct http_header **refusal, unsigned *refusal_count)
{
	struct trusted *trusted = data;
	struct arrived arrived = {.trusted = trusted, .conn = conn, .request = request};

	if (!trusted_enter(trusted, upgrade_body, &arrived, "upgrade"))
		return 500;
	memcpy(trusted->upgrade_headers, arrived.headers, sizeof(arrived.headers));
	*subprotocol = arrived.subprotocol;
	*refusal = trusted->upgrade_headers;
	*refusal_count = arrived.header_count;
	return arrived.status;
}

static void
conn_body(lua_State *L, void *data)
{
	struct arrived *arrived = data;
	int count = 1;

	trusted_push_function(L, arrived->function);
	lua_pushinteger(L, (lua_Integer)arrived->conn);
	if (arrived->message.ptr) {
		lua_pushlstring(L, arrived->message.ptr, arrived->message.len);
		lua_pushboolean(L, arrived->binary);
		count = 3;
	}
	lua_call(L, count, 0);
}

static void
tell(struct trusted *trusted, const char *function, server_conn conn)
{
	struct arrived arrived = {.conn = conn, .function = function};

	(void)trusted_enter(trusted, conn_body, &arrived, function);
}

static void
on_ws_open(void *data, server_conn conn)
{
	tell(data, "on_ws_open", conn);
}

static void
on_ws_message(void *data, server_conn conn, struct str message, bool binary)
{
	struct arrived arrived = {
		.conn = conn, .function = "on_ws_message", .message = message, .binary = binary};

	if (!message.ptr)
		arrived.message = STR("");
	(void)trusted_enter(data, conn_body, &arrived, "message");
}

static void
on_ws_pong(void *data, server_conn conn)
{
	tell(data, "on_ws_pong", conn);
}

static void
on_end(void *data, server_conn conn)
{
	tell(data, "on_end", conn);
}

static const struct server_events events = {
	on_request,
	on_upgrade,
	on_ws_open,
	on_ws_message,
	on_ws_pong,
	on_end,
};

static const char *
field_text(lua_State *L, const char *key)
{
	const char *text;

	lua_getfield(L, 1, key);
	text = luaL_optstring(L, -1, NULL);
	lua_pop(L, 1); /* the table keeps it */
	return text;
}

/* listen { host, port, cert, key } -> port | nil, message */
static int
server_listen(lua_State *L)
{
	struct trusted *trusted = trusted_of(L);
	struct server_config config;
	char error[MESSAGE_MAX];

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argcheck(L, !trusted->server, 1, "it listens already");
	lua_getfield(L, 1, "port");
	config.port = (int)luaL_optinteger(L, -1, 0);
	config.host = field_text(L, "host");
	config.cert_file = field_text(L, "cert");
	config.key_file = field_text(L, "key");
	trusted->server =
		server_create(trusted->loop, trusted->log, &config, &events, trusted, error);
	if (!trusted->server) {
		lua_pushnil(L);
		lua_pushstring(L, error);
		return 2;
	}
	lua_pushinteger(L, server_port(trusted->server));
	return 1;
}

static struct server *
check_server(lua_State *L)
{
	struct server *server = trusted_of(L)->server;

	if (!server)
		luaL_error(L, "server.listen comes first");
	return server;
}

static server_conn
check_conn(lua_State *L)
{
	return (server_conn)luaL_checkinteger(L, 1);
}

static struct str
opt_str(lua_State *L, int index)
{
	struct str text;

	text.ptr = luaL_optlstring(L, index, "", &text.len);
	return text;
}

/* respond(conn, status, headers, body, chunked) -> true | false: the connection is gone */
static int
lua_server_respond(lua_State *L)
{
	struct http_header headers[TRUSTED_HEADERS_MAX];
	unsigned count = check_headers(L, 3, headers);

	lua_pushboolean(
		L, server_respond(check_server(L), check_conn(L), (int)luaL_checkinteger(L, 2),
			   headers, count, opt_str(L, 4), lua_toboolean(L, 5)));
	return 1;
}

/* begin(conn, status, headers) -> true | false */
static int
lua_server_begin(lua_State *L)
{
	struct http_header headers[TRUSTED_HEADERS_MAX];
	unsigned count = check_headers(L, 3, headers);

	lua_pushboolean(L, server_begin(check_server(L), check_conn(L),
				   (int)luaL_checkinteger(L, 2), headers, count));
	return 1;
}

/* write(conn, bytes) -> true | false: one chunk */
static int
lua_server_write(lua_State *L)
{
	lua_pushboolean(L, server_write(check_server(L), check_conn(L), opt_str(L, 2)));
	return 1;
}

/* finish(conn) -> true | false: the last chunk */
static int
lua_server_finish(lua_State *L)
{
	lua_pushboolean(L, server_finish(check_server(L), check_conn(L)));
	return 1;
}

/* ws_send(conn, text) -> true | false */
static int
lua_server_ws_send(lua_State *L)
{
	lua_pushboolean(L, server_ws_send(check_server(L), check_conn(L), opt_str(L, 2)));
	return 1;
}

/* event(conn, name, payload | nil) -> true | false: one event of an event stream, as the two chunks it is sent in */
static int
lua_server_event(lua_State *L)
{
	struct server *server = check_server(L);
	server_conn conn = check_conn(L);
	struct buf *scratch = &trusted_of(L)->scratch;
	struct str name = opt_str(L, 2), payload = {"undefined", 9};

	if (!lua_isnoneornil(L, 3))
		payload = opt_str(L, 3);
	buf_clear(scratch);
	buf_add_text(scratch, "event: ");
	buf_add_str(scratch, name);
	buf_add_char(scratch, '\n');
	server_write(server, conn, buf_str(scratch));
	buf_clear(scratch);
	buf_add_text(scratch, "data: ");
	buf_add_str(scratch, payload);
	buf_add_text(scratch, "\n\n");
	lua_pushboolean(L, server_write(server, conn, buf_str(scratch)));
	return 1;
}

/* ws_event(conn, label, name, payload | nil) -> true | false: one event on a WebSocket; `label` is JSON */
static int
lua_server_ws_event(lua_State *L)
{
	struct server *server = check_server(L);
	server_conn conn = check_conn(L);
	struct buf *scratch = &trusted_of(L)->scratch;

	buf_clear(scratch);
	buf_add_text(scratch, "{\"stream\":");
	buf_add_str(scratch, opt_str(L, 2));
	buf_add_text(scratch, ",\"event\":\"");
	buf_add_str(scratch, opt_str(L, 3));
	buf_add_char(scratch, '"');
	if (!lua_isnoneornil(L, 4)) {
		buf_add_text(scratch, ",\"payload\":");
		json_put_str(scratch, opt_str(L, 4));
	}
	buf_add_char(scratch, '}');
	lua_pushboolean(L, server_ws_send(server, conn, buf_str(scratch)));
	return 1;
}

/* ws_ping(conn [, payload [, pong]]) -> true | false; with `pong`: a pong that nobody asked for */
static int
lua_server_ws_ping(lua_State *L)
{
	struct str payload = opt_str(L, 2);

	luaL_argcheck(L, payload.len <= 125, 2, "a ping carries at most 125 bytes");
	lua_pushboolean(
		L, server_ws_ping(check_server(L), check_conn(L), payload, lua_toboolean(L, 3)));
	return 1;
}

/* ws_close(conn, code, reason) -> true | false; code 0: a close frame without one */
static int
lua_server_ws_close(lua_State *L)
{
	lua_pushboolean(L, server_ws_close(check_server(L), check_conn(L),
				   (int)luaL_checkinteger(L, 2), opt_str(L, 3)));
	return 1;
}

/* cut(conn, reset) -> true | false */
static int
lua_server_cut(lua_State *L)
{
	lua_pushboolean(L, server_cut(check_server(L), check_conn(L), lua_toboolean(L, 2)));
	return 1;
}

/* queued(conn) -> bytes not yet taken by the socket */
static int
lua_server_queued(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)server_queued(check_server(L), check_conn(L)));
	return 1;
}

/* peer_port(conn) -> port that it comes from; 0: it is gone */
static int
lua_server_peer_port(lua_State *L)
{
	lua_pushinteger(L, server_peer_port(check_server(L), check_conn(L)));
	return 1;
}

static const luaL_Reg server_functions[] = {
	{"listen", server_listen},
	{"respond", lua_server_respond},
	{"begin", lua_server_begin},
	{"write", lua_server_write},
	{"finish", lua_server_finish},
	{"event", lua_server_event},
	{"ws_send", lua_server_ws_send},
	{"ws_event", lua_server_ws_event},
	{"ws_ping", lua_server_ws_ping},
	{"ws_close", lua_server_ws_close},
	{"cut", lua_server_cut},
	{"queued", lua_server_queued},
	{"peer_port", lua_server_peer_port},
	{NULL, NULL},
};

int
lua_server_open(lua_State *L)
{
	luaL_newlib(L, server_functions);
	return 1;
}
