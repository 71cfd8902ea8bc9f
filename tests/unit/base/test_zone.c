/* SPDX-License-Identifier: MIT */
/* Tests of time zones: names, files that are broken, summer time, gaps and overlaps. */
#include "zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "attr.h"
#include "civil.h"
#include "limits.h"

static struct zone *
must_open(const char *name)
{
	char error[MESSAGE_MAX];
	struct zone *zone = zone_open(str_from(name), zone_folder(), error);
	if (!zone)
		fail_msg("%s", error);
	return zone;
}

static int64_t
at(int64_t year, int month, int day, int hour, int minute)
{
	return days_from_date(year, month, day) * DAY_SECONDS + (hour * 60 + minute) * 60;
}

static void
expect_instant(const char *name, int64_t local, enum zone_fit fit, int64_t first, int64_t last)
{
	int64_t found_first = 1, found_last = 1;
	struct zone *zone = must_open(name);
	assert_int_equal(zone_instant(zone, local, &found_first, &found_last), fit);
	assert_true(found_first == first && found_last == last);
	zone_destroy(zone);
}

static void
skips_and_repeats_the_hours_of_summer_time(void **state)
{
	(void)state;
	expect_instant("Europe/Berlin", at(2026, 3, 29, 1, 59), ZONE_ONCE, at(2026, 3, 29, 0, 59),
		at(2026, 3, 29, 0, 59));
	expect_instant("Europe/Berlin", at(2026, 3, 29, 2, 30), ZONE_GAP, at(2026, 3, 29, 1, 0),
		at(2026, 3, 29, 1, 0));
	expect_instant("Europe/Berlin", at(2026, 3, 29, 3, 0), ZONE_ONCE, at(2026, 3, 29, 1, 0),
		at(2026, 3, 29, 1, 0));
	expect_instant("Europe/Berlin", at(2026, 10, 25, 2, 30), ZONE_TWICE,
		at(2026, 10, 25, 0, 30), at(2026, 10, 25, 1, 30));
	/* Long after the last transition of any file: the footer's rule. */
	expect_instant("Europe/Berlin", at(2126, 7, 1, 9, 0), ZONE_ONCE, at(2126, 7, 1, 7, 0),
		at(2126, 7, 1, 7, 0));
	/* Half an hour of summer time, and a day that was left out. */
	expect_instant("Australia/Lord_Howe", at(2026, 10, 4, 2, 15), ZONE_GAP,
		at(2026, 10, 3, 15, 30), at(2026, 10, 3, 15, 30));
	expect_instant("Pacific/Apia", at(2011, 12, 30, 9, 0), ZONE_GAP, at(2011, 12, 30, 10, 0),
		at(2011, 12, 30, 10, 0));
}

static void
needs_no_files_for_utc_and_offsets(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int32_t offset_s;
	} cases[] = {{"UTC", 0}, {"+02:00", 7200}, {"-03:30", -12600}, {"+00:00", 0}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char error[MESSAGE_MAX];
		struct zone *zone = zone_open(str_from(cases[i].name), "/nonexistent", error);
		assert_non_null(zone);
		assert_string_equal(zone_name(zone), cases[i].name);
		struct local_time local;
		zone_local(zone, 0, &local);
		assert_int_equal(local.offset_s, cases[i].offset_s);
		zone_destroy(zone);
	}
}

