/* SPDX-License-Identifier: MIT */
/* Days and dates of the proleptic Gregorian calendar. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DAY_SECONDS INT64_C(86400)

struct date {
	int64_t year;
	int month, day; /* from 1 */
};

/* Days since 1970-01-01. A month or day out of range runs over into its neighbours: day 0 is the last one of the
 * month before. Good for years within ten million of 0. */
int64_t days_from_date(int64_t year, int64_t month, int64_t day);
struct date date_from_days(int64_t days);
int month_days(int64_t year, int month); /* 28 to 31 */
bool is_leap_year(int64_t year);
int weekday_of(int64_t days); /* 0: Sunday */

/* Rounds towards minus infinity, and what is left (never negative). `by` > 0. */
static inline int64_t
div_floor(int64_t value, int64_t by)
{
	return value / by - (value % by < 0 ? 1 : 0);
}
static inline int64_t
mod_floor(int64_t value, int64_t by)
{
	return value - div_floor(value, by) * by;
}
