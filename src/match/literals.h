/* SPDX-License-Identifier: MIT */
/* struct literals: a small set of strings, as the analysis of patterns joins and compares them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct literals {         /* all zero: empty */
	struct str *list; /* owned, and so is what they point to */
	size_t count;
};

void literals_finish(struct literals *set); /* empty after */
void literals_add(
	struct literals *set, struct str text); /* copied; one that is there already is not added */
/* Every string of `set` followed by every one of `next`. False, with nothing changed, when that would be more than
 * LITERAL_JOINED_MAX strings or one longer than LITERAL_LEN_MAX. */
bool literals_join(struct literals *set, const struct literals *next);
/* Moves what is in `from` to `set`. False, with nothing changed: more than LITERAL_COUNT_MAX. */
bool literals_unite(struct literals *set, struct literals *from);
/* How much is gained by looking for them first: 0 when nothing is (none, or one that has less than two bytes); longer
 * and fewer are better. */
unsigned literals_worth(const struct literals *set);
