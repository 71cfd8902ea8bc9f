/* SPDX-License-Identifier: MIT */
/* Folding: one form for all the ways to write a word, and what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "fold.h"
#include "xmalloc.h"

struct row {
	const char *text, *folded;
};

/* What the text became, without other ways to read it. */
static struct str
folded(struct fold *fold, struct str text)
{
	fold_text(fold, text, SIZE_MAX, NULL);
	return (struct str){fold->ptr, fold->text_len};
}

static void
expect(const struct row *rows, size_t count)
{
	struct fold fold = {0}, again = {0};

	for (size_t i = 0; i < count; i++) {
		struct str once = folded(&fold, str_from(rows[i].text));
		if (!str_eq_text(once, rows[i].folded))
			fail_msg("\"%s\" is \"%.*s\", expected \"%s\"", rows[i].text, STR_ARG(once),
				rows[i].folded);
		struct str twice = folded(&again, once);
		if (!str_eq(once, twice))
			fail_msg("\"%s\" folds twice to \"%.*s\"", rows[i].text, STR_ARG(twice));
	}
	fold_finish(&fold);
	fold_finish(&again);
}

static void
undoes_case_width_and_style(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"VIAGRA", "viagra"},
		{"Eight or More BYTES of ascii, 42", "eight or more bytes of ascii, 42"},
		{"ｖｉａｇｒａ", "viagra"},
		{"𝓿𝓲𝓪𝓰𝓻𝓪", "viagra"},
		{"ⓥⓘⓐⓖⓡⓐ", "viagra"},
		{"⒱⒤⒜⒢⒭⒜", "viagra"},
		{"🅥🅘🅐🅖🅡🅐", "viagra"},
		{"🆅🅸🅰🅶🆁🅰", "viagra"},
		{"🄥🄘🄐🄖🄡🄐", "viagra"},
		{"🅅🄸🄰🄶🅁🄰", "viagra"},
		{"ᴠɪᴀɢʀᴀ", "viagra"},
		{"ᵛⁱᵃᵍʳᵃ", "viagra"},
		{"🇻🇮🇦🇬🇷🇦", "viagra"},
		{"Straße ﬁn №", "strasse fin no"},
		{"ΣΊΣΥΦΟΣ", "σισυφοσ"},
		{"don’t", "don't"},
		{"one  two\tsix\u00a0\u2003ten", "one two six ten"},
	};
	(void)state;
	expect(rows, COUNT_OF(rows));
}

static void
removes_what_cannot_be_seen_and_marks(void **state)
{
	static const struct row rows[] = {
		{"v\u200biagra", "viagra"},
		{"vi\u00adagra", "viagra"},
		{"v\u200di\u200ca\u2060gra\ufe0f", "viagra"},
		{"v\U000e0069iagra", "viagra"},
		{"vïágrà", "viagra"},
		{"v\u0336i\u0336a\u0336g\u0336r\u0336a\u0336", "viagra"},
		{"pørn łód", "porn lod"},
		{"Crème Brûlée", "creme brulee"},
		{"ΚΑΛΗΜΈΡΑ", "καλημερα"},
		{"Ёлка", "елка"},
	};
	(void)state;
	expect(rows, COUNT_OF(rows));
}

static void
undoes_doubles_in_words_that_mix_scripts(void **state)
{
	static const struct row rows[] = {
		{"vіagra", "viagra"},
		{"VІAGRA", "viagra"},
		{"ρɑурal", "paypal"},
		{"ВONUS", "bonus"},
		{"Нouse", "house"},
		{"вор Вор ВОР", "вор вор вор"},
		{"привет НАТО май", "привет нато май"},
		{"хорошо cool", "хорошо cool"},
		{"сор", "cop"}, /* consists of doubles alone */
		{"с а", "с а"}, /* one letter is no word of doubles */
		{"modern 1 l", "modern 1 l"},
		{"10ый", "10ый"},
	};
	(void)state;
	expect(rows, COUNT_OF(rows));
}

