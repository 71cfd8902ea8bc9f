/* SPDX-License-Identifier: MIT */
/* Writes the table that folding reads (src/match/fold_table.h), from ICU's Unicode data. Runs at build time only. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/uloc.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>

#include "fold_types.h"

#define POINTS   0x110000
#define TO_MAX   32 /* code points that one becomes; the longest are 18 */
#define SHIFT    FOLD_SHIFT
#define BLOCK    (1 << SHIFT)
#define BLOCKS   (POINTS >> SHIFT)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const UNormalizer2 *casefold, *nfd, *nfc;
static USpoofChecker *spoof;

static struct fold_char chars[0x8000];
static size_t char_count;
static uint32_t texts[0x10000];
static size_t text_count = 1; /* index 0: the character itself */
static uint16_t stage1[BLOCKS], stage2[POINTS];
static size_t stage2_count;

static void
check(UErrorCode status, const char *what)
{
	if (U_SUCCESS(status))
		return;
	fprintf(stderr, "fold_table: %s: %s\n", what, u_errorName(status));
	exit(1);
}

/* Letters that Unicode gives no decomposition to, or one that hides the letter: runs from first on of A, B, C, … */
static const struct {
	uint32_t first;
	const char *letters;
} styled[] = {
	{0x249c, "abcdefghijklmnopqrstuvwxyz"},  /* parenthesized */
	{0x1f110, "abcdefghijklmnopqrstuvwxyz"}, /* parenthesized capitals */
	{0x1f150, "abcdefghijklmnopqrstuvwxyz"}, /* negative circled */
	{0x1f170, "abcdefghijklmnopqrstuvwxyz"}, /* negative squared */
	{0x1d00, "a"}, {0x1d04, "cde"}, {0x1d0a, "jk"}, {0x1d0d, "m"}, {0x1d0f, "o"}, {0x1d18, "p"},
	{0x1d1b, "tu"}, {0x1d20, "vwz"}, /* small capitals */
	{0x299, "b"}, {0x262, "g"}, {0x29c, "h"}, {0x26a, "i"}, {0x29f, "l"}, {0x274, "n"},
	{0x280, "r"}, {0x28f, "y"}, {0xa730, "fs"}, {0xa7af, "q"}, {0x2019, "'"}, {0x2bc, "'"},
	{0xb4, "'"}, /* apostrophes */
};

/* Letters that stand for Latin ones in words that mix scripts, although they are no exact doubles. */
static const struct {
	uint32_t c;
	char letter;
} in_mixed[] = {
	{0x432, 'b'},
	{0x43a, 'k'},
	{0x43c, 'm'},
	{0x43d, 'h'},
	{0x442, 't'},
	{0x3b2, 'b'},
	{0x3b5, 'e'},
	{0x3ba, 'k'},
	{0x3bc, 'u'},
	{0x3c4, 't'},
	{0x3c7, 'x'},
	{0x3c9, 'w'},
	{0x3b7, 'n'},
	{0x454, 'e'},
	{0x44f, 'r'},
	{0x438, 'u'},
};

/* Scripts with look-alikes of Latin letters; left to right, and written with blanks between words. */
static bool
may_look_alike(UScriptCode script)
{
	static const UScriptCode scripts[] = {USCRIPT_LATIN, USCRIPT_GREEK, USCRIPT_CYRILLIC,
		USCRIPT_ARMENIAN, USCRIPT_CHEROKEE, USCRIPT_COPTIC, USCRIPT_LISU,
		USCRIPT_CANADIAN_ABORIGINAL, USCRIPT_DESERET, USCRIPT_GOTHIC, USCRIPT_OLD_ITALIC,
		USCRIPT_CARIAN, USCRIPT_LYCIAN, USCRIPT_LYDIAN, USCRIPT_OSAGE, USCRIPT_GLAGOLITIC,
		USCRIPT_TIFINAGH, USCRIPT_VAI, USCRIPT_WARANG_CITI, USCRIPT_BASSA_VAH, USCRIPT_MIAO,
		USCRIPT_RUNIC, USCRIPT_GEORGIAN, USCRIPT_ELBASAN, USCRIPT_CAUCASIAN_ALBANIAN,
		USCRIPT_OLD_PERMIC};

	for (size_t i = 0; i < COUNT(scripts); i++) {
		if (scripts[i] == script)
			return true;
	}
	return false;
}

