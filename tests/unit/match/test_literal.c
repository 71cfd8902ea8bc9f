/* SPDX-License-Identifier: MIT */
/* Required literals: what is found in patterns, and that it never is more than PCRE2 asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "casefold.h"
#include "limits.h"
#include "literal.h"
#include "pattern.h"
#include "rng.h"
#include "xmalloc.h"

/* The literals with '|' between them; "-" when nothing is known. */
static void
literals_text(const char *pattern, int flags, char *out, size_t size)
{
	struct literals set;
	size_t len = 0;

	(void)snprintf(out, size, "-");
	if (!literals_of_pattern(str_from(pattern), flags, &set))
		return;
	for (size_t i = 0; i < set.count && len < size; i++)
		len += (size_t)snprintf(
			out + len, size - len, "%s%.*s", i ? "|" : "", STR_ARG(set.list[i]));
	literals_finish(&set);
}

static void
finds_what_must_be_there(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *expected;
	} rows[] = {
		{"viagra", "viagra"},
		{"VIAGRA", "viagra"},
		{"\\bcat(s|urday)?\\b", "cats|caturday|cat"},
		{"\\b(?:foo|bar)\\b", "foo|bar"},
		{"free\\s+money", "money"},
		{"colou?r", "colour|color"},
		{"a.*bcd", "bcd"},
		{"https?://(www\\.)?x\\.example/",
			"https://www.x.example/|https://x.example/|http://www.x.example/|http://x.example/"},
		{"[Kk]elvin", "kelvin"},
		{"[ab]c", "ac|bc"},
		{"[a-z]cd", "cd"},
		{"[^a]cd", "cd"},
		{"[]x]yz", "]yz|xyz"},
		{"\\x41\\x{e9}b", "aéb"},
		{"\\Qa.b\\E+c", "a.b"},
		{"x\\Q+\\E?yz", "x+yz|xyz"},
		{"(?=.*foo)(?=.*barbaz)", "barbaz"},
		{"(?!nope)yes", "yes"},
		{"(?i)ab(?-i)cd", "abcd"},
		{"(?<name>abc)\\1", "abc"},
		{"(?>ab|cd)ef", "abef|cdef"},
		{"abc{2}d", "abc"},
		{"x(?:ab)+cd", "abcd"},
		{"(abc){2,}", "abc"},
		{"(abc){0,2}de", "de"},
		{"猫", "猫"},
		{"Straße", "straße"},
		{"[\xe2\x84\xaa]ey", "key"},
		{"^(buy|sell) now$", "buy now|sell now"},
		{"\\.zip(/|$)", ".zip/|.zip"},
		/* nothing that must be there, or nothing that helps */
		{"", "-"},
		{"a", "-"},
		{"a|bcd", "-"},
		{"(foo)?", "-"},
		{"foo|", "-"},
		{"\\w+", "-"},
		{"(a+)+$", "-"},
		{".*", "-"},
		/* not understood */
		{"foo(?#x)?bar", "-"},
		{"foo(*ACCEPT)bar", "-"},
		{"(?R)?foo", "-"},
		{"(?x) f o o", "-"},
		{"(?(1)a|b)foo", "-"},
		{"foo(?1)(b)", "-"},
		{"[[:alpha:]]foo", "-"},
		{"foo\\12", "-"},
		{"foo{,3}bar", "-"},
		{"\\cAfoo", "-"},
	};
	char found[4096];
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		literals_text(rows[i].pattern, 0, found, sizeof(found));
		if (strcmp(found, rows[i].expected) != 0)
			fail_msg("%s: found %s, expected %s", rows[i].pattern, found,
				rows[i].expected);
	}
	literals_text("A.B|c", PATTERN_LITERAL, found, sizeof(found));
	assert_string_equal(found, "a.b|c");
	literals_text("a b c", PATTERN_EXTENDED, found, sizeof(found));
	assert_string_equal(found, "-");
	literals_text("GROß", PATTERN_CASE, found, sizeof(found));
	assert_string_equal(found, "groß");
}

static void
takes_long_lists_of_alternatives(void **state)
{
	(void)state;
	struct buf pattern;
	struct literals set;

	buf_init(&pattern, PATTERN_TEXT_MAX);
	buf_add_text(&pattern, "\\b(?:w0");
	for (int i = 1; i < 500; i++)
		buf_printf(&pattern, "|word%d", i);
	buf_add_text(&pattern, ")\\b");
	assert_true(literals_of_pattern(buf_str(&pattern), 0, &set));
	assert_int_equal(set.count, 500);
	literals_finish(&set);
	buf_finish(&pattern);
}

