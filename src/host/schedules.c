/* SPDX-License-Identifier: MIT */
/* When tusk.every and tusk.daily are due: kept in the store, run by the turn. */
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "due.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "host"

enum { SET_BACK_MS = 1000 }; /* a clock that goes back by less is being disciplined, not set */

static uint64_t
seed_of(const struct instance *instance, const struct plugin_schedule *about)
{
	char *text = xasprintf("%s\n%s", instance->name, about->name);
	uint64_t seed = str_hash(str_from(text));
	free(text);
	return seed;
}

static void
save(struct host *host, const struct instance *instance, unsigned number)
{
	unsigned count;
	const struct plugin_schedule *about = &plugin_schedules(instance->plugin, &count)[number];
	schedule_put(host->store, instance->name, about->name, &instance->schedules[number].row);
}

/* From the store, or new; what was registered otherwise than before counts from now on. */
static void
start_schedule(struct host *host, struct instance *instance, unsigned number, int64_t now_ms)
{
	unsigned count;
	const struct plugin_schedule *about = &plugin_schedules(instance->plugin, &count)[number];
	struct schedule_row *row = &instance->schedules[number].row;
	bool known = schedule_get(host->store, instance->name, about->name, row);
	/* 0: written by a version that did not note it. */
	bool same = known && (!row->spec_hash || row->spec_hash == about->spec_hash);
	int64_t due_ms = same ? due_check(about, row->due_ms, row->last_ms, now_ms)
			      : due_first(about, seed_of(instance, about), now_ms);
	if (known && row->spec_hash == about->spec_hash && due_ms == row->due_ms)
		return;
	row->due_ms = due_ms;
	row->spec_hash = about->spec_hash;
	if (host_begin(host))
		save(host, instance, number);
}

/* Schedules that the plugin has no more are forgotten: one that comes back starts anew, and has missed nothing. */
static void
forget_others(struct host *host, const struct instance *instance)
{
	unsigned count;
	const struct plugin_schedule *list = plugin_schedules(instance->plugin, &count);
	struct buf names;
	buf_init(&names, JSON_TEXT_MAX);
	buf_add_char(&names, '[');
	for (unsigned s = 0; s < count; s++) {
		json_put_comma(&names);
		json_put_text(&names, list[s].name);
	}
	buf_add_char(&names, ']');
	if (schedule_has_others(host->store, instance->name, buf_str(&names)) && host_begin(host))
		schedule_delete_others(host->store, instance->name, buf_str(&names));
	buf_finish(&names);
}

void
schedules_start_instance(struct host *host, struct instance *instance)
{
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	unsigned count;
	plugin_schedules(instance->plugin, &count);
	free(instance->schedules);
	instance->schedules = xcalloc(count + 1, sizeof(instance->schedules[0]));
	for (unsigned s = 0; s < count; s++)
		start_schedule(host, instance, s, now_ms);
	if (instance->plugin)
		forget_others(host, instance);
}

void
schedules_start(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++)
		schedules_start_instance(host, host->instances[i]);
}

char *
schedule_key(const char *name, int64_t due_ms)
{
	struct buf key;
	buf_init(&key, EVENT_LINE_MAX);
	buf_add_text(&key, name);
	buf_add_char(&key, '@');
	time_format(&key, due_ms);
	return buf_take(&key, NULL);
}

/* What is written stands in the transaction before the function runs: it may cost the instance its plugin. */
static void
take(struct host *host, struct instance *instance, unsigned number, int64_t now_ms)
{
	unsigned count;
	const struct plugin_schedule *about = &plugin_schedules(instance->plugin, &count)[number];
	struct schedule *schedule = &instance->schedules[number];
	struct due due = due_take(about, schedule->row.due_ms, now_ms);
	bool busy = tasks_schedule_waits(host, instance, number);
	bool run = due.run && !busy;
	uint64_t passed = due.missed + (due.run && busy ? 1 : 0);
	if (busy)
		schedule->row.skipped += (int64_t)passed;
	else
		schedule->row.missed += (int64_t)passed;
	if (run)
		schedule->row.runs++;
	schedule->row.last_ms = due.due_ms;
	schedule->row.due_ms = due.next_ms;
	save(host, instance, number);
	if (passed > 0 && busy) /* for each due time of a long run: not worth a line each */
		log_debug(host->config.log, "%s: %s skipped: the run before it is not over",
			instance->name, about->name);
	else if (passed > 0)
		log_info(host->config.log, "%s: %s missed %llu run%s%s", instance->name,
			about->name, (unsigned long long)passed, passed == 1 ? "" : "s",
			run ? "; one late run for all" : "");
	if (!run)
		return;
	plugin_set_due(instance->plugin, number,
		&(struct plugin_due){due.due_ms, due.late_ms, (int64_t)due.missed});
	tasks_start_schedule(host, instance, number, due.due_ms, false);
}

