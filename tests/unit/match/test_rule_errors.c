/* SPDX-License-Identifier: MIT */
/* Wrong match tables: each error names the place, what was found and what was expected. */
#include "match_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "limits.h"
#include "rule.h"

static void
expect_error(struct json_parser *parser, const char *table, struct rule_error *error)
{
	struct json_doc *doc = NULL;

	if (json_parse(parser, str_from(table), &doc, NULL) != ERR_OK)
		fail_msg("no JSON: %.200s", table);
	struct rule *rule = rule_compile(json_root(doc), NULL, error);
	json_doc_destroy(doc);
	if (rule)
		fail_msg("was taken: %.200s", table);
}

/* The table, the path that the error names, and some of its words. */
static const struct {
	const char *table, *where, *words;
} bad_tables[] = {
	{"3", "", "expected a match table like { text = \"...\" }, found the number 3"},
	{"{\"txt\":\"x\"}", "", "unknown key \"txt\"; did you mean \"text\"?"},
	{"{\"Text\":\"x\"}", "", "did you mean \"text\"?"},
	{"{\"zzzzzz\":\"x\"}", "", "known are: type, visibility, language"},
	{"{\"text\":5}", "text", "expected a pattern"},
	{"{\"text\":5}", "text", "found the number 5"},
	{"{\"text\":[]}", "text", "found an empty list"},
	{"{\"text\":{}}", "text", "found an empty table"},
	{"{\"text\":[\"a\",true]}", "text.2", "found true"},
	{"{\"text\":{\"view\":\"raw\"}}", "text", "expected a pattern as text, found nothing"},
	{"{\"text\":{\"pattern\":\"a\",\"view\":\"rwa\"}}", "text.view",
		"unknown view \"rwa\"; did you mean \"raw\"?"},
	{"{\"text\":{\"pattern\":\"a\",\"view\":1}}", "text.view", "the name of a view"},
	{"{\"text\":{\"pattern\":\"a\",\"case\":\"yes\"}}", "text.case",
		"expected true or false, found \"yes\""},
	{"{\"text\":[{\"pattern\":\"a\",\"caes\":true}]}", "text.1",
		"unknown key \"caes\"; did you mean \"case\"?"},
	{"{\"body\":\"(\"}", "body", "bad pattern: missing closing parenthesis"},
	{"{\"any\":[{\"text\":\"a\"},{\"text\":[\"b\",\"[\"]}]}", "any.2.text.2", "bad pattern"},
	{"{\"text\":\"(*UTF)a\"}", "text", "not allowed"},
	{"{\"links\":{\"host\":\"https://x.example/\"}}", "links.host",
		"expected a host like \"www.example.org\", found \"https://x.example/\""},
	{"{\"links\":{\"host\":7}}", "links.host", "found the number 7"},
	{"{\"links\":[{\"domain\":\"a.b.example\"}]}", "links.1.domain",
		"below the registered domain \"b.example\""},
	{"{\"links\":{\"domain\":\"co.uk\"}}", "links.domain", "is a public suffix"},
	{"{\"links\":{\"domain\":\"b.example\",\"hots\":\"x\"}}", "links",
		"unknown key \"hots\"; did you mean \"host\"?"},
	{"{\"text\":{\"host\":\"b.example\"}}", "text", "unknown key \"host\""},
	{"{\"tags\":\"#\"}", "tags", "expected a name"},
	{"{\"tags\":[]}", "tags", "found an empty list"},
	{"{\"tags\":{\"pattern\":\"(\"}}", "tags", "bad pattern"},
	{"{\"words\":[]}", "words", "expected a list of words or the name of a list file"},
	{"{\"words\":[\"a\",\" \"]}", "words.2", "the word is empty"},
	{"{\"words\":[7]}", "words.1", "expected a word, found the number 7"},
	{"{\"words\":\"bad.txt\"}", "words", "there is no folder"},
	{"{\"words\":\"bad.txt\"}", "words", "{ \"one\", \"two words\" }"},
	{"{\"language\":\"german\"}", "language", "expected a language code"},
	{"{\"language\":[]}", "language", "found an empty list"},
	{"{\"language\":[\"de\",5]}", "language.2", "found the number 5"},
	{"{\"visibility\":\"pubic\"}", "visibility",
		"unknown visibility \"pubic\"; did you mean \"public\"?"},
	{"{\"visibility\":\"followers\"}", "visibility",
		"known are: public, unlisted, private, direct"},
	{"{\"type\":\"mentoin\"}", "type", "did you mean \"mention\"?"},
	{"{\"type\":true}", "type", "expected a notification type"},
	{"{\"reply\":\"myself\"}", "reply", "unknown kind of reply \"myself\""},
	{"{\"reply\":3}", "reply", "expected true, false, \"self\" or \"other\""},
	{"{\"boost\":\"yes\"}", "boost", "expected true or false, found \"yes\""},
	{"{\"edited\":null}", "edited", "found nothing"},
	{"{\"sensitive\":1}", "sensitive", "true or false"},
	{"{\"poll\":[]}", "poll", "true or false"},
	{"{\"media\":2}", "media", "expected true, false or { min ="},
	{"{\"media\":{\"mni\":2}}", "media", "did you mean \"min\"?"},
	{"{\"media\":{\"min\":-1}}", "media.min", "a whole number from 0"},
	{"{\"media\":{\"min\":\"1\"}}", "media.min", "found \"1\""},
	{"{\"media\":{\"type\":\"imag\"}}", "media.type", "did you mean \"image\"?"},
	{"{\"media\":{\"described\":true}}", "media.described", "\"all\", \"some\" or"},
	{"{\"media\":{\"described\":\"al\"}}", "media.described", "unknown value \"al\""},
	{"{\"media\":{\"min\":3,\"max\":2}}", "media", "min is above max"},
	{"{\"account\":true}", "account", "expected a table like { bot = false"},
	{"{\"account\":{\"agee\":\">7d\"}}", "account",
		"unknown key \"agee\"; did you mean \"age\"?"},
	{"{\"account\":{\"age\":\"7d\"}}", "account.age", "like \">7d\" or \"<24h\", found \"7d\""},
	{"{\"account\":{\"age\":\">7\"}}", "account.age", "found \">7\""},
	{"{\"account\":{\"age\":7}}", "account.age", "found the number 7"},
	{"{\"account\":{\"age\":{\"min\":\"7\"}}}", "account.age.min", "a time like \"7d\""},
	{"{\"account\":{\"age\":{\"least\":\"7d\"}}}", "account.age",
		"unknown key \"least\"; known are: min, max"},
	{"{\"account\":{\"followers\":\">many\"}}", "account.followers",
		"a comparison like \">100\" or a number"},
	{"{\"account\":{\"followers\":-5}}", "account.followers", "found the number -5"},
	{"{\"account\":{\"followers\":{\"min\":5,\"max\":4}}}", "account.followers",
		"min is above max"},
	{"{\"account\":{\"bot\":\"no\"}}", "account.bot", "true or false"},
	{"{\"account\":{\"domain\":\"example\"}}", "account.domain", "expected a domain"},
	{"{\"account\":{\"domain\":[\"https://x.example/\"]}}", "account.domain.1",
		"found \"https://x.example/\""},
	{"{\"account\":{\"acct\":[]}}", "account.acct", "an account like"},
	{"{\"any\":\"x\"}", "any", "expected a list of match tables"},
	{"{\"any\":[]}", "any", "found an empty list"},
	{"{\"any\":[{}]}", "any.1", "an empty table matches everything"},
	{"{\"any\":[\"x\"]}", "any.1", "expected a match table"},
	{"{\"none\":[{\"text\":\"a\"},{\"all\":[{\"txet\":\"b\"}]}]}", "none.2.all.1",
		"did you mean \"text\"?"},
};

