/* SPDX-License-Identifier: MIT */
/* Plugin state, due times of schedules, lengths of archive files, facts of the host. */
#include "state.h"

#include "db.h"

void
state_put(struct store *store, const char *instance, struct str key, struct str json)
{
	sqlite3_stmt *stmt = db_use(store, SQL_STATE_PUT);
	db_put_text(stmt, 1, instance);
	db_put_key(stmt, 2, key);
	db_put_key(stmt, 3, json);
	(void)db_write(store, SQL_STATE_PUT, stmt);
}

void
state_delete(struct store *store, const char *instance, struct str key)
{
	sqlite3_stmt *stmt = db_use(store, SQL_STATE_DELETE);
	db_put_text(stmt, 1, instance);
	db_put_key(stmt, 2, key);
	(void)db_write(store, SQL_STATE_DELETE, stmt);
}

void
state_each(struct store *store, const char *instance, state_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_STATE_EACH);
	db_put_text(stmt, 1, instance);
	while (db_next(store, stmt)) {
		fn(data, db_str(stmt, 0), db_str(stmt, 1));
	}
	db_done(store, SQL_STATE_EACH, stmt);
}

bool
schedule_get(struct store *store, const char *instance, const char *name, struct schedule_row *row)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SCHEDULE_GET);
	db_put_text(stmt, 1, instance);
	db_put_text(stmt, 2, name);
	bool found = db_next(store, stmt);
	*row = (struct schedule_row){0};
	if (found) {
		*row = (struct schedule_row){
			.due_ms = sqlite3_column_int64(stmt, 0),
			.last_ms = sqlite3_column_int64(stmt, 1),
			.spec_hash = sqlite3_column_int64(stmt, 2),
			.runs = sqlite3_column_int64(stmt, 3),
			.missed = sqlite3_column_int64(stmt, 4),
			.skipped = sqlite3_column_int64(stmt, 5),
		};
	}
	db_done(store, SQL_SCHEDULE_GET, stmt);
	return found;
}

void
schedule_put(
	struct store *store, const char *instance, const char *name, const struct schedule_row *row)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SCHEDULE_PUT);
	db_put_text(stmt, 1, instance);
	db_put_text(stmt, 2, name);
	db_put_int(stmt, 3, row->due_ms);
	db_put_int(stmt, 4, row->last_ms);
	db_put_int(stmt, 5, row->spec_hash);
	db_put_int(stmt, 6, row->runs);
	db_put_int(stmt, 7, row->missed);
	db_put_int(stmt, 8, row->skipped);
	(void)db_write(store, SQL_SCHEDULE_PUT, stmt);
}

bool
schedule_has_others(struct store *store, const char *instance, struct str names)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SCHEDULE_OTHERS);
	db_put_text(stmt, 1, instance);
	db_put_str(stmt, 2, names);
	bool found = db_next(store, stmt);
	db_done(store, SQL_SCHEDULE_OTHERS, stmt);
	return found;
}

void
schedule_delete_others(struct store *store, const char *instance, struct str names)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SCHEDULE_DELETE_OTHERS);
	db_put_text(stmt, 1, instance);
	db_put_str(stmt, 2, names);
	(void)db_write(store, SQL_SCHEDULE_DELETE_OTHERS, stmt);
}

int64_t
archive_length(struct store *store, const char *file)
{
	sqlite3_stmt *stmt = db_use(store, SQL_ARCHIVE_GET);
	db_put_text(stmt, 1, file);
	int64_t length = db_next(store, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	db_done(store, SQL_ARCHIVE_GET, stmt);
	return length;
}

void
archive_put_length(struct store *store, const char *file, int64_t length)
{
	sqlite3_stmt *stmt = db_use(store, SQL_ARCHIVE_PUT);
	db_put_text(stmt, 1, file);
	db_put_int(stmt, 2, length);
	(void)db_write(store, SQL_ARCHIVE_PUT, stmt);
}

void
archive_delete(struct store *store, const char *file)
{
	sqlite3_stmt *stmt = db_use(store, SQL_ARCHIVE_DELETE);
	db_put_text(stmt, 1, file);
	(void)db_write(store, SQL_ARCHIVE_DELETE, stmt);
}

void
archive_each(struct store *store, archive_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_ARCHIVE_EACH);
	while (db_next(store, stmt)) {
		fn(data, db_str(stmt, 0).ptr, sqlite3_column_int64(stmt, 1));
	}
	db_done(store, SQL_ARCHIVE_EACH, stmt);
}

char *
fact_get(struct store *store, const char *name)
{
	sqlite3_stmt *stmt = db_use(store, SQL_FACT_GET);
	db_put_text(stmt, 1, name);
	char *value = db_next(store, stmt) ? db_dup(stmt, 0) : NULL;
	db_done(store, SQL_FACT_GET, stmt);
	return value;
}

void
fact_each(struct store *store, const char *prefix, fact_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_FACT_EACH);
	db_put_text(stmt, 1, prefix);
	while (db_next(store, stmt)) {
		fn(data, db_str(stmt, 0).ptr, db_str(stmt, 1).ptr);
	}
	db_done(store, SQL_FACT_EACH, stmt);
}

void
fact_put(struct store *store, const char *name, struct str value)
{
	sqlite3_stmt *stmt = db_use(store, SQL_FACT_PUT);
	db_put_text(stmt, 1, name);
	db_put_str(stmt, 2, value);
	(void)db_write(store, SQL_FACT_PUT, stmt);
}
