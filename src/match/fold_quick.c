/* SPDX-License-Identifier: MIT */
/* Folds what most text is made of straight into bytes: words of one script each, with nothing around that changes them. */
#include <string.h>

#include "fold_parts.h"
#include "letters.h"
#include "vietnamese.h"

/* The word that is being read. */
struct quick_word {
	size_t out, marks; /* fold->len and fold->mark_count where it began */
	size_t units;      /* letters and digits so far */
	size_t letters;    /* of them, of alphabets */
	unsigned kinds;    /* a bit for each enum fold_quick among the letters */
	bool plain;        /* nothing but ASCII */
	bool marked;       /* has Latin letters with marks */
	bool doubles;      /* all letters look like small ASCII ones */
	/* the first letters, and each with its marks in one character */
	struct vietnamese_letter first[VIETNAMESE_LETTERS];
	uint32_t composed[VIETNAMESE_LETTERS];
};

struct quick {
	struct fold *fold;
	struct str text;
	size_t at;
	struct quick_word word;
	/* the last end of a word that nothing behind it can change */
	size_t safe_at, safe_len, safe_marks;
	uint64_t
		words; /* a bit for each of the last 64 characters, the newest lowest: letters and digits */
};

static void
begin_word(struct quick *quick)
{
	struct quick_word *word = &quick->word;

	word->out = quick->fold->len;
	word->marks = quick->fold->mark_count;
	word->units = word->letters = 0;
	word->kinds = 0;
	word->marked = false;
	word->plain = word->doubles = true;
}

static void
put(struct fold *fold, uint32_t c)
{
	char bytes[4];
	size_t len = letter_write(c, bytes);

	memcpy(fold->ptr + fold->len, bytes, len);
	fold->len += len;
}

/* Letters that stand apart, as fold_join.c puts together; the word is one letter. */
static bool
may_be_joined(uint64_t words)
{
	uint64_t single = words & ~(words << 1) & ~(words >> 1);

	return ((single & single >> 2 & single >> 4) | (single & single >> 4 & single >> 8)) != 0;
}

/* False when the word needs fold_words.c or fold_join.c. */
static bool
end_word(struct quick *quick)
{
	struct quick_word *word = &quick->word;
	struct fold *fold = quick->fold;
	bool mixed = (word->kinds & (word->kinds - 1)) != 0;

	if (mixed || (word->doubles && word->letters > 1) ||
		(word->units == 1 && may_be_joined(quick->words)))
		return false;
	if (!word->marked || word->letters != word->units || word->letters > VIETNAMESE_LETTERS ||
		!vietnamese_syllable(word->first, word->letters))
		return true;
	/* once more with its marks */
	fold->len = word->out;
	fold->mark_count = word->marks;
	for (size_t i = 0; i < word->letters; i++)
		put(fold, word->composed[i]);
	return true;
}

static inline void
add_unit(struct quick *quick)
{
	quick->word.units++;
	quick->words = quick->words << 1 | 1;
}

static inline void
add_letter(struct quick_word *word, enum fold_quick kind, struct vietnamese_letter letter,
	uint32_t composed)
{
	if (word->letters < VIETNAMESE_LETTERS) {
		word->first[word->letters] = letter;
		word->composed[word->letters] = composed;
	}
	word->letters++;
	word->kinds |= 1u << kind;
}

static void
add_ascii(struct quick *quick, char c)
{
	bool letter = c > '9';

	if (letter) {
		c |= 0x20;
		quick->word.doubles = false;
		add_letter(&quick->word, QUICK_LATIN,
			(struct vietnamese_letter){(uint32_t)c, NULL, 0}, (uint32_t)c);
	}
	add_unit(quick);
	quick->fold->ptr[quick->fold->len++] = c;
}

/* A Latin letter that is not ASCII; `one` is what it becomes with its marks. */
static void
add_latin(struct quick *quick, const struct fold_char *entry, const uint32_t *to, uint32_t one)
{
	struct fold *fold = quick->fold;
	struct quick_word *word = &quick->word;
	bool two = entry->to_len > 1 && to[1] < 0x80; /* as in Straße */
	size_t marks = two ? 0 : entry->to_len - 1u;
	uint32_t dropped = 0;

	word->doubles = false;
	if (marks > 0 || two) {
		for (size_t i = 1; i <= marks; i++) {
			if (to[i] != 0x307 || (to[0] != 'i' && to[0] != 'j'))
				dropped += fold_mark_number(to[i]);
		}
		if (dropped)
			fold_add_marks(fold, fold->len, dropped);
		word->marked = word->marked || marks > 0;
		add_letter(
			word, QUICK_LATIN, (struct vietnamese_letter){to[0], to + 1, marks}, one);
		fold->ptr[fold->len++] = (char)to[0];
	} else {
		add_letter(word, QUICK_LATIN, (struct vietnamese_letter){one, NULL, 0}, one);
		put(fold, one);
	}
	add_unit(quick);
	if (two)
		add_ascii(quick, (char)to[1]);
}

