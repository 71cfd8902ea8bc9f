/* SPDX-License-Identifier: MIT */
/* What the files of rolling windows share: keys with their entries in order of time. Not for other layers. */
#pragma once

#include <sqlite3.h>

#include "limits.h"
#include "windows.h"

/* One of the values of a distinct key. */
struct window_value {
	char *text;
	size_t len;
	unsigned entries;           /* that have it */
	uint64_t stamp;             /* of the last count that met it */
	unsigned met;               /* how often, in the window that slides */
	int64_t last_ms, before_ms; /* its two newest entries; INT64_MIN: none */
};

struct window_entry {
	int64_t at_ms;
	int64_t since_ms; /* the newest event when it was added: it counts for twice the window from there */
	int64_t amount;
	uint64_t event;
	int64_t row;
	struct window_value *value; /* NULL but for WINDOW_DISTINCT */
};

struct hashed_key;
struct hashed_value;

struct window_key {
	char *name; /* the kind as a character, then the text */
	size_t len;
	struct window_entry *entries;   /* by time */
	size_t first, count, size;      /* entries[first .. first + count) of `size` */
	struct hashed_value *values;    /* window_keys.c */
	int64_t longest_ms;             /* window that was asked for */
	int64_t written_ms;             /* the longest that its rows know of */
	int64_t lost_ms;                /* the newest entry that a cap took away; INT64_MIN: none */
	struct window_key *prev, *next; /* order of use, oldest first */
};

struct windows {
	char *instance;
	struct hashed_key *keys;
	struct window_key *used;   /* list through key::next */
	struct window_key *sweeps; /* the next one to be looked at; NULL: the first */
	size_t key_count, entry_count, value_count;
	uint64_t stamp;
	int64_t newest_ms; /* of all events: what is over is over by this clock */
	int64_t lost_ms;   /* the newest entry of the keys that a cap took away */
	int64_t say_ms;    /* not before: the next message about caps */
};

/* A key or value as it is kept. */
struct window_name {
	char text[WINDOW_TEXT_MAX + 40];
	size_t len;
};
/* `kind` < 0: of a value. */
void window_name_put(struct window_name *name, int kind, struct str text);

/* The oldest; there are key->count of them. */
static inline struct window_entry *
window_entries(const struct window_key *key)
{
	return key->entries + key->first;
}

struct window_key *window_key_find(
	const struct windows *windows, enum window_kind kind, struct str text); /* NULL: none */
struct window_key *window_key_make(struct windows *windows, enum window_kind kind, struct str text);
/* Notes that a window of that length was asked for; the rows are told by window_write_longest. */
void window_ask_for(struct window_key *key, int64_t within_ms);
void window_write_longest(struct store *store, struct window_key *key);
/* An entry counts for twice the window: an event that comes late, at most as late as the window is long, is counted
 * exactly. One that is late itself stays as long as others that are as late may come. What counts never depends on
 * which rows have been tidied away already: a restart changes no total. */
int64_t window_since(const struct windows *windows, int64_t at_ms);
bool window_counts(
	const struct windows *windows, const struct window_entry *entry, int64_t within_ms);

struct window_value *window_value_find(
	const struct window_key *key, struct str text); /* NULL: none */
/* The value of that text, counted as held by one entry more. */
struct window_value *window_value_hold(
	struct windows *windows, struct window_key *key, struct str text);
/* Where an entry of that time goes: behind those of the same time. */
size_t window_place(const struct window_key *key, int64_t at_ms);
struct window_entry *window_insert(
	struct windows *windows, struct window_key *key, const struct window_entry *entry);
/* A value came again soon: of three entries that one window holds the middle one says nothing, whatever window of that
 * length one looks at, and moves to the new time. So a key holds few entries for each value, however often it comes. */
bool window_moves_on(struct windows *windows, struct store *store, struct window_key *key,
	const struct window_entry *entry, int64_t within_ms);
/* Returns the row's number; 0 without a store. */
int64_t window_write(const struct windows *windows, struct store *store,
	const struct window_key *key, const struct window_entry *entry);
void window_load_row(struct windows *windows, sqlite3_stmt *stmt); /* columns as SQL_WINDOW_EACH */

void window_drop_first(struct windows *windows, struct store *store, struct window_key *key);
void window_drop_over(struct windows *windows, struct store *store, struct window_key *key);
void window_key_drop(struct windows *windows, struct store *store, struct window_key *key);
/* Looks at some keys: those that nobody asks for any more end, too. */
void windows_sweep(struct windows *windows, struct store *store);
void windows_forget(struct windows *windows); /* all that is in memory */
