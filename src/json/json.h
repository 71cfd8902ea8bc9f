/* SPDX-License-Identifier: MIT */
/* Reading JSON: one C header over the JSON library. Values point into their document. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

#ifdef __cplusplus
extern "C" {
#endif

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_INT,
	JSON_UINT,
	JSON_DOUBLE,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json_parser; /* scratch memory, one per thread of use; reused for every parse */
struct json_doc;    /* one parsed text; immutable */

/* A value: two words, copied freely, good as long as its document. */
struct json_value {
	const struct json_doc *doc; /* NULL: absent */
	uint64_t at;
};

struct json_error {
	char message[160]; /* what is wrong, in words */
};

struct json_parser *json_parser_create(void);
void json_parser_destroy(struct json_parser *parser);

/* Parses the whole of `text` (borrowed: the document keeps its own copy of strings).
 * What the library refuses although the wire may carry it (a lone surrogate escape,
 * an integer >= 2^64, 1e400) is repaired once: the surrogate becomes U+FFFD, the
 * number a string with its text. Deeper than JSON_DEPTH_MAX or longer than
 * JSON_TEXT_MAX is ERR_TOO_BIG, anything else that is no JSON ERR_SYNTAX; `error` may
 * be NULL. On ERR_OK *doc is new. */
enum err json_parse(struct json_parser *parser, struct str text, struct json_doc **doc,
	struct json_error *error);
/* The same without a copy: *doc lies in the parser's own memory and is good until the parser's next parse of any kind.
 * For texts that are looked at once and mostly thrown away. */
enum err json_parse_borrowed(struct json_parser *parser, struct str text, struct json_doc **doc,
	struct json_error *error);
bool json_doc_is_borrowed(const struct json_doc *doc);
/* Called before the memory of a borrowed document is used again: the last moment to keep a copy. Values that were found in it
 * stand at the same places (`at`) of the copy. json_doc_destroy takes that back; one at a time. */
typedef void json_recall_fn(void *data, const struct json_doc *doc);
void json_doc_lend(struct json_doc *doc, json_recall_fn *recall, void *data);
/* A copy of its own of a borrowed document; values found before still point into the borrowed one. */
struct json_doc *json_doc_keep(const struct json_doc *doc); /* new */
size_t json_doc_memory(const struct json_doc *doc); /* bytes, its strings not counted; 0 for NULL */
void json_doc_destroy(struct json_doc *doc);        /* NULL is fine; a borrowed one is given back */

struct json_value json_root(const struct json_doc *doc);
bool json_exists(struct json_value value);
enum json_type json_type(struct json_value value); /* JSON_NULL for an absent value */

/* Each returns false (and leaves *out) when the value is absent or of another type. */
bool json_get_bool(struct json_value value, bool *out);
bool json_get_int(struct json_value value, int64_t *out); /* integers that fit */
bool json_get_uint(struct json_value value, uint64_t *out);
bool json_get_double(struct json_value value, double *out); /* any number */
/* The decoded string, or STR_NONE. NUL bytes may be inside. Borrowed from the document. */
struct str json_str(struct json_value value);

/* Member of an object (the first of that name), absent value otherwise. */
struct json_value json_get_str(struct json_value object, struct str key);
#ifndef __cplusplus
static inline struct json_value
json_get(struct json_value object, const char *key)
{
	return json_get_str(
		object, (struct str){key, __builtin_strlen(key)}); /* counted by the compiler */
}
#endif
/* The same for some keys in one walk: values[i] is that of keys[i]. */
void json_get_each(
	struct json_value object, const struct str *keys, struct json_value *values, size_t count);
/* "account.acct", "media_attachments.0.description". */
struct json_value json_path(struct json_value value, const char *path);
size_t json_count(struct json_value container); /* elements or members; 0 for others */

/* Walks an array or object in order: struct json_iter it = json_iter(v); while (json_next(&it)) ... */
struct json_iter {
	struct json_value value; /* the current element */
	struct str key;          /* in objects; STR_NONE in arrays */
	uint64_t next, end;      /* private */
	struct json_value container;
};
struct json_iter json_iter(struct json_value container);
bool json_next(struct json_iter *iter);

#ifdef __cplusplus
}
#endif
