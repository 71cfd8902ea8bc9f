/* SPDX-License-Identifier: MIT */
/* One walk over JSON text that replaces lone surrogates and numbers that are too big. */
#include "json_repair.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The value of \uXXXX at the start of `text`, -1 when there is no such escape. */
static int
escape_value(struct str text)
{
	if (text.len < 6 || text.ptr[0] != '\\' || text.ptr[1] != 'u') {
		return -1;
	}
	int value = 0;
	for (size_t i = 2; i < 6; i++) {
		char c = text.ptr[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0) {
			return -1;
		}
		value = value * 16 + digit;
	}
	return value;
}

/* Copies the escape at the start of `text`; returns how many bytes it took. */
static size_t
copy_escape(struct str text, struct buf *out, bool *changed)
{
	int value = escape_value(text);
	if (value < 0xD800 || value > 0xDFFF) {
		size_t len = text.len < 2 ? text.len : 2;
		(void)buf_add(out, text.ptr, len);
		return len;
	}
	int low = value <= 0xDBFF ? escape_value((struct str){text.ptr + 6, text.len - 6}) : -1;
	if (low >= 0xDC00 && low <= 0xDFFF) {
		(void)buf_add(out, text.ptr, 12);
		return 12;
	}
	(void)buf_add_text(out, "\\ufffd");
	*changed = true;
	return 6;
}

/* Copies a string with its quotes; returns how many bytes it took. */
static size_t
copy_string(struct str text, struct buf *out, bool *changed)
{
	size_t at = 1;
	(void)buf_add_char(out, '"');
	while (at < text.len) {
		size_t plain = at;
		while (plain < text.len && text.ptr[plain] != '"' && text.ptr[plain] != '\\') {
			plain++;
		}
		(void)buf_add(out, text.ptr + at, plain - at);
		at = plain;
		if (at < text.len && text.ptr[at] == '"') {
			(void)buf_add_char(out, '"');
			return at + 1;
		}
		at += copy_escape((struct str){text.ptr + at, text.len - at}, out, changed);
	}
	return at;
}

static size_t
count_digits(struct str s, size_t at)
{
	size_t count = 0;
	while (at + count < s.len && s.ptr[at + count] >= '0' && s.ptr[at + count] <= '9') {
		count++;
	}
	return count;
}

/* Whether the whole of `s` is a JSON number (RFC 8259, section 6); *integer when it
 * has neither fraction nor exponent. */
static bool
is_number(struct str s, bool *integer)
{
	size_t at = s.ptr[0] == '-' ? 1 : 0;
	size_t digits = count_digits(s, at);
	if (digits == 0 || (digits > 1 && s.ptr[at] == '0')) {
		return false;
	}
	at += digits;
	*integer = at == s.len;
	if (at < s.len && s.ptr[at] == '.') {
		digits = count_digits(s, at + 1);
		if (digits == 0) {
			return false;
		}
		at += 1 + digits;
	}
	if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
		at++;
		at += at < s.len && (s.ptr[at] == '+' || s.ptr[at] == '-') ? 1 : 0;
		digits = count_digits(s, at);
		if (digits == 0) {
			return false;
		}
		at += digits;
	}
	return at == s.len;
}

/* True for a number that is JSON but that neither int64_t, uint64_t nor double can hold. */
static bool
too_big(struct str s)
{
	bool integer = false;
	if (!is_number(s, &integer)) {
		return false;
	}
	char *text = str_dup(s);
	errno = 0;
	bool big = false;
	if (!integer) {
		big = isinf(strtod(text, NULL)) != 0;
	} else if (text[0] == '-') {
		(void)strtoll(text, NULL, 10);
		big = errno == ERANGE;
	} else {
		(void)strtoull(text, NULL, 10);
		big = errno == ERANGE;
	}
	free(text);
	return big;
}

/* Copies a run of characters that numbers are made of; returns how many bytes it took. */
static size_t
copy_number(struct str text, struct buf *out, bool *changed)
{
	size_t len = 0;
	while (len < text.len && text.ptr[len] != '\0' &&
		strchr("+-.0123456789eE", text.ptr[len]) != NULL) {
		len++;
	}
	struct str number = {text.ptr, len};
	if (too_big(number)) {
		(void)buf_add_char(out, '"');
		(void)buf_add_str(out, number);
		(void)buf_add_char(out, '"');
		*changed = true;
	} else {
		(void)buf_add_str(out, number);
	}
	return len;
}

bool
json_repair(struct str text, struct buf *out)
{
	bool changed = false;
	size_t at = 0;
	while (at < text.len) {
		struct str rest = {text.ptr + at, text.len - at};
		char c = rest.ptr[0];
		if (c == '"') {
			at += copy_string(rest, out, &changed);
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			at += copy_number(rest, out, &changed);
		} else {
			(void)buf_add_char(out, c);
			at++;
		}
	}
	return changed && out->err == ERR_OK;
}
