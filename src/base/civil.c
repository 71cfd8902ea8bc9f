/* SPDX-License-Identifier: MIT */
/* Days and dates of the proleptic Gregorian calendar. */
#include "civil.h"

enum {
	ERA_DAYS = 146097,   /* 400 years */
	EPOCH_DAYS = 719468, /* from 0000-03-01 to 1970-01-01 */
};

/* Years are counted from March, so that the leap day is the last of its year. */
int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t months = month - 3;
	year += div_floor(months, 12);
	int64_t era = div_floor(year, 400), of_era = mod_floor(year, 400);
	int64_t of_year = (153 * mod_floor(months, 12) + 2) / 5 + day - 1;
	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS;
}

struct date
date_from_days(int64_t days)
{
	int64_t shifted = days + EPOCH_DAYS;
	int64_t of_era = mod_floor(shifted, ERA_DAYS);
	/* Without the leap days of the 4, 100 and 400 years before, years are 365 days each. */
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* 0: March */
	year += div_floor(shifted, ERA_DAYS) * 400;
	return (struct date){
		.year = month < 10 ? year : year + 1,
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(of_year - (153 * month + 2) / 5 + 1),
	};
}

bool
is_leap_year(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int
month_days(int64_t year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

int
weekday_of(int64_t days)
{
	return (int)mod_floor(days + 4, 7); /* 1970-01-01 was a Thursday */
}
