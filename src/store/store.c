/* SPDX-License-Identifier: MIT */
/* Opening the database, its cached statements, and the transaction of a turn. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "limits.h"
#include "schema.h"
#include "xmalloc.h"

#define LOG_MODULE        "store"
#define ROOM_BYTES        (256 * 1024)
#define CHECKED_BYTES     (32 << 20)
#define SHRINK_FROM_PAGES 1024 /* 4 MiB: not worth the trouble below */
#define BUSY_TIMEOUT_MS   5000 /* somebody else has the write lock: a backup, a shell */

/* SQLite would make the file with the umask's mode; -wal and -shm get the mode of the file. */
static bool
make_file(const char *path, char *error)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd >= 0) {
		close(fd);
		return true;
	}
	struct stat info;
	if (errno != EEXIST) {
		snprintf(error, MESSAGE_MAX,
			"cannot make the database %s: %s; make the folder, or name another one with "
			"--state",
			path, strerror(errno));
		return false;
	}
	if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
		snprintf(error, MESSAGE_MAX,
			"%s is no file; move it away, or name another folder with --state", path);
		return false;
	}
	(void)chmod(path, S_IRUSR | S_IWUSR);
	return true;
}

bool
db_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

bool
db_query_int(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	bool found = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
		     sqlite3_step(stmt) == SQLITE_ROW;
	if (found) {
		*out = sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	return found;
}

static int
on_wal_commit(void *data, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	struct store *store = data;
	store->wal_pages = pages;
	return SQLITE_OK;
}

bool
db_fail_open(const struct store *store, const char *what, char *error)
{
	const char *path = store->path != NULL ? store->path : "the database in memory";
	int code = sqlite3_errcode(store->db) & 0xff;
	bool barred = code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_PERM;
	snprintf(error, MESSAGE_MAX, "%s: %s (%s)%s", path, what, sqlite3_errmsg(store->db),
		barred ? "; give this user the right to write to it and to its folder, or name another folder with --state"
		       : DB_WHAT_TO_DO);
	return false;
}

/* A big file is not read through at each start: what is damaged in it is found when it is met. */
static bool
check_whole(struct store *store, char *error)
{
	struct stat about;
	if (store->path == NULL || stat(store->path, &about) != 0 || about.st_size == 0 ||
		about.st_size > CHECKED_BYTES) {
		return true;
	}
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) != SQLITE_OK ||
		sqlite3_step(stmt) != SQLITE_ROW) {
		sqlite3_finalize(stmt);
		return db_fail_open(store, "cannot be read as a database", error);
	}
	struct str found = db_str(stmt, 0);
	bool whole = str_eq_text(found, "ok");
	if (!whole) {
		snprintf(error, MESSAGE_MAX, "%s is damaged (%.*s)%s", store->path,
			(int)str_clip(found, 200).len, found.ptr, DB_WHAT_TO_DO);
	}
	sqlite3_finalize(stmt);
	return whole;
}

static bool
open_database(struct store *store, char *error)
{
	const char *name = store->path != NULL ? store->path : ":memory:";
	if (store->path != NULL && !make_file(store->path, error)) {
		return false;
	}
	/* One thread uses a store at a time; the checkpoint has a connection of its own. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(name, &store->db, flags, NULL) != SQLITE_OK) {
		return db_fail_open(store, "cannot be opened", error);
	}
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	if (sqlite3_db_readonly(store->db, "main") == 1) {
		snprintf(error, MESSAGE_MAX,
			"%s cannot be written; give this user the right to, or name another folder "
			"with --state",
			name);
		return false;
	}
	if (!check_whole(store, error)) {
		return false;
	}
	/* In an empty file: pages that pruning empties can be given back later. Else it changes nothing. */
	if (!db_exec(store->db, "PRAGMA auto_vacuum = INCREMENTAL") ||
		!db_exec(store->db, "PRAGMA journal_mode = WAL") ||
		!db_exec(store->db, "PRAGMA synchronous = FULL") ||
		!db_exec(store->db, "PRAGMA temp_store = MEMORY")) {
		return db_fail_open(store, "cannot be opened", error);
	}
	sqlite3_wal_autocheckpoint(store->db, 0); /* before the hook: it is one itself */
	sqlite3_wal_hook(store->db, on_wal_commit, store);
	return schema_prepare(store, error);
}

