/* SPDX-License-Identifier: MIT */
/* Runs Lua tests of plugins: each bot is a whole host in replay mode, with its state in memory and no network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "decode.h"
#include "host.h"
#include "xmalloc.h"

#define BOT_TYPE "plugin_runner.bot"
#define START_MS 1795176000000 /* 2026-11-20T12:00:00Z: tests have their own time */

struct bot {
	struct loop *loop;
	struct secrets *secrets;
	struct log *log;
	struct json_parser *parser;
	struct config config;
	struct host *host;
	int64_t now_ms;
	lua_State *L; /* while a call runs: its slot 3 is the table of what happened */
};

static int64_t
bot_now(void *data)
{
	return ((struct bot *)data)->now_ms;
}

/* ---- JSON to Lua ---- */

static void
push_json(lua_State *L, struct json_value value)
{
	int64_t integer;
	double number;
	bool flag;
	struct str text = json_str(value);
	luaL_checkstack(L, 8, "too deep");
	if (json_get_bool(value, &flag)) {
		lua_pushboolean(L, flag);
	} else if (json_get_int(value, &integer)) {
		lua_pushinteger(L, integer);
	} else if (json_get_double(value, &number)) {
		lua_pushnumber(L, number);
	} else if (text.ptr) {
		lua_pushlstring(L, text.ptr, text.len);
	} else if (json_type(value) == JSON_ARRAY || json_type(value) == JSON_OBJECT) {
		lua_newtable(L);
		lua_Integer index = 0;
		struct json_iter it = json_iter(value);
		while (json_next(&it)) {
			if (it.key.ptr)
				lua_pushlstring(L, it.key.ptr, it.key.len);
			else
				lua_pushinteger(L, ++index);
			push_json(L, it.value);
			lua_rawset(L, -3);
		}
	} else {
		lua_pushnil(L);
	}
}

/* decode(text) -> value | nil, message */
static int
runner_decode(lua_State *L)
{
	struct str text;
	text.ptr = luaL_checklstring(L, 1, &text.len);
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	struct json_error error = {{0}};
	int results = 1;
	if (json_parse(parser, text, &doc, &error) == ERR_OK) {
		push_json(L, json_root(doc));
	} else {
		lua_pushnil(L);
		lua_pushstring(L, error.message);
		results = 2;
	}
	json_doc_destroy(doc);
	json_parser_destroy(parser);
	return results;
}

/* ---- what happened, into the table at slot 3 ---- */

static void
set_text(lua_State *L, const char *key, const char *text)
{
	lua_pushstring(L, text);
	lua_setfield(L, -2, key);
}

/* As it would be sent: with its secrets. */
static void
set_revealed(struct bot *bot, const char *key, const char *text)
{
	struct buf out;
	buf_init(&out, ACTION_BODY_MAX * 2);
	if (text && secrets_reveal(bot->secrets, str_from(text), &out) == ERR_OK)
		set_text(bot->L, key, buf_str(&out).len ? out.ptr : "");
	buf_finish(&out);
}

/* The table on top becomes the last of results[list]. */
static void
append(lua_State *L, const char *list)
{
	lua_getfield(L, 3, list);
	lua_insert(L, -2);
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
	lua_pop(L, 1);
}

static void
on_matched(void *data, const char *instance, const struct event *event, struct str matched)
{
	struct bot *bot = data;
	(void)instance;
	lua_newtable(bot->L);
	lua_pushlstring(bot->L, event->id.ptr ? event->id.ptr : "", event->id.len);
	lua_setfield(bot->L, -2, "id");
	lua_pushlstring(bot->L, matched.ptr, matched.len);
	lua_setfield(bot->L, -2, "matched");
	append(bot->L, "matches");
}

static void
on_archived(void *data, const char *instance, const struct event *event, const char *path)
{
	struct bot *bot = data;
	(void)instance;
	lua_newtable(bot->L);
	lua_pushlstring(bot->L, event->id.ptr ? event->id.ptr : "", event->id.len);
	lua_setfield(bot->L, -2, "id");
	lua_pushlstring(bot->L, event->name.ptr, event->name.len);
	lua_setfield(bot->L, -2, "kind");
	set_text(bot->L, "archive", path);
	append(bot->L, "archived");
}

static void
on_action(void *data, const struct intent *intent)
{
	struct bot *bot = data;
	lua_State *L = bot->L;
	lua_newtable(L);
	set_text(L, "action", intent->action);
	set_text(L, "target", intent->target);
	set_text(L, "method", intent->method);
	set_revealed(bot, "url", intent->url);
	set_text(L, "stored_url", intent->url);
	set_revealed(bot, "headers", intent->headers);
	set_revealed(bot, "body", intent->body);
	set_text(L, "key", intent->key);
	set_text(L, "summary", intent->summary);
	append(L, "actions");
}

static void
on_log(void *data, enum log_level level, const char *module, const char *line)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	struct bot *bot = data;
	(void)module;
	if (!bot->L)
		return;
	lua_newtable(bot->L);
	set_text(bot->L, "level", names[level]);
	set_text(bot->L, "text", line);
	append(bot->L, "log");
}

static const struct host_events events = {
	.on_matched = on_matched,
	.on_archived = on_archived,
	.on_action = on_action,
};

static void
begin(lua_State *L, struct bot *bot)
{
	static const char *const lists[] = {"matches", "archived", "actions", "log"};
	lua_settop(L, 2);
	lua_newtable(L);
	for (unsigned i = 0; i < COUNT_OF(lists); i++) {
		lua_newtable(L);
		lua_setfield(L, 3, lists[i]);
	}
	bot->L = L;
}

