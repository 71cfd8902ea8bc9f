/* SPDX-License-Identifier: MIT */
/* One plugin instance: its Lua state, what it registered, and the one door through which the host calls it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "effects.h"
#include "event.h"
#include "http.h"
#include "limits.h"
#include "log.h"
#include "plugin_limits.h"
#include "rule.h"

struct plugin;
struct windows;

struct plugin_config {
	const char *name;  /* of the instance */
	const char *file;  /* path of the Lua file, for messages */
	struct str source; /* its text; bytecode is refused */
	const char *
		folder; /* what `words` files and require of its own modules may read; NULL: nothing */
	const char *account; /* name of the account; NULL: none */
	struct str options;  /* JSON object the operator wrote; STR_NONE: none */
	struct str allow;    /* JSON array of permissions the operator granted; STR_NONE: none */
	bool as_declared;    /* grant what the plugin declares (`run PLUGIN`) */
	const char *tz;      /* the time zone where a plugin names none; NULL: the machine's */
	const char *config_file; /* where `allow` stands, for messages; NULL: the command line */
	const char *lua_dir; /* read the standard library from here; NULL: the compiled-in one */
	struct log *log;
	struct clock clock;
	struct json_parser *parser;
	struct secrets *secrets; /* values of options with secret = true are added */
	struct windows *windows; /* what tusk.count remembers; kept; NULL: these calls raise */
	struct plugin_limits limits;
	/* Called before the file runs, so that it can read tusk.store: calls plugin_restore. NULL: nothing is stored. */
	void (*restore)(void *data, struct plugin *plugin);
	void *restore_data;
	uint64_t seed;     /* of math.random; 0: Lua's own choice */
	int pattern_flags; /* added to those of every pattern, e.g. PATTERN_NO_JIT */
	/* A module of its folder was read, or was not there (STR_NONE); also later than the creation. May be NULL. */
	void (*on_file)(void *data, const char *path, struct str text);
	void *data;
	unsigned long
		fail_at; /* for tests: this allocation of Lua fails and all after it; 0: none */
};

struct plugin_error {
	char text
		[PLUGIN_ERROR_MAX]; /* with file and line; several lines when there is a traceback */
	enum plugin_limit limit;    /* that ended the call */
};

/* One tusk.on or tusk.hear. */
struct plugin_handler {
	bool kinds[EVENT_KIND_COUNT]; /* which kinds it hears; EVENT_UNKNOWN with `name` */
	char *name; /* a kind that is not in the table; NULL: any unknown one when kinds[EVENT_UNKNOWN] */
	char *host_event;  /* "connected", "disconnected", "gap"; else NULL */
	struct rule *rule; /* NULL: everything */
	/* Names the handler across restarts and reloads: "=NAME" when the plugin named it, else kinds, a hash of the
	 * match table and the n-th of those that are equal. One line, unique in the plugin. */
	char *key;
	int line;         /* where it was registered */
	bool reads_event; /* its functions take the event's own table, behind the subject */
};
struct plugin_stream {
	char *account; /* NULL: the instance's own */
	char *stream;
	char *param; /* NULL without */
	int line;
};
/* What a run is told of its due time, Unix ms. */
struct plugin_due {
	int64_t due_ms, late_ms;
	int64_t missed; /* due times before this one that have not run */
};
/* One tusk.every or tusk.daily. */
struct plugin_schedule {
	char *name;
	int64_t every_ms; /* 0: daily */
	int32_t *times_s; /* daily: seconds after midnight, ascending */
	unsigned time_count;
	unsigned weekdays; /* daily: bit 0 is Sunday */
	struct zone *zone; /* daily */
	bool runs_late;    /* what was missed runs once, late */
	int64_t spec_hash; /* changes when interval, times, days or zone do; never 0 */
	int line;
	struct plugin_due due; /* of the run that is about to start */
};
/* From tusk.plugin, tusk.options; for `check` and messages. */
struct plugin_about {
	const char *name, *version, *description; /* NULL when not given */
	const char *const *permissions;           /* declared */
	unsigned permission_count;
	const char *const *
		hosts; /* of addresses in the options: "http:HOST[:PORT]", granted by standing there */
	unsigned host_count;
	bool writes_private; /* granted "archive:private" or "forward:private" */
};

/* Sets up the state and runs the file once. NULL on an error. plugin_restore is called from config->restore, or when no task runs. */
struct plugin *plugin_create(
	const struct plugin_config *config, struct plugin_error *error); /* new */
void plugin_destroy(struct plugin *plugin);
void plugin_forget(struct plugin *plugin); /* all of tusk.store; no task may wait */
void plugin_restore(struct plugin *plugin, struct str key,
	struct str json); /* one key of tusk.store; STR_NONE: gone */

/* What the file registered, in the order of registration. All of it stays the plugin's. The three lists take a
 * NULL plugin, which has registered nothing. */
