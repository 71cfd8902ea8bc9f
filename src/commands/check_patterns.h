/* SPDX-License-Identifier: MIT */
/* What `check` says of a plugin's patterns: how they are looked for, what they cost, and what is odd about them. */
#pragma once

struct plugin;

/* Prints a line for each pattern, name and list of words, and one for each warning. */
void check_patterns(const struct plugin *plugin);
