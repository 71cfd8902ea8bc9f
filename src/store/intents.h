/* SPDX-License-Identifier: MIT */
/* Outbox rows: each a finished request under a deterministic key; and the journal of decisions. */
#pragma once

#include "store.h"

enum intent_state {
	INTENT_OPEN, /* to be sent, or sent and not known how it ended */
	INTENT_DONE,
	INTENT_FAILED,  /* the server said no, or attempts ran out */
	INTENT_UNKNOWN, /* may have happened, cannot be looked up: never sent again */
	INTENT_DRY,     /* a dry run's */
};

/* Text is owned by the struct; secrets in url, headers and body stand as {{secret:NAME}}. */
struct intent {
	int64_t row;
	enum intent_state state;
	char *key; /* unique; design section 5, "Action keys" */
	char *instance;
	char *account; /* NULL for a forward */
	char *action;  /* "boost", ... */
	char *target;  /* status id; NULL without */
	char *method;
	char *url;     /* forward: whole; else the path with query below the account's server */
	char *headers; /* JSON object; NULL without */
	char *body;    /* NULL without */
	char *idempotency_key; /* of a post; NULL without */
	char *event_key;       /* the event that asked for it; NULL for schedules */
	char *summary;         /* for people */
	int attempts;          /* that were begun and written down */
	int status;            /* HTTP, of the last answer; 0: none */
	char *outcome; /* words of the last answer or error; on success the id of what was made; NULL */
	int64_t created_ms, updated_ms;
};
void intent_finish(struct intent *intent); /* frees the texts */

/* Adds a row (sets intent->row). ERR_EXISTS when the key is taken: nothing is written then. */
enum err intent_add(struct store *store, struct intent *intent) MUST_USE;
bool intent_get(struct store *store, const char *key, struct intent *out); /* out is new */
void intent_update(struct store *store,
	const struct intent *intent); /* state, attempts, status, outcome, times */
/* Open rows by row number, greater than `after_row`, at most `limit`; `fn` takes nothing (borrowed). */
typedef void intent_fn(void *data, const struct intent *intent);
void intent_each_open(struct store *store, int64_t after_row, int limit, intent_fn *fn, void *data);
/* How many rows of (instance, action) that are not FAILED were created after `since_ms`. */
int64_t intent_count(
	struct store *store, const char *instance, const char *action, int64_t since_ms);
int intent_prune(struct store *store, int64_t before_ms, int limit); /* ended ones only */

/* One decision: what was handled, asked for, refused and why. */
struct journal_entry {
	int64_t at_ms;
	const char *instance;
	const char *what; /* "handled" "action" "refused" "dead_letter" "outcome" "loaded" ... */
	struct str event_key; /* kind and id, "update:1156…" */
	struct str detail;    /* JSON */
};
void journal_add(struct store *store, const struct journal_entry *entry);
typedef void journal_fn(void *data, const struct journal_entry *entry);
void journal_each(
	struct store *store, struct str event_key, journal_fn *fn, void *data); /* empty key: all */
int journal_prune(struct store *store, int64_t before_ms, int limit);
