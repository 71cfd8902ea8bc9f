/* SPDX-License-Identifier: MIT */
/* Letters that stand apart ("v i a g r a", "v.i.a.g.r.a") become one word. */
#include <string.h>

#include "attr.h"
#include "fold_parts.h"

#define JOIN_LETTERS_MIN 3

/* Letters that are words of their own in some language: "a v i a g r a" may hold "viagra". */
static const char *const small_words[] = {"a", "e", "i", "o", "u", "y", "\u0430", "\u0438",
	"\u043a", "\u043e", "\u0441", "\u0443", "\u0432", "\u044f"};

/* A letter with none next to it. */
static bool
stands_alone(const struct folder *folder, size_t i)
{
	return unit_is_letter(&folder->units[i]) &&
	       (i == 0 || !unit_is_word(&folder->units[i - 1])) &&
	       (i + 1 == folder->count || !unit_is_word(&folder->units[i + 1]));
}

/* What stands between two letters: one character, or one with a blank on both sides. */
struct gap {
	uint32_t c;
	size_t units; /* 0: none */
};

static bool
may_separate(const struct unit *unit)
{
	return !unit_is_word(unit) && unit->c != '\n' && unit->c != '\r';
}

/* The gap behind the letter at `i`, if a letter that stands alone follows it. */
static struct gap
gap_behind(const struct folder *folder, size_t i)
{
	const struct unit *unit = &folder->units[i];
	size_t left = folder->count - i;

	if (left > 2 && may_separate(&unit[1]) && stands_alone(folder, i + 2))
		return (struct gap){unit[1].c, 1};
	if (left > 4 && unit[1].c == ' ' && unit[3].c == ' ' && may_separate(&unit[2]) &&
		stands_alone(folder, i + 4))
		return (struct gap){unit[2].c, 3};
	return (struct gap){0, 0};
}

/* The separators of one run are all the same, or single characters that are no blanks. */
static bool
same_gap(struct gap first, struct gap gap)
{
	if (gap.units != first.units)
		return false;
	return gap.c == first.c || (gap.units == 1 && gap.c != ' ' && first.c != ' ');
}

/* The letter that ends the run of letters which begins at `i`; their number in *letters. */
static size_t
end_of_run(const struct folder *folder, size_t i, size_t *letters)
{
	struct gap first = gap_behind(folder, i), gap = first;

	*letters = 1;
	while (gap.units > 0 && same_gap(first, gap)) {
		i += gap.units + 1;
		++*letters;
		gap = gap_behind(folder, i);
	}
	return i;
}

void
fold_join(struct folder *folder)
{
	for (size_t i = 0; i + 2 < folder->count; i++) {
		size_t letters;
		if (unit_is_word(&folder->units[i + 1]) || !stands_alone(folder, i))
			continue;
		size_t end = end_of_run(folder, i, &letters);
		if (letters < JOIN_LETTERS_MIN)
			continue;
		for (; i < end; i++)
			folder->units[i].skipped = !unit_is_letter(&folder->units[i]);
	}
}

void
fold_note_join(struct folder *folder, size_t start, size_t end)
{
	if (folder->join_count < FOLD_JOINS)
		folder->joins[folder->join_count++] = (struct span){start, end};
}

/* Bytes of the character at `text`, if it is a word of its own; else 0. */
static size_t
small_word(struct str text)
{
	for (size_t i = 0; i < COUNT_OF(small_words); i++) {
		if (str_starts(text, small_words[i]))
			return strlen(small_words[i]);
	}
	return 0;
}

/* The same at its end. */
static size_t
small_word_before(struct str text)
{
	for (size_t i = 0; i < COUNT_OF(small_words); i++) {
		if (str_ends(text, small_words[i]))
			return strlen(small_words[i]);
	}
	return 0;
}

/* Adds a line with the part of the text. */
static void
put_part(struct fold *fold, struct span part, size_t max)
{
	size_t len = part.end - part.start;

	if (part.end <= part.start || fold->len + 1 + len > max)
		return;
	fold_reserve(fold, len + 1);
	fold->ptr[fold->len++] = '\n';
	source_map_append(fold->map, fold->map, part, fold->len, 0);
	for (size_t i = 0, count = fold->mark_count; i < count; i++) {
		struct fold_marks marks = fold->marks[i];
		if (marks.at >= part.start && marks.at < part.end)
			fold_add_marks(fold, fold->len + marks.at - part.start, marks.marks);
	}
	memcpy(fold->ptr + fold->len, fold->ptr + part.start, len);
	fold->len += len;
}

void
fold_put_joins(struct fold *fold, size_t max)
{
	for (size_t i = 0; i < fold->folder->join_count; i++) {
		struct span join = fold->folder->joins[i];
		struct str text = {fold->ptr + join.start, join.end - join.start};
		size_t first = small_word(text), last = small_word_before(text);
		if (first > 0)
			put_part(fold, (struct span){join.start + first, join.end}, max);
		if (last > 0)
			put_part(fold, (struct span){join.start, join.end - last}, max);
		if (first > 0 && last > 0)
			put_part(fold, (struct span){join.start + first, join.end - last}, max);
	}
}
