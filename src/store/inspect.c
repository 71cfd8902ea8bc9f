/* SPDX-License-Identifier: MIT */
/* Looking at a database without changing anything, also while a host works with it. */
#include "inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "db.h"
#include "limits.h"
#include "schema.h"
#include "xmalloc.h"

#define PROGRESS_STEPS 100000 /* of SQLite's machine, between two looks at the clock */

static int64_t
size_of(const char *path, const char *ending)
{
	struct stat about;
	char *name = xasprintf("%s%s", path, ending);
	int64_t bytes = stat(name, &about) == 0 ? about.st_size : 0;
	free(name);
	return bytes;
}

/* "file:" address of a path. A file without a write-ahead log is opened by nobody: as immutable it can be read without
 * making the files that a log needs. */
static char *
address_of(const char *path)
{
	struct buf out;
	buf_init(&out, URL_MAX);
	buf_add_text(&out, "file:");
	for (const char *at = path; *at; at++) {
		if (*at == '%' || *at == '?' || *at == '#')
			buf_printf(&out, "%%%02X", (unsigned)*at);
		else
			buf_add_char(&out, *at);
	}
	buf_add_text(&out, size_of(path, "-wal") > 0 ? "?mode=ro" : "?mode=ro&immutable=1");
	return buf_take(&out, NULL);
}

static void
fail(struct inspected *inspected, enum inspect_state state, const char *words)
{
	inspected->state = state;
	(void)snprintf(inspected->words, sizeof(inspected->words), "%s", words);
}

/* By what SQLite says: the file is damaged, or it cannot be got at. */
static void
fail_sqlite(struct inspected *inspected, sqlite3 *db)
{
	int code = sqlite3_errcode(db) & 0xff;
	fail(inspected,
		code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? INSPECT_DAMAGED : INSPECT_CLOSED,
		sqlite3_errmsg(db));
}

static void
read_schema(struct inspected *inspected, sqlite3 *db)
{
	int64_t application = 0, tables = 0;
	if (!db_query_int(db, "PRAGMA user_version", &inspected->schema) ||
		!db_query_int(db, "PRAGMA application_id", &application) ||
		!db_query_int(db, "SELECT count(*) FROM sqlite_schema", &tables))
		fail_sqlite(inspected, db);
	else if (application != SCHEMA_APPLICATION && (application != 0 || tables > 0))
		inspected->state = INSPECT_FOREIGN;
	else if (inspected->schema < 0 || (inspected->schema == 0 && tables > 0))
		fail(inspected, INSPECT_DAMAGED, "the number of its schema is missing");
	else if (inspected->schema > inspected->newest)
		inspected->state = INSPECT_NEWER;
	else
		inspected->state =
			inspected->schema < inspected->newest ? INSPECT_OLDER : INSPECT_GOOD;
}

static int
on_progress(void *data)
{
	struct clock clock = clock_system();
	return clock_mono_ms(&clock) >= *(const int64_t *)data;
}

static void
check_whole(struct inspected *inspected, sqlite3 *db)
{
	struct clock clock = clock_system();
	int64_t until_ms = clock_mono_ms(&clock) + INSPECT_CHECK_MS;
	sqlite3_stmt *stmt = NULL;
	sqlite3_progress_handler(db, PROGRESS_STEPS, on_progress, &until_ms);
	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
	inspected->whole = rc != SQLITE_INTERRUPT;
	if (rc == SQLITE_ROW) {
		struct str words = db_str(stmt, 0);
		if (!str_eq(words, STR("ok")))
			fail(inspected, INSPECT_DAMAGED, words.ptr ? words.ptr : "");
	} else if (inspected->whole) {
		fail_sqlite(inspected, db);
	}
	sqlite3_finalize(stmt);
}

void
inspect_database(const char *path, bool check, struct inspected *inspected)
{
	struct stat about;
	*inspected = (struct inspected){.newest = schema_newest(), .state = INSPECT_NONE};
	if (stat(path, &about) != 0) {
		if (errno != ENOENT)
			fail(inspected, INSPECT_CLOSED, strerror(errno));
		return;
	}
	inspected->bytes = about.st_size + size_of(path, "-wal");
	sqlite3 *db = NULL;
	char *address = address_of(path);
	int rc = sqlite3_open_v2(
		address ? address : "", &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	free(address);
	if (rc == SQLITE_OK) {
		(void)sqlite3_busy_timeout(db, 2000);
		read_schema(inspected, db);
	} else {
		fail_sqlite(inspected, db);
	}
	if (check && (inspected->state == INSPECT_GOOD || inspected->state == INSPECT_OLDER))
		check_whole(inspected, db);
	sqlite3_close(db);
}
