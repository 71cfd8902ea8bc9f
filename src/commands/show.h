/* SPDX-License-Identifier: MIT */
/* Events and actions as people read them in a terminal. Text from outside loses its control characters. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "event.h"
#include "intents.h"
#include "view.h"

struct show {
	FILE *out;
	bool color;
	unsigned width;      /* columns that one event's text may take; 0: all of it */
	struct views *views; /* scratch */
};

enum show_style {
	SHOW_PLAIN,
	SHOW_DIM,
	SHOW_BOLD,
	SHOW_GREEN,
	SHOW_YELLOW,
	SHOW_BLUE,
	SHOW_MAGENTA,
	SHOW_RED
};

/* Adds `text` on one line: control characters and line ends become spaces; cut at `width` code points with "…". */
void show_clean(struct buf *out, struct str text, unsigned width);
/* "20:14:03 update public @mia@cats.example: text…" and a line end. */
void show_event(const struct show *show, const struct event *event);
/* A label in a style, padded to 8 columns: "boost   ". */
void show_label(const struct show *show, enum show_style style, const char *label);
/* "@acct" of who caused the event, or "". */
void show_actor(const struct event *event, struct buf *out);
