/* SPDX-License-Identifier: MIT */
/* Tries the patterns and words of a rule on benign posts and on texts made to be hard, and times them. */
#include "lint.h"

#include <stdlib.h>
#include <string.h>

#include "casefold.h"
#include "lint_corpus.h"
#include "literal.h"
#include "rule_parts.h"
#include "xmalloc.h"

/* Long enough that one look at the clock does not count. */
#define MEASURE_NS 500000
/* More characters of a pattern are not tried for what makes it give up. */
#define HARD_TEXTS 12
#define HARD_LEN   40

const char *
lint_engine_name(enum lint_engine engine)
{
	static const char *const names[] = {"literal set", "literals + PCRE2", "PCRE2 alone"};

	return names[engine];
}

bool
lint_is_common(const struct lint_item *item)
{
	return 2 * item->found > item->posts;
}

/* ---- nested repeats ---- */

/* One group that is open. */
struct open_group {
	bool repeats; /* something in it does, without end */
	bool atomic;
};

/* The repeat without end at `at`: its bytes, or 0. A possessive one is never tried in another way. */
static size_t
endless_repeat(struct str pattern, size_t at, bool *possessive)
{
	size_t end = at;

	*possessive = false;
	if (at >= pattern.len)
		return 0;
	if (pattern.ptr[at] == '*' || pattern.ptr[at] == '+') {
		end = at + 1;
	} else if (pattern.ptr[at] == '{') {
		for (end = at + 1;
			end < pattern.len && pattern.ptr[end] >= '0' && pattern.ptr[end] <= '9';)
			end++;
		if (end == at + 1 || end + 1 >= pattern.len || pattern.ptr[end] != ',' ||
			pattern.ptr[end + 1] != '}')
			return 0;
		end += 2;
	} else {
		return 0;
	}
	*possessive = end < pattern.len && pattern.ptr[end] == '+';
	return end - at + *possessive;
}

/* Behind the class that begins at `at`. */
static size_t
skip_class(struct str pattern, size_t at)
{
	at++;
	if (at < pattern.len && pattern.ptr[at] == '^')
		at++;
	if (at < pattern.len && pattern.ptr[at] == ']')
		at++;
	while (at < pattern.len && pattern.ptr[at] != ']')
		at += pattern.ptr[at] == '\\' ? 2 : 1;
	return at + 1;
}

bool
lint_nested_repeat(struct str pattern)
{
	struct open_group groups[LITERAL_DEPTH_MAX + 1] = {{false, false}};
	size_t depth = 0, at = 0;

	while (at < pattern.len && depth < LITERAL_DEPTH_MAX) {
		char c = pattern.ptr[at];
		size_t repeat = 0;
		bool inner = false, possessive;
		if (c == '\\') {
			at += 2;
		} else if (c == '[') {
			at = skip_class(pattern, at);
		} else if (c == '(') {
			struct str rest = {pattern.ptr + at, pattern.len - at};
			groups[++depth] = (struct open_group){.atomic = str_starts(rest, "(?>")};
			at++;
			if (at < pattern.len && (pattern.ptr[at] == '?' || pattern.ptr[at] == '*'))
				at++;
			continue;
		} else if (c == ')' && depth > 0) {
			inner = groups[depth].repeats && !groups[depth].atomic;
			depth--;
			at++;
		} else {
			at++;
		}
		repeat = endless_repeat(pattern, at, &possessive);
		if (repeat > 0 && !possessive && inner)
			return true;
		if (!possessive)
			groups[depth].repeats = groups[depth].repeats || repeat > 0 || inner;
		at += repeat;
	}
	return false;
}

/* ---- patterns ---- */

/* What one lint_rule works with. */
struct linter {
	const struct lint_clock *clock;
	lint_fn *fn;
	void *data;
	struct pattern_scratch *scratch;
	struct fold *posts; /* the corpus folded, when there are words; owned */
	struct fold leet;
};

