/* SPDX-License-Identifier: MIT */
/* Folding of texts longer than what is in work at a time: where they are cut cannot be seen. */
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

/* What the text became, without other ways to read it. */
static struct str
folded(struct fold *fold, struct str text)
{
	fold_text(fold, text, SIZE_MAX, NULL);
	return (struct str){fold->ptr, fold->text_len};
}

/* `count` times `piece`, then `tail`; the caller frees it. */
static char *
repeated(const char *piece, size_t count, const char *tail)
{
	size_t len = strlen(piece), rest = strlen(tail);
	char *text = xmalloc(count * len + rest + 1);

	for (size_t i = 0; i < count; i++)
		memcpy(text + i * len, piece, len);
	memcpy(text + count * len, tail, rest);
	text[count * len + rest] = '\0';
	return text;
}

/* Folds `count` times `piece` and then `tail`: it ends in `end`, has no two blanks, and folds to itself. */
static void
expect_end(const char *piece, size_t count, const char *tail, const char *end)
{
	struct fold fold = {0}, again = {0};
	char *text = repeated(piece, count, tail);
	struct str once = folded(&fold, str_from(text));

	if (!str_ends(once, end))
		fail_msg("%zu times \"%s\", \"%s\" ends in \"%.*s\"", count, piece, tail, 40,
			once.ptr + once.len - 40);
	assert_null(memmem(once.ptr, once.len, "  ", 2));
	assert_true(str_eq(once, folded(&again, once)));
	fold_clear(&fold);
	fold_finish(&fold);
	fold_finish(&again);
	free(text);
}

/* Wherever a text is cut into pieces to be folded: what belongs together stays together. */
static void
folds_long_texts_as_it_folds_short_ones(void **state)
{
	static const struct {
		const char *piece, *tail, *end;
	} rows[] = {
		{"жу ", "п р и в е т", " привет"},
		{"жу", " п-р-и-в-е-т", "жу привет"},
		{"жу ", "п - р - и - в - е - т", " привет"},
		{"жу ", "  ж  жу", " ж жу"},
		{"🐈", "п р и в е т", "🐈привет"},
		{"ж\n", "п р и в е т", "\nпривет"},
		{"👩‍👧", "👩‍👧", "👩‍👧"},
		{"éa\u0301 éb ", "п р и в е т", "привет"},
		{". . ", "п р и в е т", " привет"},
		{"🇩🇪🇫🇷", " п р и в е т", " привет"},
		{"و می‌خواهم ", "v i а g r a", " viagra"},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t count = 340; count < 1100; count += i % 2 ? 7 : 3)
			expect_end(rows[i].piece, count, rows[i].tail, rows[i].end);
	}
	/* nowhere to cut */
	expect_end("п ", 5000, "п", "ппппп");
	expect_end("п.п:", 5000, "п", "ппппп");
	expect_end("п ", 1500, "- р - и - в", "п - рив");
	expect_end("éж", 9000, " а б в", " абв");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_long_texts_as_it_folds_short_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
