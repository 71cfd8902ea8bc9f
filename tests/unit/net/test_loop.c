/* SPDX-License-Identifier: MIT */
/* loop: timers, the clock's rate, names, work, the turn, descriptors and signals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop.h"

struct seen {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_watch *watch;
	int count;
	int stop_at;
	int64_t at_ms;
	int ready;
	char first[64];
	char error[128];
};

static void
on_count(void *data)
{
	struct seen *seen = data;

	seen->at_ms = loop_now_ms(seen->loop);
	if (++seen->count == seen->stop_at)
		loop_stop(seen->loop);
}

static void
timer_fires_once_and_not_early(void **state)
{
	struct seen seen = {.loop = loop_create(1.0), .stop_at = 1};
	struct clock clock = loop_clock(seen.loop);
	int64_t start = clock_mono_ms(&clock);

	(void)state;
	seen.timer = loop_timer_create(seen.loop, on_count, &seen);
	assert_false(loop_timer_active(seen.timer));
	loop_timer_start(seen.timer, 20, 0);
	assert_true(loop_timer_active(seen.timer));
	loop_run(seen.loop);
	assert_int_equal(seen.count, 1);
	assert_false(loop_timer_active(seen.timer));
	assert_true(clock_mono_ms(&clock) - start >= 20);
	loop_timer_destroy(seen.timer);
	loop_destroy(seen.loop);
}

static void
repeating_timer_repeats_until_stopped(void **state)
{
	struct seen seen = {.loop = loop_create(1.0), .stop_at = 3};

	(void)state;
	seen.timer = loop_timer_create(seen.loop, on_count, &seen);
	loop_timer_start(seen.timer, 0, 1);
	loop_run(seen.loop);
	assert_int_equal(seen.count, 3);
	loop_timer_stop(seen.timer);
	loop_run(seen.loop); /* nothing left: returns */
	assert_int_equal(seen.count, 3);
	loop_timer_destroy(seen.timer);
	loop_destroy(seen.loop);
}

static void
clock_rate_scales_timers_and_both_clocks(void **state)
{
	struct seen seen = {.loop = loop_create(1000.0), .stop_at = 1};
	struct clock clock = loop_clock(seen.loop);
	struct clock real = clock_system();
	int64_t real_start = clock_mono_ms(&real);
	int64_t wall = clock_wall_ms(&clock);
	int64_t mono = clock_mono_ms(&clock);

	(void)state;
	seen.timer = loop_timer_create(seen.loop, on_count, &seen);
	loop_timer_start(seen.timer, 20000, 0);
	loop_run(seen.loop);
	assert_true(clock_mono_ms(&clock) - mono >= 20000);
	assert_true(clock_wall_ms(&clock) - wall >= 20000);
	assert_true(clock_mono_ms(&real) - real_start < 15000);
	assert_true(loop_clock_rate(seen.loop) == 1000.0);
	loop_timer_destroy(seen.timer);
	loop_destroy(seen.loop);
}

static void
skipping_what_is_idle_takes_no_time_and_changes_no_order(void **state)
{
	struct seen hourly = {.loop = loop_create(1.0), .stop_at = 24};
	struct seen late = {.loop = hourly.loop, .stop_at = 1};
	struct clock clock = loop_clock(hourly.loop);
	struct clock real = clock_system();
	int64_t real_start = clock_mono_ms(&real);
	int64_t mono = clock_mono_ms(&clock);
	int64_t wall = clock_wall_ms(&clock);

	(void)state;
	loop_skip_idle(hourly.loop, 3600 * 1000);
	hourly.timer = loop_timer_create(hourly.loop, on_count, &hourly);
	late.timer = loop_timer_create(late.loop, on_count, &late);
	loop_timer_start(late.timer, 5400 * 1000, 0);
	loop_timer_start(hourly.timer, 3600 * 1000, 3600 * 1000);
	loop_run(late.loop);
	assert_int_equal(late.count, 1);
	assert_int_equal(hourly.count, 1); /* and not two: the earlier one was first */
	assert_in_range(late.at_ms - hourly.at_ms, 1800 * 1000 - 5000, 1800 * 1000 + 5000);
	loop_run(hourly.loop);
	assert_int_equal(hourly.count, 24);
	/* A timer counts from the beginning of the loop's round, which is a little before now. */
	assert_true(clock_mono_ms(&clock) - mono >= 24 * 3600 * 1000 - 1000);
	assert_true(clock_wall_ms(&clock) - wall >= 24 * 3600 * 1000 - 1000);
	assert_true(clock_mono_ms(&real) - real_start < 3600 * 1000);
	loop_timer_destroy(hourly.timer);
	loop_timer_destroy(late.timer);
	loop_destroy(hourly.loop);
}

