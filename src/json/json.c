/* SPDX-License-Identifier: MIT */
/* Reading the values of a parsed document. */
#include "json.h"

#include <string.h>

#include "attr.h"
#include "json_doc.h"

#define ABSENT ((struct json_value){0})

static uint64_t
word_of(struct json_value value)
{
	return value.doc->tape[value.at];
}

/* The type character, 0 for an absent value. */
static char
tape_type(struct json_value value)
{
	return value.doc != NULL ? JSON_TAPE_TYPE(word_of(value)) : '\0';
}

static uint64_t
next_word(struct json_value value)
{
	return value.doc->tape[value.at + 1];
}

struct json_value
json_root(const struct json_doc *doc)
{
	return doc != NULL ? (struct json_value){doc, 1} : ABSENT;
}

bool
json_exists(struct json_value value)
{
	return value.doc != NULL;
}

enum json_type
json_type(struct json_value value)
{
	switch (tape_type(value)) {
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'l':
		return JSON_INT;
	case 'u':
		return JSON_UINT;
	case 'd':
		return JSON_DOUBLE;
	case '"':
		return JSON_STRING;
	case '[':
		return JSON_ARRAY;
	case '{':
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

bool
json_get_bool(struct json_value value, bool *out)
{
	char type = tape_type(value);
	if (type != 't' && type != 'f') {
		return false;
	}
	*out = type == 't';
	return true;
}

bool
json_get_int(struct json_value value, int64_t *out)
{
	if (tape_type(value) != 'l') { /* 'u' is only for what does not fit */
		return false;
	}
	*out = (int64_t)next_word(value);
	return true;
}

bool
json_get_uint(struct json_value value, uint64_t *out)
{
	char type = tape_type(value);
	if (type != 'u' && (type != 'l' || (int64_t)next_word(value) < 0)) {
		return false;
	}
	*out = next_word(value);
	return true;
}

bool
json_get_double(struct json_value value, double *out)
{
	uint64_t bits = 0;
	switch (tape_type(value)) {
	case 'l':
		*out = (double)(int64_t)next_word(value);
		return true;
	case 'u':
		*out = (double)next_word(value);
		return true;
	case 'd':
		bits = next_word(value);
		memcpy(out, &bits, sizeof(*out));
		return true;
	default:
		return false;
	}
}

static struct str
string_at(const struct json_doc *doc, uint64_t at)
{
	const char *start = doc->strings + JSON_TAPE_VALUE(doc->tape[at]);
	uint32_t len = 0;
	memcpy(&len, start, sizeof(len));
	return (struct str){start + sizeof(len), len};
}

struct str
json_str(struct json_value value)
{
	return tape_type(value) == '"' ? string_at(value.doc, value.at) : STR_NONE;
}

/* Index behind the value at `at`. */
static uint64_t
after(const struct json_doc *doc, uint64_t at)
{
	uint64_t word = doc->tape[at];
	switch (JSON_TAPE_TYPE(word)) {
	case '{':
	case '[':
		return JSON_TAPE_AFTER(word);
	case 'l':
	case 'u':
	case 'd':
		return at + 2;
	default:
		return at + 1;
	}
}

struct json_value
json_get_str(struct json_value object, struct str key)
{
	if (tape_type(object) != '{') {
		return ABSENT;
	}
	const struct json_doc *doc = object.doc;
	uint64_t end = JSON_TAPE_AFTER(word_of(object)) - 1;
	for (uint64_t at = object.at + 1; at < end; at = after(doc, at + 1)) {
		struct str name = string_at(doc, at);
		/* the last letters of keys differ more than the first */
		if (name.len == key.len &&
			(key.len == 0 || (name.ptr[key.len - 1] == key.ptr[key.len - 1] &&
						 memcmp(name.ptr, key.ptr, key.len) == 0))) {
			return (struct json_value){doc, at + 1};
		}
	}
	return ABSENT;
}

void
json_get_each(
	struct json_value object, const struct str *keys, struct json_value *values, size_t count)
{
	uint64_t lens = 0; /* bits */
	for (size_t i = 0; i < count; i++) {
		values[i] = ABSENT;
		lens |= UINT64_C(1) << (keys[i].len & 63);
	}
	if (tape_type(object) != '{') {
		return;
	}
	const struct json_doc *doc = object.doc;
	uint64_t end = JSON_TAPE_AFTER(word_of(object)) - 1;
	size_t left = count;
	for (uint64_t at = object.at + 1; at < end && left > 0; at = after(doc, at + 1)) {
		struct str name = string_at(doc, at);
		for (size_t i = 0; (lens >> (name.len & 63) & 1) && i < count; i++) {
			if (keys[i].len == name.len && values[i].doc == NULL &&
				str_eq(keys[i], name)) {
				values[i] = (struct json_value){doc, at + 1};
				left--;
			}
		}
	}
}

static struct json_value
element_at(struct json_value array, int64_t index)
{
	struct json_iter it = json_iter(array);
	for (int64_t i = 0; json_next(&it); i++) {
		if (i == index) {
			return it.value;
		}
	}
	return ABSENT;
}

struct json_value
json_path(struct json_value value, const char *path)
{
	struct str rest = str_from(path);
	while (rest.ptr != NULL && json_exists(value)) {
		struct str step;
		rest = str_split(rest, '.', &step);
		int64_t index = 0;
		if (tape_type(value) != '[') {
			value = json_get_str(value, step);
		} else if (str_to_int(step, 0, INT64_MAX, &index)) {
			value = element_at(value, index);
		} else {
			value = ABSENT;
		}
	}
	return value;
}

size_t
json_doc_memory(const struct json_doc *doc)
{
	return doc ? sizeof(*doc) + doc->words * sizeof(doc->tape[0]) : 0;
}

size_t
json_count(struct json_value container)
{
	char type = tape_type(container);
	if (type != '{' && type != '[') {
		return 0;
	}
	size_t count = JSON_TAPE_COUNT(word_of(container));
	if (count < JSON_COUNT_FULL) {
		return count;
	}
	struct json_iter it = json_iter(container);
	for (count = 0; json_next(&it); count++) {
	}
	return count;
}

struct json_iter
json_iter(struct json_value container)
{
	struct json_iter it = {.container = container};
	char type = tape_type(container);
	if (type == '{' || type == '[') {
		it.next = container.at + 1;
		it.end = JSON_TAPE_AFTER(word_of(container)) - 1;
	}
	return it;
}

bool
json_next(struct json_iter *iter)
{
	if (iter->next >= iter->end) {
		return false;
	}
	const struct json_doc *doc = iter->container.doc;
	if (tape_type(iter->container) == '{') {
		iter->key = string_at(doc, iter->next);
		iter->next++;
	}
	iter->value = (struct json_value){doc, iter->next};
	iter->next = after(doc, iter->next);
	return true;
}
