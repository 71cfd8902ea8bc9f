/* SPDX-License-Identifier: MIT */
/* Rolling windows: what is counted, for how long, and what remains after a restart. */
#include "windows.h"

#include <string.h>
#include <time.h>

#include "scratch.h"

#define MINUTE INT64_C(60000)
#define START  INT64_C(1763640000000)

/* Adds one event at START + `minutes` and returns the total with it, as tusk.count does. */
static int64_t
count_at(struct windows *windows, struct store *store, double minutes, uint64_t event)
{
	struct window_ask ask = {
		.kind = WINDOW_COUNT,
		.key = STR("links"),
		.at_ms = START + (int64_t)(minutes * (double)MINUTE),
		.within_ms = 10 * MINUTE,
		.amount = 1,
		.event = event,
	};
	char message[MESSAGE_MAX];
	assert_false(windows_add(windows, store, &ask, message));
	return windows_total(windows, &ask, NULL, 0, NULL);
}

static int64_t
distinct_at(struct windows *windows, struct store *store, double minutes, const char *value)
{
	struct window_ask ask = {
		.kind = WINDOW_DISTINCT,
		.key = STR("accounts"),
		.value = str_from(value),
		.at_ms = START + (int64_t)(minutes * (double)MINUTE),
		.within_ms = 10 * MINUTE,
		.event = str_hash(str_from(value)),
	};
	char message[MESSAGE_MAX];
	assert_false(windows_add(windows, store, &ask, message));
	return windows_total(windows, &ask, NULL, 0, NULL);
}

static bool
once_at(struct windows *windows, struct store *store, double minutes)
{
	struct window_ask ask = {
		.kind = WINDOW_ONCE,
		.key = STR("alert"),
		.at_ms = START + (int64_t)(minutes * (double)MINUTE),
		.within_ms = 60 * MINUTE,
	};
	char message[MESSAGE_MAX];
	bool first = !windows_has(windows, &ask);
	assert_false(windows_add(windows, store, &ask, message));
	return first;
}

static void
a_burst_counts_across_any_boundary(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	const double slow[] = {0, 3, 6, 9, 11};
	const int64_t totals[] = {1, 2, 3, 4, 4};
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(count_at(windows, NULL, slow[i], i), totals[i]);
	const double fast[] = {100.5, 103, 106, 109, 110.4};
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(count_at(windows, NULL, fast[i], 10 + i), (int64_t)i + 1);
	assert_int_equal(count_at(windows, NULL, 110.5, 15), 5); /* the first is ten minutes old */
	windows_destroy(windows);
}

static void
one_event_counts_once_under_one_key(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	assert_int_equal(count_at(windows, NULL, 0, 1), 1);
	assert_int_equal(count_at(windows, NULL, 0, 1), 1);
	assert_int_equal(count_at(windows, NULL, 0, 2), 2); /* another one at the same time */
	assert_int_equal(count_at(windows, NULL, 0, 1), 2);
	windows_destroy(windows);
}

static void
late_events_count_at_their_own_time(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	assert_int_equal(count_at(windows, NULL, 60, 1), 1);
	assert_int_equal(count_at(windows, NULL, 0, 2), 1); /* of an hour before */
	assert_int_equal(count_at(windows, NULL, 69, 3), 2);
	/* The last of a burst to come in sees the whole of it, wherever in it it lies. */
	assert_int_equal(count_at(windows, NULL, 65, 4), 3);
	assert_int_equal(count_at(windows, NULL, 62, 5), 4);
	assert_int_equal(count_at(windows, NULL, 58.9, 6), 4); /* 69 is in no window with it */
	assert_int_equal(count_at(windows, NULL, 70.1, 7), 4); /* nor 60 with this one */
	windows_destroy(windows);
}

