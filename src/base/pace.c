/* SPDX-License-Identifier: MIT */
/* How long to wait before the next attempt. */
#include "pace.h"

#include "attr.h"

void
pace_init(struct pace *pace, int64_t base_ms, int64_t cap_ms, int64_t healthy_ms)
{
	REQUIRE(base_ms > 0 && cap_ms >= base_ms);
	*pace = (struct pace){
		.base_ms = base_ms, .cap_ms = cap_ms, .healthy_ms = healthy_ms, .up_since_ms = -1};
}

void
pace_up(struct pace *pace, int64_t now_mono_ms)
{
	pace->up_since_ms = now_mono_ms;
}

int64_t
pace_down(struct pace *pace, struct rng *rng, int64_t now_mono_ms)
{
	if (pace->up_since_ms >= 0 && now_mono_ms - pace->up_since_ms >= pace->healthy_ms) {
		pace->failures = 0;
	}
	pace->up_since_ms = -1;
	int64_t bound = pace->base_ms;
	for (unsigned i = 0; i < pace->failures && bound < pace->cap_ms; i++) {
		bound = bound > pace->cap_ms / 2 ? pace->cap_ms : bound * 2;
	}
	if (pace->failures < UINT32_MAX) {
		pace->failures++;
	}
	int64_t least = (pace->base_ms + 1) / 2;
	least = bound / 8 > least ? bound / 8 : least;
	return least + (int64_t)rng_below(rng, (uint64_t)(bound - least) + 1);
}
