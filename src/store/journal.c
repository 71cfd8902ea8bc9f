/* SPDX-License-Identifier: MIT */
/* The journal: rows wait until there are some to write with one statement, at the latest for the commit. */
#include "journal.h"

#include "db.h"
#include "limits.h"

enum { COLUMNS = 5 };

static void
put_row(sqlite3_stmt *stmt, int row, const struct journal_entry *entry)
{
	int at = row * COLUMNS;
	db_put_int(stmt, at + 1, entry->at_ms);
	db_put_text(stmt, at + 2, entry->instance);
	db_put_text(stmt, at + 3, entry->what);
	db_put_str(stmt, at + 4, entry->event_key);
	db_put_str(stmt, at + 5, entry->detail);
}

static void
write_one(struct store *store, const struct journal_entry *entry)
{
	sqlite3_stmt *stmt = db_use(store, SQL_JOURNAL_ADD);
	put_row(stmt, 0, entry);
	(void)db_write(store, SQL_JOURNAL_ADD, stmt);
}

static struct journal_text
hold_text(struct journal_queue *queue, struct str text)
{
	struct journal_text held = {queue->texts.len, text.len, text.ptr == NULL};
	(void)buf_add_str(&queue->texts, text);
	/* Names go to the database as texts that end in NUL. */
	(void)buf_add_char(&queue->texts, '\0');
	return held;
}

static struct str
held_text(const struct journal_queue *queue, struct journal_text held)
{
	return held.absent ? STR_NONE : (struct str){queue->texts.ptr + held.at, held.len};
}

static struct journal_entry
held_entry(const struct journal_queue *queue, const struct journal_row *row)
{
	return (struct journal_entry){
		.at_ms = row->at_ms,
		.instance = held_text(queue, row->texts[0]).ptr,
		.what = held_text(queue, row->texts[1]).ptr,
		.event_key = held_text(queue, row->texts[2]),
		.detail = held_text(queue, row->texts[3]),
	};
}

void
journal_forget(struct store *store)
{
	store->journal.count = 0;
	buf_clear(&store->journal.texts);
}

void
journal_flush(struct store *store)
{
	struct journal_queue *queue = &store->journal;
	if (queue->count == JOURNAL_MANY) {
		sqlite3_stmt *stmt = db_use(store, SQL_JOURNAL_ADD_MANY);
		for (int i = 0; i < JOURNAL_MANY; i++) {
			struct journal_entry entry = held_entry(queue, &queue->rows[i]);
			put_row(stmt, i, &entry);
		}
		(void)db_write(store, SQL_JOURNAL_ADD_MANY, stmt);
	} else {
		for (size_t i = 0; i < queue->count; i++) {
			struct journal_entry entry = held_entry(queue, &queue->rows[i]);
			write_one(store, &entry);
		}
	}
	journal_forget(store);
}

void
journal_add(struct store *store, const struct journal_entry *entry)
{
	struct journal_queue *queue = &store->journal;
	struct str texts[4] = {
		str_from(entry->instance), str_from(entry->what), entry->event_key, entry->detail};
	size_t bytes = 4;
	REQUIRE(store->in_transaction);
	for (int i = 0; i < 4; i++) {
		bytes += texts[i].len;
	}
	if (queue->texts.len + bytes > JOURNAL_HELD_MAX) {
		journal_flush(store);
	}
	if (bytes > JOURNAL_HELD_MAX) {
		write_one(store, entry);
		return;
	}
	struct journal_row *row = &queue->rows[queue->count++];
	row->at_ms = entry->at_ms;
	for (int i = 0; i < 4; i++) {
		row->texts[i] = hold_text(queue, texts[i]);
	}
	if (queue->count == JOURNAL_MANY) {
		journal_flush(store);
	}
}

void
journal_each(struct store *store, struct str event_key, journal_fn *fn, void *data)
{
	enum sql sql = event_key.len > 0 ? SQL_JOURNAL_OF_EVENT : SQL_JOURNAL_EACH;
	journal_flush(store);
	sqlite3_stmt *stmt = db_use(store, sql);
	if (event_key.len > 0) {
		db_put_str(stmt, 1, event_key);
	}
	while (db_next(store, stmt)) {
		struct journal_entry entry = {
			.at_ms = sqlite3_column_int64(stmt, 0),
			.instance = db_str(stmt, 1).ptr,
			.what = db_str(stmt, 2).ptr,
			.event_key = db_str(stmt, 3),
			.detail = db_str(stmt, 4),
		};
		fn(data, &entry);
	}
	db_done(store, sql, stmt);
}

int
journal_prune(struct store *store, int64_t before_ms, int limit)
{
	journal_flush(store);
	sqlite3_stmt *stmt = db_use(store, SQL_JOURNAL_PRUNE);
	db_put_int(stmt, 1, before_ms);
	db_put_int(stmt, 2, limit);
	return db_write(store, SQL_JOURNAL_PRUNE, stmt);
}
