/* SPDX-License-Identifier: MIT */
/* Places of values in JSON text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "json.h"
#include "json_where.h"

#define TEXT                                                                                       \
	" { \"a\" : \"x\\\"}\" , \"b\":[ 1,{\"c\":[true , null]}, \"\\\\\" ],\"d\\u0065\":{},"     \
	"\"a\":\"second\",\"deep\":{\"n\":-1.5e3,\"s\":\"\"}}"

static void
finds_values_by_path(void **state)
{
	static const struct {
		const char *path, *value;
	} rows[] = {
		{"a", "\"x\\\"}\""},
		{"b.0", "1"},
		{"b.1", "{\"c\":[true , null]}"},
		{"b.1.c.1", "null"},
		{"b.2", "\"\\\\\""},
		{"de", "{}"},
		{"deep.n", "-1.5e3"},
		{"deep.s", "\"\""},
		{"b.3", NULL},
		{"b.x", NULL},
		{"deep.n.x", NULL},
		{"missing", NULL},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str found = json_where(STR(TEXT), rows[i].path);
		if (!rows[i].value)
			assert_null(found.ptr);
		else if (!str_eq_text(found, rows[i].value))
			fail_msg("%s: %.*s", rows[i].path, STR_ARG(found));
	}
	assert_null(json_where(STR("  "), "a").ptr);
	assert_null(json_where(STR_NONE, "a").ptr);
}

static void
takes_escapes_whole(void **state)
{
	static const struct {
		const char *literal;
		size_t start, end;
		const char *bytes;
	} rows[] = {
		{"\"abc\"", 1, 2, "b"},
		{"\"abc\"", 0, 3, "abc"},
		{"\"abc\"", 3, 3, ""},
		{"\"a\\nb\"", 1, 2, "\\n"},
		{"\"a\\u2014b\"", 1, 4, "\\u2014"},
		{"\"a\\u2014b\"", 2, 3, "\\u2014"},
		{"\"a\\u2014b\"", 4, 5, "b"},
		{"\"\\ud83d\\ude00x\"", 0, 4, "\\ud83d\\ude00"},
		{"\"\\ud83d\\ude00x\"", 4, 5, "x"},
		{"\"\\ud83dx\"", 3, 4, "x"},
		{"\"\\u0041\\/\"", 0, 2, "\\u0041\\/"},
		{"17", 0, 1, "17"},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str found =
			json_where_in(str_from(rows[i].literal), rows[i].start, rows[i].end);
		if (!str_eq_text(found, rows[i].bytes))
			fail_msg("%s [%zu,%zu): %.*s", rows[i].literal, rows[i].start, rows[i].end,
				STR_ARG(found));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_values_by_path),
		cmocka_unit_test(takes_escapes_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
