/* SPDX-License-Identifier: MIT */
/* Taking a command line apart by a table of flags, with suggestions for what was mistyped. */
#include "args.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "command.h"
#include "limits.h"
#include "str.h"
#include "suggest.h"
#include "xmalloc.h"

const struct flag common_flags[] = {
	{"help", FLAG_SWITCH, NULL, "this text", false},
	{"verbose", FLAG_SWITCH, NULL, "say more (debug messages)", false},
	{"quiet", FLAG_SWITCH, NULL, "say only warnings and errors", false},
	{"no-color", FLAG_SWITCH, NULL, "plain text on a terminal too", false},
	{"lua-dir", FLAG_TEXT, "DIR", "read the Lua library from DIR, not from the program", false},
	{"clock-rate", FLAG_NUMBER, "N", "let time run N times as fast (for tests)", true},
	{"clock-from", FLAG_NUMBER, "SECONDS",
		"the Unix time at which that began, where processes share it", true},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

static unsigned
table_length(const struct flag *table)
{
	unsigned count = 0;
	while (table && table[count].name)
		count++;
	return count;
}

static void
collect_flags(struct args *args)
{
	unsigned own = table_length(args->command->flags), common = table_length(common_flags);
	args->value_count = own + common;
	args->values = xcalloc(args->value_count, sizeof(args->values[0]));
	for (unsigned i = 0; i < own; i++)
		args->values[i].flag = &args->command->flags[i];
	for (unsigned i = 0; i < common; i++)
		args->values[own + i].flag = &common_flags[i];
}

static struct flag_value *
find_flag(const struct args *args, struct str name)
{
	for (unsigned i = 0; i < args->value_count; i++) {
		if (str_eq_text(name, args->values[i].flag->name))
			return &args->values[i];
	}
	return NULL;
}

int
args_usage_error(const struct args *args, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = xvasprintf(format, list);
	va_end(list);
	const char *name = args->command ? args->command->name : NULL;
	fprintf(stderr, "moontusk%s%s: %s\nTry 'moontusk %s%s--help'.\n", name ? " " : "",
		name ? name : "", text, name ? name : "", name ? " " : "");
	free(text);
	return EXIT_USAGE;
}

static void
unknown_flag(const struct args *args, struct str name, const char *dashes)
{
	if (str_eq_text(name, "token")) {
		args_usage_error(args,
			"there is no --token: what stands on a command line can be read by everybody on the machine. "
			"Set it in the environment: MOONTUSK_TOKEN=… moontusk …");
		return;
	}
	const char **known = xcalloc(args->value_count, sizeof(known[0]));
	unsigned count = 0;
	for (unsigned i = 0; i < args->value_count; i++) {
		if (!args->values[i].flag->hidden)
			known[count++] = args->values[i].flag->name;
	}
	const char *near = suggest(name, known, count);
	if (near)
		args_usage_error(args, "unknown flag %s%.*s. Did you mean --%s?", dashes,
			STR_ARG(name), near);
	else
		args_usage_error(args, "unknown flag %s%.*s.", dashes, STR_ARG(name));
	free(known);
}

static bool
read_value(const struct args *args, struct flag_value *value, const char *text)
{
	const char *name = value->flag->name;
	value->text = text;
	if (value->flag->type == FLAG_TEXTS) {
		value->texts =
			xreallocarray(value->texts, value->text_count + 1, sizeof(value->texts[0]));
		value->texts[value->text_count++] = text;
	}
	if (value->flag->type == FLAG_COUNT) {
		if (!str_to_int(str_from(text), 0, INT64_MAX, &value->count)) {
			args_usage_error(args, "--%s takes a whole number from 0 on, not \"%s\".",
				name, text);
			return false;
		}
		value->number = (double)value->count;
	}
	if (value->flag->type == FLAG_NUMBER) {
		char *end;
		errno = 0;
		value->number = strtod(text, &end);
		if (*end || end == text || errno || !isfinite(value->number) || value->number < 0 ||
			value->number > FLAG_NUMBER_MAX) {
			args_usage_error(args, "--%s takes a number from 0 to %.0f, not \"%s\".",
				name, FLAG_NUMBER_MAX, text);
			return false;
		}
	}
	return true;
}

/* One flag at argv[*at]; steps over its value. */
static bool
take_flag(struct args *args, int argc, char **argv, int *at)
{
	const char *word = argv[*at];
	struct str name = str_from(strcmp(word, "-h") == 0 ? "help"
				   : word[1] == '-'        ? word + 2
							   : word + 1);
	struct str inline_value = str_split(name, '=', &name);
	struct flag_value *value =
		word[1] == '-' || strcmp(word, "-h") == 0 ? find_flag(args, name) : NULL;
	if (!value) {
		unknown_flag(args, name, word[1] == '-' ? "--" : "-");
		return false;
	}
	value->given = true;
	if (value->flag->type == FLAG_SWITCH) {
		if (!inline_value.ptr)
			return true;
		args_usage_error(args, "--%s takes no value.", value->flag->name);
		return false;
	}
	if (inline_value.ptr)
		return read_value(args, value, inline_value.ptr);
	if (*at + 1 >= argc) {
		args_usage_error(args, "--%s needs a value: --%s %s.", value->flag->name,
			value->flag->name, value->flag->value);
		return false;
	}
	return read_value(args, value, argv[++*at]);
}

/* False: two flags were given of which each says what the other shall not. */
static bool
flags_agree(const struct args *args)
{
	static const struct {
		const char *one, *other, *why;
	} rivals[] = {
		{"server", "account", "an account of the config file has its server there"},
		{"server", "config", "the servers stand in the config file; --account picks one"},
		{"quiet", "verbose", "say one of them"},
	};
	for (unsigned i = 0; i < COUNT_OF(rivals); i++) {
		const struct flag_value *one = find_flag(args, str_from(rivals[i].one)),
					*other = find_flag(args, str_from(rivals[i].other));
		if (one && other && one->given && other->given) {
			args_usage_error(args, "--%s and --%s do not go together: %s.",
				rivals[i].one, rivals[i].other, rivals[i].why);
			return false;
		}
	}
	return true;
}

static bool
word_count_fits(const struct args *args)
{
	if (args->word_count < args->command->words_min) {
		args_usage_error(args, "something is missing. Usage: moontusk %s %s",
			args->command->name, args->command->usage);
		return false;
	}
	if (args->word_count > args->command->words_max) {
		args_usage_error(args, "unexpected word \"%s\". Usage: moontusk %s %s",
			args->words[args->command->words_max], args->command->name,
			args->command->usage);
		return false;
	}
	return true;
}

enum args_result
args_parse(struct args *args, const struct command *command, int argc, char **argv)
{
	*args = (struct args){.command = command};
	args->words = xcalloc((size_t)argc + 1, sizeof(args->words[0]));
	collect_flags(args);
	bool flags = true;
	args->before_dashes = UINT32_MAX;
	for (int i = 0; i < argc; i++) {
		if (flags && strcmp(argv[i], "--") == 0) {
			flags = false;
			args->before_dashes = args->word_count;
		} else if (flags && argv[i][0] == '-' && argv[i][1]) {
			if (!take_flag(args, argc, argv, &i))
				return ARGS_BAD;
		} else {
			args->words[args->word_count++] = argv[i];
		}
	}
	if (args->before_dashes > args->word_count)
		args->before_dashes = args->word_count;
	if (args_given(args, "help"))
		return ARGS_HELP;
	if (args_given(args, "clock-rate") && args_flag(args, "clock-rate")->number <= 0) {
		args_usage_error(args, "--clock-rate takes a number above 0.");
		return ARGS_BAD;
	}
	return flags_agree(args) && word_count_fits(args) ? ARGS_OK : ARGS_BAD;
}

void
args_finish(struct args *args)
{
	for (unsigned i = 0; i < args->value_count; i++)
		free(args->values[i].texts);
	free(args->values);
	free(args->words);
	*args = (struct args){0};
}

const struct flag_value *
args_flag(const struct args *args, const char *name)
{
	const struct flag_value *value = find_flag(args, str_from(name));
	REQUIRE(value);
	return value;
}

bool
args_given(const struct args *args, const char *name)
{
	return args_flag(args, name)->given;
}

const char *
args_text(const struct args *args, const char *name, const char *otherwise)
{
	const struct flag_value *value = args_flag(args, name);
	return value->given ? value->text : otherwise;
}
