/* SPDX-License-Identifier: MIT */
/* moontusk rearm: switches an instance on again that a host has switched off, whether one runs or not. */
#include <stdio.h>

#include "ask.h"
#include "command.h"
#include "host.h"
#include "limits.h"

#define LOG_MODULE "rearm"

/* The mark lies in the database. */
static bool
rearm_stopped(const struct ask *ask, const struct session *session, const char *name)
{
	struct buf words;
	buf_init(&words, RELOAD_WORDS_MAX);
	bool good = host_rearm_stopped(ask->folder, name, session->log, &words);
	struct str text = str_trim(buf_str(&words));
	if (good)
		printf("%.*s\n", STR_ARG(text));
	else
		log_error(session->log, "no host runs with the state folder %s, and %.*s",
			ask->folder, STR_ARG(text));
	buf_finish(&words);
	return good;
}

static int
rearm_run(const struct args *args)
{
	struct session session;
	struct ask ask;
	session_start(&session, args);
	ask_init(&ask);
	enum ask_result result = ask_host(&ask, args, &session, "rearm", args->words[0]);
	if (result == ASK_GOOD || result == ASK_BAD)
		ask_print(&ask, result);
	else if (result == ASK_NOBODY && rearm_stopped(&ask, &session, args->words[0]))
		result = ASK_GOOD;
	ask_finish(&ask);
	session_end(&session);
	return result == ASK_GOOD ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag rearm_flags[] = {
	ASK_FLAGS,
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_rearm = {
	.name = "rearm",
	.summary = "switch an instance on again that was switched off",
	.usage = "INSTANCE [flags]",
	.details =
		"The plugin is loaded anew, and handles what has waited for it.\n"
		"When no host runs, the next one loads it. Exit code: 1 when it cannot be loaded, or is not switched off.",
	.examples = "  moontusk rearm caturday",
	.flags = rearm_flags,
	.words_min = 1,
	.words_max = 1,
	.run = rearm_run,
};
