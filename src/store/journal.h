/* SPDX-License-Identifier: MIT */
/* The journal of decisions: what was handled, asked for, refused and why. */
#pragma once

#include "store.h"

struct journal_entry {
	int64_t at_ms;
	const char *instance;
	const char *what; /* "handled" "action" "refused" "dead_letter" "outcome" "loaded" ... */
	struct str event_key; /* kind and id, "update:1156…" */
	struct str detail;    /* JSON */
};
/* In a transaction. Rows are written in their order, by the commit at the latest. */
void journal_add(struct store *store, const struct journal_entry *entry);
typedef void journal_fn(void *data, const struct journal_entry *entry);
void journal_each(
	struct store *store, struct str event_key, journal_fn *fn, void *data); /* empty key: all */
int journal_prune(struct store *store, int64_t before_ms, int limit);
