/* SPDX-License-Identifier: MIT */
/* What the host is doing, as one JSON document: what `moontusk status` shows. */
#include <string.h>
#include <unistd.h>

#include "fills.h"
#include "gapfill.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "reconcile.h"
#include "troubles.h"
#include "version.h"

static void
put_time(struct buf *out, const char *key, int64_t at_ms)
{
	json_put_key(out, key);
	if (at_ms <= 0) {
		buf_add_text(out, "null");
		return;
	}
	struct buf text;
	buf_init(&text, 64);
	time_format(&text, at_ms);
	json_put_str(out, buf_str(&text));
	buf_finish(&text);
}

static void
put_number(struct buf *out, const char *key, uint64_t number)
{
	json_put_key(out, key);
	json_put_int(out, (int64_t)number);
}

static void
put_text(struct buf *out, const char *key, const char *text)
{
	json_put_key(out, key);
	json_put_text(out, text && *text ? text : NULL);
}

static void
put_flag(struct buf *out, const char *key, bool flag)
{
	json_put_key(out, key);
	json_put_bool(out, flag);
}

/* ---- accounts ---- */

/* Where put_stream writes. */
struct streams {
	const struct host *host;
	const struct account *account;
	struct buf *out;
};

static void
put_stream(void *data, const struct stream_status *status)
{
	const struct streams *streams = data;
	struct buf *out = streams->out;
	json_put_comma(out);
	buf_add_char(out, '{');
	json_put_key(out, "stream");
	json_put_str(out, status->stream);
	json_put_key(out, "parameter");
	if (status->param.ptr)
		json_put_str(out, status->param);
	else
		buf_add_text(out, "null");
	put_text(out, "state", stream_state_name(status->state));
	put_text(out, "transport", status->transport);
	put_time(out, "since", status->since_ms);
	put_time(out, "last_byte_at", status->last_byte_ms);
	put_time(out, "last_event_at", status->last_event_ms);
	put_number(out, "attempts", status->attempts);
	put_number(out, "retry_ms", (uint64_t)status->retry_ms);
	put_text(out, "reason", status->reason);
	gapfill_status(
		streams->host->gapfill, streams->account, status->stream, status->param, out);
	buf_add_char(out, '}');
}

static void
put_accounts(const struct host *host, struct buf *out)
{
	json_put_key(out, "accounts");
	buf_add_char(out, '[');
	for (unsigned i = 0; i < host->account_count; i++) {
		const struct account *account = host->accounts[i];
		json_put_comma(out);
		buf_add_char(out, '{');
		put_text(out, "name", account->name);
		put_text(out, "server", account->server);
		put_text(out, "acct", account->acct);
		put_text(out, "state",
			host->lost[i]    ? "refused"
			: host->known[i] ? "ready"
					 : "connecting");
		json_put_key(out, "streams");
		buf_add_char(out, '[');
		if (host->links[i])
			link_each(
				host->links[i], put_stream, &(struct streams){host, account, out});
		buf_add_text(out, "]}");
	}
	buf_add_char(out, ']');
}

/* ---- instances ---- */

static const char *
state_of(const struct instance *instance)
{
	if (instance->leaving)
		return "stopping";
	if (instance->guard.off)
		return "off";
	if (!instance->plugin)
		return "failed";
	return instance->may_run ? "running" : "waiting";
}

