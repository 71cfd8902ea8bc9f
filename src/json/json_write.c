/* SPDX-License-Identifier: MIT */
/* Writing JSON into a buffer. */
#include "json_write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 512

static bool
is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* Adds the one character at the start of `text`, which is neither plain ASCII nor `"` or `\\`; returns its length. */
static size_t
put_special(struct buf *out, struct str text)
{
	uint32_t code = 0;
	size_t len = str_utf8_next(text, &code);
	if (len == 0) {
		(void)buf_add_text(out, "\xEF\xBF\xBD");
		return 1;
	}
	switch (code) {
	case '\n':
		(void)buf_add_text(out, "\\n");
		break;
	case '\r':
		(void)buf_add_text(out, "\\r");
		break;
	case '\t':
		(void)buf_add_text(out, "\\t");
		break;
	case '\b':
		(void)buf_add_text(out, "\\b");
		break;
	case '\f':
		(void)buf_add_text(out, "\\f");
		break;
	default:
		if (code < 0x20) {
			(void)buf_printf(out, "\\u%04x", (unsigned)code);
		} else {
			(void)buf_add(out, text.ptr, len);
		}
	}
	return len;
}

void
json_put_str(struct buf *out, struct str text)
{
	/* JSON inside of JSON is short runs between quotes: they gather here, so that each byte costs little. */
	char block[BLOCK_SIZE];
	size_t used = 0, at = 0;
	(void)buf_add_char(out, '"');
	while (at < text.len) {
		char c = text.ptr[at];
		if (used + 2 > sizeof(block)) {
			(void)buf_add(out, block, used);
			used = 0;
		}
		if (is_plain(c)) {
			block[used++] = c;
			at++;
		} else if (c == '"' || c == '\\') {
			block[used++] = '\\';
			block[used++] = c;
			at++;
		} else {
			(void)buf_add(out, block, used);
			used = 0;
			at += put_special(out, (struct str){text.ptr + at, text.len - at});
		}
	}
	(void)buf_add(out, block, used);
	(void)buf_add_char(out, '"');
}

void
json_put_text(struct buf *out, const char *text)
{
	if (text != NULL) {
		json_put_str(out, str_from(text));
	} else {
		(void)buf_add_text(out, "null");
	}
}

void
json_put_int(struct buf *out, int64_t number)
{
	char text[24];
	char *end = text + sizeof(text), *at = end;
	uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	do {
		*--at = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0) {
		*--at = '-';
	}
	(void)buf_add(out, at, (size_t)(end - at));
}

void
json_put_double(struct buf *out, double number)
{
	if (!isfinite(number)) {
		(void)buf_add_text(out, "null");
		return;
	}
	if (number == 0 && signbit(number)) {
		(void)buf_add_text(out, "-0.0"); /* "-0" would be read as the integer 0 */
		return;
	}
	char text[40];
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number) {
			break;
		}
	}
	(void)buf_add_text(out, text);
}

void
json_put_bool(struct buf *out, bool value)
{
	(void)buf_add_text(out, value ? "true" : "false");
}

void
json_put_key(struct buf *out, const char *key)
{
	json_put_comma(out);
	json_put_text(out, key);
	(void)buf_add_char(out, ':');
}

void
json_put_comma(struct buf *out)
{
	if (out->len > 0 && out->ptr[out->len - 1] != '{' && out->ptr[out->len - 1] != '[') {
		(void)buf_add_char(out, ',');
	}
}

static void
put_container(struct buf *out, struct json_value value)
{
	bool object = json_type(value) == JSON_OBJECT;
	(void)buf_add_char(out, object ? '{' : '[');
	struct json_iter it = json_iter(value);
	while (json_next(&it)) {
		json_put_comma(out);
		if (object) {
			json_put_str(out, it.key);
			(void)buf_add_char(out, ':');
		}
		json_put_value(out, it.value); /* never deeper than JSON_DEPTH_MAX */
	}
	(void)buf_add_char(out, object ? '}' : ']');
}

void
json_put_value(struct buf *out, struct json_value value)
{
	bool flag = false;
	int64_t integer = 0;
	uint64_t natural = 0;
	double number = 0;
	switch (json_type(value)) {
	case JSON_NULL:
		(void)buf_add_text(out, "null");
		break;
	case JSON_BOOL:
		(void)json_get_bool(value, &flag);
		json_put_bool(out, flag);
		break;
	case JSON_INT:
		(void)json_get_int(value, &integer);
		json_put_int(out, integer);
		break;
	case JSON_UINT:
		(void)json_get_uint(value, &natural);
		(void)buf_printf(out, "%" PRIu64, natural);
		break;
	case JSON_DOUBLE:
		(void)json_get_double(value, &number);
		json_put_double(out, number);
		break;
	case JSON_STRING:
		json_put_str(out, json_str(value));
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		put_container(out, value);
		break;
	}
}

char *
json_value_text(struct json_value value, size_t max)
{
	struct buf out;
	buf_init(&out, max);
	json_put_value(&out, value);
	return buf_take(&out, NULL);
}
