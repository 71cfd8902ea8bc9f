/* SPDX-License-Identifier: MIT */
/* What each rule found in a replay: how often, on which domains, at what cost, and some samples. */
#pragma once

#include "host.h"
#include "replay_sift.h"

struct table;

/* A line of it for each handler of each plugin. Keeps host. */
struct table *table_create(const struct host *host); /* new */
void table_destroy(struct table *table);             /* NULL is fine */
/* As host_events.on_hit. */
void table_hit(struct table *table, const char *instance, unsigned handler, struct event *event);
/* What its rule cost, once that is known. */
typedef struct scout_tally table_tally_fn(const void *data, unsigned instance, unsigned handler);
void table_measure(struct table *table, table_tally_fn *tally, const void *data);

/* "PLUGIN:LINE", or "PLUGIN:NAME" of a handler with a name; NULL behind the last one. Borrowed. */
const char *table_rule(const struct table *table, unsigned number);
uint64_t table_matches(const struct table *table, unsigned number);
uint64_t table_total(const struct table *table);

void table_print(const struct table *table, FILE *out);
void table_json(
	const struct table *table, struct buf *out); /* a list with an object for each rule */
