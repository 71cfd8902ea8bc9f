/* SPDX-License-Identifier: MIT */
/* Counts failures among the last events of an instance, and says how long to wait before the next try. Knows no host. */
#include "failures.h"

#include <stdlib.h>

#include "attr.h"
#include "limits.h"
#include "xmalloc.h"

void
failures_init(struct failures *failures, unsigned most, unsigned of)
{
	*failures = (struct failures){.most = most, .of = of};
	failures->ring = xcalloc(most + 1, sizeof(failures->ring[0]));
}

void
failures_finish(struct failures *failures)
{
	free(failures->ring);
	failures->ring = NULL;
}

void
failures_clear(struct failures *failures)
{
	failures->events = 0;
	failures->count = failures->next = 0;
}

void
failures_passed(struct failures *failures)
{
	failures->events++;
}

bool
failures_failed(struct failures *failures, unsigned weight)
{
	uint64_t now = ++failures->events;
	if (failures->most == 0)
		return false;
	for (unsigned i = 0; i < weight; i++) {
		failures->ring[failures->next] = now;
		failures->next = (failures->next + 1) % failures->most;
		failures->count += failures->count < failures->most;
	}
	/* The next to be written over is the oldest. */
	return failures->count == failures->most &&
	       now - failures->ring[failures->next] < failures->of;
}

int64_t
failures_wait_ms(int tries)
{
	static const int64_t waits_ms[] = RETRY_WAITS_MS;
	return tries >= 1 && tries <= (int)COUNT_OF(waits_ms) ? waits_ms[tries - 1] : 0;
}
