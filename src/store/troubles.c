/* SPDX-License-Identifier: MIT */
/* Instances that were switched off, and dead letters: events whose handler failed. */
#include "troubles.h"

#include "db.h"

void
quarantine_put(struct store *store, const struct quarantine *quarantine)
{
	sqlite3_stmt *stmt = db_use(store, SQL_QUARANTINE_PUT);
	db_put_text(stmt, 1, quarantine->instance);
	db_put_int(stmt, 2, quarantine->at_ms);
	db_put_text(stmt, 3, quarantine->why);
	db_put_text(stmt, 4, quarantine->report);
	db_put_int(stmt, 5, quarantine->source);
	db_put_int(stmt, 6, quarantine->missed);
	db_put_text(stmt, 7, quarantine->streams);
	db_put_text(stmt, 8, quarantine->files);
	(void)db_write(store, SQL_QUARANTINE_PUT, stmt);
}

void
quarantine_delete(struct store *store, const char *instance)
{
	sqlite3_stmt *stmt = db_use(store, SQL_QUARANTINE_DELETE);
	db_put_text(stmt, 1, instance);
	(void)db_write(store, SQL_QUARANTINE_DELETE, stmt);
}

static bool
each(struct store *store, enum sql sql, const char *instance, quarantine_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, sql);
	bool found = false;
	if (instance != NULL) {
		db_put_text(stmt, 1, instance);
	}
	while (db_next(store, stmt)) {
		struct quarantine quarantine = {
			.instance = db_str(stmt, 0).ptr,
			.at_ms = sqlite3_column_int64(stmt, 1),
			.why = db_str(stmt, 2).ptr,
			.report = db_str(stmt, 3).ptr,
			.source = sqlite3_column_int64(stmt, 4),
			.missed = sqlite3_column_int64(stmt, 5),
			.streams = db_str(stmt, 6).ptr,
			.files = db_str(stmt, 7).ptr,
		};
		found = true;
		fn(data, &quarantine);
	}
	db_done(store, sql, stmt);
	return found;
}

bool
quarantine_get(struct store *store, const char *instance, quarantine_fn *fn, void *data)
{
	return each(store, SQL_QUARANTINE_GET, instance, fn, data);
}

void
quarantine_each(struct store *store, quarantine_fn *fn, void *data)
{
	(void)each(store, SQL_QUARANTINE_EACH, NULL, fn, data);
}

void
letter_each(struct store *store, const char *instance, letter_fn *fn, void *data)
{
	journal_flush(store);
	sqlite3_stmt *stmt = db_use(store, SQL_LETTER_EACH);
	db_put_text(stmt, 1, instance);
	while (db_next(store, stmt)) {
		struct letter letter = {
			.row = sqlite3_column_int64(stmt, 0),
			.at_ms = sqlite3_column_int64(stmt, 1),
			.instance = db_str(stmt, 2).ptr,
			.event_key = db_str(stmt, 3),
			.detail = db_str(stmt, 4),
		};
		fn(data, &letter);
	}
	db_done(store, SQL_LETTER_EACH, stmt);
}

int64_t
letter_count(struct store *store, const char *instance)
{
	journal_flush(store);
	sqlite3_stmt *stmt = db_use(store, SQL_LETTER_COUNT);
	db_put_text(stmt, 1, instance);
	int64_t count = db_next(store, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	db_done(store, SQL_LETTER_COUNT, stmt);
	return count;
}