/* Pieces that patterns are put together from, more of them than the analyser understands. */
static const char *const pieces[] = {"a", "b", "ab", "K", "s", "ſ", "ß", "İ", "ı", "é", "и", "Σ",
	"ς", "猫", "🍆", ".", "\\w", "\\d", "\\s", "\\b", "\\B", "^", "$", "\\.", "\\$", "\\x41",
	"\\x{212a}", "[ab]", "[^a]", "[a-f]", "[Kß]", "[]a]", "[a\\]b]", "[\\w-]", "[[:digit:]]",
	"\\Qa.b\\E", "\\Qk", "\\E", "(", "(?:", "(?>", "(?i)", "(?-i)", "(?=", "(?!",
	"(?<=", "(?<!", "(?|", "(?<n>", "(?s:", "(?#c)", "(?x)", ")", ")", ")", ")", "|", "|", "?",
	"*", "+", "??", "*+", "{2}", "{0,2}", "{1,}", "{", "\\1", "(?1)", "(*ACCEPT)", "(*SKIP)",
	"\\K", "\\R", "\\X", "\\pL", "\\p{Lu}", "\\N", "\\t", "\\n", " ", "-", "#"};

static size_t
random_pattern(struct rng *rng, char *out, size_t size)
{
	size_t len = 0, count = 1 + rng_below(rng, 9);

	for (size_t i = 0; i < count; i++) {
		const char *piece = pieces[rng_below(rng, COUNT_OF(pieces))];
		if (len + strlen(piece) < size)
			len += (size_t)snprintf(out + len, size - len, "%s", piece);
	}
	return len;
}

static size_t
random_text(struct rng *rng, char *out, size_t size)
{
	static const char *const parts[] = {"a", "b", "A", "B", "ab", "k", "K", "\xe2\x84\xaa", "s",
		"S", "ſ", "ß", "ẞ", "i", "İ", "ı", "é", "É", "и", "И", "σ", "Σ", "ς", "猫", "🍆",
		".", "$", "1", "7", " ", "\n", "]", "-", "a.b", "\t", "#", "n"};
	size_t len = 0, count = rng_below(rng, 14);

	for (size_t i = 0; i < count; i++) {
		const char *part = parts[rng_below(rng, COUNT_OF(parts))];
		if (len + strlen(part) < size)
			len += (size_t)snprintf(out + len, size - len, "%s", part);
	}
	out[len] = '\0';
	return len;
}

static bool
holds_one_of(const struct literals *set, struct str text)
{
	char *folded = xmalloc(text.len + 1);
	size_t len = casefold_text(text, folded);
	bool found = false;

	for (size_t i = 0; i < set->count && !found; i++)
		found = memmem(folded, len, set->list[i].ptr, set->list[i].len) != NULL;
	free(folded);
	return found;
}

/* Patterns at random on texts at random: whatever PCRE2 matches holds a literal. */
static void
never_asks_for_more_than_pcre2(void **state)
{
	(void)state;
	const char *slow = getenv("MOONTUSK_TEST_SLOW");
	long rounds = slow ? 400000 : 60000;
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct rng rng;
	char text[256], subject[256];
	unsigned with = 0, matched = 0;

	rng_seed(&rng, 20261121);
	for (long round = 0; round < rounds; round++) {
		struct literals set;
		struct str given = {text, random_pattern(&rng, text, sizeof(text))};
		int flags = rng_below(&rng, 4) == 0 ? PATTERN_CASE : 0;
		if (rng_below(&rng, 50) == 0)
			flags |= PATTERN_LITERAL;
		/* before compiling: what PCRE2 refuses must not break it either */
		if (!literals_of_pattern(given, flags, &set))
			continue;
		struct pattern *pattern = pattern_compile(given, flags | PATTERN_NO_JIT, NULL);
		for (int i = 0; pattern && i < 12; i++) {
			struct pattern_subject s = {.valid = true};
			s.text = (struct str){subject, random_text(&rng, subject, sizeof(subject))};
			if (pattern_match(pattern, scratch, &s, NULL, 0) != PATTERN_YES)
				continue;
			matched++;
			if (!holds_one_of(&set, s.text))
				fail_msg("round %ld: %s matches %s without a literal such as %s",
					round, text, subject, set.list[0].ptr);
		}
		with += pattern != NULL;
		pattern_destroy(pattern);
		literals_finish(&set);
	}
	assert_true(with > (unsigned)rounds / 50);
	assert_true(matched > with / 4);
	pattern_scratch_destroy(scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_must_be_there),
		cmocka_unit_test(takes_long_lists_of_alternatives),
		cmocka_unit_test(never_asks_for_more_than_pcre2),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
