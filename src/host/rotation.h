/* SPDX-License-Identifier: MIT */
/* Which file the lines of an archive go to: one for ever, one a day, a new one at a size. No name is ever used twice. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "limits.h"
#include "str.h"

/* Zeroed: no rotation. */
struct rotation {
	bool daily;    /* days are UTC, as the times in the lines are */
	int64_t bytes; /* a file that would get larger is closed; 0: of any size */
};

/* A file of an archive that rotates: the day of its first line, and which one of that day it is. */
struct rotation_file {
	int64_t day;     /* since 1970-01-01 */
	unsigned number; /* from 1; 0: none yet */
};

/* archive = { rotate = "day" }, "100MB", or a list of both. What is not there changes nothing. False: `error` (MESSAGE_MAX
 * bytes) says what was found and what was expected. */
bool rotation_read(struct rotation *rotation, struct json_value value, char *error);

/* One word of those. False as above. */
bool rotation_add(struct rotation *rotation, struct str when, char *error);

/* False: one file for ever. */
static inline bool
rotation_is_on(const struct rotation *rotation)
{
	return rotation->daily || rotation->bytes > 0;
}

/* True when `line` bytes more do not belong into the file, which has `held` bytes. */
bool rotation_is_due(const struct rotation *rotation, const struct rotation_file *file,
	int64_t now_ms, int64_t held, size_t line);
/* The file behind this one. False when the day has had ROTATION_NUMBER_MAX. */
bool rotation_next(struct rotation_file *file, int64_t now_ms);
/* "posts_2026-11-21", "posts_2026-11-21_0002": their order is that of time, and all follow "posts". New. */
char *rotation_name(const char *name, const struct rotation_file *file);
/* As the store keeps it: "2026-11-21 2". False, and no file, for anything else. */
char *rotation_text(const struct rotation_file *file); /* new */
bool rotation_parse(const char *text, struct rotation_file *file);
