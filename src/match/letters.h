/* SPDX-License-Identifier: MIT */
/* Which characters make words, and comparing without case. Private to match/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

enum letter_class {
	LETTER_NONE,   /* stands between words */
	LETTER_WORD,   /* a run of these is a word */
	LETTER_SINGLE, /* a word of its own: scripts that set no blanks (Han, Hiragana, Thai, ...) */
	LETTER_JOINER, /* invisible; belongs to a word when word characters follow */
};

enum letter_class letter_class(uint32_t c);
/* Simple case folding: one character for one; Turkish dotless i stays what it is. */
uint32_t letter_fold(uint32_t c);
/* The character at `at` (valid UTF-8, at < end) and its bytes. */
uint32_t letter_read(const char *at, const char *end, size_t *len);
/* Writes the character as UTF-8; returns its bytes. */
size_t letter_write(uint32_t c, char bytes[4]);
/* Equal without regard to case. Valid UTF-8. */
bool letters_equal(struct str a, struct str b);
