/* SPDX-License-Identifier: MIT */
/* One set of all literals of all rules, looked for in each text once: which words and patterns may be in it at all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"
#include "view.h"

/* What is to be looked for, as it is collected. A term is what rules ask about: a pattern, a name, a list of words.
 * It may have many literals; one of them in the view's text makes it seen. */
struct scan_source;
struct scan_term {
	unsigned number; /* from 0 */
	enum view view;
};

/* STARTS, ENDS: no hit where an ASCII letter, digit or underscore stands before, or behind, the literal. EXACT: the text has
 * it byte for byte, or not at all; when that is so of all literals of a view, its texts are not case-folded. */
enum { SCAN_STARTS_WORD = 1, SCAN_ENDS_WORD = 2, SCAN_EXACT = 4 };

struct scan_source *scan_source_create(void); /* new */
void scan_source_destroy(struct scan_source *source);
struct scan_term scan_source_term(struct scan_source *source, enum view view); /* a new one */
/* `literal` is copied, and case-folded (casefold.h) unless it is exact; of a longer one LITERAL_LEN_MAX bytes are looked for. Not empty. */
void scan_source_add(
	struct scan_source *source, struct scan_term term, struct str literal, int flags);
size_t scan_source_count(const struct scan_source *source); /* literals */

struct scan_options {
	const char *
		cache_folder; /* where compiled sets are kept; created when missing; NULL: nowhere */
	bool plain;           /* without Vectorscan, also where it is built in */
};

struct scan_set; /* immutable: any number of threads may use it, each with its scratch */

/* Compiles what was collected: takes milliseconds to seconds, so it runs off the loop. Takes source. */
struct scan_set *scan_set_create(struct scan_source *source, const struct scan_options *options);
void scan_set_destroy(struct scan_set *set);
size_t scan_set_literals(const struct scan_set *set);
const char *scan_set_engine(const struct scan_set *set); /* "Vectorscan 5.4.9" or "plain" */
bool scan_set_cached(const struct scan_set *set);        /* all of it came from the cache */

/* What was seen in the texts of one event. One per thread; keeps the set. */
struct scan;
struct scan *scan_create(const struct scan_set *set); /* new; NULL when memory is short */
void scan_destroy(struct scan *scan);
void scan_begin(struct scan *scan); /* a new event: nothing is seen */
/* Looks through the view's text, which is valid UTF-8, unless that was done since scan_begin. */
void scan_text(struct scan *scan, enum view view, struct str text);
/* False: none of the term's literals is in the text of its view. True also when that was not looked through. */
bool scan_may_have(const struct scan *scan, struct scan_term term);
/* The numbers of the terms seen so far, each once, in no order; borrowed until the next call that changes the scan. */
const unsigned *scan_seen(const struct scan *scan, size_t *count);
