/* SPDX-License-Identifier: MIT */
/* Asks an account's server which of some posts it still shows: a `delete` on a personal stream need not be one. */
#pragma once

#include "account.h"
#include "http.h"
#include "json.h"
#include "log.h"
#include "loop.h"
#include "rng.h"

struct status_check;

enum status_verdict {
	STATUS_GONE,    /* the server has it no more, or shows it to nobody like us */
	STATUS_THERE,   /* it only left the feed (protocol.md 3.2) */
	STATUS_UNKNOWN, /* the server will not say: our token is no good, or may not read posts */
};

struct status_check_config {
	struct loop *loop;
	struct http *http;
	struct json_parser *parser;
	struct log *log;
	struct rng *rng;
	const struct account *account; /* kept */
	bool strict; /* a 404 with a page in place of JSON is STATUS_UNKNOWN: it may be a proxy's */
	/* Once for each id that was added, from the loop. `id` is borrowed. */
	void (*on_verdict)(void *data, const char *id, enum status_verdict verdict);
	void *data;
};

/* Asks for up to STATUS_CHECK_BATCH posts in one request (Mastodon 4.3 and later), one by one where a server does not know
 * that. One request at a time; after an answer that says nothing (5xx, 429, no connection) it waits by the pace or as
 * long as the server asks, and tries again for as long as it lives. */
struct status_check *status_check_create(const struct status_check_config *config);
void status_check_destroy(struct status_check *check); /* NULL is fine; no callbacks after */
/* The server knows no lists of posts. */
bool status_check_one_by_one(const struct status_check *check);
/* Copies the id. One that waits already is asked for once. */
void status_check_add(struct status_check *check, struct str id);
