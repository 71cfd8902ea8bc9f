/* SPDX-License-Identifier: MIT */
/* A turn that cannot be written down: it is taken back, and while there is no room nothing comes in and nothing leaves. */
#include <stdlib.h>

#include "alert_target.h"
#include "gapfill.h"
#include "host_private.h"
#include "limits.h"
#include "reconcile.h"
#include "xmalloc.h"

#define LOG_MODULE "host"

enum { LOOK_AGAIN_MS = 30 * 1000, CLOSING_LOOK_MS = 100 };

void
trouble_note_event(struct host *host, struct event *event)
{
	if (host->config.offline)
		return; /* it is in a file, and the end of the program takes the turn back */
	if (host->taken_count == host->taken_size) {
		host->taken_size = host->taken_size ? host->taken_size * 2 : 64;
		host->taken = xreallocarray(host->taken, host->taken_size, sizeof(struct event *));
	}
	host->taken[host->taken_count++] = event_ref(event);
}

void
trouble_turn_done(struct host *host)
{
	while (host->taken_count)
		event_unref(host->taken[--host->taken_count]);
}

/* What a plugin has in memory becomes what the database says, as after a restart. Its own variables stay. */
static void
take_back_instance(struct host *host, struct instance *instance)
{
	inbox_finish(&instance->inbox);
	inbox_init(&instance->inbox, instance->name);
	inbox_recount(&instance->inbox, host->store);
	windows_load(instance->windows, host->store);
	instance_restore(host, instance);
	instance->guard.missed_put = UINT64_MAX; /* the mark is written again, if there is one */
}

/* Nothing of the turn has happened: its events are the first ones to come again. */
static void
take_back(struct host *host)
{
	if (store_in_transaction(host->store))
		store_rollback(host->store);
	archives_roll_back(host->archives);
	outbox_roll_back(host->outbox);
	outbox_roll_back(host->dry_outbox);
	alert_committed(host, false);
	tasks_give_up(host);
	deletes_taken_back(host->deletes);
	reconcile_taken_back(host->reconcile);
	positions_forget(host);
	gapfill_take_back(host->gapfill);
	for (unsigned i = 0; i < host->instance_count; i++)
		take_back_instance(host, host->instances[i]);
	while (host->taken_count)
		intake_return(host->intake, host->taken[--host->taken_count]);
}

static void
rest(struct host *host)
{
	int64_t left_ms = host->look_again_ms - clock_mono_ms(&host->config.clock);
	turn_pause_sockets(host);
	loop_keep_awake(host->config.loop, false);
	if (host->closing)
		left_ms = CLOSING_LOOK_MS;
	loop_timer_start(host->tick, left_ms < 1 ? 1 : left_ms, 0);
}

/* Without the database, which is what does not work. */
static void
tell(struct host *host, const char *title, const char *what)
{
	char *text = xasprintf("%s\nState folder: %s", what,
		host->config.state_folder ? host->config.state_folder : "none");
	alert_direct(host, &(struct alert_message){"trouble", title, text});
	free(text);
}

/* Somebody is told first, without a turn more. */
static void
stop(struct host *host, const char *why)
{
	if (host->config.offline || host->ending) {
		host_stop(host, why);
		return;
	}
	if (store_in_transaction(host->store))
		store_rollback(host->store);
	tell(host, "moontusk stops: its database cannot be written", why);
	host_close(host, why);
	if (host->stopped)
		return;
	host->trouble = xstrdup(why);
	rest(host);
}

void
trouble_turn_failed(struct host *host)
{
	bool passes = store_trouble(host->store) == STORE_FULL || archives_full(host->archives);
	host->turn_failed = false;
	if (!passes || host->config.offline || host->ending) {
		stop(host,
			passes ? "there is no room to write down what this turn did. Nothing of it was sent; start again when "
				 "there is"
			       : "what this turn did cannot be written down; the line above says why and what to do. Nothing of "
				 "it was sent");
		return;
	}
	free(host->trouble);
	host->trouble_since_ms = clock_wall_ms(&host->config.clock);
	host->trouble = xasprintf(
		"there is no room to write in %s: nothing is taken in and nothing is sent until there is",
		host->config.state_folder ? host->config.state_folder : "memory");
	host->look_again_ms = clock_mono_ms(&host->config.clock) + LOOK_AGAIN_MS;
	log_error(host->config.log,
		"%s. What came in is kept. Make room; it goes on by itself (looked at every %d s).",
		host->trouble, LOOK_AGAIN_MS / 1000);
	take_back(host);
	rest(host);
	tell(host, "moontusk: there is no room to write",
		"Nothing is taken in and nothing is sent until there is. What came in is kept.");
}

/* A plugin that took the place of another one in the turn that was taken back gave what waits other keys: so it does again. */
static void
adopt_again(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		if (host->instances[i]->plugin && host_begin(host))
			waiting_adopt(host, host->instances[i]);
	}
}

bool
trouble_rests(struct host *host)
{
	if (!host->trouble)
		return false;
	if (host->ending)
		return true;
	if (host->closing) {
		if (!host->alert_calls || clock_mono_ms(&host->config.clock) >= host->close_by_ms)
			host_stop(host, host->closing);
		else
			rest(host);
		return true;
	}
	if (clock_mono_ms(&host->config.clock) >= host->look_again_ms) {
		if (store_has_room(host->store)) {
			log_info(host->config.log, "there is room again: going on.");
			alert_trouble(
				host, "moontusk: there is room again", host->trouble_since_ms);
			free(host->trouble);
			host->trouble = NULL;
			schedules_start(host);
			adopt_again(host);
			turn_pause_sockets(host);
			return false;
		}
		host->look_again_ms = clock_mono_ms(&host->config.clock) + LOOK_AGAIN_MS;
	}
	rest(host);
	return true;
}
