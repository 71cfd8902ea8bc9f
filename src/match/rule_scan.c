/* SPDX-License-Identifier: MIT */
/* Rules and the set of all literals: what a rule looks for, what it needs to hold at all, what the set knows. */
#include <string.h>

#include "literal.h"
#include "rule_parts.h"

unsigned
cond_generation(const struct cond *cond)
{
	return cond->file ? word_file_generation(cond->file) : 0;
}

bool
term_may_match(struct match *match, const struct rule_terms *terms, unsigned generation)
{
	const struct rule_try *rule_try = match->try;
	const struct rule_term *now = &terms->now;

	/* a list that was read again is another one than the set knows */
	if (!rule_try->scan || rule_try->set != match->rule->set || !now->known ||
		now->generation != generation)
		return true;
	scan_text(rule_try->scan, now->term.view, views_get(match->views, now->term.view));
	return scan_may_have(rule_try->scan, now->term);
}

struct collecting {
	struct scan_source *source;
	struct scan_term term;
};

static void
add_literal(void *data, struct str literal, int flags)
{
	struct collecting *collecting = data;

	scan_source_add(collecting->source, collecting->term, literal, flags);
}

static bool
collect_pattern(struct scan_source *source, const struct text *text, struct scan_term *term)
{
	struct literals literals;

	if (!literals_of_pattern(
		    pattern_text(text->pattern), pattern_flags(text->pattern), &literals))
		return false;
	*term = scan_source_term(source, text->view);
	for (size_t i = 0; i < literals.count; i++)
		scan_source_add(source, *term, literals.list[i], 0);
	literals_finish(&literals);
	return true;
}

/* Names of persons may stand without their host. */
static bool
collect_name(struct scan_source *source, const struct text *text, struct scan_term *term)
{
	struct str name = str_from(text->name);

	if (text->what != NAME_LINE) { /* links have many spellings of a host, this view has one */
		if (str_starts(name, "*."))
			name = (struct str){name.ptr + 2, name.len - 2};
		*term = scan_source_term(source, VIEW_HOSTS);
		scan_source_add(source, *term, name, SCAN_EXACT);
		return true;
	}
	if (text->view == VIEW_MENTIONS)
		(void)str_split(name, '@', &name);
	if (name.len == 0)
		return false;
	*term = scan_source_term(source, text->view);
	scan_source_add(source, *term, name, 0);
	return true;
}

static void
collect_words(struct scan_source *source, const struct cond *cond, const struct words *words,
	bool leet, struct rule_terms *terms)
{
	struct scan_term term = scan_source_term(source, leet ? VIEW_LEET : VIEW_FOLDED);
	struct collecting collecting = {source, term};

	words_each_literal(words, leet, add_literal, &collecting);
	terms->next = (struct rule_term){term, true, cond_generation(cond)};
}

static void
collect(struct cond *conds, struct scan_source *source)
{
	for (struct cond *cond = conds; cond; cond = cond->next) {
		const struct words *words = cond->file ? word_file_words(cond->file) : cond->words;
		for (size_t i = 0; i < cond->text_count; i++) {
			struct text *text = &cond->texts[i];
			struct rule_term *next = &text->terms.next;
			*next = (struct rule_term){.known = false};
			next->known = text->pattern ? collect_pattern(source, text, &next->term)
						    : collect_name(source, text, &next->term);
		}
		if (words) {
			collect_words(source, cond, words, false, &cond->terms);
			cond->leet_terms.next = (struct rule_term){.known = false};
			if (words_leet(words))
				collect_words(source, cond, words, true, &cond->leet_terms);
		}
		for (struct table *table = cond->tables; table; table = table->next)
			collect(table->conds, source);
	}
}

void
rule_collect(struct rule *rule, struct scan_source *source, unsigned set)
{
	rule->next_set = set;
	collect(rule->table->conds, source);
}

static void
adopt(struct cond *conds)
{
	for (struct cond *cond = conds; cond; cond = cond->next) {
		for (size_t i = 0; i < cond->text_count; i++)
			cond->texts[i].terms.now = cond->texts[i].terms.next;
		cond->terms.now = cond->terms.next;
		cond->leet_terms.now = cond->leet_terms.next;
		for (struct table *table = cond->tables; table; table = table->next)
			adopt(table->conds);
	}
}

void
rule_adopt(struct rule *rule, unsigned set)
{
	if (rule->next_set != set)
		return;
	rule->set = set;
	adopt(rule->table->conds);
}

/* Terms of which one must be seen; `count` 0: nothing is known. */
struct needs {
	unsigned *terms;
	size_t count, max;
	uint64_t views;
};

static bool
add_need(struct needs *needs, const struct rule_term *term, unsigned generation)
{
	if (!term->known || term->generation != generation || needs->count == needs->max)
		return false;
	needs->terms[needs->count++] = term->term.number;
	needs->views |= UINT64_C(1) << term->term.view;
	return true;
}

/* A word in either view. */
static bool
add_words_need(struct needs *needs, const struct cond *cond)
{
	const struct words *words = cond->file ? word_file_words(cond->file) : cond->words;
	unsigned generation = cond_generation(cond);

	return add_need(needs, &cond->terms.now, generation) &&
	       (!words_leet(words) || add_need(needs, &cond->leet_terms.now, generation));
}

static bool add_table_needs(struct needs *needs, const struct cond *conds);

/* One of what is added is seen where `cond` holds. False: nothing is known; what was added so far has to go. */
static bool
add_cond_needs(struct needs *needs, const struct cond *cond)
{
	bool known = cond->text_count > 0;

	if (cond->words || cond->file)
		return add_words_need(needs, cond);
	for (size_t i = 0; i < cond->text_count && known; i++)
		known = add_need(needs, &cond->texts[i].terms.now, 0);
	if (cond->key->combines == COMBINES_ANY) {
		known = cond->tables != NULL;
		for (const struct table *t = cond->tables; t && known; t = t->next)
			known = add_table_needs(needs, t->conds);
	} else if (cond->key->combines == COMBINES_ALL) {
		for (const struct table *t = cond->tables; t && !known; t = t->next)
			known = add_table_needs(needs, t->conds);
	}
	return known;
}

/* Of all conditions that must hold, the one with the fewest terms. */
static bool
add_table_needs(struct needs *needs, const struct cond *conds)
{
	struct needs start = *needs, best = start;
	bool known = false;

	for (const struct cond *cond = conds; cond; cond = cond->next) {
		/* behind the best so far, so that it is not written over */
		struct needs one = {
			.terms = needs->terms + best.count, .max = needs->max - best.count};
		if (!add_cond_needs(&one, cond) || (known && one.count >= best.count - start.count))
			continue;
		memmove(needs->terms + start.count, one.terms, one.count * sizeof(*one.terms));
		best.count = start.count + one.count;
		best.views = start.views | one.views;
		known = true;
	}
	*needs = known ? best : start;
	return known;
}

size_t
rule_needs(const struct rule *rule, unsigned set, unsigned *terms, size_t max, uint64_t *views)
{
	struct needs needs = {.terms = terms, .max = max};

	*views = 0;
	if (rule->set != set || !add_table_needs(&needs, rule->table->conds))
		return 0;
	*views = needs.views;
	return needs.count;
}