static void
distinct_counts_a_value_once_in_a_window(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	assert_int_equal(distinct_at(windows, NULL, 0, "ann"), 1);
	assert_int_equal(distinct_at(windows, NULL, 1, "bob"), 2);
	assert_int_equal(distinct_at(windows, NULL, 5, "ann"), 2);
	assert_int_equal(distinct_at(windows, NULL, 10.5, "carl"), 3);
	assert_int_equal(distinct_at(windows, NULL, 12, "dora"), 3); /* without bob */
	assert_int_equal(distinct_at(windows, NULL, 8, "bob"), 4); /* late: ann, carl, dora, bob */
	assert_int_equal(
		distinct_at(windows, NULL, -8, "eve"), 3); /* with ann and bob, at 0 and 1 */
	windows_destroy(windows);
}

static void
a_value_that_comes_all_the_time_takes_no_room(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	assert_int_equal(distinct_at(windows, NULL, 0, "first"), 1);
	for (int i = 1; i < 5000; i++)
		assert_int_equal(distinct_at(windows, NULL, 0.001 * i, "flood"), 2);
	assert_in_range(windows_size(windows).entries, 2, 4);
	/* Late ones are still exact: any window that held one of the floods holds one of those kept. */
	assert_int_equal(distinct_at(windows, NULL, 2, "late"), 3);
	assert_int_equal(distinct_at(windows, NULL, 14, "later"), 2); /* with the flood */
	windows_destroy(windows);
}

static void
values_that_are_not_added_yet_count_with_the_others(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	distinct_at(windows, NULL, 0, "ann");
	distinct_at(windows, NULL, 9, "bob");
	struct window_ask ask = {.kind = WINDOW_DISTINCT,
		.key = STR("accounts"),
		.at_ms = START + 9 * MINUTE,
		.within_ms = 10 * MINUTE};
	const struct str more[] = {STR("bob"), STR("carl")};
	assert_int_equal(windows_total(windows, &ask, more, 2, NULL), 3);
	ask.at_ms = START + 5 * MINUTE; /* a late one */
	assert_int_equal(windows_total(windows, &ask, more, 2, NULL), 3);
	assert_int_equal(windows_total(windows, &ask, NULL, 0, NULL), 2);
	windows_destroy(windows);
}

static void
once_is_true_again_when_the_window_has_passed(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	assert_true(once_at(windows, NULL, 0));
	assert_false(once_at(windows, NULL, 1));
	assert_false(once_at(windows, NULL, 59));
	assert_false(once_at(windows, NULL, -30));
	assert_true(once_at(windows, NULL, 60));
	assert_false(once_at(windows, NULL, 119));
	assert_true(once_at(windows, NULL, -60));
	windows_destroy(windows);
}

static void
comes_back_after_a_restart(void **state)
{
	struct scratch *scratch = *state;
	struct windows *windows = windows_create("bot"), *other = windows_create("other");
	begin(scratch);
	count_at(windows, scratch->store, 0, UINT64_MAX);
	count_at(windows, scratch->store, 3, 2);
	distinct_at(windows, scratch->store, 0, "ann");
	for (int i = 0; i < 10; i++)
		distinct_at(windows, scratch->store, 4, "bob");
	assert_true(once_at(windows, scratch->store, 5));
	count_at(other, scratch->store, 5, 9);
	commit(scratch);
	begin(scratch);
	count_at(windows, scratch->store, 6, 3); /* never committed */
	windows_destroy(windows);
	windows_destroy(other);
	scratch_reopen(scratch);
	windows = windows_create("bot");
	windows_load(windows, scratch->store);
	assert_int_equal(windows_size(windows).keys, 3);
	begin(scratch);
	assert_int_equal(count_at(windows, scratch->store, 0, UINT64_MAX),
		2); /* run again after the crash; 3 is near */
	assert_int_equal(count_at(windows, scratch->store, 7, 4), 3);
	assert_int_equal(distinct_at(windows, scratch->store, 8, "carl"), 3);
	assert_false(once_at(windows, scratch->store, 64));
	assert_true(once_at(windows, scratch->store, 65));
	commit(scratch);
	windows_destroy(windows);
}

