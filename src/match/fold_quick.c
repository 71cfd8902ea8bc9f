/* SPDX-License-Identifier: MIT */
/* Folds what most text is made of straight into bytes: words of one script each, with nothing around that changes them. */
#include <string.h>

#include "fold_parts.h"
#include "letters.h"
#include "vietnamese.h"

/* The word that is being read. */
struct quick_word {
	size_t at;         /* in the text */
	size_t out, marks; /* fold->len and fold->mark_count where it began */
	size_t units;      /* letters and digits so far */
	size_t letters;    /* of them, of alphabets */
	unsigned kinds;    /* a bit for each enum fold_quick among the letters */
	bool marked;       /* has Latin letters with marks */
	bool foreign;      /* with a mark that is none of Vietnamese, or two tones */
	bool toned;
	bool doubles; /* all letters look like small ASCII ones */
};

struct quick {
	struct fold *fold;
	struct str text;
	size_t at;
	struct quick_word word;
	/* what ended it: a gap, unless the text ended */
	const struct fold_char *gap; /* NULL: ASCII */
	uint32_t gap_c;
	size_t gap_len;
	/* the last end of a word that nothing behind it can change */
	size_t safe_at, safe_len, safe_marks;
	size_t ascii_at; /* from here on there was only ASCII */
	/* a bit for each of the last 64 characters, the newest lowest */
	uint64_t words; /* letters and digits */
	uint64_t blanks;
};

/* What ASCII letters and digits become; 0 for all else. */
static const unsigned char ascii_words[256] = {
	['0'] = '0',
	'1',
	'2',
	'3',
	'4',
	'5',
	'6',
	'7',
	'8',
	'9',
	['A'] = 'a',
	'b',
	'c',
	'd',
	'e',
	'f',
	'g',
	'h',
	'i',
	'j',
	'k',
	'l',
	'm',
	'n',
	'o',
	'p',
	'q',
	'r',
	's',
	't',
	'u',
	'v',
	'w',
	'x',
	'y',
	'z',
	['a'] = 'a',
	'b',
	'c',
	'd',
	'e',
	'f',
	'g',
	'h',
	'i',
	'j',
	'k',
	'l',
	'm',
	'n',
	'o',
	'p',
	'q',
	'r',
	's',
	't',
	'u',
	'v',
	'w',
	'x',
	'y',
	'z',
};

