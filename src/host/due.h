/* SPDX-License-Identifier: MIT */
/* When a schedule is due: pure arithmetic on the wall clock, which may jump either way. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "plugin.h"

/* Times are Unix ms; INT64_MAX: never. */

/* What becomes of a due time that has come. */
struct due {
	bool run;        /* false: it is too late, and the schedule skips what it missed */
	int64_t due_ms;  /* the due time that is run, or the last one that was missed */
	int64_t late_ms; /* now - due_ms */
	uint64_t missed; /* due times before due_ms, it included when !run, that have not run */
	int64_t next_ms; /* after now */
};

/* The first due time of a schedule that is new, or was changed. Within the first interval of tusk.every there is always exactly
 * one; `seed` (a hash of instance and name) says how long before its end, so that schedules with the same interval
 * do not all run in one turn. */
int64_t due_first(const struct plugin_schedule *schedule, uint64_t seed, int64_t now_ms);
/* For due_ms <= now_ms. */
struct due due_take(const struct plugin_schedule *schedule, int64_t due_ms, int64_t now_ms);
/* A due time that is still valid at now_ms: the clock may have been set back, the rules of the zone may have changed. `last_ms`:
 * the newest due time that was taken, 0: none. Never gives a due time that was taken, so that it is not run twice. */
int64_t due_check(
	const struct plugin_schedule *schedule, int64_t due_ms, int64_t last_ms, int64_t now_ms);
