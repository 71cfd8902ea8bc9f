/* SPDX-License-Identifier: MIT */
/* Outbox rows: each a finished request under a deterministic key. */
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
	char *key;  /* unique; design section 5, "Action keys" */
	char *lane; /* "INSTANCE|HOST": the rows of one lane are sent one after the other */
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
	char *made_url; /* address of what was made, where the server gave one; NULL */
	int64_t created_ms, updated_ms;
};
void intent_finish(struct intent *intent); /* frees the texts */

/* Adds a row (sets intent->row). ERR_EXISTS when the key is taken: nothing is written then. */
enum err intent_add(struct store *store, struct intent *intent) MUST_USE;
bool intent_get(struct store *store, const char *key, struct intent *out); /* out is new */
void intent_update(struct store *store,
	const struct intent *intent); /* state, attempts, status, outcome, made_url, times */
/* Open rows by row number, greater than `after_row`, at most `limit`; `fn` borrows. */
struct intent_page {
	const char *lane; /* NULL: of all */
	int64_t after_row;
	int limit;
};
typedef void intent_fn(void *data, const struct intent *intent);
void intent_each_open(
	struct store *store, const struct intent_page *page, intent_fn *fn, void *data);
typedef void lane_fn(void *data, const char *lane);
void intent_each_lane(struct store *store, lane_fn *fn, void *data); /* that has open rows */
int64_t intent_count_open(struct store *store);
/* How many rows of (instance, action) that are not FAILED were created after `since_ms`. */
int64_t intent_count(
	struct store *store, const char *instance, const char *action, int64_t since_ms);
/* True when a row of the instance and action of `like` that is DONE made `id`. Looks at rows younger
 * than INTENT_MADE_SPAN_MS before `like`. */
#define INTENT_MADE_SPAN_MS 86400000
bool intent_made(struct store *store, const struct intent *like, struct str id);
int intent_prune(struct store *store, int64_t before_ms, int limit); /* ended ones only */
