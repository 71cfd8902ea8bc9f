/* SPDX-License-Identifier: MIT */
/* Tests of writing JSON. */
#include "json_write.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"

static void
writes_strings_that_parse_back(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		const char *expected;
	} cases[] = {
		{STR(""), "\"\""},
		{STR("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
		{STR("\n\r\t\b\f\x01\x1f\x7f"), "\"\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\""},
		{STR("a\0b"), "\"a\\u0000b\""},
		{STR("\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80</"),
			"\"\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80</\""},
		{STR("x\xFF\xED\xA0\x80y"),
			"\"x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDy\""},
	};
	struct buf out;
	buf_init(&out, 1000);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&out);
		json_put_str(&out, cases[i].text);
		assert_string_equal(out.ptr, cases[i].expected);
	}
	buf_finish(&out);
}

static void
writes_numbers_exactly(void **state)
{
	(void)state;
	static const struct {
		double number;
		const char *expected;
	} cases[] = {{0, "0"}, {-0.0, "-0.0"}, {0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"},
		{1e21, "1e+21"}, {-2.5, "-2.5"}, {5e-324, "4.94065645841247e-324"},
		{9007199254740993.0, "9007199254740992"}, {(double)NAN, "null"},
		{(double)INFINITY, "null"}};
	struct buf out;
	buf_init(&out, 1000);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&out);
		json_put_double(&out, cases[i].number);
		assert_string_equal(out.ptr, cases[i].expected);
	}
	buf_clear(&out);
	json_put_int(&out, INT64_MIN);
	assert_string_equal(out.ptr, "-9223372036854775808");
	buf_finish(&out);
}

static void
puts_commas_where_they_belong(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 1000);
	json_put_comma(&out);
	(void)buf_add_char(&out, '{');
	json_put_key(&out, "a");
	json_put_bool(&out, true);
	json_put_key(&out, "b");
	(void)buf_add_char(&out, '[');
	json_put_comma(&out);
	json_put_text(&out, NULL);
	json_put_comma(&out);
	json_put_text(&out, "[");
	json_put_comma(&out);
	json_put_int(&out, 1);
	(void)buf_add_text(&out, "]}");
	assert_string_equal(out.ptr, "{\"a\":true,\"b\":[null,\"[\",1]}");
	buf_finish(&out);
}

static void
a_parsed_text_is_written_compact_and_whole(void **state)
{
	(void)state;
	static const char *const texts[] = {"null", "[]", "{}",
		"[1,-2,18446744073709551615,2.5,true,false,null]",
		"{\"a\":{\"b\":[{\"c\":\"\\u0000\\n\"}]},\"a\":\"twice\"}"};
	struct json_parser *parser = json_parser_create();
	struct buf out;
	buf_init(&out, 1000);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct json_doc *doc = NULL;
		assert_int_equal(json_parse(parser, str_from(texts[i]), &doc, NULL), ERR_OK);
		buf_clear(&out);
		json_put_value(&out, json_root(doc));
		assert_string_equal(out.ptr, texts[i]);
		json_doc_destroy(doc);
	}
	buf_clear(&out);
	json_put_value(&out, (struct json_value){0});
	assert_string_equal(out.ptr, "null");
	buf_finish(&out);
	json_parser_destroy(parser);
}

static void
too_long_a_text_shows_in_the_buffer(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 8);
	json_put_key(&out, "abcdefgh");
	json_put_key(&out, "x");
	assert_int_equal(out.err, ERR_TOO_BIG);
	buf_finish(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_strings_that_parse_back),
		cmocka_unit_test(writes_numbers_exactly),
		cmocka_unit_test(puts_commas_where_they_belong),
		cmocka_unit_test(a_parsed_text_is_written_compact_and_whole),
		cmocka_unit_test(too_long_a_text_shows_in_the_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
