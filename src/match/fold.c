/* SPDX-License-Identifier: MIT */
/* Folding in one pass: plain ASCII eight bytes at a time, anything else by characters, from word to word. */
#include "fold.h"

#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "fold_parts.h"
#include "letters.h"
#include "limits.h"
#include "xmalloc.h"

/* Memory beyond this is given back after an event. */
#define KEPT_SIZE (64u << 10)

static void
destroy_folder(struct folder *folder)
{
	if (!folder)
		return;
	free(folder->units);
	free(folder->marks);
	free(folder);
}

void
fold_finish(struct fold *fold)
{
	free(fold->ptr);
	free(fold->marks);
	destroy_folder(fold->folder);
	*fold = (struct fold){0};
}

void
fold_trim(struct fold *fold)
{
	destroy_folder(fold->folder);
	fold->folder = NULL;
}

void
fold_clear(struct fold *fold)
{
	if (fold->folder &&
		(fold->folder->size > FOLD_UNITS || fold->folder->mark_size > 2 * FOLD_UNITS)) {
		destroy_folder(fold->folder);
		fold->folder = NULL;
	}
	if (fold->size > KEPT_SIZE) {
		struct folder *folder = fold->folder;
		fold->folder = NULL;
		fold_finish(fold);
		fold->folder = folder;
	}
	fold->len = fold->text_len = fold->mark_count = 0;
}

void
fold_add_marks(struct fold *fold, size_t at, uint32_t marks)
{
	if (fold->mark_count == fold->mark_size) {
		fold->mark_size = fold->mark_size > 0 ? 2 * fold->mark_size : 16;
		fold->marks = xreallocarray(fold->marks, fold->mark_size, sizeof(*fold->marks));
	}
	fold->marks[fold->mark_count++] = (struct fold_marks){(uint32_t)at, marks};
}

