/* SPDX-License-Identifier: MIT */
/* One verb of the command line: its words, flags, help and function. Each command file ends in one of these. */
#pragma once

#include "args.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
	const char *name;
	const char *summary;  /* one line, for the list of verbs */
	const char *usage;    /* what stands behind the name: "STREAM… [flags]" */
	const char *details;  /* paragraphs; NULL without */
	const char *examples; /* lines, each a whole command; shown with --help and run by a test */
	const struct flag *flags; /* its own, ended by a NULL name; common_flags are added */
	unsigned words_min,
		words_max; /* how many words it takes; words_max 0: none, UINT_MAX: any */
	int (*run)(const struct args *args); /* an EXIT_ code */
};

extern const struct command command_run;
extern const struct command command_tail;
extern const struct command command_replay;
extern const struct command command_check;
extern const struct command command_doctor;
extern const struct command command_practice;
extern const struct command command_demo;
extern const struct command command_status;
extern const struct command command_reload;
extern const struct command command_gaps;
extern const struct command command_rearm;

/* All verbs in the order of the help; ended by NULL. */
extern const struct command *const commands[];

/* Prints the help of one verb, or of all with NULL. */
void command_help(const struct command *command);
