/* SPDX-License-Identifier: MIT */
/* A walk over JSON text that is known to be sound, up to one value. */
#include "json_where.h"

#include <stdint.h>
#include <string.h>

#include "attr.h"

static const char *
skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* Behind the string whose first quote is at `at`. */
static const char *
skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		if (*at == '\\')
			at++;
	}
	return at < end ? at + 1 : end;
}

static const char *
skip_value(const char *at, const char *end)
{
	size_t depth = 0;

	do {
		at = skip_blanks(at, end);
		if (at == end)
			return end;
		if (*at == '"') {
			at = skip_string(at, end);
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			depth -= depth > 0;
			at++;
		} else if (*at == ',' || *at == ':') {
			at++;
		} else { /* a number or a word */
			while (at < end && !strchr(",:]} \n\t\r", *at))
				at++;
		}
	} while (depth > 0);
	return at;
}

/* The value of the four hexadecimal digits at `at`. */
static unsigned
hex(const char *at)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		char c = at[i];
		unsigned digit = c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
		value = value << 4 | (digit & 15);
	}
	return value;
}

/* One character of a string literal: its bytes in the literal, and how many bytes it was decoded to. */
static size_t
literal_char(const char *at, const char *end, size_t *decoded)
{
	*decoded = 1;
	if (*at != '\\' || end - at < 2)
		return 1;
	if (at[1] != 'u' || end - at < 6)
		return 2;
	unsigned c = hex(at + 2);
	*decoded = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
	if (c < 0xd800 || c > 0xdbff || end - at < 12 || at[6] != '\\' || at[7] != 'u')
		return 6; /* a lone surrogate became U+FFFD, three bytes as well */
	unsigned low = hex(at + 8);
	if (low < 0xdc00 || low > 0xdfff)
		return 6;
	*decoded = 4;
	return 12;
}

/* True when the key that stands at `at` in quotes is `key`. */
static bool
is_key(const char *at, const char *end, struct str key)
{
	struct str raw = {at + 1, (size_t)(skip_string(at, end) - at) - 2};

	if (!memchr(raw.ptr, '\\', raw.len))
		return str_eq(raw, key);
	size_t i = 0;
	while (i < raw.len && key.len > 0) {
		size_t decoded;
		const char *c = raw.ptr + i;
		i += literal_char(c, raw.ptr + raw.len, &decoded);
		/* keys of the entities that we know are plain ASCII */
		if (decoded != 1 ||
			(*c == '\\' ? c[1] == 'u' ? (char)hex(c + 2) : c[1] : *c) != *key.ptr)
			return false;
		key.ptr++;
		key.len--;
	}
	return i >= raw.len && key.len == 0;
}

/* The member `key` of the object, or the element of that number of the array, at `at`; NULL when there is none. */
static const char *
find_member(const char *at, const char *end, struct str key)
{
	bool object = *at == '{';
	int64_t index = 0, wanted = -1;

	if (!object && (*at != '[' || !str_to_int(key, 0, INT64_MAX, &wanted)))
		return NULL;
	for (at = skip_blanks(at + 1, end); at < end && *at != '}' && *at != ']'; index++) {
		bool found = object ? is_key(at, end, key) : index == wanted;
		if (object) {
			at = skip_blanks(skip_string(at, end), end);
			if (at == end)
				return NULL;
			at = skip_blanks(at + 1, end); /* the colon */
		}
		if (found)
			return at < end ? at : NULL;
		at = skip_blanks(skip_value(at, end), end);
		if (at < end && *at == ',')
			at = skip_blanks(at + 1, end);
	}
	return NULL;
}

struct str
json_where(struct str text, const char *path)
{
	const char *end = text.ptr ? text.ptr + text.len : NULL;
	const char *at = text.ptr ? skip_blanks(text.ptr, end) : NULL;
	struct str rest = str_from(path), key;

	if (!at || at == end)
		return STR_NONE;
	while (rest.ptr && *path) {
		rest = str_split(rest, '.', &key);
		at = find_member(at, end, key);
		if (!at)
			return STR_NONE;
	}
	return (struct str){at, (size_t)(skip_value(at, end) - at)};
}

bool
json_where_next(struct str *rest, struct str *element)
{
	const char *end = rest->ptr ? rest->ptr + rest->len : NULL;
	const char *at = rest->ptr ? skip_blanks(rest->ptr, end) : NULL;

	if (!at || at == end || (*at != '[' && *at != ','))
		return false;
	at = skip_blanks(at + 1, end);
	if (at == end || *at == ']')
		return false;
	const char *behind = skip_value(at, end);
	*element = (struct str){at, (size_t)(behind - at)};
	*rest = (struct str){behind, (size_t)(end - behind)};
	return true;
}

struct str
json_where_in(struct str literal, size_t start, size_t end)
{
	const char *at = literal.ptr, *last = at + literal.len;
	size_t decoded = 0, bytes = 0;

	if (literal.len < 2 || *at != '"')
		return literal;
	last--; /* the closing quote */
	at++;
	while (at < last) {
		size_t taken = literal_char(at, last, &bytes);
		if (decoded + bytes > start)
			break;
		decoded += bytes;
		at += taken;
	}
	const char *first = at;
	while (at < last && decoded < end) {
		at += literal_char(at, last, &bytes);
		decoded += bytes;
	}
	return (struct str){first, (size_t)(at - first)};
}