/* Scripts in which ZWJ and ZWNJ change how a word is spelled. */
static bool
uses_joiners(UScriptCode script)
{
	static const UScriptCode scripts[] = {USCRIPT_ARABIC, USCRIPT_SYRIAC, USCRIPT_MONGOLIAN,
		USCRIPT_NKO, USCRIPT_DEVANAGARI, USCRIPT_BENGALI, USCRIPT_GURMUKHI,
		USCRIPT_GUJARATI, USCRIPT_ORIYA, USCRIPT_TAMIL, USCRIPT_TELUGU, USCRIPT_KANNADA,
		USCRIPT_MALAYALAM, USCRIPT_SINHALA, USCRIPT_MYANMAR, USCRIPT_KHMER, USCRIPT_TIBETAN,
		USCRIPT_ADLAM, USCRIPT_HANIFI_ROHINGYA, USCRIPT_MANICHAEAN};

	for (size_t i = 0; i < COUNT(scripts); i++) {
		if (scripts[i] == script)
			return true;
	}
	return false;
}

static uint8_t
script_of(uint32_t c)
{
	UErrorCode status = U_ZERO_ERROR;
	UScriptCode script = uscript_getScript((UChar32)c, &status);

	switch (script) {
	case USCRIPT_LATIN:
		return FOLD_LATIN;
	case USCRIPT_GREEK:
		return FOLD_GREEK;
	case USCRIPT_CYRILLIC:
		return FOLD_CYRILLIC;
	default:
		if (may_look_alike(script))
			return FOLD_ALPHABET;
		return uses_joiners(script) ? FOLD_JOINING : FOLD_OTHER;
	}
}

/* The skeleton of one character (UTS 39): how many code points. */
static int32_t
skeleton(uint32_t c, uint32_t out[TO_MAX])
{
	UErrorCode status = U_ZERO_ERROR;
	UChar in[2], units[TO_MAX];
	int32_t len = 0, count = 0;

	U16_APPEND_UNSAFE(in, len, c);
	int32_t got = uspoof_getSkeleton(spoof, 0, in, len, units, TO_MAX, &status);
	check(status, "skeleton");
	for (int32_t i = 0; i < got;) {
		UChar32 point;
		U16_NEXT(units, i, got, point);
		out[count++] = (uint32_t)point;
	}
	return count;
}

static bool
is_ascii_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_mark(uint32_t c)
{
	return (U_GET_GC_MASK((UChar32)c) & U_GC_M_MASK) != 0;
}

/* The ASCII letter that the skeleton of `c` is, perhaps with marks; 0: none. *marks: how many. */
static char
ascii_skeleton(uint32_t c, int32_t *marks)
{
	uint32_t out[TO_MAX];
	int32_t count = skeleton(c, out);

	*marks = 0;
	if (count == 2 && out[0] == 'r' && out[1] == 'n')
		return 'm'; /* the skeleton of m itself */
	if (count < 1 || !is_ascii_letter(out[0]))
		return 0;
	for (int32_t i = 1; i < count; i++) {
		if (!is_mark(out[i]))
			return 0;
	}
	*marks = count - 1;
	return (char)(out[0] | 0x20);
}

/* The look-alike of a small letter: never of the Turkish i, which is a letter of its own. */
static char
small_look(uint32_t c)
{
	int32_t marks;

	if (c < 0x80 || c == 0x131 || !u_isalpha((UChar32)c) || script_of(c) > FOLD_ALPHABET)
		return 0;
	return ascii_skeleton(c, &marks);
}

static char
mixed_look(uint32_t c, uint32_t small)
{
	int32_t marks;

	if (c < 0x80 || c == 0x131 || c == 0x130 || !u_isalpha((UChar32)c) ||
		script_of(c) > FOLD_ALPHABET)
		return 0;
	char look = ascii_skeleton(c, &marks), look_small = small_look(small);
	if (look == 'l' && c != small) /* capital I and small l are one to Unicode */
		look = look_small ? look_small : 'i';
	if (!look)
		look = look_small;
	for (size_t i = 0; !look && i < COUNT(in_mixed); i++) {
		if (in_mixed[i].c == small)
			look = in_mixed[i].letter;
	}
	return look;
}

