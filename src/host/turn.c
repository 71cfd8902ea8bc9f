/* SPDX-License-Identifier: MIT */
/* The turn: once per loop iteration, events to handlers, one commit, then the actions leave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "state.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "turn"

enum {
	LOOK_MS =
		60 *
		1000, /* at the wall clock, which may have been set, or gone on while the machine slept */
	QUIET_COMMIT_MS = 1000, /* turns in which nothing matched commit positions this often */
	GATHER_MS = 2, /* events that come closer behind a commit than this wait for it to pass */
	CHECKPOINT_PAGES = 4096,
	PRUNE_EVERY_MS = 60 * 60 * 1000,
};

static bool
time_left(struct host *host, int64_t start_ms)
{
	return !host->stopped && clock_mono_ms(&host->config.clock) - start_ms < TURN_MS_MAX;
}

static void
take_events(struct host *host, int64_t start_ms)
{
	for (unsigned n = 0; n < TURN_EVENTS_MAX && time_left(host, start_ms); n++) {
		struct event *event = intake_pop(host->intake);
		if (!event)
			break;
		host->stats.received++;
		if (host->events.on_received)
			host->events.on_received(host->data, event);
		positions_mark(host, event);
		route_event(host, event);
		event_unref(event);
	}
}

/* Deliveries that a restart found wait until the server has said who we are; those of a plugin that is off, until
 * it is back. */
static struct work *
first_work(struct instance *instance)
{
	unsigned concurrency = instance->about.concurrency;
	return instance->may_run && instance->plugin
		       ? inbox_first(&instance->inbox, concurrency ? concurrency : 1)
		       : NULL;
}

/* One work of each instance in turn, so that a busy plugin does not hold up the others. True when some wait. */
static bool
run_inboxes(struct host *host, int64_t start_ms)
{
	bool waiting = true;
	while (waiting && time_left(host, start_ms)) {
		waiting = false;
		for (unsigned i = 0; i < host->instance_count; i++) {
			struct instance *instance = host->instances[i];
			struct work *work = first_work(instance);
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

/* Rows past their retention go once an hour, some with each commit until none is left. */
static void
prune(struct host *host, int64_t now_mono_ms, int64_t now_ms)
{
	const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;
	if (host->config.offline || now_mono_ms < host->prune_at_ms)
		return;
	int seen = seen_prune(host->store, now_ms - SEEN_DAYS_MAX * day_ms, PRUNE_ROWS_MAX);
	int entries =
		journal_prune(host->store, now_ms - JOURNAL_DAYS_MAX * day_ms, PRUNE_ROWS_MAX);
	int intents = intent_prune(host->store, now_ms - INTENT_DAYS_MAX * day_ms, PRUNE_ROWS_MAX);
	if (seen < PRUNE_ROWS_MAX && entries < PRUNE_ROWS_MAX && intents < PRUNE_ROWS_MAX)
		host->prune_at_ms = now_mono_ms + PRUNE_EVERY_MS;
}

static void
commit(struct host *host, int64_t now_mono_ms)
{
	bool quiet_due = host->marks && now_mono_ms - host->committed_at_ms >= QUIET_COMMIT_MS;
	if (!store_in_transaction(host->store) && !quiet_due)
		return;
	if (!host_begin(host))
		return;
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	for (unsigned i = 0; i < host->instance_count; i++)
		inbox_save(&host->instances[i]->inbox, host->store, now_ms);
	positions_write(host);
	prune(host, now_mono_ms, now_ms);
	if (!archives_write(host->archives) || store_failed(host->store) ||
		!store_commit(host->store)) {
		host_stop(host,
			"what this turn did cannot be written down; the line above says why. Nothing of the turn "
			"was sent; start again when there is room and the right to write");
		return;
	}
	host->committed_at_ms = clock_mono_ms(&host->config.clock);
}

/* Runs on another thread and may outlive the host: what it needs is its own. */
struct checkpoint {
	struct host *host; /* NULL: gone */
	char *path;
};

static void
checkpoint_work(void *data)
{
	store_checkpoint(((struct checkpoint *)data)->path);
}

static void
checkpoint_done(void *data)
{
	struct checkpoint *checkpoint = data;
	if (checkpoint->host)
		checkpoint->host->checkpoint = NULL;
	free(checkpoint->path);
	free(checkpoint);
}

static void
start_checkpoint(struct host *host)
{
	if (!host->store_path || host->checkpoint || host->ending ||
		store_wal_pages(host->store) < CHECKPOINT_PAGES)
		return;
	if (host->config.offline) { /* no loop runs, and nobody waits for a socket */
		store_checkpoint(host->store_path);
		return;
	}
	host->checkpoint = xmalloc(sizeof(*host->checkpoint));
	*host->checkpoint = (struct checkpoint){.host = host, .path = xstrdup(host->store_path)};
	loop_work(host->config.loop, checkpoint_work, checkpoint_done, host->checkpoint);
}

void
turn_leave_checkpoint(struct host *host)
{
	if (host->checkpoint)
		host->checkpoint->host = NULL;
}

void
turn_pause_sockets(struct host *host)
{
	bool full = intake_full(host->intake);
	if (full == host->paused)
		return;
	host->paused = full;
	for (unsigned i = 0; i < host->account_count; i++) {
		if (host->links[i])
			link_pause(host->links[i], full);
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
	if (host->marks && (wait_ms < 0 || wait_ms > QUIET_COMMIT_MS))
		wait_ms = QUIET_COMMIT_MS;
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
	int64_t left_ms = host->committed_at_ms + GATHER_MS - now_ms;
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
	if (host->stopped)
		return;
	int64_t start_ms = clock_mono_ms(&host->config.clock);
	if (gathers(host, start_ms))
		return;
	if (!host->ending)
		reload_run(host);
	news_tell(host);
	take_events(host, start_ms);
	tasks_run(host);
	retired_run(host);
	bool waiting = run_inboxes(host, start_ms);
	schedules_run(host);
	if (outbox_has_outcomes(host->outbox) && host_begin(host))
		outbox_write_outcomes(host->outbox);
	if (!host->stopped)
		commit(host, start_ms);
	if (host->stopped)
		return;
	if (!host->config.offline && !host->ending)
		outbox_flush(host->outbox);
	for (unsigned i = 0; i < host->instance_count; i++) {
		inbox_load(&host->instances[i]->inbox, host->store, host->parser);
		waiting = waiting || first_work(host->instances[i]);
	}
	start_checkpoint(host);
	turn_pause_sockets(host);
	if (!host->config.offline) {
		loop_keep_awake(host->config.loop,
			waiting || tasks_answered(host) || intake_count(host->intake) > 0);
		set_tick(host);
	}
}
