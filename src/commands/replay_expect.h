/* SPDX-License-Identifier: MIT */
/* --expect: how often rules shall match, read from a file and held against a replay's table. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "replay_table.h"

struct expect;

/* A Lua file that returns a table, as config files do, or JSON: rules as the table names them, and "total", each with
 * at_least, at_most or exactly. NULL: `error` (PLUGIN_ERROR_MAX bytes) names file and line. */
struct expect *expect_read(const char *file, const struct table *table, char *error); /* new */
void expect_destroy(struct expect *expect); /* NULL is fine */
/* Prints a line for each that does not hold. Returns how many. */
unsigned expect_judge(const struct expect *expect, const struct table *table, FILE *out);
