/* SPDX-License-Identifier: MIT */
/* Plugin state, schedules, archive lengths and facts. */
#include "scratch.h"

#include <string.h>

#include "buf.h"
#include "state.h"

static void
on_state(void *data, struct str key, struct str json)
{
	struct buf *out = data;
	(void)buf_add_str(out, key);
	(void)buf_add_char(out, '=');
	(void)buf_add_str(out, json);
	(void)buf_add_char(out, ' ');
}

static void
state_belongs_to_its_instance(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	state_put(scratch->store, "cats", STR("n"), STR("1"));
	state_put(scratch->store, "cats", STR("n"), STR("2"));
	state_put(scratch->store, "cats", STR("nul\0key"), STR("\"v\""));
	state_put(scratch->store, "cats", STR("gone"), STR("3"));
	state_delete(scratch->store, "cats", STR("gone"));
	state_put(scratch->store, "dogs", STR("n"), STR("9"));
	commit(scratch);
	scratch_reopen(scratch);
	struct buf out;
	buf_init(&out, 256);
	state_each(scratch->store, "cats", on_state, &out);
	assert_true(str_eq(buf_str(&out), STR("n=2 nul\0key=\"v\" ")));
	buf_finish(&out);
}

static void
schedules_keep_their_due_time(void **state)
{
	struct scratch *scratch = *state;
	struct schedule_row row = {.due_ms = -1};
	assert_false(schedule_get(scratch->store, "cats", "tick", &row));
	assert_int_equal(row.due_ms, 0);
	begin(scratch);
	schedule_put(scratch->store, "cats", "tick", &(struct schedule_row){.due_ms = 5});
	struct schedule_row put = {INT64_C(1795268000123), INT64_C(1795267000123), -7, 3, 2, 1};
	schedule_put(scratch->store, "cats", "tick", &put);
	commit(scratch);
	assert_true(schedule_get(scratch->store, "cats", "tick", &row));
	assert_memory_equal(&row, &put, sizeof(row));
	assert_false(schedule_get(scratch->store, "dogs", "tick", &row));
}

static void
schedules_that_are_gone_are_forgotten(void **state)
{
	struct scratch *scratch = *state;
	struct schedule_row row = {.due_ms = 5};
	begin(scratch);
	schedule_put(scratch->store, "cats", "old", &row);
	schedule_put(scratch->store, "cats", "tick", &row);
	schedule_put(scratch->store, "dogs", "old", &row);
	assert_true(schedule_has_others(scratch->store, "cats", STR("[\"tick\"]")));
	schedule_delete_others(scratch->store, "cats", STR("[\"tick\"]"));
	commit(scratch);
	assert_false(schedule_has_others(scratch->store, "cats", STR("[\"tick\"]")));
	assert_false(schedule_get(scratch->store, "cats", "old", &row));
	assert_true(schedule_get(scratch->store, "cats", "tick", &row));
	assert_true(schedule_get(scratch->store, "dogs", "old", &row));
}

static void
on_archive(void *data, const char *file, int64_t length)
{
	(void)buf_printf(data, "%s:%lld ", file, (long long)length);
}

static void
archives_keep_their_length(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(archive_length(scratch->store, "a.jsonl"), 0);
	begin(scratch);
	archive_put_length(scratch->store, "b.jsonl", INT64_C(5000000000));
	archive_put_length(scratch->store, "a.jsonl", 10);
	archive_put_length(scratch->store, "a.jsonl", 20);
	commit(scratch);
	assert_int_equal(archive_length(scratch->store, "a.jsonl"), 20);
	struct buf out;
	buf_init(&out, 256);
	archive_each(scratch->store, on_archive, &out);
	assert_string_equal(out.ptr, "a.jsonl:20 b.jsonl:5000000000 ");
	buf_finish(&out);
}

static void
facts_can_be_replaced(void **state)
{
	struct scratch *scratch = *state;
	assert_null(fact_get(scratch->store, "own:bot"));
	begin(scratch);
	fact_put(scratch->store, "own:bot", STR("1"));
	fact_put(scratch->store, "own:bot", STR("22"));
	commit(scratch);
	char *value = fact_get(scratch->store, "own:bot");
	assert_string_equal(value, "22");
	free(value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(state_belongs_to_its_instance),
		SCRATCH_TEST(schedules_keep_their_due_time),
		SCRATCH_TEST(schedules_that_are_gone_are_forgotten),
		SCRATCH_TEST(archives_keep_their_length),
		SCRATCH_TEST(facts_can_be_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
