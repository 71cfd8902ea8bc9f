/* SPDX-License-Identifier: MIT */
/* POSIX rules for summer time ("CET-1CEST,M3.5.0,M10.5.0/3"), as the footers of zone files have them. */
#include <string.h>

#include "attr.h"
#include "civil.h"
#include "zone_parts.h"

enum { HOUR_S = 3600, RULE_HOURS = 167, OFFSET_HOURS = 24 };

static bool
take_char(struct str *text, char wanted)
{
	if (text->len == 0 || text->ptr[0] != wanted)
		return false;
	text->ptr++;
	text->len--;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One to three digits. */
static bool
take_number(struct str *text, int min, int max, int *out)
{
	size_t len = 0;
	int value = 0;
	for (; len < text->len && len < 3 && is_digit(text->ptr[len]); len++)
		value = value * 10 + (text->ptr[len] - '0');
	text->ptr += len;
	text->len -= len;
	*out = value;
	return len > 0 && value >= min && value <= max;
}

/* "CET" or "<+03>" */
static bool
take_abbreviation(struct str *text, char out[ZONE_ABBREVIATION_MAX])
{
	bool quoted = take_char(text, '<');
	size_t len = 0;
	for (; len < text->len; len++) {
		char c = text->ptr[len];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(quoted && (is_digit(c) || c == '+' || c == '-')))
			break;
	}
	if (len < 3 || len >= ZONE_ABBREVIATION_MAX)
		return false;
	memcpy(out, text->ptr, len);
	out[len] = '\0';
	text->ptr += len;
	text->len -= len;
	return !quoted || take_char(text, '>');
}

/* [+-]hh[:mm[:ss]] */
static bool
take_time(struct str *text, int hours_max, int32_t *seconds)
{
	int hour = 0, minute = 0, second = 0;
	int sign = take_char(text, '-') ? -1 : 1;
	if (sign == 1)
		(void)take_char(text, '+');
	if (!take_number(text, 0, hours_max, &hour))
		return false;
	if (take_char(text, ':')) {
		if (!take_number(text, 0, 59, &minute))
			return false;
		if (take_char(text, ':') && !take_number(text, 0, 59, &second))
			return false;
	}
	*seconds = sign * ((hour * 60 + minute) * 60 + second);
	return true;
}

/* ",M3.5.0/2" */
static bool
take_date(struct str *text, struct zone_date *date)
{
	if (!take_char(text, ','))
		return false;
	*date = (struct zone_date){.time_s = 2 * HOUR_S};
	if (take_char(text, 'M')) {
		date->form = ZONE_DATE_WEEK;
		if (!take_number(text, 1, 12, &date->month) || !take_char(text, '.') ||
			!take_number(text, 1, 5, &date->week) || !take_char(text, '.') ||
			!take_number(text, 0, 6, &date->day))
			return false;
	} else {
		bool no_leap = take_char(text, 'J');
		date->form = no_leap ? ZONE_DATE_NO_LEAP : ZONE_DATE_ZERO_BASED;
		if (!take_number(text, no_leap, 365, &date->day))
			return false;
	}
	return !take_char(text, '/') || take_time(text, RULE_HOURS, &date->time_s);
}

bool
zone_rule_parse(struct str text, struct zone_rule *rule)
{
	*rule = (struct zone_rule){.summer = {.dst = true}};
	int32_t west_s = 0; /* POSIX counts offsets to the west */
	if (!take_abbreviation(&text, rule->standard.abbreviation) ||
		!take_time(&text, OFFSET_HOURS, &west_s))
		return false;
	rule->standard.offset_s = -west_s;
	if (text.len == 0)
		return true;
	rule->has_dst = true;
	west_s -= HOUR_S;
	if (!take_abbreviation(&text, rule->summer.abbreviation) ||
		(text.len > 0 && text.ptr[0] != ',' && !take_time(&text, OFFSET_HOURS, &west_s)))
		return false;
	rule->summer.offset_s = -west_s;
	return take_date(&text, &rule->start) && take_date(&text, &rule->end) && text.len == 0;
}

/* Midnight of the day, as if it were UTC. */
static int64_t
date_in_year(const struct zone_date *date, int64_t year)
{
	int64_t january = days_from_date(year, 1, 1);
	int64_t days = 0;
	switch (date->form) {
	case ZONE_DATE_WEEK: {
		int64_t first = days_from_date(year, date->month, 1);
		int64_t day = mod_floor(date->day - weekday_of(first), 7) + (date->week - 1) * 7;
		days = first + (day < month_days(year, date->month) ? day : day - 7);
		break;
	}
	case ZONE_DATE_NO_LEAP:
		days = january + date->day - 1 + (date->day >= 60 && is_leap_year(year) ? 1 : 0);
		break;
	case ZONE_DATE_ZERO_BASED:
		days = january + date->day;
		break;
	}
	return days * DAY_SECONDS;
}

struct change {
	int64_t at;
	const struct zone_type *to;
};

/* Sorted by time; of two changes at once the one to summer time is the later: summer time that lasts all year ends and
 * starts in one instant. */
static void
insert_change(struct change *list, unsigned count, struct change change)
{
	unsigned i = count;
	while (i > 0 && (list[i - 1].at > change.at ||
				(list[i - 1].at == change.at && list[i - 1].to->dst))) {
		list[i] = list[i - 1];
		i--;
	}
	list[i] = change;
}

struct zone_span
zone_rule_span(const struct zone_rule *rule, int64_t unix_s)
{
	struct zone_span span = {INT64_MIN, INT64_MAX, &rule->standard};
	if (!rule->has_dst)
		return span;
	/* Hours up to 167 shift a change by a week, so the neighbouring years matter; one more on each side
	 * gives every change that matters a neighbour. */
	struct change changes[10];
	unsigned count = 0;
	int64_t year = date_from_days(div_floor(unix_s, DAY_SECONDS)).year;
	for (int64_t y = year - 2; y <= year + 2; y++) {
		insert_change(changes, count++,
			(struct change){date_in_year(&rule->start, y) + rule->start.time_s -
						rule->standard.offset_s,
				&rule->summer});
		insert_change(changes, count++,
			(struct change){date_in_year(&rule->end, y) + rule->end.time_s -
						rule->summer.offset_s,
				&rule->standard});
	}
	for (unsigned i = 0; i < count; i++) {
		if (changes[i].at > unix_s) {
			span.end = changes[i].at;
			break;
		}
		span.start = changes[i].at;
		span.type = changes[i].to;
	}
	return span;
}
