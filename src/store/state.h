/* SPDX-License-Identifier: MIT */
/* What belongs to an instance or to the host's files: plugin state, schedules, archive lengths. */
#pragma once

#include "store.h"

/* tusk.store: top-level keys with their JSON text. */
typedef void state_fn(void *data, struct str key, struct str json);
void state_put(struct store *store, const char *instance, struct str key, struct str json);
void state_delete(struct store *store, const char *instance, struct str key);
void state_each(struct store *store, const char *instance, state_fn *fn, void *data);

/* A schedule of tusk.every or tusk.daily. Times are Unix ms. */
struct schedule_row {
	int64_t due_ms;    /* next */
	int64_t last_ms;   /* the newest due time that was taken; 0: none */
	int64_t spec_hash; /* of what it was registered with; 0: not known */
	int64_t runs;      /* due times that ran, */
	int64_t missed;    /* that passed while nothing ran, */
	int64_t skipped;   /* that came while the run before was not over */
};
/* False, and an empty row, when it is not known. */
bool schedule_get(
	struct store *store, const char *instance, const char *name, struct schedule_row *row);
void schedule_put(struct store *store, const char *instance, const char *name,
	const struct schedule_row *row);
/* Those of the instance whose names are not in `names`, a JSON list. */
bool schedule_has_others(struct store *store, const char *instance, struct str names);
void schedule_delete_others(struct store *store, const char *instance, struct str names);

/* Committed length of an archive file, by its path below the state folder. 0 when unknown. */
int64_t archive_length(struct store *store, const char *file);
void archive_put_length(struct store *store, const char *file, int64_t length);
void archive_delete(struct store *store, const char *file);
typedef void archive_fn(void *data, const char *file, int64_t length);
void archive_each(struct store *store, archive_fn *fn, void *data);

/* Facts about the host itself ("own:ACCOUNT" -> account id, ...). Returns new text or NULL. */
char *fact_get(struct store *store, const char *name);
/* Those whose name starts with `prefix`, by name; text is borrowed for the call. */
typedef void fact_fn(void *data, const char *name, const char *value);
void fact_each(struct store *store, const char *prefix, fact_fn *fn, void *data);
void fact_put(struct store *store, const char *name, struct str value);
