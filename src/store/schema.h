/* SPDX-License-Identifier: MIT */
/* The schema: the steps that lead from one version of the database to the next, and the way through them. */
#pragma once

#include <stdbool.h>

struct store;

enum { SCHEMA_APPLICATION = 0x6d6f6f6e }; /* "moon": the application_id of our databases */
int schema_newest(void);                  /* the version that this program makes */

/* Makes the tables in an empty file, brings an older database to this version (a copy of it stays beside it), and
 * refuses a newer one and one of another program. False: what is wrong and what to do is in `error` (MESSAGE_MAX
 * bytes); the file is as it was, or at a whole step in between. */
bool schema_prepare(struct store *store, char *error);
