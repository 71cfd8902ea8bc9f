/* SPDX-License-Identifier: MIT */
/* moontusk tail: in the making. */
#include <stdio.h>

#include "command.h"

static int
tail_run(const struct args *args)
{
	(void)args;
	fprintf(stderr, "moontusk tail: not built in this commit.\n");
	return EXIT_FAILED;
}

const struct command command_tail = {"tail", "in the making", "", NULL, NULL, NULL, 0, 0, tail_run};
