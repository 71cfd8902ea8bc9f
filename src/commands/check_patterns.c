/* SPDX-License-Identifier: MIT */
/* Prints the findings of match/lint.h about a plugin's handlers. */
#include "check_patterns.h"

#include <stdio.h>
#include <time.h>

#include "limits.h"
#include "lint.h"
#include "plugin.h"

static int64_t
now_ns(void *data)
{
	struct timespec now;

	(void)data;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
print_warnings(const struct lint_item *item)
{
	if (item->gives_up)
		printf("      warning: it gives up on a run of forty equal characters; nested repeats such as (a+)+ and "
		       "overlapping alternatives such as (a|aa)+ cause this\n");
	else if (item->nested)
		printf("      warning: it repeats what holds a repeat, which may take very long on some posts; write (?>…)+ or "
		       "…++ where no other way to match is needed\n");
	if (item->matches_empty)
		printf("      warning: it matches the empty text\n");
	if (lint_is_common(item))
		printf("      warning: it is found in %u of %u harmless posts\n", item->found,
			item->posts);
}

static void
print_item(void *data, const struct lint_item *item)
{
	const struct plugin_handler *handler = data;
	struct str shown = str_clip(item->pattern, PATTERN_SHOWN_MAX);

	printf("    line %d, %s", handler->line, item->key);
	if (item->pattern.ptr)
		printf(" \"%.*s%s\"", STR_ARG(shown), shown.len < item->pattern.len ? "…" : "");
	else
		printf(" (%zu)", item->word_count);
	printf(": %s", lint_engine_name(item->engine));
	if (item->literal && item->literal_count == 1)
		printf(" (\"%s\")", item->literal);
	else if (item->literal)
		printf(" (\"%s\" and %zu more)", item->literal, item->literal_count - 1);
	printf(", %.0f ns a post\n", item->ns);
	print_warnings(item);
}

void
check_patterns(const struct plugin *plugin)
{
	const struct lint_clock clock = {now_ns, NULL};
	bool told = false;
	unsigned count;
	const struct plugin_handler *handlers = plugin_handlers(plugin, &count);

	for (unsigned i = 0; i < count; i++) {
		struct plugin_handler handler = handlers[i];
		if (!handler.rule || !rule_has_texts(handler.rule))
			continue;
		if (!told)
			printf("  looks for (cost besides the one scan that all share):\n");
		told = true;
		lint_rule(handler.rule, &clock, print_item, &handler);
	}
}
