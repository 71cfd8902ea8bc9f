/* SPDX-License-Identifier: MIT */
/* Where a value stands in the JSON text that it was read from. */
#pragma once

#include <stdbool.h>

#include "str.h"

/* The bytes of the value at `path` ("account.note", "tags.0.name", as for json_path), quotes included, in `text`, which
 * json_parse took; STR_NONE when there is none. Reads on from the start of the text at every call. */
struct str json_where(struct str text, const char *path);
/* Cuts the next element off an array: *rest is the array's text at first, and what is left of it from then on. */
bool json_where_next(struct str *rest, struct str *element);
/* The bytes of `literal` (a string as it stands in JSON text, quotes included) that the bytes from start to end of the
 * decoded string were read from: escapes are taken whole. Another literal than a string stands for itself. */
struct str json_where_in(struct str literal, size_t start, size_t end);
