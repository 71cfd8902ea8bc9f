/* SPDX-License-Identifier: MIT */
/* What can be said of a rule's patterns and words before they run: how they are searched, what it costs, what is odd. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rule.h"

enum lint_engine {
	LINT_SET,       /* words and names: the set of literals, then their ends are looked at */
	LINT_CONFIRMED, /* the set, then PCRE2 on the texts in which a literal was seen */
	LINT_PCRE2,     /* PCRE2 on every text */
};
const char *lint_engine_name(enum lint_engine engine);

/* One pattern, name, or list of words. */
struct lint_item {
	const char *key;
	enum view view;
	struct str pattern; /* borrowed from the rule; of words: STR_NONE */
	size_t word_count;  /* of words */
	const char
		*literal; /* one that is looked for; NULL: none. Good until the callback returns */
	size_t literal_count;
	enum lint_engine engine;
	unsigned found, posts; /* in so many of so many benign posts */
	double ns;             /* a post, on average, besides the one scan that all rules share */
	bool nested;           /* a repeat of what holds a repeat, such as (a+)+ */
	bool matches_empty;    /* the empty text */
	bool gives_up;         /* on a text made for it: runs of its own characters */
};

struct lint_clock {
	int64_t (*now_ns)(void *data); /* monotonic */
	void *data;
};

typedef void lint_fn(void *data, const struct lint_item *item);
/* Tries every pattern and list of the rule on a corpus of some two hundred harmless posts in many languages that comes
 * with the program; takes about a millisecond each. */
void lint_rule(const struct rule *rule, const struct lint_clock *clock, lint_fn *fn, void *data);
/* True when so much of the corpus matches that the pattern says nothing. */
bool lint_is_common(const struct lint_item *item);
/* A repeat without end of a group that holds one itself. Not of atomic groups and possessive repeats. */
bool lint_nested_repeat(struct str pattern);
