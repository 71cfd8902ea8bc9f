/* SPDX-License-Identifier: MIT */
/* Deletes: which of them count as a deletion, and posts that come behind their own deletion. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "event.h"

struct host;
struct deletes;

struct deletes *deletes_create(struct host *host);
void deletes_destroy(struct deletes *deletes); /* NULL is fine */
/* Goes on with what waited for its proof when the last run ended. */
void deletes_start(struct deletes *deletes);

/* Says whether the event may be routed now. A `delete` on a personal stream (user, list) that a handler wants is kept until
 * the server has said that the post is gone (protocol.md 3.2); one elsewhere counts at once. A post whose deletion came
 * first is not routed at all (protocol.md 4.1). In a replay there is nobody to ask, and every delete counts. */
bool deletes_take(struct deletes *deletes, struct event *event);
/* In the turn and its transaction: a delete that nobody told, but the server has the post no more. */
void deletes_missed(struct deletes *deletes, struct event *event);
/* In the turn, before events are taken: routes what is proven. */
void deletes_run(struct deletes *deletes);

/* Inside the transaction, at its end: what is to outlive the process. */
void deletes_write(struct deletes *deletes);
void deletes_committed(struct deletes *deletes);
void deletes_taken_back(struct deletes *deletes); /* nothing of the turn has happened */
size_t deletes_waiting(const struct deletes *deletes);
