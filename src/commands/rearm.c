/* SPDX-License-Identifier: MIT */
/* moontusk rearm: switches an instance on again that a running host has switched off. */
#include "ask.h"
#include "command.h"

static int
rearm_run(const struct args *args)
{
	return ask_and_print(args, "rearm", args->words[0]);
}

static const struct flag rearm_flags[] = {
	ASK_FLAGS,
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_rearm = {
	.name = "rearm",
	.summary = "switch an instance on again that was switched off",
	.usage = "INSTANCE [flags]",
	.details = "The plugin is loaded anew, and handles what has waited for it.\n"
		   "Exit code: 1 when it cannot be loaded, or when no host runs.",
	.examples = "  moontusk rearm caturday",
	.flags = rearm_flags,
	.words_min = 1,
	.words_max = 1,
	.run = rearm_run,
};
