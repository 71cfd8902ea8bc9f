/* SPDX-License-Identifier: MIT */
/* What the doctor makes of a public timeline with and without the token, and of what the owner blocks. */
#include "checkup_hidden.h"

#include "judging.h"

#define POST(id, acct, language)                                                                   \
	"{\"id\":\"" id "\",\"language\":" language ",\"account\":{\"acct\":\"" acct "\"}}"
#define DE "\"de\""
#define EN "\"en\""

struct case_of {
	struct judging judging;
	struct checkup_hidden *hidden;
};

static void
start(struct case_of *t)
{
	judging_start(&t->judging);
	t->hidden = checkup_hidden_create();
}

static void
judge(struct case_of *t, const char *all, const char *own)
{
	checkup_hidden_all(t->hidden, judging_json(&t->judging, all));
	checkup_hidden_own(t->hidden, judging_json(&t->judging, own));
	checkup_hidden_judge(t->hidden, &t->judging.findings);
	assert_true(judging_advises(&t->judging));
}

static void
finish(struct case_of *t)
{
	checkup_hidden_destroy(t->hidden);
	judging_finish(&t->judging);
}

static void
an_account_that_hides_nothing_is_well(void **state)
{
	(void)state;
	struct case_of t;
	start(&t);
	judge(&t, "[" POST("12", "a", DE) "," POST("11", "b@x.example", EN) "]",
		"[" POST("13", "c", EN) "," POST("12", "a", DE) "," POST(
			"11", "b@x.example", EN) "]");
	assert_int_equal(judging_worst(&t.judging), FINDING_OK);
	assert_true(judging_says(&t.judging, FINDING_OK, "2 public posts"));
	assert_true(judging_says(&t.judging, FINDING_OK, "nobody"));
	finish(&t);
}

static void
chosen_languages_show_in_what_is_missing(void **state)
{
	(void)state;
	struct case_of t;
	start(&t);
	judge(&t,
		"[" POST("14", "a", EN) "," POST("13", "b", DE) "," POST(
			"12", "c", "null") "," POST("11", "d", DE) "]",
		"[" POST("13", "b", DE) "," POST("11", "d", DE) "]");
	assert_true(judging_says(&t.judging, FINDING_WARNING, "2 of 4 public posts"));
	assert_true(judging_says(&t.judging, FINDING_WARNING, "en"));
	assert_true(judging_says(&t.judging, FINDING_WARNING, "(no language)"));
	finish(&t);
}

static void
what_is_older_than_the_owners_pages_reach_is_not_missing(void **state)
{
	(void)state;
	struct case_of t;
	start(&t);
	judge(&t, "[" POST("102", "a", DE) "," POST("101", "b", EN) "," POST("99", "c", EN) "]",
		"[" POST("102", "a", DE) "," POST("101", "b", EN) "]");
	assert_int_equal(judging_worst(&t.judging), FINDING_OK);
	finish(&t);
}

static void
blocked_and_muted_authors_and_domains_are_counted_and_named(void **state)
{
	(void)state;
	struct case_of t;
	start(&t);
	checkup_hidden_add(t.hidden, HIDDEN_BLOCK,
		judging_json(&t.judging, "[{\"acct\":\"troll\"},{\"acct\":\"quiet@q.example\"}]"));
	checkup_hidden_add(t.hidden, HIDDEN_DOMAIN,
		judging_json(&t.judging, "[\"spam.example\",\"spam.example\"]"));
	judge(&t,
		"[" POST("14", "troll", DE) "," POST("13", "x@spam.example", DE) "," POST(
			"12", "c", DE) "]",
		"[" POST("12", "c", DE) "]");
	assert_true(judging_says(&t.judging, FINDING_WARNING,
		"2 blocked accounts, 1 blocked domain (spam.example)"));
	assert_true(judging_says(&t.judging, FINDING_WARNING, "2 of 3 just now, of"));
	assert_true(judging_says(&t.judging, FINDING_WARNING, "troll"));
	assert_true(judging_says(&t.judging, FINDING_OK, "all languages"));
	finish(&t);
}

static void
what_nothing_explains_is_said_when_it_is_much(void **state)
{
	(void)state;
	struct case_of t;
	start(&t);
	judge(&t, "[" POST("13", "a", DE) "," POST("12", "c", DE) "]", "[" POST("12", "c", DE) "]");
	assert_true(judging_says(&t.judging, FINDING_WARNING, "1 of 2 public posts"));
	assert_true(judging_says(&t.judging, FINDING_WARNING, "authors who block"));
	finish(&t);
}

static void
lists_that_cannot_be_read_name_the_scope(void **state)
{
	(void)state;
	struct case_of t;
	start(&t);
	checkup_hidden_unread(t.hidden, HIDDEN_MUTE);
	checkup_hidden_judge(t.hidden, &t.judging.findings);
	assert_true(judging_says(&t.judging, FINDING_SKIPPED, "read:mutes"));
	assert_int_equal(findings_count(&t.judging.findings, FINDING_OK), 0);
	finish(&t);
}

static void
without_an_open_timeline_one_language_alone_is_suspicious(void **state)
{
	(void)state;
	for (unsigned languages = 1; languages <= 2; languages++) {
		struct case_of t;
		struct buf page;
		start(&t);
		buf_init(&page, 100000);
		for (unsigned i = 0; i < 25; i++)
			buf_printf(&page,
				"%c{\"id\":\"%u\",\"language\":\"%s\",\"account\":{\"acct\":\"a\"}}",
				i ? ',' : '[', 100 + i, i % languages ? "en" : "de");
		buf_add_char(&page, ']');
		checkup_hidden_own(t.hidden, judging_json(&t.judging, page.ptr));
		checkup_hidden_judge(t.hidden, &t.judging.findings);
		if (languages == 1)
			assert_true(
				judging_says(&t.judging, FINDING_WARNING, "all 25 public posts"));
		else
			assert_true(judging_says(&t.judging, FINDING_SKIPPED, "de, en"));
		assert_true(judging_advises(&t.judging));
		buf_finish(&page);
		finish(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_that_hides_nothing_is_well),
		cmocka_unit_test(chosen_languages_show_in_what_is_missing),
		cmocka_unit_test(what_is_older_than_the_owners_pages_reach_is_not_missing),
		cmocka_unit_test(blocked_and_muted_authors_and_domains_are_counted_and_named),
		cmocka_unit_test(what_nothing_explains_is_said_when_it_is_much),
		cmocka_unit_test(lists_that_cannot_be_read_name_the_scope),
		cmocka_unit_test(without_an_open_timeline_one_language_alone_is_suspicious),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
