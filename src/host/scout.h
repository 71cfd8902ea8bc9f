/* SPDX-License-Identifier: MIT */
/* Looks at events of a replay beside the host, on any thread: which of them no handler matches for sure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct host;
struct scout;

/* One for each thread; made on the host's, before its first event. The host's plugins stay as they are in a replay; the
 * scout changes nothing of them. Keeps host. */
struct scout *scout_create(struct host *host); /* new */
void scout_destroy(struct scout *scout);       /* NULL is fine */
/* False: no handler matches the event, whatever came before it, so host_pass will do for it. True: the host has to see. */
bool scout_event(struct scout *scout, const struct event *event);

/* What rules cost: of every SCOUT_SAMPLE_EVERY-th event the time of each rule that was tried. */
enum { SCOUT_SAMPLE_EVERY = 64 };
struct scout_tally {
	uint64_t heard;   /* events of the kinds that the handler hears */
	uint64_t sampled; /* of these, how many were measured */
	int64_t ns;       /* that its rule took in these; nothing where the one scan ruled it out */
};
/* Of the instance's handler, by their numbers in the host's and the plugin's list. */
struct scout_tally scout_tally(const struct scout *scout, unsigned instance, unsigned handler);
