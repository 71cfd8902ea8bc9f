/* SPDX-License-Identifier: MIT */
/* Tests of due times: intervals, times of day across summer time, outages, clocks that jump. */
#include "due.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "zone.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static int64_t
at(const char *text)
{
	int64_t ms = 0;
	assert_true(time_parse(str_from(text), &ms));
	return ms;
}

static void
expect_time(int64_t found, const char *wanted)
{
	struct buf text;
	buf_init(&text, 100);
	time_format(&text, found);
	if (found != at(wanted))
		fail_msg("expected %s, found %s", wanted, text.ptr);
	buf_finish(&text);
}

/* ---- intervals ---- */

static const struct plugin_schedule quarter = {.every_ms = HOUR / 4, .runs_late = true};
static const struct plugin_schedule quarter_skips = {.every_ms = HOUR / 4};
static const struct plugin_schedule second = {.every_ms = 1000, .runs_late = true};

static void
an_interval_is_first_due_before_its_end(void **state)
{
	(void)state;
	unsigned different = 0;
	int64_t before = 0;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		int64_t due = due_first(&quarter, seed * UINT64_C(0x9e3779b97f4a7c15), DAY) - DAY;
		assert_true(due > HOUR / 4 - 60000 && due <= HOUR / 4);
		different += due != before;
		before = due;
		due = due_first(&second, seed * 7919, DAY) - DAY;
		assert_true(due > 0 && due <= 1000);
	}
	assert_true(different > 990); /* schedules of one interval are spread */
}

static void
an_outage_gives_one_late_run_or_none(void **state)
{
	(void)state;
	/* Due at 0, 15, 30, 45 minutes; it is minute 50. */
	struct due due = due_take(&quarter, 0, HOUR * 50 / 60);
	assert_true(due.run && due.due_ms == HOUR * 45 / 60 && due.late_ms == HOUR * 5 / 60);
	assert_true(due.missed == 3 && due.next_ms == HOUR);
	due = due_take(&quarter_skips, 0, HOUR * 50 / 60);
	assert_true(!due.run && due.due_ms == HOUR * 45 / 60 && due.missed == 4);
	assert_true(due.next_ms == HOUR);
	/* A minute late is on time. */
	due = due_take(&quarter_skips, 0, HOUR * 46 / 60);
	assert_true(due.run && due.missed == 3 && due.next_ms == HOUR);
	due = due_take(&quarter_skips, 0, 0);
	assert_true(due.run && due.missed == 0 && due.late_ms == 0 && due.next_ms == HOUR / 4);
}

static void
a_clock_set_back_silences_no_interval(void **state)
{
	(void)state;
	int64_t due_ms = DAY + 7;
	assert_int_equal(due_check(&quarter, due_ms, DAY + 7 - HOUR / 4, DAY), due_ms);
	/* A year back: due within the interval, at the same phase but for a millisecond. */
	int64_t now_ms = DAY - 365 * DAY;
	int64_t next_ms = due_check(&quarter, due_ms, DAY + 7 - HOUR / 4, now_ms);
	assert_true(next_ms > now_ms && next_ms <= now_ms + HOUR / 4);
	assert_int_equal((due_ms - next_ms + 1) % (HOUR / 4), 0);
	/* An hour back: no due time comes twice. */
	next_ms = due_check(&quarter, due_ms, due_ms - HOUR / 4, DAY - HOUR);
	assert_true(next_ms > DAY - HOUR && next_ms <= DAY - HOUR + HOUR / 4);
	assert_int_not_equal((due_ms - next_ms) % (HOUR / 4), 0);
	/* What is due stays due. */
	assert_int_equal(due_check(&quarter, 5, 0, 10), 5);
}

/* ---- times of day ---- */

static void
make_daily(struct plugin_schedule *schedule, const char *zone, int32_t *times_s, unsigned count)
{
	char error[MESSAGE_MAX];
	*schedule =
		(struct plugin_schedule){.times_s = times_s, .time_count = count, .weekdays = 127};
	schedule->zone = zone_open(str_from(zone), zone_folder(), error);
	assert_non_null(schedule->zone);
}

/* From `start` on, the due times are these. */
static void
expect_days(const struct plugin_schedule *schedule, const char *start, const char *const *wanted)
{
	int64_t due_ms = due_first(schedule, 1, at(start));
	for (; *wanted; wanted++) {
		expect_time(due_ms, *wanted);
		struct due due = due_take(schedule, due_ms, due_ms);
		assert_true(due.run && due.missed == 0);
		due_ms = due.next_ms;
	}
}

