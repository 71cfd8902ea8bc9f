/* SPDX-License-Identifier: MIT */
/* --expect: how often rules shall match, read from a file and held against a replay's table. */
#include "replay_expect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "json.h"
#include "limits.h"
#include "lua_file.h"
#include "suggest.h"
#include "xmalloc.h"

enum { WORD_COUNT = 3 };
static const char *const words[WORD_COUNT] = {"at_least", "at_most", "exactly"};

struct wish {
	char *rule;
	int64_t wanted[WORD_COUNT]; /* as words; -1: none */
	struct wish *next;
};

struct expect {
	struct wish *list;
};

struct reading {
	const char *file;
	struct str source;
	const struct table *table;
	char *error;
};

void
expect_destroy(struct expect *expect)
{
	if (!expect)
		return;
	while (expect->list) {
		struct wish *next = expect->list->next;
		free(expect->list->rule);
		free(expect->list);
		expect->list = next;
	}
	free(expect);
}

/* The line on which `rule`, and behind it `key` when there is one, stands first; 1 when it is put together. */
static unsigned
line_of(const struct reading *reading, struct str rule, struct str key)
{
	const char *start = reading->source.ptr, *end = start + reading->source.len;
	const char *at = memmem(start, reading->source.len, rule.ptr, rule.len);
	unsigned line = 1;

	if (at && key.len > 0)
		at = memmem(at + rule.len, (size_t)(end - at) - rule.len, key.ptr, key.len);
	for (const char *c = start; at && c < at; c++)
		line += *c == '\n';
	return line;
}

static bool
fail(const struct reading *reading, struct str rule, struct str key, const char *text)
{
	snprintf(reading->error, PLUGIN_ERROR_MAX, "%s:%u: %s", reading->file,
		line_of(reading, rule, key), text);
	return false;
}

static bool
is_rule(const struct reading *reading, struct str name)
{
	unsigned count = 0;
	while (table_rule(reading->table, count))
		count++;
	const char **known = xcalloc(count + 1, sizeof(*known));
	bool found = false;
	for (unsigned i = 0; i < count; i++) {
		known[i] = table_rule(reading->table, i);
		found = found || str_eq_text(name, known[i]);
	}
	known[count] = "total";
	found = found || str_eq_text(name, "total");
	if (!found) {
		const char *near = suggest(name, known, count + 1);
		char *text = xasprintf(
			"there is no rule \"%.*s\"%s%s%s; the rules are those of the table at the end of "
			"a replay, and \"total\"",
			STR_ARG(name), near ? "; did you mean \"" : "", near ? near : "",
			near ? "\"?" : "");
		(void)fail(reading, name, STR_NONE, text);
		free(text);
	}
	free(known);
	return found;
}

static bool
read_wish(
	const struct reading *reading, struct str rule, struct json_value value, struct wish *wish)
{
	struct json_iter it = json_iter(value);

	if (json_type(value) != JSON_OBJECT || json_count(value) == 0)
		return fail(reading, rule, STR_NONE,
			"expected a table with at_least, at_most or exactly, such as { at_most = 3 }");
	while (json_next(&it)) {
		unsigned i = 0;
		while (i < WORD_COUNT && !str_eq_text(it.key, words[i]))
			i++;
		if (i == WORD_COUNT) {
			const char *near = suggest(it.key, words, WORD_COUNT);
			char *text = xasprintf(
				"unknown key \"%.*s\"%s%s%s; expected at_least, at_most or exactly",
				STR_ARG(it.key), near ? "; did you mean \"" : "", near ? near : "",
				near ? "\"?" : "");
			(void)fail(reading, rule, it.key, text);
			free(text);
			return false;
		}
		if (!json_get_int(it.value, &wish->wanted[i]) || wish->wanted[i] < 0)
			return fail(reading, rule, it.key,
				"expected a whole number of matches, 0 or more");
	}
	return true;
}

static bool
read_all(const struct reading *reading, struct json_value root, struct expect *expect)
{
	struct json_iter it = json_iter(root);
	struct wish **end = &expect->list;

	if (json_type(root) != JSON_OBJECT) {
		(void)fail(reading, STR(""), STR_NONE,
			"expected a table of rules: return { [\"plugin:12\"] = { at_most = 3 } }");
		return false;
	}
	while (json_next(&it)) {
		struct wish *wish = xmalloc(sizeof(*wish));
		*wish = (struct wish){.rule = str_dup(it.key), .wanted = {-1, -1, -1}};
		*end = wish;
		end = &wish->next;
		if (!is_rule(reading, it.key) || !read_wish(reading, it.key, it.value, wish))
			return false;
	}
	return true;
}

static bool
is_json(struct str source)
{
	source = str_trim(source);
	return source.len > 0 && source.ptr[0] == '{';
}

struct expect *
expect_read(const char *file, const struct table *table, char *error)
{
	struct expect *expect = xcalloc(1, sizeof(*expect));
	struct buf source, json;
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	struct json_error wrong = {.message = ""};
	buf_init(&source, EXPECT_FILE_MAX);
	buf_init(&json, EXPECT_FILE_MAX);
	bool good = file_read(file, &source) && source.err == ERR_OK;
	if (!good)
		snprintf(error, PLUGIN_ERROR_MAX, "%s cannot be read: %s", file,
			source.err == ERR_OK ? strerror(errno) : "it is too long");
	struct reading reading = {file, buf_str(&source), table, error};
	if (good && is_json(reading.source))
		buf_add_str(&json, reading.source);
	else
		good = good && lua_file_read(file, reading.source, NULL, &json, error);
	if (good && json_parse(parser, buf_str(&json), &doc, &wrong) != ERR_OK)
		good = fail(&reading, STR(""), STR_NONE, wrong.message);
	good = good && read_all(&reading, json_root(doc), expect);
	json_doc_destroy(doc);
	json_parser_destroy(parser);
	buf_finish(&json);
	buf_finish(&source);
	if (good)
		return expect;
	expect_destroy(expect);
	return NULL;
}

static uint64_t
found_of(const struct table *table, const char *rule)
{
	for (unsigned i = 0; table_rule(table, i); i++) {
		if (strcmp(table_rule(table, i), rule) == 0)
			return table_matches(table, i);
	}
	return table_total(table);
}

unsigned
expect_judge(const struct expect *expect, const struct table *table, FILE *out)
{
	static const char *const said[WORD_COUNT] = {"at least", "at most", "exactly"};
	unsigned failed = 0;

	for (const struct wish *wish = expect->list; wish; wish = wish->next) {
		int64_t found = (int64_t)found_of(table, wish->rule);
		const bool held[WORD_COUNT] = {found >= wish->wanted[0],
			wish->wanted[1] < 0 || found <= wish->wanted[1],
			wish->wanted[2] < 0 || found == wish->wanted[2]};
		for (unsigned i = 0; i < WORD_COUNT; i++) {
			if (held[i])
				continue;
			failed++;
			fprintf(out, "%s: expected %s %" PRId64 " matches, found %" PRId64 "\n",
				wish->rule, said[i], wish->wanted[i], found);
		}
	}
	return failed;
}
