/* SPDX-License-Identifier: MIT */
/* What the files of the outbox share: its lanes and their items. Not for others. */
#pragma once

#include "json.h"
#include "outbox.h"
#include "pace.h"

/* One open row. Only the first item of a lane is ever at work. */
struct item {
	struct intent intent;
	struct lane *lane;
	enum action_kind kind;
	unsigned request; /* id of the HTTP request that runs; 0: none */
	bool maybe_sent;  /* it may have happened already */
	bool looked_up;   /* since then the server said that it has not */
	bool key_failed;  /* the server answered 500 to a key that it may know (protocol.md 6.3) */
	bool last;        /* attempts ran out: one look, and no further sending */
	bool settled;     /* the intent holds news that is to be written */
	bool written;     /* ... and was, in the transaction under way */
	bool quiet;       /* ... that is nobody's business */
	bool begun;       /* is_blind: that it is sent now is committed */
	unsigned throttled; /* 429 in a row */
	unsigned waits;     /* for discovery */
	unsigned pages;     /* of our own posts that were searched */
	char *max_id;       /* where the next page starts; NULL: at the newest */
	struct item *prev, *next;
};

struct lane {
	struct outbox *outbox;
	char *name;
	struct item *items; /* list by row, item::next */
	size_t count;
	int64_t loaded_row;         /* the last row that was loaded */
	bool more;                  /* there may be rows behind it */
	int64_t not_before_ms;      /* monotonic */
	int64_t throttled_until_ms; /* for all lanes of this account, or to this host */
	struct pace pace;
	struct lane *prev, *next;
};

struct outbox {
	struct outbox_config config;
	struct json_parser *parser;
	struct loop_timer *timer;
	struct lane *lanes; /* list, lane::next; the one that was served longest ago comes first */
	size_t loaded;      /* items in memory */
	size_t running;     /* requests */
	size_t settled;     /* items with news */
	int64_t throttled_until_ms; /* the latest of the lanes */
	int64_t first_row;          /* of this process; smaller ones were there at the start */
	bool started;
};

/* outbox.c: news about an item. It stays the first of its lane until the news is committed. */

/* It ended. Takes `words`. */
void item_end(struct item *item, enum intent_state state, int status, char *words);
/* Keeps the address of what it made, before item_end. */
void item_made(struct item *item, struct json_value entity);
/* It is tried again after `wait_ms`. Takes `words`. */
void item_again(struct item *item, int64_t wait_ms, int status, char *words);
/* It is sent as soon as that is committed. */
void item_mark_begun(struct item *item);
/* Nothing was tried: look again after `wait_ms`. */
void item_wait(struct item *item, int64_t wait_ms);
/* For logs: the summary, else "boost of 115". New. */
char *item_name(const struct item *item);
int64_t item_age_ms(const struct item *item);
const char *lane_host(const struct lane *lane);
void outbox_wake(struct outbox *outbox); /* the lanes are looked at again, soon */

/* outbox_send.c */
bool item_is_post(const struct item *item); /* what an Idempotency-Key is for */
void item_begin(struct item *item);         /* looks up or sends */
/* 429. Takes `words`. */
void item_throttled(struct item *item, const struct http_answer *answer, char *words);
/* An attempt failed that may succeed later. Takes `words`. */
void item_failed(struct item *item, const struct http_answer *answer, char *words);

/* outbox_lookup.c */
bool item_needs_lookup(const struct item *item, const struct account *account);
bool item_can_look_up(const struct item *item, const struct account *account);
void item_look_up(struct item *item, const struct account *account);
/* True when the visible text of a post can have been made from `source` by the server: mentions may have lost
 * their domain, links may be shortened, white space may differ. */
bool lookup_same_text(struct str source, struct str visible);
