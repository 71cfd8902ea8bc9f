/* SPDX-License-Identifier: MIT */
/* Inside of the json layer: what a parsed document looks like in memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* simdjson's tape and its strings: in the parser's memory, or cut to their used length in one block.
 * A word is a type character in the top byte and a value below it:
 *   'r'      first word: the count of words
 *   '{' '['  low 32 bits: index behind the matching end; next 24 bits: count of members, which
 *            stays at JSON_COUNT_FULL when there are more
 *   '}' ']'  the end
 *   '"'      offset into the strings: 32 bits of length, the bytes, a NUL
 *   'l' 'u' 'd'  the next word is an int64_t, uint64_t or double
 *   't' 'f' 'n'
 * Keys are strings before their values. */
struct json_doc {
	const uint64_t *tape;
	const char *strings;
	size_t words;
	void (*recall)(void *data, const struct json_doc *doc); /* of a borrowed one; NULL: none */
	void *data;                                             /* ... its argument */
	bool borrowed; /* tape and strings are the parser's; else they stand behind this struct */
};

#define JSON_TAPE_TYPE(word)  ((char)((word) >> 56))
#define JSON_TAPE_VALUE(word) ((word)&0x00FFFFFFFFFFFFFFu)
#define JSON_TAPE_AFTER(word) ((uint64_t)(uint32_t)(word))
#define JSON_TAPE_COUNT(word) ((size_t)((word) >> 32 & 0xFFFFFFu))
#define JSON_COUNT_FULL       0xFFFFFFu
