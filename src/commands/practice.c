/* SPDX-License-Identifier: MIT */
/* moontusk practice: in the making. */
#include <stdio.h>

#include "command.h"

static int
practice_run(const struct args *args)
{
	(void)args;
	fprintf(stderr, "moontusk practice: not built in this commit.\n");
	return EXIT_FAILED;
}

const struct command command_practice = {
	"practice", "in the making", "", NULL, NULL, NULL, 0, 0, practice_run};
