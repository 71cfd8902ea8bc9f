/* SPDX-License-Identifier: MIT */
/* Cursors, marks, fill rows and gaps in the database. */
#include "fills.h"

#include <stdlib.h>

#include "db.h"

/* Binds 1 to 4. */
static void
put_key(sqlite3_stmt *stmt, const struct source_key *key)
{
	db_put_text(stmt, 1, key->account);
	db_put_key(stmt, 2, key->stream);
	db_put_key(stmt, 3, key->param);
	db_put_text(stmt, 4, key->kind);
}

/* ---- cursors ---- */

static void
put_cursor(struct store *store, enum sql sql, const struct source_key *key, struct str cursor,
	int64_t at_ms)
{
	sqlite3_stmt *stmt = db_use(store, sql);
	put_key(stmt, key);
	db_put_key(stmt, 5, cursor);
	db_put_int(stmt, 6, at_ms);
	(void)db_write(store, sql, stmt);
}

void
cursor_put(struct store *store, const struct source_key *key, struct str cursor, int64_t at_ms)
{
	put_cursor(store, SQL_CURSOR_PUT, key, cursor, at_ms);
}

bool
cursor_get(struct store *store, const struct source_key *key, struct buf *cursor, int64_t *at_ms)
{
	sqlite3_stmt *stmt = db_use(store, SQL_CURSOR_GET);
	put_key(stmt, key);
	bool found = db_next(store, stmt);
	if (found) {
		(void)buf_add_str(cursor, db_str(stmt, 0));
		*at_ms = sqlite3_column_int64(stmt, 1);
	}
	db_done(store, SQL_CURSOR_GET, stmt);
	return found;
}

void
cursor_mark(struct store *store, const struct source_key *key, struct str cursor, int64_t at_ms)
{
	put_cursor(store, SQL_MARK_PUT, key, cursor, at_ms);
}

static bool
find_mark(struct store *store, enum sql sql, const struct source_key *key, int64_t at_ms,
	struct str cursor, struct buf *out)
{
	sqlite3_stmt *stmt = db_use(store, sql);
	put_key(stmt, key);
	db_put_key(stmt, 5, cursor);
	if (sql == SQL_MARK_FIND) {
		db_put_int(stmt, 6, at_ms);
	}
	bool found = db_next(store, stmt);
	if (found) {
		(void)buf_add_str(out, db_str(stmt, 0));
	}
	db_done(store, sql, stmt);
	return found;
}

bool
cursor_mark_find(struct store *store, const struct source_key *key, int64_t at_ms,
	struct str cursor, struct buf *out)
{
	return find_mark(store, SQL_MARK_FIND, key, at_ms, cursor, out) ||
	       find_mark(store, SQL_MARK_OLDEST, key, 0, cursor, out);
}

int64_t
cursor_mark_newest_ms(struct store *store, const struct source_key *key)
{
	sqlite3_stmt *stmt = db_use(store, SQL_MARK_NEWEST);
	put_key(stmt, key);
	int64_t at_ms = db_next(store, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	db_done(store, SQL_MARK_NEWEST, stmt);
	return at_ms;
}

void
cursor_marks_prune(struct store *store, const struct source_key *key, int keep)
{
	sqlite3_stmt *stmt = db_use(store, SQL_MARK_PRUNE);
	put_key(stmt, key);
	db_put_int(stmt, 5, keep);
	(void)db_write(store, SQL_MARK_PRUNE, stmt);
}

/* ---- open fills ---- */

void
fill_put(struct store *store, const struct fill_row *row)
{
	sqlite3_stmt *stmt = db_use(store, SQL_FILL_PUT);
	put_key(stmt, &row->key);
	db_put_int(stmt, 5, row->pass);
	db_put_int(stmt, 6, row->first);
	db_put_int(stmt, 7, row->down);
	db_put_str(stmt, 8, row->next);
	db_put_str(stmt, 9, row->known);
	db_put_int(stmt, 10, row->since_ms);
	db_put_int(stmt, 11, row->connected_ms);
	db_put_int(stmt, 12, row->due_ms);
	(void)db_write(store, SQL_FILL_PUT, stmt);
}

void
fill_delete(struct store *store, const struct source_key *key)
{
	sqlite3_stmt *stmt = db_use(store, SQL_FILL_DELETE);
	put_key(stmt, key);
	(void)db_write(store, SQL_FILL_DELETE, stmt);
}

void
fill_each(struct store *store, fill_row_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_FILL_EACH);
	while (db_next(store, stmt)) {
		char *account = db_dup(stmt, 0);
		char *kind = db_dup(stmt, 3);
		struct fill_row row = {
			.key = {account, db_str(stmt, 1), db_str(stmt, 2), kind},
			.pass = sqlite3_column_int(stmt, 4) == FILL_PASS_AGAIN ? FILL_PASS_AGAIN
									       : FILL_PASS_OPEN,
			.first = sqlite3_column_int(stmt, 5) != 0,
			.down = sqlite3_column_int(stmt, 6) != 0,
			.next = db_str(stmt, 7),
			.known = db_str(stmt, 8),
			.since_ms = sqlite3_column_int64(stmt, 9),
			.connected_ms = sqlite3_column_int64(stmt, 10),
			.due_ms = sqlite3_column_int64(stmt, 11),
		};
		fn(data, &row);
		free(account);
		free(kind);
	}
	db_done(store, SQL_FILL_EACH, stmt);
}

