/* SPDX-License-Identifier: MIT */
/* What belongs to an instance or to the host's files: plugin state, schedules, archive lengths. */
#pragma once

#include "store.h"

/* tusk.store: top-level keys with their JSON text. */
typedef void state_fn(void *data, struct str key, struct str json);
void state_put(struct store *store, const char *instance, struct str key, struct str json);
void state_delete(struct store *store, const char *instance, struct str key);
void state_each(struct store *store, const char *instance, state_fn *fn, void *data);

/* Due times of tusk.every, Unix ms. False when never run. */
bool schedule_get(struct store *store, const char *instance, const char *name, int64_t *due_ms);
void schedule_put(struct store *store, const char *instance, const char *name, int64_t due_ms);

/* Committed length of an archive file, by its path below the state folder. 0 when unknown. */
int64_t archive_length(struct store *store, const char *file);
void archive_put_length(struct store *store, const char *file, int64_t length);
typedef void archive_fn(void *data, const char *file, int64_t length);
void archive_each(struct store *store, archive_fn *fn, void *data);

/* Facts about the host itself ("own:ACCOUNT" -> account id, ...). Returns new text or NULL. */
char *fact_get(struct store *store, const char *name);
void fact_put(struct store *store, const char *name, struct str value);
