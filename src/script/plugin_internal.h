/* SPDX-License-Identifier: MIT */
/* What plugin.c shares with the Lua modules: the instance, and what is going on in it. */
#pragma once

#include "lua_state.h"
#include "plugin.h"

enum plugin_phase {
	PLUGIN_LOADING, /* its file runs: it registers */
	PLUGIN_IDLE,
	PLUGIN_HANDLING, /* a handler or schedule runs: it acts */
};

/* A growing list of texts. */
struct text_list {
	char **list;
	unsigned count;
};
void text_list_add(struct text_list *list, struct str text);
bool text_list_has(const struct text_list *list, const char *text);
void text_list_finish(struct text_list *list);

struct plugin {
	struct lua_state *lua;
	char *name, *file, *folder, *account, *lua_dir;
	struct log *log;
	struct clock clock;
	struct json_parser *parser;
	struct secrets *secrets;
	int pattern_flags;
	struct json_doc *options; /* what the operator wrote; NULL: nothing */
	bool options_read;        /* the plugin has called tusk.options */
	bool as_declared;
	struct text_list allowed;  /* by the operator */
	struct text_list declared; /* by the plugin; about.permissions is this list */
	struct text_list hosts; /* of addresses in the operator's options: "https://host[:port]" */
	char *title, *version, *description; /* from tusk.plugin */
	struct plugin_about about;

	struct plugin_handler *handlers;
	unsigned handler_count;
	struct plugin_stream *streams;
	unsigned stream_count;
	struct plugin_schedule *schedules;
	unsigned schedule_count;

	enum plugin_phase phase;
	const struct plugin_delivery *delivery; /* while a handler runs; NULL in a schedule */
	struct effects *effects;                /* of the call that runs */
	unsigned log_lines;                     /* that the call has written */
};

/* The instance that this state belongs to. */
struct plugin *plugin_of(lua_State *L);

/* Openers of the C modules: each pushes its table. */
int lua_core_open(lua_State *L);
int lua_effect_open(lua_State *L);
int lua_event_open(lua_State *L);
int lua_json_open(lua_State *L);
int lua_log_open(lua_State *L);
int lua_regex_open(lua_State *L);
int lua_text_open(lua_State *L);
int lua_util_open(lua_State *L);

/* Globals that are replaced in a plugin's state: next, rawget, rawset, rawlen know tables that fill themselves; print logs. */
void lua_event_globals(lua_State *L);
void lua_log_globals(lua_State *L);
