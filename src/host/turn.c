/* SPDX-License-Identifier: MIT */
/* The turn: once per loop iteration, events to handlers, one commit, then the actions leave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "gapfill.h"
#include "host_private.h"
#include "reconcile.h"
#include "state.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "turn"

enum {
	EVENTS_AT_ONCE = 16, /* from the queue: then their handlers run */
	LOOK_MS =
		60 *
		1000, /* at the wall clock, which may have been set, or gone on while the machine slept */
	CLOSING_LOOK_MS = 100,
	GATHER_MS = 2, /* events that come closer behind a commit than this wait for it to pass */
	BUSY_EVENTS =
		32, /* in one turn: so many that fewer, larger commits are worth a longer wait */
	BUSY_GATHER_MS = 5,
};

/* How long turns take, and events gather, is about this machine: real time, whatever the clock's rate. */
static int64_t
real_ms(const struct host *host, int64_t ms)
{
	double rate = host->config.loop ? loop_clock_rate(host->config.loop) : 1.0;
	return (int64_t)((double)ms * rate);
}

static bool
time_left(struct host *host, int64_t until_ms)
{
	return !host->stopped && !host->turn_failed &&
	       clock_mono_ms(&host->config.clock) < until_ms;
}

/* True when there was one. */
static bool
take_event(struct host *host)
{
	struct event *event = intake_pop(host->intake);
	if (!event)
		return false;
	host->turn_events++;
	host->stats.received++;
	if (host->events.on_received)
		host->events.on_received(host->data, event);
	trouble_note_event(host, event);
	positions_mark(host, event);
	gapfill_took(host->gapfill, event);
	if (deletes_take(host->deletes, event))
		route_event(host, event);
	event_unref(event);
	return true;
}

/* False when none is left, or none may be taken any more. */
static bool
take_events(struct host *host, unsigned count, int64_t until_ms)
{
	unsigned last = host->turn_events + count;
	last = last < TURN_EVENTS_MAX ? last : TURN_EVENTS_MAX;
	while (host->turn_events < last && time_left(host, until_ms)) {
		if (!take_event(host))
			return false;
	}
	return host->turn_events < TURN_EVENTS_MAX;
}

/* Deliveries that a restart found wait until the server has said who we are; those of a plugin that is off, until
 * it is back. */
static struct work *
first_work(const struct host *host, struct instance *instance)
{
	unsigned concurrency = instance->about.concurrency;
	return instance->may_run && instance->plugin && !instance->guard.off
		       ? inbox_first(&instance->inbox, concurrency ? concurrency : 1,
				 clock_wall_ms(&host->config.clock))
		       : NULL;
}

/* One work of each instance in turn, so that a busy plugin does not hold up the others. True when some wait. */
static bool
run_inboxes(struct host *host, int64_t until_ms)
{
	bool waiting = true;
	while (waiting && time_left(host, until_ms)) {
		waiting = false;
		for (unsigned i = 0; i < host->instance_count; i++) {
			struct instance *instance = host->instances[i];
			struct work *work = first_work(host, instance);
			if (!work || !host_begin(host))
				continue;
			if (waiting_resolve(host, instance, work))
				tasks_start_work(host, instance, work);
			else
				inbox_done(&instance->inbox, host->store, work);
			waiting = true;
		}
	}
	return waiting;
}

/* Events in small groups, each followed by their handlers: when the time is over, few are left to be written down and read
 * back. What waits from before goes first, for half of the time; when that is not enough, a plugin is too slow, and must
 * not keep events from the others. True when handlers wait. */
static bool
run_events(struct host *host, int64_t start_ms)
{
	int64_t until_ms = start_ms + real_ms(host, TURN_MS_MAX);
	bool waiting = run_inboxes(host, start_ms + real_ms(host, TURN_MS_MAX / 2)), more = true;
	host->turn_events = 0;
	while (more && time_left(host, until_ms)) {
		more = take_events(host, waiting ? TURN_EVENTS_MAX : EVENTS_AT_ONCE, until_ms);
		waiting = run_inboxes(host, until_ms);
	}
	return waiting;
}