void
fold_reserve(struct fold *fold, size_t more)
{
	size_t need = fold->len + more + 16;

	if (need <= fold->size)
		return;
	fold->size = need + need / 2;
	fold->ptr = xrealloc(fold->ptr, fold->size);
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* What ASCII text is like: a bit for each of the last 64 characters, the newest lowest. */
struct history {
	uint64_t words; /* letters and digits */
	uint64_t blanks;
};

/* Folds ASCII from `at` on, which stands behind a word or at the start; returns where it stopped, before `end` because
 * of something that is not plain. */
static size_t
fold_ascii(struct fold *fold, struct str text, size_t at, size_t end)
{
	/* a word stands before `at`, or the start of the text */
	struct history seen = {.words = at > 0 ? UINT64_MAX : UINT64_MAX << 1};
	char *out = fold->ptr + fold->len;
	size_t start = at;

	for (; at < end; at++) {
		char c = text.ptr[at];
		seen.words = seen.words << 1 | is_alnum(c);
		seen.blanks = seen.blanks << 1 | (c == ' ');
		if ((unsigned char)c >= 0x80 || c == '\t' || fold_may_be_joined(seen.words) ||
			(seen.blanks & 3) == 3)
			break;
		*out++ = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	struct source_run run = {.at = (uint32_t)fold->len,
		.len = (uint32_t)(at - start),
		.from = (uint32_t)start,
		.from_len = (uint32_t)(at - start)};
	fold->len += at - start;
	source_map_add(fold->map, &run);
	return at;
}

size_t
fold_safe_point(const char *text, size_t low, size_t at)
{
	while (at > low && is_alnum(text[at - 1]))
		at--;
	while (at > low) {
		size_t end = at;
		while (end > low && !is_alnum(text[end - 1]))
			end--;
		size_t start = end;
		while (start > low && is_alnum(text[start - 1]))
			start--;
		if (end - start >= 2)
			return end;
		at = start;
	}
	return at;
}

static void
push_unit(struct folder *folder, uint32_t c, const struct fold_char *entry, struct span from)
{
	REQUIRE(folder->units != NULL); /* make_room */
	folder->units[folder->count++] = (struct unit){
		.c = c,
		.from = (uint32_t)from.start,
		.from_end = (uint32_t)from.end,
		.mark_at = (uint32_t)folder->mark_count,
		.script = entry->script,
		.flags = entry->flags,
		.look = entry->look,
		.small_look = entry->small_look,
	};
}

/* The joiner that waits stays between emoji, and between letters that are spelled with it. */
static void
settle_joiner(struct folder *folder, const struct fold_char *next)
{
	const struct unit *last = folder->count > 0 ? &folder->units[folder->count - 1] : NULL;
	uint32_t joiner = folder->joiner;
	bool stays = false;

	folder->joiner = 0;
	if (!last)
		return;
	if (joiner >= 0xe0000) /* tags: of a flag such as Wales' */
		stays = last->c == 0x1f3f4 || (last->c >= 0xe0000 && last->c < 0xe0080);
	else if (next && joiner == 0x200d && (next->flags & FOLD_PICTURE))
		stays = (last->flags & (FOLD_PICTURE | FOLD_MODIFIER)) != 0;
	else if (next)
		stays = last->script == FOLD_JOINING && next->script == FOLD_JOINING;
	if (stays)
		push_unit(folder, joiner,
			&(struct fold_char){.script = FOLD_OTHER, .flags = FOLD_IGNORED},
			(struct span){folder->joiner_from, folder->joiner_end});
}

/* True when the mark belongs to the last unit. */
static bool
attach_mark(struct folder *folder, uint32_t mark, struct span from)
{
	struct unit *last = folder->count > 0 ? &folder->units[folder->count - 1] : NULL;

	if (!last || (last->flags & (FOLD_MARK | FOLD_IGNORED)) || last->c == '\n')
		return false;
	last->from_end = (uint32_t)from.end;
	if (last->mark_count == FOLD_MARKS_OF_ONE)
		return true;
	if (folder->mark_count == folder->mark_size) {
		folder->mark_size = folder->mark_size > 0 ? 2 * folder->mark_size : 256;
		folder->marks =
			xreallocarray(folder->marks, folder->mark_size, sizeof(*folder->marks));
	}
	folder->marks[folder->mark_count++] = mark;
	last->mark_count++;
	return true;
}

/* One character that `source` (its entry in the table) became, or part of it. */
static void
push_folded(struct folder *folder, uint32_t c, const struct fold_char *source, struct span from)
{
	const struct fold_char *entry = fold_char_of(c);
	struct unit *last;
	uint32_t composed;

	if (folder->joiner)
		settle_joiner(folder, entry);
	if ((entry->flags & FOLD_MARK) && attach_mark(folder, c, from))
		return;
	last = folder->count > 0 ? &folder->units[folder->count - 1] : NULL;
	if (last && last->mark_count == 0 && c == ' ' && last->c == ' ') {
		last->from_end = (uint32_t)from.end; /* blanks are one blank */
		return;
	}
	if (last && last->mark_count == 0 && c >= 0x1161 && c < 0x1200 &&
		(composed = fold_compose(last->c, c)) != 0) {
		last->c = composed; /* Hangul */
		last->from_end = (uint32_t)from.end;
		return;
	}
	push_unit(folder, c, entry, from);
	last = &folder->units[folder->count - 1];
	if (source->look) /* capitals may look like other letters than small ones */
		last->look = source->look;
}

static void
push_char(struct folder *folder, uint32_t c, struct span from)
{
	const struct fold_char *entry = fold_char_of(c);
	const uint32_t *to = fold_char_text(entry, &c);

	/* most letters of most scripts; what may go together with what stands before it takes the long way */
	if (entry->to_len == 1 && !folder->joiner && !(entry->flags & (FOLD_MARK | FOLD_IGNORED)) &&
		(to[0] < 0x1100 || to[0] >= 0x1200) && to[0] != ' ') {
		const struct fold_char *now = to[0] == c ? entry : fold_char_of(to[0]);
		push_unit(folder, to[0], now, from);
		if (entry->look)
			folder->units[folder->count - 1].look = entry->look;
		if (!(now->flags & FOLD_MARK))
			return;
		folder->count--;
	}
	if (entry->flags & FOLD_IGNORED) {
		bool tag = c >= 0xe0020 && c < 0xe0080;
		if (folder->joiner >= 0xe0000)
			settle_joiner(folder, NULL);
		if (c == 0x200c || c == 0x200d || tag) {
			folder->joiner = c;
			folder->joiner_from = (uint32_t)from.start;
			folder->joiner_end = (uint32_t)from.end;
		}
		return;
	}
	for (size_t i = 0; i < entry->to_len; i++)
		push_folded(folder, to[i], entry, from);
}

/* ASCII needs no table. */
static void
push_ascii(struct folder *folder, char c, struct span from)
{
	bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
	struct fold_char entry = {.script = letter ? FOLD_LATIN : FOLD_OTHER,
		.flags = letter                 ? FOLD_LETTER
			 : c >= '0' && c <= '9' ? FOLD_DIGIT
						: 0};

	push_unit(folder, (uint32_t)(unsigned char)(letter ? c | 0x20 : c), &entry, from);
}

/* What one character becomes at most. */
#define UNITS_OF_ONE 32

static void
put_units(struct fold *fold, size_t count, size_t max)
{
	fold_reserve(fold, 4 * (fold->folder->count + fold->folder->mark_count));
	fold_flush(fold, count, max);
}

/* Room for one more character: what is complete is put together; when that is little, more memory is taken. */
static void
make_room(struct fold *fold, size_t max)
{
	struct folder *folder = fold->folder;

	if (folder->count + UNITS_OF_ONE <= folder->size)
		return;
	size_t safe = fold_safe_count(folder);
	if (safe > 0 && safe >= folder->size / 2) {
		put_units(fold, safe, max);
	} else if (folder->size < FOLD_UNITS_MAX) {
		folder->size = folder->size > 0 ? 2 * folder->size : FOLD_UNITS;
		folder->units = xreallocarray(folder->units, folder->size, sizeof(*folder->units));
	} else {
		put_units(fold, folder->count, max);
	}
}

/* True behind two letters or digits: what follows, if it is nothing that belongs to the last of them, changes neither. */
static bool
is_behind_word(const struct folder *folder)
{
	size_t count = folder->count;

	return count >= 2 && !folder->joiner && unit_is_word(&folder->units[count - 1]) &&
	       unit_is_word(&folder->units[count - 2]);
}

/* Folds by characters from `at` on, up to a gap behind a word of two letters or more, or the end. */
static size_t
fold_slowly(struct fold *fold, struct str text, size_t at, size_t max)
{
	struct folder *folder = fold->folder;

	while (at < text.len) {
		char c = text.ptr[at];
		size_t len = 1;
		make_room(fold, max);
		if ((unsigned char)c < 0x80 && c != '\t' && c != ' ' && !folder->joiner) {
			if (!is_alnum(c) && is_behind_word(folder))
				break;
			push_ascii(folder, c, (struct span){at, at + 1});
		} else {
			uint32_t point = letter_read(text.ptr + at, text.ptr + text.len, &len);
			if ((point == ' ' || fold_char_of(point)->quick == QUICK_GAP) &&
				is_behind_word(folder))
				break;
			push_char(folder, point == '\t' ? ' ' : point, (struct span){at, at + len});
		}
		at += len;
	}
	if (folder->joiner)
		settle_joiner(folder, NULL);
	put_units(fold, folder->count, max);
	fold_reserve(fold, text.len - at);
	return at;
}

void
fold_text(struct fold *fold, struct str text, size_t max, struct source_map *map)
{
	size_t at = 0, low = 0;

	fold->len = fold->text_len = fold->mark_count = 0;
	fold->map = map;
	fold->full = false;
	if (fold->folder)
		fold->folder->join_count = 0;
	fold_reserve(fold, text.len);
	while (at < text.len && fold->len < max && !fold->full) {
		size_t end = text.len - at > max - fold->len ? at + (max - fold->len) : text.len;
		low = at;
		if (!map && end == text.len) {
			if (fold_quickly(fold, text, &at))
				break;
		} else {
			at = fold_ascii(fold, text, at, end);
			if (at == end)
				break;
			size_t safe = fold_safe_point(text.ptr, low, at);
			fold->len -= at - safe;
			if (map)
				source_map_cut(map, fold->len);
			at = safe;
		}
		if (!fold->folder)
			fold->folder = xcalloc(1, sizeof(*fold->folder));
		at = fold_slowly(fold, text, at, max);
	}
	fold->text_len = fold->len;
	if (fold->folder)
		fold_put_joins(fold, max);
	fold->map = NULL;
}

bool
fold_marks_fit(const struct fold *text, size_t at, const struct fold *word)
{
	size_t low = 0, high;

	for (size_t i = 0; i < word->mark_count; i++) {
		size_t wanted = at + word->marks[i].at;
		high = text->mark_count;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (text->marks[middle].at < wanted)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == text->mark_count || text->marks[low].at != wanted ||
			text->marks[low].marks != word->marks[i].marks)
			return false;
	}
	return true;
}
