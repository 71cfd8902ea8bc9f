/* SPDX-License-Identifier: MIT */
/* Seen keys, tombstones and open deliveries. */
#include "seen.h"

#include "db.h"

static void
put_seen_key(sqlite3_stmt *stmt, const struct seen_key *key)
{
	db_put_text(stmt, 1, key->instance);
	db_put_key(stmt, 2, key->id);
	db_put_key(stmt, 3, key->kind);
	db_put_key(stmt, 4, key->scope);
	db_put_key(stmt, 5, key->version);
}

bool
seen_has(struct store *store, const struct seen_key *key)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SEEN_HAS);
	put_seen_key(stmt, key);
	bool found = db_next(store, stmt);
	db_done(store, SQL_SEEN_HAS, stmt);
	return found;
}

bool
seen_add(struct store *store, const struct seen_key *key, int64_t now_ms)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SEEN_ADD);
	put_seen_key(stmt, key);
	db_put_int(stmt, 6, now_ms);
	return db_write(store, SQL_SEEN_ADD, stmt) > 0 || store_failed(store);
}

static int
prune(struct store *store, enum sql sql, int64_t before_ms, int limit)
{
	sqlite3_stmt *stmt = db_use(store, sql);
	db_put_int(stmt, 1, before_ms);
	db_put_int(stmt, 2, limit);
	return db_write(store, sql, stmt);
}

int
seen_prune(struct store *store, int64_t before_ms, int limit)
{
	return prune(store, SQL_SEEN_PRUNE, before_ms, limit);
}

void
seen_each_post(struct store *store, int64_t after_row, int64_t until_ms, int limit,
	seen_post_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SEEN_POSTS);
	db_put_int(stmt, 1, after_row);
	db_put_int(stmt, 2, until_ms);
	db_put_int(stmt, 3, limit);
	bool more = true;
	while (more && db_next(store, stmt)) {
		const struct seen_post post = {
			.row = sqlite3_column_int64(stmt, 0),
			.instance = db_str(stmt, 1).ptr,
			.scope = db_str(stmt, 2),
			.id = db_str(stmt, 3),
		};
		more = fn(data, &post);
	}
	db_done(store, SQL_SEEN_POSTS, stmt);
}

int64_t
seen_last_row(struct store *store)
{
	sqlite3_stmt *stmt = db_use(store, SQL_SEEN_LAST);
	int64_t row = db_next(store, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	db_done(store, SQL_SEEN_LAST, stmt);
	return row;
}

void
tombstone_add(struct store *store, struct str scope, struct str id, int64_t now_ms)
{
	sqlite3_stmt *stmt = db_use(store, SQL_TOMBSTONE_ADD);
	db_put_key(stmt, 1, scope);
	db_put_key(stmt, 2, id);
	db_put_int(stmt, 3, now_ms);
	(void)db_write(store, SQL_TOMBSTONE_ADD, stmt);
}

bool
tombstone_has(struct store *store, struct str scope, struct str id)
{
	sqlite3_stmt *stmt = db_use(store, SQL_TOMBSTONE_HAS);
	db_put_key(stmt, 1, scope);
	db_put_key(stmt, 2, id);
	bool found = db_next(store, stmt);
	db_done(store, SQL_TOMBSTONE_HAS, stmt);
	return found;
}

int
tombstone_prune(struct store *store, int64_t before_ms, int limit)
{
	return prune(store, SQL_TOMBSTONE_PRUNE, before_ms, limit);
}

int64_t
unproven_add(struct store *store, struct str line, int64_t now_ms)
{
	sqlite3_stmt *stmt = db_use(store, SQL_UNPROVEN_ADD);
	db_put_str(stmt, 1, line);
	db_put_int(stmt, 2, now_ms);
	return db_write(store, SQL_UNPROVEN_ADD, stmt) > 0 ? sqlite3_last_insert_rowid(store->db)
							   : 0;
}

void
unproven_delete(struct store *store, int64_t row)
{
	sqlite3_stmt *stmt = db_use(store, SQL_UNPROVEN_DELETE);
	db_put_int(stmt, 1, row);
	(void)db_write(store, SQL_UNPROVEN_DELETE, stmt);
}

void
unproven_each(struct store *store, unproven_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_UNPROVEN_EACH);
	bool more = true;
	while (more && db_next(store, stmt)) {
		more = fn(data, sqlite3_column_int64(stmt, 0), db_str(stmt, 1));
	}
	db_done(store, SQL_UNPROVEN_EACH, stmt);
}

