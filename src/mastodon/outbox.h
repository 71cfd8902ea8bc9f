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
	/* By the name in the config; NULL when it is gone. */
	const struct account *(*account)(void *data, const char *name);
	/* How far a forward of the instance may go; asked when it is sent. NULL: anywhere. */
	enum http_reach (*reach)(void *data, const char *instance, const struct url *to);
	/* An intent was staged dry, ended, or will be tried again (state INTENT_OPEN). Borrowed. */
	void (*on_outcome)(void *data, const struct intent *intent);
	/* What will be told so is written, in the transaction; again when that is rolled back. Borrowed. NULL: not wanted. */
	void (*on_written)(void *data, const struct intent *intent);
	void *data;
};

enum outbox_verdict {
	OUTBOX_STAGED,
	OUTBOX_DUPLICATE, /* the key exists: the recorded outcome stands */
	OUTBOX_OWN_POST,  /* never act on own posts, nor on ourselves */
	OUTBOX_NOBODY,    /* it is not known who we are, so it could be one of these */
	OUTBOX_OVER,      /* at_most is reached */
	OUTBOX_BAD,       /* too big, or no account to act with */
};
const char *outbox_verdict_text(enum outbox_verdict verdict); /* for the journal and the log */

struct outbox *outbox_create(const struct outbox_config *config);
void outbox_destroy(struct outbox *outbox); /* running requests are cut; their rows stay open */
/* Inside the turn's transaction: writes the row. A dry run's row has the key "dry|…", so that it never stands in
 * the way of the real action. */
enum outbox_verdict outbox_stage(
	struct outbox *outbox, const struct action *action, const struct action_source *source);
/* The key under which outbox_stage writes, or has written, the action's row. NULL: it can have none. New. */
char *outbox_key(const struct outbox *outbox, const struct action *action,
	const struct action_source *source);
/* Inside the turn's transaction: writes the outcomes that came since the last call. True when there were any. */
bool outbox_write_outcomes(struct outbox *outbox);
bool outbox_has_outcomes(const struct outbox *outbox);
/* The transaction was rolled back: outcomes are to be written again, and what was staged is not there. */
void outbox_roll_back(struct outbox *outbox);
/* After a commit that succeeded (or a turn without one), and once at start; never inside a transaction. Tells about
 * outcomes that were written, and sends what is open: one request at a time per lane (instance, server), in order,
 * OUTBOX_RUNNING_MAX in all; the next one of a lane leaves when the outcome of the last is committed.
 * What may have been sent before (every row that is open at a start; after a 5xx or a cut connection) is not sent
 * blindly again: boosts, favourites, bookmarks, follows, mutes and blocks are read back first; posts go with the same Idempotency-Key, and
 * our own posts are searched first when the key is older than 1 h, was answered 500 before, or the server forgets
 * keys. Forwards are sent again under the same Idempotency-Key. 429 waits for X-RateLimit-Reset; 5xx, cut and missing
 * connections back off; other 3xx and 4xx fail. After OUTBOX_ATTEMPTS_MAX answers or OUTBOX_GIVE_UP_MS: FAILED, or
 * UNKNOWN when it may have happened and cannot be looked up. That an action which is_blind is about to be sent is
 * committed first: what is found begun at a start, or ends without an answer, is UNKNOWN at once. */
void outbox_flush(struct outbox *outbox);
size_t outbox_pending(const struct outbox *outbox); /* open rows known, running ones included */
