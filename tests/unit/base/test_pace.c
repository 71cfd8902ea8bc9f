/* SPDX-License-Identifier: MIT */
/* Tests of back-off and of the random numbers under it. */
#include "pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"

static void
same_seed_same_numbers(void **state)
{
	(void)state;
	struct rng a;
	struct rng b;
	rng_seed(&a, 7);
	rng_seed(&b, 7);
	uint64_t first = rng_next(&a);
	assert_true(first == rng_next(&b));
	assert_true(rng_next(&a) != first);
	rng_seed(&b, 8);
	assert_true(rng_next(&b) != first);
	rng_seed_system(&a);
	rng_seed_system(&b);
	assert_true(rng_next(&a) != rng_next(&b));
}

static void
numbers_stay_below_the_bound_and_reach_all_of_it(void **state)
{
	(void)state;
	struct rng rng;
	rng_seed(&rng, 1);
	assert_true(rng_below(&rng, 0) == 0);
	assert_true(rng_below(&rng, 1) == 0);
	unsigned seen[6] = {0};
	for (int i = 0; i < 6000; i++) {
		uint64_t number = rng_below(&rng, 6);
		assert_true(number < 6);
		seen[number]++;
	}
	for (size_t i = 0; i < COUNT_OF(seen); i++) {
		assert_in_range(seen[i], 850, 1150);
	}
	assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

static void
waits_grow_to_the_cap_and_not_past_it(void **state)
{
	(void)state;
	struct rng rng;
	rng_seed(&rng, 3);
	struct pace pace;
	int64_t bounds[] = {1000, 2000, 4000, 8000, 10000, 10000, 10000};
	int64_t longest[COUNT_OF(bounds)] = {0};
	for (int round = 0; round < 500; round++) {
		pace_init(&pace, 1000, 10000, 60000);
		for (size_t i = 0; i < COUNT_OF(bounds); i++) {
			int64_t wait = pace_down(&pace, &rng, 0);
			assert_in_range(wait, 500, bounds[i]);
			longest[i] = wait > longest[i] ? wait : longest[i];
		}
	}
	for (size_t i = 0; i < COUNT_OF(bounds); i++) {
		assert_true(longest[i] > bounds[i] * 9 / 10); /* full jitter uses the whole range */
	}
	for (int i = 0; i < 1000; i++) {
		assert_in_range(pace_down(&pace, &rng, 0), 500, 10000);
	}
}

static void
only_a_healthy_connection_resets_the_count(void **state)
{
	(void)state;
	struct rng rng;
	rng_seed(&rng, 3);
	struct pace pace;
	pace_init(&pace, 1000, 64000, 60000);
	for (int i = 0; i < 5; i++) {
		(void)pace_down(&pace, &rng, 0);
	}
	pace_up(&pace, 1000);
	(void)pace_down(&pace, &rng, 60999);
	assert_int_equal(pace.failures, 6);
	pace_up(&pace, 100000);
	assert_in_range(pace_down(&pace, &rng, 160000), 500, 1000);
	assert_int_equal(pace.failures, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_same_numbers),
		cmocka_unit_test(numbers_stay_below_the_bound_and_reach_all_of_it),
		cmocka_unit_test(waits_grow_to_the_cap_and_not_past_it),
		cmocka_unit_test(only_a_healthy_connection_resets_the_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
