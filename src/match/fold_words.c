/* SPDX-License-Identifier: MIT */
/* What is decided word by word: which letters are look-alikes, and which marks are part of the spelling. */
#include "attr.h"
#include "fold_parts.h"
#include "vietnamese.h"

/* A run of letters and digits, without the units that are skipped. */
struct word {
	struct folder *folder;
	size_t start, end; /* units */
	size_t letters;
	unsigned scripts; /* a bit each */
	bool ascii;       /* has an ASCII letter */
	bool doubles;     /* all letters look like small ASCII ones */
	bool marks;
};

static void
look_at(struct word *word)
{
	word->doubles = true;
	for (size_t i = word->start; i < word->end; i++) {
		const struct unit *unit = &word->folder->units[i];
		if (unit->skipped)
			continue;
		word->marks = word->marks || unit->mark_count > 0;
		if (!unit_is_letter(unit))
			continue;
		word->letters++;
		word->scripts |= 1u << unit->script;
		word->ascii = word->ascii || unit->c < 0x80;
		word->doubles = word->doubles && unit->small_look;
	}
}

static void
become(struct unit *unit, uint8_t letter)
{
	if (!letter || unit->c < 0x80)
		return;
	unit->c = letter;
	unit->script = FOLD_LATIN;
	unit->look = unit->small_look = 0;
	unit->foreign = true;
}

/* Letters of a word that mixes scripts, or has no others, become the ASCII letters that they look like. */
static void
undo_doubles(struct word *word)
{
	bool mixed = (word->scripts & (word->scripts - 1)) != 0;
	bool all = word->doubles && !word->ascii && word->letters > 1;

	if (!mixed && !all)
		return;
	for (size_t i = word->start; i < word->end; i++) {
		struct unit *unit = &word->folder->units[i];
		if (!unit->skipped && unit_is_letter(unit))
			become(unit, mixed ? unit->look : unit->small_look);
	}
}

static bool
is_vietnamese(const struct word *word)
{
	struct vietnamese_letter letters[VIETNAMESE_LETTERS];
	size_t count = 0;

	if (word->letters > VIETNAMESE_LETTERS)
		return false;
	for (size_t i = word->start; i < word->end; i++) {
		const struct unit *unit = &word->folder->units[i];
		if (unit->skipped)
			continue;
		if (!unit_is_letter(unit) || count == VIETNAMESE_LETTERS)
			return false;
		letters[count++] = (struct vietnamese_letter){
			unit->c, word->folder->marks + unit->mark_at, unit->mark_count};
	}
	return vietnamese_syllable(letters, count);
}

static void
fold_word(struct word *word)
{
	look_at(word);
	undo_doubles(word);
	bool keeps = word->marks && is_vietnamese(word);
	for (size_t i = word->start; i < word->end && word->marks; i++)
		word->folder->units[i].keeps = keeps;
}

void
fold_words(struct folder *folder)
{
	size_t i = 0;

	while (i < folder->count) {
		if (!unit_is_word(&folder->units[i])) {
			i++;
			continue;
		}
		struct word word = {.folder = folder, .start = i};
		while (i < folder->count &&
			(folder->units[i].skipped || unit_is_word(&folder->units[i])))
			i++;
		word.end = i;
		fold_word(&word);
	}
}