static void
sleep_on_the_pool(void *data)
{
	struct timespec nap = {.tv_nsec = 50 * 1000000};

	(void)data;
	(void)nanosleep(&nap, NULL);
}

static void
work_under_way_is_waited_for_before_time_is_skipped(void **state)
{
	struct seen work = {.loop = loop_create(1.0), .stop_at = 1};
	struct seen timer = {.loop = work.loop, .stop_at = 1};

	(void)state;
	loop_skip_idle(work.loop, 3600 * 1000);
	timer.timer = loop_timer_create(timer.loop, on_count, &timer);
	loop_timer_start(timer.timer, 3600 * 1000, 0);
	loop_work(work.loop, sleep_on_the_pool, on_count, &work);
	loop_run(work.loop);
	assert_int_equal(work.count, 1);
	assert_int_equal(timer.count, 0);
	loop_run(timer.loop);
	assert_int_equal(timer.count, 1);
	loop_timer_destroy(timer.timer);
	loop_destroy(timer.loop);
}

static void
loops_that_share_a_clock_agree_on_it(void **state)
{
	struct clock real = clock_system();
	int64_t from_ms = clock_wall_ms(&real) - 1000000;
	struct loop *loops[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		loops[i] = loop_create(10.0);
		loop_share_clock(loops[i], from_ms);
	}
	for (int i = 0; i < 2; i++) {
		struct clock clock = loop_clock(loops[i]);
		/* A thousand seconds are ten thousand; a minute of them is six seconds of a busy machine. */
		assert_in_range(clock_wall_ms(&clock) - from_ms, 10000000, 10060000);
		loop_destroy(loops[i]);
	}
}

static void
on_destroy_self(void *data)
{
	struct seen *seen = data;

	seen->count++;
	loop_timer_destroy(seen->timer);
	loop_stop(seen->loop);
}

static void
timer_may_be_destroyed_in_its_own_callback(void **state)
{
	struct seen seen = {.loop = loop_create(1.0)};

	(void)state;
	seen.timer = loop_timer_create(seen.loop, on_destroy_self, &seen);
	loop_timer_start(seen.timer, 0, 1);
	loop_run(seen.loop);
	assert_int_equal(seen.count, 1);
	loop_timer_destroy(NULL);
	loop_destroy(seen.loop);
}

static void
stop_before_run_returns_at_once(void **state)
{
	struct seen seen = {.loop = loop_create(1.0), .stop_at = -1};

	(void)state;
	seen.timer = loop_timer_create(seen.loop, on_count, &seen);
	loop_timer_start(seen.timer, 0, 1000);
	loop_stop(seen.loop);
	loop_run(seen.loop);
	assert_int_equal(seen.count, 0);
	loop_timer_destroy(seen.timer);
	loop_destroy(seen.loop);
}

static void
on_resolved(void *data, const char *const *addresses, unsigned count, const char *error)
{
	struct seen *seen = data;

	seen->count++;
	if (count)
		snprintf(seen->first, sizeof(seen->first), "%s", addresses[0]);
	else
		snprintf(seen->error, sizeof(seen->error), "%s", error);
	loop_stop(seen->loop);
}

static void
resolves_later_and_off_the_loop(void **state)
{
	struct seen seen = {.loop = loop_create(1.0)};

	(void)state;
	assert_true(loop_resolve(seen.loop, "127.0.0.1", on_resolved, &seen) > 0);
	assert_int_equal(seen.count, 0);
	loop_run(seen.loop);
	assert_string_equal(seen.first, "127.0.0.1");
	loop_resolve(seen.loop, "::1", on_resolved, &seen);
	loop_run(seen.loop);
	assert_string_equal(seen.first, "::1");
	loop_destroy(seen.loop);
}

static void
impossible_name_gives_an_error_later(void **state)
{
	struct seen seen = {.loop = loop_create(1.0)};
	char longest[2000];

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	loop_resolve(seen.loop, longest, on_resolved, &seen);
	assert_int_equal(seen.count, 0);
	loop_run(seen.loop);
	assert_int_equal(seen.count, 1);
	assert_true(seen.error[0] != '\0');
	loop_destroy(seen.loop);
}

