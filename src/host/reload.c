/* SPDX-License-Identifier: MIT */
/* A changed plugin takes the place of the old one between two events; when it fails, the old one goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "suggest.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "reload"

struct reload_request {
	char *instance; /* NULL: the config, and what has changed */
	bool rearm;
	bool changed; /* a file of it has */
	host_reloaded_fn *done;
	void *data;
	struct reload_request *next;
};

static struct reload_request *
add_request(struct host *host, const char *instance, host_reloaded_fn *done, void *data)
{
	struct reload_request *request = xmalloc(sizeof(*request));
	*request =
		(struct reload_request){.instance = xstrdup(instance), .done = done, .data = data};
	LL_APPEND(host->reloads, request);
	if (host->config.loop)
		loop_keep_awake(host->config.loop, true);
	return request;
}

void
host_reload(struct host *host, const char *instance, host_reloaded_fn *done, void *data)
{
	(void)add_request(host, instance, done, data);
}

void
reload_changed_file(struct host *host, const char *tag)
{
	add_request(host, tag, NULL, NULL)->changed = true;
}

void
host_rearm(struct host *host, const char *instance, host_reloaded_fn *done, void *data)
{
	add_request(host, instance, done, data)->rearm = true;
}

/* ---- one instance ---- */

static void
keep_error(struct host *host, struct instance *instance, const char *text, struct buf *words)
{
	instance_set_error(instance, text);
	instance_report(host, instance,
		instance->plugin ? "cannot be loaded anew, the old one goes on"
				 : "cannot be loaded");
	buf_printf(words, "%s: not reloaded%s: %s\n", instance->name,
		instance->plugin ? ", the old one goes on" : "", text);
	struct buf detail;
	buf_init(&detail, EVENT_LINE_MAX);
	buf_add_char(&detail, '{');
	json_put_key(&detail, "error");
	json_put_text(&detail, text);
	buf_add_char(&detail, '}');
	if (host_begin(host))
		host_journal(host, instance, "reload_failed", STR_NONE, buf_str(&detail));
	buf_finish(&detail);
}

/* The value of tusk.on_save goes from the old plugin to the new one. False: the new one failed on it. */
static bool
hand_over(struct host *host, struct instance *instance, struct plugin *fresh,
	struct plugin_error *error)
{
	struct buf saved;
	bool good = true;
	if (!instance->plugin)
		return true;
	buf_init(&saved, PLUGIN_STATE_VALUE_MAX);
	if (!plugin_save(instance->plugin, &saved, error))
		/* Else a mistake in on_save could never be mended. */
		log_warn(host->config.log,
			"%s: tusk.on_save of the old plugin failed, the new one starts without its value: %s",
			instance->name, error->text);
	else if (saved.len > 0)
		good = plugin_take_over(
			fresh, buf_str(&saved), plugin_about(instance->plugin)->version, error);
	buf_finish(&saved);
	return good;
}

void
reload_say(struct host *host, struct instance *instance, const char *before, struct buf *words)
{
	const char *version = plugin_about(instance->plugin)->version;
	unsigned handlers, streams, schedules;
	plugin_handlers(instance->plugin, &handlers);
	plugin_streams(instance->plugin, &streams);
	plugin_schedules(instance->plugin, &schedules);
	struct buf line;
	buf_init(&line, MESSAGE_MAX);
	buf_printf(&line, "%s: %s", instance->name, instance->reloads ? "reloaded" : "started");
	if (version && before && strcmp(version, before) != 0)
		buf_printf(&line, ", version %.40s after %.40s", version, before);
	else if (version)
		buf_printf(&line, ", version %.40s", version);
	buf_printf(&line, ": %u handler%s on %u stream%s, %u schedule%s", handlers,
		handlers == 1 ? "" : "s", streams, streams == 1 ? "" : "s", schedules,
		schedules == 1 ? "" : "s");
	log_info(host->config.log, "%s", line.ptr);
	buf_printf(words, "%s\n", line.ptr);
	buf_finish(&line);
}

static void
swap(struct host *host, struct instance *instance, struct plugin *fresh, struct buf *words)
{
	struct plugin *old = instance->plugin;
	char *version = old ? xstrdup(plugin_about(old)->version) : NULL;
	instance->plugin = fresh;
	instance->loaded_at_ms = clock_wall_ms(&host->config.clock);
	instance->reloads += old != NULL;
	instance_set_error(instance, NULL);
	waiting_adopt(host, instance);
	inbox_load(&instance->inbox, host->store, host->parser);
	subscriptions_change(host, instance, old);
	quarantine_lift(host, instance, "it was loaded anew");
	schedules_start_instance(host, instance);
	host_journal(host, instance, old ? "reloaded" : "loaded", STR_NONE, STR("{}"));
	reload_say(host, instance, version, words);
	free(version);
	retired_add(host, old);
}