/* The letter that a styled one stands for; 0: it is none. */
static uint32_t
unstyled(uint32_t c)
{
	for (size_t i = 0; i < COUNT(styled); i++) {
		if (c >= styled[i].first && c < styled[i].first + strlen(styled[i].letters))
			return (unsigned char)styled[i].letters[c - styled[i].first];
	}
	return 0;
}

/* Adds `c`, which is folded and decomposed already. */
static int32_t
add_point(uint32_t c, uint32_t out[TO_MAX], int32_t count)
{
	uint32_t plain = unstyled(c), letters[TO_MAX];
	int32_t marks = 0, more = 1;

	letters[0] = plain ? plain : c;
	/* Letters with a stroke or a hook are letters with a mark, as others decompose. */
	if (!plain && c >= 0x80 && c != 0x131 && script_of(c) == FOLD_LATIN &&
		ascii_skeleton(c, &marks) && marks > 0) {
		more = skeleton(c, letters);
		letters[0] |= 0x20;
	}
	if (count + more > TO_MAX)
		check(U_BUFFER_OVERFLOW_ERROR, "fold");
	memcpy(out + count, letters, (size_t)more * sizeof(*out));
	return count + more;
}

/* What `c` becomes, decomposed, before anything is looked at around it. */
static int32_t
fold(uint32_t c, uint32_t out[TO_MAX])
{
	UErrorCode status = U_ZERO_ERROR;
	UChar in[2], folded[TO_MAX * 2], units[TO_MAX * 2];
	int32_t len = 0, count = 0;

	if (unstyled(c) || (c >= 0xac00 && c <= 0xd7a3)) /* Hangul is composed by arithmetic */
		return add_point(c, out, 0);
	U16_APPEND_UNSAFE(in, len, c);
	len = unorm2_normalize(casefold, in, len, folded, COUNT(folded), &status);
	len = unorm2_normalize(nfd, folded, len, units, COUNT(units), &status);
	check(status, "normalize");
	for (int32_t i = 0; i < len;) {
		UChar32 point;
		U16_NEXT(units, i, len, point);
		count = add_point((uint32_t)point, out, count);
	}
	return count;
}

static uint8_t
word_class(uint32_t c)
{
	switch ((UWordBreakValues)u_getIntPropertyValue((UChar32)c, UCHAR_WORD_BREAK)) {
	case U_WB_ALETTER:
		return WORD_LETTER;
	case U_WB_HEBREW_LETTER:
		return WORD_HEBREW;
	case U_WB_NUMERIC:
		return WORD_DIGIT;
	case U_WB_KATAKANA:
		return WORD_KATAKANA;
	case U_WB_EXTENDNUMLET:
		return WORD_LOW_LINE;
	case U_WB_EXTEND:
	case U_WB_FORMAT:
		return WORD_EXTEND;
	case U_WB_ZWJ:
		return WORD_ZWJ;
	case U_WB_MIDLETTER:
		return WORD_MID_LETTER;
	case U_WB_MIDNUM:
		return WORD_MID_NUM;
	case U_WB_MIDNUMLET:
		return WORD_MID_BOTH;
	case U_WB_SINGLE_QUOTE:
		return WORD_QUOTE;
	case U_WB_DOUBLE_QUOTE:
		return WORD_DOUBLE_QUOTE;
	case U_WB_REGIONAL_INDICATOR:
		return WORD_REGION;
	case U_WB_CR:
	case U_WB_LF:
	case U_WB_NEWLINE:
		return WORD_NEWLINE;
	default:
		return WORD_OTHER;
	}
}

static uint8_t
flags_of(uint32_t c, int32_t to_len)
{
	uint32_t mask = U_GET_GC_MASK((UChar32)c);
	uint8_t flags = 0;

	if (mask & U_GC_M_MASK)
		flags |= FOLD_MARK;
	if (mask & U_GC_L_MASK)
		flags |= FOLD_LETTER;
	if (mask & U_GC_ND_MASK)
		flags |= FOLD_DIGIT;
	if (to_len == 0)
		flags |= FOLD_IGNORED;
	if (c >= 0x80 && u_hasBinaryProperty((UChar32)c, UCHAR_EXTENDED_PICTOGRAPHIC))
		flags |= FOLD_PICTURE;
	if (u_hasBinaryProperty((UChar32)c, UCHAR_EMOJI_MODIFIER))
		flags |= FOLD_MODIFIER;
	return flags;
}

