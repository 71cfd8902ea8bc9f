/* SPDX-License-Identifier: MIT */
/* Files of lines, packed or not, in blocks of whole lines: what a replay reads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"
#include "str.h"

struct input;

/* Whole lines. The text is owned; a block may be filled again and again. */
struct input_block {
	char *text;
	size_t len, size;
	uint64_t first_line; /* number of the first one, from 1 */
	bool too_long; /* one line of more than EVENT_LINE_MAX bytes, which was not kept: text is empty */
};
void input_block_finish(struct input_block *block);
/* The next line without its line end (LF or CR LF), from `rest`, which goes on behind it. False: there is none. */
bool input_line(struct str *rest, struct str *line);

/* "-" is standard input. NULL: `error` says why. */
struct input *input_open(const char *path, char error[MESSAGE_MAX]); /* new */
void input_close(struct input *input);                               /* NULL is fine */
enum input_result {
	INPUT_LINES,
	INPUT_END,
	INPUT_FAILED, /* input_error; every whole line before it was given out */
};
/* Fills the block with some lines: INPUT_BLOCK_SIZE bytes or what is there by now, a longer line by itself. */
enum input_result input_next(struct input *input, struct input_block *block);
bool input_ready(const struct input *input); /* input_next will not wait for long */
const char *input_error(const struct input *input);
uint64_t input_used(const struct input *input); /* bytes of the file */
