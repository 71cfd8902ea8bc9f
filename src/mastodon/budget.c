/* SPDX-License-Identifier: MIT */
/* Counting pages in sliding windows. */
#include "budget.h"

#include "throttle.h"

#define WINDOW_MS (15 * 60 * 1000)
#define SHORT_MS  (5 * 60 * 1000)

void
budget_init(struct budget *budget)
{
	*budget = (struct budget){.not_before_ms = INT64_MIN};
	for (unsigned i = 0; i < BUDGET_PAGES_MAX; i++) {
		budget->asked_ms[i] = INT64_MIN;
	}
}

/* Until the one that is `count` back is older than the window. */
static int64_t
wait_for(const struct budget *budget, unsigned count, int64_t window_ms, int64_t now_ms)
{
	unsigned at = (budget->next + BUDGET_PAGES_MAX - count) % BUDGET_PAGES_MAX;
	int64_t asked_ms = budget->asked_ms[at];
	if (asked_ms == INT64_MIN || now_ms - asked_ms >= window_ms) {
		return 0;
	}
	return asked_ms + window_ms - now_ms;
}

int64_t
budget_wait_ms(const struct budget *budget, enum budget_use use, int64_t now_ms)
{
	unsigned most = use == BUDGET_SPARE ? BUDGET_SPARE_MAX : BUDGET_PAGES_MAX;
	int64_t wait_ms = wait_for(budget, most, WINDOW_MS, now_ms);
	int64_t short_ms = wait_for(budget, BUDGET_SHORT_MAX, SHORT_MS, now_ms);
	wait_ms = short_ms > wait_ms ? short_ms : wait_ms;
	if (budget->not_before_ms != INT64_MIN && budget->not_before_ms - now_ms > wait_ms) {
		wait_ms = budget->not_before_ms - now_ms;
	}
	return wait_ms;
}

void
budget_take(struct budget *budget, int64_t now_ms)
{
	budget->asked_ms[budget->next] = now_ms;
	budget->next = (budget->next + 1) % BUDGET_PAGES_MAX;
}

bool
budget_answer(struct budget *budget, const struct http_answer *answer, int64_t now_ms,
	int64_t now_wall_ms)
{
	bool too_many = answer->end == HTTP_DONE && answer->status == 429;
	if (too_many || (answer->end == HTTP_DONE && throttle_is_low(answer, REQUEST_ROOM_MIN))) {
		budget->not_before_ms = now_ms + throttle_wait_ms(answer, now_wall_ms);
	}
	return too_many;
}

unsigned
budget_used(const struct budget *budget, int64_t now_ms)
{
	unsigned used = 0;
	for (unsigned i = 0; i < BUDGET_PAGES_MAX; i++) {
		used += budget->asked_ms[i] != INT64_MIN &&
			now_ms - budget->asked_ms[i] < WINDOW_MS;
	}
	return used;
}
