/* SPDX-License-Identifier: MIT */
/* Requests that tasks wait for: to the account's own server, and to servers that the operator granted. */
#pragma once

#include <stdint.h>

#include "plugin.h"

struct account;
struct host;
struct requests;

struct requests *requests_create(struct host *host);
void requests_destroy(struct requests *requests); /* cuts all; NULL is fine */

/* Who asks. */
struct request_source {
	uint64_t task; /* that tasks_answer gets the answer for */
	const char *instance;
	struct plugin *plugin;         /* whose grants count; must outlive the task */
	const struct account *account; /* NULL: none */
	bool dry_run;                  /* only what reads is sent */
	const char *
		key; /* the same when the handler is run again: sent as Idempotency-Key with what writes */
};
/* Takes the texts of `request`. NULL: the answer comes through tasks_answer. Else it is known at once (new, JSON as in
 * outcome.c). An answer is { "ok": { "status", "headers", "next" } }, a line end, and the body as it came. */
char *requests_add(struct requests *requests, const struct request_source *source,
	struct plugin_request *wanted);
/* The task waits no more: its request is cut. */
void requests_drop(struct requests *requests, uint64_t task);
/* Tells the plugins what their requests hold: what they send, and what has come of their answers. */
void requests_charge(const struct requests *requests);
/* After a commit: starts what may start. At most REQUEST_INSTANCE_MAX of an instance and REQUEST_HOST_MAX to a host run,
 * in the order in which they came. Reads of the account's server wait while fewer calls are left than actions may need
 * (X-RateLimit-Remaining), and until the limit starts anew after a 429; what the server could not answer is
 * tried again a few times. Others are sent once. */
void requests_flush(struct requests *requests);
