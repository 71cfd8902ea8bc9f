/* SPDX-License-Identifier: MIT */
/* What the host does so that streams lose nothing: fills after each connect, second passes, sweeps, polls, gaps. */
#pragma once

#include "event.h"
#include "fills.h"
#include "streaming.h"

struct gapfill;
struct host;

/* Reads what was left open from the store. */
struct gapfill *gapfill_create(struct host *host);
void gapfill_destroy(struct gapfill *gapfill); /* NULL is fine */
/* News of a stream. May be called at any time. */
void gapfill_state(
	struct gapfill *gapfill, const struct account *account, const struct stream_status *status);
/* In the turn, before its events are taken: a connect opens its fills before anything that came over it is committed. */
void gapfill_open(struct gapfill *gapfill);
/* The event was taken from the intake. */
void gapfill_took(struct gapfill *gapfill, const struct event *event);
/* In the turn, before its commit: how far fills have come, which have ended, what they could not get. */
void gapfill_settle(struct gapfill *gapfill);
/* After the commit: asks for the next pages. */
void gapfill_flush(struct gapfill *gapfill);
/* The turn was taken back: what runs begins again where the store says. */
void gapfill_take_back(struct gapfill *gapfill);
/* Appends the keys "fetching" (how many sources are being filled) and "note" (for people, or null) to a JSON object. NULL is
 * fine. */
void gapfill_status(const struct gapfill *gapfill, const struct account *account, struct str stream,
	struct str param, struct buf *out);

/* gaps.c. Writes the gap down: store, archives of those who hear the stream, log; unless it is quiet, handlers of "gap" and an
 * alert besides. Inside the transaction. */
void gap_record(struct host *host, const struct account *account, struct gap *gap);
/* {"what":…,"from_id":…,"to_id":…,"from":…,"to":…,"reason":…,"quiet":…} */
void gap_put_payload(const struct gap *gap, struct buf *out);
/* The line of `moontusk gaps --json` and of archives, without a line end. */
void gap_put_line(const struct gap *gap, struct buf *out);
