/* SPDX-License-Identifier: MIT */
/* The system's clocks, RFC 3339 times and durations such as "1h30m". */
#include "clock.h"

#include <time.h>

#include "civil.h"

#define SECOND_MS 1000
#define DAY_MS    (24 * 60 * 60 * (int64_t)SECOND_MS)

static int64_t
read_clock(clockid_t id)
{
	struct timespec now;
	REQUIRE(clock_gettime(id, &now) == 0);
	return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

static int64_t
system_wall_ms(void *data)
{
	(void)data;
	return read_clock(CLOCK_REALTIME);
}

static int64_t
system_mono_ms(void *data)
{
	(void)data;
	return read_clock(CLOCK_MONOTONIC);
}

struct clock
clock_system(void)
{
	return (struct clock){.wall_ms = system_wall_ms, .mono_ms = system_mono_ms};
}

/* Cuts `digits` digits and then `after` (0: nothing) off the front of *text. */
static bool
cut_number(struct str *text, size_t digits, char after, int64_t *out)
{
	size_t len = digits + (after != '\0' ? 1 : 0);
	if (text->len < len || text->ptr[0] == '-' ||
		!str_to_int((struct str){text->ptr, digits}, 0, 9999, out)) {
		return false;
	}
	if (after != '\0' && text->ptr[digits] != after) {
		return false;
	}
	text->ptr += len;
	text->len -= len;
	return true;
}

/* ".123456" to 123; digits past the third are dropped. */
static bool
cut_fraction(struct str *text, int64_t *ms)
{
	*ms = 0;
	if (text->len == 0 || text->ptr[0] != '.') {
		return true;
	}
	size_t at = 1;
	int64_t scale = 100;
	for (; at < text->len && text->ptr[at] >= '0' && text->ptr[at] <= '9'; at++) {
		*ms += scale * (text->ptr[at] - '0');
		scale /= 10;
	}
	text->ptr += at;
	text->len -= at;
	return at >= 2 && at <= 10;
}

static bool
parse_offset(struct str text, int64_t *offset_ms)
{
	if (text.len == 1 && (text.ptr[0] == 'Z' || text.ptr[0] == 'z')) {
		*offset_ms = 0;
		return true;
	}
	if (text.len == 0 || (text.ptr[0] != '+' && text.ptr[0] != '-')) {
		return false;
	}
	int64_t sign = text.ptr[0] == '-' ? -1 : 1;
	int64_t hours = 0;
	int64_t minutes = 0;
	struct str rest = {text.ptr + 1, text.len - 1};
	if (!cut_number(&rest, 2, ':', &hours) || !cut_number(&rest, 2, '\0', &minutes) ||
		rest.len > 0) {
		return false;
	}
	*offset_ms = sign * (hours * 60 + minutes) * 60 * SECOND_MS;
	return hours <= 23 && minutes <= 59;
}

static bool
cut_date(struct str *text, int64_t *days)
{
	int64_t year = 0;
	int64_t month = 0;
	int64_t day = 0;
	if (!cut_number(text, 4, '-', &year) || !cut_number(text, 2, '-', &month) ||
		!cut_number(text, 2, '\0', &day)) {
		return false;
	}
	if (month < 1 || month > 12 || day < 1 || day > month_days(year, (int)month)) {
		return false;
	}
	*days = days_from_date(year, month, day);
	return true;
}

bool
time_parse(struct str text, int64_t *unix_ms)
{
	int64_t days = 0;
	if (!cut_date(&text, &days)) {
		return false;
	}
	if (text.len == 0) {
		*unix_ms = days * DAY_MS;
		return true;
	}
	if (text.ptr[0] != 'T' && text.ptr[0] != 't' && text.ptr[0] != ' ') {
		return false;
	}
	text.ptr++;
	text.len--;
	int64_t hour = 0;
	int64_t minute = 0;
	int64_t second = 0;
	int64_t ms = 0;
	int64_t offset_ms = 0;
	if (!cut_number(&text, 2, ':', &hour) || !cut_number(&text, 2, ':', &minute) ||
		!cut_number(&text, 2, '\0', &second) || !cut_fraction(&text, &ms) ||
		!parse_offset(text, &offset_ms)) {
		return false;
	}
	if (hour > 23 || minute > 59 || second > 60) { /* 60: a leap second */
		return false;
	}
	*unix_ms =
		days * DAY_MS + ((hour * 60 + minute) * 60 + second) * SECOND_MS + ms - offset_ms;
	return true;
}

void
time_format(struct buf *out, int64_t unix_ms)
{
	int64_t first = days_from_date(0, 1, 1) * DAY_MS;
	int64_t last = days_from_date(9999, 12, 31) * DAY_MS + DAY_MS - 1;
	int64_t ms = unix_ms < first ? first : unix_ms > last ? last : unix_ms;
	int64_t of_day = mod_floor(ms, DAY_MS);
	struct date date = date_from_days(div_floor(ms, DAY_MS));
	int64_t seconds = of_day / SECOND_MS;
	(void)buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)date.year, date.month,
		date.day, (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60),
		(int)(of_day % SECOND_MS));
}

struct unit {
	const char *name;
	int64_t ms;
};

static const struct unit units[] = {
	{"w", 7 * DAY_MS},
	{"d", DAY_MS},
	{"h", 60 * 60 * SECOND_MS},
	{"m", 60 * SECOND_MS},
	{"s", SECOND_MS},
	{"ms", 1},
};

/* Which unit `text` begins with: the letters up to the next digit; COUNT_OF(units) when none. */
static size_t
unit_find(struct str text, size_t *len)
{
	*len = 0;
	while (*len < text.len && (text.ptr[*len] < '0' || text.ptr[*len] > '9')) {
		(*len)++;
	}
	size_t i = 0;
	while (i < COUNT_OF(units) && !str_eq_text((struct str){text.ptr, *len}, units[i].name)) {
		i++;
	}
	return i;
}

bool
duration_parse(struct str text, int64_t *ms)
{
	int64_t total = 0;
	size_t next_unit = 0; /* each unit once, the biggest first */
	if (text.len == 0) {
		return false;
	}
	while (text.len > 0) {
		size_t digits = 0;
		while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
			digits++;
		}
		int64_t number = 0;
		if (!str_to_int((struct str){text.ptr, digits}, 0, INT64_MAX, &number)) {
			return false;
		}
		text = (struct str){text.ptr + digits, text.len - digits};
		size_t len = 0;
		size_t unit = unit_find(text, &len);
		if (unit < next_unit || unit == COUNT_OF(units) ||
			__builtin_mul_overflow(number, units[unit].ms, &number) ||
			__builtin_add_overflow(total, number, &total)) {
			return false;
		}
		next_unit = unit + 1;
		text = (struct str){text.ptr + len, text.len - len};
	}
	*ms = total;
	return true;
}

void
duration_format(struct buf *out, int64_t ms)
{
	uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	if (ms < 0) {
		(void)buf_add_char(out, '-');
	}
	if (ms == 0) {
		(void)buf_add_text(out, "0s");
	}
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		uint64_t count = rest / (uint64_t)units[i].ms;
		rest %= (uint64_t)units[i].ms;
		if (count > 0) {
			(void)buf_printf(out, "%llu%s", (unsigned long long)count, units[i].name);
		}
	}
}
