/* SPDX-License-Identifier: MIT */
/* What folding knows of single characters: the generated table, and composing two into one. Private to match/. */
#pragma once

#include <stdbool.h>

#include "fold_types.h"

/* The generated table; see the functions below. */
extern const struct fold_char fold_chars[];
extern const uint32_t fold_texts[];
extern const uint16_t fold_stage1[], fold_stage2[];

/* What is known of a character; static storage. */
static inline const struct fold_char *
fold_char_of(uint32_t c)
{
	uint32_t block = fold_stage1[c >> FOLD_SHIFT];

	return &fold_chars[fold_stage2[block << FOLD_SHIFT | (c & ((1u << FOLD_SHIFT) - 1))]];
}

/* The code points that `entry`, which is that of *c, becomes; c itself when it stays as it is. */
static inline const uint32_t *
fold_char_text(const struct fold_char *entry, const uint32_t *c)
{
	return entry->to > 0 ? &fold_texts[entry->to] : c;
}

/* The character that the two compose to (Unicode, chapter 3.11; Hangul too), or 0. */
uint32_t fold_compose(uint32_t first, uint32_t second);
/* True when the two regional indicators are a flag. */
bool fold_is_flag(uint32_t first, uint32_t second);