static void
errors_name_the_place_and_what_was_expected(void **state)
{
	struct rule_error error;

	for (size_t i = 0; i < COUNT_OF(bad_tables); i++) {
		expect_error(*state, bad_tables[i].table, &error);
		if (strcmp(error.where, bad_tables[i].where) != 0 ||
			!strstr(error.message, bad_tables[i].words))
			fail_msg("%s\n  at \"%s\": %s", bad_tables[i].table, error.where,
				error.message);
	}
}

static void
pattern_errors_bring_pattern_and_offset(void **state)
{
	struct rule_error error;
	struct buf table;

	expect_error(*state, "{\"text\":\"cats?(\"}", &error);
	assert_string_equal(error.pattern, "cats?(");
	assert_int_equal(error.offset, 6);
	expect_error(*state, "{\"text\":7}", &error);
	assert_string_equal(error.pattern, "");
	assert_int_equal(error.offset, -1);
	/* a long one is shown in part */
	buf_init(&table, 2000);
	buf_add_text(&table, "{\"text\":\"");
	for (int i = 0; i < 100; i++)
		buf_add_text(&table, "1234567890");
	buf_add_text(&table, "(\"}");
	expect_error(*state, table.ptr, &error);
	assert_int_equal(strlen(error.pattern), sizeof(error.pattern) - 1);
	assert_true(str_ends(str_from(error.pattern), "..."));
	assert_int_equal(error.offset, 1001);
	buf_finish(&table);
}

static void
caps_depth_and_size(void **state)
{
	struct rule_error error;
	struct buf table;

	buf_init(&table, 1 << 20);
	for (int i = 0; i < RULE_DEPTH_MAX; i++)
		buf_add_text(&table, "{\"any\":[");
	buf_add_text(&table, "{\"text\":\"a\"}");
	for (int i = 0; i < RULE_DEPTH_MAX; i++)
		buf_add_text(&table, "]}");
	expect_error(*state, table.ptr, &error);
	assert_non_null(strstr(error.message, "nested deeper than"));
	buf_clear(&table);
	buf_add_text(&table, "{\"tags\":[\"a\"");
	for (int i = 0; i < RULE_NODES_MAX; i++)
		buf_add_text(&table, ",\"a\"");
	buf_add_text(&table, "]}");
	expect_error(*state, table.ptr, &error);
	assert_non_null(strstr(error.message, "more than"));
	buf_finish(&table);
}

static void
keys_are_listed_once(void **state)
{
	size_t count;
	const char *const *keys = rule_keys(&count);
	struct rule_error error;
	char table[100];

	assert_true(count > 15);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(keys[i], keys[k]);
		/* null is no value of any key, but each is known */
		snprintf(table, sizeof(table), "{\"%s\":null}", keys[i]);
		expect_error(*state, table, &error);
		assert_string_equal(error.where, keys[i]);
	}
}

int
main(void)
{
	struct json_parser *parser = json_parser_create();
	struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_name_the_place_and_what_was_expected),
		cmocka_unit_test(pattern_errors_bring_pattern_and_offset),
		cmocka_unit_test(caps_depth_and_size),
		cmocka_unit_test(keys_are_listed_once),
	};
	for (size_t i = 0; i < COUNT_OF(tests); i++)
		tests[i].initial_state = parser;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_parser_destroy(parser);
	return failed;
}
