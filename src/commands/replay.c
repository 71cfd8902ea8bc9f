/* SPDX-License-Identifier: MIT */
/* moontusk replay: in the making. */
#include <stdio.h>

#include "command.h"

static int
replay_run(const struct args *args)
{
	(void)args;
	fprintf(stderr, "moontusk replay: not built in this commit.\n");
	return EXIT_FAILED;
}

const struct command command_replay = {
	"replay", "in the making", "", NULL, NULL, NULL, 0, 0, replay_run};
