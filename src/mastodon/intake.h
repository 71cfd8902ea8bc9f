/* SPDX-License-Identifier: MIT */
/* The queue between the sockets and the turn, and who hears what: one routing per event and instance. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "event.h"

struct intake;

struct intake *intake_create(void);
void intake_destroy(struct intake *intake);
/* The host of an account, for the keys of what belongs to a server and not to an account. Before its first event. */
void intake_set_host(struct intake *intake, struct str account, struct str host);
/* Instance number `instance` (below INTAKE_INSTANCES_MAX) hears (account, stream, param) from now on. Without a
 * stream (STR_NONE) the instance is only made known, for replays. */
void intake_subscribe(struct intake *intake, unsigned instance, struct str account,
	struct str stream, struct str param);
/* The instance hears the stream no more; what it had is still remembered. True when nobody hears it any more. */
bool intake_unsubscribe(struct intake *intake, unsigned instance, struct str account,
	struct str stream, struct str param);
void intake_forget(struct intake *intake, unsigned instance);

void intake_push(struct intake *intake, struct event *event); /* takes */
struct event *intake_pop(struct intake *intake);              /* new reference, NULL when empty */
/* Takes back an event that was popped, and routed perhaps: it is the first to be popped again, and nobody has had it. */
void intake_return(struct intake *intake, struct event *event); /* takes */
/* True past QUEUE_EVENTS_MAX or QUEUE_BYTES_MAX: stop reading; false again below half. */
bool intake_full(const struct intake *intake);
size_t intake_count(const struct intake *intake);

/* The instances that hear the stream, as intake_route writes them. */
size_t intake_hearing(const struct intake *intake, struct str account, struct str stream,
	struct str param, unsigned *instances, size_t max);
/* The instances that subscribed to the event's stream and whom intake_mark was not called for with the same event
 * (kind, scope, id, version) lately. Writes at most `max` numbers, returns how many. In a replay
 * (ORIGIN_REPLAY) all known instances hear every stream. */
size_t intake_route(
	struct intake *intake, const struct event *event, unsigned *instances, size_t max);
/* The instance had this event (matched or not). The newest RING_EVENTS_MAX are remembered per instance;
 * what matched is in the database besides. */
void intake_mark(struct intake *intake, unsigned instance, const struct event *event);
/* True for the first call with this instance and event, false for any other: what the seen rows of a database say, for a host
 * that keeps none. Remembers all events; true for those that are never deduplicated. */
bool intake_first(struct intake *intake, unsigned instance, const struct event *event);
/* Scope of the seen key: "account:NAME" or "server:HOST" (design section 5). `host` is the account's. */
void intake_scope(const struct event *event, struct str host, struct buf *out);
