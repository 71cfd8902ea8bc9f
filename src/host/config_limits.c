/* SPDX-License-Identifier: MIT */
/* The "cpu" and "memory" of a plugin in the config. */
#include "config_limits.h"

#include "attr.h"
#include "clock.h"
#include "limits.h"

bool
config_cpu(struct str text, struct plugin_limits *limits)
{
	int64_t ms;
	if (!duration_parse(text, &ms) || ms < PLUGIN_CPU_MS_MIN || ms > PLUGIN_CPU_MS_MAX)
		return false;
	limits->cpu_ms = (int)ms;
	/* Loading compiles patterns and builds lists: never less than by default. */
	limits->load_ms = (int)ms * (PLUGIN_LOAD_MS_DEFAULT / PLUGIN_CPU_MS_DEFAULT);
	if (limits->load_ms < PLUGIN_LOAD_MS_DEFAULT)
		limits->load_ms = PLUGIN_LOAD_MS_DEFAULT;
	return true;
}

bool
config_memory(struct str text, struct plugin_limits *limits)
{
	static const struct {
		const char *name;
		int64_t bytes;
	} units[] = {{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}};
	int64_t number;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (!str_ends(text, units[i].name))
			continue;
		if (!str_to_int(
			    (struct str){text.ptr, text.len - 2}, 1, PLUGIN_MEMORY_MAX, &number) ||
			number > PLUGIN_MEMORY_MAX / units[i].bytes ||
			number * units[i].bytes < PLUGIN_MEMORY_MIN)
			return false;
		limits->memory_bytes = (size_t)(number * units[i].bytes);
		return true;
	}
	return false;
}
