/* SPDX-License-Identifier: MIT */
/* moontusk check: in the making. */
#include <stdio.h>

#include "command.h"

static int
check_run(const struct args *args)
{
	(void)args;
	fprintf(stderr, "moontusk check: not built in this commit.\n");
	return EXIT_FAILED;
}

const struct command command_check = {
	"check", "in the making", "", NULL, NULL, NULL, 0, 0, check_run};
