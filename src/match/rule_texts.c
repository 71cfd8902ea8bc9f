/* SPDX-License-Identifier: MIT */
/* The keys of a match table that look at texts: patterns, names of tags and mentions, words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "letters.h"
#include "rule_parts.h"
#include "xmalloc.h"

#define PATTERN_FORMS                                                                              \
	"a pattern (\"...\" or { \"...\", view = \"raw\", case = true }) or a list of patterns"
#define NAME_FORMS "a name, a pattern ({ \"...\", view = \"tags\" }) or a list of them"

static bool
pattern_failed(struct compiler *compiler, struct str text, const struct pattern_error *error)
{
	size_t size = sizeof(compiler->error->pattern);
	bool whole = text.len < size;
	struct str shown = whole ? text : str_clip(text, size - sizeof("..."));

	snprintf(compiler->error->pattern, size, "%.*s%s", STR_ARG(shown), whole ? "" : "...");
	compiler->error->offset = (long)error->offset;
	return compiler_fail(
		compiler, "bad pattern: %s (at byte %zu)", error->message, error->offset);
}

static bool
add_pattern(
	struct compiler *compiler, struct str text, enum view view, int flags, struct cond *cond)
{
	struct pattern_error error;

	if (!compiler_count(compiler))
		return false;
	struct pattern *pattern =
		pattern_compile(text, flags | compiler->env->pattern_flags, &error);
	if (!pattern)
		return pattern_failed(compiler, text, &error);
	cond->texts = xreallocarray(cond->texts, cond->text_count + 1, sizeof(*cond->texts));
	cond->texts[cond->text_count++] = (struct text){.view = view,
		.pattern = pattern,
		.health = xcalloc(1, sizeof(struct pattern_health))};
	compiler->rule->memory += pattern_memory(pattern);
	return true;
}

static bool
read_view(struct compiler *compiler, struct json_value value, enum view *view)
{
	size_t count;
	const char *const *names = view_names(&count);

	if (json_type(value) != JSON_STRING)
		return compiler_expected(compiler, "the name of a view", value);
	return view_from_name(json_str(value), view) ||
	       compiler_unknown(compiler, "view", json_str(value), names, count);
}

/* { pattern =, view =, case = } */
static bool
read_pattern_object(struct compiler *compiler, struct json_value object, struct cond *cond)
{
	static const char *const known[] = {"pattern", "view", "case"};
	struct json_iter it = json_iter(object);
	enum view view = (enum view)cond->key->view;
	struct str text = json_str(json_get(object, "pattern"));
	bool with_case = false, read = true;

	while (json_next(&it)) {
		if (str_eq_text(it.key, "pattern"))
			continue;
		size_t path = compiler_enter(compiler, it.key);
		if (str_eq_text(it.key, "view")) {
			read = read_view(compiler, it.value, &view);
		} else if (str_eq_text(it.key, "case")) {
			read = json_get_bool(it.value, &with_case) ||
			       compiler_expected(compiler, "true or false", it.value);
		} else {
			compiler_leave(compiler, path);
			read = compiler_unknown(compiler, "key", it.key, known, COUNT_OF(known));
		}
		if (!read)
			return false;
		compiler_leave(compiler, path);
	}
	if (!text.ptr)
		return compiler_expected(
			compiler, "a pattern as text", json_get(object, "pattern"));
	return add_pattern(compiler, text, view, with_case ? PATTERN_CASE : 0, cond);
}

typedef bool read_one_fn(struct compiler *compiler, struct json_value value, struct cond *cond);

static bool
read_list(struct compiler *compiler, struct json_value value, struct cond *cond, read_one_fn *one,
	const char *what)
{
	struct json_iter it = json_iter(value);
	size_t index = 0;

	if (json_type(value) != JSON_ARRAY)
		return one(compiler, value, cond);
	if (json_count(value) == 0)
		return compiler_expected(compiler, what, value);
	while (json_next(&it)) {
		size_t path = compiler_enter_index(compiler, ++index);
		if (!one(compiler, it.value, cond))
			return false;
		compiler_leave(compiler, path);
	}
	return true;
}

