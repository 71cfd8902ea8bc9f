/* SPDX-License-Identifier: MIT */
/* Rolling windows: totals of a window, what is added, and what the caps take away. */
#include "windows.h"

#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "limits.h"
#include "utlist.h"
#include "window_keys.h"
#include "xmalloc.h"

#define SAY_EVERY_MS INT64_C(600000) /* of event time, between two messages about caps */

struct windows *
windows_create(const char *instance)
{
	struct windows *windows = xcalloc(1, sizeof(*windows));
	windows->instance = xstrdup(instance);
	windows_forget(windows);
	return windows;
}

void
windows_destroy(struct windows *windows)
{
	if (windows == NULL) {
		return;
	}
	windows_forget(windows);
	free(windows->instance);
	free(windows);
}

void
windows_load(struct windows *windows, struct store *store)
{
	windows_forget(windows);
	sqlite3_stmt *stmt = db_use(store, SQL_WINDOW_EACH);
	db_put_text(stmt, 1, windows->instance);
	while (db_next(store, stmt)) {
		window_load_row(windows, stmt);
	}
	db_done(store, SQL_WINDOW_EACH, stmt);
}

/* What one entry adds to a window that it enters. */
static int64_t
enters(const struct window_entry *entry)
{
	if (entry->value == NULL) {
		return entry->amount;
	}
	return entry->value->met++ == 0 ? 1 : 0;
}

static int64_t
leaves(const struct window_entry *entry)
{
	if (entry->value == NULL) {
		return entry->amount;
	}
	return --entry->value->met == 0 ? 1 : 0;
}

/* Nothing is newer than the event: one window, from its end. */
static int64_t
total_ending(
	const struct windows *windows, const struct window_key *key, const struct window_ask *ask)
{
	const struct window_entry *entries = window_entries(key);
	int64_t after_ms = ask->at_ms - ask->within_ms;
	int64_t total = 0;
	for (size_t i = key->count; i > 0 && entries[i - 1].at_ms > after_ms; i--) {
		struct window_value *value = entries[i - 1].value;
		if (!window_counts(windows, &entries[i - 1], ask->within_ms)) {
			continue;
		}
		if (value == NULL) {
			total += entries[i - 1].amount;
		} else if (value->stamp != windows->stamp) {
			value->stamp = windows->stamp;
			total++;
		}
	}
	return total;
}

/* The event is a late one: all windows that it lies in, from the one that ends with it to the one that starts with it. */
static int64_t
total_fullest(
	const struct windows *windows, const struct window_key *key, const struct window_ask *ask)
{
	const struct window_entry *entries = window_entries(key);
	size_t low = window_place(key, ask->at_ms - ask->within_ms);
	size_t end = window_place(key, ask->at_ms + ask->within_ms - 1);
	for (size_t i = low; i < end; i++) {
		if (entries[i].value != NULL) {
			/* a value that is counted elsewhere is never met for the first time */
			entries[i].value->met = entries[i].value->stamp == windows->stamp ? 1 : 0;
		}
	}
	int64_t total = 0;
	int64_t most = 0;
	for (size_t i = low; i < end; i++) {
		if (!window_counts(windows, &entries[i], ask->within_ms)) {
			continue;
		}
		for (; entries[low].at_ms <= entries[i].at_ms - ask->within_ms; low++) {
			if (window_counts(windows, &entries[low], ask->within_ms)) {
				total -= leaves(&entries[low]);
			}
		}
		total += enters(&entries[i]);
		if (total > most) {
			most = total;
		}
	}
	return most;
}

int64_t
windows_total(struct windows *windows, const struct window_ask *ask, const struct str *more,
	size_t more_count, bool *capped)
{
	struct window_key *key = window_key_find(windows, ask->kind, ask->key);
	int64_t after_ms = ask->at_ms - ask->within_ms;
	if (capped != NULL) {
		*capped = (key != NULL ? key->lost_ms : windows->lost_ms) > after_ms;
	}
	if (key == NULL) {
		return (int64_t)more_count;
	}
	window_ask_for(key, ask->within_ms);
	windows->stamp++;
	for (size_t i = 0; i < more_count; i++) {
		struct window_value *value = window_value_find(key, more[i]);
		if (value != NULL) {
			value->stamp = windows->stamp;
		}
	}
	bool in_order = key->count == 0 || window_entries(key)[key->count - 1].at_ms <= ask->at_ms;
	return (int64_t)more_count +
	       (in_order ? total_ending(windows, key, ask) : total_fullest(windows, key, ask));
}

static bool
is_marked(const struct windows *windows, const struct window_key *key, const struct window_ask *ask)
{
	const struct window_entry *entries = window_entries(key);
	size_t at = window_place(key, ask->at_ms - ask->within_ms);
	for (; at < key->count && entries[at].at_ms < ask->at_ms + ask->within_ms; at++) {
		if (window_counts(windows, &entries[at], ask->within_ms)) {
			return true;
		}
	}
	return false;
}

