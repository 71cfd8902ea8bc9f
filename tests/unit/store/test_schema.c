/* SPDX-License-Identifier: MIT */
/* Databases of older versions of moontusk, and what they become. */
#include "scratch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "fills.h"
#include "intents.h"
#include "seen.h"
#include "state.h"

/* Puts the database of schema 1 in the place of the scratch's. */
static void
make_v1(struct scratch *scratch)
{
	store_close(scratch->store);
	scratch->store = NULL;
	assert_int_equal(unlink(scratch->path), 0);
	char file[512];
	snprintf(file, sizeof(file), "%s/store/v1.sql", getenv("MOONTUSK_FIXTURES"));
	FILE *in = fopen(file, "re");
	assert_non_null(in);
	char *text = xcalloc(1, 1 << 16);
	assert_true(fread(text, 1, (1 << 16) - 1, in) > 1000);
	fclose(in);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(text);
}

static int64_t
ask(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return number;
}

static void
backup_path(const struct scratch *scratch, char *out, size_t size)
{
	snprintf(out, size, "%s.v1.bak", scratch->path);
}

static int
teardown(void **state)
{
	char backup[160];
	backup_path(*state, backup, sizeof(backup));
	(void)unlink(backup);
	return scratch_teardown(state);
}

struct found {
	char text[512];
};

static void
add_state(void *data, struct str key, struct str json)
{
	struct found *found = data;
	size_t len = strlen(found->text);
	snprintf(found->text + len, sizeof(found->text) - len, "%.*s=%.*s ", STR_ARG(key),
		STR_ARG(json));
}

static bool
count_delivery(void *data, const struct delivery *delivery)
{
	assert_int_equal(delivery->row, 7);
	assert_true(str_eq_text(delivery->key, "#0")); /* the first handler */
	++*(int *)data;
	return true;
}

static void
brings_a_database_of_schema_1_with_its_rows(void **state)
{
	struct scratch *scratch = *state;
	make_v1(scratch);
	scratch_open(scratch);
	struct seen_key seen = {
		"cats", STR("server:mastodon.example"), STR("update"), STR("1001"), STR("")};
	assert_true(seen_has(scratch->store, &seen));
	struct found found = {""};
	state_each(scratch->store, "cats", add_state, &found);
	assert_string_equal(found.text, "count=41 names={\"a\":[\"x\",\"y\"]} ");
	int deliveries = 0;
	delivery_each(scratch->store, "cats", 0, count_delivery, &deliveries);
	assert_int_equal(deliveries, 1);
	struct schedule_row row;
	assert_true(schedule_get(scratch->store, "cats", "every 1h", &row));
	assert_int_equal(row.due_ms, 1700003600000);
	assert_true(row.last_ms == 0 && row.spec_hash == 0 && row.runs == 0 && row.missed == 0);
	assert_int_equal(archive_length(scratch->store, "archive/cats/posts.jsonl"), 1234);
	assert_int_equal(intent_count_open(scratch->store), 1);
	struct intent intent;
	assert_true(intent_get(scratch->store, "cats|post|update:1001|0", &intent));
	assert_string_equal(intent.outcome, "1003");
	assert_null(intent.made_url);
	intent_finish(&intent);
	struct source_key source = {"bot", STR("public"), STR(""), "update"};
	struct buf cursor;
	int64_t at_ms = 0;
	buf_init(&cursor, 64);
	assert_true(cursor_get(scratch->store, &source, &cursor, &at_ms));
	assert_string_equal(cursor.ptr, "1002");
	assert_int_equal(at_ms, 1700000002000);
	buf_finish(&cursor);
	scratch_reopen(scratch); /* and once only */
	assert_int_equal(intent_count_open(scratch->store), 1);
}

