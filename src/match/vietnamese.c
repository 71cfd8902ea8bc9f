/* SPDX-License-Identifier: MIT */
/* The onsets and rimes of Vietnamese, and the check of a word against them. */
#include "vietnamese.h"

#include <string.h>

#include "attr.h"

/* Letters with shapes as one byte each: A ă, B â, E ê, O ô, P ơ, U ư, D đ. */
static const char *const onsets[] = {"", "b", "c", "ch", "d", "D", "g", "gh", "gi", "h", "k", "kh",
	"l", "m", "n", "ng", "ngh", "nh", "p", "ph", "qu", "r", "s", "t", "th", "tr", "v", "x"};

/* In byte order. Each begins with a vowel. */
static const char *const rimes[] = {"Ac", "Am", "An", "Ang", "Ap", "At", "Bc", "Bm", "Bn", "Bng",
	"Bp", "Bt", "Bu", "By", "E", "Ec", "Ech", "Em", "En", "Enh", "Ep", "Et", "Eu", "O", "Oc",
	"Oi", "Om", "On", "Ong", "Op", "Ot", "P", "Pi", "Pm", "Pn", "Pp", "Pt", "U", "UPc", "UPi",
	"UPm", "UPn", "UPng", "UPp", "UPt", "UPu", "Ua", "Uc", "Ui", "Um", "Un", "Ung", "Ut", "Uu",
	"a", "ac", "ach", "ai", "am", "an", "ang", "anh", "ao", "ap", "at", "au", "ay", "e", "ec",
	"em", "en", "eng", "eo", "ep", "et", "i", "iEc", "iEm", "iEn", "iEng", "iEp", "iEt", "iEu",
	"ia", "ich", "im", "in", "inh", "ip", "it", "iu", "o", "oAc", "oAm", "oAn", "oAng", "oAt",
	"oa", "oac", "oach", "oai", "oam", "oan", "oang", "oanh", "oao", "oap", "oat", "oay", "oc",
	"oe", "oen", "oeo", "oet", "oi", "om", "on", "ong", "ooc", "oong", "op", "ot", "u", "uBn",
	"uBng", "uBt", "uBy", "uE", "uEch", "uEnh", "uOc", "uOi", "uOm", "uOn", "uOng", "uOt", "uP",
	"ua", "uc", "ui", "um", "un", "ung", "up", "ut", "uy", "uyEn", "uyEt", "uya", "uych",
	"uynh", "uyt", "uyu", "y", "yEm", "yEn", "yEng", "yEt", "yEu", "ych", "ynh", "yt"};

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
	return c && strchr("aeiouyABEOPU", c);
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
	char text[VIETNAMESE_LETTERS + 1];
	uint32_t tone;  /* 0: none */
	size_t tone_at; /* letter */
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

static bool
is_rime(const char *text, uint32_t tone)
{
	size_t low = 0, high = is_vowel(*text) ? COUNT_OF(rimes) : 0, len = strlen(text);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(rimes[middle], text);
		if (order == 0) {
			bool stopped = strchr("cpt", text[len - 1]) ||
				       (len > 1 && strcmp(text + len - 2, "ch") == 0);
			return !stopped || is_stopped_tone(tone);
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
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
		size_t len = strlen(onsets[i]);
		if (strncmp(syllable.text, onsets[i], len) != 0)
			continue;
		const char *rime = syllable.text + len;
		/* "gì" is g and i; "qu" and "gi" lend their vowel to no tone */
		if (strcmp(onsets[i], "gi") == 0 && (*rime == '\0' || *rime == 'E'))
			rime--;
		bool tone_fits =
			!syllable.tone || syllable.tone_at >= (size_t)(rime - syllable.text);
		if (tone_fits && is_rime(rime, syllable.tone))
			return true;
	}
	return false;
}
