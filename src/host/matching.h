/* SPDX-License-Identifier: MIT */
/* Which handlers an event can concern at all: the host's one set of literals, compiled off the loop, and its index. */
#pragma once

#include <stddef.h>

#include "rule.h"

struct host;
struct instance;
struct views;
struct event;
struct matching;

struct matching *matching_create(struct host *host); /* new; keeps the host */
/* A set that is being compiled ends without the host. NULL is fine. */
void matching_destroy(struct matching *matching);
/* Another one for events of `views` on another thread, with the set and the plugins that `from` has now. They must
 * stay as they are as long as it is used, so this is for replays. New. */
struct matching *matching_lend(
	const struct matching *from, struct views *views, struct pattern_scratch *scratch);
/* Before the events of a turn: begins to compile a new set when plugins came or went or words changed. In a replay it is
 * ready on return. */
void matching_turn(struct matching *matching);
/* The host's views are of this event from now on. */
void matching_begin(struct matching *matching, int64_t now_ms);
/* In place of matching_begin for an event that concerns no handler. */
void matching_pass(struct matching *matching);
/* Scans for all instances that hear the event, each text once. `hearing` has their numbers. */
void matching_scan(struct matching *matching, const unsigned *hearing, size_t count);
/* Numbers, ascending, of the handlers of an instance in `hearing` that may match; all others do not. Borrowed until the
 * next matching_begin. */
const unsigned *matching_candidates(
	struct matching *matching, const struct instance *instance, size_t *count);
/* For rule_test; on_limit is the caller's. */
struct rule_try matching_try(struct matching *matching);
