/* SPDX-License-Identifier: MIT */
/* Is a stream alive? REST that has newer posts says that it is not; a timeline that gives nothing may be switched off. */
#include <stdlib.h>

#include "gapfill_private.h"

#define LOG_MODULE "probe"

void
probe_answer(struct source *source, const struct http_answer *answer)
{
	(void)answer;
	job_stop(source);
}

void
probe_feed(struct source *source)
{
	(void)source;
}
