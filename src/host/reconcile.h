/* SPDX-License-Identifier: MIT */
/* Deletes that nobody told: posts that handlers have had are asked for once more, slowly, and what is gone is deleted. */
#pragma once

#include <stdbool.h>

#include "buf.h"

struct host;
struct reconcile;

/* Reads from the store how far the last run came. NULL offline, where nobody can be asked. */
struct reconcile *reconcile_create(struct host *host);
void reconcile_destroy(struct reconcile *reconcile); /* NULL is fine, here and below */
/* In the turn, before events are taken: routes what is found to be gone. */
void reconcile_run(struct reconcile *reconcile);
void reconcile_committed(struct reconcile *reconcile);
void reconcile_taken_back(struct reconcile *reconcile); /* nothing of the turn has happened */
/* After the commit: asks for the next posts when it is time. */
void reconcile_flush(struct reconcile *reconcile);
/* Appends the key "reconcile" with what the present sweep has come to, to a JSON object. */
void reconcile_status(const struct reconcile *reconcile, struct buf *out);
