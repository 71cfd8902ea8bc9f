/* SPDX-License-Identifier: MIT */
/* Archive files hold exactly what was committed. */
#include "folder.h"

#include "archive.h"
#include "store.h"

/* 2026-11-21T12:00:00Z */
#define NOON INT64_C(1795262400000)

struct opened {
	struct store *store;
	struct archives *archives;
};

static struct opened
open_all(const char *folder)
{
	char error[1024];
	char *path = file_join(folder, "moontusk.db");
	struct opened opened = {.store = store_open(path, NULL, error)};
	assert_non_null(opened.store);
	opened.archives = archives_open(folder, opened.store, NULL);
	free(path);
	return opened;
}

static void
close_all(struct opened *opened)
{
	archives_close(opened->archives);
	store_close(opened->store);
}

static void
add_line(struct opened *opened, const char *line)
{
	archives_add(opened->archives, NOON, "cats", "found", str_from(line));
	assert_true(store_begin(opened->store));
	assert_true(archives_write(opened->archives));
	assert_true(store_commit(opened->store));
	archives_committed(opened->archives);
}

static void
keeps_committed_lines_and_cuts_a_torn_tail(void **state)
{
	struct opened opened = open_all(*state);
	add_line(&opened, "one");
	add_line(&opened, "two");
	char *path = archives_path(opened.archives, "cats", "found");
	close_all(&opened);
	folder_expect(path, "one\ntwo\n");
	FILE *file = fopen(path, "a");
	assert_non_null(file);
	fputs("{\"half", file);
	fclose(file);
	opened = open_all(*state);
	folder_expect(path, "one\ntwo\n");
	add_line(&opened, "three");
	close_all(&opened);
	folder_expect(path, "one\ntwo\nthree\n");
	free(path);
}

static void
lines_of_a_turn_that_was_not_committed_are_gone_after_a_restart(void **state)
{
	struct opened opened = open_all(*state);
	add_line(&opened, "kept");
	char *path = archives_path(opened.archives, "cats", "found");
	archives_add(opened.archives, NOON, "cats", "found", STR("lost"));
	assert_true(store_begin(opened.store));
	assert_true(archives_write(opened.archives));
	store_rollback(opened.store);
	close_all(&opened);
	folder_expect(path, "kept\nlost\n");
	opened = open_all(*state);
	folder_expect(path, "kept\n");
	close_all(&opened);
	free(path);
}

static void
a_file_that_was_removed_starts_anew(void **state)
{
	struct opened opened = open_all(*state);
	add_line(&opened, "old");
	char *path = archives_path(opened.archives, "cats", "found");
	close_all(&opened);
	assert_int_equal(unlink(path), 0);
	opened = open_all(*state);
	add_line(&opened, "new");
	close_all(&opened);
	folder_expect(path, "new\n");
	free(path);
}

static void
nothing_is_left_of_a_first_turn_that_was_lost(void **state)
{
	struct opened opened = open_all(*state);
	archives_add(
		opened.archives, NOON, "cats", "found", STR("a long line of a turn that was lost"));
	assert_true(store_begin(opened.store));
	assert_true(archives_write(opened.archives));
	store_rollback(opened.store); /* the very first turn: the database knows of no such file */
	char *path = archives_path(opened.archives, "cats", "found");
	close_all(&opened);
	assert_int_not_equal(access(path, F_OK), 0);
	opened = open_all(*state);
	add_line(&opened, "new");
	add_line(&opened, "newer");
	close_all(&opened);
	folder_expect(path, "new\nnewer\n");
	char *aside = xasprintf("%s.unknown-1", path);
	assert_int_not_equal(access(aside, F_OK), 0);
	free(aside);
	free(path);
}

static void
takes_a_first_turn_that_was_committed_and_not_renamed(void **state)
{
	struct opened opened = open_all(*state);
	archives_add(opened.archives, NOON, "cats", "found", STR("one"));
	assert_true(store_begin(opened.store));
	assert_true(archives_write(opened.archives));
	assert_true(store_commit(opened.store)); /* and killed */
	char *path = archives_path(opened.archives, "cats", "found");
	close_all(&opened);
	opened = open_all(*state);
	add_line(&opened, "two");
	close_all(&opened);
	folder_expect(path, "one\ntwo\n");
	free(path);
}

static void
a_file_that_the_database_does_not_know_is_put_aside(void **state)
{
	struct opened opened = open_all(*state);
	char *path = archives_path(opened.archives, "cats", "found");
	char *aside = xasprintf("%s.unknown-1", path), *folder = file_folder(path);
	assert_true(folder_make(folder));
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("of another database\n", file);
	fclose(file);
	add_line(&opened, "new");
	close_all(&opened);
	folder_expect(path, "new\n");
	folder_expect(aside, "of another database\n");
	free(folder);
	free(aside);
	free(path);
}

static void
a_turn_that_is_rolled_back_leaves_the_files_as_they_were(void **state)
{
	struct opened opened = open_all(*state);
	add_line(&opened, "one");
	char *path = archives_path(opened.archives, "cats", "found");
	archives_add(opened.archives, NOON, "cats", "found", STR("lost"));
	assert_true(store_begin(opened.store));
	assert_true(archives_write(opened.archives));
	archives_add(opened.archives, NOON, "cats", "found", STR("not even written"));
	store_rollback(opened.store);
	archives_roll_back(opened.archives);
	folder_expect(path, "one\n");
	add_line(&opened, "two");
	close_all(&opened);
	folder_expect(path, "one\ntwo\n");
	free(path);
}

static void
names_cannot_leave_the_folder(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", ".", "..", ".hidden", "a/b", "../x", "a b", "ä", "a\nb"};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(archive_name_ok(str_from(bad[i])));
	assert_false(archive_name_ok(
		STR("a23456789012345678901234567890123456789012345678901234567890123456789")));
	assert_true(archive_name_ok(STR("spam-2026.v1_b")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			keeps_committed_lines_and_cuts_a_torn_tail, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			lines_of_a_turn_that_was_not_committed_are_gone_after_a_restart,
			folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_was_removed_starts_anew, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(nothing_is_left_of_a_first_turn_that_was_lost,
			folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			takes_a_first_turn_that_was_committed_and_not_renamed, folder_setup,
			folder_teardown),
		cmocka_unit_test_setup_teardown(a_file_that_the_database_does_not_know_is_put_aside,
			folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_turn_that_is_rolled_back_leaves_the_files_as_they_were, folder_setup,
			folder_teardown),
		cmocka_unit_test(names_cannot_leave_the_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
