/* SPDX-License-Identifier: MIT */
/* Which file the lines of an archive go to: names, days and sizes. */
#include "rotation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "attr.h"
#include "civil.h"
#include "xmalloc.h"

#define DAY_MS  (DAY_SECONDS * 1000)
/* A clock that is set back by less, around midnight, opens no file of the day before. */
#define BACK_MS (INT64_C(3600) * 1000)

/* "100MB", of 1,000,000 bytes each: files are not memory. */
static bool
read_size(struct str text, int64_t *bytes)
{
	static const struct {
		const char *name;
		int64_t bytes;
	} units[] = {{"KB", 1000}, {"MB", 1000 * 1000}, {"GB", 1000 * 1000 * 1000}};
	int64_t number;

	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (!str_ends(text, units[i].name))
			continue;
		if (!str_to_int((struct str){text.ptr, text.len - 2}, 1,
			    ROTATION_BYTES_MAX / units[i].bytes, &number))
			return false;
		*bytes = number * units[i].bytes;
		return *bytes >= ROTATION_BYTES_MIN;
	}
	return false;
}

static bool
add_word(struct rotation *rotation, struct str when, char *error, size_t size)
{
	if (when.ptr && str_eq_text(when, "day")) {
		rotation->daily = true;
		return true;
	}
	if (when.ptr && read_size(when, &rotation->bytes))
		return true;
	when = str_clip(when, 60);
	snprintf(error, size,
		"expected \"day\" or a size of 1MB to 1000GB such as \"100MB\", found %s%.*s%s.",
		when.ptr ? "\"" : "", when.ptr ? (int)when.len : 14,
		when.ptr ? when.ptr : "something else", when.ptr ? "\"" : "");
	return false;
}

bool
rotation_add(struct rotation *rotation, struct str when, char *error)
{
	return add_word(rotation, when, error, MESSAGE_MAX);
}

static bool
read_word(struct rotation *rotation, struct json_value value, char *error)
{
	struct str text = json_type(value) == JSON_STRING ? json_str(value) : STR_NONE;
	int len = snprintf(error, MESSAGE_MAX, "archive.rotate: ");

	return add_word(rotation, text, error + len, MESSAGE_MAX - (size_t)len);
}

bool
rotation_read(struct rotation *rotation, struct json_value value, char *error)
{
	struct json_value rotate = json_get(value, "rotate");
	struct json_iter it;

	if (!json_exists(value))
		return true;
	if (json_type(value) != JSON_OBJECT) {
		snprintf(error, MESSAGE_MAX,
			"archive: expected a table such as { rotate = \"day\" }.");
		return false;
	}
	it = json_iter(value);
	while (json_next(&it)) {
		if (str_eq_text(it.key, "rotate"))
			continue;
		snprintf(error, MESSAGE_MAX,
			"archive: unknown key \"%.*s\". The only one is rotate.",
			it.key.len < 60 ? (int)it.key.len : 60, it.key.ptr);
		return false;
	}
	if (!json_exists(rotate))
		return true;
	if (json_type(rotate) != JSON_ARRAY)
		return read_word(rotation, rotate, error);
	it = json_iter(rotate);
	while (json_next(&it)) {
		if (!read_word(rotation, it.value, error))
			return false;
	}
	return true;
}

/* The day of the clock; the file's, when the clock is only a little behind it. */
static int64_t
day_of(const struct rotation_file *file, int64_t now_ms)
{
	int64_t day = div_floor(now_ms, DAY_MS);

	return day < file->day && file->day * DAY_MS - now_ms < BACK_MS ? file->day : day;
}

bool
rotation_is_due(const struct rotation *rotation, const struct rotation_file *file, int64_t now_ms,
	int64_t held, size_t line)
{
	if (rotation->daily && day_of(file, now_ms) != file->day)
		return true;
	return rotation->bytes > 0 && held > 0 && held + (int64_t)line > rotation->bytes;
}

bool
rotation_next(struct rotation_file *file, int64_t now_ms)
{
	int64_t day = day_of(file, now_ms);

	if (file->number > 0 && day == file->day) {
		if (file->number >= ROTATION_NUMBER_MAX)
			return false;
		file->number++;
	} else {
		*file = (struct rotation_file){day, 1};
	}
	return true;
}

static char *
date_text(int64_t days)
{
	struct date date = date_from_days(days);

	return xasprintf("%04" PRId64 "-%02d-%02d", date.year, date.month, date.day);
}

/* "_" is behind "." in the order of bytes, digits are before letters. */
char *
rotation_name(const char *name, const struct rotation_file *file)
{
	char *date = date_text(file->day);
	char *text = file->number > 1 ? xasprintf("%s_%s_%04u", name, date, file->number)
				      : xasprintf("%s_%s", name, date);

	free(date);
	return text;
}

char *
rotation_text(const struct rotation_file *file)
{
	char *date = date_text(file->day);
	char *text = xasprintf("%s %u", date, file->number);

	free(date);
	return text;
}

bool
rotation_parse(const char *text, struct rotation_file *file)
{
	struct str rest = str_from(text), parts[3];
	int64_t number, values[3];
	struct str date;

	*file = (struct rotation_file){0};
	if (!text)
		return false;
	rest = str_split(rest, ' ', &date);
	parts[2] = str_split(date, '-', &parts[0]);
	parts[2] = str_split(parts[2], '-', &parts[1]);
	for (unsigned i = 0; i < 3; i++) {
		if (!str_to_int(parts[i], 1, 9999, &values[i]))
			return false;
	}
	if (!str_to_int(rest, 1, ROTATION_NUMBER_MAX, &number))
		return false;
	*file = (struct rotation_file){
		days_from_date(values[0], values[1], values[2]), (unsigned)number};
	return true;
}