void
turn_pause_sockets(struct host *host)
{
	bool full = intake_full(host->intake) || host->trouble;
	subscriptions_look(host);
	for (unsigned i = 0; i < host->account_count; i++) {
		if (host->links[i])
			link_pause(host->links[i], full || subscriptions_lag(host, i));
	}
}

/* Wakes the loop when a schedule is due or positions wait to be committed. */
static void
set_tick(struct host *host)
{
	int64_t due_ms = host_next_due(host), wait_ms = -1;
	if (due_ms != INT64_MAX) {
		wait_ms = due_ms - clock_wall_ms(&host->config.clock);
		wait_ms = wait_ms < 1 ? 1 : wait_ms > LOOK_MS ? LOOK_MS : wait_ms;
	}
	if (host->positions_changed && (wait_ms < 0 || wait_ms > COMMIT_QUIET_MS))
		wait_ms = COMMIT_QUIET_MS;
	if (host->closing && (wait_ms < 0 || wait_ms > CLOSING_LOOK_MS))
		wait_ms = CLOSING_LOOK_MS;
	if (wait_ms < 0)
		loop_timer_stop(host->tick);
	else
		loop_timer_start(host->tick, wait_ms, 0);
}

/* A busy stream must not cost one fsync an event: right after a commit, events gather for a moment. One that
 * comes alone is handled at once. */
static bool
gathers(struct host *host, int64_t now_ms)
{
	int64_t wait_ms =
		real_ms(host, host->turn_events >= BUSY_EVENTS ? BUSY_GATHER_MS : GATHER_MS);
	int64_t left_ms = host->committed_at_ms + wait_ms - now_ms;
	size_t count = intake_count(host->intake);
	if (host->config.offline || host->ending || left_ms <= 0 || count == 0 ||
		count >= TURN_EVENTS_MAX || outbox_has_outcomes(host->outbox))
		return false;
	loop_keep_awake(host->config.loop, false);
	loop_timer_start(host->tick, left_ms, 0);
	return true;
}

void
turn_run(void *data)
{
	struct host *host = data;
	if (host->stopped || trouble_rests(host))
		return;
	int64_t start_ms = clock_mono_ms(&host->config.clock);
	if (gathers(host, start_ms))
		return;
	instances_sweep(host);
	if (!host->ending)
		reload_run(host);
	news_tell(host);
	matching_turn(host->matching);
	deletes_run(host->deletes);
	reconcile_run(host->reconcile);
	gapfill_open(host->gapfill);
	tasks_charge(host);
	tasks_run(host);
	retired_run(host);
	quarantine_run(host);
	bool waiting = run_events(host, start_ms);
	schedules_run(host);
	quarantine_run(host);
	gapfill_settle(host->gapfill);
	if (outbox_has_outcomes(host->outbox) && host_begin(host))
		outbox_write_outcomes(host->outbox);
	alert_run(host);
	if (!host->stopped)
		commit_turn(host, start_ms);
	if (host->stopped || host->trouble)
		return;
	if (!host->config.offline && !host->ending)
		outbox_flush(host->outbox);
	requests_flush(host->requests);
	gapfill_flush(host->gapfill);
	reconcile_flush(host->reconcile);
	for (unsigned i = 0; i < host->instance_count; i++) {
		inbox_load(&host->instances[i]->inbox, host->store, host->parser);
		waiting = waiting || first_work(host, host->instances[i]);
	}
	host_close_run(host);
	if (host->stopped)
		return;
	commit_checkpoint(host);
	turn_pause_sockets(host);
	if (!host->config.offline) {
		loop_keep_awake(host->config.loop, waiting || tasks_answered(host) || host->news ||
							   intake_count(host->intake) > 0);
		set_tick(host);
	}
}
