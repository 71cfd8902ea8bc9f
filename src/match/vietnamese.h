/* SPDX-License-Identifier: MIT */
/* How Vietnamese syllables are spelled: what is one keeps its marks, which are letters and tones there. Private to match/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIETNAMESE_LETTERS 7 /* "nghiêng" */

/* A small letter and the marks on it. */
struct vietnamese_letter {
	uint32_t c;
	const uint32_t *marks;
	size_t mark_count;
};

/* True when the letters with their marks, of which there must be one, are spelled like one Vietnamese syllable. */
bool vietnamese_syllable(const struct vietnamese_letter *letters, size_t count);
