/* SPDX-License-Identifier: MIT */
/* Looks at events of a replay beside the host, on any thread: which of them no handler matches for sure. */
#include "scout.h"

#include <stdlib.h>
#include <time.h>

#include "host_private.h"
#include "xmalloc.h"

/* One instance as it was at the start; the host goes on to change what it has of it. */
struct scouted {
	const struct instance *instance;
	const struct plugin_handler *handlers;
	unsigned count, number;
	struct scout_tally *tallies;
	uint64_t heard[EVENT_KIND_COUNT]; /* events */
	uint64_t sampled[EVENT_KIND_COUNT];
};

struct scout {
	struct views *views;
	struct pattern_scratch *scratch;
	struct matching *matching;
	struct scouted *list;
	unsigned count;
	unsigned hearing[INTAKE_INSTANCES_MAX];
	size_t hearing_count;
	uint64_t events;
	int64_t clock_ns; /* that looking at the clock takes */
};

/* Of this thread's CPU: others may have the machine in between. For a figure in a report only. */
static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t
measure_clock(void)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < 32; i++) {
		int64_t start_ns = now_ns(), took_ns = now_ns() - start_ns;
		least = took_ns < least ? took_ns : least;
	}
	return least;
}

struct scout *
scout_create(struct host *host)
{
	struct scout *scout = xcalloc(1, sizeof(*scout));

	scout->clock_ns = measure_clock();
	matching_turn(host->matching); /* the set of all words is ready from here on */
	scout->views = views_create();
	scout->scratch = pattern_scratch_create();
	scout->matching = matching_lend(host->matching, scout->views, scout->scratch);
	scout->list = xcalloc(host->instance_count + 1, sizeof(*scout->list));
	scout->count = host->instance_count;
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct scouted *one = &scout->list[i];
		one->instance = host->instances[i];
		one->number = INSTANCE_NO_NUMBER;
		if (!one->instance->plugin)
			continue;
		one->handlers = plugin_handlers(one->instance->plugin, &one->count);
		one->tallies = xcalloc(one->count + 1, sizeof(*one->tallies));
		one->number = one->instance->number;
		scout->hearing[scout->hearing_count++] = one->number;
	}
	return scout;
}

void
scout_destroy(struct scout *scout)
{
	if (!scout)
		return;
	for (unsigned i = 0; i < scout->count; i++)
		free(scout->list[i].tallies);
	free(scout->list);
	matching_destroy(scout->matching);
	pattern_scratch_destroy(scout->scratch);
	views_destroy(scout->views);
	free(scout);
}

/* What the host has to look at again: what matches, and what a pattern gave up on. */
static bool
may_match(struct scout *scout, const struct plugin_handler *handler)
{
	bool gave_up = false;

	if (!handler->rule)
		return true;
	struct rule_try rule_try = matching_try(scout->matching);
	rule_try.gave_up = &gave_up;
	return rule_test(handler->rule, &rule_try, NULL) == RULE_YES || gave_up;
}

static bool
look_at(struct scout *scout, struct scouted *one, const struct event *event, bool measured)
{
	size_t count;
	const unsigned *candidates = matching_candidates(scout->matching, one->instance, &count);
	bool found = false;

	/* The first one decides, but what is measured is measured for all. */
	for (size_t i = 0; i < count && (!found || measured); i++) {
		const struct plugin_handler *handler = &one->handlers[candidates[i]];
		if (!route_hears(handler, event))
			continue;
		int64_t start_ns = measured ? now_ns() : 0;
		found = may_match(scout, handler) || found;
		int64_t took_ns = measured ? now_ns() - start_ns - scout->clock_ns : 0;
		one->tallies[candidates[i]].ns += took_ns > 0 ? took_ns : 0;
	}
	one->heard[event->kind]++;
	one->sampled[event->kind] += measured;
	return found;
}

bool
scout_event(struct scout *scout, const struct event *event)
{
	bool measured = scout->events++ % SCOUT_SAMPLE_EVERY == 0;
	bool found = event->kind == EVENT_DELETE; /* the host remembers what is gone */

	views_set_event(scout->views, event);
	matching_begin(scout->matching, event->received_at_ms);
	matching_scan(scout->matching, scout->hearing, scout->hearing_count);
	for (unsigned i = 0; i < scout->count; i++) {
		struct scouted *one = &scout->list[i];
		if (one->number != INSTANCE_NO_NUMBER)
			found = look_at(scout, one, event, measured) || found;
	}
	views_set_event(scout->views, NULL);
	/* An event without a time is of the time at which the host gets to it. */
	return found || event->received_at_ms == 0;
}

struct scout_tally
scout_tally(const struct scout *scout, unsigned instance, unsigned handler)
{
	const struct scouted *one = &scout->list[instance];
	struct scout_tally tally = {0};

	if (handler >= one->count || one->handlers[handler].host_event)
		return tally;
	tally.ns = one->tallies[handler].ns;
	for (size_t kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		if (!one->handlers[handler].kinds[kind])
			continue;
		tally.heard += one->heard[kind];
		tally.sampled += one->sampled[kind];
	}
	return tally;
}
