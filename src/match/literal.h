/* SPDX-License-Identifier: MIT */
/* Required literals: from the text of a pattern, strings of which one must stand in whatever it matches. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "literals.h"
#include "str.h"

/* In every text in which the pattern (which pattern_compile took with these PATTERN_ flags) finds a match, the
 * folded text (casefold_text) holds one of `out` at least. False, with `out` empty: nothing is known, the pattern has
 * to be tried on every text. Never wrong, but not always as good as could be: what it does not understand (recursion,
 * conditions, verbs, comments, (?x)) counts as unknown, and so do literals of one byte. */
bool literals_of_pattern(struct str text, int flags, struct literals *out);
