/* SPDX-License-Identifier: MIT */
/* Alerts: what the operator has to know, sent to the targets of the config through the outbox, rarely and once. */
#pragma once

#include "host.h"

/* Whose intents the alerts are: no instance can have this name. */
#define ALERT_SENDER "(alert)"

/* All text is borrowed. `topic`: what it is about; about the same one at most every ALERT_EVERY_MS. `key`: makes it once for
 * all time. Without targets nothing happens. May be called at any time. */
struct alert {
	const char *topic, *key, *title, *text;
	const struct account
		*account; /* of the instance that it is about, for "dm:"; NULL: the first */
};
void alert_raise(struct host *host, const struct alert *alert);
/* Stages what was raised; what comes too often is gathered into one. In the turn; begins its transaction when needed. */
void alert_run(struct host *host);
int64_t alert_next_due(const struct host *host); /* Unix ms; INT64_MAX: nothing is gathered */
void alert_forget(struct host *host);
/* The server takes the account's token no more. */
void alert_account(struct host *host, const struct account *account);
/* An action of an instance has ended and nobody knows how. */
void alert_unknown(struct host *host, const struct intent *intent);
