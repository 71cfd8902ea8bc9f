/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: the connection and its cached statements. Not for other layers. */
#pragma once

#include <sqlite3.h>

#include "buf.h"
#include "store.h"

/* Behind the words about a file that cannot be used any more. Nothing is ever deleted for the operator. */
#define DB_WHAT_TO_DO                                                                              \
	": put a copy of it back, or move the file away to start anew (with the files whose names" \
	" go on with -wal and -shm): what was handled, tusk.store and open actions are forgotten then"

/* One per statement text of sql.c. */
enum sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SEEN_HAS,
	SQL_SEEN_ADD,
	SQL_SEEN_PRUNE,
	SQL_SEEN_POSTS,
	SQL_SEEN_LAST,
	SQL_DELIVERY_ADD,
	SQL_DELIVERY_DELETE,
	SQL_DELIVERY_EACH,
	SQL_DELIVERY_EACH_KEY,
	SQL_DELIVERY_RENAME,
	SQL_DELIVERY_COUNT,
	SQL_DELIVERY_RETRY,
	SQL_CURSOR_PUT,
	SQL_CURSOR_GET,
	SQL_MARK_PUT,
	SQL_MARK_FIND,
	SQL_MARK_OLDEST,
	SQL_MARK_NEWEST,
	SQL_MARK_PRUNE,
	SQL_FILL_PUT,
	SQL_FILL_DELETE,
	SQL_FILL_EACH,
	SQL_GAP_PUT,
	SQL_GAP_EACH,
	SQL_GAP_COUNT,
	SQL_GAP_PRUNE,
	SQL_STATE_PUT,
	SQL_STATE_DELETE,
	SQL_STATE_EACH,
	SQL_SCHEDULE_PUT,
	SQL_SCHEDULE_GET,
	SQL_SCHEDULE_OTHERS,
	SQL_SCHEDULE_DELETE_OTHERS,
	SQL_ARCHIVE_PUT,
	SQL_ARCHIVE_DELETE,
	SQL_ARCHIVE_GET,
	SQL_ARCHIVE_EACH,
	SQL_FACT_PUT,
	SQL_FACT_GET,
	SQL_FACT_EACH,
	SQL_INTENT_ADD,
	SQL_INTENT_GET,
	SQL_INTENT_UPDATE,
	SQL_INTENT_OPEN,
	SQL_INTENT_OPEN_OF_LANE,
	SQL_INTENT_LANES,
	SQL_INTENT_COUNT,
	SQL_INTENT_COUNT_OPEN,
	SQL_INTENT_MADE,
	SQL_INTENT_PRUNE,
	SQL_JOURNAL_ADD,
	SQL_JOURNAL_ADD_MANY,
	SQL_JOURNAL_EACH,
	SQL_JOURNAL_OF_EVENT,
	SQL_JOURNAL_PRUNE,
	SQL_WINDOW_ADD,
	SQL_WINDOW_DELETE,
	SQL_WINDOW_MOVE,
	SQL_WINDOW_EACH,
	SQL_WINDOW_PRUNE,
	SQL_QUARANTINE_PUT,
	SQL_QUARANTINE_GET,
	SQL_QUARANTINE_DELETE,
	SQL_QUARANTINE_EACH,
	SQL_LETTER_EACH,
	SQL_LETTER_COUNT,
	SQL_TOMBSTONE_ADD,
	SQL_TOMBSTONE_HAS,
	SQL_TOMBSTONE_PRUNE,
	SQL_UNPROVEN_ADD,
	SQL_UNPROVEN_DELETE,
	SQL_UNPROVEN_EACH,
	SQL_UNPROVEN_PRUNE,
	SQL_ROOM_PUT,
	SQL_ROOM_DELETE,
	SQL_COUNT
};

enum { JOURNAL_MANY = 16 }; /* rows of SQL_JOURNAL_ADD_MANY */

/* A text in the queue's buffer. */
struct journal_text {
	size_t at, len;
	bool absent;
};

struct journal_row {
	int64_t at_ms;
	struct journal_text texts[4]; /* instance, what, event key, detail */
};

/* Rows of the transaction that are not written yet. */
struct journal_queue {
	struct buf texts;
	struct journal_row rows[JOURNAL_MANY];
	size_t count;
};

extern const char *const sql_texts[SQL_COUNT];

struct store {
	sqlite3 *db;
	struct log *log;
	char *path; /* NULL: in memory */
	sqlite3_stmt *statements[SQL_COUNT];
	bool in_transaction;
	bool failed;
	enum store_trouble trouble;
	bool quiet;      /* a failure is not to be logged */
	bool unreadable; /* a read failed: nothing is committed any more */
	int wal_pages;
	struct journal_queue journal;
};

/* A statement ready for binding; db_done gives it back. A cached one that is in use (a callback of
 * an _each function asks the same question) is prepared anew, so nesting is fine. */
sqlite3_stmt *db_use(struct store *store, enum sql sql);
void db_done(struct store *store, enum sql sql, sqlite3_stmt *stmt);

/* Bound text is borrowed until db_done. STR_NONE and NULL bind NULL; db_put_key binds '' then, for
 * columns of a primary key, where NULL would never be equal to NULL. */
void db_put_int(sqlite3_stmt *stmt, int at, int64_t number);
void db_put_str(sqlite3_stmt *stmt, int at, struct str text);
void db_put_text(sqlite3_stmt *stmt, int at, const char *text);
void db_put_key(sqlite3_stmt *stmt, int at, struct str text);
struct str db_str(
	sqlite3_stmt *stmt, int column);      /* borrowed until the next step; NULL: STR_NONE */
char *db_dup(sqlite3_stmt *stmt, int column); /* new; NULL stays NULL */

/* Steps a write once and gives the statement back. Needs a transaction; does nothing once one of
 * its writes failed. Returns the rows changed; 0 after a failure, which marks the transaction. */
int db_write(struct store *store, enum sql sql, sqlite3_stmt *stmt);
/* True when there is a (further) row. A failed read is logged and ends the rows. */
bool db_next(struct store *store, sqlite3_stmt *stmt);

/* Writes the rows that wait. Whoever reads the journal calls it first. */
void journal_flush(struct store *store);
void journal_forget(struct store *store); /* ... that a rollback takes back */

/* Statements without rows, one after the other; a single number. False on an error of the database. */
bool db_exec(sqlite3 *db, const char *sql);
bool db_query_int(sqlite3 *db, const char *sql, int64_t *out);
/* Writes why the file cannot be used, and what to do, into `error`. Returns false. */
bool db_fail_open(const struct store *store, const char *what, char *error);
