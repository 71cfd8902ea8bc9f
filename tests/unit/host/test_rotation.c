/* SPDX-License-Identifier: MIT */
/* Which file the lines of an archive go to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "json.h"
#include "rotation.h"

#define HOUR  INT64_C(3600000)
#define NOON  INT64_C(1795262400000) /* 2026-11-21T12:00:00Z */
#define TODAY (NOON / (24 * HOUR))

static bool
read_text(const char *text, struct rotation *rotation, char *error)
{
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;

	*rotation = (struct rotation){0};
	assert_int_equal(json_parse(parser, str_from(text), &doc, NULL), ERR_OK);
	bool good = rotation_read(rotation, json_root(doc), error);
	json_doc_destroy(doc);
	json_parser_destroy(parser);
	return good;
}

static void
reads_what_the_operator_asks_for(void **state)
{
	static const struct {
		const char *text;
		bool daily;
		int64_t bytes;
	} rows[] = {
		{"{}", false, 0},
		{"{\"rotate\":\"day\"}", true, 0},
		{"{\"rotate\":\"100MB\"}", false, 100000000},
		{"{\"rotate\":\"1000KB\"}", false, 1000000},
		{"{\"rotate\":\"2GB\"}", false, 2000000000},
		{"{\"rotate\":[\"day\",\"5MB\"]}", true, 5000000},
		{"{\"rotate\":[]}", false, 0},
	};
	struct rotation rotation;
	char error[MESSAGE_MAX];
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(read_text(rows[i].text, &rotation, error));
		assert_int_equal(rotation.daily, rows[i].daily);
		assert_int_equal(rotation.bytes, rows[i].bytes);
	}
}

static void
says_what_is_wrong_with_it(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"\"day\"", "archive: expected a table such as { rotate = \"day\" }."},
		{"{\"rotate\":\"daily\"}", "found \"daily\"."},
		{"{\"rotate\":\"10KB\"}", "expected \"day\" or a size of 1MB to 1000GB"},
		{"{\"rotate\":\"1001GB\"}", "found \"1001GB\"."},
		{"{\"rotate\":\"-1MB\"}", "found \"-1MB\"."},
		{"{\"rotate\":\"MB\"}", "found \"MB\"."},
		{"{\"rotate\":5}", "found something else."},
		{"{\"rotate\":[\"day\",true]}", "found something else."},
		{"{\"rotation\":\"day\"}", "archive: unknown key \"rotation\"."},
	};
	struct rotation rotation;
	char error[MESSAGE_MAX];
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_false(read_text(rows[i].text, &rotation, error));
		if (!strstr(error, rows[i].words))
			fail_msg("%s: %s", rows[i].text, error);
	}
}

static void
is_due_at_midnight_and_when_a_line_does_not_fit(void **state)
{
	const struct rotation daily = {.daily = true}, sized = {.bytes = 1000};
	struct rotation_file file = {TODAY, 1};
	(void)state;

	assert_false(rotation_is_due(&daily, &file, NOON + 12 * HOUR - 1, 1 << 30, 1 << 20));
	assert_true(rotation_is_due(&daily, &file, NOON + 12 * HOUR, 1, 1));
	assert_false(rotation_is_due(&sized, &file, NOON + 48 * HOUR, 900, 100));
	assert_true(rotation_is_due(&sized, &file, NOON, 900, 101));
	assert_false(rotation_is_due(&sized, &file, NOON, 0, 5000)); /* alone in its file */
}

static void
a_clock_that_goes_back_a_little_opens_no_file_of_yesterday(void **state)
{
	const struct rotation daily = {.daily = true};
	struct rotation_file file = {TODAY, 3}, next = file;
	int64_t midnight = NOON - 12 * HOUR;
	(void)state;

	assert_false(rotation_is_due(&daily, &file, midnight - 1, 1, 1));
	assert_true(rotation_next(&next, midnight - 1));
	assert_int_equal(next.day, TODAY);
	assert_int_equal(next.number, 4);
	/* a clock that was wrong by days is another matter */
	assert_true(rotation_is_due(&daily, &file, NOON - 48 * HOUR, 1, 1));
	assert_true(rotation_next(&next, NOON - 48 * HOUR));
	assert_int_equal(next.day, TODAY - 2);
	assert_int_equal(next.number, 1);
}

static void
names_sort_as_time_goes(void **state)
{
	char *last = strdup("posts.jsonl");
	struct rotation_file file = {0};
	(void)state;

	for (int64_t hour = 0; hour < 100; hour += 7) {
		for (int i = 0; i < 12; i++) {
			assert_true(rotation_next(&file, NOON + hour * HOUR));
			char *name = rotation_name("posts", &file);
			char path[64];
			snprintf(path, sizeof(path), "%s.jsonl", name);
			if (strcmp(last, path) >= 0)
				fail_msg("%s is not behind %s", path, last);
			free(last);
			last = strdup(path);
			free(name);
		}
	}
	assert_string_equal(last, "posts_2026-11-25_0036.jsonl");
	free(last);
	file = (struct rotation_file){TODAY, ROTATION_NUMBER_MAX};
	assert_false(rotation_next(&file, NOON));
	assert_int_equal(file.number, ROTATION_NUMBER_MAX);
	assert_true(rotation_next(&file, NOON + 12 * HOUR));
	assert_int_equal(file.number, 1);
}

static void
comes_back_from_its_text(void **state)
{
	static const char *const bad[] = {"", "2026-11-21", "2026-11-21 0", "2026-11 1", "x 1",
		"2026-11-21 10000", "2026-11-21-2 1"};
	struct rotation_file file = {TODAY, 7}, back;
	char *text = rotation_text(&file);
	(void)state;

	assert_string_equal(text, "2026-11-21 7");
	assert_true(rotation_parse(text, &back));
	assert_int_equal(back.day, TODAY);
	assert_int_equal(back.number, 7);
	free(text);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(rotation_parse(bad[i], &back));
		assert_int_equal(back.number, 0);
	}
	assert_false(rotation_parse(NULL, &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_operator_asks_for),
		cmocka_unit_test(says_what_is_wrong_with_it),
		cmocka_unit_test(is_due_at_midnight_and_when_a_line_does_not_fit),
		cmocka_unit_test(a_clock_that_goes_back_a_little_opens_no_file_of_yesterday),
		cmocka_unit_test(names_sort_as_time_goes),
		cmocka_unit_test(comes_back_from_its_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
