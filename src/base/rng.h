/* SPDX-License-Identifier: MIT */
/* Random numbers from a seed that is handed over, so that a test can repeat a run. Not for keys. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state[4];
};

void rng_seed(struct rng *rng, uint64_t seed);
void rng_seed_system(struct rng *rng); /* from getrandom(2) */
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* uniform in [0, bound); bound 0 gives 0 */
