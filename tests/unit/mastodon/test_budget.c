/* SPDX-License-Identifier: MIT */
/* Fills stay below what the server gives, and leave room for actions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "budget.h"

#define MINUTE_MS 60000

/* Asks whenever it may, for an hour; returns the most that were asked in any 15 minutes. */
static unsigned
spend(enum budget_use use, int64_t minutes, unsigned *total)
{
	struct budget budget;
	unsigned most = 0;
	int64_t now_ms = 0;
	int64_t end_ms = minutes * MINUTE_MS;
	budget_init(&budget);
	*total = 0;
	while (now_ms < end_ms) {
		int64_t wait_ms = budget_wait_ms(&budget, use, now_ms);
		now_ms += wait_ms;
		if (wait_ms > 0 || now_ms >= end_ms)
			continue;
		budget_take(&budget, now_ms);
		++*total;
		unsigned used = budget_used(&budget, now_ms);
		most = used > most ? used : most;
		now_ms += 100;
	}
	return most;
}

static void
asks_for_no_more_pages_than_the_window_holds(void **state)
{
	(void)state;
	unsigned total;
	assert_true(spend(BUDGET_FILL, 60, &total) <= BUDGET_PAGES_MAX);
	assert_true(BUDGET_PAGES_MAX < 300); /* protocol.md 7: room is kept */
	assert_in_range(total, 3 * BUDGET_PAGES_MAX, 5 * BUDGET_PAGES_MAX);
	assert_true(spend(BUDGET_FILL, 5, &total) <= BUDGET_SHORT_MAX);
	assert_int_equal(total, BUDGET_SHORT_MAX);
}

static void
what_can_wait_gets_a_part_only(void **state)
{
	(void)state;
	unsigned total;
	assert_int_equal(spend(BUDGET_SPARE, 60, &total), BUDGET_SPARE_MAX);
	struct budget budget;
	budget_init(&budget);
	for (unsigned i = 0; i < BUDGET_SPARE_MAX; i++)
		budget_take(&budget, 1000);
	assert_int_equal(budget_wait_ms(&budget, BUDGET_FILL, 1000), 0);
	assert_int_equal(budget_wait_ms(&budget, BUDGET_SPARE, 1000), 15 * MINUTE_MS);
	assert_int_equal(budget_wait_ms(&budget, BUDGET_SPARE, 1000 + 15 * MINUTE_MS), 0);
}

static void
waits_as_long_as_the_server_says(void **state)
{
	(void)state;
	struct budget budget;
	budget_init(&budget);
	const struct http_header low[] = {{"x-ratelimit-limit", "300"},
		{"x-ratelimit-remaining", "29"}, {"x-ratelimit-reset", "60"}};
	struct http_answer answer = {
		.end = HTTP_DONE, .status = 200, .headers = low, .header_count = 3};
	assert_false(budget_answer(&budget, &answer, 1000, 0));
	assert_int_equal(budget_wait_ms(&budget, BUDGET_FILL, 1000), 60000);
	assert_int_equal(budget_wait_ms(&budget, BUDGET_FILL, 61000), 0);
	const struct http_header reset = {"x-ratelimit-reset", "120"};
	answer = (struct http_answer){
		.end = HTTP_DONE, .status = 429, .headers = &reset, .header_count = 1};
	assert_true(budget_answer(&budget, &answer, 1000, 0));
	assert_int_equal(budget_wait_ms(&budget, BUDGET_FILL, 1000), 120000);
	answer.status = 500;
	assert_false(budget_answer(&budget, &answer, 500000, 0));
	assert_int_equal(budget_wait_ms(&budget, BUDGET_FILL, 500000), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_no_more_pages_than_the_window_holds),
		cmocka_unit_test(what_can_wait_gets_a_part_only),
		cmocka_unit_test(waits_as_long_as_the_server_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
