/* SPDX-License-Identifier: MIT */
/* How many pages may be asked for: what fills of one account leave to actions and to plugins (protocol.md 7). */
#pragma once

#include "http.h"
#include "limits.h"

enum budget_use {
	BUDGET_FILL,  /* what was missed */
	BUDGET_SPARE, /* what can wait: sweeps, looking whether a stream is alive */
};

/* Times are monotonic ms. */
struct budget {
	int64_t asked_ms[BUDGET_PAGES_MAX]; /* a ring; INT64_MIN: none */
	unsigned next;                      /* the oldest */
	int64_t not_before_ms;              /* the server has said so */
};

void budget_init(struct budget *budget);
/* How long to wait, ms; 0: a page may be asked for now. At most BUDGET_PAGES_MAX in 15 minutes and BUDGET_SHORT_MAX in 5; of
 * them BUDGET_SPARE_MAX in 15 minutes for what can wait. */
int64_t budget_wait_ms(const struct budget *budget, enum budget_use use, int64_t now_ms);
void budget_take(struct budget *budget, int64_t now_ms);
/* Any answer of the server: 429 and little room in its headers hold everything until its limit starts anew. True for a
 * 429. */
bool budget_answer(struct budget *budget, const struct http_answer *answer, int64_t now_ms,
	int64_t now_wall_ms);
unsigned budget_used(const struct budget *budget, int64_t now_ms); /* in the last 15 minutes */