static void
put_schedules(const struct instance *instance, struct buf *out)
{
	unsigned count;
	const struct plugin_schedule *schedules = plugin_schedules(instance->plugin, &count);
	json_put_key(out, "schedules");
	buf_add_char(out, '[');
	for (unsigned i = 0; i < count && instance->schedules; i++) {
		json_put_comma(out);
		buf_add_char(out, '{');
		put_text(out, "name", schedules[i].name);
		put_time(out, "due_at", instance->schedules[i].row.due_ms);
		put_time(out, "last_at", instance->schedules[i].row.last_ms);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

/* How long the oldest event that the instance has not begun has waited. */
static int64_t
lag_ms(const struct host *host, const struct instance *instance)
{
	const struct work *work = instance->inbox.list;
	while (work && (work->running || !work->event))
		work = work->next;
	int64_t age_ms =
		work ? clock_wall_ms(&host->config.clock) - work->event->received_at_ms : 0;
	return age_ms > 0 ? age_ms : 0;
}

static void
put_work(const struct host *host, const struct instance *instance, struct buf *out)
{
	put_number(out, "events", instance->heard);
	put_number(out, "matches", instance->matched);
	put_number(out, "handled", instance->handled);
	put_number(out, "errors", instance->raised);
	put_number(out, "waiting", instance->inbox.waiting - instance->inbox.running);
	put_flag(out, "more_waiting", instance->inbox.more);
	put_flag(out, "lags", instance->lags);
	put_number(out, "tasks", instance->plugin ? tasks_of(host, instance->plugin) : 0);
	put_number(out, "retired", retired_count(host, instance));
	put_number(out, "lag_ms", (uint64_t)lag_ms(host, instance));
}

static void
put_usage(const struct instance *instance, struct buf *out)
{
	struct plugin_usage usage = {0};
	if (instance->plugin)
		plugin_usage(instance->plugin, &usage);
	put_number(out, "cpu_ms", (uint64_t)(usage.cpu_us / 1000));
	put_number(out, "cpu_limit_ms", (uint64_t)usage.cpu_limit_ms);
	put_number(out, "memory_bytes", usage.bytes);
	put_number(out, "memory_peak_bytes", usage.peak);
	put_number(out, "memory_limit_bytes", usage.limit_bytes);
}

struct limits {
	const struct instance *instance;
	struct buf *out;
};

static void
put_limit(void *data, const struct host_limit *limit)
{
	const struct limits *limits = data;
	struct buf *out = limits->out;
	if (strcmp(limit->instance, limits->instance->name) != 0)
		return;
	json_put_comma(out);
	buf_add_char(out, '{');
	put_text(out, "file", limit->file);
	put_number(out, "line", (uint64_t)limit->line);
	put_text(out, "key", limit->key);
	put_text(out, "view", limit->view);
	json_put_key(out, "pattern");
	json_put_str(out, limit->pattern);
	put_number(out, "gave_up", limit->hits);
	put_flag(out, "off", limit->off);
	buf_add_char(out, '}');
}

static void
put_limits(const struct host *host, const struct instance *instance, struct buf *out)
{
	json_put_key(out, "patterns");
	buf_add_char(out, '[');
	host_each_limit(host, put_limit, &(struct limits){instance, out});
	buf_add_char(out, ']');
}

static void
put_instance(const struct host *host, const struct instance *instance, struct buf *out)
{
	unsigned handlers;
	plugin_handlers(instance->plugin, &handlers);
	json_put_comma(out);
	buf_add_char(out, '{');
	put_text(out, "name", instance->name);
	put_text(out, "state", state_of(instance));
	struct buf error; /* may name the value of a secret option */
	buf_init(&error, 4 * PLUGIN_ERROR_MAX);
	secrets_redact(
		host->config.secrets, str_from(instance->error ? instance->error : ""), &error);
	put_text(out, "error", error.ptr);
	buf_finish(&error);
	const struct guard *guard = &instance->guard;
	put_time(out, "off_at", guard->off ? guard->off_at_ms : 0);
	put_text(out, "report", guard->report);
	put_number(out, "missed", guard->off ? guard->missed : 0);
	put_number(out, "dead_letters", (uint64_t)letter_count(host->store, instance->name));
	put_text(out, "file", instance->file);
	put_text(out, "account", instance->account ? instance->account->name : NULL);
	put_text(out, "version", instance->plugin ? plugin_about(instance->plugin)->version : NULL);
	put_flag(out, "dry_run", instance->dry_run);
	put_time(out, "loaded_at", instance->loaded_at_ms);
	put_number(out, "reloads", instance->reloads);
	put_number(out, "handlers", handlers);
	put_work(host, instance, out);
	put_usage(instance, out);
	put_schedules(instance, out);
	put_limits(host, instance, out);
	buf_add_char(out, '}');
}

static void
put_instances(const struct host *host, struct buf *out)
{
	json_put_key(out, "instances");
	buf_add_char(out, '[');
	for (unsigned i = 0; i < host->instance_count; i++)
		put_instance(host, host->instances[i], out);
	buf_add_char(out, ']');
}

/* ---- all of it ---- */

static void
put_totals(const struct host *host, struct buf *out)
{
	const struct host_stats *stats = &host->stats;
	json_put_key(out, "events");
	buf_add_char(out, '{');
	put_number(out, "received", stats->received);
	put_number(out, "broken", stats->broken);
	put_number(out, "matched", stats->matched);
	put_number(out, "handled", stats->handled);
	put_number(out, "errors", stats->raised);
	put_number(out, "archived", stats->archived);
	put_number(out, "behind_delete", stats->late);
	put_number(out, "deletes_waiting", deletes_waiting(host->deletes));
	put_number(out, "deletes_refuted", stats->kept);
	put_number(out, "deletes_unproven", stats->unproven);
	put_number(out, "deletes_missed", stats->missed);
	put_number(out, "queued", intake_count(host->intake));
	buf_add_char(out, '}');
	json_put_key(out, "outbox");
	buf_add_char(out, '{');
	put_number(out, "asked", stats->actions);
	put_number(out, "open", outbox_pending(host->outbox));
	put_number(out, "done", stats->done);
	put_number(out, "failed", stats->failed);
	put_number(out, "unknown", stats->unknown);
	put_number(out, "dry", stats->dry);
	buf_add_char(out, '}');
}

static void
put_gaps(const struct host *host, struct buf *out)
{
	struct gap_counts counts;
	gap_count(host->store, &counts);
	json_put_key(out, "gaps");
	buf_add_char(out, '{');
	put_number(out, "alarms", (uint64_t)counts.alarms);
	put_number(out, "quiet", (uint64_t)counts.quiet);
	put_time(out, "last_at", counts.last_ms);
	buf_add_char(out, '}');
}

void
host_status(struct host *host, struct buf *out)
{
	const struct host_config *config = &host->config;
	int64_t now_ms = clock_wall_ms(&config->clock);
	buf_add_char(out, '{');
	put_flag(out, "running", true);
	put_text(out, "version", MOONTUSK_VERSION);
	put_number(out, "pid", (uint64_t)getpid());
	put_time(out, "started_at", host->started_at_ms);
	put_number(out, "uptime_s", (uint64_t)((now_ms - host->started_at_ms) / 1000));
	put_time(out, "now", now_ms);
	put_text(out, "state_folder", config->state_folder);
	put_text(out, "config", config->config->file);
	put_flag(out, "dry_run", config->dry_run);
	put_text(out, "trouble", host->trouble);
	put_totals(host, out);
	put_gaps(host, out);
	reconcile_status(host->reconcile, out);
	put_accounts(host, out);
	put_instances(host, out);
	buf_add_char(out, '}');
}
