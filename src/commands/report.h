/* SPDX-License-Identifier: MIT */
/* What a running host does, told on the log and, for a dry run, on standard output. */
#pragma once

#include "host.h"
#include "loop.h"
#include "show.h"

struct report {
	struct log *log;
	struct show show;
	bool print_dry;      /* "would …" lines on standard output */
	struct loop *reader; /* stopped when nobody reads those lines any more; NULL: goes on */
	uint64_t done, failed, dry;
};

/* Data is a struct report. */
extern const struct host_events report_events;

/* One line with what the host did: events, matches, actions. */
void report_summary(const struct report *report, const struct host *host);