/* The character, which is not ASCII, and its bytes. */
static inline uint32_t
read_char(const char *text, const char *end, size_t *len)
{
	const unsigned char *at = (const unsigned char *)text;

	if (at[0] < 0xe0 && end - text >= 2) {
		*len = 2;
		return (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
	}
	if (at[0] < 0xf0 && end - text >= 3) {
		*len = 3;
		return (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
	}
	return letter_read(text, end, len);
}

/* Writes the character, for which there is room, and returns what is behind it. */
static inline char *
put(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		return out + letter_write(c, out);
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

/* What a character of a word is with the marks that stay with it. */
static inline uint32_t
composed_of(const struct fold_char *entry, uint32_t c)
{
	return entry->quick_to ? fold_texts[entry->quick_to] : c;
}

/* As in Straße. */
static inline bool
is_two_letters(const struct fold_char *entry)
{
	return entry->to_len > 1 && fold_texts[entry->to + 1] < 0x80;
}

/* Cannot be seen, and is no joiner or tag, which may be part of a spelling. */
static inline bool
is_nothing(const struct fold_char *entry, uint32_t c)
{
	return entry->quick == QUICK_NONE && (entry->flags & FOLD_IGNORED) && c != 0x200c &&
	       c != 0x200d && !(c >= 0xe0020 && c < 0xe0080);
}

/* The letters of the word, of which there are not more than a syllable has; each with its marks in one character, too. */
static void
read_letters(const struct quick *quick, struct vietnamese_letter letters[VIETNAMESE_LETTERS],
	uint32_t composed[VIETNAMESE_LETTERS])
{
	const char *at = quick->text.ptr + quick->word.at, *end = quick->text.ptr + quick->at;
	size_t count = 0, len;

	for (; at < end && count < VIETNAMESE_LETTERS; at += len) {
		uint32_t c = letter_read(at, end, &len);
		if (c < 0x80) {
			letters[count] = (struct vietnamese_letter){c | 0x20, NULL, 0};
			composed[count++] = c | 0x20;
			continue;
		}
		const struct fold_char *entry = fold_char_of(c);
		uint32_t one = composed_of(entry, c);
		if (is_nothing(entry, c))
			continue;
		letters[count] = (struct vietnamese_letter){one, NULL, 0};
		if (is_two_letters(entry)) {
			one = fold_texts[entry->to];
			letters[count].c = one;
			composed[count++] = one;
			if (count == VIETNAMESE_LETTERS)
				return;
			one = fold_texts[entry->to + 1];
			letters[count] = (struct vietnamese_letter){one, NULL, 0};
		} else if (entry->to_len > 1) {
			letters[count] = (struct vietnamese_letter){fold_texts[entry->to],
				&fold_texts[entry->to + 1], entry->to_len - 1u};
		}
		composed[count++] = one;
	}
}

static inline uint64_t
add_units(uint64_t words, size_t units)
{
	return units < 64 ? ~(~words << units) : UINT64_MAX;
}

/* Vietnamese words keep their marks. */
static void
keep_marks(struct quick *quick)
{
	struct vietnamese_letter letters[VIETNAMESE_LETTERS] = {{0}};
	uint32_t composed[VIETNAMESE_LETTERS] = {0};
	const struct quick_word *word = &quick->word;
	struct fold *fold = quick->fold;

	read_letters(quick, letters, composed);
	if (!vietnamese_syllable(letters, word->letters))
		return;
	/* once more with its marks */
	char *out = fold->ptr + word->out;
	for (size_t i = 0; i < word->letters; i++)
		out = put(out, composed[i]);
	fold->len = (size_t)(out - fold->ptr);
	fold->mark_count = word->marks;
}

/* False when the word needs fold_words.c or fold_join.c. */
static inline bool
end_word(struct quick *quick)
{
	const struct quick_word *word = &quick->word;
	bool mixed = (word->kinds & (word->kinds - 1)) != 0;

	quick->words = add_units(quick->words, word->units);
	quick->blanks = word->units < 64 ? quick->blanks << word->units : 0;
	if (mixed || (word->doubles && word->letters > 1) ||
		(word->units == 1 && fold_may_be_joined(quick->words)))
		return false;
	if (word->marked && !word->foreign && word->letters == word->units &&
		word->letters <= VIETNAMESE_LETTERS)
		keep_marks(quick);
	return true;
}

/* Marks of Vietnamese, as bits from 0x300 on: grave, acute, tilde, hook above, dot below; circumflex, breve, horn, stroke. */
#define MARK_BIT(mark) (UINT64_C(1) << ((mark)-0x300))
#define TONES                                                                                      \
	(MARK_BIT(0x300) | MARK_BIT(0x301) | MARK_BIT(0x303) | MARK_BIT(0x309) | MARK_BIT(0x323))
#define SHAPES (MARK_BIT(0x302) | MARK_BIT(0x306) | MARK_BIT(0x31b) | MARK_BIT(0x335))

static inline void
look_at_mark(struct quick_word *word, uint32_t mark)
{
	uint64_t bit = mark - 0x300 < 64 ? MARK_BIT(mark) : 0;
	bool tone = (bit & TONES) != 0;

	word->foreign = word->foreign || (tone ? word->toned : !(bit & SHAPES));
	word->toned = word->toned || tone;
}

/* A Latin letter that is not ASCII; `one` is what it becomes with its marks. Returns what is behind it. */
static char *
add_latin(struct quick *quick, const struct fold_char *entry, char *out, uint32_t one)
{
	struct quick_word *word = &quick->word;
	const uint32_t *to = &fold_texts[entry->to];
	uint32_t dropped = 0;

	word->doubles = false;
	word->kinds |= 1u << QUICK_LATIN;
	word->letters++;
	word->units++;
	if (entry->to_len == 1)
		return put(out, one);
	if (is_two_letters(entry)) {
		word->letters++;
		word->units++;
		*out++ = (char)to[0];
		*out++ = (char)to[1];
		return out;
	}
	for (size_t i = 1; i < entry->to_len; i++) {
		if (to[i] != 0x307 || (to[0] != 'i' && to[0] != 'j'))
			dropped += fold_mark_number(to[i]);
		look_at_mark(word, to[i]);
	}
	if (dropped)
		fold_add_marks(quick->fold, (size_t)(out - quick->fold->ptr), dropped);
	word->marked = true;
	*out++ = (char)to[0];
	return out;
}

/* A letter or digit that is not ASCII. Returns what is behind it. */
static inline char *
add_letter(struct quick *quick, const struct fold_char *entry, char *out, uint32_t c)
{
	struct quick_word *word = &quick->word;
	enum fold_quick kind = entry->quick & QUICK_KINDS;

	if (kind == QUICK_LATIN)
		return add_latin(quick, entry, out, composed_of(entry, c));
	if (kind != QUICK_WORD) {
		word->doubles = word->doubles && (entry->quick & QUICK_DOUBLE);
		word->kinds |= 1u << kind;
		word->letters++;
	}
	word->units++;
	return put(out, composed_of(entry, c));
}

/* ASCII letters and digits from `at` on; returns what is behind them. */
static inline const char *
read_ascii(struct quick_word *word, const char *at, const char *end, char **out)
{
	const char *start = at;
	char *to = *out;
	size_t letters = 0;
	unsigned char c;

	for (; at < end && (c = ascii_words[(unsigned char)*at]) != 0; at++) {
		*to++ = (char)c;
		letters += c > '9';
	}
	*out = to;
	word->units += (size_t)(at - start);
	if (letters > 0) {
		word->letters += letters;
		word->kinds |= 1u << QUICK_LATIN;
		word->doubles = false;
	}
	return at;
}

/* Letters and digits that are not ASCII from `at` on. Returns what is behind them; *gap is what stands there when that is not
 * ASCII. */
static inline const char *
read_others(struct quick *quick, const char *at, char **out)
{
	const char *end = quick->text.ptr + quick->text.len;

	while (at < end && (unsigned char)*at >= 0x80) {
		size_t len;
		uint32_t c = read_char(at, end, &len);
		const struct fold_char *entry = fold_char_of(c);
		if (is_nothing(entry, c)) {
			at += len;
			continue;
		}
		if (entry->quick <= QUICK_GAP) {
			quick->gap = entry;
			quick->gap_c = c;
			quick->gap_len = len;
			break;
		}
		if (entry->quick == QUICK_WORD && !entry->quick_to && end - at >= 4) {
			memcpy(*out, at, 4); /* of which `len` count */
			*out += len;
			quick->word.units++;
		} else {
			*out = add_letter(quick, entry, *out, c);
		}
		at += len;
	}
	return at;
}

/* The word at quick->at, to its end, of letters and digits of all kinds. False: something else than a gap follows. */
static bool
read_word(struct quick *quick)
{
	struct fold *fold = quick->fold;
	const char *at = quick->text.ptr + quick->at, *end = quick->text.ptr + quick->text.len;
	char *out = fold->ptr + fold->len;

	quick->word = (struct quick_word){
		.at = quick->at, .out = fold->len, .marks = fold->mark_count, .doubles = true};
	quick->gap = NULL;
	do {
		at = read_ascii(&quick->word, at, end, &out);
		at = read_others(quick, at, &out);
	} while (at < end && !quick->gap && ascii_words[(unsigned char)*at]);
	quick->at = (size_t)(at - quick->text.ptr);
	fold->len = (size_t)(out - fold->ptr);
	return !quick->gap || quick->gap->quick == QUICK_GAP;
}

/* The gap that is not ASCII. */
static void
add_gap(struct quick *quick)
{
	struct fold *fold = quick->fold;
	char *out = fold->ptr + fold->len;
	const uint32_t *to = fold_char_text(quick->gap, &quick->gap_c);

	for (size_t i = 0; i < quick->gap->to_len; i++)
		out = put(out, to[i]);
	quick->words <<= quick->gap->to_len;
	quick->blanks <<= quick->gap->to_len;
	fold->len = (size_t)(out - fold->ptr);
	quick->at += quick->gap_len;
}

/* One byte in each of eight. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The first of `left` bytes, eight at most, the first of them lowest; zeros behind. */
static inline uint64_t
load(const char *at, size_t left)
{
	uint64_t x = 0;

	if (left >= 8)
		memcpy(&x, at, 8);
	else
		memcpy(&x, at, left);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

static inline void
store(char *out, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	memcpy(out, &x, 8);
}

/* The top bit of each byte from `first` to `last`; bytes are below 0x80. */
static inline uint64_t
in_range(uint64_t x, unsigned first, unsigned last)
{
	return (x + EIGHT(0x80u - first)) & ~(x + EIGHT(0x7fu - last)) & EIGHT(0x80u);
}

/* The top bits of the bytes as eight bits, that of the first byte highest. */
static inline uint64_t
bits_of(uint64_t tops)
{
	return ((tops >> 7) * UINT64_C(0x8040201008040201)) >> 56;
}

/* ASCII from quick->at on, eight bytes at a time, whatever words are in it. False: something in it has to be looked at by
 * characters. */
static bool
read_plain(struct quick *quick)
{
	struct fold *fold = quick->fold;
	const char *at = quick->text.ptr + quick->at, *end = quick->text.ptr + quick->text.len;
	char *out = fold->ptr + fold->len;
	uint64_t words = quick->words, blanks = quick->blanks;
	size_t count = 8;
	bool plain = true;

	while (count == 8 && at < end) {
		uint64_t x = load(at, (size_t)(end - at)), others = x & EIGHT(0x80u);
		if (end - at < 8)
			count = (size_t)(end - at);
		if (others)
			count = (unsigned)__builtin_ctzll(others) / 8;
		if (count == 0)
			break;
		x &= UINT64_MAX >> (64 - 8 * count);
		uint64_t small = x | in_range(x, 'A', 'Z') >> 2;
		uint64_t in_words = in_range(small, 'a', 'z') | in_range(x, '0', '9');
		words = words << count | bits_of(in_words) >> (8 - count);
		blanks = blanks << count | bits_of(in_range(x, ' ', ' ')) >> (8 - count);
		plain = !fold_may_be_joined(words) && !(blanks & blanks >> 1) &&
			!in_range(x, '\t', '\t');
		if (!plain)
			break;
		store(out, small);
		out += count;
		at += count;
	}
	quick->words = words;
	quick->blanks = blanks;
	quick->at = (size_t)(at - quick->text.ptr);
	fold->len = (size_t)(out - fold->ptr);
	return plain;
}

/* Back to the start of the word of which ASCII letters and digits were read already. */
static void
go_back(struct quick *quick)
{
	size_t units = 0;

	while (quick->at - units > quick->ascii_at &&
		ascii_words[(unsigned char)quick->text.ptr[quick->at - units - 1]])
		units++;
	quick->at -= units;
	quick->fold->len -= units;
	quick->words = units < 64 ? ~(~quick->words >> units) : UINT64_MAX;
	quick->blanks = units < 64 ? quick->blanks >> units : 0;
}

/* Nothing behind here can change what was read. */
static void
note_safe(struct quick *quick)
{
	quick->safe_at = quick->at;
	quick->safe_len = quick->fold->len;
	quick->safe_marks = quick->fold->mark_count;
}

/* The same of the last word of two letters or more in the ASCII before. */
static void
note_safe_before(struct quick *quick)
{
	uint64_t gaps = ~quick->words & quick->words >> 1 & quick->words >> 2; /* behind one */
	size_t back = gaps ? (size_t)__builtin_ctzll(gaps) + 1 : 0;

	if (back == 0 || back >= quick->at - quick->ascii_at)
		return;
	note_safe(quick);
	quick->safe_at -= back;
	quick->safe_len -= back;
}

/* Back to the last end of a word that nothing behind it can change. */
static void
go_back_to_safe(struct quick *quick)
{
	struct fold *fold = quick->fold;
	size_t safe = fold_safe_point(quick->text.ptr, quick->ascii_at, quick->at);

	if (safe > quick->ascii_at) {
		fold->len -= quick->at - safe;
		quick->at = safe;
		return;
	}
	quick->at = quick->safe_at;
	fold->len = quick->safe_len;
	fold->mark_count = quick->safe_marks;
}

/* The word that is not, or not wholly, ASCII, and what follows it if that is not. */
static bool
read_other(struct quick *quick)
{
	go_back(quick);
	note_safe_before(quick);
	if (!read_word(quick) || !end_word(quick)) {
		quick->at = quick->word.at;
		quick->fold->len = quick->word.out;
		quick->fold->mark_count = quick->word.marks;
		return false;
	}
	if (quick->word.units >= 2)
		note_safe(quick);
	if (quick->gap)
		add_gap(quick);
	quick->ascii_at = quick->at;
	return true;
}

bool
fold_quickly(struct fold *fold, struct str text, size_t *at)
{
	struct quick quick = {.fold = fold,
		.text = text,
		.at = *at,
		.ascii_at = *at,
		.words = *at > 0 ? UINT64_MAX : UINT64_MAX << 1};
	bool quickly = true;

	note_safe(&quick);
	while (quickly && quick.at < text.len)
		quickly = read_plain(&quick) && (quick.at == text.len || read_other(&quick));
	if (!quickly)
		go_back_to_safe(&quick);
	*at = quick.at;
	return quickly;
}