static void
a_time_of_day_follows_summer_time(void **state)
{
	(void)state;
	struct plugin_schedule nine;
	make_daily(&nine, "Europe/Berlin", (int32_t[]){9 * 3600}, 1);
	expect_days(&nine, "2026-03-27T08:00:00Z",
		(const char *const[]){"2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z",
			"2026-03-30T07:00:00Z", NULL});
	expect_days(&nine, "2026-10-24T06:59:59.999Z",
		(const char *const[]){"2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z",
			"2026-10-26T08:00:00Z", NULL});
	zone_destroy(nine.zone);
}

static void
skipped_hours_run_after_the_gap_and_repeated_ones_once(void **state)
{
	(void)state;
	struct plugin_schedule early;
	make_daily(&early, "Europe/Berlin", (int32_t[]){2 * 3600 + 1800}, 1);
	expect_days(&early, "2026-03-28T00:00:00Z",
		(const char *const[]){"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z",
			"2026-03-30T00:30:00Z", NULL});
	expect_days(&early, "2026-10-24T00:00:00Z",
		(const char *const[]){"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z",
			"2026-10-26T01:30:00Z", NULL});
	/* Between the two 02:30, the day's one is over. */
	expect_time(due_first(&early, 0, at("2026-10-25T01:00:00Z")), "2026-10-26T01:30:00Z");
	zone_destroy(early.zone);
}

static void
a_day_that_a_zone_left_out_has_no_run(void **state)
{
	(void)state;
	struct plugin_schedule nine;
	make_daily(&nine, "Pacific/Apia", (int32_t[]){9 * 3600}, 1);
	expect_days(&nine, "2011-12-29T00:00:00Z",
		(const char *const[]){"2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z", NULL});
	zone_destroy(nine.zone);
}

static void
several_times_and_weekdays(void **state)
{
	(void)state;
	struct plugin_schedule twice;
	make_daily(&twice, "UTC", (int32_t[]){9 * 3600, 18 * 3600}, 2);
	twice.weekdays = 1u << 1 | 1u << 5;         /* Monday, Friday */
	expect_days(&twice, "2026-11-20T12:00:00Z", /* a Friday */
		(const char *const[]){"2026-11-20T18:00:00Z", "2026-11-23T09:00:00Z",
			"2026-11-23T18:00:00Z", "2026-11-27T09:00:00Z", NULL});
	zone_destroy(twice.zone);
}

static void
an_outage_over_the_time_of_day(void **state)
{
	(void)state;
	struct plugin_schedule nine;
	make_daily(&nine, "Europe/Berlin", (int32_t[]){9 * 3600}, 1);
	struct due due = due_take(&nine, at("2026-03-28T08:00:00Z"), at("2026-03-30T09:30:00Z"));
	assert_true(!due.run && due.missed == 3);
	expect_time(due.due_ms, "2026-03-30T07:00:00Z");
	expect_time(due.next_ms, "2026-03-31T07:00:00Z");
	nine.runs_late = true;
	due = due_take(&nine, at("2026-03-28T08:00:00Z"), at("2026-03-30T09:30:00Z"));
	assert_true(due.run && due.missed == 2 && due.late_ms == 5 * HOUR / 2);
	expect_time(due.due_ms, "2026-03-30T07:00:00Z");
	zone_destroy(nine.zone);
}

static void
a_clock_set_back_repeats_no_day(void **state)
{
	(void)state;
	struct plugin_schedule nine;
	make_daily(&nine, "UTC", (int32_t[]){9 * 3600}, 1);
	int64_t ran = at("2026-11-20T09:00:00Z"), due = ran + DAY;
	/* An hour back over the run: the day has had its run. */
	expect_time(due_check(&nine, due, ran, ran - HOUR), "2026-11-21T09:00:00Z");
	/* A clock that was years ahead: what ran in that future does not count. */
	expect_time(due_check(&nine, due, ran, at("2020-05-05T10:00:00Z")), "2020-05-06T09:00:00Z");
	zone_destroy(nine.zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interval_is_first_due_before_its_end),
		cmocka_unit_test(an_outage_gives_one_late_run_or_none),
		cmocka_unit_test(a_clock_set_back_silences_no_interval),
		cmocka_unit_test(a_time_of_day_follows_summer_time),
		cmocka_unit_test(skipped_hours_run_after_the_gap_and_repeated_ones_once),
		cmocka_unit_test(a_day_that_a_zone_left_out_has_no_run),
		cmocka_unit_test(several_times_and_weekdays),
		cmocka_unit_test(an_outage_over_the_time_of_day),
		cmocka_unit_test(a_clock_set_back_repeats_no_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