static void
joins_letters_that_stand_apart(void **state)
{
	static const struct row rows[] = {
		{"v i a g r a", "viagra"},
		{"v.i.a.g.r.a", "viagra"},
		{"V-I-A-G-R-A!", "viagra!"},
		{"v*i*a*g*r*a", "viagra"},
		{"v_i_a_g_r_a", "viagra"},
		{"v - i - a - g - r - a", "viagra"},
		{"v.i-a*g.r.a", "viagra"},
		{"v і а g r á", "viagra"},
		{"🇻 🇮 🇦 🇬 🇷 🇦", "viagra"},
		{"v👏i👏a👏g👏r👏a", "viagra"},
		{"п р и в е т", "привет"},
		{"buy cheap v i a g r a here", "buy cheap viagra here"},
		{"the U.S.A. is", "the usa. is"},
		{"see p.m. and e.g. i. e.", "see p.m. and e.g. i. e."},
		{"a\nb\nc", "a\nb\nc"},
		{"J. R. R. Tolkien", "j. r. r. tolkien"},
		{"192.168.1.50", "192.168.1.50"},
		{"1 2 3 4", "1 2 3 4"},
		{"x, y, z", "x, y, z"},
	};
	(void)state;
	expect(rows, COUNT_OF(rows));
}

/* The first or the last of them may be a word of its own. */
static void
reads_letters_that_stand_apart_in_each_way(void **state)
{
	static const struct row rows[] = {
		{"buy a v i a g r a", "buy aviagra\nviagra\naviagr\nviagr"},
		{"c l a s s", "class"},
		{"a.v.i.a.g.r.a", "aviagra"},
		{"x i á n o", "xiano\nxian"},
	};
	struct fold fold = {0};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fold_text(&fold, str_from(rows[i].text), SIZE_MAX, NULL);
		if (!str_eq_text(fold_str(&fold), rows[i].folded))
			fail_msg("%s: %.*s", rows[i].text, STR_ARG(fold_str(&fold)));
	}
	assert_int_equal(fold.mark_count, 2);
	fold_finish(&fold);
}

static void
leaves_other_spellings_alone(void **state)
{
	static const struct row rows[] = {
		{"sık", "sık"},
		{"İstanbul", "istanbul"},
		{"Tiếng Việt mẹ má Đà Nẵng", "tiếng việt mẹ má đà nẵng"},
		{"Tie\u0302\u0301ng Vie\u0323\u0302t", "tiếng việt"},
		{"ngh\u00ec", "nghì"},
		{"اَلسَّلَامُ עֲבֹדָה", "اَلسَّلَامُ עֲבֹדָה"},
		{"한국어", "한국어"},
		{"\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165", "한국어"},
		{"👨\u200d👩\u200d👧 👩🏽\u200d💻",
			"👨\u200d👩\u200d👧 👩🏽\u200d💻"},
		{"❤\ufe0f\u200d🔥", "❤\u200d🔥"},
		{"🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
			"🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"},
		{"🇩🇪🇫🇷 🇺🇸", "🇩🇪🇫🇷 🇺🇸"},
		{"می\u200cخواهم", "می\u200cخواهم"},
		{"क्षत्रिय क्\u200dष", "क्षत्रिय क्\u200dष"},
		{"がぎ か\u3099", "がぎ が"},
		{"user4 2fast 1 l0", "user4 2fast 1 l0"},
		{"115600000000001007", "115600000000001007"},
	};
	(void)state;
	expect(rows, COUNT_OF(rows));
}

/* What folding makes of a text, byte for byte, stands where the map says. */
static void
tells_where_each_byte_came_from(void **state)
{
	static const struct {
		const char *text, *part, *original;
	} rows[] = {
		{"Buy v i a g r a now", "viagra", "v i a g r a"},
		{"Buy v i a g r a now", "now", "now"},
		{"x vi\u00adagra y", "viagra", "vi\u00adagra"},
		{"x vïágrà y", "agr", "ágr"},
		{"one  Straße two", "strasse", "Straße"},
		{"one  Straße two", " strasse t", "  Straße t"},
		{"☕ ﬁne", "fi", "ﬁ"},
		{"☕ ﬁne", "i", "ﬁ"},
	};
	struct fold fold = {0};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct source_map map = {0};
		struct source_piece piece;
		fold_text(&fold, str_from(rows[i].text), SIZE_MAX, &map);
		const char *found = memmem(fold.ptr, fold.len, rows[i].part, strlen(rows[i].part));
		assert_non_null(found);
		size_t start = (size_t)(found - fold.ptr);
		struct span span = {start, start + strlen(rows[i].part)};
		assert_int_equal(source_map_find(&map, span, &piece, 1), 1);
		struct str original = {
			rows[i].text + piece.span.start, piece.span.end - piece.span.start};
		if (!str_eq_text(original, rows[i].original))
			fail_msg("%s: \"%.*s\"", rows[i].text, STR_ARG(original));
		source_map_finish(&map);
	}
	fold_finish(&fold);
}

