/* SPDX-License-Identifier: MIT */
/* What is switched off stays so over a restart; dead letters are found by their instance. */
#include "scratch.h"

#include "intents.h"
#include "journal.h"
#include "troubles.h"

static void
look(void *data, const struct quarantine *row)
{
	struct quarantine *copy = data;
	*copy = *row;
	copy->why = copy->report = copy->streams = copy->files = NULL;
	assert_string_equal(row->streams, "[1]");
	assert_string_equal(row->files, "[2]");
	assert_string_equal(row->why, "it failed");
}

static void
an_instance_is_off_until_the_mark_goes(void **state)
{
	struct scratch *scratch = *state;
	struct quarantine row = {"cats", 5, "it failed", NULL, INT64_MIN, 3, "[1]", "[2]"},
			  found = {0};
	assert_true(store_begin(scratch->store));
	quarantine_put(scratch->store, &row);
	row.missed = 4;
	quarantine_put(scratch->store, &row);
	assert_true(store_commit(scratch->store));
	scratch_reopen(scratch);
	assert_true(quarantine_get(scratch->store, "cats", look, &found));
	assert_true(found.at_ms == 5 && found.source == INT64_MIN && found.missed == 4);
	assert_false(quarantine_get(scratch->store, "dogs", look, &found));
	assert_true(store_begin(scratch->store));
	quarantine_delete(scratch->store, "cats");
	assert_true(store_commit(scratch->store));
	assert_false(quarantine_get(scratch->store, "cats", look, &found));
}

static void
count(void *data, const struct letter *letter)
{
	assert_string_equal(letter->detail.ptr, "{}");
	++*(int *)data;
}

static void
letters_are_told_apart_from_other_entries_and_by_instance(void **state)
{
	struct scratch *scratch = *state;
	static const char *const rows[][2] = {
		{"cats", "dead_letter"}, {"cats", "handled"}, {"dogs", "dead_letter"}};
	assert_true(store_begin(scratch->store));
	for (int i = 0; i < 3; i++) {
		struct journal_entry entry = {
			i, rows[i][0], rows[i][1], STR("update:1"), STR("{}")};
		journal_add(scratch->store, &entry);
	}
	assert_true(store_commit(scratch->store));
	int all = 0, cats = 0;
	letter_each(scratch->store, NULL, count, &all);
	letter_each(scratch->store, "cats", count, &cats);
	assert_int_equal(all, 2);
	assert_int_equal(cats, 1);
	assert_int_equal(letter_count(scratch->store, "dogs"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_instance_is_off_until_the_mark_goes, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			letters_are_told_apart_from_other_entries_and_by_instance, scratch_setup,
			scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
