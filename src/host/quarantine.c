/* SPDX-License-Identifier: MIT */
/* Instances that fail too often are switched off, with a report, until somebody switches them on or changes them. */
#include "quarantine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "decode.h"
#include "files.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "report_file.h"
#include "stopped.h"
#include "troubles.h"
#include "xmalloc.h"

#define LOG_MODULE "quarantine"

void
guard_init(struct guard *guard, const struct config_plugin *about)
{
	*guard = (struct guard){0};
	failures_init(&guard->failures, about->failures_most, about->failures_of);
}

void
guard_set_limit(struct guard *guard, const struct config_plugin *about)
{
	if (guard->failures.most == about->failures_most &&
		guard->failures.of == about->failures_of)
		return;
	failures_finish(&guard->failures);
	failures_init(&guard->failures, about->failures_most, about->failures_of);
}

static void
forget_recent(struct guard *guard)
{
	for (unsigned i = 0; i < guard->recent_count; i++)
		free(guard->recent[i]);
	guard->recent_count = 0;
}

void
guard_finish(struct guard *guard)
{
	forget_recent(guard);
	quarantine_forget_source(guard);
	failures_finish(&guard->failures);
	free(guard->recent);
	free(guard->why);
	free(guard->report);
}

/* ---- the report ---- */

static void
put_flag(struct buf *out, const char *flag, const char *value)
{
	buf_printf(out, "%s%s ", out->len > 0 ? " " : "", flag);
	report_put_word(out, value);
}

static void
put_setting(struct buf *out, struct str key, struct json_value value)
{
	struct buf text;
	buf_init(&text, PLUGIN_STATE_VALUE_MAX);
	buf_printf(&text, "%.*s=", STR_ARG(key));
	if (json_type(value) == JSON_STRING)
		buf_add_str(&text, json_str(value));
	else
		json_put_value(&text, value);
	if (text.err == ERR_OK)
		put_flag(out, "--set", text.ptr);
	buf_finish(&text);
}

/* What names the same plugin with the same options on a command line. */
static char *
plugin_words(const struct host *host, const struct instance *instance)
{
	const struct config *config = host->config.config;
	const struct config_plugin *about = &instance->about;
	struct buf out;
	buf_init(&out, PLUGIN_STATE_VALUE_MAX);
	if (!about->as_declared && config->file) {
		char *file = realpath(config->file, NULL);
		put_flag(&out, "--config", file ? file : config->file);
		buf_add_text(&out, " -- ");
		report_put_word(&out, about->name);
		free(file);
		return buf_take(&out, NULL);
	}
	struct json_doc *doc = NULL;
	if (about->options &&
		json_parse(host->parser, str_from(about->options), &doc, NULL) == ERR_OK) {
		struct json_iter it = json_iter(json_root(doc));
		while (json_next(&it))
			put_setting(&out, it.key, it.value);
	}
	json_doc_destroy(doc);
	char *file = instance->file ? realpath(instance->file, NULL) : NULL;
	buf_printf(&out, "%s-- ", out.len > 0 ? " " : "");
	report_put_word(&out, file ? file : about->ref);
	free(file);
	return buf_take(&out, NULL);
}

static char *
rearm_words(const struct host *host, const struct instance *instance)
{
	char *folder = host->config.state_folder ? realpath(host->config.state_folder, NULL) : NULL;
	struct buf out;
	buf_init(&out, URL_MAX);
	buf_add_text(&out, "moontusk rearm ");
	report_put_word(&out, instance->name);
	if (folder)
		put_flag(&out, "--state", folder);
	free(folder);
	return buf_take(&out, NULL);
}

/* The path; NULL: nowhere to write, or it cannot be. New. */
static char *
write_report(struct host *host, const struct instance *instance, const char *why,
	const struct failure *failure)
{
	if (!host->config.state_folder)
		return NULL;
	struct plugin_usage usage;
	struct buf line;
	char *plugin = plugin_words(host, instance), *rearm = rearm_words(host, instance);
	const struct cause *cause = failure->cause;
	buf_init(&line, EVENT_LINE_MAX);
	if (cause && cause->event)
		event_write_line(cause->event, &line);
	if (failure->plugin)
		plugin_usage(failure->plugin, &usage);
	struct report_about about = {
		.instance = instance->name,
		.why = why,
		.file = instance->file,
		.version = failure->plugin ? plugin_about(failure->plugin)->version : NULL,
		.account = instance->account ? instance->account->name : NULL,
		.at_ms = clock_wall_ms(&host->config.clock),
		.error = failure->error->text,
		.limit = failure->error->limit,
		.subject = !cause             ? "loading its file"
			   : cause->event_key ? cause->event_key
					      : cause->schedule,
		.handler = failure->work ? failure->work->key : NULL,
		.line = buf_str(&line),
		.usage = failure->plugin ? &usage : NULL,
		.recent = (const char *const *)instance->guard.recent,
		.recent_count = instance->guard.recent_count,
		.plugin_words = plugin,
		.rearm = rearm,
		.secrets = host->config.secrets,
	};
	char *path = report_write(host->config.state_folder, &about);
	if (!path)
		log_warn(host->config.log, "the report about \"%s\" cannot be written: %s",
			instance->name, strerror(errno));
	buf_finish(&line);
	free(plugin);
	free(rearm);
	return path;
}

/* ---- off ---- */