/* Where the code points stand in texts, added when they do not yet. */
static uint16_t
add_text(const uint32_t *to, int32_t len)
{
	for (size_t i = 1; i + (size_t)len <= text_count; i++) {
		if (memcmp(texts + i, to, (size_t)len * sizeof(*to)) == 0)
			return (uint16_t)i;
	}
	if (text_count + (size_t)len > COUNT(texts))
		check(U_BUFFER_OVERFLOW_ERROR, "texts");
	memcpy(texts + text_count, to, (size_t)len * sizeof(*to));
	text_count += (size_t)len;
	return (uint16_t)(text_count - (size_t)len);
}

static uint16_t
add_char(const struct fold_char *c)
{
	for (size_t i = 0; i < char_count; i++) {
		if (memcmp(&chars[i], c, sizeof(*c)) == 0)
			return (uint16_t)i;
	}
	if (char_count == COUNT(chars))
		check(U_BUFFER_OVERFLOW_ERROR, "chars");
	chars[char_count] = *c;
	return (uint16_t)char_count++;
}

/* What is known of a character but where its texts stand. */
static struct fold_char
describe(uint32_t c, const uint32_t *to, int32_t len)
{
	struct fold_char entry;

	memset(&entry, 0, sizeof(entry));
	entry.word = word_class(c);
	entry.script = script_of(c);
	entry.flags = flags_of(c, len);
	entry.ccc = (uint8_t)u_getCombiningClass((UChar32)c);
	entry.to_len = (uint8_t)len;
	if (len >= 1) {
		bool single = len == 1 || is_mark(to[1]);
		entry.look = single && to[0] >= 0x80 ? (uint8_t)mixed_look(c, to[0]) : 0;
		entry.small_look = len == 1 ? (uint8_t)small_look(to[0]) : 0;
		/* phonetic and other doubles of Latin letters are as foreign as a Cyrillic one */
		if (entry.small_look && entry.script == FOLD_LATIN)
			entry.script = FOLD_ALPHABET;
	}
	return entry;
}

static bool
is_small_ascii(uint32_t c)
{
	return c >= 'a' && c <= 'z';
}

/* ---- quick: nothing but the word that the character stands in has to be known ---- */

/* All of what it becomes are ASCII signs. */
static bool
is_signs(const uint32_t *to, int32_t len)
{
	for (int32_t i = 0; i < len; i++) {
		if (to[i] <= ' ' || to[i] >= 0x7f || is_ascii_letter(to[i]) ||
			(to[i] >= '0' && to[i] <= '9'))
			return false;
	}
	return len > 0;
}

/* The base with its marks as one character; 0: there is none. */
static uint32_t
composed(const uint32_t *to, int32_t len)
{
	uint32_t c = to[0];

	for (int32_t i = 1; i < len; i++) {
		UChar32 pair = unorm2_composePair(nfc, (UChar32)c, (UChar32)to[i]);
		bool stroke = c == 'd' &&
			      to[i] == 0x335; /* Unicode does not decompose the Vietnamese letter */
		if (pair < 0 && !stroke)
			return 0;
		c = stroke ? 0x111 : (uint32_t)pair;
	}
	return c;
}

/* The kind of a base letter without marks, or with marks that stay. */
static uint8_t
quick_base(const struct fold_char *base)
{
	if (!(base->flags & (FOLD_LETTER | FOLD_DIGIT)))
		return QUICK_GAP;
	if (!(base->flags & FOLD_LETTER) || base->script > FOLD_ALPHABET)
		return QUICK_WORD;
	if (base->script == FOLD_GREEK || base->script == FOLD_CYRILLIC)
		return (uint8_t)((base->script == FOLD_GREEK ? QUICK_GREEK : QUICK_CYRILLIC) |
				 (base->small_look ? QUICK_DOUBLE : 0));
	return base->script == FOLD_LATIN ? QUICK_LATIN : QUICK_NONE;
}

