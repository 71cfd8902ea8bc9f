/* SPDX-License-Identifier: MIT */
/* struct str: a borrowed run of bytes with a length. Never owns, may hold NULs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *ptr; /* NULL: absent (which is not the same as empty) */
	size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NONE     ((struct str){0})
/* For printf-like functions: "%.*s", STR_ARG(s) */
#define STR_ARG(s)   (int)(s).len, (s).ptr ? (s).ptr : ""

struct str str_from(const char *text); /* NULL gives STR_NONE */
bool str_eq(struct str a, struct str b);
bool str_eq_text(struct str a, const char *text);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
struct str str_trim(struct str s); /* ASCII white space at both ends */
/* Cuts at the first `sep`: *head gets what stands before it, the return value
 * what stands behind it; without `sep`, *head is all and the result STR_NONE. */
struct str str_split(struct str s, char sep, struct str *head);
/* At most the first `max` bytes of valid UTF-8, whole characters only. */
struct str str_clip(struct str s, size_t max);
char *str_dup(struct str s); /* new, NUL ended; STR_NONE gives NULL */
/* Whole of `s` as a decimal number in [min, max]; false otherwise. */
bool str_to_int(struct str s, int64_t min, int64_t max, int64_t *out);
/* True when the bytes are valid UTF-8 (RFC 3629: no surrogates, no overlongs). */
bool str_is_utf8(struct str s);
/* Bytes of the valid UTF-8 sequence at the start of `s`, its code point in *code;
 * 0 when there is none (*code is then of no use). */
size_t str_utf8_next(struct str s, uint32_t *code);
uint64_t str_hash(struct str s); /* FNV-1a, stable between runs and versions */
