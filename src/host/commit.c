/* SPDX-License-Identifier: MIT */
/* The end of a turn: one transaction with all that it did, old rows that go with it, and checkpoints off the loop. */
#include <stdlib.h>

#include "fills.h"
#include "host_private.h"
#include "journal.h"
#include "limits.h"
#include "reconcile.h"
#include "seen.h"
#include "state.h"
#include "xmalloc.h"

#define LOG_MODULE "turn"

enum {
	CHECKPOINT_PAGES = 4096,
	DAY_MS = 24 * 60 * 60 * 1000,
	PRUNE_EVERY_MS = 60 * 60 * 1000,
	/* A replay that is killed starts anew from its file: it needs no commit for each event. */
	REPLAY_HELD_TURNS = 256,
	REPLAY_HELD_MS =
		250, /* of the machine's time: events that trickle in are committed as they come */
};

/* Rows past their retention go once an hour, some with each commit until none is left. */
static void
prune(struct host *host, int64_t now_mono_ms, int64_t now_ms)
{
	struct config_keep keep = host->config.config->keep;
	struct store *store = host->store;
	if (host->config.offline || now_mono_ms < host->prune_at_ms)
		return;
	if (keep.seen_ms == 0) /* a config that was put together from flags */
		keep = config_keep_default();
	for (unsigned i = 0; i < host->instance_count; i++)
		windows_expire(host->instances[i]->windows, store, now_ms);
	const int gone[] = {
		seen_prune(store, now_ms - keep.seen_ms, PRUNE_ROWS_MAX),
		journal_prune(store, now_ms - keep.journal_ms, PRUNE_ROWS_MAX),
		intent_prune(store, now_ms - keep.actions_ms, PRUNE_ROWS_MAX),
		tombstone_prune(store, now_ms - keep.tombstones_ms, PRUNE_ROWS_MAX),
		unproven_prune(store, now_ms - keep.seen_ms, PRUNE_ROWS_MAX),
		gap_prune(store, now_ms - keep.tombstones_ms, PRUNE_ROWS_MAX),
		windows_prune(
			store, now_ms - DAY_MS, PRUNE_ROWS_MAX), /* of plugins that are gone */
		store_shrink(store, SHRINK_PAGES_MAX) ? PRUNE_ROWS_MAX : 0,
	};
	bool all = true;
	for (size_t i = 0; i < COUNT_OF(gone); i++)
		all = all && gone[i] < PRUNE_ROWS_MAX;
	if (all)
		host->prune_at_ms = now_mono_ms + PRUNE_EVERY_MS;
}

#define REPLAY_TIME "replay_time" /* Unix ms: how far the clock of a replay has come */

static void
put_replay_time(struct host *host, int64_t now_ms)
{
	char *text = xasprintf("%lld", (long long)now_ms);
	fact_put(host->store, REPLAY_TIME, str_from(text));
	free(text);
}

int64_t
host_replay_time(const struct host *host)
{
	int64_t time_ms = 0;
	char *text = fact_get(host->store, REPLAY_TIME);
	if (!text || !str_to_int(str_from(text), 0, INT64_MAX, &time_ms))
		time_ms = 0;
	free(text);
	return time_ms;
}

/* True while a replay may go on without a commit. */
static bool
holds(struct host *host)
{
	if (!host->config.offline)
		return false;
	struct clock machine = clock_system();
	int64_t now_ms = clock_mono_ms(&machine);
	if (host->held_turns++ == 0)
		host->held_since_ms = now_ms;
	return host->held_turns < REPLAY_HELD_TURNS &&
	       now_ms - host->held_since_ms < REPLAY_HELD_MS;
}

void
commit_turn(struct host *host, int64_t now_mono_ms)
{
	if (!holds(host))
		commit_now(host, now_mono_ms);
}

void
commit_now(struct host *host, int64_t now_mono_ms)
{
	host->held_turns = 0;
	bool quiet_due =
		host->positions_changed && now_mono_ms - host->committed_at_ms >= COMMIT_QUIET_MS;
	if (!host->turn_failed && !store_in_transaction(host->store) && !quiet_due) {
		trouble_turn_done(host);
		return;
	}
	if (!host_begin(host)) {
		if (host->turn_failed)
			trouble_turn_failed(host);
		return;
	}
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	for (unsigned i = 0; i < host->instance_count; i++)
		inbox_save(&host->instances[i]->inbox, host->store, now_ms);
	positions_write(host);
	deletes_write(host->deletes);
	quarantine_write(host);
	if (host->config.offline)
		put_replay_time(host, now_ms);
	prune(host, now_mono_ms, now_ms);
	if (!archives_write(host->archives) || store_failed(host->store) ||
		!store_commit(host->store)) {
		trouble_turn_failed(host);
		return;
	}
	archives_committed(host->archives);
	deletes_committed(host->deletes);
	reconcile_committed(host->reconcile);
	alert_committed(host, true);
	tasks_committed(host);
	trouble_turn_done(host);
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

void
commit_checkpoint(struct host *host)
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
commit_leave_checkpoint(struct host *host)
{
	if (host->checkpoint)
		host->checkpoint->host = NULL;
}
