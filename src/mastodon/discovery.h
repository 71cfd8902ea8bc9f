/* SPDX-License-Identifier: MIT */
/* Before connecting: where the streaming server is (protocol.md 4.4) and who we are. */
#pragma once

#include "account.h"
#include "http.h"
#include "log.h"

enum discovery_result {
	DISCOVERY_DONE, /* account->streaming is set, or NULL: the server names none; what else is missing was warned of */
	DISCOVERY_REFUSED, /* verify_credentials said 401: the token is no good. Do not retry. */
	DISCOVERY_FAILED,  /* nothing answered: retry later */
};

struct discovery;

/* GET /api/v2/instance, else /api/v1/instance; without either, the API host itself; then verify_credentials when there
 * is a token (only a 401 there is fatal, anything else a warning: bare streaming servers exist).
 * Fills the account. `done` runs once, later; `message` is for people. The object is gone after.
 * NULL when HTTP_RUNNING_MAX requests are running: try again later. */
typedef void discovery_fn(void *data, enum discovery_result result, const char *message);
struct discovery *discovery_start(struct http *http, struct account *account, struct log *log,
	discovery_fn *done, void *data);
void discovery_cancel(struct discovery *discovery); /* `done` will not run; NULL is fine */
