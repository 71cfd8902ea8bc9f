/* SPDX-License-Identifier: MIT */
/* The watchdog of a connection: one timer, which is not touched when bytes come. */
#include "pulse.h"

/* When silence has lasted too long, or long enough to ask; INT64_MAX: never. */
static int64_t
silence_due(const struct pulse *pulse)
{
	const struct pulse_times *times = &pulse->times;
	if (!pulse->beaten && times->first_ms > 0) {
		return pulse->last_ms + times->first_ms;
	}
	if (times->ask_ms > 0 && !pulse->asked) {
		return pulse->last_ms + times->ask_ms;
	}
	return times->quiet_ms > 0 ? pulse->last_ms + times->quiet_ms : INT64_MAX;
}

static void
arm(struct pulse *pulse)
{
	int64_t due = silence_due(pulse);
	if (pulse->times.age_ms > 0 && pulse->began_ms + pulse->times.age_ms < due) {
		due = pulse->began_ms + pulse->times.age_ms;
	}
	if (due < INT64_MAX) {
		int64_t left = due - loop_now_ms(pulse->loop);
		loop_timer_start(pulse->timer, left > 0 ? left : 0, 0);
	}
}

void
pulse_beat(struct pulse *pulse)
{
	pulse->last_ms = loop_now_ms(pulse->loop);
	pulse->beaten = true;
	if (pulse->asked) { /* the timer waits for the end; it is to ask again before */
		pulse->asked = false;
		arm(pulse);
	}
}

/* The owner's function runs last: it may end everything. */
static void
on_timer(void *data)
{
	struct pulse *pulse = data;
	int64_t now_ms = loop_now_ms(pulse->loop);
	if (pulse->paused) {
		pulse->last_ms = now_ms;
	}
	if (pulse->times.age_ms > 0 && now_ms - pulse->began_ms >= pulse->times.age_ms) {
		pulse->times.age_ms = 0;
		arm(pulse);
		pulse->fn(pulse->data, PULSE_OLD);
	} else if (now_ms < silence_due(pulse)) {
		arm(pulse);
	} else if (!pulse->beaten && pulse->times.first_ms > 0) {
		pulse->fn(pulse->data, PULSE_MUTE);
	} else if (pulse->times.ask_ms > 0 && !pulse->asked) {
		pulse->asked = true;
		arm(pulse);
		pulse->fn(pulse->data, PULSE_ASK);
	} else {
		pulse->fn(pulse->data, PULSE_QUIET);
	}
}

void
pulse_init(struct pulse *pulse, struct loop *loop, pulse_fn *fn, void *data)
{
	*pulse = (struct pulse){.loop = loop, .fn = fn, .data = data};
	pulse->timer = loop_timer_create(loop, on_timer, pulse);
}

void
pulse_finish(struct pulse *pulse)
{
	loop_timer_destroy(pulse->timer);
	pulse->timer = NULL;
}

void
pulse_start(struct pulse *pulse, const struct pulse_times *times)
{
	pulse->times = *times;
	pulse->began_ms = loop_now_ms(pulse->loop);
	pulse->last_ms = pulse->began_ms;
	pulse->beaten = false;
	pulse->asked = false;
	arm(pulse);
}

void
pulse_stop(struct pulse *pulse)
{
	loop_timer_stop(pulse->timer);
}

void
pulse_pause(struct pulse *pulse, bool paused)
{
	if (pulse->paused && !paused) {
		pulse->last_ms = loop_now_ms(pulse->loop);
	}
	pulse->paused = paused;
}
