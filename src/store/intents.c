/* SPDX-License-Identifier: MIT */
/* Outbox rows. */
#include "intents.h"

#include <stdlib.h>

#include "db.h"

void
intent_finish(struct intent *intent)
{
	free(intent->key);
	free(intent->lane);
	free(intent->instance);
	free(intent->account);
	free(intent->action);
	free(intent->target);
	free(intent->method);
	free(intent->url);
	free(intent->headers);
	free(intent->body);
	free(intent->idempotency_key);
	free(intent->event_key);
	free(intent->summary);
	free(intent->outcome);
	free(intent->made_url);
	*intent = (struct intent){0};
}

enum err
intent_add(struct store *store, struct intent *intent)
{
	sqlite3_stmt *stmt = db_use(store, SQL_INTENT_ADD);
	db_put_int(stmt, 1, intent->state);
	db_put_text(stmt, 2, intent->key);
	db_put_text(stmt, 3, intent->lane);
	db_put_text(stmt, 4, intent->instance);
	db_put_text(stmt, 5, intent->account);
	db_put_text(stmt, 6, intent->action);
	db_put_text(stmt, 7, intent->target);
	db_put_text(stmt, 8, intent->method);
	db_put_text(stmt, 9, intent->url);
	db_put_text(stmt, 10, intent->headers);
	db_put_text(stmt, 11, intent->body);
	db_put_text(stmt, 12, intent->idempotency_key);
	db_put_text(stmt, 13, intent->event_key);
	db_put_text(stmt, 14, intent->summary);
	db_put_int(stmt, 15, intent->attempts);
	db_put_int(stmt, 16, intent->status);
	db_put_text(stmt, 17, intent->outcome);
	db_put_int(stmt, 18, intent->created_ms);
	db_put_int(stmt, 19, intent->updated_ms);
	if (db_write(store, SQL_INTENT_ADD, stmt) > 0) {
		intent->row = sqlite3_last_insert_rowid(store->db);
		return ERR_OK;
	}
	return store->failed ? ERR_IO : ERR_EXISTS;
}

/* Columns in the order of INTENT_COLUMNS. */
static struct intent
read_intent(sqlite3_stmt *stmt)
{
	return (struct intent){
		.row = sqlite3_column_int64(stmt, 0),
		.state = (enum intent_state)sqlite3_column_int(stmt, 1),
		.key = db_dup(stmt, 2),
		.lane = db_dup(stmt, 3),
		.instance = db_dup(stmt, 4),
		.account = db_dup(stmt, 5),
		.action = db_dup(stmt, 6),
		.target = db_dup(stmt, 7),
		.method = db_dup(stmt, 8),
		.url = db_dup(stmt, 9),
		.headers = db_dup(stmt, 10),
		.body = db_dup(stmt, 11),
		.idempotency_key = db_dup(stmt, 12),
		.event_key = db_dup(stmt, 13),
		.summary = db_dup(stmt, 14),
		.attempts = sqlite3_column_int(stmt, 15),
		.status = sqlite3_column_int(stmt, 16),
		.outcome = db_dup(stmt, 17),
		.created_ms = sqlite3_column_int64(stmt, 18),
		.updated_ms = sqlite3_column_int64(stmt, 19),
		.made_url = db_dup(stmt, 20),
	};
}

bool
intent_get(struct store *store, const char *key, struct intent *out)
{
	sqlite3_stmt *stmt = db_use(store, SQL_INTENT_GET);
	db_put_text(stmt, 1, key);
	bool found = db_next(store, stmt);
	if (found) {
		*out = read_intent(stmt);
	}
	db_done(store, SQL_INTENT_GET, stmt);
	return found;
}

void
intent_update(struct store *store, const struct intent *intent)
{
	sqlite3_stmt *stmt = db_use(store, SQL_INTENT_UPDATE);
	db_put_int(stmt, 1, intent->row);
	db_put_int(stmt, 2, intent->state);
	db_put_int(stmt, 3, intent->attempts);
	db_put_int(stmt, 4, intent->status);
	db_put_text(stmt, 5, intent->outcome);
	db_put_int(stmt, 6, intent->updated_ms);
	db_put_text(stmt, 7, intent->made_url);
	(void)db_write(store, SQL_INTENT_UPDATE, stmt);
}

void
intent_each_open(struct store *store, const struct intent_page *page, intent_fn *fn, void *data)
{
	enum sql sql = page->lane != NULL ? SQL_INTENT_OPEN_OF_LANE : SQL_INTENT_OPEN;
	sqlite3_stmt *stmt = db_use(store, sql);
	db_put_int(stmt, 1, page->after_row);
	db_put_int(stmt, 2, page->limit);
	if (page->lane != NULL) {
		db_put_text(stmt, 3, page->lane);
	}
	while (db_next(store, stmt)) {
		struct intent intent = read_intent(stmt);
		fn(data, &intent);
		intent_finish(&intent);
	}
	db_done(store, sql, stmt);
}

void
intent_each_lane(struct store *store, lane_fn *fn, void *data)
{
	sqlite3_stmt *stmt = db_use(store, SQL_INTENT_LANES);
	while (db_next(store, stmt)) {
		fn(data, db_str(stmt, 0).ptr);
	}
	db_done(store, SQL_INTENT_LANES, stmt);
}

int64_t
intent_count(struct store *store, const char *instance, const char *action, int64_t since_ms)
{
	sqlite3_stmt *stmt = db_use(store, SQL_INTENT_COUNT);
	db_put_text(stmt, 1, instance);
	db_put_text(stmt, 2, action);
	db_put_int(stmt, 3, since_ms);
	int64_t count = db_next(store, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	db_done(store, SQL_INTENT_COUNT, stmt);
	return count;
}

int64_t
intent_count_open(struct store *store)
{
	sqlite3_stmt *stmt = db_use(store, SQL_INTENT_COUNT_OPEN);
	int64_t count = db_next(store, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	db_done(store, SQL_INTENT_COUNT_OPEN, stmt);
	return count;
}

bool
intent_made(struct store *store, const struct intent *like, struct str id)
{
	sqlite3_stmt *stmt = db_use(store, SQL_INTENT_MADE);
	db_put_text(stmt, 1, like->instance);
	db_put_text(stmt, 2, like->action);
	db_put_int(stmt, 3, like->created_ms - INTENT_MADE_SPAN_MS);
	db_put_str(stmt, 4, id);
	bool found = db_next(store, stmt);
	db_done(store, SQL_INTENT_MADE, stmt);
	return found;
}

int
intent_prune(struct store *store, int64_t before_ms, int limit)
{
	sqlite3_stmt *stmt = db_use(store, SQL_INTENT_PRUNE);
	db_put_int(stmt, 1, before_ms);
	db_put_int(stmt, 2, limit);
	return db_write(store, SQL_INTENT_PRUNE, stmt);
}
