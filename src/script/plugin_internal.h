/* SPDX-License-Identifier: MIT */
/* What plugin.c shares with the Lua modules: the instance, and what is going on in it. */
#pragma once

#include "lua_state.h"
#include "plugin.h"
#include "zone.h"

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

/* A task: the coroutine that a handler, schedule or started function runs in. */
struct plugin_task {
	uint64_t id;
	lua_State *thread;               /* NULL: not made yet */
	int ref;                         /* of the thread, in the registry */
	struct plugin_delivery delivery; /* its event is a reference; NULL in a schedule */
	unsigned log_lines;              /* written so far */
	int64_t at_ms;   /* when it happens: now or, of a schedule, when it was due */
	uint64_t number; /* of what happens then, where that is no event */
	bool is_late;    /* it was started by another task, for a later time than its event */
	size_t charged;  /* to the instance's memory, once it waits: its event stays as long */
	struct plugin_task *next;
};

struct plugin {
	struct lua_state *lua;
	char *name, *file, *config_file, *folder, *account, *lua_dir, *tz;
	struct log *log;
	struct clock clock;
	struct json_parser *parser;
	struct secrets *secrets;
	struct windows *windows; /* borrowed; NULL: none */
	int pattern_flags;
	struct json_doc *options; /* what the operator wrote; NULL: nothing */
	bool hands_over;          /* it has tusk.on_save or tusk.on_restore */
	bool options_read;        /* the plugin has called tusk.options */
	bool as_declared;
	struct text_list allowed;  /* by the operator */
	struct text_list declared; /* by the plugin; about.permissions is this list */
	struct text_list hosts;    /* of addresses in the operator's options: "http:host[:port]" */
	int header_line;           /* of tusk.plugin; 0: none */
	char *title, *version, *description; /* from tusk.plugin */
	struct plugin_about about;

	struct plugin_handler *handlers;
	unsigned handler_count;
	struct plugin_stream *streams;
	unsigned stream_count;
	struct plugin_schedule *schedules;
	unsigned schedule_count;

	struct zone *zones[PLUGIN_ZONES_MAX]; /* the latest that it asked for */
	unsigned zone_next;                   /* which of them is replaced next */
	void (*on_file)(void *data, const char *path, struct str text);
	void *data;

	enum plugin_phase phase;
	bool choosing;                          /* a `where` function runs */
	struct plugin_task *task;               /* that runs; NULL: none */
	struct plugin_run *run;                 /* of that task */
	const struct plugin_delivery *delivery; /* of that task; its event may be NULL */
	struct effects *effects;                /* of that task */
	struct plugin_task *tasks;              /* that run or wait, plugin_task::next */
	struct plugin_task *idle;               /* whose coroutines can be used again */
	unsigned idle_count;
	/* Lines that it logged: while loading, and in the minute (since 1970) that runs. */
	unsigned load_lines, minute_lines;
	int64_t minute;
	bool over_output;       /* the task that runs asked for more than it may */
	uint64_t last_task;     /* id */
	unsigned last_function; /* id that tusk.after or tusk.spawn gave */
};

/* A task that runs or waits; NULL: it has ended. */
struct plugin_task *plugin_find_task(const struct plugin *plugin, uint64_t id);
/* Frees the tasks; their coroutines go with the state. */
void plugin_free_tasks(struct plugin *plugin);
/* Frees the texts of a wait that is over, or that a call which could not wait has left. */
void plugin_wait_finish(struct plugin_wait *wait);
/* plugin_grants.c: fills `allowed` and `hosts` from what the operator wrote. */
bool grants_read(struct plugin *plugin, struct str allow, struct plugin_error *error);
void grants_add_hosts(struct plugin *plugin, struct json_value value); /* of the options */
/* Raises unless the instance has the permission; the text names the lines to add. */
void grants_require(lua_State *L, const char *call, const char *permission);

/* The instance that this state belongs to. */
struct plugin *plugin_of(lua_State *L);

/* The instance, when a task of it runs; else raises, with the name of the call. */
struct plugin *lua_check_handling(lua_State *L, const char *call);
/* A new effect of the task that runs. Nothing may raise between this call and the moment when its fields are set. */
struct effect *plugin_add_effect(lua_State *L, struct plugin *plugin, enum effect_type type);

/* Before that: raises when texts of `bytes` more are too much for one task. */
void plugin_effect_room(lua_State *L, struct plugin *plugin, size_t bytes);

/* Openers of the C modules: each pushes its table. */
int lua_core_open(lua_State *L);
int lua_effect_open(lua_State *L);
int lua_event_open(lua_State *L);
int lua_json_open(lua_State *L);
int lua_log_open(lua_State *L);
int lua_regex_open(lua_State *L);
int lua_schedule_open(lua_State *L);
int lua_text_open(lua_State *L);
int lua_time_open(lua_State *L);
int lua_util_open(lua_State *L);
int lua_wait_open(lua_State *L);
int lua_windows_open(lua_State *L);

/* Globals that are replaced in a plugin's state: next, rawget, rawset, rawlen know tables that fill themselves; print logs. */
void lua_event_globals(lua_State *L);
void lua_log_globals(lua_State *L);
/* os.time and os.date by the host's clock and zone. */
void lua_time_globals(lua_State *L);

/* The zone that the text at `index` names, of nil the plugin's own. Raises. Stays for PLUGIN_ZONES_MAX - 1 further ones. */
const struct zone *lua_check_zone(lua_State *L, int index);
struct str lua_zone_name(lua_State *L, int index); /* the same, its name */
