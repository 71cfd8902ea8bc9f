/* SPDX-License-Identifier: MIT */
/* moontusk reload: asks a running host to load what has changed. */
#include "ask.h"
#include "command.h"

static int
reload_run(const struct args *args)
{
	return ask_and_print(args, "reload", args->word_count ? args->words[0] : NULL);
}

static const struct flag reload_flags[] = {
	ASK_FLAGS,
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_reload = {
	.name = "reload",
	.summary = "make a running host load what has changed",
	.usage = "[INSTANCE] [flags]",
	.details =
		"Without a word the host reads its config again, and loads the plugins whose files have changed and those\n"
		"that had failed. INSTANCE is loaded anew whether it has changed or not. A plugin that fails leaves the old\n"
		"one at work, a mistake in the config changes nothing. Changed files are found without this, half a second\n"
		"after the last write.\n"
		"Exit code: 1 when something failed, or when no host runs.",
	.examples = "  moontusk reload\n  moontusk reload caturday",
	.flags = reload_flags,
	.words_min = 0,
	.words_max = 1,
	.run = reload_run,
};
