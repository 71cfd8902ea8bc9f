/* SPDX-License-Identifier: MIT */
/* Instances that were switched off, and dead letters: events whose handler failed. */
#pragma once

#include "store.h"

/* An instance that is off until somebody switches it on, or its source changes. Text is borrowed. */
struct quarantine {
	const char *instance;
	int64_t at_ms;
	const char *why;
	const char *report;  /* path of the report; NULL: none was written */
	int64_t source;      /* hash of its main file and its entry in the config */
	int64_t missed;      /* events on its streams that it did not see */
	const char *streams; /* JSON: what it hears; NULL: not known */
	const char *files;   /* JSON: its files and their hashes; NULL: not known */
};
void quarantine_put(struct store *store, const struct quarantine *quarantine);
void quarantine_delete(struct store *store, const char *instance);
/* Both call `fn` with what is found. False: the instance is not off. */
typedef void quarantine_fn(void *data, const struct quarantine *quarantine);
bool quarantine_get(struct store *store, const char *instance, quarantine_fn *fn, void *data);
void quarantine_each(struct store *store, quarantine_fn *fn, void *data);

/* A "dead_letter" row of the journal; kept as long as the journal. Text is borrowed. */
struct letter {
	int64_t row, at_ms;
	const char *instance;
	struct str event_key; /* or name and time of a schedule */
	struct str detail;    /* JSON: error, and of an event: handler, event */
};
typedef void letter_fn(void *data, const struct letter *letter);
/* Oldest first; NULL: of all instances. */
void letter_each(struct store *store, const char *instance, letter_fn *fn, void *data);
int64_t letter_count(struct store *store, const char *instance);
