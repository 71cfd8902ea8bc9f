/* SPDX-License-Identifier: MIT */
/* The transactional outbox: intents go in with the turn's commit, leave after it, and are never sent blindly twice. */
#pragma once

#include "action.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "rng.h"
#include "store.h"

struct outbox;

struct outbox_config {
	struct loop *loop;
	struct http *http; /* NULL with dry_run */
	struct store *store;
	struct secrets *secrets;
	struct log *log;
	struct rng *rng;
	struct clock clock;
	bool dry_run; /* rows become INTENT_DRY at once and nothing is sent */
	const char *user_agent;
	/* By the name in the config; NULL when it is gone. */
	const struct account *(*account)(void *data, const char *name);
	/* An intent was staged dry, ended, or will be tried again (state INTENT_OPEN). Borrowed. */
	void (*on_outcome)(void *data, const struct intent *intent);
	void *data;
};

enum outbox_verdict {
	OUTBOX_STAGED,
	OUTBOX_DUPLICATE, /* the key exists: the recorded outcome stands */
	OUTBOX_OWN_POST,  /* never act on own posts */
	OUTBOX_OVER,      /* at_most is reached */
	OUTBOX_BAD,       /* too big, or no account to act with */
};
const char *outbox_verdict_text(enum outbox_verdict verdict); /* for the journal and the log */

struct outbox *outbox_create(const struct outbox_config *config);
void outbox_destroy(struct outbox *outbox); /* running requests are cut; their rows stay open */
/* Inside the turn's transaction: writes the row. */
enum outbox_verdict outbox_stage(
	struct outbox *outbox, const struct action *action, const struct action_source *source);
/* Inside the turn's transaction: writes the outcomes that came since the last call. True when there were any. */
bool outbox_write_outcomes(struct outbox *outbox);
bool outbox_has_outcomes(const struct outbox *outbox);
/* After a commit, and once at start: sends what is open. The first time after a start every open row may have been
 * sent before: posts go with the same Idempotency-Key when younger than 1 h (else, or after a 500, the account's own
 * statuses are searched), boosts, favourites and bookmarks after reading back. One request at a time per (instance, server), in
 * order; OUTBOX_RUNNING_MAX in all. 429 waits for X-RateLimit-Reset, 5xx and cut connections back off, other 4xx fail. */
void outbox_flush(struct outbox *outbox);
size_t outbox_pending(const struct outbox *outbox); /* open rows known, running ones included */
