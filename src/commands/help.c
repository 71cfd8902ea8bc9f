/* SPDX-License-Identifier: MIT */
/* The table of verbs and the texts of --help. */
#include <stdio.h>
#include <string.h>

#include "command.h"

const struct command *const commands[] = {
	&command_run,
	&command_tail,
	&command_replay,
	&command_check,
	&command_doctor,
	&command_practice,
	&command_demo,
	&command_status,
	&command_reload,
	&command_gaps,
	&command_rearm,
	NULL,
};

static void
print_flags(const struct flag *flags)
{
	for (; flags && flags->name; flags++) {
		if (flags->hidden)
			continue;
		int width = printf("  --%s%s%s", flags->name, flags->value ? " " : "",
			flags->value ? flags->value : "");
		printf("%*s %s\n", width < 26 ? 26 - width : 0, "", flags->help);
	}
}

static void
help_all(void)
{
	printf("moontusk keeps streaming connections to Mastodon-compatible servers open and hands each event\n"
	       "to Lua plugins, which filter, archive, boost, reply and forward.\n\n"
	       "Usage: moontusk VERB [words] [flags]\n\nVerbs:\n");
	for (unsigned i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nmoontusk VERB --help shows the flags and examples of a verb; moontusk --version the version.\n"
	       "The access token is read from the environment: MOONTUSK_TOKEN.\n\n"
	       "Start here, without an account:\n  moontusk demo\n");
}

void
command_help(const struct command *command)
{
	if (!command) {
		help_all();
		return;
	}
	printf("moontusk %s: %s\n\nUsage: moontusk %s %s\n", command->name, command->summary,
		command->name, command->usage);
	if (command->details)
		printf("\n%s\n", command->details);
	printf("\nFlags:\n");
	print_flags(command->flags);
	print_flags(common_flags);
	if (command->examples)
		printf("\nExamples:\n%s\n", command->examples);
}