static void
cancelled_resolve_never_calls_back(void **state)
{
	struct seen seen = {.loop = loop_create(1.0)};
	unsigned id = loop_resolve(seen.loop, "127.0.0.1", on_resolved, &seen);

	(void)state;
	loop_resolve_cancel(seen.loop, id);
	loop_resolve_cancel(seen.loop, 4711);
	loop_run(seen.loop);
	loop_resolve(seen.loop, "127.0.0.1", on_resolved, &seen);
	loop_destroy(seen.loop);
	assert_int_equal(seen.count, 0);
}

static void
on_work(void *data)
{
	struct seen *seen = data;

	seen->ready = 1; /* before `done`, on another thread */
}

static void
on_worked(void *data)
{
	struct seen *seen = data;

	assert_int_equal(seen->ready, 1);
	on_count(seen);
}

static void
work_runs_then_done_on_the_loop(void **state)
{
	struct seen seen = {.loop = loop_create(1.0), .stop_at = 1};

	(void)state;
	loop_work(seen.loop, on_work, on_worked, &seen);
	loop_run(seen.loop);
	assert_int_equal(seen.count, 1);
	loop_work(seen.loop, on_work, on_worked, &seen);
	loop_destroy(seen.loop); /* waits for it */
	assert_int_equal(seen.count, 2);
}

static void
turn_runs_again_at_once_while_kept_awake(void **state)
{
	struct seen seen = {.loop = loop_create(1.0), .stop_at = 100};

	(void)state;
	loop_set_turn(seen.loop, on_count, &seen);
	loop_keep_awake(seen.loop, true);
	loop_run(seen.loop);
	assert_int_equal(seen.count, 100);
	loop_keep_awake(seen.loop, false);
	loop_set_turn(seen.loop, NULL, NULL);
	loop_run(seen.loop);
	assert_int_equal(seen.count, 100);
	loop_destroy(seen.loop);
}

static void
on_ready(void *data, int fd, int ready)
{
	struct seen *seen = data;
	char byte;

	seen->ready = ready;
	seen->count += (int)read(fd, &byte, 1);
	loop_watch_destroy(seen->watch);
	loop_stop(seen->loop);
}

static void
watch_tells_when_a_descriptor_is_readable(void **state)
{
	struct seen seen = {.loop = loop_create(1.0)};
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	seen.watch = loop_watch_create(seen.loop, ends[0], on_ready, &seen);
	loop_watch_set(seen.watch, WATCH_READ);
	assert_int_equal(write(ends[1], "x", 1), 1);
	loop_run(seen.loop);
	assert_int_equal(seen.ready, WATCH_READ);
	assert_int_equal(seen.count, 1);
	close(ends[0]);
	close(ends[1]);
	loop_destroy(seen.loop);
}

static void
on_signal(void *data, int signum)
{
	struct seen *seen = data;

	assert_int_equal(signum, SIGUSR1);
	on_count(seen);
}

static void
each_of_several_hears_a_signal(void **state)
{
	struct seen seen = {.loop = loop_create(1.0), .stop_at = 2};

	(void)state;
	loop_on_signal(seen.loop, SIGUSR1, on_signal, &seen);
	loop_on_signal(seen.loop, SIGUSR1, on_signal, &seen);
	kill(getpid(), SIGUSR1);
	loop_run(seen.loop);
	assert_int_equal(seen.count, 2);
	loop_destroy(seen.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_fires_once_and_not_early),
		cmocka_unit_test(repeating_timer_repeats_until_stopped),
		cmocka_unit_test(clock_rate_scales_timers_and_both_clocks),
		cmocka_unit_test(skipping_what_is_idle_takes_no_time_and_changes_no_order),
		cmocka_unit_test(work_under_way_is_waited_for_before_time_is_skipped),
		cmocka_unit_test(loops_that_share_a_clock_agree_on_it),
		cmocka_unit_test(timer_may_be_destroyed_in_its_own_callback),
		cmocka_unit_test(stop_before_run_returns_at_once),
		cmocka_unit_test(resolves_later_and_off_the_loop),
		cmocka_unit_test(impossible_name_gives_an_error_later),
		cmocka_unit_test(cancelled_resolve_never_calls_back),
		cmocka_unit_test(work_runs_then_done_on_the_loop),
		cmocka_unit_test(turn_runs_again_at_once_while_kept_awake),
		cmocka_unit_test(watch_tells_when_a_descriptor_is_readable),
		cmocka_unit_test(each_of_several_hears_a_signal),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
