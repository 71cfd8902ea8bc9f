/* SPDX-License-Identifier: MIT */
/* Tests of reading JSON. */
#include "json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "buf.h"
#include "limits.h"
#include "xmalloc.h"

static int
setup(void **state)
{
	*state = json_parser_create();
	return 0;
}

static int
teardown(void **state)
{
	json_parser_destroy(*state);
	return 0;
}

static struct json_doc *
parse(void **state, struct str text)
{
	struct json_doc *doc = NULL;
	struct json_error error = {.message = "none"};
	if (json_parse(*state, text, &doc, &error) != ERR_OK) {
		fail_msg("%.*s: %s", STR_ARG(text), error.message);
	}
	return doc;
}

static void
reads_every_type(void **state)
{
	struct json_doc *doc = parse(
		state, STR("{\"n\":null,\"t\":true,\"f\":false,\"i\":-5,\"u\":18446744073709551615,"
			   "\"d\":2.5,\"s\":\"x\",\"a\":[1,[2,3],{}],\"o\":{\"k\":{\"z\":1}}}"));
	struct json_value root = json_root(doc);
	static const struct {
		const char *key;
		enum json_type type;
	} cases[] = {{"n", JSON_NULL}, {"t", JSON_BOOL}, {"f", JSON_BOOL}, {"i", JSON_INT},
		{"u", JSON_UINT}, {"d", JSON_DOUBLE}, {"s", JSON_STRING}, {"a", JSON_ARRAY},
		{"o", JSON_OBJECT}};
	assert_int_equal(json_type(root), JSON_OBJECT);
	assert_int_equal(json_count(root), COUNT_OF(cases));
	struct json_iter it = json_iter(root);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_value value = json_get(root, cases[i].key);
		assert_true(json_exists(value));
		assert_int_equal(json_type(value), cases[i].type);
		assert_true(json_next(&it));
		assert_true(str_eq_text(it.key, cases[i].key));
		assert_true(it.value.at == value.at);
	}
	assert_false(json_next(&it));
	assert_true(str_eq_text(json_str(json_path(root, "s")), "x"));
	int64_t number = 0;
	assert_true(json_get_int(json_path(root, "a.1.1"), &number));
	assert_int_equal(number, 3);
	assert_true(json_get_int(json_path(root, "o.k.z"), &number));
	assert_int_equal(number, 1);
	json_doc_destroy(doc);
}

static void
absent_and_mistyped_values_leave_the_result_alone(void **state)
{
	struct json_doc *doc =
		parse(state, STR("{\"s\":\"1\",\"i\":-1,\"a\":[],\"u\":9223372036854775808}"));
	struct json_value root = json_root(doc);
	int64_t integer = 77;
	uint64_t natural = 77;
	double number = 77;
	bool flag = true;
	assert_false(json_get_int(json_get(root, "s"), &integer));
	assert_false(json_get_int(json_get(root, "u"), &integer));
	assert_false(json_get_int(json_get(root, "nope"), &integer));
	assert_false(json_get_uint(json_get(root, "i"), &natural));
	assert_false(json_get_double(json_get(root, "s"), &number));
	assert_false(json_get_bool(json_get(root, "i"), &flag));
	assert_true(integer == 77 && natural == 77 && flag);
	assert_null(json_str(json_get(root, "i")).ptr);
	assert_false(json_exists(json_path(root, "a.0")));
	assert_false(json_exists(json_path(root, "a.x")));
	assert_false(json_exists(json_path(root, "s.t.u")));
	assert_false(json_exists(json_root(NULL)));
	assert_int_equal(json_type(json_root(NULL)), JSON_NULL);
	assert_int_equal(json_count(json_get(root, "s")), 0);
	struct json_iter it = json_iter(json_get(root, "nope"));
	assert_false(json_next(&it));
	assert_true(json_get_uint(json_get(root, "u"), &natural));
	assert_true(natural == 9223372036854775808u);
	assert_true(json_get_double(json_get(root, "i"), &number));
	assert_true(number < 0);
	json_doc_destroy(doc);
}

