/* SPDX-License-Identifier: MIT */
/* The end of the program when REQUIRE finds a programmer's error. */
#include "attr.h"

#include <stdio.h>
#include <stdlib.h>

void
require_failed(const char *file, int line, const char *text)
{
	(void)fprintf(stderr, "moontusk: bug: %s:%d: this must hold but does not: %s\n", file, line,
		text);
	abort();
}
