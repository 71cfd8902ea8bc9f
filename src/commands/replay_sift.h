/* SPDX-License-Identifier: MIT */
/* From a recorded line to an event for the host, or to the certainty that none is needed: pure, for any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "scout.h"
#include "str.h"

/* Events before since_ms and from until_ms on are left out. INT64_MIN and INT64_MAX: none. */
struct sift_window {
	int64_t since_ms, until_ms;
};
bool sift_window_has(const struct sift_window *window, int64_t at_ms);

enum sifted_kind {
	SIFTED_BLANK,
	SIFTED_EVENT,   /* the host has to see it */
	SIFTED_PASS,    /* an event that no handler matches */
	SIFTED_OUTSIDE, /* of the window */
	SIFTED_IGNORED, /* no event, but nothing wrong either */
	SIFTED_BROKEN,
};

struct sifted {
	enum sifted_kind kind;
	struct str line;     /* borrowed */
	struct event *event; /* SIFTED_EVENT: new */
	int64_t at_ms; /* of an event; 0: it does not say, and the window is the caller's to ask */
	char *problem; /* SIFTED_BROKEN: new */
};

struct sifter; /* one for each thread */

struct sifter *sifter_create(struct host *host, const struct sift_window *window); /* new */
void sifter_destroy(struct sifter *sifter);
/* `keep`: the event owns all that it has; else it is good until the next line. */
void sifter_line(struct sifter *sifter, struct str line, bool keep, struct sifted *out);
/* The event of a line that was passed over, for the host after all. NULL: none. New, good until the next line. */
struct event *sifter_again(struct sifter *sifter, struct str line);
const struct scout *sifter_scout(const struct sifter *sifter);
