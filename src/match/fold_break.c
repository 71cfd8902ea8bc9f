/* SPDX-License-Identifier: MIT */
/* Word boundaries in folded text: Unicode's (UAX 29), with exceptions where spelling and spam want them. */
#include <string.h>

#include "attr.h"
#include "fold.h"
#include "fold_chars.h"
#include "letters.h"

/* A character of the text, and where it stands. */
struct place {
	const char *at, *end; /* end: behind it */
	uint32_t c;
	uint8_t class;
	uint8_t flags;
};

static void
read_place(struct place *place)
{
	const struct fold_char *entry = fold_char_of(place->c);

	place->class = entry->word;
	place->flags = entry->flags;
}

/* The character that begins at `at`; false at the end. */
static bool
next_place(struct str text, const char *at, struct place *place)
{
	size_t len;

	if (at >= text.ptr + text.len)
		return false;
	place->c = letter_read(at, text.ptr + text.len, &len);
	place->at = at;
	place->end = at + len;
	read_place(place);
	return true;
}

/* The character that ends at `end`; false at the start. */
static bool
place_before(struct str text, const char *end, struct place *place)
{
	const char *at = end;
	size_t len;

	if (at == text.ptr)
		return false;
	do
		at--;
	while (at > text.ptr && ((unsigned char)*at & 0xc0) == 0x80);
	place->c = letter_read(at, end, &len);
	place->at = at;
	place->end = end;
	read_place(place);
	return true;
}

static bool
is_extending(const struct place *place)
{
	return place->class == WORD_EXTEND || place->class == WORD_ZWJ;
}

/* The same without what only extends the character before it (WB4). */
static bool
base_before(struct str text, const char *end, struct place *place)
{
	while (place_before(text, end, place)) {
		if (!is_extending(place))
			return true;
		end = place->at;
	}
	return false;
}

static bool
base_behind(struct str text, const char *at, struct place *place)
{
	while (next_place(text, at, place)) {
		if (!is_extending(place))
			return true;
		at = place->end;
	}
	return false;
}

static bool
is_letter(uint8_t class)
{
	return class == WORD_LETTER || class == WORD_HEBREW;
}

static bool
is_word(uint8_t class)
{
	return is_letter(class) || class == WORD_DIGIT || class == WORD_KATAKANA ||
	       class == WORD_LOW_LINE;
}

/* WB5, WB8 to WB10, WB13 to WB13b */
static bool
belong_together(uint8_t before, uint8_t next)
{
	if (!is_word(before) || !is_word(next))
		return false;
	if (before == WORD_LOW_LINE || next == WORD_LOW_LINE)
		return true;
	return (before == WORD_KATAKANA) == (next == WORD_KATAKANA);
}

static bool
joins_digits(uint8_t class)
{
	return class == WORD_MID_NUM || class == WORD_MID_BOTH || class == WORD_QUOTE;
}

/* True when "n't" ends the word that `quote` stands in: "won't" is not the word "won". */
static bool
is_not(struct str text, const struct place *quote)
{
	struct place before, t, behind;

	if (quote->c != '\'' || !place_before(text, quote->at, &before) || before.c != 'n' ||
		!next_place(text, quote->end, &t) || t.c != 't')
		return false;
	return !next_place(text, t.end, &behind) ||
	       (!is_word(behind.class) && !is_extending(&behind));
}

/* True when `middle`, between two letters or two digits, belongs to their word (WB6, WB7, WB7a to WB7c, WB11, WB12). Full
 * stops, colons and quotes between letters do not: "casino" is in "casino.example" and "l'casino". */
static bool
is_inside(struct str text, const struct place *middle)
{
	struct place before, behind;

	if (is_not(text, middle))
		return true;
	if (!base_before(text, middle->at, &before) || !base_behind(text, middle->end, &behind))
		return false;
	if (joins_digits(middle->class))
		return before.class == WORD_DIGIT && behind.class == WORD_DIGIT;
	if (middle->class == WORD_DOUBLE_QUOTE)
		return before.class == WORD_HEBREW && behind.class == WORD_HEBREW;
	return middle->c == 0xb7 && is_letter(before.class) && is_letter(behind.class);
}

/* WB15, WB16: a flag is two of them. */
static bool
splits_flag(struct str text, const struct place *before)
{
	size_t count = 1;
	struct place place = *before;

	while (base_before(text, place.at, &place) && place.class == WORD_REGION)
		count++;
	return count % 2 == 1;
}

static bool
is_boundary(struct str text, size_t offset)
{
	const char *at = text.ptr + offset;
	struct place before = {0}, next = {0};

	if (offset == 0 || offset >= text.len)
		return true;
	(void)next_place(text, at, &next);
	(void)place_before(text, at, &before);
	if (before.class == WORD_NEWLINE || next.class == WORD_NEWLINE)
		return true;
	if (is_extending(&next) || (before.class == WORD_ZWJ && (next.flags & FOLD_PICTURE)))
		return false;
	if (is_extending(&before) && !base_before(text, at, &before))
		return true;
	if (belong_together(before.class, next.class))
		return false;
	if (before.class == WORD_REGION && next.class == WORD_REGION)
		return !splits_flag(text, &before);
	if (before.class == WORD_HEBREW && next.class == WORD_QUOTE)
		return false;
	return !is_inside(text, &next) && !is_inside(text, &before);
}

/* Letters, digits and the underscore of ASCII. */
static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	       (c >= 'A' && c <= 'Z');
}

/* Signs that may stand inside a word or a number. */
static bool
may_be_inside(char c)
{
	return c == '\'' || c == '.' || c == ',' || c == ':' || c == ';' || c == '"';
}

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* Two neighbours of ASCII settle most cases without the table. */
static enum answer
plain_boundary(char before, char next)
{
	bool letter_before = is_plain(before), letter_next = is_plain(next);

	if ((unsigned char)before >= 0x80 || (unsigned char)next >= 0x80)
		return ANSWER_UNKNOWN;
	if (letter_before && letter_next)
		return ANSWER_NO;
	if ((letter_before && may_be_inside(next)) || (letter_next && may_be_inside(before)))
		return ANSWER_UNKNOWN;
	return ANSWER_YES;
}

bool
fold_is_boundary(const struct fold *fold, size_t at)
{
	return is_boundary(fold_str(fold), at);
}

size_t
fold_next_boundary(const struct fold *fold, size_t at)
{
	struct str text = fold_str(fold);

	for (at++; at < text.len; at++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): both stand inside of the text */
		char before = text.ptr[at - 1], next = text.ptr[at];
		enum answer answer = plain_boundary(before, next);
		if (answer == ANSWER_YES)
			return at;
		if (answer == ANSWER_UNKNOWN && ((unsigned char)next & 0xc0) != 0x80 &&
			is_boundary(text, at))
			return at;
	}
	return text.len;
}
