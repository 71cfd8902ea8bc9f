/* SPDX-License-Identifier: MIT */
/* When a schedule is due: pure arithmetic on the wall clock, which may jump either way. */
#include "due.h"

#include "civil.h"
#include "limits.h"
#include "zone.h"

enum {
	ON_TIME_MS = 60 * 1000, /* a run that begins no later than this is not late */
	STAGGER_MS = 60 * 1000, /* schedules of one interval are spread over so much of it */
	DAYS_AHEAD = 16,        /* a week, and days that a zone left out */
};

/* A clock that was ahead by more than this and is set back: what ran in that future does not count. */
#define BACK_MS (INT64_C(26) * 60 * 60 * 1000)

/* Some zones left a whole day out when they crossed the date line. */
static bool
day_exists(const struct zone *zone, int64_t day)
{
	int64_t first, last;
	if (zone_instant(zone, day * DAY_SECONDS, &first, &last) != ZONE_GAP)
		return true;
	struct local_time local;
	zone_local(zone, first, &local);
	return days_from_date(local.year, local.month, local.day) == day;
}

/* The first time of this day that is after `after_s`; INT64_MAX: none. */
static int64_t
first_of_day(const struct plugin_schedule *schedule, int64_t day, int64_t after_s)
{
	if (!(schedule->weekdays & 1u << weekday_of(day)) || !day_exists(schedule->zone, day))
		return INT64_MAX;
	int64_t best = INT64_MAX;
	for (unsigned i = 0; i < schedule->time_count; i++) {
		int64_t first, last;
		zone_instant(
			schedule->zone, day * DAY_SECONDS + schedule->times_s[i], &first, &last);
		if (first > after_s && first < best)
			best = first;
	}
	return best;
}

/* One due time for each local day and time: one that the clocks skip comes right after the gap, one that they repeat
 * comes the first time only. */
static int64_t
daily_after(const struct plugin_schedule *schedule, int64_t after_ms)
{
	int64_t after_s = div_floor(after_ms, 1000);
	struct local_time local;
	zone_local(schedule->zone, after_s, &local);
	/* From the day before: a time of it that the clocks skip may come after midnight. */
	int64_t day = days_from_date(local.year, local.month, local.day) - 1;
	for (int ahead = 0; ahead < DAYS_AHEAD; ahead++) {
		int64_t due_s = first_of_day(schedule, day + ahead, after_s);
		if (due_s != INT64_MAX)
			return due_s * 1000;
	}
	return INT64_MAX;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
due_first(const struct plugin_schedule *schedule, uint64_t seed, int64_t now_ms)
{
	if (!schedule->every_ms)
		return daily_after(schedule, now_ms);
	uint64_t spread_ms = (uint64_t)smaller(schedule->every_ms, STAGGER_MS);
	return now_ms + schedule->every_ms - (int64_t)(seed % spread_ms);
}

struct due
due_take(const struct plugin_schedule *schedule, int64_t due_ms, int64_t now_ms)
{
	struct due due = {.due_ms = due_ms};
	int64_t every_ms = schedule->every_ms;
	if (every_ms) {
		due.missed = (uint64_t)((now_ms - due_ms) / every_ms);
		due.due_ms += (int64_t)due.missed * every_ms;
		due.next_ms = due.due_ms + every_ms;
	} else {
		due.next_ms = daily_after(schedule, due_ms);
		while (due.next_ms <= now_ms && due.missed < SCHEDULE_MISSED_MAX) {
			due.missed++;
			due.due_ms = due.next_ms;
			due.next_ms = daily_after(schedule, due.due_ms);
		}
		if (due.next_ms <= now_ms)
			due.next_ms = daily_after(schedule, now_ms);
	}
	due.late_ms = now_ms - due.due_ms;
	due.run = schedule->runs_late || due.late_ms <= ON_TIME_MS;
	if (!due.run)
		due.missed++;
	return due;
}

int64_t
due_check(const struct plugin_schedule *schedule, int64_t due_ms, int64_t last_ms, int64_t now_ms)
{
	if (due_ms <= now_ms)
		return due_ms;
	if (!schedule->every_ms) {
		bool lately = last_ms > now_ms && last_ms - now_ms <= BACK_MS;
		return daily_after(schedule, lately ? last_ms : now_ms);
	}
	int64_t ahead_ms = due_ms - now_ms;
	if (ahead_ms <= schedule->every_ms)
		return due_ms;
	/* The same phase, so that schedules stay spread; a millisecond off it, so that no due time is a second time
	 * the key of an action. */
	return due_ms - (ahead_ms - 1) / schedule->every_ms * schedule->every_ms + 1;
}
