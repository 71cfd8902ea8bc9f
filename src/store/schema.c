/* SPDX-License-Identifier: MIT */
/* The schema: the steps that lead from one version of the database to the next, and the way through them. */
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "limits.h"
#include "version.h"
#include "xmalloc.h"

#define LOG_MODULE "store"

/* HOW TO CHANGE THE SCHEMA
 *
 * Append one text to `steps`; its place in the list is the version that it leads to. Never edit or reorder a
 * step that has been on the main branch: databases out there have run it, and a new database runs all of
 * them, so that there is one way to each version and no second text to keep equal.
 *
 * A step is one transaction together with the new user_version: it happens whole or not at all. It may use
 * everything that SQLite has, and must leave every row of the versions before it usable. Columns that are
 * added need DEFAULT or NULL. Statements of sql.c are prepared after the last step, never in between.
 * tests/unit/store/test_schema.c migrates a real database of version 1 with rows: add what your step does
 * to the rows there.
 *
 * Before the first step an older database is copied to NAME.vN.bak (N: its version), so that the operator
 * can go back to the version of moontusk before: see docs/architecture.md. */
static const char *const steps[] = {
	/* 1: deliveries and intents are read in pages by row number: AUTOINCREMENT, so that the number of a
	 * deleted row is never used again behind a reader's back. seen and journal have no index on time: their
	 * rows are added in order of time, and pruning looks at the first rows only. */
	("CREATE TABLE seen ("
	 " row INTEGER PRIMARY KEY, instance TEXT NOT NULL, scope TEXT NOT NULL, kind TEXT NOT NULL,"
	 " id TEXT NOT NULL, version TEXT NOT NULL, at_ms INTEGER NOT NULL,"
	 " UNIQUE (instance, id, kind, scope, version)) STRICT;"

	 "CREATE TABLE deliveries ("
	 " row INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, handler INTEGER NOT NULL,"
	 " line TEXT NOT NULL, matched TEXT, created_ms INTEGER NOT NULL) STRICT;"
	 "CREATE INDEX deliveries_instance ON deliveries (instance, row);"

	 "CREATE TABLE positions ("
	 " account TEXT NOT NULL, stream TEXT NOT NULL, param TEXT NOT NULL, newest_id TEXT,"
	 " received_at_ms INTEGER NOT NULL, PRIMARY KEY (account, stream, param)) STRICT;"

	 "CREATE TABLE state ("
	 " instance TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL,"
	 " PRIMARY KEY (instance, key)) STRICT;"

	 "CREATE TABLE schedules ("
	 " instance TEXT NOT NULL, name TEXT NOT NULL, due_ms INTEGER NOT NULL,"
	 " PRIMARY KEY (instance, name)) STRICT;"

	 "CREATE TABLE archives (file TEXT NOT NULL PRIMARY KEY, length INTEGER NOT NULL) STRICT;"

	 "CREATE TABLE facts (name TEXT NOT NULL PRIMARY KEY, value TEXT) STRICT;"

	 "CREATE TABLE intents ("
	 " row INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, key TEXT NOT NULL UNIQUE,"
	 " lane TEXT NOT NULL, instance TEXT NOT NULL, account TEXT, action TEXT NOT NULL,"
	 " target TEXT, method TEXT NOT NULL, url TEXT NOT NULL, headers TEXT, body TEXT,"
	 " idempotency_key TEXT, event_key TEXT, summary TEXT, attempts INTEGER NOT NULL,"
	 " status INTEGER NOT NULL, outcome TEXT, created_ms INTEGER NOT NULL,"
	 " updated_ms INTEGER NOT NULL) STRICT;"
	 "CREATE INDEX intents_open ON intents (lane, row) WHERE state = 0;"
	 "CREATE INDEX intents_ended ON intents (updated_ms) WHERE state != 0;"
	 "CREATE INDEX intents_rate ON intents (instance, action, created_ms);"

	 "CREATE TABLE journal ("
	 " row INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, instance TEXT, what TEXT NOT NULL,"
	 " event_key TEXT, detail TEXT) STRICT;"
	 "CREATE INDEX journal_event ON journal (event_key) WHERE event_key IS NOT NULL;"),

	/* 2: what tusk.count, distinct and once remember; `until_ms` is when a row is no longer needed, `event`
	 * says which event it counts. And ids that were deleted, so that a late post does not come back. */
	("CREATE TABLE windows ("
	 " row INTEGER PRIMARY KEY, instance TEXT NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL,"
	 " value TEXT NOT NULL, at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,"
	 " amount INTEGER NOT NULL, event INTEGER NOT NULL) STRICT;"
	 "CREATE INDEX windows_instance ON windows (instance);"
	 "CREATE INDEX windows_until ON windows (until_ms);"
	 "CREATE TABLE tombstones ("
	 " row INTEGER PRIMARY KEY, scope TEXT NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL,"
	 " UNIQUE (id, scope)) STRICT;"),

	/* 3: a delivery names its handler by a key that outlives a change of the plugin, in place of a number. The
	 * numbers that wait become "#0": the host knows which handlers those are. */
	("ALTER TABLE deliveries ADD COLUMN key TEXT NOT NULL DEFAULT '';"
	 "UPDATE deliveries SET key = '#' || handler;"
	 "ALTER TABLE deliveries DROP COLUMN handler;"),

	/* 4: what schedules ran and missed, and with what they were registered. */
	("ALTER TABLE schedules ADD COLUMN last_ms INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE schedules ADD COLUMN spec_hash INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE schedules ADD COLUMN runs INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE schedules ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE schedules ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;"),

	/* 5: the newest event when an entry was added: from when on it is kept. */
	("ALTER TABLE windows ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;"
	 "UPDATE windows SET since_ms = at_ms;"),

	/* 6: the address of what an action made, for handlers that wait for its outcome. */
	("ALTER TABLE intents ADD COLUMN made_url TEXT;"),

	/* 7: instances that are switched off; how often a delivery was tried, and when it is again; dead letters
	 * are found without reading the whole journal. */
	("CREATE TABLE quarantines ("
	 " instance TEXT NOT NULL PRIMARY KEY, at_ms INTEGER NOT NULL, why TEXT NOT NULL, report TEXT,"
	 " source INTEGER NOT NULL, missed INTEGER NOT NULL) STRICT;"
	 "ALTER TABLE deliveries ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE deliveries ADD COLUMN due_ms INTEGER NOT NULL DEFAULT 0;"
	 "CREATE INDEX journal_letters ON journal (instance) WHERE what = 'dead_letter';"),

	/* 8: a cursor for each REST source of a stream in place of one position for all; what it was at times before; fills
	 * that are not done; gaps. Positions of `user` and `direct` mixed ids of several kinds: they begin anew. */
	("CREATE TABLE cursors ("
	 " account TEXT NOT NULL, stream TEXT NOT NULL, param TEXT NOT NULL, kind TEXT NOT NULL,"
	 " cursor TEXT NOT NULL, at_ms INTEGER NOT NULL,"
	 " PRIMARY KEY (account, stream, param, kind)) STRICT;"
	 "INSERT INTO cursors SELECT account, stream, param,"
	 " CASE stream WHEN 'user:notification' THEN 'notification' ELSE 'update' END,"
	 " newest_id, received_at_ms FROM positions"
	 " WHERE newest_id IS NOT NULL AND stream NOT IN ('user', 'direct');"
	 "DROP TABLE positions;"
	 "CREATE TABLE marks ("
	 " account TEXT NOT NULL, stream TEXT NOT NULL, param TEXT NOT NULL, kind TEXT NOT NULL,"
	 " at_ms INTEGER NOT NULL, cursor TEXT NOT NULL,"
	 " PRIMARY KEY (account, stream, param, kind, at_ms)) STRICT, WITHOUT ROWID;"
	 "CREATE TABLE fills ("
	 " account TEXT NOT NULL, stream TEXT NOT NULL, param TEXT NOT NULL, kind TEXT NOT NULL,"
	 " pass INTEGER NOT NULL, first INTEGER NOT NULL, down INTEGER NOT NULL, next TEXT, known TEXT,"
	 " since_ms INTEGER NOT NULL, connected_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
	 " PRIMARY KEY (account, stream, param, kind)) STRICT;"
	 "CREATE TABLE gaps ("
	 " row INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, stream TEXT NOT NULL,"
	 " param TEXT NOT NULL, what TEXT NOT NULL, from_id TEXT, to_id TEXT,"
	 " from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, reason TEXT NOT NULL,"
	 " quiet INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT;"),

	/* 9: deletes on personal streams wait here until the server was asked whether the post is gone. */
	("CREATE TABLE unproven (row INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL,"
	 " at_ms INTEGER NOT NULL) STRICT;"),

	/* 10: what an instance that is off had subscribed to, and the files that it was made of. */
	("ALTER TABLE quarantines ADD COLUMN streams TEXT;"
	 "ALTER TABLE quarantines ADD COLUMN files TEXT;"),
};

