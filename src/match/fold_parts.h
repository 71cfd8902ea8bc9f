/* SPDX-License-Identifier: MIT */
/* What the files of folding share: a stretch of text as characters before they are put together. Only for them. */
#pragma once

#include "fold.h"
#include "fold_chars.h"

/* Characters in work at a time. Longer stretches are folded in pieces, cut where neither side can change the other; where
 * there is no such place (only letters that stand apart, one word without end) up to FOLD_UNITS_MAX. */
#define FOLD_UNITS        2048
#define FOLD_JOINS        64 /* of one text that are read in more than one way */
/* Marks on one character beyond these are dropped: no spelling needs them (Unicode's Stream-Safe Text Format allows 30). */
#define FOLD_MARKS_OF_ONE 30

/* A folded character. */
struct unit {
	uint32_t c;
	uint32_t from, from_end; /* in the original, marks included */
	uint32_t mark_at;        /* in folder::marks; they are decomposed */
	uint8_t mark_count;
	uint8_t script, flags, look, small_look;
	bool skipped; /* stood between letters that are joined */
	bool keeps;   /* its marks stay */
	bool foreign; /* became a Latin letter */
};

struct folder {
	struct unit *units;
	size_t count, size;
	uint32_t *marks;
	size_t mark_count, mark_size;
	struct span joins[FOLD_JOINS]; /* letters that blanks parted, in the folded text */
	size_t join_count;
	uint32_t joiner; /* ZWJ, ZWNJ or a tag that waits for what follows; 0: none */
	uint32_t joiner_from, joiner_end;
};

/* A letter or digit of any script. */
static inline bool
unit_is_word(const struct unit *unit)
{
	return (unit->flags & (FOLD_LETTER | FOLD_DIGIT)) != 0;
}

/* A letter that look-alikes and marks are undone on. */
static inline bool
unit_is_letter(const struct unit *unit)
{
	return (unit->flags & FOLD_LETTER) != 0 && unit->script <= FOLD_ALPHABET;
}

/* Stands for a mark that is dropped; the sum of a letter's is the same in any order. */
static inline uint32_t
fold_mark_number(uint32_t mark)
{
	return mark * UINT32_C(2654435761);
}

/* Puts the first `count` units together and adds them to the folded text; they are gone then. */
void fold_flush(struct fold *fold, size_t count, size_t max);
/* How many of the units can be put together before the rest is known: what follows them changes nothing about them, and they
 * nothing about it. 0: none. */
size_t fold_safe_count(const struct folder *folder);
/* True when letters stand apart in what was read last, as fold_join.c puts them together: a bit for each of the last 64
 * characters, the newest lowest, which is set for letters and digits. */
static inline bool
fold_may_be_joined(uint64_t words)
{
	uint64_t single = words & ~(words << 1) & ~(words >> 1);

	return ((single & single >> 2 & single >> 4) | (single & single >> 4 & single >> 8)) != 0;
}

/* The end of the last word of two letters or more before `at`, which nothing behind it can change; `low` at least. The text
 * between is ASCII. */
size_t fold_safe_point(const char *text, size_t low, size_t at);
/* fold_quick.c: folds from *at on, which stands behind a word or at the start, where there is room for all of the text. True: to
 * the end. False: up to a word that has to be looked at by characters; *at is behind a word of two letters or more, or where it
 * was. Tells no map. */
bool fold_quickly(struct fold *fold, struct str text, size_t *at);
/* fold_words.c: look-alikes and marks of each word; decides which marks stay. */
void fold_words(struct folder *folder);
/* fold_join.c: letters that stand apart become one word. */
void fold_join(struct folder *folder);
/* Notes that the text from start to end was put together so, with blanks between. */
void fold_note_join(struct folder *folder, size_t start, size_t end);
/* Adds the other ways to read those to the end of the text. */
void fold_put_joins(struct fold *fold, size_t max);
/* fold.c: makes room for `more` bytes behind the text, and a few that are written but do not count. */
void fold_reserve(struct fold *fold, size_t more);
/* One more letter without its marks. */
void fold_add_marks(struct fold *fold, size_t at, uint32_t marks);