int
unproven_prune(struct store *store, int64_t before_ms, int limit)
{
	return prune(store, SQL_UNPROVEN_PRUNE, before_ms, limit);
}

void
delivery_add(struct store *store, struct delivery *delivery)
{
	sqlite3_stmt *stmt = db_use(store, SQL_DELIVERY_ADD);
	db_put_text(stmt, 1, delivery->instance);
	db_put_key(stmt, 2, delivery->key);
	db_put_key(stmt, 3, delivery->line);
	db_put_str(stmt, 4, delivery->matched);
	db_put_int(stmt, 5, delivery->created_ms);
	db_put_int(stmt, 6, delivery->tries);
	db_put_int(stmt, 7, delivery->due_ms);
	delivery->row = 0;
	if (db_write(store, SQL_DELIVERY_ADD, stmt) > 0) {
		delivery->row = sqlite3_last_insert_rowid(store->db);
	}
}

void
delivery_delete(struct store *store, int64_t row)
{
	sqlite3_stmt *stmt = db_use(store, SQL_DELIVERY_DELETE);
	db_put_int(stmt, 1, row);
	(void)db_write(store, SQL_DELIVERY_DELETE, stmt);
}

void
delivery_retry(struct store *store, int64_t row, int tries, int64_t due_ms)
{
	sqlite3_stmt *stmt = db_use(store, SQL_DELIVERY_RETRY);
	db_put_int(stmt, 1, row);
	db_put_int(stmt, 2, tries);
	db_put_int(stmt, 3, due_ms);
	(void)db_write(store, SQL_DELIVERY_RETRY, stmt);
}

void
delivery_each_key(struct store *store, const char *instance, delivery_key_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_DELIVERY_EACH_KEY);
	db_put_text(stmt, 1, instance);
	while (db_next(store, stmt)) {
		fn(data, db_str(stmt, 0));
	}
	db_done(store, SQL_DELIVERY_EACH_KEY, stmt);
}

int64_t
delivery_count(struct store *store, const char *instance)
{
	sqlite3_stmt *stmt = db_use(store, SQL_DELIVERY_COUNT);
	db_put_text(stmt, 1, instance);
	int64_t count = db_next(store, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	db_done(store, SQL_DELIVERY_COUNT, stmt);
	return count;
}

void
delivery_rename(struct store *store, const char *instance, struct str from, struct str to)
{
	sqlite3_stmt *stmt = db_use(store, SQL_DELIVERY_RENAME);
	db_put_text(stmt, 1, instance);
	db_put_key(stmt, 2, from);
	db_put_key(stmt, 3, to);
	(void)db_write(store, SQL_DELIVERY_RENAME, stmt);
}

void
delivery_each(
	struct store *store, const char *instance, int64_t after_row, delivery_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_DELIVERY_EACH);
	db_put_text(stmt, 1, instance);
	db_put_int(stmt, 2, after_row);
	bool wanted = true;
	while (wanted && db_next(store, stmt)) {
		struct delivery delivery = {
			.row = sqlite3_column_int64(stmt, 0),
			.instance = instance,
			.key = db_str(stmt, 1),
			.line = db_str(stmt, 2),
			.matched = db_str(stmt, 3),
			.created_ms = sqlite3_column_int64(stmt, 4),
			.tries = sqlite3_column_int(stmt, 5),
			.due_ms = sqlite3_column_int64(stmt, 6),
		};
		wanted = fn(data, &delivery);
	}
	db_done(store, SQL_DELIVERY_EACH, stmt);
}
