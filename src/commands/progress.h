/* SPDX-License-Identifier: MIT */
/* A progress bar on standard error, where that is a terminal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

struct progress {
	bool shown;                 /* there is a terminal, and nobody wants quiet */
	struct log *log;            /* its lines are kept off the bar */
	uint64_t total;             /* bytes; 0: unknown */
	int64_t start_ms, drawn_ms; /* monotonic, of the machine */
	bool on_screen;
};

void progress_start(struct progress *progress, struct log *log, uint64_t total, bool wanted);
/* Draws, at most five times a second. */
void progress_show(struct progress *progress, uint64_t bytes, uint64_t events);
void progress_clear(struct progress *progress); /* before something else is printed */
void progress_end(struct progress *progress);   /* for good */
