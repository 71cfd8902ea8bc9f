/* SPDX-License-Identifier: MIT */
/* moontusk demo: in the making. */
#include <stdio.h>

#include "command.h"

static int
demo_run(const struct args *args)
{
	(void)args;
	fprintf(stderr, "moontusk demo: not built in this commit.\n");
	return EXIT_FAILED;
}

const struct command command_demo = {"demo", "in the making", "", NULL, NULL, NULL, 0, 0, demo_run};