/* One thing to try on a text. */
struct trial {
	struct linter *linter;
	const struct text *text; /* NULL: words */
	const struct words *words;
	const bool *may_match; /* of each post */
};

static bool
is_found(const struct trial *trial, size_t post)
{
	struct pattern_subject subject = {.text = lint_corpus[post], .valid = true};
	struct linter *linter = trial->linter;
	struct words_hit hit;

	if (trial->words && words_find(trial->words, &linter->posts[post], &hit))
		return true;
	if (trial->words && words_leet(trial->words)) {
		fold_leet(&linter->leet, &linter->posts[post]);
		return words_find_leet(trial->words, &linter->leet, &hit);
	}
	if (trial->words)
		return false;
	return trial->text && trial->text->pattern &&
	       pattern_match(trial->text->pattern, trial->linter->scratch, &subject, NULL, 0) ==
		       PATTERN_YES;
}

/* Over all posts as often as it takes to measure it. */
static void
measure(const struct trial *trial, struct lint_item *item)
{
	const struct lint_clock *clock = trial->linter->clock;
	int64_t start = clock->now_ns(clock->data), spent = 0;
	unsigned rounds = 0;

	item->posts = COUNT_OF(lint_corpus);
	while (spent < MEASURE_NS && rounds < 1000) {
		item->found = 0;
		for (size_t i = 0; i < COUNT_OF(lint_corpus); i++) {
			if (trial->may_match[i] && is_found(trial, i))
				item->found++;
		}
		rounds++;
		spent = clock->now_ns(clock->data) - start;
	}
	item->ns = (double)spent / rounds / item->posts;
}

/* In which posts one of the literals stands, as the set would see it (all may match when there are none); `posts` NULL:
 * in the corpus as it is. */
static void
look_for(struct scan_source *source, struct scan_term term, const struct fold *posts,
	bool *may_match)
{
	bool known = scan_source_count(source) > 0;
	struct scan_set *set = scan_set_create(source, &(struct scan_options){.plain = true});
	struct scan *scan = scan_create(set);

	for (size_t i = 0; i < COUNT_OF(lint_corpus); i++) {
		scan_begin(scan);
		scan_text(scan, term.view, posts ? fold_str(&posts[i]) : lint_corpus[i]);
		may_match[i] = !known || scan_may_have(scan, term);
	}
	scan_destroy(scan);
	scan_set_destroy(set);
}

