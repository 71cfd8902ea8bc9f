/* SPDX-License-Identifier: MIT */
/* Looking at databases: what each is, beside a host and alone, without changing anything. */
#include "inspect.h"

#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "schema.h"
#include "scratch.h"
#include "state.h"

static void
change(struct scratch *scratch, const char *sql)
{
	sqlite3 *db = NULL;
	store_close(scratch->store);
	scratch->store = NULL;
	assert_int_equal(sqlite3_open(scratch->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
a_database_is_good_while_a_host_works_with_it_and_after(void **state)
{
	struct scratch *scratch = *state;
	struct inspected inspected;
	assert_true(store_begin(scratch->store));
	fact_put(scratch->store, "a", STR("b"));
	assert_true(store_commit(scratch->store));
	inspect_database(scratch->path, true, &inspected);
	assert_int_equal(inspected.state, INSPECT_GOOD);
	assert_int_equal(inspected.schema, schema_newest());
	assert_true(inspected.whole);
	assert_true(inspected.bytes > 0);
	assert_true(store_begin(scratch->store)); /* it is in nobody's way */
	fact_put(scratch->store, "a", STR("c"));
	assert_true(store_commit(scratch->store));
	store_close(scratch->store);
	scratch->store = NULL;
	struct stat before, after;
	assert_int_equal(stat(scratch->path, &before), 0);
	inspect_database(scratch->path, true, &inspected);
	assert_int_equal(inspected.state, INSPECT_GOOD);
	assert_int_equal(stat(scratch->path, &after), 0);
	assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	char wal[128];
	snprintf(wal, sizeof(wal), "%s-wal", scratch->path);
	assert_int_not_equal(stat(wal, &after), 0); /* nothing was made */
}

static void
older_newer_and_foreign_ones_are_told_apart(void **state)
{
	struct scratch *scratch = *state;
	struct inspected inspected;
	change(scratch, "PRAGMA user_version = 1");
	inspect_database(scratch->path, false, &inspected);
	assert_int_equal(inspected.state, INSPECT_OLDER);
	assert_false(inspected.whole);
	change(scratch, "PRAGMA user_version = 9999");
	inspect_database(scratch->path, false, &inspected);
	assert_int_equal(inspected.state, INSPECT_NEWER);
	assert_int_equal(inspected.schema, 9999);
	change(scratch, "PRAGMA user_version = 3; PRAGMA application_id = 77");
	inspect_database(scratch->path, false, &inspected);
	assert_int_equal(inspected.state, INSPECT_FOREIGN);
}

static void
damage_and_what_is_no_database_are_found(void **state)
{
	struct scratch *scratch = *state;
	struct inspected inspected;
	store_close(scratch->store);
	scratch->store = NULL;
	FILE *file = fopen(scratch->path, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, 4096, SEEK_SET), 0);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(fputc(0xff, file), 0xff);
	assert_int_equal(fclose(file), 0);
	inspect_database(scratch->path, true, &inspected);
	assert_int_equal(inspected.state, INSPECT_DAMAGED);
	assert_true(strlen(inspected.words) > 0);
	file = fopen(scratch->path, "wb");
	assert_non_null(file);
	assert_true(fputs("this is a letter to a friend, and no database at all", file) >= 0);
	assert_int_equal(fclose(file), 0);
	inspect_database(scratch->path, true, &inspected);
	assert_int_equal(inspected.state, INSPECT_DAMAGED);
	assert_int_equal(unlink(scratch->path), 0);
	inspect_database(scratch->path, true, &inspected);
	assert_int_equal(inspected.state, INSPECT_NONE);
	inspect_database("/dev/null/moontusk.db", true, &inspected);
	assert_int_equal(inspected.state, INSPECT_CLOSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_database_is_good_while_a_host_works_with_it_and_after, scratch_setup,
			scratch_teardown),
		cmocka_unit_test_setup_teardown(older_newer_and_foreign_ones_are_told_apart,
			scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			damage_and_what_is_no_database_are_found, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