/* The wall clock was set back: no schedule may wait for a time that is far away now. */
static void
check_all(struct host *host, int64_t now_ms)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = host->instances[i];
		unsigned count;
		const struct plugin_schedule *list = plugin_schedules(instance->plugin, &count);
		for (unsigned s = 0; s < count && instance->schedules; s++) {
			struct schedule_row *row = &instance->schedules[s].row;
			int64_t due_ms = due_check(&list[s], row->due_ms, row->last_ms, now_ms);
			if (due_ms == row->due_ms || !host_begin(host))
				continue;
			row->due_ms = due_ms;
			save(host, instance, s);
		}
	}
}

/* The number of one that is due, -1 without. */
static int
find_due(const struct instance *instance, int64_t now_ms)
{
	unsigned count;
	plugin_schedules(instance->plugin, &count);
	for (unsigned s = 0; s < count && instance->schedules && !instance->guard.off; s++) {
		if (instance->schedules[s].row.due_ms <= now_ms)
			return (int)s;
	}
	return -1;
}

void
schedules_run(struct host *host)
{
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	if (now_ms < host->wall_seen_ms - SET_BACK_MS)
		check_all(host, now_ms);
	host->wall_seen_ms = now_ms;
	unsigned left = SCHEDULES_TURN_MAX;
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = host->instances[i];
		int number;
		while (left > 0 && (number = find_due(instance, now_ms)) >= 0 && host_begin(host)) {
			take(host, instance, (unsigned)number, now_ms);
			left--;
		}
	}
}

int64_t
host_next_due(const struct host *host)
{
	int64_t next = tasks_next_due(host);
	if (retired_next_due(host) < next)
		next = retired_next_due(host);
	if (alert_next_due(host) < next)
		next = alert_next_due(host);
	for (unsigned i = 0; i < host->instance_count; i++) {
		const struct instance *instance = host->instances[i];
		unsigned count;
		plugin_schedules(instance->plugin, &count);
		if (instance->plugin && instance->may_run &&
			inbox_next_due(&instance->inbox) < next)
			next = inbox_next_due(&instance->inbox);
		for (unsigned s = 0; s < count && instance->schedules; s++) {
			if (instance->schedules[s].row.due_ms < next)
				next = instance->schedules[s].row.due_ms;
		}
	}
	return next;
}

/* ---- runs that begin again ---- */

struct redo {
	char *instance, *schedule;
	int64_t due_ms;
	struct redo *next;
};

void
redo_add(struct redo **list, const char *instance, const char *schedule, int64_t due_ms)
{
	struct redo *redo = xmalloc(sizeof(*redo));
	*redo = (struct redo){xstrdup(instance), xstrdup(schedule), due_ms, NULL};
	LL_APPEND(*list, redo);
}

void
redo_forget(struct redo **list)
{
	while (*list) {
		struct redo *redo = *list;
		LL_DELETE(*list, redo);
		free(redo->instance);
		free(redo->schedule);
		free(redo);
	}
}

void
redo_concat(struct redo **list, struct redo **more)
{
	LL_CONCAT(*list, *more);
	*more = NULL;
}

static void
begin_again(struct host *host, const struct redo *redo)
{
	struct instance *instance = instance_find(host, redo->instance);
	unsigned count = 0;
	if (!instance || !instance->plugin || instance->guard.off)
		return;
	const struct plugin_schedule *schedules = plugin_schedules(instance->plugin, &count);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(schedules[i].name, redo->schedule) != 0)
			continue;
		tasks_start_schedule(host, instance, i, redo->due_ms, true);
		return; /* it may have cost the instance its plugin */
	}
}

void
redo_first(struct host *host)
{
	struct redo *redo = host->redo;
	LL_DELETE(host->redo, redo);
	redo->next = NULL;
	begin_again(host, redo);
	redo_forget(&redo);
}