/* The characters that a run is made of: those that stand in the pattern, and one of each common kind. */
static size_t
hard_characters(struct str pattern, char out[HARD_TEXTS])
{
	size_t count = 3;

	out[0] = 'a';
	out[1] = '0';
	out[2] = ' ';
	for (size_t i = 0; i < pattern.len && count < HARD_TEXTS; i++) {
		char c = pattern.ptr[i];
		bool plain = (c >= '1' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		bool escape = i > 0 && pattern.ptr[i - 1] == '\\';
		if (plain && !escape && !memchr(out, c, count))
			out[count++] = c;
	}
	return count;
}

/* Runs of one character with an end that the pattern may not expect. */
static bool
gives_up(struct linter *linter, const struct pattern *pattern)
{
	char text[HARD_LEN + 1], characters[HARD_TEXTS];
	size_t count = hard_characters(pattern_text(pattern), characters);
	struct pattern_subject subject = {.text = {text, sizeof(text)}, .valid = true};

	for (size_t i = 0; i < count; i++) {
		memset(text, characters[i], HARD_LEN);
		for (const char *last = "!b"; *last; last++) {
			text[HARD_LEN] = *last;
			if (pattern_match(pattern, linter->scratch, &subject, NULL, 0) ==
				PATTERN_LIMITED)
				return true;
		}
	}
	return false;
}

static void
lint_text(struct linter *linter, const struct cond *cond, const struct text *text)
{
	bool may_match[COUNT_OF(lint_corpus)];
	struct trial trial = {linter, text, NULL, may_match};
	struct lint_item item = {.key = cond->key->name, .view = text->view};
	struct scan_source *source = scan_source_create();
	struct scan_term term = scan_source_term(source, text->view);
	struct literals literals = {0};

	if (text->pattern) {
		struct pattern_subject empty = {.text = STR(""), .valid = true};
		struct str given = pattern_text(text->pattern);
		int flags = pattern_flags(text->pattern);
		bool known = literals_of_pattern(given, flags, &literals);
		item.engine = known ? LINT_CONFIRMED : LINT_PCRE2;
		item.pattern = given;
		item.nested = !(flags & PATTERN_LITERAL) && lint_nested_repeat(given);
		item.matches_empty = pattern_match(text->pattern, linter->scratch, &empty, NULL,
					     0) == PATTERN_YES;
		item.gives_up = gives_up(linter, text->pattern);
	} else {
		item.pattern = str_from(text->name);
		item.engine = LINT_SET;
	}
	for (size_t i = 0; i < literals.count; i++)
		scan_source_add(source, term, literals.list[i], 0);
	look_for(source, term, NULL, may_match);
	if (literals.count > 0)
		item.literal = literals.list[0].ptr;
	item.literal_count = literals.count;
	measure(&trial, &item);
	linter->fn(linter->data, &item);
	literals_finish(&literals);
}

struct adding {
	struct scan_source *source;
	struct scan_term term;
};

static void
add_word(void *data, struct str literal, int flags)
{
	struct adding *adding = data;

	scan_source_add(adding->source, adding->term, literal, flags);
}

/* New, as long as the corpus. */
static struct fold *
fold_corpus(void)
{
	struct fold *posts = xcalloc(COUNT_OF(lint_corpus), sizeof(*posts));

	for (size_t i = 0; i < COUNT_OF(lint_corpus); i++) {
		fold_text(&posts[i], lint_corpus[i], VIEW_TEXT_MAX, NULL);
		fold_trim(&posts[i]);
	}
	return posts;
}

static void
lint_words(struct linter *linter, const struct cond *cond)
{
	bool may_match[COUNT_OF(lint_corpus)];
	const struct words *words = cond->file ? word_file_words(cond->file) : cond->words;
	struct trial trial = {linter, NULL, words, may_match};
	struct scan_source *source = scan_source_create();
	struct adding adding = {source, scan_source_term(source, VIEW_FOLDED)};
	struct lint_item item = {.key = cond->key->name,
		.view = VIEW_FOLDED,
		.word_count = words_count(words),
		.engine = LINT_SET};

	if (!linter->posts)
		linter->posts = fold_corpus();
	words_each_literal(words, false, add_word, &adding);
	item.literal_count = scan_source_count(source);
	look_for(source, adding.term, linter->posts, may_match);
	measure(&trial, &item);
	linter->fn(linter->data, &item);
}

static void
lint_conds(struct linter *linter, const struct cond *conds)
{
	for (const struct cond *cond = conds; cond; cond = cond->next) {
		for (size_t i = 0; i < cond->text_count; i++)
			lint_text(linter, cond, &cond->texts[i]);
		if (cond->words || cond->file)
			lint_words(linter, cond);
		for (const struct table *table = cond->tables; table; table = table->next)
			lint_conds(linter, table->conds);
	}
}

void
lint_rule(const struct rule *rule, const struct lint_clock *clock, lint_fn *fn, void *data)
{
	struct linter linter = {
		.clock = clock, .fn = fn, .data = data, .scratch = pattern_scratch_create()};

	lint_conds(&linter, rule->table->conds);
	for (size_t i = 0; linter.posts && i < COUNT_OF(lint_corpus); i++)
		fold_finish(&linter.posts[i]);
	free(linter.posts);
	fold_finish(&linter.leet);
	pattern_scratch_destroy(linter.scratch);
}
