/* SPDX-License-Identifier: MIT */
/* Tests of "did you mean". */
#include "suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"

static void
counts_edits_up_to_the_limit(void **state)
{
	(void)state;
	assert_int_equal(edit_distance(STR("text"), STR("text"), 2), 0);
	assert_int_equal(edit_distance(STR("txet"), STR("text"), 2), 1);
	assert_int_equal(edit_distance(STR("tex"), STR("text"), 2), 1);
	assert_int_equal(edit_distance(STR("texxt"), STR("text"), 2), 1);
	assert_int_equal(edit_distance(STR(""), STR("ab"), 2), 2);
	assert_int_equal(edit_distance(STR("kitten"), STR("sitting"), 9), 3);
	assert_int_equal(edit_distance(STR("kitten"), STR("sitting"), 2), 3);
	assert_int_equal(edit_distance(STR("kitten"), STR("zzzzzzzzzzz"), 2), 3);
}

static void
suggests_only_near_words(void **state)
{
	(void)state;
	static const char *const known[] = {"text", "tags", "mentions", "media", "account", "url"};
	static const struct {
		const char *given, *expected;
	} cases[] = {{"test", "text"}, {"tag", "tags"}, {"mension", "mentions"}, {"meida", "media"},
		{"acc", "account"}, {"ac", NULL}, {"frobnicate", NULL}, {"urk", "url"},
		{"uuu", NULL}, {"", NULL}, {"ment", "mentions"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *found = suggest(str_from(cases[i].given), known, COUNT_OF(known));
		if (cases[i].expected == NULL) {
			assert_null(found);
		} else {
			assert_non_null(found);
			assert_string_equal(found, cases[i].expected);
		}
	}
}

static void
very_long_words_are_harmless(void **state)
{
	(void)state;
	static const char *const known[] = {"text"};
	char word[1000];
	memset(word, 'a', sizeof(word));
	assert_null(suggest((struct str){word, sizeof(word)}, known, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_edits_up_to_the_limit),
		cmocka_unit_test(suggests_only_near_words),
		cmocka_unit_test(very_long_words_are_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
