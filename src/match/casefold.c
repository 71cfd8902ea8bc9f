/* SPDX-License-Identifier: MIT */
/* Simple case folding with a fast way for ASCII; the table is written by tools/casefold.py. */
#include "casefold.h"

#include <string.h>

#include "attr.h"
#include "casefold_table.h"

/* One bit, the highest, in each byte of a word. */
#define HIGH_BITS    UINT64_C(0x8080808080808080)
#define EACH_BYTE(n) (UINT64_C(0x0101010101010101) * (n))

int
casefold_unicode(void)
{
	return CASEFOLD_UNICODE_MAJOR;
}

uint32_t
casefold_char(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	if (c < 0x800)
		return two_bytes[c - 0x80];
	if (c >> 8 >= COUNT_OF(pages) || pages[c >> 8] == 0)
		return c;
	return rows[pages[c >> 8] - 1][c & 0xff];
}

/* Folds as many bytes as are ASCII, eight at a time; returns how many. */
static size_t
fold_ascii(const char *from, size_t len, char *out)
{
	size_t at = 0;

	while (at + 8 <= len) {
		uint64_t word;
		memcpy(&word, from + at, 8);
		if (word & HIGH_BITS)
			break;
		/* the high bit of a byte is set in `from_a` when it is >= 'A', in `past_z` when it is > 'Z' */
		uint64_t from_a = word + EACH_BYTE(0x80 - 'A');
		uint64_t past_z = word + EACH_BYTE(0x80 - 'Z' - 1);
		word |= (from_a & ~past_z & HIGH_BITS) >> 2;
		memcpy(out + at, &word, 8);
		at += 8;
	}
	for (; at < len && (unsigned char)from[at] < 0x80; at++)
		out[at] = (char)casefold_char((unsigned char)from[at]);
	return at;
}

static char *
put_char(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

size_t
casefold_put(uint32_t c, char out[4])
{
	return (size_t)(put_char(out, c) - out);
}

/* One character of two bytes or more; returns how many it has. */
static size_t
fold_one(const char *from, char **out)
{
	const unsigned char *at = (const unsigned char *)from;

	if (at[0] < 0xe0) {
		*out = put_char(*out, two_bytes[((at[0] & 0x1fu) << 6 | (at[1] & 0x3fu)) - 0x80]);
		return 2;
	}
	size_t len = at[0] < 0xf0 ? 3 : 4;
	uint32_t c = len == 3 ? (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu)
			      : (at[0] & 0x7u) << 18 | (at[1] & 0x3fu) << 12 |
					(at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
	*out = put_char(*out, casefold_char(c));
	return len;
}

size_t
casefold_text(struct str text, char *out)
{
	char *start = out;
	size_t at = 0;

	while (at < text.len) {
		size_t len = fold_ascii(text.ptr + at, text.len - at, out);
		at += len;
		out += len;
		while (at < text.len && (unsigned char)text.ptr[at] >= 0x80)
			at += fold_one(text.ptr + at, &out);
	}
	return (size_t)(out - start);
}