static void
forgets_what_was_rolled_back(void **state)
{
	struct scratch *scratch = *state;
	struct windows *windows = windows_create("bot");
	begin(scratch);
	count_at(windows, scratch->store, 0, 1);
	commit(scratch);
	begin(scratch);
	assert_int_equal(count_at(windows, scratch->store, 1, 2), 2);
	store_rollback(scratch->store);
	windows_load(windows, scratch->store);
	begin(scratch);
	assert_int_equal(count_at(windows, scratch->store, 1, 2), 2);
	assert_int_equal(count_at(windows, scratch->store, 2, 3), 3);
	commit(scratch);
	windows_destroy(windows);
}

static void
what_is_over_goes(void **state)
{
	struct scratch *scratch = *state;
	struct windows *windows = windows_create("bot");
	begin(scratch);
	for (uint64_t i = 0; i < 600; i++)
		count_at(windows, scratch->store, (double)i, i);
	assert_in_range(windows_size(windows).entries, 10, 22);
	once_at(windows, scratch->store, 600);
	windows_expire(windows, scratch->store, START + 600 * MINUTE);
	assert_in_range(windows_size(windows).entries, 10, 22);
	windows_expire(windows, scratch->store, START + 900 * MINUTE);
	assert_int_equal(windows_size(windows).keys, 0);
	assert_int_equal(
		windows_prune(scratch->store, INT64_MAX, 1000), 0); /* the rows went, too */
	count_at(windows, scratch->store, 1000, 1);
	windows_destroy(windows); /* and nobody asks any more */
	assert_int_equal(windows_prune(scratch->store, START + 1000 * MINUTE, 1000), 0);
	assert_int_equal(windows_prune(scratch->store, START + 1021 * MINUTE, 1000), 1);
	commit(scratch);
}

static void
keeps_entries_for_the_longest_window_asked_for(void **state)
{
	struct scratch *scratch = *state;
	struct windows *windows = windows_create("bot");
	struct window_ask day = {.kind = WINDOW_COUNT,
		.key = STR("links"),
		.at_ms = START,
		.within_ms = 1440 * MINUTE};
	begin(scratch);
	count_at(windows, scratch->store, 0, 1);
	assert_int_equal(windows_total(windows, &day, NULL, 0, NULL), 1); /* a reader */
	count_at(windows, scratch->store, 100, 2);
	commit(scratch);
	windows_destroy(windows);
	windows = windows_create("bot");
	begin(scratch);
	assert_int_equal(windows_prune(scratch->store, START + 500 * MINUTE, 100), 0);
	windows_load(windows, scratch->store);
	count_at(windows, scratch->store, 200, 3);
	commit(scratch);
	day.at_ms = START + 200 * MINUTE;
	assert_int_equal(windows_total(windows, &day, NULL, 0, NULL), 3);
	windows_destroy(windows);
}

static void
says_when_a_cap_makes_totals_too_small(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	struct window_ask ask = {
		.kind = WINDOW_COUNT, .key = STR("hot"), .within_ms = 10 * MINUTE, .amount = 1};
	char message[MESSAGE_MAX] = "";
	unsigned said = 0;
	bool capped = true;
	for (uint64_t i = 0; i < WINDOW_ENTRIES_MAX + 10; i++) {
		ask.at_ms = START + (int64_t)i;
		ask.event = i;
		said += windows_add(windows, NULL, &ask, message);
		if (i + 1 == WINDOW_ENTRIES_MAX) {
			assert_int_equal(
				windows_total(windows, &ask, NULL, 0, &capped), WINDOW_ENTRIES_MAX);
			assert_false(capped);
		}
	}
	assert_int_equal(windows_total(windows, &ask, NULL, 0, &capped), WINDOW_ENTRIES_MAX);
	assert_true(capped);
	assert_int_equal(said, 1);
	assert_non_null(strstr(message, "one key"));
	windows_destroy(windows);
}

