/* SPDX-License-Identifier: MIT */
/* The keys of rolling windows with their entries in order of time, and the rows that say the same. */
#include "window_keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "uthash.h"
#include "utlist.h"
#include "xmalloc.h"

#define SWEEP_KEYS 2 /* looked at with each addition */

/* Others see the first member. */
struct hashed_key {
	struct window_key key;
	UT_hash_handle hh;
};

struct hashed_value {
	struct window_value value;
	UT_hash_handle hh;
};

void
window_name_put(struct window_name *name, int kind, struct str text)
{
	size_t at = 0;
	if (kind >= 0) {
		name->text[at++] = (char)('0' + kind);
	}
	size_t kept = text.len <= WINDOW_TEXT_MAX ? text.len : WINDOW_TEXT_MAX;
	if (kept > 0) {
		memcpy(name->text + at, text.ptr, kept);
	}
	at += kept;
	if (text.len > kept) {
		at += (size_t)snprintf(name->text + at, sizeof(name->text) - at, "#%zu-%016" PRIx64,
			text.len, str_hash(text));
	}
	name->len = at;
}

struct window_key *
window_key_find(const struct windows *windows, enum window_kind kind, struct str text)
{
	struct window_name name;
	struct hashed_key *found;
	window_name_put(&name, (int)kind, text);
	HASH_FIND(hh, windows->keys, name.text, name.len, found);
	return found != NULL ? &found->key : NULL;
}

/* ---- taking away ---- */

static void
delete_row(struct store *store, int64_t row)
{
	if (store == NULL || row == 0) {
		return;
	}
	sqlite3_stmt *stmt = db_use(store, SQL_WINDOW_DELETE);
	db_put_int(stmt, 1, row);
	(void)db_write(store, SQL_WINDOW_DELETE, stmt);
}

static void
release_value(struct windows *windows, struct window_key *key, struct window_value *value)
{
	if (value == NULL || --value->entries > 0) {
		return;
	}
	struct hashed_value *hashed = (struct hashed_value *)value;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what uthash links is never NULL inside */
	HASH_DEL(key->values, hashed);
	windows->value_count--;
	free(value->text);
	free(hashed);
}

void
window_drop_first(struct windows *windows, struct store *store, struct window_key *key)
{
	struct window_entry *entry = window_entries(key);
	delete_row(store, entry->row);
	release_value(windows, key, entry->value);
	key->first++;
	key->count--;
	windows->entry_count--;
}

void
window_key_drop(struct windows *windows, struct store *store, struct window_key *key)
{
	while (key->count > 0) {
		window_drop_first(windows, store, key);
	}
	if (windows->sweeps == key) {
		windows->sweeps = key->next;
	}
	struct hashed_key *hashed = (struct hashed_key *)key;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what uthash links is never NULL inside */
	HASH_DEL(windows->keys, hashed);
	DL_DELETE(windows->used, key);
	windows->key_count--;
	free(key->entries);
	free(key->name);
	free(hashed);
}

int64_t
window_since(const struct windows *windows, int64_t at_ms)
{
	return at_ms > windows->newest_ms ? at_ms : windows->newest_ms;
}

bool
window_counts(const struct windows *windows, const struct window_entry *entry, int64_t within_ms)
{
	return entry->since_ms + 2 * within_ms >= windows->newest_ms;
}

void
window_drop_over(struct windows *windows, struct store *store, struct window_key *key)
{
	while (key->count > 0 && !window_counts(windows, window_entries(key), key->longest_ms)) {
		window_drop_first(windows, store, key);
	}
}

void
windows_sweep(struct windows *windows, struct store *store)
{
	for (int i = 0; i < SWEEP_KEYS; i++) {
		struct window_key *key = windows->sweeps != NULL ? windows->sweeps : windows->used;
		if (key == NULL) {
			return;
		}
		windows->sweeps = key->next;
		window_drop_over(windows, store, key);
		if (key->count == 0) {
			window_key_drop(windows, store, key);
		}
	}
}

/* ---- putting in ---- */

