/* SPDX-License-Identifier: MIT */
/* Findings: what a check of the doctor came to, in plain words, with what to do about it. */
#pragma once

#include "attr.h"

enum finding_level {
	FINDING_OK,
	FINDING_SKIPPED, /* it could not be looked at, or there was no reason to */
	FINDING_WARNING, /* it works, but not as somebody may expect */
	FINDING_ERROR,   /* it does not work */
};
const char *finding_level_name(enum finding_level level); /* "ok", "skipped", "warning", "error" */

struct finding {
	enum finding_level level;
	const char *check; /* what was looked at: a static name */
	char *text;        /* what was found */
	char *advice;      /* what to do; NULL: nothing */
};

struct findings {
	struct finding *list; /* zeros: none yet */
	unsigned count;
};

/* Adds one. `check` must be static; `advice` is copied and may be NULL. */
void findings_add(struct findings *findings, enum finding_level level, const char *check,
	const char *advice, const char *format, ...) PRINTF_LIKE(5, 6);
unsigned findings_count(const struct findings *findings, enum finding_level level);
void findings_finish(struct findings *findings);
