/* SPDX-License-Identifier: MIT */
/* Waiting between attempts: exponential back-off with full jitter and a cap. */
#pragma once

#include <stdint.h>

#include "rng.h"

struct pace {
	int64_t base_ms;    /* upper bound of the first wait */
	int64_t cap_ms;     /* upper bound of every wait */
	int64_t healthy_ms; /* this long without failure resets the count */
	unsigned failures;
	int64_t up_since_ms; /* monotonic; -1: not up */
};

void pace_init(struct pace *pace, int64_t base_ms, int64_t cap_ms, int64_t healthy_ms);
void pace_up(struct pace *pace, int64_t now_mono_ms);
/* Call when an attempt failed or a connection ended. Returns the wait in ms, by chance between an eighth of its bound
 * (and at least base_ms / 2) and the bound, which doubles each time: with a base of 1 s at most 9 attempts fall
 * into a minute, whatever chance brings. The count is reset first when it was up for healthy_ms. */
int64_t pace_down(struct pace *pace, struct rng *rng, int64_t now_mono_ms);