static void
forgets_the_keys_that_were_not_used_for_longest(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	struct window_ask ask = {.kind = WINDOW_COUNT, .within_ms = 1000 * MINUTE, .amount = 1};
	char message[MESSAGE_MAX] = "", key[32];
	unsigned said = 0;
	for (int i = 0; i < WINDOW_KEYS_MAX + 10; i++) {
		ask.key = (struct str){key, (size_t)snprintf(key, sizeof(key), "key %d", i)};
		ask.at_ms = START + i;
		said += windows_add(windows, NULL, &ask, message);
		if (i == 100) {
			ask.key = STR("key 0");
			ask.event = 1;
			said += windows_add(windows, NULL, &ask, message);
		}
	}
	assert_int_equal(said, 1);
	assert_int_equal(windows_size(windows).keys, WINDOW_KEYS_MAX);
	bool capped = false;
	ask.key = STR("key 0");
	assert_int_equal(windows_total(windows, &ask, NULL, 0, &capped), 2);
	assert_false(capped);
	ask.key = STR("key 1");
	assert_int_equal(windows_total(windows, &ask, NULL, 0, &capped), 0);
	assert_true(capped);
	windows_destroy(windows);
}

static void
tells_long_keys_and_values_apart(void **state)
{
	(void)state;
	struct windows *windows = windows_create("bot");
	char text[2000];
	memset(text, 'x', sizeof(text));
	struct window_ask ask = {
		.kind = WINDOW_DISTINCT, .key = {text, 1999}, .within_ms = MINUTE, .at_ms = START};
	char message[MESSAGE_MAX];
	for (size_t len = 1000; len < 1010; len++) {
		ask.value = (struct str){text, len};
		assert_false(windows_add(windows, NULL, &ask, message));
	}
	assert_int_equal(windows_total(windows, &ask, NULL, 0, NULL), 10);
	ask.key.len = 1998;
	assert_int_equal(windows_total(windows, &ask, NULL, 0, NULL), 0);
	assert_in_range(windows_size(windows).bytes, 1, 20000);
	windows_destroy(windows);
}

/* No time is asserted: the figures are for people. */
static void
prints_what_counting_costs(void **state)
{
	struct scratch *scratch = *state;
	struct windows *windows = windows_create("bot");
	struct window_ask ask = {.kind = WINDOW_COUNT, .within_ms = 60 * MINUTE, .amount = 1};
	char message[MESSAGE_MAX], key[32];
	struct timespec start, end;
	const int keys = 10000, rounds = 3;
	begin(scratch);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < keys * rounds; i++) {
		ask.key = (struct str){key, (size_t)snprintf(key, sizeof(key), "key %d", i % keys)};
		ask.at_ms = START + i * (60 * MINUTE / (keys * rounds));
		ask.event = (uint64_t)i;
		assert_false(windows_add(windows, scratch->store, &ask, message));
		(void)windows_total(windows, &ask, NULL, 0, NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	commit(scratch);
	double us = (double)(end.tv_sec - start.tv_sec) * 1e6 +
		    (double)(end.tv_nsec - start.tv_nsec) / 1e3;
	struct windows_size size = windows_size(windows);
	print_message("%.1f us an event, row included; %zu keys, %zu entries: %zu KiB\n",
		us / (keys * rounds), size.keys, size.entries, size.bytes >> 10);
	assert_int_equal(size.keys, keys);
	windows_destroy(windows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_counts_across_any_boundary),
		cmocka_unit_test(one_event_counts_once_under_one_key),
		cmocka_unit_test(late_events_count_at_their_own_time),
		cmocka_unit_test(distinct_counts_a_value_once_in_a_window),
		cmocka_unit_test(a_value_that_comes_all_the_time_takes_no_room),
		cmocka_unit_test(values_that_are_not_added_yet_count_with_the_others),
		cmocka_unit_test(once_is_true_again_when_the_window_has_passed),
		SCRATCH_TEST(comes_back_after_a_restart),
		SCRATCH_TEST(forgets_what_was_rolled_back),
		SCRATCH_TEST(what_is_over_goes),
		SCRATCH_TEST(keeps_entries_for_the_longest_window_asked_for),
		cmocka_unit_test(says_when_a_cap_makes_totals_too_small),
		cmocka_unit_test(forgets_the_keys_that_were_not_used_for_longest),
		cmocka_unit_test(tells_long_keys_and_values_apart),
		SCRATCH_TEST(prints_what_counting_costs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