static void
refuses_names_and_says_the_nearest(void **state)
{
	(void)state;
	static const struct {
		const char *name, *part;
	} cases[] = {
		{"Europe/Berln", "did you mean \"Europe/Berlin\"?"},
		{"europe/berlin", "did you mean \"Europe/Berlin\"?"},
		{"berlin", "did you mean \"Europe/Berlin\"?"},
		{"Moon/Tranquility", "expected a name such as"},
		{"+25:00", "there is no time zone"},
		{"", "there is no time zone"},
		{"/etc/passwd", "there is no time zone"},
		{"../../../etc/passwd", "there is no time zone"},
		{"Europe/../Europe/Berlin", "there is no time zone"},
		{"Europe//Berlin", "there is no time zone"},
		{"Europe", "there is no time zone"},
		{"zone.tab", "there is no time zone"},
		{"leapseconds", "does not begin as one"},
		{"right/Europe/Berlin", "leap seconds"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char error[MESSAGE_MAX] = "";
		struct zone *zone = zone_open(str_from(cases[i].name), zone_folder(), error);
		assert_null(zone);
		if (!strstr(error, cases[i].part))
			fail_msg("%s: %s", cases[i].name, error);
	}
	char error[MESSAGE_MAX];
	assert_null(zone_open(STR("Europe/Berlin"), "/nonexistent", error));
	assert_non_null(strstr(error, "install the package tzdata"));
}

static void
reads_what_tz_may_say(void **state)
{
	(void)state;
	static const struct {
		const char *tz;
		int32_t january_s, july_s;
	} cases[] = {
		{"Europe/Berlin", 3600, 7200},
		{":Europe/Berlin", 3600, 7200},
		{"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200},
		{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 39600, 37800},
		{"EST5EDT,J60/0,J300/0", -18000, -14400},
		{"XXX3EDT4,0/0,J365/23", -14400, -14400}, /* summer time all year */
		{"AAA-3", 10800, 10800},
		{"", 0, 0},
		{"UTC", 0, 0},
	};
	char error[MESSAGE_MAX];
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct zone *zone = zone_open_local(cases[i].tz, NULL, zone_folder(), error);
		assert_non_null(zone);
		struct local_time local;
		zone_local(zone, at(2027, 1, 15, 12, 0), &local);
		assert_int_equal(local.offset_s, cases[i].january_s);
		zone_local(zone, at(2027, 7, 15, 12, 0), &local);
		assert_int_equal(local.offset_s, cases[i].july_s);
		zone_destroy(zone);
	}
	assert_null(zone_open_local("Europe/Berln", NULL, zone_folder(), error));
	assert_non_null(strstr(error, "Europe/Berlin"));
	struct zone *zone = zone_open_local(NULL, "/nonexistent/localtime", zone_folder(), error);
	assert_non_null(zone);
	zone_destroy(zone);
}

static void
refuses_rules_that_are_none(void **state)
{
	(void)state;
	static const char *const cases[] = {"", "C", "CET", "CET-25", "CET-1CEST",
		"CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,J0,J5",
		"CET-1CEST,J1,366", "CET-1CEST,M3.5.0,M10.5.0x", "<CET-1", "<A>1", "CET-1:60",
		"CET-1CEST,,", "ABCDEFGHIJKLMNOPQRST1"};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char error[MESSAGE_MAX];
		assert_null(zone_from_rule(cases[i], str_from(cases[i]), error));
		assert_non_null(strstr(error, "no rule"));
	}
}

/* ---- files ---- */