struct window_key *
window_key_make(struct windows *windows, enum window_kind kind, struct str text)
{
	struct window_name name;
	window_name_put(&name, (int)kind, text);
	struct hashed_key *made = xmalloc(sizeof(*made));
	*made = (struct hashed_key){
		.key =
			{
				.name = xmemdup0(name.text, name.len),
				.len = name.len,
				.lost_ms = windows->lost_ms, /* it may be one of those */
			},
	};
	struct window_key *key = &made->key;
	HASH_ADD_KEYPTR(hh, windows->keys, key->name, key->len, made);
	DL_APPEND(windows->used, key);
	windows->key_count++;
	return key;
}

struct window_value *
window_value_find(const struct window_key *key, struct str text)
{
	struct window_name name;
	struct hashed_value *found;
	window_name_put(&name, -1, text);
	HASH_FIND(hh, key->values, name.text, name.len, found);
	return found != NULL ? &found->value : NULL;
}

struct window_value *
window_value_hold(struct windows *windows, struct window_key *key, struct str text)
{
	struct window_value *value = window_value_find(key, text);
	if (value == NULL) {
		struct window_name name;
		window_name_put(&name, -1, text);
		struct hashed_value *made = xmalloc(sizeof(*made));
		*made = (struct hashed_value){
			.value =
				{
					.text = xmemdup0(name.text, name.len),
					.len = name.len,
					.last_ms = INT64_MIN,
					.before_ms = INT64_MIN,
				},
		};
		value = &made->value;
		HASH_ADD_KEYPTR(hh, key->values, value->text, value->len, made);
		windows->value_count++;
	}
	value->entries++;
	return value;
}

