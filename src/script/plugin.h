/* SPDX-License-Identifier: MIT */
/* One plugin instance: its Lua state, what it registered, and the one door through which the host calls it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "effects.h"
#include "event.h"
#include "limits.h"
#include "log.h"
#include "rule.h"

struct plugin;

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
	const char *lua_dir; /* read the standard library from here; NULL: the compiled-in one */
	struct log *log;
	struct clock clock;
	struct json_parser *parser;
	struct secrets *secrets; /* values of options with secret = true are added */
	int pattern_flags;       /* added to those of every pattern, e.g. PATTERN_NO_JIT */
	unsigned long
		fail_at; /* for tests: this allocation of Lua fails and all after it; 0: none */
};

struct plugin_error {
	char text
		[PLUGIN_ERROR_MAX]; /* with file and line; several lines when there is a traceback */
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
	int line;          /* where it was registered */
};
struct plugin_stream {
	char *account; /* NULL: the instance's own */
	char *stream;
	char *param; /* NULL without */
	int line;
};
struct plugin_schedule {
	char *name;
	int64_t every_ms;
	int line;
};
/* From tusk.plugin, tusk.options; for `check` and messages. */
struct plugin_about {
	const char *name, *version, *description; /* NULL when not given */
	const char *const *permissions;           /* declared */
	unsigned permission_count;
	bool writes_private; /* granted "archive:private" or "forward:private" */
};

/* Sets up the state and runs the file once. NULL on an error. plugin_restore may not be called later than the first
 * delivery. */
struct plugin *plugin_create(
	const struct plugin_config *config, struct plugin_error *error); /* new */
void plugin_destroy(struct plugin *plugin);
void plugin_restore(
	struct plugin *plugin, struct str key, struct str json); /* one key of tusk.store */

/* What the file registered, in the order of registration. All of it stays the plugin's. The three lists take a
 * NULL plugin, which has registered nothing. */
const char *plugin_name(const struct plugin *plugin);
const struct plugin_about *plugin_about(const struct plugin *plugin);
const struct plugin_handler *plugin_handlers(const struct plugin *plugin, unsigned *count);
const struct plugin_stream *plugin_streams(const struct plugin *plugin, unsigned *count);
const struct plugin_schedule *plugin_schedules(const struct plugin *plugin, unsigned *count);
bool plugin_may(const struct plugin *plugin, const char *permission);

/* What a handler is told besides the event. */
struct plugin_delivery {
	unsigned handler;
	struct event *event; /* borrowed; the state takes its own reference */
	struct str
		matched; /* JSON: { "rule":…, "view":…, "captures":[…], "span":[start,end] }; empty: {} */
	struct json_value host; /* host events: the subject; absent else */
};

/* Runs one handler. True: *effects (initialised by the caller) has what it wants. False: it raised; `error` has message and
 * traceback, effects and changes of tusk.store are dropped. */
bool plugin_deliver(struct plugin *plugin, const struct plugin_delivery *delivery,
	struct effects *effects, struct plugin_error *error);
bool plugin_tick(struct plugin *plugin, unsigned schedule, int64_t due_ms, struct effects *effects,
	struct plugin_error *error);
/* Bytes its Lua state holds. */
size_t plugin_memory(const struct plugin *plugin);