static void
strings_may_hold_nul_and_outlive_the_text(void **state)
{
	char text[] = "{\"a\":\"x\\u0000y\",\"b\":\"\xE2\x80\xA8\",\"a\":2}";
	struct json_doc *doc = parse(state, str_from(text));
	memset(text, '#', sizeof(text));
	json_doc_destroy(parse(state, STR("[\"another text in the same parser\"]")));
	assert_true(str_eq(
		json_str(json_get(json_root(doc), "a")), STR("x\0y"))); /* the first of that name */
	assert_true(str_eq(json_str(json_get(json_root(doc), "b")), STR("\xE2\x80\xA8")));
	json_doc_destroy(doc);
}

static void
repairs_what_servers_send_and_the_library_refuses(void **state)
{
	static const struct {
		struct str text, expected;
	} cases[] = {
		{STR("[\"a\\ud800b\"]"), STR("a\xEF\xBF\xBD"
					     "b")},
		{STR("[\"\\uDC00\"]"), STR("\xEF\xBF\xBD")},
		{STR("[\"\\ud800\\ud83d\\ude00\"]"), STR("\xEF\xBF\xBD\xF0\x9F\x98\x80")},
		{STR("[\"\\ud800\\u0041\\\"\\\\\"]"), STR("\xEF\xBF\xBD"
							  "A\"\\")},
		{STR("[\"\\\\ud800 \\ud800\"]"), STR("\\ud800 \xEF\xBF\xBD")},
		{STR("[18446744073709551616]"), STR("18446744073709551616")},
		{STR("[-9223372036854775809 ,1]"), STR("-9223372036854775809")},
		{STR("[1e400]"), STR("1e400")},
		{STR("[-1.5E+999]"), STR("-1.5E+999")},
		{STR("[123456789012345678901234567890, \"\\ud800\"]"),
			STR("123456789012345678901234567890")},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_doc *doc = parse(state, cases[i].text);
		assert_true(str_eq(json_str(json_path(json_root(doc), "0")), cases[i].expected));
		json_doc_destroy(doc);
	}
}

static void
refuses_what_is_no_json(void **state)
{
	static const struct {
		struct str text;
		const char *said; /* part of the message */
	} cases[] = {
		{STR(""), "empty"},
		{STR("  "), "empty"},
		{STR("{"), "missing"},
		{STR("[1,]"), "missing"},
		{STR("{\"a\" 1}"), "missing"},
		{STR("nul"), "true, false or null"},
		{STR("[01]"), "number"},
		{STR("[-]"), "number"},
		{STR("[1e400x]"), "missing"},
		{STR("\"\\x\""), "escape"},
		{STR("\"\\ud8\""), "escape"},
		{STR("\"a\nb\""), "control"},
		{STR("\"abc"), "quote"},
		{STR("\"\xFF\""), "UTF-8"},
		{STR("undefined"), ""},
		{STR("1 2"), ""},
		{STR("[18446744073709551616"), ""},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json_doc *doc = NULL;
		struct json_error error = {.message = "none"};
		assert_int_equal(json_parse(*state, cases[i].text, &doc, &error), ERR_SYNTAX);
		assert_non_null(strstr(error.message, cases[i].said));
		assert_string_not_equal(error.message, "none");
		assert_null(doc);
		assert_int_equal(json_parse(*state, cases[i].text, &doc, NULL), ERR_SYNTAX);
	}
}

