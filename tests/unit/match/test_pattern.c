/* SPDX-License-Identifier: MIT */
/* Patterns: defaults, what is refused, spans, limits with and without JIT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attr.h"
#include "limits.h"
#include "pattern.h"
#include "xmalloc.h"

static struct pattern *
compile(const char *text, int flags)
{
	struct pattern_error error;
	struct pattern *pattern = pattern_compile(str_from(text), flags, &error);

	if (!pattern)
		fail_msg("%s: %s at %zu", text, error.message, error.offset);
	return pattern;
}

static enum pattern_result
match_from(const char *text, int flags, struct str subject, size_t start, struct span *span)
{
	struct pattern *pattern = compile(text, flags);
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct pattern_subject s = {.text = subject, .start = start};
	enum pattern_result result = pattern_match(pattern, scratch, &s, span, span ? 1 : 0);

	pattern_scratch_destroy(scratch);
	pattern_destroy(pattern);
	return result;
}

static enum pattern_result
match(const char *text, int flags, const char *subject)
{
	return match_from(text, flags, str_from(subject), 0, NULL);
}

static void
defaults_and_flags_mean_what_they_say(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		int flags;
		const char *subject;
		enum pattern_result expected;
	} rows[] = {
		{"CAT", 0, "a cat", PATTERN_YES},
		{"CAT", PATTERN_CASE, "a cat", PATTERN_NO},
		{"ÄRGER", 0, "kein ärger", PATTERN_YES},
		{"\\bcats?\\b", 0, "concatenate", PATTERN_NO},
		{"^\\w+$", 0, "привет", PATTERN_YES},
		{"\\bписьмо\\b", 0, "это письмо.", PATTERN_YES},
		{"^two$", 0, "one\ntwo\nthree", PATTERN_YES},
		{"^two$", PATTERN_ONE_LINE, "one\ntwo\nthree", PATTERN_NO},
		{"^two$", PATTERN_ONE_LINE, "two\n", PATTERN_NO},
		{"^two$", PATTERN_ONE_LINE, "two", PATTERN_YES},
		{"a.b", 0, "a\nb", PATTERN_NO},
		{"a.b", PATTERN_DOTALL, "a\nb", PATTERN_YES},
		{"a b # why", PATTERN_EXTENDED, "ab", PATTERN_YES},
		{"a.b", PATTERN_LITERAL, "axb", PATTERN_NO},
		{"A.B", PATTERN_LITERAL, "xa.b", PATTERN_YES},
		{"A.B", PATTERN_LITERAL | PATTERN_CASE, "xa.b", PATTERN_NO},
		{"(*UTF)", PATTERN_LITERAL, "say (*utf)", PATTERN_YES},
		{"b", PATTERN_ANCHORED, "ab", PATTERN_NO},
		{"b", PATTERN_ANCHORED, "ba", PATTERN_YES},
		{"(*FAIL)|b", 0, "ab", PATTERN_YES},
		{"(*pla:b)b", 0, "ab", PATTERN_YES},
		{"", 0, "", PATTERN_YES},
		{".", 0, "", PATTERN_NO},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (match(rows[i].pattern, rows[i].flags, rows[i].subject) != rows[i].expected)
			fail_msg("row %zu: %s on %s", i, rows[i].pattern, rows[i].subject);
		int flags = rows[i].flags | PATTERN_NO_JIT;
		if (match(rows[i].pattern, flags, rows[i].subject) != rows[i].expected)
			fail_msg("row %zu without JIT", i);
	}
}

static void
refuses_option_settings_at_the_start(void **state)
{
	(void)state;
	static const char *const rows[] = {"(*LIMIT_MATCH=9999999)a", "(*LIMIT_HEAP=1)a",
		"(*LIMIT_DEPTH=1)a", "(*UTF)a", "(*UTF8)a", "(*UCP)a", "(*NO_JIT)a",
		"(*NO_START_OPT)a", "(*NO_AUTO_POSSESS)a", "(*NOTEMPTY)a", "(*NOTEMPTY_ATSTART)a",
		"(*CR)a", "(*LF)a", "(*CRLF)a", "(*ANY)a", "(*ANYCRLF)a", "(*NUL)a",
		"(*BSR_ANYCRLF)a", "(*BSR_UNICODE)a"};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct pattern_error error;
		if (pattern_compile(str_from(rows[i]), 0, &error))
			fail_msg("%s was taken", rows[i]);
		assert_non_null(strstr(error.message, "not allowed"));
	}
}

static void
bad_patterns_name_the_place(void **state)
{
	(void)state;
	static const struct {
		struct str pattern;
		size_t offset;
		const char *words;
	} rows[] = {
		{{"ab(c", 4}, 4, "parenthes"},
		{{"a[z-a]", 6}, 4, "range"},
		{{"a\xff", 2}, 1, "UTF-8"},
		{{"\\C", 2}, 2, "\\C"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct pattern_error error;
		assert_null(pattern_compile(rows[i].pattern, 0, &error));
		if (error.offset != rows[i].offset || !strstr(error.message, rows[i].words))
			fail_msg("row %zu: %s at %zu", i, error.message, error.offset);
	}
	assert_null(pattern_compile(STR("("), 0, NULL));
}

static void
caps_length_and_groups(void **state)
{
	(void)state;
	struct pattern_error error;
	char *text = xmalloc(PATTERN_TEXT_MAX + 2);

	memset(text, 'a', PATTERN_TEXT_MAX + 1);
	assert_null(pattern_compile((struct str){text, PATTERN_TEXT_MAX + 1}, 0, &error));
	assert_non_null(strstr(error.message, "at most"));
	for (size_t i = 0; i < 3 * (PATTERN_CAPTURES_MAX + 1); i++)
		text[i] = "(a)"[i % 3];
	assert_null(pattern_compile((struct str){text, 3 * (PATTERN_CAPTURES_MAX + 1)}, 0, &error));
	assert_non_null(strstr(error.message, "groups"));
	struct pattern *most =
		pattern_compile((struct str){text, 3 * PATTERN_CAPTURES_MAX}, 0, &error);
	assert_non_null(most);
	assert_int_equal(pattern_captures(most), PATTERN_CAPTURES_MAX);
	pattern_destroy(most);
	free(text);
}

static void
gives_spans_in_bytes_and_names(void **state)
{
	(void)state;
	struct pattern *pattern = compile("(?<year>\\d{4})|(?<word>ü\\w+)()", 0);
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct pattern_subject subject = {.text = STR("ö Übel"), .valid = true};
	struct span spans[6];

	assert_int_equal(pattern_match(pattern, scratch, &subject, spans, 6), PATTERN_YES);
	assert_int_equal(spans[0].start, 3);
	assert_int_equal(spans[0].end, 8);
	assert_true(spans[1].start > spans[1].end);
	assert_int_equal(spans[2].start, 3);
	assert_int_equal(spans[3].start, 8);
	assert_int_equal(spans[3].end, 8);
	assert_true(spans[4].start > spans[4].end && spans[5].start > spans[5].end);
	assert_int_equal(pattern_captures(pattern), 3);
	assert_int_equal(pattern_group(pattern, "word"), 2);
	assert_int_equal(pattern_group(pattern, "wor"), -1);
	assert_string_equal(pattern_group_name(pattern, 1), "year");
	assert_null(pattern_group_name(pattern, 3));
	assert_true(str_eq_text(pattern_text(pattern), "(?<year>\\d{4})|(?<word>ü\\w+)()"));
	pattern_scratch_destroy(scratch);
	pattern_destroy(pattern);
}

static void
starts_where_told_and_only_between_characters(void **state)
{
	(void)state;
	struct span span;

	assert_int_equal(match_from("a", 0, STR("abca"), 1, &span), PATTERN_YES);
	assert_int_equal(span.start, 3);
	assert_int_equal(match_from("\\ba", 0, STR("aa"), 1, NULL), PATTERN_NO);
	assert_int_equal(match_from("^", PATTERN_ONE_LINE, STR("ab"), 2, NULL), PATTERN_NO);
	assert_int_equal(match_from("a", 0, STR("ab"), 3, NULL), PATTERN_INVALID);
	assert_int_equal(match_from(".", 0, STR("ä"), 1, NULL), PATTERN_INVALID);
	assert_int_equal(match_from("a", 0, (struct str){"a\xc3", 2}, 0, NULL), PATTERN_INVALID);
	assert_int_equal(
		match_from("a", 0, (struct str){"\xed\xa0\x80", 3}, 0, NULL), PATTERN_INVALID);
	assert_int_equal(match_from("", 0, STR_NONE, 0, &span), PATTERN_YES);
	assert_int_equal(match_from("a.b", 0, (struct str){"xa\0b", 4}, 0, &span), PATTERN_YES);
	assert_int_equal(span.start, 1);
}

/* The texts that make these patterns try every way to split a run. */
static void
bombs_end_as_limited(void **state)
{
	(void)state;
	char long_run[4002];
	memset(long_run, 'a', 4000);
	memcpy(long_run + 4000, "!", 2);
	const char *forty = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
	const struct {
		const char *pattern, *subject;
	} rows[] = {
		{"(a+)+$", forty},
		{"(a|aa)+$", forty},
		{"^(([a-z])+.)+[A-Z]([a-z])+$", forty},
		{"^(.*|.*)*[xy]$", forty},
		{"(a+)+$", long_run},
		{"(?:a?){500}[xy]", long_run},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int flags = PATTERN_CASE;
		if (match(rows[i].pattern, flags, rows[i].subject) != PATTERN_LIMITED)
			fail_msg("%s was not limited", rows[i].pattern);
		flags |= PATTERN_NO_JIT;
		if (match(rows[i].pattern, flags, rows[i].subject) != PATTERN_LIMITED)
			fail_msg("%s was not limited without JIT", rows[i].pattern);
	}
	assert_int_equal(match("(.*|.*)*", 0, forty), PATTERN_YES);
}

