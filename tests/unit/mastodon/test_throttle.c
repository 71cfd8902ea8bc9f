/* SPDX-License-Identifier: MIT */
/* How long a server asks us to wait, in the forms that are in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limits.h"
#include "throttle.h"

#define NOW_MS INT64_C(1795231525000) /* 2026-11-21T03:25:25Z */

static int64_t
wait_of(const char *name, const char *value, const char *date)
{
	struct http_header headers[] = {{name, value}, {"date", date}};
	struct http_answer answer = {
		.status = 429, .headers = headers, .header_count = date != NULL ? 2 : 1};
	return throttle_wait_ms(&answer, NOW_MS);
}

static void
reads_every_form_of_a_reset(void **state)
{
	(void)state;
	const char *reset = "x-ratelimit-reset";
	assert_int_equal(wait_of(reset, "2026-11-21T03:25:35.123456Z", NULL), 10123);
	assert_int_equal(wait_of(reset, "Sat, 21 Nov 2026 03:25:35 GMT", NULL), 10000);
	assert_int_equal(wait_of(reset, "1795231535", NULL), 10000);
	assert_int_equal(wait_of(reset, "1795231535.5", NULL), 11000);
	assert_int_equal(wait_of(reset, "1795231535000", NULL), 10000);
	assert_int_equal(wait_of(reset, " 10 ", NULL), 10000);
	assert_int_equal(wait_of("retry-after", "10", NULL), 10000);
	assert_int_equal(wait_of("retry-after", "9.5", NULL), 10000);
	assert_int_equal(wait_of("retry-after", "Sat, 21 Nov 2026 03:25:35 GMT", NULL), 10000);
}

static void
counts_from_the_clock_of_the_server(void **state)
{
	(void)state;
	assert_int_equal(wait_of("x-ratelimit-reset", "2026-11-21T05:00:20Z",
				 "Sat, 21 Nov 2026 05:00:00 GMT"),
		20000);
	assert_int_equal(wait_of("x-ratelimit-reset", "2026-11-21T03:25:35Z", "yesterday"), 10000);
}

static void
prefers_retry_after(void **state)
{
	(void)state;
	struct http_header headers[] = {{"x-ratelimit-reset", "600"}, {"retry-after", "30"}};
	struct http_answer answer = {.headers = headers, .header_count = 2};
	assert_int_equal(throttle_wait_ms(&answer, NOW_MS), 30000);
	headers[1].value = "soon";
	assert_int_equal(throttle_wait_ms(&answer, NOW_MS), 600000);
}

static void
stays_between_its_bounds(void **state)
{
	(void)state;
	const char *reset = "x-ratelimit-reset";
	assert_int_equal(wait_of(reset, "2026-11-21T03:00:00Z", NULL), THROTTLE_WAIT_MIN_MS);
	assert_int_equal(wait_of(reset, "0", NULL), THROTTLE_WAIT_MIN_MS);
	assert_int_equal(wait_of(reset, "2027-11-21T03:00:00Z", NULL), THROTTLE_WAIT_MAX_MS);
	assert_int_equal(wait_of(reset, "99999999999999999999", NULL), THROTTLE_WAIT_DEFAULT_MS);
	assert_int_equal(wait_of(reset, "-5", NULL), THROTTLE_WAIT_DEFAULT_MS);
	assert_int_equal(wait_of(reset, "", NULL), THROTTLE_WAIT_DEFAULT_MS);
	assert_int_equal(
		wait_of(reset, "Sat, 21 Foo 2026 03:25:35 GMT", NULL), THROTTLE_WAIT_DEFAULT_MS);
	struct http_answer bare = {.status = 429};
	assert_int_equal(throttle_wait_ms(&bare, NOW_MS), THROTTLE_WAIT_DEFAULT_MS);
}

static bool
is_low(const char *remaining, const char *limit)
{
	struct http_header headers[] = {
		{"x-ratelimit-remaining", remaining}, {"x-ratelimit-limit", limit}};
	struct http_answer answer = {.headers = headers, .header_count = limit != NULL ? 2 : 1};
	return throttle_is_low(&answer, 30);
}

static void
knows_when_few_calls_are_left(void **state)
{
	(void)state;
	assert_false(is_low("30", "300"));
	assert_true(is_low("29", "300"));
	assert_true(is_low("0", "300"));
	assert_true(is_low("29", NULL));
	assert_false(is_low("29", "30")); /* a small bucket is not empty */
	assert_true(is_low("2", "30"));
	assert_false(is_low("many", "300"));
	assert_false(is_low("-1", "300"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_form_of_a_reset),
		cmocka_unit_test(counts_from_the_clock_of_the_server),
		cmocka_unit_test(prefers_retry_after),
		cmocka_unit_test(stays_between_its_bounds),
		cmocka_unit_test(knows_when_few_calls_are_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