static int
end(lua_State *L, struct bot *bot)
{
	bot->L = NULL;
	lua_settop(L, 3);
	return 1;
}

/* ---- bots ---- */

static struct bot *
check_bot(lua_State *L)
{
	struct bot *bot = luaL_checkudata(L, 1, BOT_TYPE);
	luaL_argcheck(L, bot->host, 1, "the bot is closed");
	return bot;
}

static int
bot_close(lua_State *L)
{
	struct bot *bot = luaL_checkudata(L, 1, BOT_TYPE);
	host_destroy(bot->host);
	config_finish(&bot->config);
	if (bot->parser)
		json_parser_destroy(bot->parser);
	if (bot->log)
		log_destroy(bot->log);
	if (bot->secrets)
		secrets_destroy(bot->secrets);
	if (bot->loop)
		loop_destroy(bot->loop);
	*bot = (struct bot){0};
	return 0;
}

/* bot:event(line) -> { matches =, archived =, actions =, log = } */
static int
bot_event(lua_State *L)
{
	struct bot *bot = check_bot(L);
	struct str line;
	line.ptr = luaL_checklstring(L, 2, &line.len);
	struct decode_context context = {
		.parser = bot->parser,
		.origin = ORIGIN_REPLAY,
		.received_at_ms = bot->now_ms,
	};
	struct decode_output out = {0};
	if (decode_line(&context, line, &out) != DECODE_EVENT)
		return luaL_error(L, "that is no event: %s", out.error_text);
	begin(L, bot);
	host_replay(bot->host, out.event);
	return end(L, bot);
}

/* bot:advance(ms) -> the same; runs the schedules that fall due on the way */
static int
bot_advance(lua_State *L)
{
	struct bot *bot = check_bot(L);
	int64_t until_ms = bot->now_ms + luaL_checkinteger(L, 2);
	begin(L, bot);
	host_replay(bot->host, NULL);
	for (;;) {
		int64_t due_ms = host_next_due(bot->host);
		bot->now_ms = due_ms < until_ms ? due_ms : until_ms;
		if (due_ms > until_ms)
			break;
		host_replay(bot->host, NULL);
	}
	return end(L, bot);
}

static const luaL_Reg methods[] = {
	{"advance", bot_advance},
	{"close", bot_close},
	{"event", bot_event},
	{NULL, NULL},
};

/* start(file, options | nil, allow | nil) -> bot, log; or nil, log when the plugin does not load. Options and allow are JSON. */
static int
runner_start(lua_State *L)
{
	const char *file = luaL_checkstring(L, 1), *options = luaL_optstring(L, 2, NULL),
		   *allow = luaL_optstring(L, 3, NULL);
	struct bot *bot = lua_newuserdatauv(L, sizeof(*bot), 0);
	*bot = (struct bot){.now_ms = START_MS};
	luaL_setmetatable(L, BOT_TYPE); /* __gc owns the pieces from here */
	lua_replace(L, 1);
	config_add_account(&bot->config, "test", "https://mastodon.example");
	struct config_plugin *plugin = config_add_plugin(&bot->config, file);
	plugin->options = options ? xstrdup(options) : NULL;
	plugin->allow = allow ? xstrdup(allow) : NULL;
	plugin->as_declared = !allow;
	bot->loop = loop_create(1.0);
	bot->secrets = secrets_create();
	bot->parser = json_parser_create();
	bot->log = log_create(stderr, LOG_INFO, false, bot->secrets);
	log_set_sink(bot->log, on_log, bot);
	struct host_config config = {
		.loop = bot->loop,
		.clock = {bot_now, bot_now, bot},
		.log = bot->log,
		.secrets = bot->secrets,
		.config = &bot->config,
		.lua_dir = getenv("MOONTUSK_LUA_DIR"),
		.dry_run = true,
		.offline = true,
	};
	begin(L, bot);
	bot->host = host_create(&config, &events, bot);
	end(L, bot);
	if (bot->host)
		lua_pushvalue(L, 1);
	else
		lua_pushnil(L);
	lua_getfield(L, 3, "log");
	return 2;
}

static int
open_runner(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"decode", runner_decode}, {"start", runner_start}, {NULL, NULL}};
	luaL_newmetatable(L, BOT_TYPE);
	luaL_newlib(L, methods);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, bot_close);
	lua_setfield(L, -2, "__gc");
	luaL_newlib(L, functions);
	return 1;
}

static int
traceback(lua_State *L)
{
	luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
	return 1;
}

/* plugin_runner HARNESS TEST…: HARNESS is a Lua file that returns a function; it gets the runner and the tests. */
int
main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: plugin_runner HARNESS TEST...\n");
		return 2;
	}
	lua_State *L = luaL_newstate();
	luaL_openlibs(L);
	lua_pushcfunction(L, traceback);
	int status = 1;
	if (luaL_loadfile(L, argv[1]) == LUA_OK) {
		luaL_requiref(L, "plugin_runner", open_runner, 0);
		lua_newtable(L);
		for (int i = 2; i < argc; i++) {
			lua_pushstring(L, argv[i]);
			lua_rawseti(L, -2, i - 1);
		}
		if (lua_pcall(L, 2, 1, 1) == LUA_OK)
			status = lua_toboolean(L, -1) ? 0 : 1;
		else
			fprintf(stderr, "%s\n", lua_tostring(L, -1));
	} else {
		fprintf(stderr, "%s\n", lua_tostring(L, -1));
	}
	lua_close(L);
	return status;
}
