/* SPDX-License-Identifier: MIT */
/* Which files a replay reads: as named, and those in folders, in the order of their names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

struct replay_files {
	char **list; /* owned; "-" is standard input */
	unsigned count;
	uint64_t bytes; /* of all of them */
	bool unknown;   /* one has no size: standard input, a pipe */
};

/* Adds a file, or of a folder and those below it all *.jsonl and *.jsonl.zst. False: `error` says why. */
bool replay_files_add(struct replay_files *files, const char *path, char error[MESSAGE_MAX]);
void replay_files_finish(struct replay_files *files);