static bool
read_text(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	if (json_type(value) == JSON_STRING)
		return add_pattern(compiler, json_str(value), (enum view)cond->key->view, 0, cond);
	if (cond->key->view == VIEW_LINKS &&
		(json_exists(json_get(value, "host")) || json_exists(json_get(value, "domain"))))
		return read_hosts(compiler, value, cond);
	if (json_type(value) == JSON_OBJECT && json_count(value) > 0)
		return read_pattern_object(compiler, value, cond);
	return compiler_expected(compiler, PATTERN_FORMS, value);
}

bool
read_texts(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_list(compiler, value, cond, read_text, PATTERN_FORMS);
}

static bool
read_name(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	struct str name = json_str(value);

	if (json_type(value) == JSON_OBJECT && json_count(value) > 0)
		return read_pattern_object(compiler, value, cond);
	if (name.len > 0 && name.ptr[0] == (cond->key->view == VIEW_TAGS ? '#' : '@'))
		name = (struct str){name.ptr + 1, name.len - 1};
	if (json_type(value) != JSON_STRING || name.len == 0)
		return compiler_expected(compiler, NAME_FORMS, value);
	if (!compiler_count(compiler))
		return false;
	cond->texts = xreallocarray(cond->texts, cond->text_count + 1, sizeof(*cond->texts));
	cond->texts[cond->text_count++] =
		(struct text){.view = (enum view)cond->key->view, .name = str_dup(name)};
	return true;
}

bool
read_names(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_list(compiler, value, cond, read_name, NAME_FORMS);
}

static bool
read_word_file(struct compiler *compiler, struct str name, bool leet, struct cond *cond)
{
	struct rule *rule = compiler->rule;
	char message[MESSAGE_MAX];

	cond->file = word_file_create(compiler->env->folder, name, leet, message);
	if (!cond->file)
		return compiler_fail(compiler,
			"%s; a list in the table itself is written { \"one\", \"two words\" }",
			message);
	size_t count = rule->file_count + 1;
	rule->files = xreallocarray(rule->files, count, sizeof(struct word_file *));
	rule->news = xreallocarray(rule->news, count, sizeof(*rule->news));
	rule->news[rule->file_count].what = RULE_NEWS_NONE;
	rule->files[rule->file_count++] = cond->file;
	return true;
}

/* The members of { "word" or list = ..., leet = true }; *what is the first of them, which the Lua library names. */
static bool
read_word_object(
	struct compiler *compiler, struct json_value object, struct json_value *what, bool *leet)
{
	static const char *const known[] = {"list", "leet"};
	struct json_iter it = json_iter(object);

	while (json_next(&it)) {
		if (str_eq_text(it.key, "list")) {
			*what = it.value;
		} else if (!str_eq_text(it.key, "leet")) {
			return compiler_unknown(compiler, "key", it.key, known, COUNT_OF(known));
		} else if (!json_get_bool(it.value, leet)) {
			(void)compiler_enter(compiler, it.key);
			return compiler_expected(compiler, "true or false", it.value);
		}
	}
	return true;
}

/* "word" or { list = "word", leet = true } */
static bool
read_word(struct compiler *compiler, struct json_value value, bool leet, struct cond *cond)
{
	const char *reason = NULL;
	struct json_value word = value;

	if (json_type(value) == JSON_OBJECT && !read_word_object(compiler, value, &word, &leet))
		return false;
	if (json_type(word) != JSON_STRING)
		return compiler_expected(compiler, "a word", word);
	compiler->rule->memory += 3 * json_str(word).len + sizeof(struct fold);
	return words_add(cond->words, json_str(word), leet, &reason) ||
	       compiler_fail(compiler, "the word %s", reason);
}

bool
read_words(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	struct json_value list = value;
	size_t index = 0;
	bool leet = false;

	if (json_type(value) == JSON_OBJECT && !read_word_object(compiler, value, &list, &leet))
		return false;
	if (json_type(list) == JSON_STRING)
		return read_word_file(compiler, json_str(list), leet, cond);
	if (json_type(list) != JSON_ARRAY || json_count(list) == 0)
		return compiler_expected(
			compiler, "a list of words or the name of a list file", list);
	cond->words = words_create();
	struct json_iter it = json_iter(list);
	while (json_next(&it)) {
		size_t path = compiler_enter_index(compiler, ++index);
		if (!read_word(compiler, it.value, leet, cond))
			return false;
		compiler_leave(compiler, path);
	}
	return true;
}

