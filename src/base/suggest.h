/* SPDX-License-Identifier: MIT */
/* "Did you mean": the known word nearest to a mistyped one. */
#pragma once

#include <stddef.h>

#include "str.h"

/* Edits (insert, delete, replace, swap of neighbours) between a and b, at most `limit` + 1. */
size_t edit_distance(struct str a, struct str b, size_t limit);
/* The nearest of `known` within two edits (one for words of up to 3 letters) or of which
 * `given` is a prefix of at least 3 letters; NULL when none is. Borrowed from `known`. */
const char *suggest(struct str given, const char *const *known, size_t count);