const char *plugin_name(const struct plugin *plugin);
const char *plugin_source_file(const struct plugin *plugin); /* as it was loaded from */
const struct plugin_about *plugin_about(const struct plugin *plugin);
const struct plugin_handler *plugin_handlers(const struct plugin *plugin, unsigned *count);
const struct plugin_stream *plugin_streams(const struct plugin *plugin, unsigned *count);
const struct plugin_schedule *plugin_schedules(const struct plugin *plugin, unsigned *count);
bool plugin_may(const struct plugin *plugin, const char *permission);
/* How far a request to that address may go. To addresses that are not on the public network only where somebody meant
 * that: the address stands in the operator's options, or the name that was granted says so itself ("localhost",
 * "10.0.0.5", "nas.local"), or the operator granted "private:HOST". */
enum http_reach plugin_reach(const struct plugin *plugin, const struct url *to);
/* What is odd about declarations and grants, a line each: declared and not granted, granted and not declared, granted
 * and unknown. */
void plugin_each_odd_grant(
	const struct plugin *plugin, void (*fn)(void *data, const char *text), void *data);

/* What a handler is told besides the event. */
struct plugin_delivery {
	unsigned handler;
	struct event *event; /* borrowed; the state takes its own reference */
	struct str
		matched; /* JSON: { "rule":…, "view":…, "captures":[…], "span":[start,end] }; empty: {} */
	struct json_value host; /* host events: the subject; absent else */
};

/* A request that a task waits for, made by host/requests.c. */
struct plugin_request {
	bool is_api;   /* to the account's own server, with its token: `url` is a path */
	char *method;  /* "GET", ... */
	char *url;     /* path with query, or a whole address */
	char *headers; /* JSON object of texts; NULL without */
	char *body;    /* NULL without */
	size_t body_len;
	int64_t total_ms; /* 0: the default */
};

enum wait_kind { WAIT_ACTION, WAIT_SLEEP, WAIT_REQUEST };
struct plugin_wait { /* what a task waits for; texts are owned by the struct */
	enum wait_kind kind;
	size_t action;    /* WAIT_ACTION: index into run->effects */
	int64_t until_ms; /* WAIT_SLEEP: the host's wall clock; WAIT_ACTION: when patience ends */
	struct plugin_request request; /* WAIT_REQUEST */
};

/* One task: a handler, schedule, timer or spawned function from its start to its end. It runs in a coroutine and may wait
 * in between. May be moved in memory between two calls. */
struct plugin_run {
	uint64_t id;               /* of the task in its plugin, set by the call that starts it */
	struct effects effects;    /* grows from step to step; emptied by PLUGIN_RAISED */
	struct plugin_wait wait;   /* after PLUGIN_WAITS */
	struct plugin_error error; /* after PLUGIN_RAISED: message and traceback */
};
void plugin_run_init(struct plugin_run *run);
void plugin_run_finish(
	struct plugin_run *run); /* frees what it holds, not the task: see plugin_abandon */

enum plugin_verdict {
	PLUGIN_ENDED,  /* run->effects has what it wants */
	PLUGIN_WAITS,  /* run->wait says for what; plugin_resume or plugin_abandon follows */
	PLUGIN_RAISED, /* what it wanted and its changes of tusk.store are dropped */
};
/* Each starts one task; `run` is initialised by the caller. */
enum plugin_verdict plugin_deliver(
	struct plugin *plugin, const struct plugin_delivery *delivery, struct plugin_run *run);
enum plugin_verdict plugin_tick(
	struct plugin *plugin, unsigned schedule, int64_t due_ms, struct plugin_run *run);
/* The function of an EFFECT_START, with the event that it belongs to, or NULL. Each can be called once. */
enum plugin_verdict plugin_fire(
	struct plugin *plugin, unsigned function, struct event *event, struct plugin_run *run);
/* Goes on with a task that waits. `answer`: JSON { "ok": result } or { "problem": { "kind", "status", "message" } }; not read
 * after a sleep. */
enum plugin_verdict plugin_resume(struct plugin *plugin, struct plugin_run *run, struct str answer);
/* Drops a task that waits, and what it wanted but for staged actions. */
void plugin_abandon(struct plugin *plugin, struct plugin_run *run);
/* Before plugin_tick: what the function will be told. */
void plugin_set_due(struct plugin *plugin, unsigned schedule, const struct plugin_due *due);
/* The value of tusk.on_save as JSON; `out` stays empty without one. False: it raised, or the value does not fit. */
bool plugin_save(struct plugin *plugin, struct buf *out, struct plugin_error *error);
/* Gives tusk.on_restore what another plugin saved, and that one's version (NULL: it has none). False: it raised. */
bool plugin_take_over(
	struct plugin *plugin, struct str saved, const char *version, struct plugin_error *error);
/* A function of tusk.after or tusk.spawn, after what has been run of it was written down, or taken back. */
enum plugin_timer_end {
	PLUGIN_TIMER_DONE,   /* it has ended, for good */
	PLUGIN_TIMER_AGAIN,  /* it waits as it did before it began */
	PLUGIN_TIMER_FORGET, /* it was never started */
};
void plugin_timer_end(struct plugin *plugin, unsigned function, enum plugin_timer_end how);
/* Bytes that the host holds for it: rolling windows, requests and their answers. They count as its memory from now on. */
void plugin_set_outside(struct plugin *plugin, size_t bytes);
void plugin_add_outside(struct plugin *plugin, ptrdiff_t more);
/* What it has used and holds. */
void plugin_usage(const struct plugin *plugin, struct plugin_usage *usage);
