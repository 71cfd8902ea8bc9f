/* SPDX-License-Identifier: MIT */
/* What folding knows of single characters: the generated table, and composing two into one. Private to match/. */
#pragma once

#include <stdbool.h>

#include "fold_types.h"

const struct fold_char *fold_char_of(uint32_t c);
/* The code points that `entry`, which is that of *c, becomes; *c itself when it stays as it is. */
const uint32_t *fold_char_text(const struct fold_char *entry, const uint32_t *c);
/* The character that the two compose to (Unicode, chapter 3.11; Hangul too), or 0. */
uint32_t fold_compose(uint32_t first, uint32_t second);
/* True when the two regional indicators are a flag. */
bool fold_is_flag(uint32_t first, uint32_t second);
