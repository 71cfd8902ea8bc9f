/* SPDX-License-Identifier: MIT */
/* When tusk.every and tusk.daily are due: kept in the store, run by the turn. */
#include <stdlib.h>

#include "host_private.h"
#include "state.h"
#include "xmalloc.h"

void
schedules_start_instance(struct host *host, struct instance *instance)
{
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	unsigned count;
	const struct plugin_schedule *schedules = plugin_schedules(instance->plugin, &count);
	free(instance->schedules);
	instance->schedules = xcalloc(count + 1, sizeof(instance->schedules[0]));
	for (unsigned s = 0; s < count; s++) {
		struct schedule *schedule = &instance->schedules[s];
		bool known = schedule_get(
			host->store, instance->name, schedules[s].name, &schedule->due_ms);
		/* A changed interval counts from now on: never later than one interval away. */
		if (known && schedule->due_ms <= now_ms + schedules[s].every_ms)
			continue;
		schedule->due_ms = now_ms + schedules[s].every_ms;
		if (host_begin(host))
			schedule_put(
				host->store, instance->name, schedules[s].name, schedule->due_ms);
	}
}

void
schedules_start(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++)
		schedules_start_instance(host, host->instances[i]);
}

/* One run for a due time that has passed; times missed while nothing ran are skipped. */
void
schedules_run(struct host *host)
{
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	for (unsigned i = 0; i < host->instance_count && !host->stopped; i++) {
		struct instance *instance = host->instances[i];
		unsigned count;
		const struct plugin_schedule *schedules =
			plugin_schedules(instance->plugin, &count);
		for (unsigned s = 0; s < count && instance->schedules; s++) {
			int64_t due_ms = instance->schedules[s].due_ms;
			if (due_ms > now_ms || !host_begin(host))
				continue;
			perform_schedule(host, instance, s, due_ms);
			int64_t missed = (now_ms - due_ms) / schedules[s].every_ms;
			instance->schedules[s].due_ms =
				due_ms + (missed + 1) * schedules[s].every_ms;
			schedule_put(host->store, instance->name, schedules[s].name,
				instance->schedules[s].due_ms);
		}
	}
}

int64_t
host_next_due(const struct host *host)
{
	int64_t next = INT64_MAX;
	for (unsigned i = 0; i < host->instance_count; i++) {
		unsigned count;
		plugin_schedules(host->instances[i]->plugin, &count);
		for (unsigned s = 0; s < count && host->instances[i]->schedules; s++) {
			if (host->instances[i]->schedules[s].due_ms < next)
				next = host->instances[i]->schedules[s].due_ms;
		}
	}
	return next;
}
