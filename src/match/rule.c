/* SPDX-License-Identifier: MIT */
/* Match tables as trees of conditions: the table of keys, compiling and matching. */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

#include "rule_parts.h"
#include "xmalloc.h"

/* Reads and tests are declared in rule_parts.h, but for these, which go down the tree. */
static bool read_tables(struct compiler *compiler, struct json_value value, struct cond *cond);
static enum rule_result test_any(struct match *match, const struct cond *cond);
static enum rule_result test_all(struct match *match, const struct cond *cond);
static enum rule_result test_none(struct match *match, const struct cond *cond);

/* The order among texts is that in which a hit is looked for. */
static const struct key keys[] = {
	{"type", read_type, test_type, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"visibility", read_visibility, test_visibility, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"language", read_language, test_language, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"boost", read_bool, test_boost, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"reply", read_reply, test_reply, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"edited", read_bool, test_edited, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"sensitive", read_bool, test_flag, COST_FIELD, 0, "sensitive", COMBINES_NOTHING},
	{"poll", read_bool, test_poll, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"media", read_media, test_media, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"account", read_account, test_account, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"text", read_texts, test_texts, COST_TEXT, VIEW_TEXT, NULL, COMBINES_NOTHING},
	{"body", read_texts, test_texts, COST_TEXT, VIEW_BODY, NULL, COMBINES_NOTHING},
	{"words", read_words, test_words, COST_TEXT, VIEW_FOLDED, NULL, COMBINES_NOTHING},
	{"tags", read_names, test_texts, COST_TEXT, VIEW_TAGS, NULL, COMBINES_NOTHING},
	{"mentions", read_names, test_texts, COST_TEXT, VIEW_MENTIONS, NULL, COMBINES_NOTHING},
	{"links", read_texts, test_texts, COST_TEXT, VIEW_LINKS, NULL, COMBINES_NOTHING},
	{"name", read_texts, test_texts, COST_TEXT, VIEW_NAME, NULL, COMBINES_NOTHING},
	{"bio", read_texts, test_texts, COST_TEXT, VIEW_BIO, NULL, COMBINES_NOTHING},
	{"raw", read_texts, test_texts, COST_TEXT, VIEW_RAW, NULL, COMBINES_NOTHING},
	{"any", read_tables, test_any, COST_FIELD, 0, NULL, COMBINES_ANY},
	{"all", read_tables, test_all, COST_FIELD, 0, NULL, COMBINES_ALL},
	{"none", read_tables, test_none, COST_FIELD, 0, NULL, COMBINES_NOTHING},
};

static const char *const key_names[] = {"type", "visibility", "language", "boost", "reply",
	"edited", "sensitive", "poll", "media", "account", "text", "body", "words", "tags",
	"mentions", "links", "name", "bio", "raw", "any", "all", "none"};

_Static_assert(COUNT_OF(key_names) == COUNT_OF(keys), "a key lacks its name");

const char *const *
rule_keys(size_t *count)
{
	*count = COUNT_OF(key_names);
	return key_names;
}

/* A table of conditions; what was read so far is kept in *table even on an error. */
static bool
read_table(struct compiler *compiler, struct json_value value, struct table *table)
{
	/* An empty Lua table may come as an empty list. */
	bool empty = json_type(value) == JSON_ARRAY && json_count(value) == 0;

	if (json_type(value) != JSON_OBJECT && !empty)
		return compiler_expected(compiler, "a match table like { text = \"...\" }", value);
	if (compiler->depth == RULE_DEPTH_MAX)
		return compiler_fail(
			compiler, "match tables are nested deeper than %d", RULE_DEPTH_MAX);
	compiler->depth++;
	bool read = read_conds(compiler, value, "key", keys, COUNT_OF(keys), &table->conds);
	compiler->depth--;
	for (const struct cond *cond = table->conds; cond; cond = cond->next) {
		if (cond->cost > table->cost)
			table->cost = cond->cost;
	}
	return read;
}

static bool
add_table(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	struct table *table = xcalloc(1, sizeof(*table));

	table->next = cond->tables;
	cond->tables = table;
	bool read = read_table(compiler, value, table);
	if (read && !table->conds)
		read = compiler_fail(compiler, "an empty table matches everything; remove it");
	if (table->cost > cond->cost)
		cond->cost = table->cost;
	return read;
}

/* Tables are kept in the order in which they stand; `list` is in reverse. */
static struct table *
reversed(struct table *list)
{
	struct table *result = NULL;

	while (list) {
		struct table *next = list->next;
		list->next = result;
		result = list;
		list = next;
	}
	return result;
}

static bool
read_tables(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	const char *forms = "a list of match tables like { { text = \"...\" }, { words = ... } }";
	struct json_iter it = json_iter(value);
	size_t index = 0;

	if (json_count(value) == 0)
		return compiler_expected(compiler, forms, value);
	if (json_type(value) == JSON_OBJECT) /* one table alone is a list of one */
		return add_table(compiler, value, cond);
	while (json_next(&it)) {
		size_t path = compiler_enter_index(compiler, ++index);
		if (!add_table(compiler, it.value, cond))
			return false;
		compiler_leave(compiler, path);
	}
	cond->tables = reversed(cond->tables);
	return true;
}

