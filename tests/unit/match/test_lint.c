/* SPDX-License-Identifier: MIT */
/* What is said of patterns before they run: nested repeats, what matches everything, how they are looked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "attr.h"
#include "lint.h"

static void
nested_repeats_are_seen(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		bool nested;
	} rows[] = {
		{"(a+)+$", true},
		{"(a*)*", true},
		{"(?:a+b)*", true},
		{"((a|b+)c){2,}", true},
		{"((a+))+", true},
		{"^(([a-z])+.)+[A-Z]([a-z])+$", true},
		{"(.*|.*)*", true},
		{"(?:x(?:y+)z)+", true},
		{"(a+)?", false},
		{"(a?)+", false},
		{"(a{2})+", false},
		{"(a+){2,5}", false},
		{"(a++)+", false},
		{"(?>a+)+", false},
		{"(a+)++", false},
		{"\\(a+\\)+", false},
		{"[(a+)+]+", false},
		{"(\\+)+", false},
		{"a+b+c+", false},
		{"\\bcat(s|urday)?\\b", false},
		{"", false},
		{"(", false},
		{"[", false},
		{"\\", false},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (lint_nested_repeat(str_from(rows[i].pattern)) != rows[i].nested)
			fail_msg("%s", rows[i].pattern);
	}
}

/* A clock that moves on by itself: no rounds more than needed. */
static int64_t
now_ns(void *data)
{
	int64_t *now = data;

	return *now += 1000000;
}

struct found {
	struct lint_item items[8];
	char literals[8][32];
	unsigned count;
};

static void
on_item(void *data, const struct lint_item *item)
{
	struct found *found = data;

	if (item->literal)
		snprintf(found->literals[found->count], sizeof(found->literals[0]), "%s",
			item->literal);
	found->items[found->count++] = *item;
}

static struct found
lint(const char *table)
{
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	struct rule_error error;
	int64_t now = 0;
	struct lint_clock clock = {now_ns, &now};
	struct found found = {.count = 0};

	assert_int_equal(json_parse(parser, str_from(table), &doc, NULL), ERR_OK);
	struct rule *rule = rule_compile(json_root(doc), NULL, &error);
	if (!rule)
		fail_msg("%s: %s", table, error.message);
	assert_true(rule_has_texts(rule) == (strstr(table, "\"language\"") == NULL));
	lint_rule(rule, &clock, on_item, &found);
	rule_destroy(rule);
	json_doc_destroy(doc);
	json_parser_destroy(parser);
	return found;
}

static void
engines_and_literals_are_told(void **state)
{
	(void)state;
	struct found found = lint(
		"{\"text\":[\"free\\\\s+money\",\"\\\\w+@\"],\"words\":[\"one\",\"two\"],\"tags\":\"cats\"}");

	assert_int_equal(found.count, 4);
	assert_int_equal(found.items[0].engine, LINT_CONFIRMED);
	assert_string_equal(found.literals[0], "money");
	assert_int_equal(found.items[1].engine, LINT_PCRE2);
	assert_int_equal(found.items[2].engine, LINT_SET);
	assert_int_equal(found.items[2].word_count, 2);
	assert_int_equal(found.items[3].engine, LINT_SET);
	assert_int_equal(found.items[0].found, 0);
	assert_true(found.items[0].posts >= 200);
	assert_true(found.items[0].ns > 0);
	assert_int_equal(lint("{\"language\":\"de\"}").count, 0);
	assert_int_equal(lint("{\"none\":[{\"any\":[{\"bio\":\"nobot\"}]}]}").count, 1);
}

static void
odd_patterns_are_named(void **state)
{
	(void)state;
	struct found found = lint(
		"{\"text\":[\"a*\",\"[[:alpha:]]\",\"(a|aa)+$\",\"(k+k+)+$\",\"caturday\",\"^$\"]}");

	assert_true(found.items[0].matches_empty && lint_is_common(&found.items[0]));
	assert_true(!found.items[1].matches_empty && lint_is_common(&found.items[1]));
	assert_true(found.items[2].gives_up && !found.items[2].nested);
	assert_true(found.items[3].gives_up && found.items[3].nested);
	assert_false(found.items[4].matches_empty || lint_is_common(&found.items[4]));
	assert_false(found.items[4].gives_up || found.items[4].nested);
	assert_int_equal(found.items[4].found, 1); /* as a hashtag */
	assert_true(found.items[5].matches_empty && !lint_is_common(&found.items[5]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_repeats_are_seen),
		cmocka_unit_test(engines_and_literals_are_told),
		cmocka_unit_test(odd_patterns_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
