/* SPDX-License-Identifier: MIT */
/* Taking a command line apart by a table of flags, with suggestions for what was mistyped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct command;

enum flag_type {
	FLAG_SWITCH, /* takes no value */
	FLAG_TEXT,
	FLAG_TEXTS,  /* may be given several times */
	FLAG_COUNT,  /* an integer >= 0 */
	FLAG_NUMBER, /* a number >= 0, fraction allowed */
};

struct flag {
	const char *name; /* without dashes; NULL ends a table */
	enum flag_type type;
	const char *value; /* name of the value in the help; NULL for a switch */
	const char *help;
	bool hidden; /* not in the help: for tests */
};

/* --help --verbose --quiet --no-color --lua-dir DIR --clock-rate N --clock-from SECONDS: every command takes them. */
extern const struct flag common_flags[];

struct flag_value {
	const struct flag *flag;
	bool given;
	const char *text;   /* borrowed from argv; of FLAG_TEXTS the last one */
	const char **texts; /* FLAG_TEXTS: all, in order */
	unsigned text_count;
	int64_t count;
	double number;
};

struct args {
	const struct command *command;
	struct flag_value *values;
	unsigned value_count;
	const char **words;
	unsigned word_count;
	unsigned before_dashes; /* how many words stood before "--"; word_count without one */
};

enum args_result { ARGS_OK, ARGS_HELP, ARGS_BAD };

/* `--name value`, `--name=value`; `--` ends the flags. ARGS_BAD: said on stderr what is wrong. The caller calls args_finish
 * in every case. */
enum args_result args_parse(
	struct args *args, const struct command *command, int argc, char **argv);
void args_finish(struct args *args);
/* The value of a flag that the command has (REQUIRE). */
const struct flag_value *args_flag(const struct args *args, const char *name);
bool args_given(const struct args *args, const char *name);
/* Text of a flag, or `otherwise`. */
const char *args_text(const struct args *args, const char *name, const char *otherwise);
/* One line on stderr, "moontusk VERB: …", with how to get help; returns EXIT_USAGE. */
int args_usage_error(const struct args *args, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