void
keep_hit(struct match *match, const struct cond *cond, enum view view, struct str pattern,
	struct span span)
{
	struct rule_hit *hit = match->hit;

	if (!hit || match->has_hit)
		return;
	match->has_hit = true;
	hit->key = cond->key->name;
	hit->view = view;
	hit->pattern = pattern;
	hit->subject = views_get(match->views, view);
	hit->span = span;
	hit->capture_count = 0;
	hit->compiled = NULL;
}

static enum rule_result
test_pattern(struct match *match, const struct cond *cond, const struct text *text)
{
	struct span spans[PATTERN_CAPTURES_MAX + 1];
	unsigned groups = pattern_captures(text->pattern);
	struct rule_hit *hit = match->has_hit ? NULL : match->hit;

	enum rule_result result = run_pattern(match, cond, text, spans, hit ? groups + 1 : 0);
	if (result == RULE_YES && hit) {
		keep_hit(match, cond, text->view, pattern_text(text->pattern), spans[0]);
		memcpy(hit->captures, spans + 1, groups * sizeof(spans[0]));
		hit->capture_count = groups;
		hit->compiled = text->pattern;
	}
	return result;
}

/* The host of the mentioned person, whose acct has none when it is the server's own. */
static struct str
mention_host(struct match *match, size_t index)
{
	struct json_iter it = json_iter(json_get(match->status, "mentions"));

	while (json_next(&it)) {
		if (json_str(json_get(it.value, "acct")).len > 0 && index-- == 0)
			return host_of(json_get(it.value, "url"));
	}
	return STR_NONE;
}

/* "user" is equal to the acct "user", "user@host" also when host is that of the server itself. */
static bool
same_person(struct match *match, struct str line, size_t index, struct str name)
{
	struct str user;

	if (letters_equal(line, name))
		return true;
	struct str host = str_split(name, '@', &user);
	return host.ptr && letters_equal(line, user) &&
	       str_eq_nocase(host, mention_host(match, index));
}

/* One name against the lines of its view. */
static enum rule_result
test_name(struct match *match, const struct cond *cond, const struct text *text)
{
	struct str lines = views_get(match->views, text->view), rest = lines, line;
	struct str name = str_from(text->name);

	for (size_t index = 0; rest.ptr && lines.len > 0; index++) {
		rest = str_split(rest, '\n', &line);
		bool same = text->view == VIEW_MENTIONS ? same_person(match, line, index, name)
							: letters_equal(line, name);
		if (!same)
			continue;
		size_t start = (size_t)(line.ptr - lines.ptr);
		keep_hit(match, cond, text->view, name, (struct span){start, start + line.len});
		return RULE_YES;
	}
	return RULE_NO;
}

enum rule_result
test_texts(struct match *match, const struct cond *cond)
{
	enum rule_result result = RULE_NO;

	for (size_t i = 0; i < cond->text_count; i++) {
		const struct text *text = &cond->texts[i];
		if (!views_have(match->views, text->view) ||
			!term_may_match(match, &text->terms, 0))
			continue;
		enum rule_result one = text->pattern             ? test_pattern(match, cond, text)
				       : text->what == NAME_LINE ? test_name(match, cond, text)
								 : test_host(match, cond, text);
		if (one == RULE_YES)
			return RULE_YES;
		if (one == RULE_LIMITED)
			result = RULE_LIMITED;
	}
	return result;
}

enum rule_result
test_words(struct match *match, const struct cond *cond)
{
	const struct words *words = cond->file ? word_file_words(cond->file) : cond->words;
	unsigned generation = cond_generation(cond);
	struct words_hit hit;
	bool found;

	if (!views_have(match->views, VIEW_FOLDED))
		return RULE_NO;
	found = term_may_match(match, &cond->terms, generation) &&
		words_find(words, views_fold(match->views, VIEW_FOLDED), &hit);
	if (!found && words_leet(words))
		found = term_may_match(match, &cond->leet_terms, generation) &&
			words_find_leet(words, views_fold(match->views, VIEW_LEET), &hit);
	if (!found)
		return RULE_NO;
	keep_hit(match, cond, hit.leet ? VIEW_LEET : VIEW_FOLDED, hit.word, hit.span);
	return RULE_YES;
}
