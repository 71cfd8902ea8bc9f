/* SPDX-License-Identifier: MIT */
/* What each instance has handled, and what it still has to (design section 5). */
#pragma once

#include "buf.h"
#include "store.h"

struct seen_key {
	const char *instance;
	struct str
		scope; /* "account:NAME" for user, user:notification, direct and list; else "server:HOST" */
	struct str kind; /* wire name */
	struct str id;
	struct str version;
};

bool seen_has(struct store *store, const struct seen_key *key);
/* True when it was not there before, and when the write failed (store_failed): nothing is known then. */
bool seen_add(struct store *store, const struct seen_key *key, int64_t now_ms);
/* Deletes what is older than `before_ms`; at most `limit` rows a call. Returns how many. */
int seen_prune(struct store *store, int64_t before_ms, int limit);

/* Posts that an instance has had, by their rows: greater than `after_row`, not younger than `until_ms`, `limit` at most; stops
 * when `fn` returns false. Text is borrowed for the call. */
struct seen_post {
	int64_t row;
	const char *instance;
	struct str scope, id;
};
typedef bool seen_post_fn(void *data, const struct seen_post *post);
void seen_each_post(struct store *store, int64_t after_row, int64_t until_ms, int limit,
	seen_post_fn *fn, void *data);
int64_t seen_last_row(struct store *store); /* 0: none */

/* Ids that were deleted, so that a post which a fill or a slow server brings afterwards is not taken for a new one. `scope` as
 * in struct seen_key. Adding one that is there changes nothing. */
void tombstone_add(struct store *store, struct str scope, struct str id, int64_t now_ms);
bool tombstone_has(struct store *store, struct str scope, struct str id);
int tombstone_prune(struct store *store, int64_t before_ms, int limit); /* as seen_prune */

/* Deletes that are not proven yet: lines as event_write_line writes them. Returns the row's number. */
int64_t unproven_add(struct store *store, struct str line, int64_t now_ms);
void unproven_delete(struct store *store, int64_t row);
/* Oldest first; stops when `fn` returns false. Text is borrowed for the call. */
typedef bool unproven_fn(void *data, int64_t row, struct str line);
void unproven_each(struct store *store, unproven_fn *fn, void *data);
int unproven_prune(struct store *store, int64_t before_ms, int limit); /* as seen_prune */

/* One matched handler that has not ended yet. */
struct delivery {
	int64_t row; /* 0 for a new one; set by delivery_add */
	const char *instance;
	struct str
		key; /* of its handler; "?" and keys by line: of the first of them that it matches */
	struct str line;    /* the event as event_write_line writes it */
	struct str matched; /* JSON of the reason (rule, view, captures, span) */
	int64_t created_ms;
	int tries;      /* that failed */
	int64_t due_ms; /* not run before, Unix ms; 0: at once */
};
void delivery_add(struct store *store, struct delivery *delivery);
void delivery_delete(struct store *store, int64_t row);
void delivery_retry(struct store *store, int64_t row, int tries, int64_t due_ms);
/* The keys that rows of the instance wait under, each once. Text is borrowed for the call. */
typedef void delivery_key_fn(void *data, struct str key);
void delivery_each_key(struct store *store, const char *instance, delivery_key_fn *fn, void *data);
int64_t delivery_count(struct store *store, const char *instance);
void delivery_rename(struct store *store, const char *instance, struct str from, struct str to);
/* Oldest first, rows greater than `after_row`; stops when `fn` returns false. Text is borrowed for the call. */
typedef bool delivery_fn(void *data, const struct delivery *delivery);
void delivery_each(
	struct store *store, const char *instance, int64_t after_row, delivery_fn *fn, void *data);