static void
finds_some_members_in_one_walk(void **state)
{
	static const struct str keys[] = {
		{"b", 1}, {"none", 4}, {"a", 1}, {"", 0}, {"c", 1}, {"b", 1}};
	struct json_value found[COUNT_OF(keys)];
	struct json_doc *doc = parse(
		state, STR("{\"a\":[{\"b\":0}],\"b\":1,\"\":2,\"b\":3,\"d\":{\"c\":4},\"c\":5}"));
	struct json_value root = json_root(doc);
	json_get_each(root, keys, found, COUNT_OF(keys));
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct json_value one = json_get_str(root, keys[i]);
		assert_int_equal(json_exists(one), json_exists(found[i]));
		assert_int_equal(one.at, found[i].at);
	}
	json_get_each(found[0], keys, found, COUNT_OF(keys)); /* no object */
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_false(json_exists(found[i]));
	json_doc_destroy(doc);
}

static void
nesting_has_a_cap(void **state)
{
	char text[4 * JSON_DEPTH_MAX];
	for (int depth = JSON_DEPTH_MAX - 2; depth <= JSON_DEPTH_MAX + 1; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		struct json_doc *doc = NULL;
		struct json_error error;
		enum err err =
			json_parse(*state, (struct str){text, 2 * (size_t)depth}, &doc, &error);
		assert_int_equal(err, depth <= JSON_DEPTH_MAX ? ERR_OK : ERR_TOO_BIG);
		json_doc_destroy(doc);
	}
	/* A very deep text may neither overflow the stack nor loosen the cap for the next one. */
	size_t len = 5000000;
	char *deep = xmalloc(len);
	memset(deep, '[', len);
	struct json_doc *doc = NULL;
	assert_int_not_equal(json_parse(*state, (struct str){deep, len}, &doc, NULL), ERR_OK);
	size_t over = JSON_DEPTH_MAX + 1;
	memset(text, '[', over);
	memset(text + over, ']', over);
	assert_int_equal(json_parse(*state, (struct str){text, 2 * over}, &doc, NULL), ERR_TOO_BIG);
	free(deep);
}

static void
too_long_a_text_is_too_big(void **state)
{
	struct json_doc *doc = NULL;
	char c = ' ';
	struct str text = {&c, (size_t)JSON_TEXT_MAX + 1}; /* refused before a byte is read */
	assert_int_equal(json_parse(*state, text, &doc, NULL), ERR_TOO_BIG);
}

static void
a_huge_text_is_read_and_its_memory_given_back(void **state)
{
	struct buf text;
	buf_init(&text, 4u << 20);
	(void)buf_add_text(&text, "[\"first\"");
	for (int i = 0; i < 200000; i++) {
		(void)buf_printf(&text, ",%d", i);
	}
	(void)buf_add_text(&text, ",\"last\"]");
	struct json_doc *doc = parse(state, buf_str(&text));
	assert_int_equal(json_count(json_root(doc)), 200002);
	assert_true(str_eq_text(json_str(json_path(json_root(doc), "200001")), "last"));
	json_doc_destroy(doc);
	doc = parse(state, STR("7"));
	assert_int_equal(json_type(json_root(doc)), JSON_INT);
	json_doc_destroy(doc);
	buf_finish(&text);
}

static void
documents_live_longer_than_their_parser(void **state)
{
	(void)state;
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	assert_int_equal(json_parse(parser, STR("{\"a\":\"b\"}"), &doc, NULL), ERR_OK);
	json_parser_destroy(parser);
	assert_true(str_eq_text(json_str(json_get(json_root(doc), "a")), "b"));
	json_doc_destroy(doc);
	json_doc_destroy(NULL);
	json_parser_destroy(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_every_type, setup, teardown),
		cmocka_unit_test_setup_teardown(
			absent_and_mistyped_values_leave_the_result_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			strings_may_hold_nul_and_outlive_the_text, setup, teardown),
		cmocka_unit_test_setup_teardown(
			repairs_what_servers_send_and_the_library_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_json, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_some_members_in_one_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(nesting_has_a_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(too_long_a_text_is_too_big, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_huge_text_is_read_and_its_memory_given_back, setup, teardown),
		cmocka_unit_test(documents_live_longer_than_their_parser),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
