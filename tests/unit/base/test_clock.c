/* SPDX-License-Identifier: MIT */
/* Tests of times and durations as texts. */
#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
reads_rfc3339_times(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		int64_t ms;
	} cases[] = {
		{STR("1970-01-01T00:00:00Z"), 0},
		{STR("1970-01-01"), 0},
		{STR("2026-11-20T12:00:02.000Z"), 1795176002000},
		{STR("2026-11-20T12:00:02Z"), 1795176002000},
		{STR("2026-11-20t13:30:02.1234567+01:30"), 1795176002123},
		{STR("2026-11-20 10:00:02.5-02:00"), 1795176002500},
		{STR("2024-02-29T00:00:00Z"), 1709164800000},
		{STR("1969-12-31T23:59:59.999Z"), -1},
		{STR("2016-12-31T23:59:60Z"), 1483228800000},
		{STR("0000-03-01"), -62162035200000},
		{STR("0000-01-01"), -62167219200000},
		{STR("9999-12-31T23:59:59.999Z"), 253402300799999},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = 1;
		assert_true(time_parse(cases[i].text, &ms));
		assert_true(ms == cases[i].ms);
	}
}

static void
refuses_what_is_no_time(void **state)
{
	(void)state;
	static const char *const cases[] = {"", "2026", "2026-1-1", "2026-02-29", "2026-13-01",
		"2026-00-10", "2026-11-31", "2026-11-20T", "2026-11-20T12:00",
		"2026-11-20T12:00:02", "2026-11-20T24:00:00Z", "2026-11-20T12:60:00Z",
		"2026-11-20T12:00:61Z", "2026-11-20T12:00:02.Z", "2026-11-20T12:00:02.1234567890Z",
		"2026-11-20T12:00:02+0100", "2026-11-20T12:00:02+24:00", "2026-11-20T12:00:02ZZ",
		"-026-11-20", "2026-11-20x", "2026-1a-20"};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = 0;
		assert_false(time_parse(str_from(cases[i]), &ms));
	}
}

static void
time_survives_the_round_trip(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	time_format(&buf, 1795176002000);
	assert_string_equal(buf.ptr, "2026-11-20T12:00:02.000Z");
	/* A prime step of about 11 days, so that all parts vary. */
	for (int64_t ms = -62167219200000; ms < 253402300799999; ms += 950400007) {
		buf_clear(&buf);
		time_format(&buf, ms);
		int64_t back = 0;
		assert_true(time_parse(buf_str(&buf), &back));
		assert_true(back == ms);
	}
	buf_clear(&buf);
	time_format(&buf, INT64_MAX);
	assert_string_equal(buf.ptr, "9999-12-31T23:59:59.999Z");
	buf_finish(&buf);
}

static void
reads_durations_with_units_only(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{"90s", 90000},
		{"15m", 900000},
		{"1h30m", 5400000},
		{"250ms", 250},
		{"7d", 604800000},
		{"2w", 1209600000},
		{"1m5ms", 60005},
		{"0s", 0},
		{"90", -1},
		{"", -1},
		{"s", -1},
		{"1x", -1},
		{"-1s", -1},
		{"1.5h", -1},
		{"30m1h", -1},
		{"1h1h", -1},
		{"1h30", -1},
		{"1h 30m", -1},
		{"99999999999999999w", -1},
		{"9223372036854775807ms", INT64_MAX},
		{"106751991167d9223372036854775807ms", -1},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = -1;
		assert_int_equal(duration_parse(str_from(cases[i].text), &ms), cases[i].ms != -1);
		assert_true(ms == cases[i].ms);
	}
}

static void
writes_exact_durations(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{0, "0s"}, {5400000, "1h30m"}, {250, "250ms"}, {1209600000, "2w"},
		{90061001, "1d1h1m1s1ms"}, {-1000, "-1s"},
		{INT64_MIN, "-15250284452w3d7h12m55s808ms"}};
	struct buf buf;
	buf_init(&buf, 100);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&buf);
		duration_format(&buf, cases[i].ms);
		assert_string_equal(buf.ptr, cases[i].text);
	}
	buf_finish(&buf);
}

static void
system_clock_is_in_milliseconds(void **state)
{
	(void)state;
	struct clock clock = clock_system();
	int64_t before = clock_mono_ms(&clock);
	assert_true(clock_wall_ms(&clock) > 1577836800000 && clock_wall_ms(&clock) < 7258118400000);
	assert_true(clock_mono_ms(&clock) >= before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rfc3339_times),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(time_survives_the_round_trip),
		cmocka_unit_test(reads_durations_with_units_only),
		cmocka_unit_test(writes_exact_durations),
		cmocka_unit_test(system_clock_is_in_milliseconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