/* A letter with marks, as fold_flush.c treats it; *one is what it becomes, of Latin letters in Vietnamese words. */
static uint8_t
quick_marked(const struct fold_char *base, const uint32_t *to, int32_t len, uint32_t *one)
{
	bool cyrillic = len == 2 && ((to[1] == 0x306 && (to[0] == 0x438 || to[0] == 0x443)) ||
					    (to[1] == 0x308 && to[0] == 0x456));

	for (int32_t i = 1; i < len; i++) {
		if (!is_mark(to[i]))
			return QUICK_NONE;
	}
	*one = composed(to, len);
	if (!(base->flags & FOLD_LETTER))
		return QUICK_NONE;
	if (is_small_ascii(to[0])) {
		if (!*one)
			*one = to[0];
		return QUICK_LATIN;
	}
	if (base->script == FOLD_LATIN || base->script == FOLD_ALPHABET)
		return QUICK_NONE;
	if (base->script < FOLD_ALPHABET && !cyrillic)
		*one = to[0];
	return *one ? quick_base(base) : QUICK_NONE;
}

static int32_t
utf8_len(uint32_t c)
{
	return U8_LENGTH(c);
}

/* Sets entry->quick and quick_to. */
static void
find_quick(struct fold_char *entry, uint32_t c, const uint32_t *to, int32_t len)
{
	uint32_t base_to[TO_MAX], one = to[0];

	if (c < 0x80 || len == 0 || len > 3 || (entry->flags & (FOLD_MARK | FOLD_IGNORED)) ||
		(c >= 0x1100 && c < 0x1200) || (c >= 0x1f1e6 && c <= 0x1f1ff))
		return;
	if (is_signs(to, len)) {
		entry->quick = len <= utf8_len(c) ? QUICK_GAP : QUICK_NONE;
		return;
	}
	struct fold_char base = describe(to[0], base_to, fold(to[0], base_to));
	if ((base.flags & (FOLD_MARK | FOLD_IGNORED)) || (to[0] >= 0x1100 && to[0] < 0x1200) ||
		to[0] <= ' ')
		return;
	if (len == 2 && is_small_ascii(to[0]) && is_small_ascii(to[1]))
		entry->quick = QUICK_LATIN; /* as in Straße */
	else if (len > 1)
		entry->quick = quick_marked(&base, to, len, &one);
	else if (to[0] >= 0x80)
		entry->quick = quick_base(&base);
	if (len == 2 && entry->quick == QUICK_LATIN && !is_mark(to[1]))
		one = 0;
	if (utf8_len(one) > utf8_len(c))
		entry->quick = QUICK_NONE;
	if (entry->quick && one && one != c)
		entry->quick_to = add_text(&one, 1);
}

static uint16_t
char_of(uint32_t c)
{
	uint32_t to[TO_MAX];
	int32_t len = fold(c, to);
	struct fold_char entry = describe(c, to, len);

	if (len != 1 || to[0] != c)
		entry.to = len > 0 ? add_text(to, len) : 0;
	find_quick(&entry, c, to, len);
	return add_char(&entry);
}

static void
make_stages(void)
{
	static uint16_t block[BLOCK];

	for (uint32_t b = 0; b < BLOCKS; b++) {
		for (uint32_t i = 0; i < BLOCK; i++) {
			uint32_t c = b * BLOCK + i;
			block[i] = c >= 0xd800 && c < 0xe000 ? block[0] : char_of(c);
		}
		size_t at = 0;
		while (at < stage2_count && memcmp(stage2 + at, block, sizeof(block)) != 0)
			at += BLOCK;
		if (at == stage2_count) {
			memcpy(stage2 + at, block, sizeof(block));
			stage2_count += BLOCK;
		}
		stage1[b] = (uint16_t)(at >> SHIFT);
	}
}

static int
compare_pairs(const void *left, const void *right)
{
	const struct fold_pair *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->second < b->second ? -1 : a->second > b->second;
}

/* The pair that composes to `c`; false when none does. */
static bool
pair_of(UChar32 c, struct fold_pair *pair)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar raw[TO_MAX];
	UChar32 first, second;
	int32_t i = 0, len = unorm2_getRawDecomposition(nfc, c, raw, TO_MAX, &status);

	if (len <= 0 || (c >= 0xac00 && c <= 0xd7a3))
		return false;
	U16_NEXT(raw, i, len, first);
	if (i == len)
		return false;
	U16_NEXT(raw, i, len, second);
	*pair = (struct fold_pair){(uint32_t)first, (uint32_t)second, (uint32_t)c};
	return unorm2_composePair(nfc, first, second) ==
	       c; /* not when it is excluded from composition */
}

