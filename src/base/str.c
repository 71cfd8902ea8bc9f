/* SPDX-License-Identifier: MIT */
/* Comparing, cutting and checking borrowed runs of bytes. */
#include "str.h"

#include <string.h>

#include "xmalloc.h"

struct str
str_from(const char *text)
{
	return text != NULL ? (struct str){text, strlen(text)} : STR_NONE;
}

bool
str_eq(struct str a, struct str b)
{
	if (a.ptr == NULL || b.ptr == NULL) {
		return a.ptr == b.ptr;
	}
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

bool
str_eq_text(struct str a, const char *text)
{
	return str_eq(a, str_from(text));
}

static unsigned char
ascii_lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.ptr == NULL || b.ptr == NULL) {
		return a.ptr == b.ptr;
	}
	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i])) {
			return false;
		}
	}
	return true;
}

bool
str_starts(struct str s, const char *prefix)
{
	size_t len = strlen(prefix);
	return s.len >= len && (len == 0 || memcmp(s.ptr, prefix, len) == 0);
}

bool
str_ends(struct str s, const char *suffix)
{
	size_t len = strlen(suffix);
	return s.len >= len && (len == 0 || memcmp(s.ptr + s.len - len, suffix, len) == 0);
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str
str_trim(struct str s)
{
	while (s.len > 0 && is_space(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
		s.len--;
	}
	return s;
}

struct str
str_split(struct str s, char sep, struct str *head)
{
	const char *at = s.len > 0 ? memchr(s.ptr, sep, s.len) : NULL;
	if (at == NULL) {
		*head = s;
		return STR_NONE;
	}
	size_t before = (size_t)(at - s.ptr);
	*head = (struct str){s.ptr, before};
	return (struct str){at + 1, s.len - before - 1};
}

struct str
str_clip(struct str s, size_t max)
{
	if (s.len <= max) {
		return s;
	}
	while (max > 0 && ((unsigned char)s.ptr[max] & 0xc0) == 0x80) {
		max--;
	}
	return (struct str){s.ptr, max};
}

char *
str_dup(struct str s)
{
	return s.ptr != NULL ? xmemdup0(s.ptr, s.len) : NULL;
}

bool
str_to_int(struct str s, int64_t min, int64_t max, int64_t *out)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	size_t at = negative ? 1 : 0;
	if (at == s.len) {
		return false;
	}
	int64_t number = 0;
	for (; at < s.len; at++) {
		int digit = s.ptr[at] - '0';
		if (digit < 0 || digit > 9) {
			return false;
		}
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_sub_overflow(number, negative ? digit : -digit, &number)) {
			return false;
		}
	}
	if (number < min || number > max) {
		return false;
	}
	*out = number;
	return true;
}

static bool
is_tail(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

size_t
str_utf8_next(struct str s, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	if (s.len == 0) {
		return 0;
	}
	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	if (p[0] >= 0xC2 && p[0] <= 0xDF && s.len >= 2 && is_tail(p[1])) {
		*code = (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
		return 2;
	}
	if ((p[0] & 0xF0) == 0xE0 && s.len >= 3 && is_tail(p[1]) && is_tail(p[2])) {
		uint32_t c = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
		*code = c;
		return c >= 0x800 && (c < 0xD800 || c > 0xDFFF) ? 3 : 0;
	}
	if (p[0] >= 0xF0 && p[0] <= 0xF4 && s.len >= 4 && is_tail(p[1]) && is_tail(p[2]) &&
		is_tail(p[3])) {
		uint32_t c = (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 |
			     (p[3] & 0x3Fu);
		*code = c;
		return c >= 0x10000 && c <= 0x10FFFF ? 4 : 0;
	}
	return 0;
}

bool
str_is_utf8(struct str s)
{
	uint32_t code = 0;
	size_t at = 0;
	while (at < s.len) {
		uint64_t eight = 0;
		if (s.len - at >= sizeof(eight)) {
			memcpy(&eight, s.ptr + at, sizeof(eight));
			if ((eight & 0x8080808080808080u) == 0) {
				at += sizeof(eight);
				continue;
			}
		}
		size_t len = str_utf8_next((struct str){s.ptr + at, s.len - at}, &code);
		if (len == 0) {
			return false;
		}
		at += len;
	}
	return true;
}

uint64_t
str_hash(struct str s)
{
	uint64_t hash = 0xCBF29CE484222325u;
	for (size_t i = 0; i < s.len; i++) {
		hash = (hash ^ (unsigned char)s.ptr[i]) * 0x100000001B3u;
	}
	return hash;
}
