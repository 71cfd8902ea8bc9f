/* SPDX-License-Identifier: MIT */
/* Reads the values of a match table and says what is wrong with them, and where. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "rule_parts.h"
#include "suggest.h"
#include "xmalloc.h"

/* Bytes of a wrong value that an error shows. */
#define SHOWN_LEN 60

bool
compiler_fail(struct compiler *compiler, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(compiler->error->message, sizeof(compiler->error->message), format, args);
	va_end(args);
	return false;
}

/* The value in words: what a plugin's author wrote, not JSON. */
static void
describe(struct json_value value, char *out, size_t size)
{
	struct str text = json_str(value);
	int64_t number;
	bool flag = false;

	switch (json_type(value)) {
	case JSON_NULL:
		snprintf(out, size, "nothing");
		return;
	case JSON_BOOL:
		(void)json_get_bool(value, &flag);
		snprintf(out, size, "%s", flag ? "true" : "false");
		return;
	case JSON_INT:
	case JSON_UINT:
	case JSON_DOUBLE:
		if (json_get_int(value, &number))
			snprintf(out, size, "the number %lld", (long long)number);
		else
			snprintf(out, size, "a number");
		return;
	case JSON_STRING:
		snprintf(out, size, "\"%.*s\"%s", STR_ARG(str_clip(text, SHOWN_LEN)),
			text.len > SHOWN_LEN ? "..." : "");
		return;
	case JSON_ARRAY:
		snprintf(out, size, json_count(value) > 0 ? "a list" : "an empty list");
		return;
	case JSON_OBJECT:
		snprintf(out, size, json_count(value) > 0 ? "a table with keys" : "an empty table");
		return;
	}
}

bool
compiler_expected(struct compiler *compiler, const char *what, struct json_value found)
{
	char text[SHOWN_LEN + 16];

	describe(found, text, sizeof(text));
	return compiler_fail(compiler, "expected %s, found %s", what, text);
}

bool
compiler_unknown(struct compiler *compiler, const char *what, struct str given,
	const char *const *known, size_t count)
{
	const char *nearest = suggest(given, known, count);
	struct str shown = str_clip(given, SHOWN_LEN);
	struct buf list;

	if (nearest)
		return compiler_fail(compiler, "unknown %s \"%.*s\"; did you mean \"%s\"?", what,
			STR_ARG(shown), nearest);
	buf_init(&list, MESSAGE_MAX / 2);
	for (size_t i = 0; i < count; i++)
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", known[i]);
	compiler_fail(compiler, "unknown %s \"%.*s\"; known are: %s", what, STR_ARG(shown),
		list.ptr ? list.ptr : "");
	buf_finish(&list);
	return false;
}

bool
compiler_count(struct compiler *compiler)
{
	const struct rule_env *env = compiler->env;

	if (env->must_end && env->must_end(env->data))
		return compiler_fail(compiler, "it takes too long to compile");
	compiler->rule->memory += sizeof(struct cond);
	if (++compiler->nodes <= RULE_NODES_MAX)
		return true;
	return compiler_fail(compiler,
		"the match table has more than %d conditions; put long lists into \"words\"",
		RULE_NODES_MAX);
}

size_t
compiler_enter(struct compiler *compiler, struct str key)
{
	size_t before = compiler->path_len, size = sizeof(compiler->error->where);
	char *where = compiler->error->where;

	int len = snprintf(where + before, size - before, "%s%.*s", before > 0 ? "." : "",
		STR_ARG(str_clip(key, SHOWN_LEN)));
	compiler->path_len = before + (size_t)len < size ? before + (size_t)len : size - 1;
	return before;
}

size_t
compiler_enter_index(struct compiler *compiler, size_t index)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", index);
	return compiler_enter(compiler, str_from(text));
}

void
compiler_leave(struct compiler *compiler, size_t path_len)
{
	compiler->path_len = path_len;
	compiler->error->where[path_len] = '\0';
}

static bool
read_string(struct compiler *compiler, struct json_value value, const char *what,
	check_string_fn *check, struct strings *out)
{
	struct str text = json_str(value);

	if (json_type(value) != JSON_STRING || text.len == 0)
		return compiler_expected(compiler, what, value);
	if (!compiler_count(compiler) || (check && !check(compiler, text)))
		return false;
	out->list = xreallocarray(out->list, out->count + 1, sizeof(*out->list));
	out->list[out->count++] = str_dup(text);
	return true;
}

bool
read_strings(struct compiler *compiler, struct json_value value, const char *what,
	check_string_fn *check, struct strings *out)
{
	struct json_iter it = json_iter(value);
	size_t index = 0;

	if (json_type(value) != JSON_ARRAY)
		return read_string(compiler, value, what, check, out);
	if (json_count(value) == 0)
		return compiler_expected(compiler, what, value);
	while (json_next(&it)) {
		size_t path = compiler_enter_index(compiler, ++index);
		if (!read_string(compiler, it.value, what, check, out))
			return false;
		compiler_leave(compiler, path);
	}
	return true;
}

bool
read_bool(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return json_get_bool(value, &cond->want) ||
	       compiler_expected(compiler, "true or false", value);
}

bool
read_count(struct compiler *compiler, struct json_value value, int64_t *out)
{
	return (json_get_int(value, out) && *out >= 0) ||
	       compiler_expected(compiler, "a whole number from 0", value);
}

typedef bool parse_fn(struct str text, int64_t *out);

static bool
parse_number(struct str text, int64_t *out)
{
	return str_to_int(text, 0, INT64_MAX / 2, out);
}

/* What a kind of range is made of. */
struct range_kind {
	parse_fn *parse;
	const char *what, *end; /* for errors: the whole value; one end of it */
	bool exact;             /* one value alone means "equal" */
};