size_t
window_place(const struct window_key *key, int64_t at_ms)
{
	const struct window_entry *entries = window_entries(key);
	size_t low = 0;
	size_t high = key->count;
	if (high == 0 || entries[high - 1].at_ms <= at_ms) {
		return high;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (entries[middle].at_ms <= at_ms) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

struct window_entry *
window_insert(struct windows *windows, struct window_key *key, const struct window_entry *entry)
{
	if (key->first + key->count == key->size) {
		/* The room before `first` is used again before more is asked for. */
		if (key->first > key->size / 2) {
			memmove(key->entries, window_entries(key), key->count * sizeof(*entry));
		} else {
			size_t size = key->size > 0 ? key->size * 2 : 2;
			struct window_entry *entries = xreallocarray(NULL, size, sizeof(*entries));
			if (key->count > 0) {
				memcpy(entries, window_entries(key), key->count * sizeof(*entry));
			}
			free(key->entries);
			key->entries = entries;
			key->size = size;
		}
		key->first = 0;
	}
	size_t at = window_place(key, entry->at_ms);
	struct window_entry *entries = window_entries(key);
	memmove(entries + at + 1, entries + at, (key->count - at) * sizeof(*entry));
	entries[at] = *entry;
	key->count++;
	windows->entry_count++;
	struct window_value *value = entry->value;
	if (value != NULL && entry->at_ms >= value->last_ms) {
		value->before_ms = value->last_ms;
		value->last_ms = entry->at_ms;
	} else if (value != NULL && entry->at_ms > value->before_ms) {
		value->before_ms = entry->at_ms;
	}
	return &entries[at];
}

/* ---- rows ---- */

int64_t
window_write(const struct windows *windows, struct store *store, const struct window_key *key,
	const struct window_entry *entry)
{
	if (store == NULL) {
		return 0;
	}
	sqlite3_stmt *stmt = db_use(store, SQL_WINDOW_ADD);
	const struct window_value *value = entry->value;
	db_put_text(stmt, 1, windows->instance);
	db_put_int(stmt, 2, key->name[0] - '0');
	db_put_key(stmt, 3, (struct str){key->name + 1, key->len - 1});
	db_put_key(stmt, 4, value != NULL ? (struct str){value->text, value->len} : STR_NONE);
	db_put_int(stmt, 5, entry->at_ms);
	db_put_int(stmt, 6, entry->since_ms + 2 * key->longest_ms);
	db_put_int(stmt, 7, entry->amount);
	db_put_int(stmt, 8, (int64_t)entry->event);
	db_put_int(stmt, 9, entry->since_ms);
	return db_write(store, SQL_WINDOW_ADD, stmt) > 0 ? sqlite3_last_insert_rowid(store->db) : 0;
}

static void
move_row(struct store *store, const struct window_key *key, const struct window_entry *entry)
{
	if (store == NULL || entry->row == 0) {
		return;
	}
	sqlite3_stmt *stmt = db_use(store, SQL_WINDOW_MOVE);
	db_put_int(stmt, 1, entry->row);
	db_put_int(stmt, 2, entry->at_ms);
	db_put_int(stmt, 3, entry->since_ms + 2 * key->longest_ms);
	db_put_int(stmt, 4, (int64_t)entry->event);
	db_put_int(stmt, 5, entry->since_ms);
	(void)db_write(store, SQL_WINDOW_MOVE, stmt);
}

void
window_ask_for(struct window_key *key, int64_t within_ms)
{
	if (within_ms > key->longest_ms) {
		key->longest_ms = within_ms;
	}
}

/* A longer window than ever before was asked for: rows stay as long as that needs. */
void
window_write_longest(struct store *store, struct window_key *key)
{
	if (key->longest_ms <= key->written_ms) {
		return;
	}
	key->written_ms = key->longest_ms;
	for (size_t i = 0; i < key->count; i++) {
		move_row(store, key, &window_entries(key)[i]);
	}
}

bool
window_moves_on(struct windows *windows, struct store *store, struct window_key *key,
	const struct window_entry *entry, int64_t within_ms)
{
	struct window_value *value = entry->value;
	if (value == NULL || value->before_ms == INT64_MIN || entry->at_ms < value->last_ms ||
		entry->at_ms - value->before_ms > within_ms) {
		return false;
	}
	struct window_entry *entries = window_entries(key);
	size_t at = key->count;
	while (at > 0 && entries[at - 1].value != value) {
		at--;
	}
	if (at == 0 || entries[at - 1].at_ms != value->last_ms) {
		return false;
	}
	struct window_entry moved = entries[at - 1];
	moved.at_ms = entry->at_ms;
	moved.since_ms = entry->since_ms;
	moved.event = entry->event;
	memmove(entries + at - 1, entries + at, (key->count - at) * sizeof(moved));
	key->count--;
	windows->entry_count--;
	value->last_ms = value->before_ms; /* insert counts it anew */
	move_row(store, key, window_insert(windows, key, &moved));
	value->entries--; /* the one that the caller held for the entry which is not needed */
	return true;
}

void
window_load_row(struct windows *windows, sqlite3_stmt *stmt)
{
	int64_t kind = sqlite3_column_int64(stmt, 1);
	if (kind < WINDOW_COUNT || kind > WINDOW_ONCE) {
		return;
	}
	struct str text = db_str(stmt, 2);
	struct window_key *key = window_key_find(windows, (enum window_kind)kind, text);
	if (key == NULL) {
		key = window_key_make(windows, (enum window_kind)kind, text);
	}
	struct window_entry entry = {
		.row = sqlite3_column_int64(stmt, 0),
		.at_ms = sqlite3_column_int64(stmt, 4),
		.since_ms = sqlite3_column_int64(stmt, 8),
		.amount = sqlite3_column_int64(stmt, 6),
		.event = (uint64_t)sqlite3_column_int64(stmt, 7),
		.value = kind == WINDOW_DISTINCT ? window_value_hold(windows, key, db_str(stmt, 3))
						 : NULL,
	};
	int64_t longest_ms = (sqlite3_column_int64(stmt, 5) - entry.since_ms) / 2;
	if (longest_ms > key->longest_ms) {
		key->longest_ms = longest_ms;
		key->written_ms = longest_ms;
	}
	if (entry.at_ms > windows->newest_ms) {
		windows->newest_ms = entry.at_ms;
	}
	(void)window_insert(windows, key, &entry);
}

void
windows_forget(struct windows *windows)
{
	while (windows->used != NULL) {
		window_key_drop(windows, NULL, windows->used);
	}
	windows->newest_ms = INT64_MIN / 2;
	windows->lost_ms = INT64_MIN;
	windows->say_ms = INT64_MIN;
}
