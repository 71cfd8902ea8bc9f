/* SPDX-License-Identifier: MIT */
/* Puts a stretch of folded characters together: flags, words, marks; and writes it. */
#include <string.h>

#include "attr.h"
#include "fold_parts.h"
#include "letters.h"

#define REGION_FIRST 0x1f1e6
#define REGION_LAST  0x1f1ff

static bool
is_region(const struct unit *unit)
{
	return unit->c >= REGION_FIRST && unit->c <= REGION_LAST;
}

/* True when `b` is no part of any word or flag, and what ends with `a` is complete before it: two letters stand next to each
 * other, or no letters that stand apart can be joined across. */
static bool
parts(const struct unit *before, const struct unit *a, const struct unit *b)
{
	if (unit_is_word(b) || is_region(b) || is_region(a))
		return false;
	if (b->c == '\n')
		return true;
	if (unit_is_word(a))
		return before && unit_is_word(before);
	return a->c != ' ' && b->c != ' '; /* gaps are one character, or one between blanks */
}

size_t
fold_safe_count(const struct folder *folder)
{
	const struct unit *units = folder->units;

	for (size_t i = folder->count; i-- > 1;) {
		if (parts(i > 1 ? &units[i - 2] : NULL, &units[i - 1], &units[i]))
			return i;
	}
	return 0;
}

/* Regional indicators that are not flags are letters. */
static void
read_regions(struct folder *folder)
{
	size_t i = 0;

	while (i < folder->count) {
		size_t start = i;
		bool flags = true;
		while (i < folder->count && is_region(&folder->units[i]))
			i++;
		for (size_t k = start; k < i && flags; k += 2)
			flags = k + 1 < i &&
				fold_is_flag(folder->units[k].c, folder->units[k + 1].c);
		for (size_t k = start; k < i && !flags; k++) {
			struct unit *unit = &folder->units[k];
			unit->c = 'a' + (unit->c - REGION_FIRST);
			unit->flags = FOLD_LETTER;
			unit->script = FOLD_LATIN;
		}
		i += i == start;
	}
}

/* By combining class, as Unicode orders them (3.11, D109). */
static void
sort_marks(uint32_t *marks, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		uint32_t mark = marks[i];
		uint8_t ccc = fold_char_of(mark)->ccc;
		size_t k = i;
		for (; ccc > 0 && k > 0 && fold_char_of(marks[k - 1])->ccc > ccc; k--)
			marks[k] = marks[k - 1];
		marks[k] = mark;
	}
}

struct writer {
	struct fold *fold;
	size_t max;
};

static void
put(struct writer *writer, uint32_t c, const struct unit *unit)
{
	struct fold *fold = writer->fold;
	char bytes[4] = {(char)c};
	size_t len = c < 0x80 ? 1 : letter_write(c, bytes);

	fold->full = fold->full || fold->len + len > writer->max;
	if (fold->full)
		return; /* nothing behind it either */
	if (fold->map) {
		struct source_run run = {.at = (uint32_t)fold->len,
			.len = (uint32_t)len,
			.from = unit->from,
			.from_len = unit->from_end - unit->from};
		source_map_add(fold->map, &run);
	}
	memcpy(fold->ptr + fold->len, bytes,
		sizeof(bytes)); /* there is room for more than counts */
	fold->len += len;
}

/* The character with those of its marks that stay, composed (3.11, D117). */
static void
put_composed(struct writer *writer, const struct unit *unit, uint32_t *marks, size_t count)
{
	uint32_t starter = unit->c;
	size_t left = 0;
	uint8_t last_ccc = 0;

	sort_marks(marks, count);
	for (size_t i = 0; i < count; i++) {
		uint8_t ccc = fold_char_of(marks[i])->ccc;
		bool blocked = left > 0 && (last_ccc == 0 || last_ccc >= ccc);
		uint32_t composed = blocked ? 0 : fold_compose(starter, marks[i]);
		if (!composed && starter == 'd' && marks[i] == 0x335)
			composed =
				0x111; /* the Vietnamese letter that Unicode does not decompose */
		if (composed) {
			starter = composed;
			continue;
		}
		marks[left++] = marks[i];
		last_ccc = ccc;
	}
	put(writer, starter, unit);
	for (size_t i = 0; i < left; i++)
		put(writer, marks[i], unit);
}

/* Cyrillic letters that are no vowels with an accent: й, ї and ў. */
static bool
is_letter_with_mark(const struct unit *unit, uint32_t mark)
{
	if (unit->script != FOLD_CYRILLIC)
		return false;
	return (mark == 0x306 && (unit->c == 0x438 || unit->c == 0x443)) ||
	       (mark == 0x308 && unit->c == 0x456);
}

/* Drops the marks of a letter that are no part of its spelling; returns what a word in a list must have as well. */
static uint32_t
drop_marks(const struct unit *unit, uint32_t *marks, size_t *count)
{
	uint32_t dropped = 0;
	size_t kept = 0;
	bool counts = unit->script == FOLD_LATIN && !unit->foreign;

	for (size_t i = 0; i < *count; i++) {
		if (kept == 0 && is_letter_with_mark(unit, marks[i]))
			marks[kept++] = marks[i];
		else if (counts && !(marks[i] == 0x307 && (unit->c == 'i' || unit->c == 'j')))
			dropped += fold_mark_number(marks[i]);
	}
	*count = kept;
	return dropped;
}

static void
put_unit(struct writer *writer, struct folder *folder, struct unit *unit)
{
	size_t count = unit->mark_count;

	if (count == 0) {
		put(writer, unit->c, unit);
		return;
	}
	uint32_t *marks = folder->marks + unit->mark_at;
	bool drops = !unit->keeps && (unit->flags & FOLD_LETTER) && unit->script <= FOLD_CYRILLIC;
	uint32_t dropped = drops ? drop_marks(unit, marks, &count) : 0;
	if (dropped)
		fold_add_marks(writer->fold, writer->fold->len, dropped);
	put_composed(writer, unit, marks, count);
}

/* What is left behind the first `count` units comes to the front. */
static void
drop_units(struct folder *folder, size_t count, size_t of)
{
	size_t marks = count < of ? folder->units[count].mark_at : folder->mark_count;

	folder->count = of - count;
	folder->mark_count -= marks;
	if (folder->count == 0)
		return;
	memmove(folder->units, folder->units + count, folder->count * sizeof(*folder->units));
	if (folder->mark_count > 0)
		memmove(folder->marks, folder->marks + marks,
			folder->mark_count * sizeof(*folder->marks));
	for (size_t i = 0; i < folder->count; i++)
		folder->units[i].mark_at -= (uint32_t)marks;
}

void
fold_flush(struct fold *fold, size_t count, size_t max)
{
	struct folder *folder = fold->folder;
	size_t of = folder->count;
	struct writer writer = {fold, max};
	size_t join = SIZE_MAX; /* where in the text a run of joined letters began */
	uint32_t gap = 0;

	folder->count = count;
	read_regions(folder);
	fold_join(folder);
	fold_words(folder);
	for (size_t i = 0; i < folder->count && !fold->full; i++) {
		struct unit *unit = &folder->units[i];
		bool joined = i + 1 < folder->count && unit[1].skipped;
		if (unit->skipped) {
			gap = unit->c;
			continue;
		}
		if (join == SIZE_MAX && joined)
			join = fold->len;
		put_unit(&writer, folder, unit);
		if (join != SIZE_MAX && !joined) {
			if (gap == ' ')
				fold_note_join(folder, join, fold->len);
			join = SIZE_MAX;
		}
	}
	drop_units(folder, count, of);
}
