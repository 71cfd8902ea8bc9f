/* SPDX-License-Identifier: MIT */
/* Counts failures among the last events of an instance, and says how long to wait before the next try. Knows no host. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Trips when `most` failures fell on the last `of` events. */
struct failures {
	unsigned most, of; /* most 0: never trips */
	uint64_t events;
	uint64_t *ring; /* at which event each of the last `most` failures was */
	unsigned count, next;
};

void failures_init(struct failures *failures, unsigned most, unsigned of);
void failures_finish(struct failures *failures);
void failures_clear(struct failures *failures); /* as if nothing had happened */
/* One event has ended well. */
void failures_passed(struct failures *failures);
/* One has ended badly, and counts as `weight` failures. True: enough. */
bool failures_failed(struct failures *failures, unsigned weight);

/* How long an event waits whose handler has failed `tries` times (1, 2, ...), in ms; 0: not again. */
int64_t failures_wait_ms(int tries);
