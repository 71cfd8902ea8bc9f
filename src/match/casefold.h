/* SPDX-License-Identifier: MIT */
/* Simple case folding for the search of literals: one character for one, at least as coarse as PCRE2's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "str.h"

/* Two characters that PCRE2 takes for the same without regard to case have the same result (also K, k and the
 * Kelvin sign; s and long s). Idempotent; never longer in UTF-8 than its argument. */
uint32_t casefold_char(uint32_t c);
/* The folded text into `out`, which has room for text.len bytes. Returns the bytes written. Valid UTF-8 only. */
size_t casefold_text(struct str text, char *out);
/* One character as UTF-8; returns its bytes. */
size_t casefold_put(uint32_t c, char out[4]);
/* The major number of the Unicode version that the table was made from. */
int casefold_unicode(void);
