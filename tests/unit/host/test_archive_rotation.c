/* SPDX-License-Identifier: MIT */
/* Archives that rotate: each line in one file, closed files never touched again, whatever happens in between. */
#include "folder.h"

#include "archive.h"
#include "store.h"

#define HOUR INT64_C(3600000)
#define NOON INT64_C(1795262400000) /* 2026-11-21T12:00:00Z */

struct opened {
	struct store *store;
	struct archives *archives;
};

static struct opened
open_all(const char *folder, struct rotation rotation)
{
	char error[1024];
	char *path = file_join(folder, "moontusk.db");
	struct opened opened = {.store = store_open(path, NULL, error)};
	assert_non_null(opened.store);
	opened.archives = archives_open(folder, opened.store, NULL);
	archives_set_rotation(opened.archives, &rotation);
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
queue_line(struct opened *opened, int64_t now_ms, const char *line)
{
	archives_add(opened->archives, now_ms, "cats", "found", str_from(line));
}

static void
commit(struct opened *opened)
{
	assert_true(store_begin(opened->store));
	assert_true(archives_write(opened->archives));
	assert_true(store_commit(opened->store));
	archives_committed(opened->archives);
}

static void
add_line(struct opened *opened, int64_t now_ms, const char *line)
{
	queue_line(opened, now_ms, line);
	commit(opened);
}

static char *
path_of(const char *folder, const char *name)
{
	return xasprintf("%s/archive/cats/%s", folder, name);
}

static void
expect(const char *folder, const char *name, const char *text)
{
	char *path = path_of(folder, name);
	folder_expect(path, text);
	free(path);
}

static void
expect_none(const char *folder, const char *name)
{
	char *path = path_of(folder, name);
	assert_int_not_equal(access(path, F_OK), 0);
	free(path);
}

static const struct rotation daily = {.daily = true};
static const struct rotation sized = {.bytes = 20};

static void
each_day_has_a_file(void **state)
{
	struct opened opened = open_all(*state, daily);
	add_line(&opened, NOON, "one");
	add_line(&opened, NOON + 11 * HOUR, "two");
	add_line(&opened, NOON + 12 * HOUR, "three");
	char *path = archives_path(opened.archives, "cats", "found");
	assert_true(str_ends(str_from(path), "/archive/cats/found_2026-11-22.jsonl"));
	free(path);
	close_all(&opened);
	expect(*state, "found_2026-11-21.jsonl", "one\ntwo\n");
	expect(*state, "found_2026-11-22.jsonl", "three\n");
}

static void
a_line_that_does_not_fit_goes_to_the_next_file(void **state)
{
	struct opened opened = open_all(*state, sized);
	add_line(&opened, NOON, "eight by"); /* 9 bytes */
	add_line(&opened, NOON, "tes each");
	queue_line(&opened, NOON, "third of");
	queue_line(&opened, NOON, "one turn"); /* a new file stays for its turn */
	queue_line(&opened, NOON, "and more");
	commit(&opened);
	add_line(&opened, NOON, "the last");
	close_all(&opened);
	expect(*state, "found_2026-11-21.jsonl", "eight by\ntes each\n");
	expect(*state, "found_2026-11-21_0002.jsonl", "third of\none turn\nand more\n");
	expect(*state, "found_2026-11-21_0003.jsonl", "the last\n");
}

static void
goes_on_after_a_restart_where_it_was(void **state)
{
	struct opened opened = open_all(*state, sized);
	add_line(&opened, NOON, "one");
	close_all(&opened);
	opened = open_all(*state, sized);
	add_line(&opened, NOON + HOUR, "two");
	add_line(&opened, NOON + HOUR, "this does not fit");
	close_all(&opened);
	opened = open_all(*state, sized);
	add_line(&opened, NOON + 2 * HOUR, "x");
	close_all(&opened);
	expect(*state, "found_2026-11-21.jsonl", "one\ntwo\n");
	expect(*state, "found_2026-11-21_0002.jsonl", "this does not fit\nx\n");
}

/* Whoever moves, packs or removes a closed file is not asked about it, and its name does not come again. */
static void
closed_files_belong_to_the_operator(void **state)
{
	char *first = path_of(*state, "found_2026-11-21.jsonl");
	char *packed = path_of(*state, "found_2026-11-21_0002.jsonl.zst");
	char *second = path_of(*state, "found_2026-11-21_0002.jsonl");
	struct opened opened = open_all(*state, sized);
	add_line(&opened, NOON, "the first of the day");
	add_line(&opened, NOON, "the second of the day");
	assert_int_equal(unlink(first), 0);
	close_all(&opened);
	opened = open_all(*state, sized);
	add_line(&opened, NOON, "the third of the day");
	assert_int_equal(rename(second, packed), 0);
	FILE *file = fopen(first, "w"); /* what somebody puts there stays */
	assert_non_null(file);
	fputs("mine", file);
	fclose(file);
	close_all(&opened);
	opened = open_all(*state, sized);
	add_line(&opened, NOON, "the fourth of the day");
	close_all(&opened);
	expect(*state, "found_2026-11-21.jsonl", "mine");
	expect_none(*state, "found_2026-11-21_0002.jsonl");
	expect(*state, "found_2026-11-21_0002.jsonl.zst", "the second of the day\n");
	expect(*state, "found_2026-11-21_0003.jsonl", "the third of the day\n");
	expect(*state, "found_2026-11-21_0004.jsonl", "the fourth of the day\n");
	free(first);
	free(packed);
	free(second);
}

/* The file in use is gone, and so is its name: a copy of it elsewhere is not written over by another of that name. */
static void
a_file_that_was_taken_away_while_in_use_does_not_come_again(void **state)
{
	char *first = path_of(*state, "found_2026-11-21.jsonl");
	struct opened opened = open_all(*state, daily);
	add_line(&opened, NOON, "one");
	close_all(&opened);
	assert_int_equal(unlink(first), 0);
	opened = open_all(*state, daily);
	add_line(&opened, NOON, "two");
	close_all(&opened);
	expect_none(*state, "found_2026-11-21.jsonl");
	expect(*state, "found_2026-11-21_0002.jsonl", "two\n");
	free(first);
}

static void
a_crash_before_the_commit_leaves_the_old_file_in_use(void **state)
{
	struct opened opened = open_all(*state, daily);
	add_line(&opened, NOON, "one");
	queue_line(&opened, NOON, "lost");
	queue_line(&opened, NOON + 12 * HOUR, "lost as well");
	assert_true(store_begin(opened.store));
	assert_true(archives_write(opened.archives));
	store_rollback(opened.store);
	close_all(&opened); /* killed */
	opened = open_all(*state, daily);
	expect(*state, "found_2026-11-21.jsonl", "one\n");
	expect_none(*state, "found_2026-11-22.jsonl");
	add_line(&opened, NOON, "two");
	add_line(&opened, NOON + 12 * HOUR, "three");
	close_all(&opened);
	expect(*state, "found_2026-11-21.jsonl", "one\ntwo\n");
	expect(*state, "found_2026-11-22.jsonl", "three\n");
}

static void
a_crash_right_after_the_commit_loses_nothing(void **state)
{
	struct opened opened = open_all(*state, daily);
	add_line(&opened, NOON, "one");
	queue_line(&opened, NOON, "two");
	queue_line(&opened, NOON + 12 * HOUR, "three");
	assert_true(store_begin(opened.store));
	assert_true(archives_write(opened.archives));
	assert_true(store_commit(opened.store));
	close_all(&opened); /* killed */
	opened = open_all(*state, daily);
	add_line(&opened, NOON + 13 * HOUR, "four");
	close_all(&opened);
	expect(*state, "found_2026-11-21.jsonl", "one\ntwo\n");
	expect(*state, "found_2026-11-22.jsonl", "three\nfour\n");
}

static void
a_turn_that_is_rolled_back_over_midnight_is_done_again(void **state)
{
	struct opened opened = open_all(*state, daily);
	add_line(&opened, NOON, "one");
	queue_line(&opened, NOON, "lost");
	queue_line(&opened, NOON + 12 * HOUR, "lost as well");
	assert_true(store_begin(opened.store));
	assert_true(archives_write(opened.archives));
	store_rollback(opened.store);
	archives_roll_back(opened.archives);
	expect(*state, "found_2026-11-21.jsonl", "one\n");
	add_line(&opened, NOON + 12 * HOUR, "two");
	add_line(&opened, NOON + 12 * HOUR, "three");
	close_all(&opened);
	opened = open_all(*state, daily);
	add_line(&opened, NOON + 12 * HOUR, "four");
	close_all(&opened);
	expect(*state, "found_2026-11-21.jsonl", "one\n");
	expect(*state, "found_2026-11-22.jsonl", "two\nthree\nfour\n");
}

/* The operator changes their mind. */
static void
rotation_may_begin_and_end(void **state)
{
	const struct rotation none = {0};
	struct opened opened = open_all(*state, none);
	add_line(&opened, NOON, "one");
	archives_set_rotation(opened.archives, &daily);
	add_line(&opened, NOON, "two");
	archives_set_rotation(opened.archives, &none);
	add_line(&opened, NOON, "three");
	close_all(&opened);
	opened = open_all(*state, daily);
	add_line(&opened, NOON, "four");
	add_line(&opened, NOON + 24 * HOUR, "five");
	close_all(&opened);
	expect(*state, "found.jsonl", "one\nthree\n");
	expect(*state, "found_2026-11-21.jsonl", "two\nfour\n");
	expect(*state, "found_2026-11-22.jsonl", "five\n");
}

/* A plugin may name its archives by the day itself: without rotation they are files like all others. */
static void
names_that_look_alike_are_left_alone(void **state)
{
	const struct rotation none = {0};
	for (int i = 0; i < 2; i++) {
		struct opened opened = open_all(*state, none);
		archives_add(opened.archives, NOON, "cats", "found_2026-11-20", STR("line"));
		commit(&opened);
		close_all(&opened);
	}
	expect(*state, "found_2026-11-20.jsonl", "line\nline\n");
}

/* What every archive is told stands once in the file of now of each, also of those that had no line since the start. */
static void
what_all_archives_are_told_goes_to_their_files_of_now(void **state)
{
	const struct rotation none = {0};
	struct opened opened = open_all(*state, none);
	add_line(&opened, NOON, "one");
	archives_set_rotation(opened.archives, &daily);
	add_line(&opened, NOON, "two");
	archives_add(opened.archives, NOON, "cats", "other", STR("three"));
	archives_add(opened.archives, NOON, "catsup", "found", STR("four"));
	commit(&opened);
	close_all(&opened);
	opened = open_all(*state, daily);
	archives_note(opened.archives, NOON + HOUR, "cats", STR("gap"));
	commit(&opened);
	archives_note(opened.archives, NOON + 12 * HOUR, "cats", STR("next gap"));
	archives_note(opened.archives, NOON + 12 * HOUR, "dogs", STR("no gap"));
	commit(&opened);
	archives_set_rotation(opened.archives, &none);
	archives_note(opened.archives, NOON + 12 * HOUR, "cats", STR("last gap"));
	commit(&opened);
	close_all(&opened);
	expect(*state, "found.jsonl", "one\nlast gap\n");
	expect(*state, "found_2026-11-21.jsonl", "two\ngap\n");
	expect(*state, "found_2026-11-22.jsonl", "next gap\n");
	expect(*state, "other.jsonl", "last gap\n");
	expect(*state, "other_2026-11-21.jsonl", "three\ngap\n");
	expect(*state, "other_2026-11-22.jsonl", "next gap\n");
	expect(*state, "../catsup/found_2026-11-21.jsonl", "four\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_day_has_a_file),
		T(a_line_that_does_not_fit_goes_to_the_next_file),
		T(goes_on_after_a_restart_where_it_was),
		T(closed_files_belong_to_the_operator),
		T(a_file_that_was_taken_away_while_in_use_does_not_come_again),
		T(a_crash_before_the_commit_leaves_the_old_file_in_use),
		T(a_crash_right_after_the_commit_loses_nothing),
		T(a_turn_that_is_rolled_back_over_midnight_is_done_again),
		T(rotation_may_begin_and_end),
		T(names_that_look_alike_are_left_alone),
		T(what_all_archives_are_told_goes_to_their_files_of_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