static double
milliseconds_of(const char *pattern, int flags, const char *subject, enum pattern_result *result)
{
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	*result = match(pattern, flags, subject);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (double)(end.tv_sec - start.tv_sec) * 1e3 +
	       (double)(end.tv_nsec - start.tv_nsec) / 1e6;
}

/* Prints what each costs, compiling included; 20 ms is what nobody may notice. The bound is wide, for slow machines and
 * sanitizers. */
static void
bombs_cost_little(void **state)
{
	(void)state;
	const char *forty = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
	static const struct {
		const char *pattern;
		enum pattern_result expected;
	} rows[] = {
		{"(a+)+$", PATTERN_LIMITED},
		{"(.*|.*)*", PATTERN_YES}, /* it matches at once */
		{"^(.*|.*)*[xy]$", PATTERN_LIMITED},
		{"(a|aa)+$", PATTERN_LIMITED},
		{"^(([a-z])+.)+[A-Z]([a-z])+$", PATTERN_LIMITED},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum pattern_result with, without;
		double jit = milliseconds_of(rows[i].pattern, PATTERN_CASE, forty, &with);
		double interpreter = milliseconds_of(
			rows[i].pattern, PATTERN_CASE | PATTERN_NO_JIT, forty, &without);
		printf("%-30s %6.2f ms, interpreted %6.2f ms\n", rows[i].pattern, jit, interpreter);
		assert_int_equal(with, rows[i].expected);
		assert_int_equal(without, rows[i].expected);
		assert_true(jit < 2000 && interpreter < 2000);
	}
}

