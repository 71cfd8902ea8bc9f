/* SPDX-License-Identifier: MIT */
/* The leet form of a folded text: digits and signs inside words as the letters that they stand for. */
#include <stdlib.h>
#include <string.h>

#include "fold_parts.h"
#include "xmalloc.h"

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* The letter that `c` stands for, or itself. */
static char
letter_of(char c)
{
	switch (c) {
	case '4':
	case '@':
		return 'a';
	case '3':
		return 'e';
	case '1':
	case '!':
	case '|':
	case 'l':
		return 'i';
	case '0':
		return 'o';
	case '5':
	case '$':
		return 's';
	case '7':
		return 't';
	default:
		return c;
	}
}

static bool
is_inside(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '@' || c == '$' || c == '!' ||
	       c == '|';
}

/* '!' and '|' are letters between others only: they end sentences and part columns. */
static void
put_word(char *out, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool edge = i == 0 || i + 1 == len;
		bool sign = word[i] == '!' || word[i] == '|';
		out[i] = edge && sign ? word[i] : letter_of(word[i]);
	}
}

void
fold_leet(struct fold *fold, const struct fold *from)
{
	fold->len = from->len;
	if (fold->size < from->len + 1) {
		fold->size = from->len + from->len / 2 + 64;
		fold->ptr = xrealloc(fold->ptr, fold->size);
	}
	fold->text_len = from->text_len;
	fold->mark_count = 0;
	for (size_t i = 0; i < from->len;) {
		size_t start = i;
		bool letters = false;
		for (; i < from->len && is_inside(from->ptr[i]); i++)
			letters = letters || (from->ptr[i] >= 'a' && from->ptr[i] <= 'z');
		if (letters)
			put_word(fold->ptr + start, from->ptr + start, i - start);
		else
			memcpy(fold->ptr + start, from->ptr + start, i - start);
		if (i == start) {
			fold->ptr[i] = from->ptr[i];
			i++;
		}
	}
	for (size_t i = 0; i < from->mark_count; i++)
		fold_add_marks(fold, from->marks[i].at, from->marks[i].marks);
}
