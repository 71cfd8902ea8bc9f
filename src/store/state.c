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
schedule_get(struct store *store, const char *instance, const char *name, int64_t *due_ms)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SCHEDULE_GET);
	db_put_text(stmt, 1, instance);
	db_put_text(stmt, 2, name);
	bool found = db_next(store, stmt);
	if (found) {
		*due_ms = sqlite3_column_int64(stmt, 0);
	}
	db_done(store, SQL_SCHEDULE_GET, stmt);
	return found;
}

void
schedule_put(struct store *store, const char *instance, const char *name, int64_t due_ms)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SCHEDULE_PUT);
	db_put_text(stmt, 1, instance);
	db_put_text(stmt, 2, name);
	db_put_int(stmt, 3, due_ms);
	(void)db_write(store, SQL_SCHEDULE_PUT, stmt);
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
fact_put(struct store *store, const char *name, struct str value)
{
	sqlite3_stmt *stmt = db_use(store, SQL_FACT_PUT);
	db_put_text(stmt, 1, name);
	db_put_str(stmt, 2, value);
	(void)db_write(store, SQL_FACT_PUT, stmt);
}