bool
reload_instance(struct host *host, struct instance *instance, const struct config_plugin *about,
	struct buf *words)
{
	struct plugin_error *error = xmalloc(sizeof(*error));
	if (instance->number == INSTANCE_NO_NUMBER) {
		buf_printf(words, "%s: %s\n", instance->name, instance->error);
		free(error);
		return false;
	}
	struct plugin *fresh = instance_build(host, instance, about, error);
	bool good = fresh && hand_over(host, instance, fresh, error), works = good;
	if (good && !host_begin(host)) {
		good = false;
		snprintf(error->text, sizeof(error->text),
			"the database cannot be written now; ask again when it can");
	}
	if (good) {
		swap(host, instance, fresh, words);
	} else {
		plugin_destroy(fresh);
		keep_error(host, instance, error->text, words);
		if (!instance->plugin && !works)
			quarantine_load_failed(host, instance, error);
	}
	free(error);
	return good;
}

/* ---- requests ---- */

/* An instance that is on needs no rearming. */
static bool
rearm(struct host *host, struct instance *instance, struct buf *words)
{
	if (!instance->plugin)
		return reload_instance(host, instance, &instance->about, words);
	buf_printf(words, "%s is not switched off\n", instance->name);
	return false;
}

/* What was switched off is not loaded anew by the way, but when a file of it has changed. */
static bool
reload_asked(struct host *host, struct instance *instance, bool changed, struct buf *words)
{
	changed = changed || (host->watch && watch_differs(host->watch, instance->name));
	if (!instance->guard.off || changed)
		return reload_instance(host, instance, &instance->about, words);
	buf_printf(words, "%s: not reloaded: %s\n", instance->name, instance->error);
	return false;
}

static bool
reload_named(struct host *host, const struct reload_request *request, struct buf *words)
{
	const char *name = request->instance;
	if (strcmp(name, FOLDER_TAG) == 0)
		return folder_scan(host, words);
	if (strcmp(name, CONFIG_TAG) == 0) {
		bool good = reconfig_run(host, words);
		return folder_scan(host, words) && good;
	}
	struct instance *instance = instance_find(host, name);
	/* Its file has changed, and is not there any more: the folder says that first. */
	if (instance && instance->dropped && instance->file && !file_exists(instance->file))
		return folder_scan(host, words);
	if (instance && !instance->leaving)
		return request->rearm ? rearm(host, instance, words)
				      : reload_asked(host, instance, request->changed, words);
	const char **known = xcalloc(host->instance_count + 1, sizeof(known[0]));
	for (unsigned i = 0; i < host->instance_count; i++)
		known[i] = host->instances[i]->name;
	const char *near = suggest(str_from(name), known, host->instance_count);
	buf_printf(words, "there is no instance \"%.100s\"%s%s%s\n", name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	free(known);
	return false;
}

/* Those whose files are others than those that were read, and those that are not there. */
static bool
reload_changed(struct host *host, struct buf *words)
{
	bool good = reconfig_run(host, words);
	good = folder_scan(host, words) && good;
	for (unsigned i = 0; i < host->instance_count && !host->stopped; i++) {
		struct instance *instance = host->instances[i];
		if (instance->leaving)
			continue;
		if ((!instance->plugin && !instance->guard.off) ||
			(host->watch && watch_differs(host->watch, instance->name)))
			good = reload_instance(host, instance, &instance->about, words) && good;
	}
	return good;
}

void
reload_run(struct host *host)
{
	while (host->reloads && !host->stopped) {
		struct reload_request *request = host->reloads;
		LL_DELETE(host->reloads, request);
		struct buf words;
		buf_init(&words, RELOAD_WORDS_MAX);
		bool good = request->instance ? reload_named(host, request, &words)
					      : reload_changed(host, &words);
		if (request->done)
			request->done(request->data, good,
				words.len ? buf_str(&words) : STR("nothing has changed\n"));
		buf_finish(&words);
		free(request->instance);
		free(request);
	}
}

void
reload_forget(struct host *host)
{
	while (host->reloads) {
		struct reload_request *request = host->reloads;
		LL_DELETE(host->reloads, request);
		if (request->done)
			request->done(request->data, false, STR("the host ends\n"));
		free(request->instance);
		free(request);
	}
}