/* A letter or digit that is not ASCII; it has `len` bytes. */
static void
add_word(struct quick *quick, const struct fold_char *entry, uint32_t c, size_t len)
{
	struct fold *fold = quick->fold;
	enum fold_quick kind = entry->quick & QUICK_KINDS;
	uint32_t one = entry->quick_to ? fold_texts[entry->quick_to] : c;

	quick->word.plain = false;
	if (kind == QUICK_LATIN) {
		add_latin(quick, entry, fold_char_text(entry, &c), one);
		return;
	}
	if (kind == QUICK_GREEK || kind == QUICK_CYRILLIC) {
		quick->word.doubles = quick->word.doubles && (entry->quick & QUICK_DOUBLE);
		add_letter(&quick->word, kind, (struct vietnamese_letter){one, NULL, 0}, one);
	}
	add_unit(quick);
	if (one == c) {
		memcpy(fold->ptr + fold->len, quick->text.ptr + quick->at, len);
		fold->len += len;
	} else {
		put(fold, one);
	}
}

static void
add_gap(struct quick *quick, const struct fold_char *entry, uint32_t c)
{
	const uint32_t *to = fold_char_text(entry, &c);

	for (size_t i = 0; i < entry->to_len; i++) {
		put(quick->fold, to[i]);
		quick->words <<= 1;
	}
}

/* True when the next eight bytes are ASCII. */
static bool
is_ascii_ahead(const struct quick *quick)
{
	uint64_t eight;

	if (quick->text.len - quick->at < 8)
		return false;
	memcpy(&eight, quick->text.ptr + quick->at, 8);
	return (eight & UINT64_C(0x8080808080808080)) == 0;
}

static inline bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* A run of letters and digits, to its end. False: something else than a gap follows. */
static bool
read_word(struct quick *quick, const struct fold_char **entry, uint32_t *c, size_t *len)
{
	begin_word(quick);
	for (; quick->at < quick->text.len; quick->at += *len) {
		const char *at = quick->text.ptr + quick->at;
		*len = 1;
		*c = (unsigned char)*at;
		*entry = NULL;
		if (*c < 0x80) {
			if (!is_alnum(*at))
				return *c != '\t';
			add_ascii(quick, *at);
			continue;
		}
		*c = letter_read(at, quick->text.ptr + quick->text.len, len);
		*entry = fold_char_of(*c);
		if ((*entry)->quick == QUICK_GAP)
			return true;
		if ((*entry)->quick == QUICK_NONE)
			return false;
		add_word(quick, *entry, *c, *len);
	}
	return true;
}

bool
fold_quickly(struct fold *fold, struct str text, size_t *at)
{
	struct quick quick = {.fold = fold,
		.text = text,
		.at = *at,
		.safe_at = *at,
		.safe_len = fold->len,
		.safe_marks = fold->mark_count,
		.words = *at > 0 ? UINT64_MAX : UINT64_MAX << 1};
	const struct fold_char *entry = NULL;
	bool blank = false;
	uint32_t c = 0;
	size_t len = 0;

	while (read_word(&quick, &entry, &c, &len) && end_word(&quick)) {
		*at = quick.at;
		if (quick.at == text.len)
			return true;
		if (quick.word.units >= 2) {
			quick.safe_at = quick.at;
			quick.safe_len = fold->len;
			quick.safe_marks = fold->mark_count;
			if (quick.word.plain && is_ascii_ahead(&quick))
				return true;
		}
		if (blank && quick.word.units == 0 && c == ' ')
			break; /* two blanks are one */
		blank = c == ' ';
		if (entry) {
			add_gap(&quick, entry, c);
		} else {
			fold->ptr[fold->len++] = (char)c;
			quick.words <<= 1;
		}
		quick.at += len;
	}
	*at = quick.safe_at;
	fold->len = quick.safe_len;
	fold->mark_count = quick.safe_marks;
	return false;
}
