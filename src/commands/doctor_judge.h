/* SPDX-License-Identifier: MIT */
/* What the doctor makes of this machine: room on the disk, the database, who may read files with secrets. Pure. */
#pragma once

#include <stdint.h>

#include "findings.h"
#include "inspect.h"

/* Room where the state is; bytes. `needed`: what a database that must be brought to a newer form takes for its copy; or 0. */
void judge_disk(
	struct findings *findings, const char *folder, int64_t free_bytes, int64_t needed_bytes);
void judge_database(struct findings *findings, const char *path, const struct inspected *inspected);
/* The st_mode of a file or folder that only its owner should read; `what` it holds. Says nothing when all is well: false then. */
bool judge_mode(struct findings *findings, const char *path, unsigned mode, const char *what);