struct store *
store_open(const char *path, struct log *log, char *error)
{
	struct store *store = xmalloc(sizeof(*store));
	*store = (struct store){.log = log, .path = xstrdup(path)};
	buf_init(&store->journal.texts, JOURNAL_HELD_MAX);
	if (!open_database(store, error)) {
		store_close(store);
		return NULL;
	}
	return store;
}

void
store_close(struct store *store)
{
	if (store == NULL) {
		return;
	}
	if (store->in_transaction) {
		store_rollback(store);
	}
	for (int i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(store->statements[i]);
	}
	sqlite3_close(store->db);
	buf_finish(&store->journal.texts);
	free(store->path);
	free(store);
}

sqlite3_stmt *
db_use(struct store *store, enum sql sql)
{
	sqlite3_stmt **cached = &store->statements[sql];
	if (*cached != NULL && sqlite3_stmt_busy(*cached) == 0) {
		return *cached;
	}
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v3(
		store->db, sql_texts[sql], -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (rc != SQLITE_OK) {
		/* The texts are constants: only a file that changed under us gets here. All
		 * calls on a NULL statement are harmless, and stepping it reports the misuse. */
		log_error(store->log, "%s: %s", store->path != NULL ? store->path : "memory",
			sqlite3_errmsg(store->db));
	}
	if (*cached == NULL) {
		*cached = stmt;
	}
	return stmt;
}

void
db_done(struct store *store, enum sql sql, sqlite3_stmt *stmt)
{
	if (stmt != store->statements[sql]) {
		sqlite3_finalize(stmt);
	} else if (stmt != NULL) {
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt);
	}
}

void
db_put_int(sqlite3_stmt *stmt, int at, int64_t number)
{
	sqlite3_bind_int64(stmt, at, number);
}

void
db_put_str(sqlite3_stmt *stmt, int at, struct str text)
{
	if (text.ptr != NULL) {
		sqlite3_bind_text64(stmt, at, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8);
	} else {
		sqlite3_bind_null(stmt, at);
	}
}

void
db_put_text(sqlite3_stmt *stmt, int at, const char *text)
{
	db_put_str(stmt, at, str_from(text));
}

void
db_put_key(sqlite3_stmt *stmt, int at, struct str text)
{
	db_put_str(stmt, at, text.ptr != NULL ? text : STR(""));
}

struct str
db_str(sqlite3_stmt *stmt, int column)
{
	/* The pointer first: asking for the length first would not fix the form. */
	const char *ptr = (const char *)sqlite3_column_text(stmt, column);
	return (struct str){ptr, ptr != NULL ? (size_t)sqlite3_column_bytes(stmt, column) : 0};
}

char *
db_dup(sqlite3_stmt *stmt, int column)
{
	return str_dup(db_str(stmt, column));
}

/* A full disk is SQLITE_FULL only sometimes: a file that may not grow, a quota, or a network's file system are errors of
 * writing, and errno is not kept. Whatever keeps us from writing may pass; what cannot be read will not. */
static enum store_trouble
trouble_of(sqlite3 *db)
{
	int code = sqlite3_extended_errcode(db);
	switch (code & 0xff) {
	case SQLITE_FULL:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
		return STORE_FULL;
	case SQLITE_IOERR:
		return code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ ||
				       code == SQLITE_IOERR_CORRUPTFS
			       ? STORE_BROKEN
			       : STORE_FULL;
	default:
		return STORE_BROKEN;
	}
}

static void
fail(struct store *store, const char *what)
{
	const char *path = store->path != NULL ? store->path : "memory";
	store->trouble = trouble_of(store->db);
	store->failed = true;
	if (store->quiet) {
		return;
	}
	log_error(store->log, "%s: %s: %s; nothing of this turn is kept%s", path, what,
		sqlite3_errmsg(store->db),
		store->trouble == STORE_FULL ? ": free some space" : DB_WHAT_TO_DO);
}