/* A file that is too big, one that is a pipe, and a folder. */
static void
reads_no_more_than_a_zone_file_may_have(void **state)
{
	(void)state;
	char folder[] = "/tmp/moontusk-test-XXXXXX", path[100], error[MESSAGE_MAX];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/Huge", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), INT64_C(1) << 40), 0);
	fclose(file);
	assert_null(zone_open(STR("Huge"), folder, error));
	assert_non_null(strstr(error, "/Huge cannot be read: File too large"));
	remove(path);
	snprintf(path, sizeof(path), "%s/Pipe", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(zone_open(STR("Pipe"), folder, error));
	assert_non_null(strstr(error, "\"Pipe\" cannot be looked up"));
	remove(path);
	rmdir(folder);
}

#define HEADER(version, counts) "TZif" version "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" counts
/* One transition, at 1000 s, from UTC to +01:00. Counts: isut isstd leap time type char. */
#define COUNTS                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\x8"
#define TYPES                   "\0\0\0\0\0\0\0\0\xe\x10\1\4UTC\0CET\0"
#define BODY_4                  "\0\0\3\xe8\1" TYPES
#define BODY_8                  "\0\0\0\0\0\0\3\xe8\1" TYPES
#define WHOLE                   HEADER("2", COUNTS) BODY_4 HEADER("2", COUNTS) BODY_8 "\nCET-1\n"

static void
expect_broken(struct str bytes, const char *part)
{
	char error[MESSAGE_MAX] = "";
	struct zone *zone = zone_read("X", bytes, error);
	assert_null(zone);
	if (!strstr(error, part))
		fail_msg("expected \"%s\", found: %s", part, error);
}

static void
reads_files_of_each_version(void **state)
{
	(void)state;
	static const struct str files[] = {STR(HEADER("\0", COUNTS) BODY_4), STR(WHOLE),
		STR(HEADER("3", COUNTS) BODY_4 HEADER("3", COUNTS) BODY_8 "\n\n"),
		STR(HEADER("4", COUNTS) BODY_4 HEADER("4", COUNTS) BODY_8 "\nCET-1\n")};
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		char error[MESSAGE_MAX];
		struct zone *zone = zone_read("X", files[i], error);
		if (!zone)
			fail_msg("%s", error);
		struct local_time local;
		zone_local(zone, 999, &local);
		assert_string_equal(local.abbreviation, "UTC");
		zone_local(zone, 1000, &local);
		assert_string_equal(local.abbreviation, "CET");
		assert_int_equal(local.hour, 1);
		zone_destroy(zone);
	}
}

static void
refuses_broken_files_with_a_reason(void **state)
{
	(void)state;
	static const struct str whole = STR(WHOLE);
	for (size_t len = 0; len < whole.len; len++) {
		char *exact = malloc(len + 1); /* a sanitizer sees a read past the end */
		assert_non_null(exact);
		memcpy(exact, whole.ptr, len);
		char error[MESSAGE_MAX] = "";
		struct zone *zone = zone_read("X", (struct str){exact, len}, error);
		assert_null(zone);
		assert_non_null(strstr(error, "the zone file of \"X\" cannot be used: "));
		free(exact);
	}
	expect_broken(STR("GIF89a and much more than the header has in bytes"), "begin");
	expect_broken(STR(HEADER("1", COUNTS) BODY_4), "version");
	expect_broken(STR(HEADER("\0", "\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\2\0\0\0\x8")
				      BODY_4),
		"counts");
	expect_broken(STR(HEADER("\0", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x8") BODY_4),
		"counts");
	expect_broken(STR(HEADER("\0", COUNTS) "\0\0\3\xe8\2" TYPES), "leads nowhere");
	expect_broken(STR(HEADER("\0", COUNTS) "\0\0\3\xe8\1"
					       "\0\0\0\0\0\0\0\xf\xff\xff\1\4UTC\0CET\0"),
		"offset");
	expect_broken(STR(HEADER("\0", COUNTS) "\0\0\3\xe8\1"
					       "\0\0\0\0\0\0\0\0\xe\x10\1\x9UTC\0CET\0"),
		"name");
	expect_broken(
		STR(HEADER("\0",
			"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\x8") "\0\0\3\xe8\0\0\3\xe8\1\0" TYPES),
		"order");
	expect_broken(STR(HEADER("2", COUNTS) BODY_4 HEADER("2", COUNTS) BODY_8 "\nCET-1CEST\n"),
		"last line");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(skips_and_repeats_the_hours_of_summer_time),
		cmocka_unit_test(needs_no_files_for_utc_and_offsets),
		cmocka_unit_test(refuses_names_and_says_the_nearest),
		cmocka_unit_test(reads_what_tz_may_say),
		cmocka_unit_test(refuses_rules_that_are_none),
		cmocka_unit_test(reads_no_more_than_a_zone_file_may_have),
		cmocka_unit_test(reads_files_of_each_version),
		cmocka_unit_test(refuses_broken_files_with_a_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
