/* SPDX-License-Identifier: MIT */
/* Tests of borrowed runs of bytes. */
#include "str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"

static void
absent_is_not_empty(void **state)
{
	(void)state;
	assert_false(str_eq(STR_NONE, STR("")));
	assert_true(str_eq(STR_NONE, str_from(NULL)));
	assert_true(str_eq_text(STR(""), ""));
	assert_true(str_eq_nocase(STR("Host"), STR("hOST")));
	assert_false(str_eq_nocase(STR("a"), STR("b")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_null(str_dup(STR_NONE));
	char *copy = str_dup(STR("x"));
	assert_string_equal(copy, "x");
	free(copy);
}

static void
splits_at_the_first_separator(void **state)
{
	(void)state;
	struct str head;
	struct str rest = str_split(STR("a:b:c"), ':', &head);
	assert_true(str_eq_text(head, "a"));
	assert_true(str_eq_text(rest, "b:c"));
	rest = str_split(STR("a:"), ':', &head);
	assert_true(str_eq_text(rest, ""));
	rest = str_split(STR("abc"), ':', &head);
	assert_true(str_eq_text(head, "abc"));
	assert_null(rest.ptr);
}

static void
trims_and_looks_at_ends(void **state)
{
	(void)state;
	assert_true(str_eq_text(str_trim(STR(" \t\r\n a b\n ")), "a b"));
	assert_int_equal(str_trim(STR("  ")).len, 0);
	assert_true(str_starts(STR("list:1"), "list:"));
	assert_false(str_starts(STR("li"), "list:"));
	assert_true(str_starts(STR_NONE, ""));
	assert_true(str_ends(STR("a.zst"), ".zst"));
	assert_false(str_ends(STR("zst"), ".zst"));
}

static void
reads_whole_integers_in_range(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		int64_t min, max;
		bool ok;
		int64_t value;
	} cases[] = {
		{STR("0"), 0, 10, true, 0},
		{STR("-5"), -10, 10, true, -5},
		{STR("10"), 0, 9, false, 0},
		{STR("9223372036854775807"), INT64_MIN, INT64_MAX, true, INT64_MAX},
		{STR("-9223372036854775808"), INT64_MIN, INT64_MAX, true, INT64_MIN},
		{STR("9223372036854775808"), INT64_MIN, INT64_MAX, false, 0},
		{STR("-9223372036854775809"), INT64_MIN, INT64_MAX, false, 0},
		{STR(""), 0, 9, false, 0},
		{STR("-"), -9, 9, false, 0},
		{STR("+1"), 0, 9, false, 0},
		{STR("1 "), 0, 9, false, 0},
		{STR("0x1"), 0, 9, false, 0},
		{STR("1\0"), 0, 9, false, 0},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t value = 77;
		assert_int_equal(
			str_to_int(cases[i].text, cases[i].min, cases[i].max, &value), cases[i].ok);
		assert_true(value == (cases[i].ok ? cases[i].value : 77));
	}
}

static void
knows_valid_utf8(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		bool valid;
	} cases[] = {
		{STR(""), true},
		{STR("plain text that is longer than a word"), true},
		{STR("na\xC3\xAFve \xE2\x80\xA8 \xF0\x9F\x98\x80"), true},
		{STR("\xEF\xBF\xBF\xF4\x8F\xBF\xBF\xED\x9F\xBF\xEE\x80\x80"), true},
		{STR("\x80"), false},
		{STR("\xC0\x80"), false},
		{STR("\xC1\xBF"), false},
		{STR("\xE0\x9F\xBF"), false},
		{STR("\xED\xA0\x80"), false},
		{STR("\xF0\x8F\xBF\xBF"), false},
		{STR("\xF4\x90\x80\x80"), false},
		{STR("\xF5\x80\x80\x80"), false},
		{STR("\xC3"), false},
		{STR("\xE2\x80"), false},
		{STR("\xF0\x9F\x98"), false},
		{STR("12345678\xFF"), false},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(str_is_utf8(cases[i].text), cases[i].valid);
	}
	uint32_t code = 0;
	assert_int_equal(str_utf8_next(STR("\xF0\x9F\x98\x80x"), &code), 4);
	assert_int_equal(code, 0x1F600);
}

static void
hash_is_the_published_fnv1a(void **state)
{
	(void)state;
	assert_true(str_hash(STR("")) == 0xCBF29CE484222325u);
	assert_true(str_hash(STR("foobar")) == 0x85944171F73967E8u);
}

static void
clips_between_characters(void **state)
{
	(void)state;
	assert_true(str_eq_text(str_clip(STR("ab"), 2), "ab"));
	assert_true(str_eq_text(str_clip(STR("abc"), 2), "ab"));
	assert_true(str_eq_text(str_clip(STR("a\xe2\x82\xac"), 3), "a"));
	assert_true(str_eq_text(str_clip(STR("a\xe2\x82\xac"), 4), "a\xe2\x82\xac"));
	assert_int_equal(str_clip(STR("\xe2\x82\xac"), 1).len, 0);
	assert_null(str_clip(STR_NONE, 0).ptr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clips_between_characters),
		cmocka_unit_test(absent_is_not_empty),
		cmocka_unit_test(splits_at_the_first_separator),
		cmocka_unit_test(trims_and_looks_at_ends),
		cmocka_unit_test(reads_whole_integers_in_range),
		cmocka_unit_test(knows_valid_utf8),
		cmocka_unit_test(hash_is_the_published_fnv1a),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