static void
finds_the_boundaries_of_words(void **state)
{
	static const struct row rows[] = {
		/* boundaries as bars */
		{"one, two", "|one|,| |two|"},
		{"can't cat's l'amour", "|can't| |cat|'|s| |l|'|amour|"},
		{"3,14 12:30 1.2.3.4", "|3,14| |12|:|30| |1.2.3.4|"},
		{"foo_bar asp.net", "|foo_bar| |asp|.|net|"},
		{"col·laborar", "|col·laborar|"},
		{"日本語", "|日|本|語|"},
		{"カタカナひら", "|カタカナ|ひ|ら|"},
		{"한국어는", "|한국어는|"},
		{"👨\u200d👩 🇩🇪🇫🇷", "|👨\u200d👩| |🇩🇪|🇫🇷|"},
		{"הצה\"ל", "|הצה\"ל|"},
		{"", "|"},
	};
	struct fold fold = {0};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char bars[200] = "|";
		size_t len = 1;
		fold_text(&fold, str_from(rows[i].text), SIZE_MAX, NULL);
		for (size_t at = 0; at < fold.len;) {
			size_t end = fold_next_boundary(&fold, at);
			assert_true(fold_is_boundary(&fold, end));
			memcpy(bars + len, fold.ptr + at, end - at);
			len += end - at;
			bars[len++] = '|';
			at = end;
		}
		bars[len] = '\0';
		assert_string_equal(bars, rows[i].folded);
	}
	fold_finish(&fold);
}

static void
reads_digits_and_signs_as_letters_in_leet_words(void **state)
{
	static const struct row rows[] = {
		{"V14gr4", "viagra"},
		{"p0rn $ex @ss 5h1t 7!t", "porn sex ass shit tit"},
		{"hello", "heiio"},
		{"sex! wow|", "sex! wow|"},
		{"192.168.1.50 $100 455", "192.168.1.50 $100 455"},
		{"a$$ 👍1", "ass 👍1"},
	};
	struct fold fold = {0}, leet = {0};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fold_text(&fold, str_from(rows[i].text), SIZE_MAX, NULL);
		fold_leet(&leet, &fold);
		assert_int_equal(leet.len, fold.len);
		if (!str_eq_text(fold_str(&leet), rows[i].folded))
			fail_msg("%s: %.*s", rows[i].text, STR_ARG(fold_str(&leet)));
	}
	fold_finish(&fold);
	fold_finish(&leet);
}

/* Longer than what is folded at a time, and cut where it does not fit, between characters. */
static void
folds_long_texts_and_cuts_at_the_cap(void **state)
{
	struct fold fold = {0};
	size_t size = 60000;
	char *text = xmalloc(size);
	(void)state;

	for (size_t i = 0; i < size; i += 6)
		memcpy(text + i, "\xd0\x96\xef\xb7\xba\x20",
			6); /* Ж, a ligature of 18 letters, a blank */
	fold_text(&fold, (struct str){text, size}, SIZE_MAX, NULL);
	assert_true(str_starts(fold_str(&fold), "жصلى الله عليه وسلم ж"));
	assert_true(fold.len == (size / 6) * (2 + 33 + 1));
	fold_text(&fold, (struct str){text, size}, 1000, NULL);
	assert_true(fold.len <= 1000 && fold.len > 996 && str_is_utf8(fold_str(&fold)));
	memset(text, 'A', size);
	fold_text(&fold, (struct str){text, size}, 1000, NULL);
	assert_int_equal(fold.len, 1000);
	fold_clear(&fold);
	assert_int_equal(fold.len, 0);
	fold_finish(&fold);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undoes_case_width_and_style),
		cmocka_unit_test(removes_what_cannot_be_seen_and_marks),
		cmocka_unit_test(undoes_doubles_in_words_that_mix_scripts),
		cmocka_unit_test(joins_letters_that_stand_apart),
		cmocka_unit_test(reads_letters_that_stand_apart_in_each_way),
		cmocka_unit_test(leaves_other_spellings_alone),
		cmocka_unit_test(tells_where_each_byte_came_from),
		cmocka_unit_test(finds_the_boundaries_of_words),
		cmocka_unit_test(reads_digits_and_signs_as_letters_in_leet_words),
		cmocka_unit_test(folds_long_texts_and_cuts_at_the_cap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