static void
scratch_is_good_after_a_limit(void **state)
{
	(void)state;
	struct pattern *bomb = compile("(a+)+$", 0), *plain = compile("(a)(b)", PATTERN_NO_JIT);
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct pattern_subject subject = {
		.text = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab!")};
	struct span spans[3];

	for (int i = 0; i < 3; i++) {
		assert_int_equal(pattern_match(bomb, scratch, &subject, spans, 3), PATTERN_LIMITED);
		assert_int_equal(pattern_match(plain, scratch, &subject, spans, 3), PATTERN_YES);
		assert_int_equal(spans[2].start, 41);
	}
	pattern_scratch_destroy(scratch);
	pattern_destroy(bomb);
	pattern_destroy(plain);
}

/* Each start costs less than the match limit, but there are as many starts as bytes. */
static void
long_texts_lower_the_limit(void **state)
{
	(void)state;
	size_t len = 100000;
	char *text = xmalloc(len);

	memset(text, ' ', len);
	text[len - 1] = 'x';
	assert_int_equal(match_from("\\s+$", 0, (struct str){text, len}, 0, NULL), PATTERN_LIMITED);
	assert_int_equal(match_from("x$", 0, (struct str){text, len}, 0, NULL), PATTERN_YES);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_flags_mean_what_they_say),
		cmocka_unit_test(refuses_option_settings_at_the_start),
		cmocka_unit_test(bad_patterns_name_the_place),
		cmocka_unit_test(caps_length_and_groups),
		cmocka_unit_test(gives_spans_in_bytes_and_names),
		cmocka_unit_test(starts_where_told_and_only_between_characters),
		cmocka_unit_test(bombs_end_as_limited),
		cmocka_unit_test(bombs_cost_little),
		cmocka_unit_test(scratch_is_good_after_a_limit),
		cmocka_unit_test(long_texts_lower_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
