/* SPDX-License-Identifier: MIT */
/* Patterns of rules that run into their limits: counted, told, and switched off when it happens too often. */
#include "rule_parts.h"

/* True when this is the one too many. */
static bool
count_limit(struct pattern_health *health, uint64_t event)
{
	size_t oldest = health->hits++ % PATTERN_LIMIT_HITS_MAX;

	if (event == 0)
		return false;
	health->events[oldest] = event;
	if (health->hits < PATTERN_LIMIT_HITS_MAX)
		return false;
	uint64_t first = health->events[health->hits % PATTERN_LIMIT_HITS_MAX];
	bool off = event - first < PATTERN_LIMIT_EVENTS;
	__atomic_store_n(&health->off, off, __ATOMIC_RELAXED); /* gave_up: others read it */
	return off;
}

static struct rule_limit
limit_of(const struct cond *cond, const struct text *text)
{
	return (struct rule_limit){
		.key = cond->key->name,
		.view = text->view,
		.pattern = pattern_text(text->pattern),
		.hits = text->health->hits,
		.off = text->health->off,
	};
}

enum rule_result
run_pattern(struct match *match, const struct cond *cond, const struct text *text,
	struct span *spans, unsigned count)
{
	const struct rule_try *rule_try = match->try;
	struct pattern_subject subject = {
		.text = views_get(match->views, text->view), .valid = true};

	bool off = __atomic_load_n(&text->health->off, __ATOMIC_RELAXED);
	if (off && rule_try->gave_up)
		*rule_try->gave_up = true;
	if (off)
		return RULE_LIMITED;
	enum pattern_result result =
		pattern_match(text->pattern, rule_try->scratch, &subject, spans, count);
	if (result == PATTERN_YES)
		return RULE_YES;
	if (result != PATTERN_LIMITED)
		return RULE_NO;
	if (rule_try->gave_up) {
		*rule_try->gave_up = true;
		return RULE_LIMITED;
	}
	(void)count_limit(text->health, rule_try->event);
	if (rule_try->on_limit) {
		struct rule_limit limit = limit_of(cond, text);
		rule_try->on_limit(rule_try->data, &limit);
	}
	return RULE_LIMITED;
}

static void
each_limit(const struct cond *conds, rule_limit_fn *fn, void *data)
{
	for (const struct cond *cond = conds; cond; cond = cond->next) {
		for (size_t i = 0; i < cond->text_count; i++) {
			const struct text *text = &cond->texts[i];
			if (!text->health || text->health->hits == 0)
				continue;
			struct rule_limit limit = limit_of(cond, text);
			fn(data, &limit);
		}
		for (const struct table *table = cond->tables; table; table = table->next)
			each_limit(table->conds, fn, data);
	}
}

void
rule_each_limit(const struct rule *rule, rule_limit_fn *fn, void *data)
{
	each_limit(rule->table->conds, fn, data);
}
