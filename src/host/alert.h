/* SPDX-License-Identifier: MIT */
/* Alerts: what the operator has to know, sent to the targets of the config through the outbox, rarely and once. */
#pragma once

#include "host.h"
#include "limits.h"

/* Whose intents the alerts are: no instance can have this name. */
#define ALERT_SENDER "(alert)"

struct alert_message;
struct alert_call;

/* All text is borrowed. `topic`: what it is about; about the same one at most every ALERT_EVERY_MS. `key`: makes it once for
 * all time. Without targets nothing happens. May be called at any time. */
struct alert {
	const char *topic, *key, *title, *text;
	const struct account
		*account; /* of the instance that it is about, for "dm:"; NULL: the first */
};
void alert_raise(struct host *host, const struct alert *alert);

/* How often alerts leave. */
struct alert_pace {
	int64_t at_ms[ALERT_BURST]; /* when the last ones went out; a ring */
	unsigned count;             /* how many, since the start */
	int64_t due_ms;             /* when those that were gathered go out; 0: there are none */
	bool known;                 /* due_ms was read from the store */
};

/* Stages what was raised; what comes too often is gathered into one. In the turn, behind all that can raise one: an alert is
 * in the transaction of what it tells. */
void alert_run(struct host *host);
/* The transaction was committed, or (false) taken back: then what was staged in it is staged again. */
void alert_committed(struct host *host, bool good);
/* Some have not left yet; those that were gathered do not count. */
bool alert_waits(const struct host *host);
int64_t alert_next_due(const struct host *host); /* Unix ms; INT64_MAX: nothing is gathered */
void alert_forget(struct host *host);
/* The server takes the account's token no more. */
void alert_account(struct host *host, const struct account *account);
/* There is no room to write, or again. */
void alert_trouble(struct host *host, const char *what, int64_t since_ms);
/* An action of an instance has ended and nobody knows how. While that is written. */
void alert_unknown(struct host *host, const struct intent *intent);

/* alert_direct.c: past the outbox, when nothing can be written down. To web addresses only, once each, and at most once
 * every ALERT_EVERY_MS. */
void alert_direct(struct host *host, const struct alert_message *message);
void alert_direct_forget(struct host *host);