static const struct range_kind numbers = {
	parse_number, "a comparison like \">100\" or a number", "a whole number from 0", true};
static const struct range_kind ages = {duration_parse,
	"a comparison with a time like \">7d\" or \"<24h\"", "a time like \"7d\"", false};

/* ">=7d" */
static bool
parse_comparison(const struct range_kind *kind, struct str text, struct range *out)
{
	static const struct {
		const char *sign;
		int64_t to_min, to_max; /* what to add to the value; INT64_MIN: that end is open */
	} signs[] = {{">=", 0, INT64_MIN}, {"<=", INT64_MIN, 0}, {"==", 0, 0}, {">", 1, INT64_MIN},
		{"<", INT64_MIN, -1}, {"=", 0, 0}, {"", 0, 0}};
	size_t i = 0;
	int64_t value;

	text = str_trim(text);
	while (!str_starts(text, signs[i].sign))
		i++;
	size_t len = strlen(signs[i].sign);
	text = str_trim((struct str){text.ptr + len, text.len - len});
	if ((len == 0 && !kind->exact) || !kind->parse(text, &value))
		return false;
	*out = (struct range){
		.min = signs[i].to_min == INT64_MIN ? INT64_MIN : value + signs[i].to_min,
		.max = signs[i].to_max == INT64_MIN ? INT64_MAX : value + signs[i].to_max,
	};
	return true;
}

static bool
read_end(struct compiler *compiler, const struct range_kind *kind, struct json_value value,
	int64_t *out)
{
	if (kind->exact && json_get_int(value, out) && *out >= 0)
		return true;
	if (json_type(value) == JSON_STRING && kind->parse(json_str(value), out))
		return true;
	return compiler_expected(compiler, kind->end, value);
}

/* { min =, max = } */
static bool
read_ends(struct compiler *compiler, const struct range_kind *kind, struct json_value object,
	struct range *out)
{
	static const char *const known[] = {"min", "max"};
	struct json_iter it = json_iter(object);

	*out = (struct range){INT64_MIN, INT64_MAX};
	while (json_next(&it)) {
		bool min = str_eq_text(it.key, "min");
		if (!min && !str_eq_text(it.key, "max"))
			return compiler_unknown(compiler, "key", it.key, known, COUNT_OF(known));
		size_t path = compiler_enter(compiler, it.key);
		if (!read_end(compiler, kind, it.value, min ? &out->min : &out->max))
			return false;
		compiler_leave(compiler, path);
	}
	return true;
}

static bool
read_range(struct compiler *compiler, const struct range_kind *kind, struct json_value value,
	struct range *out)
{
	int64_t number;

	if (json_type(value) == JSON_OBJECT && json_count(value) > 0) {
		if (!read_ends(compiler, kind, value, out))
			return false;
	} else if (kind->exact && json_get_int(value, &number) && number >= 0) {
		*out = (struct range){number, number};
	} else if (json_type(value) != JSON_STRING ||
		   !parse_comparison(kind, json_str(value), out)) {
		return compiler_expected(compiler, kind->what, value);
	}
	if (out->min > out->max)
		return compiler_fail(compiler, "no value can be in this range: min is above max");
	return true;
}

bool
read_numbers(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_range(compiler, &numbers, value, &cond->range);
}

bool
read_age(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_range(compiler, &ages, value, &cond->range);
}

/* Into its place: by cost, then in the order of the key table. */
static void
insert(struct cond **list, struct cond *cond)
{
	while (*list && ((*list)->cost < cond->cost ||
				((*list)->cost == cond->cost && (*list)->key <= cond->key)))
		list = &(*list)->next;
	cond->next = *list;
	*list = cond;
}

static bool
unknown_key(struct compiler *compiler, const char *what, struct str given, const struct key *keys,
	size_t count)
{
	const char **names = xreallocarray(NULL, count, sizeof(*names));

	for (size_t i = 0; i < count; i++)
		names[i] = keys[i].name;
	compiler_unknown(compiler, what, given, names, count);
	free(names);
	return false;
}

bool
read_conds(struct compiler *compiler, struct json_value object, const char *what,
	const struct key *keys, size_t key_count, struct cond **out)
{
	struct json_iter it = json_iter(object);

	while (json_next(&it)) {
		size_t i = 0;
		while (i < key_count && !str_eq_text(it.key, keys[i].name))
			i++;
		if (i == key_count)
			return unknown_key(compiler, what, it.key, keys, key_count);
		size_t path = compiler_enter(compiler, it.key);
		struct cond *cond = xmalloc(sizeof(*cond));
		*cond = (struct cond){.key = &keys[i], .cost = keys[i].cost};
		bool read = compiler_count(compiler) && keys[i].read(compiler, it.value, cond);
		insert(out, cond); /* also a broken one: the list is destroyed with the rule */
		if (!read)
			return false;
		compiler_leave(compiler, path);
	}
	return true;
}

static void
tables_destroy(struct table *table)
{
	while (table) {
		struct table *next = table->next;
		conds_destroy(table->conds);
		free(table);
		table = next;
	}
}

void
strings_finish(struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->list[i]);
	free(strings->list);
}

void
conds_destroy(struct cond *cond)
{
	while (cond) {
		struct cond *next = cond->next;
		strings_finish(&cond->strings);
		for (size_t i = 0; i < cond->text_count; i++) {
			pattern_destroy(cond->texts[i].pattern);
			free(cond->texts[i].name);
			free(cond->texts[i].health);
		}
		free(cond->texts);
		words_destroy(cond->words);
		word_file_destroy(cond->file);
		tables_destroy(cond->tables);
		conds_destroy(cond->parts);
		free(cond);
		cond = next;
	}
}