#define VERSION ((int)(sizeof(steps) / sizeof(steps[0])))

int
schema_newest(void)
{
	return VERSION;
}

static const char *
path_of(const struct store *store)
{
	return store->path != NULL ? store->path : "the database in memory";
}

/* ---- the copy of an older database ---- */

static bool
fail_backup(const struct store *store, const char *backup, const char *why, char *error)
{
	snprintf(error, MESSAGE_MAX,
		"%s must be brought to a newer form, and cannot be copied to %s before: %s; make room, or move the "
		"file away to start anew",
		store->path, backup, why);
	return false;
}

static bool
sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return good;
}

static bool
copy_into(sqlite3 *db, const char *path)
{
	sqlite3_stmt *stmt = NULL;
	bool good = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &stmt, NULL) == SQLITE_OK &&
		    sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC) == SQLITE_OK &&
		    sqlite3_step(stmt) == SQLITE_DONE;
	sqlite3_finalize(stmt);
	return good;
}

/* Written under another name first: a .bak is whole, or not there. */
static bool
back_up(struct store *store, int64_t version, char *error)
{
	if (store->path == NULL) {
		return true;
	}
	char *backup = xasprintf("%s.v%lld.bak", store->path, (long long)version);
	char *fresh = xasprintf("%s.new", backup);
	(void)unlink(fresh);
	/* An empty file is written into: SQLite itself would make one that others may read. */
	int fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	bool good = fd >= 0 || fail_backup(store, backup, strerror(errno), error);
	if (fd >= 0) {
		close(fd);
	}
	if (good && !copy_into(store->db, fresh)) {
		good = fail_backup(store, backup, sqlite3_errmsg(store->db), error);
	}
	if (good && (!sync_path(fresh) || rename(fresh, backup) != 0)) {
		good = fail_backup(store, backup, strerror(errno), error);
	}
	if (good) {
		log_info(store->log, "%s: the database as it was is kept in %s", store->path,
			backup);
	} else {
		(void)unlink(fresh);
	}
	free(fresh);
	free(backup);
	return good;
}