bool
windows_has(struct windows *windows, const struct window_ask *ask)
{
	const struct window_key *key = window_key_find(windows, ask->kind, ask->key);
	if (key == NULL || key->count == 0) {
		return false;
	}
	if (ask->kind == WINDOW_ONCE) {
		return is_marked(windows, key, ask);
	}
	struct window_name name;
	window_name_put(&name, -1, ask->value);
	const struct window_entry *entries = window_entries(key);
	for (size_t i = window_place(key, ask->at_ms); i > 0 && entries[i - 1].at_ms == ask->at_ms;
		i--) {
		const struct window_value *value = entries[i - 1].value;
		bool same = value != NULL ? value->len == name.len &&
						    memcmp(value->text, name.text, name.len) == 0
					  : entries[i - 1].event == ask->event;
		if (same) {
			return true;
		}
	}
	return false;
}

enum window_kind
windows_kind(struct windows *windows, struct str text)
{
	const struct window_key *count = window_key_find(windows, WINDOW_COUNT, text);
	const struct window_key *distinct = window_key_find(windows, WINDOW_DISTINCT, text);
	if (count == NULL || count->count == 0 || distinct == NULL || distinct->count == 0) {
		return distinct != NULL && distinct->count > 0 ? WINDOW_DISTINCT : WINDOW_COUNT;
	}
	return window_entries(distinct)[distinct->count - 1].at_ms >=
			       window_entries(count)[count->count - 1].at_ms
		       ? WINDOW_DISTINCT
		       : WINDOW_COUNT;
}

/* Makes room for one more entry of `key`. Returns what had to go for that: NULL for nothing. */
static const char *
make_room(struct windows *windows, struct store *store, struct window_key *key)
{
	const char *what = NULL;
	if (key->count >= WINDOW_ENTRIES_MAX) {
		key->lost_ms = window_entries(key)->at_ms;
		window_drop_first(windows, store, key);
		what = "the oldest entries of one key";
	}
	while (windows->key_count > WINDOW_KEYS_MAX ||
		windows->entry_count >= WINDOW_ENTRIES_ALL_MAX) {
		struct window_key *oldest = windows->used;
		if (oldest == key) {
			break;
		}
		if (oldest->count > 0 &&
			window_entries(oldest)[oldest->count - 1].at_ms > windows->lost_ms) {
			windows->lost_ms = window_entries(oldest)[oldest->count - 1].at_ms;
		}
		window_key_drop(windows, store, oldest);
		what = "the keys that were not used for the longest time";
	}
	return what;
}

bool
windows_add(
	struct windows *windows, struct store *store, const struct window_ask *ask, char *message)
{
	if (ask->at_ms > windows->newest_ms) {
		windows->newest_ms = ask->at_ms;
	}
	if (windows_has(windows, ask)) {
		return false;
	}
	struct window_key *key = window_key_find(windows, ask->kind, ask->key);
	if (key == NULL) {
		key = window_key_make(windows, ask->kind, ask->key);
	} else {
		if (windows->sweeps == key) {
			windows->sweeps = key->next;
		}
		DL_DELETE(windows->used, key);
		DL_APPEND(windows->used, key);
	}
	window_ask_for(key, ask->within_ms);
	window_write_longest(store, key);
	window_drop_over(windows, store, key);
	const char *lost = make_room(windows, store, key);
	struct window_entry entry = {
		.at_ms = ask->at_ms,
		.since_ms = window_since(windows, ask->at_ms),
		.amount = ask->kind == WINDOW_COUNT ? ask->amount : 1,
		.event = ask->event,
		.value = ask->kind == WINDOW_DISTINCT ? window_value_hold(windows, key, ask->value)
						      : NULL,
	};
	if (!window_moves_on(windows, store, key, &entry, ask->within_ms)) {
		entry.row = window_write(windows, store, key, &entry);
		(void)window_insert(windows, key, &entry);
	}
	windows_sweep(windows, store);
	if (lost == NULL || ask->at_ms < windows->say_ms) {
		return false;
	}
	windows->say_ms = ask->at_ms + SAY_EVERY_MS;
	snprintf(message, MESSAGE_MAX,
		"too much to count: %s had to be forgotten (at most %d keys with %d entries each, %d in all), so totals may "
		"be too small; count with a shorter \"within\", or under fewer keys",
		lost, WINDOW_KEYS_MAX, WINDOW_ENTRIES_MAX, WINDOW_ENTRIES_ALL_MAX);
	return true;
}

struct windows_size
windows_size(const struct windows *windows)
{
	/* The texts are short; entries are doubled when they run out. */
	return (struct windows_size){
		.keys = windows->key_count,
		.entries = windows->entry_count,
		.bytes = windows->key_count * (sizeof(struct window_key) + 64) +
			 windows->value_count * (sizeof(struct window_value) + 64) +
			 windows->entry_count * sizeof(struct window_entry) * 3 / 2,
	};
}

void
windows_expire(struct windows *windows, struct store *store, int64_t now_ms)
{
	struct window_key *key = NULL;
	struct window_key *next = NULL;
	if (now_ms > windows->newest_ms) {
		windows->newest_ms = now_ms;
	}
	DL_FOREACH_SAFE(windows->used, key, next) {
		window_drop_over(windows, store, key);
		if (key->count == 0) {
			window_key_drop(windows, store, key);
		}
	}
}

int
windows_prune(struct store *store, int64_t before_ms, int limit)
{
	sqlite3_stmt *stmt = db_use(store, SQL_WINDOW_PRUNE);
	db_put_int(stmt, 1, before_ms);
	db_put_int(stmt, 2, limit);
	return db_write(store, SQL_WINDOW_PRUNE, stmt);
}
