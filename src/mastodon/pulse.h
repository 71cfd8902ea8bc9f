/* SPDX-License-Identifier: MIT */
/* Whether a connection still lives: bytes within a time, and renewed before it is too old. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

enum pulse_news {
	PULSE_MUTE,  /* not one byte within first_ms */
	PULSE_ASK,   /* nothing for ask_ms: a question would show whether anybody is there */
	PULSE_QUIET, /* nothing for quiet_ms */
	PULSE_OLD,   /* it has stood for age_ms */
};

/* Milliseconds; 0: not watched. */
struct pulse_times {
	int64_t first_ms, ask_ms, quiet_ms, age_ms;
};

/* From the loop. The pulse may be stopped or finished in it. PULSE_MUTE and PULSE_QUIET come once, and are the end. */
typedef void pulse_fn(void *data, enum pulse_news news);

struct pulse {
	struct loop *loop;
	struct loop_timer *timer;
	struct pulse_times times;
	pulse_fn *fn;
	void *data;
	int64_t began_ms, last_ms; /* loop_now_ms */
	bool beaten, asked, paused;
};

void pulse_init(struct pulse *pulse, struct loop *loop, pulse_fn *fn, void *data); /* stopped */
void pulse_finish(struct pulse *pulse);
void pulse_start(struct pulse *pulse, const struct pulse_times *times);
void pulse_stop(struct pulse *pulse);
void pulse_beat(struct pulse *pulse); /* bytes came; cheap enough for every read */
/* While nothing is read nothing can be missed: silence counts from the end of the pause. */
void pulse_pause(struct pulse *pulse, bool paused);