int
db_write(struct store *store, enum sql sql, sqlite3_stmt *stmt)
{
	REQUIRE(store->in_transaction);
	int changed = 0;
	if (!store->failed) {
		if (sqlite3_step(stmt) == SQLITE_DONE) {
			changed = sqlite3_changes(store->db);
		} else {
			fail(store, "a write failed");
		}
	}
	db_done(store, sql, stmt);
	return changed;
}

bool
db_next(struct store *store, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		log_error(store->log, "%s: a read failed: %s%s",
			store->path != NULL ? store->path : "memory", sqlite3_errmsg(store->db),
			DB_WHAT_TO_DO);
		store->trouble = STORE_BROKEN;
		/* What was decided on "there is no row" may be wrong: it must not be committed. */
		store->failed = true;
		store->unreadable = true;
	}
	return rc == SQLITE_ROW;
}

/* BEGIN, COMMIT or ROLLBACK. */
static bool
step(struct store *store, enum sql sql)
{
	sqlite3_stmt *stmt = db_use(store, sql);
	bool done = sqlite3_step(stmt) == SQLITE_DONE;
	if (!done && sql != SQL_ROLLBACK) {
		fail(store, sql == SQL_BEGIN ? "no transaction" : "no commit");
	}
	db_done(store, sql, stmt);
	return done;
}

bool
store_begin(struct store *store)
{
	REQUIRE(!store->in_transaction);
	store->failed = store->unreadable;
	store->in_transaction = step(store, SQL_BEGIN);
	return store->in_transaction;
}

bool
store_commit(struct store *store)
{
	REQUIRE(store->in_transaction);
	journal_flush(store);
	if (!store->failed && step(store, SQL_COMMIT)) {
		store->in_transaction = false;
		return true;
	}
	store_rollback(store);
	return false;
}

void
store_rollback(struct store *store)
{
	REQUIRE(store->in_transaction);
	journal_forget(store);
	/* A full disk may have made SQLite roll back by itself already. */
	if (sqlite3_get_autocommit(store->db) == 0) {
		(void)step(store, SQL_ROLLBACK);
	}
	store->in_transaction = false;
}

bool
store_in_transaction(const struct store *store)
{
	return store->in_transaction;
}

bool
store_failed(const struct store *store)
{
	return store->failed;
}

enum store_trouble
store_trouble(const struct store *store)
{
	return store->trouble;
}

bool
store_has_room(struct store *store)
{
	store->quiet = true;
	bool good = store_begin(store);
	if (good) {
		/* A turn writes some pages: one page that fits says little. */
		sqlite3_stmt *stmt = db_use(store, SQL_ROOM_PUT);
		db_put_int(stmt, 1, ROOM_BYTES);
		(void)db_write(store, SQL_ROOM_PUT, stmt);
		good = store_commit(store);
	}
	if (good && store_begin(store)) {
		(void)db_write(store, SQL_ROOM_DELETE, db_use(store, SQL_ROOM_DELETE));
		good = store_commit(store);
	}
	store->quiet = false;
	return good;
}

bool
store_shrink(struct store *store, int pages)
{
	REQUIRE(store->in_transaction);
	int64_t free_pages = 0;
	int64_t all_pages = 0;
	if (store->failed || !db_query_int(store->db, "PRAGMA freelist_count", &free_pages) ||
		!db_query_int(store->db, "PRAGMA page_count", &all_pages) ||
		free_pages < SHRINK_FROM_PAGES || free_pages * 4 < all_pages) {
		return false;
	}
	char sql[64];
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", pages);
	if (!db_exec(store->db, sql)) {
		fail(store, "free pages cannot be given back");
		return false;
	}
	int64_t left_pages = 0;
	return db_query_int(store->db, "PRAGMA freelist_count", &left_pages) &&
	       left_pages < free_pages && left_pages > SHRINK_FROM_PAGES;
}

void
store_checkpoint(const char *path)
{
	sqlite3 *db = NULL;
	int64_t version = 0;
	/* A connection that has read nothing does not know that there is a WAL, and copies nothing.
	 * Passive: copies what it can and never makes the loop's commits wait. */
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
		db_query_int(db, "PRAGMA user_version", &version)) {
		(void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	}
	sqlite3_close(db);
}

int64_t
store_wal_pages(struct store *store)
{
	int pages = store->wal_pages;
	store->wal_pages = 0;
	return pages;
}