/* ---- the steps ---- */

static bool
run_step(struct store *store, int version, char *error)
{
	char mark[160];
	snprintf(mark, sizeof(mark),
		"PRAGMA application_id = %d; PRAGMA user_version = %d;"
		"INSERT OR REPLACE INTO facts (name, value) VALUES ('written_by', '%s')",
		SCHEMA_APPLICATION, version, MOONTUSK_VERSION);
	if (db_exec(store->db, "BEGIN IMMEDIATE") && db_exec(store->db, steps[version - 1]) &&
		db_exec(store->db, mark) && db_exec(store->db, "COMMIT")) {
		return true;
	}
	snprintf(error, MESSAGE_MAX,
		"%s: schema %d cannot be made: %s; make room, or name another folder with --state",
		path_of(store), version, sqlite3_errmsg(store->db));
	if (sqlite3_get_autocommit(store->db) == 0) {
		(void)db_exec(store->db, "ROLLBACK");
	}
	return false;
}

/* Free pages are given back bit by bit (store_shrink) only in a file that keeps account of them. */
static void
rebuild(struct store *store)
{
	if (!db_exec(store->db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM")) {
		log_warn(store->log, "%s: cannot be rebuilt (%s): it will not get smaller again",
			path_of(store), sqlite3_errmsg(store->db));
	}
}

static bool
refuse_newer(struct store *store, int64_t version, char *error)
{
	sqlite3_stmt *stmt = NULL;
	struct str by = STR_NONE;
	if (sqlite3_prepare_v2(store->db, "SELECT value FROM facts WHERE name = 'written_by'", -1,
		    &stmt, NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW) {
		by = db_str(stmt, 0);
	}
	snprintf(error, MESSAGE_MAX,
		"%s was written by a newer moontusk%s%.*s (schema %lld, this one, %s, knows up to %d); run that version, "
		"or name another folder with --state",
		path_of(store), by.len > 0 ? ", " : "", by.len < 40 ? (int)by.len : 40,
		by.len > 0 ? by.ptr : "", (long long)version, MOONTUSK_VERSION, VERSION);
	sqlite3_finalize(stmt);
	return false;
}

static bool
migrate(struct store *store, int from, char *error)
{
	if (from > 0 && !back_up(store, from, error)) {
		return false;
	}
	for (int version = from + 1; version <= VERSION; version++) {
		if (!run_step(store, version, error)) {
			return false;
		}
	}
	if (from > 0) {
		rebuild(store);
		log_info(store->log, "%s: brought from schema %d to %d", path_of(store), from,
			VERSION);
	}
	return true;
}

bool
schema_prepare(struct store *store, char *error)
{
	int64_t version = 0;
	int64_t application = 0;
	int64_t tables = 0;
	if (!db_query_int(store->db, "PRAGMA user_version", &version) ||
		!db_query_int(store->db, "PRAGMA application_id", &application) ||
		!db_query_int(store->db, "SELECT count(*) FROM sqlite_schema", &tables)) {
		return db_fail_open(store, "cannot be read as a database", error);
	}
	if (application != SCHEMA_APPLICATION && (application != 0 || tables > 0)) {
		snprintf(error, MESSAGE_MAX,
			"%s is a database of another program; name another folder with --state",
			path_of(store));
		return false;
	}
	if (version < 0 || (version == 0 && tables > 0)) {
		snprintf(error, MESSAGE_MAX,
			"%s says that it has schema %lld, and holds %lld tables: it is damaged; restore a copy, or move "
			"it away to start anew",
			path_of(store), (long long)version, (long long)tables);
		return false;
	}
	if (version > VERSION) {
		return refuse_newer(store, version, error);
	}
	return version == VERSION || migrate(store, (int)version, error);
}
