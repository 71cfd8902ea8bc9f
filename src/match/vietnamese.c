/* SPDX-License-Identifier: MIT */
/* The onsets and rimes of Vietnamese, and the check of a word against them. */
#include "vietnamese.h"

#include <string.h>

#include "attr.h"

/* Letters with shapes as one byte each: A ă, B â, E ê, O ô, P ơ, U ư, D đ. */
static const char onsets[][4] = {"", "b", "c", "ch", "d", "D", "g", "gh", "gi", "h", "k", "kh", "l",
	"m", "n", "ng", "ngh", "nh", "p", "ph", "qu", "r", "s", "t", "th", "tr", "v", "x"};

/* In byte order, with zeros behind. Each begins with a vowel. */
static const char rimes[][8] = {"Ac", "Am", "An", "Ang", "Ap", "At", "Bc", "Bm", "Bn", "Bng", "Bp",
	"Bt", "Bu", "By", "E", "Ec", "Ech", "Em", "En", "Enh", "Ep", "Et", "Eu", "O", "Oc", "Oi",
	"Om", "On", "Ong", "Op", "Ot", "P", "Pi", "Pm", "Pn", "Pp", "Pt", "U", "UPc", "UPi", "UPm",
	"UPn", "UPng", "UPp", "UPt", "UPu", "Ua", "Uc", "Ui", "Um", "Un", "Ung", "Ut", "Uu", "a",
	"ac", "ach", "ai", "am", "an", "ang", "anh", "ao", "ap", "at", "au", "ay", "e", "ec", "em",
	"en", "eng", "eo", "ep", "et", "i", "iEc", "iEm", "iEn", "iEng", "iEp", "iEt", "iEu", "ia",
	"ich", "im", "in", "inh", "ip", "it", "iu", "o", "oAc", "oAm", "oAn", "oAng", "oAt", "oa",
	"oac", "oach", "oai", "oam", "oan", "oang", "oanh", "oao", "oap", "oat", "oay", "oc", "oe",
	"oen", "oeo", "oet", "oi", "om", "on", "ong", "ooc", "oong", "op", "ot", "u", "uBn", "uBng",
	"uBt", "uBy", "uE", "uEch", "uEnh", "uOc", "uOi", "uOm", "uOn", "uOng", "uOt", "uP", "ua",
	"uc", "ui", "um", "un", "ung", "up", "ut", "uy", "uyEn", "uyEt", "uya", "uych", "uynh",
	"uyt", "uyu", "y", "yEm", "yEn", "yEng", "yEt", "yEu", "ych", "ynh", "yt"};

/* The byte for a letter with that shape mark; 0: there is no such letter. */
static char
shaped(char letter, uint32_t mark)
{
	switch (mark) {
	case 0x302: /* circumflex */
		return letter == 'a' ? 'B' : letter == 'e' ? 'E' : letter == 'o' ? 'O' : '\0';
	case 0x306: /* breve */
		return letter == 'a' ? 'A' : '\0';
	case 0x31b: /* horn */
		return letter == 'o' ? 'P' : letter == 'u' ? 'U' : '\0';
	case 0x335: /* stroke */
		return letter == 'd' ? 'D' : '\0';
	default:
		return '\0';
	}
}

static bool
is_vowel(char c)
{
	switch (c) {
	case 'a':
	case 'e':
	case 'i':
	case 'o':
	case 'u':
	case 'y':
	case 'A':
	case 'B':
	case 'E':
	case 'O':
	case 'P':
	case 'U':
		return true;
	default:
		return false;
	}
}

static bool
is_tone(uint32_t mark)
{
	return mark == 0x300 || mark == 0x301 || mark == 0x303 || mark == 0x309 || mark == 0x323;
}

/* The tones that syllables which end in c, ch, p or t have. */
static bool
is_stopped_tone(uint32_t mark)
{
	return mark == 0 || mark == 0x301 || mark == 0x323;
}

struct syllable {
	char text[VIETNAMESE_LETTERS + 1]; /* zeros behind */
	uint32_t tone;                     /* 0: none */
	size_t tone_at;                    /* letter */
	bool marked;
};

/* One letter with its marks, in whatever order; false when it is none of Vietnamese. */
static bool
read_letter(struct syllable *syllable, size_t at, const struct vietnamese_letter *letter)
{
	if (letter->c >= 0x80 || letter->c < 'a' || letter->c > 'z')
		return false;
	char *c = &syllable->text[at];
	*c = (char)letter->c;
	for (size_t i = 0; i < letter->mark_count; i++) {
		uint32_t mark = letter->marks[i];
		syllable->marked = true;
		if (!is_tone(mark)) {
			*c = shaped(*c, mark);
			if (!*c)
				return false;
		} else if (syllable->tone || !is_vowel(*c)) {
			return false;
		} else {
			syllable->tone = mark;
			syllable->tone_at = at;
		}
	}
	return true;
}

/* Eight bytes as a number that is ordered as they are. */
static uint64_t
as_number(const char bytes[8])
{
	uint64_t number;

	memcpy(&number, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	number = __builtin_bswap64(number);
#endif
	return number;
}

/* `text`: the rime, and zeros. */
static bool
is_rime(uint64_t text)
{
	size_t low = 0, high = COUNT_OF(rimes);

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint64_t rime = as_number(rimes[middle]);
		if (rime == text)
			return true;
		if (rime < text)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Ends in c, ch, p or t. */
static bool
is_stopped(const struct syllable *syllable, size_t len)
{
	char last = syllable->text[len - 1];

	return last == 'c' || last == 'p' || last == 't' ||
	       (last == 'h' && len > 1 && syllable->text[len - 2] == 'c');
}

/* The rime begins at `at`. */
static bool
has_rime(const struct syllable *syllable, size_t at, size_t len)
{
	return at < len && is_vowel(syllable->text[at]) &&
	       (!syllable->tone || syllable->tone_at >= at) &&
	       is_rime(as_number(syllable->text) << 8 * at) &&
	       (!is_stopped(syllable, len) || is_stopped_tone(syllable->tone));
}

/* Bytes of the onset if the syllable begins with it, and -1 if it does not. */
static int
onset_len(const char *onset, const char *text)
{
	int len = 0;

	for (; onset[len]; len++) {
		if (onset[len] != text[len])
			return -1;
	}
	return len;
}

bool
vietnamese_syllable(const struct vietnamese_letter *letters, size_t count)
{
	struct syllable syllable = {0};

	if (count == 0 || count > VIETNAMESE_LETTERS)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!read_letter(&syllable, i, &letters[i]))
			return false;
	}
	for (size_t i = 0; syllable.marked && i < COUNT_OF(onsets); i++) {
		if (onsets[i][0] && onsets[i][0] != syllable.text[0])
			continue; /* nearly all */
		int len = onset_len(onsets[i], syllable.text);
		if (len < 0)
			continue;
		size_t rime = (size_t)len;
		/* "gì" is g and i; "qu" and "gi" lend their vowel to no tone */
		if (onsets[i][0] == 'g' && onsets[i][1] == 'i' &&
			(syllable.text[rime] == '\0' || syllable.text[rime] == 'E'))
			rime--;
		if (has_rime(&syllable, rime, count))
			return true;
	}
	return false;
}