static void
keeps_a_copy_of_the_older_database_for_its_owner_only(void **state)
{
	struct scratch *scratch = *state;
	make_v1(scratch);
	scratch_open(scratch);
	char backup[160];
	backup_path(scratch, backup, sizeof(backup));
	struct stat info;
	assert_int_equal(stat(backup, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(ask(backup, "PRAGMA user_version"), 1);
	assert_int_equal(ask(backup, "PRAGMA application_id"), 0x6d6f6f6e);
	assert_int_equal(ask(backup, "SELECT count(*) FROM intents"), 2);
}

static void
a_migrated_database_has_the_tables_of_a_new_one(void **state)
{
	struct scratch *scratch = *state;
	const char *sum =
		"SELECT sum(length(sql) * (instr(name, 's') + 1)) + 1000000 * count(*) FROM sqlite_schema"
		" WHERE name NOT LIKE 'sqlite_%'";
	int64_t fresh = ask(scratch->path, sum),
		version = ask(scratch->path, "PRAGMA user_version");
	assert_int_equal(ask(scratch->path, "PRAGMA auto_vacuum"), 2);
	make_v1(scratch);
	scratch_open(scratch);
	assert_int_equal(ask(scratch->path, sum), fresh);
	assert_int_equal(ask(scratch->path, "PRAGMA user_version"), version);
	assert_int_equal(ask(scratch->path, "PRAGMA auto_vacuum"), 2);
	assert_int_equal(
		ask(scratch->path,
			"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check != 'ok'"),
		0);
}

static void
leaves_an_older_database_alone_when_it_cannot_be_copied(void **state)
{
	struct scratch *scratch = *state;
	make_v1(scratch);
	char backup[160], inside[176];
	backup_path(scratch, backup, sizeof(backup));
	snprintf(inside, sizeof(inside), "%s.new", backup);
	assert_int_equal(mkdir(inside, 0700), 0); /* in the way */
	scratch->store = store_open(scratch->path, NULL, scratch->error);
	assert_int_equal(rmdir(inside), 0);
	assert_null(scratch->store);
	assert_non_null(strstr(scratch->error, backup));
	assert_non_null(strstr(scratch->error, "make room"));
	assert_int_equal(ask(scratch->path, "PRAGMA user_version"), 1);
	assert_int_equal(ask(scratch->path, "SELECT count(*) FROM intents"), 2);
}

static void
takes_up_again_after_a_migration_that_was_killed(void **state)
{
	struct scratch *scratch = *state;
	make_v1(scratch);
	char backup[160], fresh[176];
	backup_path(scratch, backup, sizeof(backup));
	snprintf(fresh, sizeof(fresh), "%s.new", backup);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "half a copy", 11), 11);
	close(fd);
	scratch_open(scratch);
	assert_int_equal(access(fresh, F_OK), -1);
	assert_int_equal(ask(backup, "SELECT count(*) FROM intents"), 2);
}

static void
says_which_moontusk_wrote_a_newer_database(void **state)
{
	struct scratch *scratch = *state;
	store_close(scratch->store);
	scratch->store = NULL;
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "UPDATE facts SET value = '7.8.9' WHERE name = 'written_by';"
				 "PRAGMA user_version = 99",
				 NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_null(store_open(scratch->path, NULL, scratch->error));
	assert_non_null(strstr(scratch->error, "7.8.9"));
	assert_non_null(strstr(scratch->error, "schema 99"));
	assert_non_null(strstr(scratch->error, "run that version"));
}

#define SCHEMA_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCHEMA_TEST(brings_a_database_of_schema_1_with_its_rows),
		SCHEMA_TEST(keeps_a_copy_of_the_older_database_for_its_owner_only),
		SCHEMA_TEST(a_migrated_database_has_the_tables_of_a_new_one),
		SCHEMA_TEST(leaves_an_older_database_alone_when_it_cannot_be_copied),
		SCHEMA_TEST(takes_up_again_after_a_migration_that_was_killed),
		SCHEMA_TEST(says_which_moontusk_wrote_a_newer_database),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
