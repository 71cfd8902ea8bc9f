/* SPDX-License-Identifier: MIT */
/* Time as a parameter: a clock to hand over, and the texts that times are written in. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

/* Milliseconds. `wall` is Unix time, for texts and for what must survive a restart;
 * `mono` never steps back, for measuring. */
struct clock {
	int64_t (*wall_ms)(void *data);
	int64_t (*mono_ms)(void *data);
	void *data;
};

/* The machine's clock; and readings of any clock, in milliseconds. */
struct clock clock_system(void);
static inline int64_t
clock_wall_ms(const struct clock *clock)
{
	return clock->wall_ms(clock->data);
}
static inline int64_t
clock_mono_ms(const struct clock *clock)
{
	return clock->mono_ms(clock->data);
}

/* RFC 3339 with optional fraction (0 to 9 digits) and offset; a date alone is its midnight UTC. */
bool time_parse(struct str text, int64_t *unix_ms);
/* Adds "2026-11-20T12:00:02.000Z". */
void time_format(struct buf *out, int64_t unix_ms);
/* "90s" "15m" "1h" "7d" "2w", "250ms", "1h30m"; a bare number is an error. */
bool duration_parse(struct str text, int64_t *ms);
/* Adds the shortest exact form: 5400000 -> "1h30m". */
void duration_format(struct buf *out, int64_t ms);
