/* SPDX-License-Identifier: MIT */
/* The host: owns accounts, instances, store and outbox, and runs the turn. One object, one loop. */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "event.h"
#include "intents.h"
#include "link.h"
#include "log.h"
#include "loop.h"
#include "secrets.h"

struct host;

/* What happened, for `run` to log and `demo` to print. Each may be NULL; all text is borrowed. */
struct host_events {
	/* An event came in. */
	void (*on_received)(void *data, const struct event *event);
	/* A handler of `instance` matched; `matched` is the JSON of the reason. */
	void (*on_matched)(
		void *data, const char *instance, const struct event *event, struct str matched);
	/* The same, by the handler's number in the plugin's list. */
	void (*on_hit)(void *data, const char *instance, unsigned handler, struct event *event);
	/* A line went to an archive; `path` is its file. */
	void (*on_archived)(
		void *data, const char *instance, const struct event *event, const char *path);
	/* An action was staged, staged dry, ended, or is tried again. */
	void (*on_action)(void *data, const struct intent *intent);
	void (*on_stream)(
		void *data, const struct account *account, const struct stream_status *status);
	/* The host cannot go on (all tokens refused, disk full): said in the log; loop_stop was called. */
	void (*on_stopped)(void *data);
};

struct host_config {
	struct loop *loop;
	struct clock clock; /* the loop's; of a replay: its own */
	struct log *log;
	struct secrets *secrets;
	const struct config *config; /* kept */
	/* Reads the config again, for a reload; `data` is the host's. False: `words` has lines that say why. *fresh is the host's
	 * either way. NULL: the config stays what it is. */
	bool (*read_config)(void *data, struct config *fresh, struct buf *words);
	const char *state_folder; /* NULL: all in memory */
	const char *lua_dir;      /* NULL: the compiled-in library */
	bool dry_run;             /* for all instances */
	bool offline;             /* no accounts are contacted: replay, check */
};

struct host_stats {
	uint64_t received, broken, matched, handled, raised, actions, archived;
	uint64_t late; /* posts that came behind their own deletion */
	uint64_t kept,
		unproven; /* deletes of posts that are still there; of which nothing is known */
	uint64_t missed;  /* posts that were deleted without a word */
	uint64_t limited,
		switched_off; /* times that a pattern gave up; patterns that are off for it */
	uint64_t done, failed, unknown, dry; /* actions that ended since the start */
};

/* Loads every plugin; one that fails is reported and stays listed without a plugin. NULL when the store cannot be
 * used, an account's address is wrong, or no plugin loads: said in the log. */
struct host *host_create(
	const struct host_config *config, const struct host_events *events, void *data);
/* Contacts the accounts and sends what the outbox holds. The turn runs from the loop from now on. */
void host_start(struct host *host);
/* Handles and commits what has come, and hears no more: from now on figures and files stay as they are. */
void host_finish(struct host *host);
/* Finishes, closes. NULL is fine. */
void host_destroy(struct host *host);

/* Asks for a reload: of one instance, or with NULL of what has changed. It happens in the next turn, between two events;
 * `done` (may be NULL) runs once, from the turn, or from host_destroy. `words` are lines for people, borrowed. */
typedef void host_reloaded_fn(void *data, bool good, struct str words);
void host_reload(struct host *host, const char *instance, host_reloaded_fn *done, void *data);

/* Switches an instance on again that is off, like host_reload. */
void host_rearm(struct host *host, const char *instance, host_reloaded_fn *done, void *data);
/* The same about a host that does not run: the next run loads the instance. False: it is not off; `words` says why not. */
bool host_rearm_stopped(const char *folder, const char *name, struct log *log, struct buf *words);
/* Appends what the host is doing as a JSON object: docs/moontusk.1.scd, "status". */
void host_status(struct host *host, struct buf *out);
/* The same about a host that does not run, from its database. False: `error` (MESSAGE_MAX bytes) says why there is
 * nothing to tell. */
bool host_status_stopped(const char *folder, struct log *log, struct buf *out, char *error);

/* Appends a JSON array of gaps, oldest first, the newest GAPS_TOLD_MAX of them: docs/moontusk.1.scd, "gaps". */
void host_gaps(struct host *host, struct buf *out);
/* As host_status_stopped. */
bool host_gaps_stopped(const char *folder, struct log *log, struct buf *out, char *error);

unsigned host_instance_count(const struct host *host);
unsigned host_failed_count(const struct host *host); /* plugins that did not load */
/* NULL: it did not load, or is switched off. */
const struct plugin *host_plugin(const struct host *host, unsigned instance);
/* Name of the account that it acts for; NULL: none. */
const char *host_instance_account(const struct host *host, unsigned instance);
const struct host_stats *host_stats(const struct host *host);
/* A pattern that gave up at least once since its plugin was loaded. Borrowed. */
struct host_limit {
	const char *instance, *file;
	int line;               /* of the handler */
	const char *key, *view; /* "text", "text" */
	struct str pattern;
	uint64_t hits;
	bool off; /* it is not run any more */
};
typedef void host_limit_fn(void *data, const struct host_limit *limit);
void host_each_limit(const struct host *host, host_limit_fn *fn, void *data);
/* Actions that are not ended yet. */
size_t host_pending(const struct host *host);

/* Handlers and started functions that wait for a time or an outcome. */
size_t host_waiting(const struct host *host);

/* Replay: takes the event and handles it before it returns; what was done is committed every few hundred events, and by
 * host_destroy. NULL: only runs what is due. */
void host_replay(struct host *host, struct event *event);
/* In place of host_replay for an event that no handler matches (scout.h). */
void host_pass(struct host *host);
/* The newest time of the replay's clock that is committed, Unix ms; 0: none. A replay that goes on in a state folder starts
 * its clock there: a schedule that has run does not run again for events that are passed over. */
int64_t host_replay_time(const struct host *host);
/* When the next schedule is due or a handler that waits goes on, Unix ms; INT64_MAX without one. */
int64_t host_next_due(const struct host *host);
