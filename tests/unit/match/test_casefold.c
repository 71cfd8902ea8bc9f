/* SPDX-License-Identifier: MIT */
/* Folding for literals: at least as coarse as PCRE2 without case, over all of Unicode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "casefold.h"
#include "letters.h"
#include "pattern.h"
#include "xmalloc.h"

#define LAST_CODE 0x10ffff

static bool
is_character(uint32_t c)
{
	return c < 0xd800 || (c > 0xdfff && c <= LAST_CODE);
}

/* A long text against the way that it goes character by character. */
static void
folds_a_text_as_its_characters(void **state)
{
	(void)state;
	char text[64], out[64], expected[64];
	uint32_t seed = 7;

	for (int round = 0; round < 20000; round++) {
		size_t len = 0, expected_len = 0;
		while (len < 56) {
			seed = seed * 1664525 + 1013904223;
			uint32_t c = (seed >> 8) % ((seed >> 28) < 9           ? 0x80
							   : (seed >> 28) < 13 ? 0x800
									       : LAST_CODE);
			if (!is_character(c))
				continue;
			len += casefold_put(c, text + len);
			expected_len += casefold_put(casefold_char(c), expected + expected_len);
		}
		size_t out_len = casefold_text((struct str){text, len}, out);
		assert_int_equal(out_len, expected_len);
		assert_memory_equal(out, expected, expected_len);
		assert_int_equal(casefold_text((struct str){out, out_len}, expected), out_len);
		assert_memory_equal(out, expected, out_len);
	}
	assert_int_equal(casefold_text(STR("@AZ[`az{ \x7f"), out), 10);
	assert_memory_equal(out, "@az[`az{ \x7f", 10);
}

static void
is_idempotent_never_longer_and_knows_the_odd_ones(void **state)
{
	(void)state;
	char a[4], b[4];

	for (uint32_t c = 0; c <= LAST_CODE; c++) {
		uint32_t folded = casefold_char(c);
		if (casefold_char(folded) != folded || casefold_put(folded, a) > casefold_put(c, b))
			fail_msg("U+%04x folds to U+%04x", c, folded);
	}
	assert_int_equal(casefold_char(0x212a), 'k');
	assert_int_equal(casefold_char(0x17f), 's');
	assert_int_equal(casefold_char(0x1e9e), casefold_char(0xdf));
	assert_int_equal(casefold_char(0x3c2), casefold_char(0x3a3));
}

/* All that PCRE2 takes for equal to `c` among `all`, but for itself, folds to the same. Returns how many there are. */
static size_t
compare_partners(struct pattern_scratch *scratch, uint32_t c, struct str all)
{
	char text[48];
	size_t pairs = 0, read;
	struct span span;
	struct pattern_subject subject = {.text = all, .valid = true};

	snprintf(text, sizeof(text), "(?!\\x{%x})(?i:\\x{%x})", c, c);
	struct pattern *same = pattern_compile(str_from(text), PATTERN_CASE, NULL);
	while (pattern_match(same, scratch, &subject, &span, 1) == PATTERN_YES) {
		uint32_t other = letter_read(all.ptr + span.start, all.ptr + all.len, &read);
		if (casefold_char(other) != casefold_char(c))
			fail_msg("U+%04x is U+%04x", c, other);
		subject.start = span.end;
		pairs++;
	}
	pattern_destroy(same);
	return pairs;
}

/* Letters that are neither capital nor small (Lo) have no case by their definition; all else that is assigned is
 * compared with all else. */
static void
is_as_coarse_as_pcre2(void **state)
{
	(void)state;
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct pattern *may_have_case =
		pattern_compile(STR("[^\\p{Cn}\\p{Co}\\p{Cs}\\p{Lo}]"), PATTERN_CASE, NULL);
	uint32_t *codes = xreallocarray(NULL, LAST_CODE, sizeof(*codes));
	char *all = xmalloc(4 * (size_t)LAST_CODE);
	size_t size = 0, count = 0, pairs = 0;

	for (uint32_t c = 1; c <= LAST_CODE; c++) {
		struct pattern_subject alone = {.text = {all + size, 0}, .valid = true};
		if (!is_character(c))
			continue;
		alone.text.len = casefold_put(c, all + size);
		if (pattern_match(may_have_case, scratch, &alone, NULL, 0) != PATTERN_YES)
			continue;
		size += alone.text.len;
		codes[count++] = c;
	}
	for (size_t i = 0; i < count; i++)
		pairs += compare_partners(scratch, codes[i], (struct str){all, size});
	assert_true(count > 10000);
	assert_true(pairs > 2700);
	pattern_destroy(may_have_case);
	pattern_scratch_destroy(scratch);
	free(codes);
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_a_text_as_its_characters),
		cmocka_unit_test(is_idempotent_never_longer_and_knows_the_odd_ones),
		cmocka_unit_test(is_as_coarse_as_pcre2),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
