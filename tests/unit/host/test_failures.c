/* SPDX-License-Identifier: MIT */
/* Enough failures among the last events trip, in any window; and a try that failed waits longer each time. */
#include "folder.h"

#include "failures.h"
#include "limits.h"

static void
passes(struct failures *failures, unsigned count)
{
	while (count-- > 0)
		failures_passed(failures);
}

static void
trips_at_the_failure_that_makes_it_enough(void **state)
{
	(void)state;
	struct failures failures;
	failures_init(&failures, 3, 10);
	assert_false(failures_failed(&failures, 1));
	passes(&failures, 4);
	assert_false(failures_failed(&failures, 1));
	passes(&failures, 3);
	assert_true(failures_failed(&failures, 1)); /* the tenth event */
	failures_finish(&failures);
}

static void
forgets_what_is_further_back_than_the_window(void **state)
{
	(void)state;
	struct failures failures;
	failures_init(&failures, 3, 10);
	assert_false(failures_failed(&failures, 1));
	passes(&failures, 4);
	assert_false(failures_failed(&failures, 1));
	passes(&failures, 4);
	assert_false(failures_failed(&failures, 1)); /* the eleventh */
	passes(&failures, 3);
	assert_true(failures_failed(&failures, 1)); /* 6, 11 and 15 are within ten */
	failures_finish(&failures);
}

static void
counts_a_killed_call_as_more_than_one(void **state)
{
	(void)state;
	struct failures failures;
	failures_init(&failures, FAILURES_DEFAULT, FAILURES_OF_DEFAULT);
	assert_false(failures_failed(&failures, FAILURE_KILL_WEIGHT));
	assert_false(failures_failed(&failures, FAILURE_KILL_WEIGHT));
	assert_true(failures_failed(&failures, FAILURE_KILL_WEIGHT));
	failures_clear(&failures);
	for (unsigned i = 1; i < FAILURES_DEFAULT; i++)
		assert_false(failures_failed(&failures, 1));
	assert_true(failures_failed(&failures, 1));
	failures_finish(&failures);
}

static void
never_trips_when_switched_off(void **state)
{
	(void)state;
	struct failures failures;
	failures_init(&failures, 0, 100);
	for (unsigned i = 0; i < 1000; i++)
		assert_false(failures_failed(&failures, FAILURE_KILL_WEIGHT));
	failures_finish(&failures);
}

static void
one_failure_is_enough_when_one_is_asked_for(void **state)
{
	(void)state;
	struct failures failures;
	failures_init(&failures, 1, 1);
	passes(&failures, 5);
	assert_true(failures_failed(&failures, 1));
	failures_finish(&failures);
}

static void
waits_longer_after_each_try_and_ends(void **state)
{
	(void)state;
	int64_t before_ms = 0;
	assert_int_equal(failures_wait_ms(0), 0);
	for (int tries = 1; tries < RETRY_TRIES_MAX; tries++) {
		assert_true(failures_wait_ms(tries) > before_ms);
		before_ms = failures_wait_ms(tries);
	}
	assert_int_equal(failures_wait_ms(RETRY_TRIES_MAX), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trips_at_the_failure_that_makes_it_enough),
		cmocka_unit_test(forgets_what_is_further_back_than_the_window),
		cmocka_unit_test(counts_a_killed_call_as_more_than_one),
		cmocka_unit_test(never_trips_when_switched_off),
		cmocka_unit_test(one_failure_is_enough_when_one_is_asked_for),
		cmocka_unit_test(waits_longer_after_each_try_and_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
