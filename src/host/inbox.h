/* SPDX-License-Identifier: MIT */
/* Matched handlers that wait to run, in order, of one instance: in memory, and in the store past a turn. */
#pragma once

#include <stdbool.h>

#include "event.h"
#include "seen.h"

/* One handler to run for one event. */
struct work {
	struct event *event; /* NULL: the row could not be read back, and `matched` is its line */
	char *key;           /* of the handler, as in struct delivery */
	unsigned handler;    /* index in the plugin's list, once waiting_resolve has found it */
	char *matched;       /* JSON of the reason */
	int64_t row;         /* of its delivery; 0: none written */
	int tries;           /* that failed */
	int64_t due_ms;      /* it is tried again then, wall clock; 0: at once */
	bool running;        /* its handler has begun and waits for something; set by inbox_run */
	struct work *next, *prev;
};

struct inbox {
	const char *instance; /* borrowed */
	struct work *list;    /* work::next, oldest first */
	unsigned count, running;
	unsigned retrying; /* that have a due_ms */
	bool more;         /* the store holds rows behind the last one of the list */
	int64_t last_row;  /* the newest row that was in the list */
	size_t waiting;    /* all that has not ended, in memory or not */
};

void inbox_init(struct inbox *inbox, const char *instance);
/* Counts what the store has. Call once before the first push, and when a transaction was rolled back. */
void inbox_recount(struct inbox *inbox, struct store *store);
void inbox_finish(struct inbox *inbox);
/* Takes `matched`, references the event, copies the key. */
void inbox_push(struct inbox *inbox, struct event *event, const char *key, char *matched);
/* Gives all work of `event` the same event in another form; takes a reference of its own for each. */
void inbox_replace(struct inbox *inbox, const struct event *event, struct event *by);
/* Whether work of the same event waits for the handler with this key. */
bool inbox_has(const struct inbox *inbox, const struct event *event, const char *key);
bool inbox_unsaved(const struct inbox *inbox); /* some has no row yet */
/* Gives all work under a key another one; the caller does the same in the store. */
void inbox_rename(struct inbox *inbox, const char *from, const char *to);
/* The oldest that may run now, or NULL; stays in the list until inbox_done. At most `concurrency` events are in work at a
 * time, taken in order, and of each one handler after the other. One that is to be tried again later is in work. */
struct work *inbox_first(struct inbox *inbox, unsigned concurrency, int64_t now_ms);
/* When one of the list is to be tried again, Unix ms; INT64_MAX: none is. */
int64_t inbox_next_due(const struct inbox *inbox);
/* Its handler waits and stands in nobody's way but that of its event's other handlers, or (false) is to be run again. */
void inbox_run(struct inbox *inbox, struct work *work, bool running);
/* Its handler failed: it stays where it is, and is run again not before `due_ms`. Inside the transaction. */
void inbox_retry(struct inbox *inbox, struct store *store, struct work *work, int64_t due_ms);
/* Deletes its delivery row, if any, and frees it. Inside the transaction. */
void inbox_done(struct inbox *inbox, struct store *store, struct work *work);
/* Inside the transaction: writes a row for each work that has none, and lets go of what is past
 * INBOX_LOAD_MAX (it comes back with inbox_load). */
void inbox_save(struct inbox *inbox, struct store *store, int64_t now_ms);
/* When nothing of the list waits to be run and there is more: reads the next rows. At a start: call once. */
void inbox_load(struct inbox *inbox, struct store *store, struct json_parser *parser);
