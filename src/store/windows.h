/* SPDX-License-Identifier: MIT */
/* Rolling windows: what tusk.count, distinct and once remember of one instance, in memory and in the store. */
#pragma once

#include "store.h"

enum window_kind {
	WINDOW_COUNT,    /* amounts, added up */
	WINDOW_DISTINCT, /* different values */
	WINDOW_ONCE,     /* marks that are further apart than the window is long */
};

/* What one call asks. Text is borrowed; keys and values longer than WINDOW_TEXT_MAX are told apart by their start and
 * a hash. Times are event times, Unix ms. */
struct window_ask {
	enum window_kind kind;
	struct str key;
	struct str value;  /* WINDOW_DISTINCT */
	int64_t at_ms;     /* of the event that is handled */
	int64_t within_ms; /* > 0 */
	int64_t amount;    /* WINDOW_COUNT: > 0 */
	uint64_t event;    /* which event it is: one counts once under one key */
};

struct windows;

struct windows *windows_create(const char *instance); /* new, empty; nothing is read yet */
void windows_destroy(struct windows *windows);
/* Forgets what is in memory and reads the rows of the instance: at the start, and after a transaction in which something
 * was added was rolled back. */
void windows_load(struct windows *windows, struct store *store);

/* The total of the fullest window of that length which `at_ms` lies in: where events come in order, of the one that ends
 * with it. `more` are values at `at_ms` that are counted though they are not added yet (WINDOW_DISTINCT).
 * *capped (may be NULL): a cap has taken entries away that would count. */
int64_t windows_total(struct windows *windows, const struct window_ask *ask, const struct str *more,
	size_t more_count, bool *capped);
/* True when this event has been counted under this key (WINDOW_COUNT), the value stands at this very time
 * (WINDOW_DISTINCT), or a mark is closer than `within_ms` (WINDOW_ONCE). */
bool windows_has(struct windows *windows, const struct window_ask *ask);
/* The kind of the key `text` that was added to last, for a reader that does not know. */
enum window_kind windows_kind(struct windows *windows, struct str text);

/* Adds it when windows_has says no, in memory and as a row: inside the transaction; without a store in memory only. True: a
 * cap took something away and it is time to say so; `message` (MESSAGE_MAX bytes) has the words. */
bool windows_add(struct windows *windows, struct store *store, const struct window_ask *ask,
	char *message) MUST_USE;

/* Keys, entries and bytes in memory, for status and budgets. */
struct windows_size {
	size_t keys, entries, bytes;
};
struct windows_size windows_size(const struct windows *windows);
/* What is over at `now_ms` goes, also of an instance that counts nothing any more. */
void windows_expire(struct windows *windows, struct store *store, int64_t now_ms);
/* Deletes rows that were over at `before_ms`, for instances that are gone: the rows of a loaded one go with windows_expire,
 * which must have run at a later time. At most `limit`. Returns how many. */
int windows_prune(struct store *store, int64_t before_ms, int limit);
