/* SPDX-License-Identifier: MIT */
/* Tests of the watchdog of connections. */
#include "pulse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"

struct fixture {
	struct loop *loop;
	struct pulse pulse;
	struct loop_timer *beats, *end;
	unsigned beat_count, beats_wanted;
	unsigned news[4];
	bool answers; /* to each question */
};

static void
on_news(void *data, enum pulse_news news)
{
	struct fixture *fixture = data;
	fixture->news[news]++;
	if (news == PULSE_ASK && fixture->answers) {
		pulse_beat(&fixture->pulse);
	}
}

static void
on_beat(void *data)
{
	struct fixture *fixture = data;
	if (fixture->beat_count < fixture->beats_wanted) {
		fixture->beat_count++;
		pulse_beat(&fixture->pulse);
	}
}

static void
on_end(void *data)
{
	loop_stop(((struct fixture *)data)->loop);
}

static void
setup(struct fixture *fixture)
{
	*fixture = (struct fixture){.loop = loop_create(20)};
	pulse_init(&fixture->pulse, fixture->loop, on_news, fixture);
	fixture->beats = loop_timer_create(fixture->loop, on_beat, fixture);
	fixture->end = loop_timer_create(fixture->loop, on_end, fixture);
}

static void
teardown(struct fixture *fixture)
{
	pulse_finish(&fixture->pulse);
	loop_timer_destroy(fixture->beats);
	loop_timer_destroy(fixture->end);
	loop_destroy(fixture->loop);
}

/* Starts the pulse, with `beats` every 200 ms, and runs for `ms`. */
static void
run(struct fixture *fixture, const struct pulse_times *times, unsigned beats, int64_t ms)
{
	memset(fixture->news, 0, sizeof(fixture->news));
	fixture->beat_count = 0;
	fixture->beats_wanted = beats;
	pulse_start(&fixture->pulse, times);
	loop_timer_start(fixture->beats, 200, 200);
	loop_timer_start(fixture->end, ms, 0);
	loop_run(fixture->loop);
	loop_timer_stop(fixture->beats);
	pulse_stop(&fixture->pulse);
}

static void
tells_mute_from_quiet(void **state)
{
	(void)state;
	static const struct pulse_times times = {.first_ms = 500, .quiet_ms = 800};
	struct fixture fixture;
	setup(&fixture);
	run(&fixture, &times, 0, 3000);
	assert_int_equal(fixture.news[PULSE_MUTE], 1);
	assert_int_equal(fixture.news[PULSE_QUIET], 0);
	run(&fixture, &times, 5, 4000);
	assert_int_equal(fixture.news[PULSE_MUTE], 0);
	assert_int_equal(fixture.news[PULSE_QUIET], 1);
	teardown(&fixture);
}

static void
says_nothing_as_long_as_bytes_come(void **state)
{
	(void)state;
	static const struct pulse_times times = {.first_ms = 500, .ask_ms = 700, .quiet_ms = 900};
	struct fixture fixture;
	setup(&fixture);
	run(&fixture, &times, 1000, 10000);
	for (size_t i = 0; i < COUNT_OF(fixture.news); i++) {
		assert_int_equal(fixture.news[i], 0);
	}
	teardown(&fixture);
}

/* Quiet is not dead: with the times of a WebSocket, and pings as Mastodon sends them. */
static void
two_hours_of_pings_without_an_event_are_healthy_and_75_s_without_are_not(void **state)
{
	(void)state;
	static const struct pulse_times times = {
		.first_ms = 15000, .ask_ms = 45000, .quiet_ms = 75000};
	struct fixture fixture = {.loop = loop_create(1), .beats_wanted = 240};
	loop_skip_idle(fixture.loop, 30000);
	pulse_init(&fixture.pulse, fixture.loop, on_news, &fixture);
	fixture.beats = loop_timer_create(fixture.loop, on_beat, &fixture);
	fixture.end = loop_timer_create(fixture.loop, on_end, &fixture);
	pulse_start(&fixture.pulse, &times);
	pulse_beat(&fixture.pulse);
	loop_timer_start(fixture.beats, 30000, 30000);
	loop_timer_start(fixture.end, 7230 * 1000, 0);
	loop_run(fixture.loop);
	assert_int_equal(fixture.beat_count, 240);
	for (size_t i = 0; i < COUNT_OF(fixture.news); i++) {
		assert_int_equal(fixture.news[i], 0);
	}
	loop_timer_start(fixture.end, 60000, 0);
	loop_run(fixture.loop);
	assert_int_equal(fixture.news[PULSE_ASK], 1);
	assert_int_equal(fixture.news[PULSE_QUIET], 1);
	teardown(&fixture);
}

static void
asks_once_before_it_gives_up(void **state)
{
	(void)state;
	static const struct pulse_times times = {.ask_ms = 300, .quiet_ms = 900};
	struct fixture fixture;
	setup(&fixture);
	run(&fixture, &times, 0, 5000);
	assert_int_equal(fixture.news[PULSE_ASK], 1);
	assert_int_equal(fixture.news[PULSE_QUIET], 1);
	teardown(&fixture);
}

static void
asks_again_after_each_answer(void **state)
{
	(void)state;
	static const struct pulse_times times = {.ask_ms = 300, .quiet_ms = 60000};
	struct fixture fixture;
	setup(&fixture);
	fixture.answers = true;
	run(&fixture, &times, 0, 5000);
	assert_true(fixture.news[PULSE_ASK] >= 3);
	assert_int_equal(fixture.news[PULSE_QUIET], 0);
	teardown(&fixture);
}

static void
grows_old_whatever_comes(void **state)
{
	(void)state;
	static const struct pulse_times times = {.quiet_ms = 900, .age_ms = 1500};
	struct fixture fixture;
	setup(&fixture);
	run(&fixture, &times, 1000, 5000);
	assert_int_equal(fixture.news[PULSE_OLD], 1);
	assert_int_equal(fixture.news[PULSE_QUIET], 0);
	teardown(&fixture);
}

static void
counts_no_silence_while_paused(void **state)
{
	(void)state;
	static const struct pulse_times times = {.first_ms = 400, .ask_ms = 500, .quiet_ms = 800};
	struct fixture fixture;
	setup(&fixture);
	pulse_pause(&fixture.pulse, true);
	run(&fixture, &times, 0, 4000);
	for (size_t i = 0; i < COUNT_OF(fixture.news); i++) {
		assert_int_equal(fixture.news[i], 0);
	}
	pulse_pause(&fixture.pulse, false);
	run(&fixture, &times, 0, 4000);
	assert_int_equal(fixture.news[PULSE_MUTE], 1);
	teardown(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_mute_from_quiet),
		cmocka_unit_test(says_nothing_as_long_as_bytes_come),
		cmocka_unit_test(
			two_hours_of_pings_without_an_event_are_healthy_and_75_s_without_are_not),
		cmocka_unit_test(asks_once_before_it_gives_up),
		cmocka_unit_test(asks_again_after_each_answer),
		cmocka_unit_test(grows_old_whatever_comes),
		cmocka_unit_test(counts_no_silence_while_paused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
