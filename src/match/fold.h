/* SPDX-License-Identifier: MIT */
/* Folding: one form for all the ways to write a word; its rules stand in docs/match.md. Private to match/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "source_map.h"
#include "str.h"

/* A Latin letter that had marks, which the folded text does not show. */
struct fold_marks {
	uint32_t at;    /* where the letter stands in the folded text */
	uint32_t marks; /* the same number for the same marks */
};

struct folder; /* working memory */

/* A folded text; zeroed: the empty one. Read-only for everybody but fold_text. */
struct fold {
	char *ptr; /* valid UTF-8, owned */
	size_t len, size;
	size_t text_len; /* of what the text itself became; behind it stand other ways to read it, each after a line end */
	struct fold_marks *marks; /* by `at` */
	size_t mark_count, mark_size;
	struct source_map *map; /* while it is made */
	bool full;              /* something did not fit */
	struct folder *folder;
};

void fold_finish(struct fold *fold);
/* Gives back what is larger than events usually need, and folds nothing. */
void fold_trim(struct fold *fold); /* gives back what is needed only while a text is made */
void fold_clear(struct fold *fold);
/* Folds `text` (valid UTF-8) in place of what was there. At most `max` bytes come out: what does not fit is cut off. `map` (may
 * be NULL) is told where in `text` each byte came from. Folding twice is folding once, unless more than 65,536 characters follow each
 * other with no place to cut (letters that stand apart all the way, or one word).
 * Of letters that stood apart ("a v i a g r a") the first or last may be a word of its own: then the text is followed by
 * lines with the rest ("viagra"). */
void fold_text(struct fold *fold, struct str text, size_t max, struct source_map *map);
/* The leet form of a folded text, byte for byte as long: in words with a letter in them 4 is a, 3 e, 1 ! | and l i, 0 o,
 * 5 $ s, 7 t, @ a. `from` is not needed afterwards. */
void fold_leet(struct fold *fold, const struct fold *from);

/* The folded text, borrowed. */
static inline struct str
fold_str(const struct fold *fold)
{
	return (struct str){fold->ptr ? fold->ptr : "", fold->len};
}

/* True when a word may begin or end at this byte of the folded text (between two characters): where Unicode has a word
 * boundary (UAX 29), with the exceptions of docs/match.md. */
bool fold_is_boundary(const struct fold *fold, size_t at);
/* The next boundary behind `at`, which is at most fold->len. */
size_t fold_next_boundary(const struct fold *fold, size_t at);
/* True when the letters of `word`, which stand at `at` in `text` as well, have there the marks that they have in the word.
 * Letters without marks in the word may have any. */
bool fold_marks_fit(const struct fold *text, size_t at, const struct fold *word);
