/* SPDX-License-Identifier: MIT */
/* Folding whole words at once: the same as by characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "buf.h"
#include "fold.h"
#include "rng.h"

/* A text with a map is folded by characters, one without in a quicker way where that is possible. */
static void
folds_alike_with_a_map_and_without(void **state)
{
	static const char *const parts[] = {" ", " ", " ", " ", ", ", ".", "  ", "\t", "\n", "-",
		"a", "i", "viagra", "Straße", "größer", "niño", "été", "Việt", "nghiêng", "đây",
		"ổn", "İstanbul", "ışık", "æther", "Ǽ", "ﬁn", "Ｑ", "𝓿", "сегодня", "дождём", "мой",
		"с", "оса", "Ё", "Київ", "ΆΛΦΑ", "όσο", "ο", "νυ", "猫が", "ガギ", "ｶﾞ", "今朝の",
		"。", "漢", "오늘", "각", "ᄀ", "ᆨ", "هذا", "مَرحبا", "שלום", "नमस्ते", "ไทย", "12",
		"٣", "…", "’", "“", "™", "½", "€", "☕", "❤️", "👩🏽‍🚀", "🇩🇪", "🇶🇶",
		"\xcc\x81", "\xcc\xb5", "\xe2\x80\x8d", "\xc2\xad", "\xc2\xa0", "\xef\xb8\x8f",
		"\xe2\x80\x8b", "\xe2\x80\x8c", "\xcd\x8f", "\xf3\xa0\x81\xa7", "㏊",
		"vi\xc2\xad\u1ec7t", "word", "The Brown Fox, 42", "1.2.3", "a b c", "ĳ"};
	struct fold mapped = {0}, plain = {0};
	struct rng rng;
	struct buf text;
	(void)state;

	rng_seed(&rng, 5);
	buf_init(&text, 4096);
	for (int round = 0; round < 60000; round++) {
		struct source_map map = {0};
		buf_clear(&text);
		for (uint64_t left = 1 + rng_below(&rng, 16); left > 0; left--)
			buf_add_text(&text, parts[rng_below(&rng, COUNT_OF(parts))]);
		fold_text(&mapped, buf_str(&text), SIZE_MAX, &map);
		fold_text(&plain, buf_str(&text), SIZE_MAX, NULL);
		if (!str_eq(fold_str(&mapped), fold_str(&plain)) ||
			mapped.text_len != plain.text_len || mapped.mark_count != plain.mark_count)
			fail_msg("\"%s\" is \"%.*s\" with a map, \"%.*s\" without", text.ptr,
				STR_ARG(fold_str(&mapped)), STR_ARG(fold_str(&plain)));
		for (size_t i = 0; i < plain.mark_count; i++)
			assert_memory_equal(
				&mapped.marks[i], &plain.marks[i], sizeof(plain.marks[i]));
		source_map_finish(&map);
	}
	buf_finish(&text);
	fold_finish(&mapped);
	fold_finish(&plain);
}

/* One of each end of the list of rimes, and some from between. */
static void
keeps_the_marks_of_vietnamese_words(void **state)
{
	struct str words = STR("ắc quýt ứ ướt quả bưởi nguyễn ý nghiêng đây");
	struct fold fold = {0};
	(void)state;

	fold_text(&fold, words, SIZE_MAX, NULL);
	assert_true(str_eq(fold_str(&fold), words));
	fold_finish(&fold);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_alike_with_a_map_and_without),
		cmocka_unit_test(keeps_the_marks_of_vietnamese_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