static void
raise(struct host *host, const struct instance *instance, const char *key, const char *what,
	const struct failure *failure)
{
	const struct guard *guard = &instance->guard;
	char *said = secrets_redacted(host->config.secrets, failure->error->text);
	size_t first = strcspn(said, "\n");
	char *title = xasprintf("moontusk: %s %s", instance->name, what);
	char *rearm = rearm_words(host, instance);
	char *text = xasprintf("%s.\n%.*s%s%s\nOn again: %s", guard->why,
		first < 300 ? (int)first : 300, said, guard->report ? "\nReport: " : "",
		guard->report ? guard->report : "", rearm);
	alert_raise(host, &(struct alert){instance->name, key, title, text, instance->account});
	free(rearm);
	free(title);
	free(text);
	free(said);
}

static void
say_off(struct host *host, struct instance *instance)
{
	const struct guard *guard = &instance->guard;
	char *rearm = rearm_words(host, instance);
	struct buf text;
	buf_init(&text, PLUGIN_ERROR_MAX);
	buf_add_text(&text, "switched off at ");
	time_format(&text, guard->off_at_ms);
	buf_printf(&text, ": %s.%s%s\nIt is on again when its file or options change, or with: %s",
		guard->why, guard->report ? " Report: " : "", guard->report ? guard->report : "",
		rearm);
	instance_set_error(instance, text.ptr);
	buf_finish(&text);
	free(rearm);
}

static void
journal(struct host *host, const struct instance *instance, const char *what, const char *why)
{
	const struct guard *guard = &instance->guard;
	struct buf detail;
	buf_init(&detail, PLUGIN_ERROR_MAX);
	buf_add_char(&detail, '{');
	json_put_key(&detail, "why");
	json_put_text(&detail, why);
	if (guard->report) {
		json_put_key(&detail, "report");
		json_put_text(&detail, guard->report);
	}
	json_put_key(&detail, "missed");
	json_put_int(&detail, (int64_t)guard->missed);
	buf_add_char(&detail, '}');
	host_journal(host, instance, what, STR_NONE, buf_str(&detail));
	buf_finish(&detail);
}

void
quarantine_trip(struct host *host, struct instance *instance, const char *why,
	const struct failure *failure)
{
	struct guard *guard = &instance->guard;
	if (guard->off)
		return;
	guard->off = true;
	guard->off_at_ms = clock_wall_ms(&host->config.clock);
	guard->missed = 0;
	free(guard->why);
	free(guard->report);
	guard->why = xstrdup(why);
	guard->report = write_report(host, instance, why, failure);
	quarantine_note_source(host, instance);
	quarantine_put_row(host, instance);
	journal(host, instance, "quarantined", why);
	say_off(host, instance);
	instance_report(host, instance, "is off");
	char *key = xasprintf("off|%s|%lld", instance->name, (long long)guard->off_at_ms);
	raise(host, instance, key, "is off", failure);
	free(key);
}

void
quarantine_load_failed(
	struct host *host, struct instance *instance, const struct plugin_error *error)
{
	struct guard *guard = &instance->guard;
	struct failure failure = {.error = error};
	if (host->config.offline || guard->off)
		return;
	char *text = xasprintf("%lld\n%s", (long long)guard->source, error->text);
	char *key = xasprintf(
		"load|%s|%016llx", instance->name, (unsigned long long)str_hash(str_from(text)));
	free(guard->why);
	free(guard->report);
	guard->why = xstrdup(
		"its file could not be loaded; it is tried again when a file of it changes");
	guard->report = write_report(host, instance, guard->why, &failure);
	if (guard->report)
		log_error(host->config.log, "  report: %s", guard->report);
	raise(host, instance, key, "could not be loaded", &failure);
	free(text);
	free(key);
}

void
quarantine_run(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = host->instances[i];
		struct plugin *plugin = instance->plugin;
		if (!instance->guard.off || !plugin)
			continue;
		tasks_drop_plugin(host, plugin);
		instance->plugin = NULL;
		plugin_destroy(plugin);
	}
}

bool
quarantine_holds(struct host *host, struct instance *instance)
{
	if (!quarantine_take_row(host, instance))
		return false;
	say_off(host, instance);
	return true;
}

void
quarantine_lift(struct host *host, struct instance *instance, const char *why)
{
	struct guard *guard = &instance->guard;
	failures_clear(&guard->failures);
	forget_recent(guard);
	quarantine_forget_source(guard);
	if (guard->off || guard->off_at_ms) {
		quarantine_delete(host->store, instance->name);
		journal(host, instance, "rearmed", why);
		log_info(host->config.log,
			"%s: on again (%s); it missed %llu events on its streams", instance->name,
			why, (unsigned long long)guard->missed);
	}
	free(guard->why);
	free(guard->report);
	guard->why = guard->report = NULL;
	guard->off = false;
	guard->off_at_ms = 0;
	guard->missed = guard->missed_put = 0;
}

/* ---- without a host ---- */

static void
put_words(void *data, const struct quarantine *row)
{
	buf_printf(
		data, "%s is armed: the next run loads it. It was switched off at ", row->instance);
	time_format(data, row->at_ms);
	buf_printf(data, ": %s\n", row->why);
}

bool
host_rearm_stopped(const char *folder, const char *name, struct log *log, struct buf *words)
{
	char error[MESSAGE_MAX];
	struct stopped stopped;
	(void)stopped_open(&stopped, folder, log, error);
	struct store *store = stopped.store;
	bool good = store && quarantine_get(store, name, put_words, words);
	if (good) {
		good = store_begin(store);
		if (good)
			quarantine_delete(store, name);
		good = good && store_commit(store);
		if (!good)
			buf_printf(words, "the database in %s cannot be written\n", folder);
	} else if (store) {
		buf_printf(words, "%s is not switched off\n", name);
	} else {
		buf_printf(words, "%s\n", error);
	}
	stopped_close(&stopped);
	return good;
}
