/* SPDX-License-Identifier: MIT */
/* Writing JSON into a buffer. Errors are the buffer's sticky error. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"

/* A string with quotes; invalid UTF-8 becomes U+FFFD, U+2028/2029 and "</" stay as they are. */
void json_put_str(struct buf *out, struct str text);
void json_put_text(struct buf *out, const char *text); /* NULL gives null */
void json_put_int(struct buf *out, int64_t number);
void json_put_double(
	struct buf *out, double number); /* shortest form; NaN and infinities give null */
void json_put_bool(struct buf *out, bool value);
/* `"key":`, with a comma before it unless the last byte opens an object. */
void json_put_key(struct buf *out, const char *key);
/* A comma unless the last byte opens an array or object. */
void json_put_comma(struct buf *out);
/* A parsed value, compact. */
void json_put_value(struct buf *out, struct json_value value);
/* The same as a text of at most `max` bytes; NULL: it is longer. New. */
char *json_value_text(struct json_value value, size_t max);