static size_t
put_pairs(FILE *out)
{
	static struct fold_pair pairs[0x1000];
	size_t count = 0;

	for (UChar32 c = 0; c < POINTS; c++)
		count += pair_of(c, &pairs[count]);
	qsort(pairs, count, sizeof(pairs[0]), compare_pairs);
	fprintf(out, "static const struct fold_pair fold_pairs[] = {\n");
	for (size_t i = 0; i < count; i++)
		fprintf(out, "{0x%x,0x%x,0x%x},\n", pairs[i].first, pairs[i].second,
			pairs[i].composed);
	fprintf(out, "};\n");
	return count;
}

/* One word for each first letter of a region's code: a bit for each second one. */
static void
put_regions(FILE *out)
{
	uint32_t regions[26] = {0};

	for (const char *const *code = uloc_getISOCountries(); *code; code++)
		regions[(*code)[0] - 'A'] |= UINT32_C(1) << ((*code)[1] - 'A');
	/* flags that are no countries: EU, UN, XK, and those of islands */
	for (const char *more = "EUUNXKACCPDGEAICTA"; *more; more += 2)
		regions[more[0] - 'A'] |= UINT32_C(1) << (more[1] - 'A');
	fprintf(out, "static const uint32_t fold_regions[26] = {\n");
	for (int i = 0; i < 26; i++)
		fprintf(out, "0x%x,", regions[i]);
	fprintf(out, "\n};\n");
}

static void
put_numbers(FILE *out, const char *name, const uint16_t *list, size_t count)
{
	fprintf(out, "const uint16_t %s[] = {\n", name);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%u%s", list[i], i % 24 == 23 ? ",\n" : ",");
	fprintf(out, "\n};\n");
}

static void
put_table(FILE *out)
{
	fprintf(out, "/* Written by tools/fold_table.c from the data of ICU " U_ICU_VERSION
		     ", Unicode " U_UNICODE_VERSION ". */\n");
	fprintf(out, "const struct fold_char fold_chars[] = {\n");
	for (size_t i = 0; i < char_count; i++) {
		const struct fold_char *c = &chars[i];
		fprintf(out, "{%u,%u,%u,%u,%u,%u,%u,%u,%u,%u},\n", c->to, c->quick_to, c->to_len,
			c->word, c->script, c->flags, c->look, c->small_look, c->ccc, c->quick);
	}
	fprintf(out, "};\nconst uint32_t fold_texts[] = {\n");
	for (size_t i = 0; i < text_count; i++)
		fprintf(out, "0x%x%s", texts[i], i % 16 == 15 ? ",\n" : ",");
	fprintf(out, "\n};\n");
	put_numbers(out, "fold_stage1", stage1, BLOCKS);
	put_numbers(out, "fold_stage2", stage2, stage2_count);
	put_regions(out);
	size_t pairs = put_pairs(out);
	size_t size = char_count * sizeof(struct fold_char) + text_count * sizeof(*texts) +
		      sizeof(stage1) + stage2_count * sizeof(*stage2) +
		      pairs * sizeof(struct fold_pair);
	fprintf(out,
		"/* %zu bytes: %zu characters, %zu code points of texts, %zu blocks, %zu pairs */\n",
		size, char_count, text_count, stage2_count >> SHIFT, pairs);
}

int
main(int argc, char **argv)
{
	UErrorCode status = U_ZERO_ERROR;

	casefold = unorm2_getNFKCCasefoldInstance(&status);
	nfd = unorm2_getNFDInstance(&status);
	nfc = unorm2_getNFCInstance(&status);
	spoof = uspoof_open(&status);
	check(status, "ICU's data");
	FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;
	if (!out) {
		fprintf(stderr, "usage: fold_table OUTPUT\n");
		return 2;
	}
	make_stages();
	put_table(out);
	uspoof_close(spoof);
	return fclose(out) == 0 ? 0 : 1;
}