/* ---- gaps ---- */

void
gap_put(struct store *store, struct gap *gap)
{
	sqlite3_stmt *stmt = db_use(store, SQL_GAP_PUT);
	db_put_text(stmt, 1, gap->account);
	db_put_key(stmt, 2, gap->stream);
	db_put_key(stmt, 3, gap->param);
	db_put_text(stmt, 4, gap->what);
	db_put_str(stmt, 5, gap->from_id);
	db_put_str(stmt, 6, gap->to_id);
	db_put_int(stmt, 7, gap->from_ms);
	db_put_int(stmt, 8, gap->to_ms);
	db_put_key(stmt, 9, gap->reason);
	db_put_int(stmt, 10, gap->quiet);
	db_put_int(stmt, 11, gap->at_ms);
	gap->id = 0;
	if (db_write(store, SQL_GAP_PUT, stmt) > 0) {
		gap->id = sqlite3_last_insert_rowid(store->db);
	}
}

void
gap_each(struct store *store, int64_t since_ms, gap_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_GAP_EACH);
	db_put_int(stmt, 1, since_ms);
	while (db_next(store, stmt)) {
		char *account = db_dup(stmt, 1);
		char *what = db_dup(stmt, 4);
		struct gap gap = {
			.id = sqlite3_column_int64(stmt, 0),
			.account = account,
			.stream = db_str(stmt, 2),
			.param = db_str(stmt, 3),
			.what = what,
			.from_id = db_str(stmt, 5),
			.to_id = db_str(stmt, 6),
			.from_ms = sqlite3_column_int64(stmt, 7),
			.to_ms = sqlite3_column_int64(stmt, 8),
			.reason = db_str(stmt, 9),
			.quiet = sqlite3_column_int(stmt, 10) != 0,
			.at_ms = sqlite3_column_int64(stmt, 11),
		};
		fn(data, &gap);
		free(account);
		free(what);
	}
	db_done(store, SQL_GAP_EACH, stmt);
}

void
gap_count(struct store *store, struct gap_counts *counts)
{
	sqlite3_stmt *stmt = db_use(store, SQL_GAP_COUNT);
	*counts = (struct gap_counts){0};
	if (db_next(store, stmt)) {
		counts->alarms = sqlite3_column_int64(stmt, 0);
		counts->quiet = sqlite3_column_int64(stmt, 1);
		counts->last_ms = sqlite3_column_int64(stmt, 2);
	}
	db_done(store, SQL_GAP_COUNT, stmt);
}

int
gap_prune(struct store *store, int64_t before_ms, int limit)
{
	sqlite3_stmt *stmt = db_use(store, SQL_GAP_PRUNE);
	db_put_int(stmt, 1, before_ms);
	db_put_int(stmt, 2, limit);
	return db_write(store, SQL_GAP_PRUNE, stmt);
}
