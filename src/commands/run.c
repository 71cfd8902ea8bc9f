/* SPDX-License-Identifier: MIT */
/* moontusk run: in the making. */
#include <stdio.h>

#include "command.h"

static int
run_run(const struct args *args)
{
	(void)args;
	fprintf(stderr, "moontusk run: not built in this commit.\n");
	return EXIT_FAILED;
}

const struct command command_run = {"run", "in the making", "", NULL, NULL, NULL, 0, 0, run_run};
