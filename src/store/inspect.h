/* SPDX-License-Identifier: MIT */
/* Looking at a database without changing anything, also while a host works with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum inspect_state {
	INSPECT_NONE,    /* there is no file */
	INSPECT_GOOD,    /* of this version's schema */
	INSPECT_OLDER,   /* it is brought to this version's schema at the next start */
	INSPECT_NEWER,   /* of a newer moontusk: refused */
	INSPECT_FOREIGN, /* of another program: refused */
	INSPECT_DAMAGED,
	INSPECT_CLOSED, /* it cannot be read: permissions, input and output errors */
};

struct inspected {
	enum inspect_state state;
	int64_t schema, newest; /* of the file; that this program knows */
	int64_t bytes;          /* of the file and of what waits to be written into it */
	bool whole;             /* all of it was checked: INSPECT_CHECK_MS were enough */
	char words[512];        /* what is wrong: INSPECT_DAMAGED, INSPECT_CLOSED */
};

enum { INSPECT_CHECK_MS = 10000 };

/* `check`: also reads all of it for damage, for at most INSPECT_CHECK_MS. */
void inspect_database(const char *path, bool check, struct inspected *inspected);