struct rule *
rule_compile(struct json_value table, const struct rule_env *env, struct rule_error *error)
{
	static const struct rule_env no_env = {0};
	struct rule_error unused;
	struct rule *rule = xcalloc(1, sizeof(*rule));
	struct compiler compiler = {
		.rule = rule, .env = env ? env : &no_env, .error = error ? error : &unused};

	*compiler.error = (struct rule_error){.offset = -1};
	rule->table = xcalloc(1, sizeof(*rule->table));
	if (read_table(&compiler, table, rule->table))
		return rule;
	rule_destroy(rule);
	return NULL;
}

void
rule_destroy(struct rule *rule)
{
	if (!rule)
		return;
	if (rule->table)
		conds_destroy(rule->table->conds);
	free(rule->table);
	free(rule->files);
	free(rule->news);
	free(rule);
}

size_t
rule_memory(const struct rule *rule)
{
	return sizeof(*rule) + rule->memory;
}

/* A hit inside a table that then does not hold is none. */
static enum rule_result
test_table(struct match *match, const struct table *table)
{
	bool had_hit = match->has_hit;
	enum rule_result result = test_conds(match, table->conds);

	if (result != RULE_YES)
		match->has_hit = had_hit;
	return result;
}

static enum rule_result
test_any(struct match *match, const struct cond *cond)
{
	enum rule_result result = RULE_NO;

	for (const struct table *table = cond->tables; table; table = table->next) {
		enum rule_result one = test_table(match, table);
		if (one == RULE_YES)
			return RULE_YES;
		if (one == RULE_LIMITED)
			result = RULE_LIMITED;
	}
	return result;
}

/* A later "no" decides, whatever gave up before. */
static enum rule_result
test_all(struct match *match, const struct cond *cond)
{
	enum rule_result result = RULE_YES;

	for (const struct table *table = cond->tables; table && result != RULE_NO;
		table = table->next) {
		enum rule_result one = test_table(match, table);
		if (one != RULE_YES)
			result = one;
	}
	return result;
}

static enum rule_result
test_none(struct match *match, const struct cond *cond)
{
	bool had_hit = match->has_hit;
	enum rule_result result = test_any(match, cond);

	/* What gave up might have matched: that is not "none". */
	match->has_hit = had_hit;
	return result == RULE_YES ? RULE_NO : result == RULE_NO ? RULE_YES : RULE_LIMITED;
}

enum rule_result
test_conds(struct match *match, const struct cond *conds)
{
	enum rule_result result = RULE_YES;

	for (const struct cond *cond = conds; cond && result != RULE_NO; cond = cond->next) {
		enum rule_result one = cond->key->test(match, cond);
		if (one != RULE_YES)
			result = one;
	}
	return result;
}

bool
rule_has_files(const struct rule *rule)
{
	return rule->file_count > 0;
}

/* Tables cost what the dearest of their conditions does. */
bool
rule_has_texts(const struct rule *rule)
{
	return rule->table->cost == COST_TEXT;
}

bool
rule_refresh(const struct rule *rule, int64_t now_ms)
{
	bool changed = false;

	for (size_t i = 0; i < rule->file_count; i++) {
		struct rule_file_news *news = &rule->news[i];
		char text[MESSAGE_MAX];
		enum word_file_news what = word_file_refresh(rule->files[i], now_ms, text);
		if (what == WORD_FILE_SAME)
			continue;
		news->what = what == WORD_FILE_READ ? RULE_NEWS_READ : RULE_NEWS_BROKEN;
		memcpy(news->text, text, sizeof(text));
		changed = changed || what == WORD_FILE_READ;
	}
	return changed;
}

enum rule_result
rule_test(const struct rule *rule, const struct rule_try *rule_try, struct rule_hit *hit)
{
	const struct event *event = views_event(rule_try->views);
	struct match match = {
		.rule = rule,
		.try = rule_try,
		.views = rule_try->views,
		.hit = hit,
		.status = views_status(rule_try->views),
		.actor = event ? event_actor(event) : (struct json_value){0},
	};

	enum rule_result result = test_conds(&match, rule->table->conds);
	/* captures are left as they are: clearing 2 KB for each rule and event would cost more than most rules */
	if (hit && (result != RULE_YES || !match.has_hit)) {
		hit->key = "";
		hit->view = VIEW_TEXT;
		hit->pattern = hit->subject = STR("");
		hit->span = SPAN_NONE;
		hit->capture_count = 0;
		hit->compiled = NULL;
	}
	return result;
}

enum rule_result
rule_match(const struct rule *rule, struct views *views, struct pattern_scratch *scratch,
	int64_t now_ms, struct rule_hit *hit)
{
	struct rule_try rule_try = {.views = views, .scratch = scratch, .now_ms = now_ms};

	(void)rule_refresh(rule, now_ms);
	return rule_test(rule, &rule_try, hit);
}

enum rule_news
rule_take_news(struct rule *rule, char text[MESSAGE_MAX])
{
	for (size_t i = 0; i < rule->file_count; i++) {
		struct rule_file_news *news = &rule->news[i];
		enum rule_news what = news->what;
		if (what == RULE_NEWS_NONE)
			continue;
		memcpy(text, news->text, sizeof(news->text));
		news->what = RULE_NEWS_NONE;
		return what;
	}
	return RULE_NEWS_NONE;
}
