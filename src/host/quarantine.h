/* SPDX-License-Identifier: MIT */
/* Instances that fail too often are switched off, with a report, until somebody switches them on or changes them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "failures.h"

struct host;
struct instance;
struct cause;
struct work;
struct config_plugin;
struct plugin;
struct plugin_error;
struct plugin_stream;
struct buf;

/* What is known of an instance's failures, and of its being off. */
struct guard {
	struct failures failures;
	char **recent; /* lines about the last failures, oldest first; at most FAILURES_SHOWN_MAX */
	unsigned recent_count;
	bool off;           /* nothing of it runs; its plugin goes at the end of the turn */
	int64_t off_at_ms;  /* wall clock */
	char *why, *report; /* while it is off; report NULL: none */
	int64_t source; /* hash of the main file and the entry in the config, as loaded last, or tried */
	uint64_t missed;     /* events on its streams while it is off */
	uint64_t missed_put; /* as the database has it */
	struct plugin_stream
		*streams; /* that it goes on to hold while it is off, to count what it misses */
	unsigned stream_count;
	char *files; /* JSON, as in struct quarantine; while it is off */
};

/* A task that has failed, or (no cause) a plugin that did not load. All borrowed. */
struct failure {
	const struct cause *cause;
	const struct plugin *plugin; /* that it ran in */
	const struct plugin_error *error;
	struct work *work; /* NULL: it came from no inbox */
};

/* failed.c: what becomes of a task that has failed: log, journal, on_error. True: its work stays in the inbox, and is not
 * to be touched any more. Inside the transaction. */
bool failed_task(const struct failure *failure);

/* Switches the instance off: mark, report, journal, log, alert. Nothing of it may be started from now on; its plugin goes
 * with quarantine_run. Inside the transaction. */
void quarantine_trip(struct host *host, struct instance *instance, const char *why,
	const struct failure *failure);
/* Takes away the plugins of instances that were switched off. In the turn, where no task runs. */
void quarantine_run(struct host *host);
/* The instance's plugin could not be loaded, and it has none: report and alert. */
void quarantine_load_failed(
	struct host *host, struct instance *instance, const struct plugin_error *error);
/* At the start. True: it was switched off and has not changed since; instance->error says so. */
bool quarantine_holds(struct host *host, struct instance *instance);
/* It has a plugin again. `why` for log and journal. Inside the transaction. */
void quarantine_lift(struct host *host, struct instance *instance, const char *why);

/* quarantine_row.c */
/* Notes what the instance's plugin hears and is made of, for its row. */
void quarantine_note_source(struct host *host, struct instance *instance);
void quarantine_forget_source(struct guard *guard);
void quarantine_put_row(struct host *host, struct instance *instance); /* inside the transaction */
/* From the database. True: it is off, and neither its entry nor one of its files has changed since. */
bool quarantine_take_row(struct host *host, struct instance *instance);
/* Writes how much was missed. Inside the transaction. */
void quarantine_write(struct host *host);

void guard_init(struct guard *guard, const struct config_plugin *about);
/* The config says another number of failures: counting starts anew when it does. */
void guard_set_limit(struct guard *guard, const struct config_plugin *about);
void guard_finish(struct guard *guard);
