/* SPDX-License-Identifier: MIT */
/* Cursors and their marks, fills that are not done and gaps are there after a restart. */
#include "scratch.h"

#include "fills.h"

#define MINUTE_MS 60000

static const struct source_key cats = {"bot", {"hashtag", 7}, {"cats", 4}, "update"};
static const struct source_key home = {"bot", {"user", 4}, {NULL, 0}, "update"};
static const struct source_key mentions = {"bot", {"user", 4}, {NULL, 0}, "notification"};

static void
assert_cursor(struct scratch *scratch, const struct source_key *key, const char *expected)
{
	struct buf cursor;
	int64_t at_ms = 0;
	buf_init(&cursor, 64);
	assert_int_equal(cursor_get(scratch->store, key, &cursor, &at_ms), expected != NULL);
	if (expected)
		assert_string_equal(cursor.ptr, expected);
	buf_finish(&cursor);
}

/* Scenario 19: posts and notifications of one stream do not move each other. */
static void
each_source_of_a_stream_has_its_own_cursor(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	cursor_put(scratch->store, &home, STR("100"), 1);
	cursor_put(scratch->store, &mentions, STR("999999"), 2);
	cursor_put(scratch->store, &home, STR("101"), 3);
	cursor_put(scratch->store, &cats, STR("7"), 3);
	commit(scratch);
	scratch_reopen(scratch);
	assert_cursor(scratch, &home, "101");
	assert_cursor(scratch, &mentions, "999999");
	assert_cursor(scratch, &cats, "7");
	struct source_key dogs = cats;
	dogs.param = STR("dogs");
	assert_cursor(scratch, &dogs, NULL);
}

static void
assert_mark(struct scratch *scratch, int64_t at_ms, const char * not, const char *expected)
{
	struct buf cursor;
	buf_init(&cursor, 64);
	assert_int_equal(cursor_mark_find(scratch->store, &cats, at_ms, str_from(not ), &cursor),
		expected != NULL);
	if (expected)
		assert_string_equal(cursor.ptr, expected);
	buf_finish(&cursor);
}

static void
marks_tell_what_the_cursor_was(void **state)
{
	struct scratch *scratch = *state;
	assert_mark(scratch, 1000, "9", NULL);
	begin(scratch);
	for (int i = 0; i < 10; i++) {
		char cursor[16];
		snprintf(cursor, sizeof(cursor), "%d", 100 + i);
		cursor_mark(scratch->store, &cats, str_from(cursor), i * 5 * MINUTE_MS);
	}
	cursor_mark(scratch->store, &home, STR("5"), MINUTE_MS);
	commit(scratch);
	scratch_reopen(scratch);
	assert_mark(scratch, 12 * MINUTE_MS, "109", "102");
	assert_mark(scratch, 45 * MINUTE_MS, "109", "108");
	assert_mark(scratch, -1, "109", "100"); /* the oldest is better than none */
	assert_int_equal(cursor_mark_newest_ms(scratch->store, &cats), 45 * MINUTE_MS);
	begin(scratch);
	cursor_marks_prune(scratch->store, &cats, 3);
	commit(scratch);
	assert_mark(scratch, -1, "109", "107");
	assert_int_equal(cursor_mark_newest_ms(scratch->store, &home), MINUTE_MS);
}

static void
count_fill(void *data, const struct fill_row *row)
{
	unsigned *seen = data;
	bool first = str_eq_text(row->key.stream, "user");
	++*seen;
	assert_string_equal(row->key.account, "bot");
	assert_string_equal(row->key.kind, "update");
	assert_int_equal(row->first, first);
	assert_int_equal(row->pass, first ? FILL_PASS_OPEN : FILL_PASS_AGAIN);
	assert_true(first ? !row->next.ptr : str_eq(row->next, STR("105")));
	assert_true(first ? !row->known.ptr : str_eq(row->known, STR("110")));
	assert_int_equal(row->connected_ms, first ? 0 : 12);
	assert_int_equal(row->due_ms, first ? 0 : 13);
	assert_int_equal(row->down, !first);
}

static void
open_fills_are_found_again(void **state)
{
	struct scratch *scratch = *state;
	struct fill_row row = {.key = cats, .next = STR("104"), .known = STR("110")};
	begin(scratch);
	fill_put(scratch->store, &(struct fill_row){.key = home, .first = true});
	fill_put(scratch->store, &row);
	row.next = STR("105");
	row.pass = FILL_PASS_AGAIN;
	row.down = true;
	row.connected_ms = 12;
	row.due_ms = 13;
	fill_put(scratch->store, &row);
	fill_put(scratch->store, &(struct fill_row){.key = mentions});
	fill_delete(scratch->store, &mentions);
	commit(scratch);
	scratch_reopen(scratch);
	unsigned seen = 0;
	fill_each(scratch->store, count_fill, &seen);
	assert_int_equal(seen, 2);
}

static void
take_gap(void *data, const struct gap *gap)
{
	unsigned *seen = data;
	++*seen;
	assert_string_equal(gap->what, "posts");
	assert_true(str_eq(gap->stream, STR("hashtag")) && str_eq(gap->param, STR("cats")));
	assert_true(str_eq(gap->from_id, STR("110")) && gap->to_id.ptr == NULL);
	assert_true(gap->from_ms == 5000 && gap->to_ms == 6000 && gap->at_ms == 7000);
	assert_true(str_eq(gap->reason, STR("the server keeps no older ones")));
	assert_false(gap->quiet);
}

static void
gaps_are_listed_from_a_time_on_and_counted(void **state)
{
	struct scratch *scratch = *state;
	struct gap gap = {.account = "bot",
		.stream = STR("hashtag"),
		.param = STR("cats"),
		.what = "deletes",
		.from_ms = 1000,
		.to_ms = 2000,
		.reason = STR("r"),
		.quiet = true,
		.at_ms = 2500};
	begin(scratch);
	gap_put(scratch->store, &gap);
	int64_t first = gap.id;
	gap.what = "posts";
	gap.from_id = STR("110");
	gap.from_ms = 5000;
	gap.to_ms = 6000;
	gap.at_ms = 7000;
	gap.quiet = false;
	gap.reason = STR("the server keeps no older ones");
	gap_put(scratch->store, &gap);
	assert_true(gap.id > first);
	commit(scratch);
	unsigned seen = 0;
	gap_each(scratch->store, 3000, take_gap, &seen);
	assert_int_equal(seen, 1);
	struct gap_counts counts;
	gap_count(scratch->store, &counts);
	assert_true(counts.alarms == 1 && counts.quiet == 1 && counts.last_ms == 6000);
	begin(scratch);
	assert_int_equal(gap_prune(scratch->store, 3000, 10), 1);
	commit(scratch);
	gap_count(scratch->store, &counts);
	assert_true(counts.alarms == 1 && counts.quiet == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(each_source_of_a_stream_has_its_own_cursor),
		SCRATCH_TEST(marks_tell_what_the_cursor_was),
		SCRATCH_TEST(open_fills_are_found_again),
		SCRATCH_TEST(gaps_are_listed_from_a_time_on_and_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
