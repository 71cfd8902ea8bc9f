/* SPDX-License-Identifier: MIT */
/* Plugins that another one took the place of: they stay until their tasks have ended, or their time is up. */
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "reload"

struct retired {
	struct plugin *plugin;
	char *name;
	int64_t until_ms; /* wall clock */
	struct retired *next;
};

static void
destroy(struct host *host, struct retired *retired)
{
	LL_DELETE(host->retired, retired);
	tasks_drop_plugin(host, retired->plugin);
	plugin_destroy(retired->plugin);
	free(retired->name);
	free(retired);
}

void
retired_add(struct host *host, struct plugin *plugin)
{
	if (!plugin)
		return;
	struct retired *retired = xmalloc(sizeof(*retired));
	*retired = (struct retired){
		.plugin = plugin,
		.name = xstrdup(plugin_name(plugin)),
		.until_ms = clock_wall_ms(&host->config.clock) + RETIRED_MS_MAX,
	};
	LL_APPEND(host->retired, retired);
	unsigned waiting = tasks_of(host, plugin);
	if (waiting == 0)
		destroy(host, retired);
	else
		log_info(host->config.log,
			"%s: %u task%s of the old one still wait%s, for %d seconds at most",
			retired->name, waiting, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "",
			RETIRED_MS_MAX / 1000);
}

void
retired_charge(struct host *host)
{
	const struct retired *retired;
	LL_FOREACH(host->retired, retired)
		plugin_set_outside(retired->plugin, 0);
}

void
retired_run(struct host *host)
{
	struct retired *retired, *next;
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	LL_FOREACH_SAFE(host->retired, retired, next) {
		unsigned waiting = tasks_of(host, retired->plugin);
		if (waiting > 0 && retired->until_ms > now_ms)
			continue;
		if (waiting > 0)
			log_warn(host->config.log,
				"%s: %u task%s of the old plugin did not end in %d seconds and %s given up; events "
				"that they had begun go to the new one",
				retired->name, waiting, waiting == 1 ? "" : "s",
				RETIRED_MS_MAX / 1000, waiting == 1 ? "is" : "are");
		destroy(host, retired);
	}
}

int64_t
retired_next_due(const struct host *host)
{
	return host->retired ? host->retired->until_ms : INT64_MAX; /* the oldest is first */
}

unsigned
retired_count(const struct host *host, const struct instance *instance)
{
	unsigned count = 0;
	const struct retired *retired;
	LL_FOREACH(host->retired, retired)
		count += strcmp(retired->name, instance->name) == 0;
	return count;
}

void
retired_destroy(struct host *host)
{
	while (host->retired)
		destroy(host, host->retired);
}

/* What the old one stores late is what the new one reads from now on. */
void
retired_share(const struct cause *cause, const struct plugin *by, const struct effects *effects)
{
	struct plugin *present = cause->instance->plugin;
	if (by == present || !present)
		return;
	for (size_t i = 0; i < effects->count; i++) {
		const struct effect *effect = &effects->list[i];
		struct str key = {effect->name, effect->name_len};
		if (effect->type == EFFECT_STATE_PUT)
			plugin_restore(present, key, (struct str){effect->json, effect->json_len});
		else if (effect->type == EFFECT_STATE_DELETE)
			plugin_restore(present, key, STR_NONE);
	}
}
