/* SPDX-License-Identifier: MIT */
/* Instances that come and go while the host runs: of the config, and of the folder that plugins are dropped into. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "host_private.h"
#include "limits.h"
#include "xmalloc.h"

#define LOG_MODULE "host"

struct instance *
instance_find(const struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		if (strcmp(host->instances[i]->name, name) == 0)
			return host->instances[i];
	}
	return NULL;
}

bool
instance_start(
	struct host *host, const struct config_plugin *about, bool dropped, struct buf *words)
{
	struct instance *instance = instance_find(host, about->name);
	if (instance) { /* it went, and comes back before its last task has ended */
		instance->leaving = false;
		instance->dropped = dropped;
		config_plugin_finish(&instance->about);
		instance->about = config_plugin_copy(about);
		return reload_instance(host, instance, &instance->about, words);
	}
	instance = instance_add(host, about);
	instance->dropped = dropped;
	if (!host->tick) /* host_start does the rest */
		return instance->plugin != NULL;
	subscriptions_change(host, instance, NULL);
	if (!instance->plugin) {
		buf_printf(words, "%s: not started: %s\n", instance->name,
			instance->error ? instance->error : "it is off");
		return false;
	}
	schedules_start_instance(host, instance);
	if (host_begin(host))
		host_journal(host, instance, "loaded", STR_NONE, STR("{}"));
	reload_say(host, instance, NULL, words);
	return true;
}

void
instance_stop(struct host *host, struct instance *instance, struct buf *words)
{
	struct plugin *old = instance->plugin;
	if (instance->leaving)
		return;
	instance->leaving = true;
	instance->plugin = NULL;
	subscriptions_change(host, instance, old);
	free(instance->schedules);
	instance->schedules = NULL;
	instance_set_error(instance, "it was taken out; what waits for it stays in the database");
	if (host->watch)
		watch_forget(host->watch, instance->name);
	if (host_begin(host))
		host_journal(host, instance, "stopped", STR_NONE, STR("{}"));
	log_info(host->config.log, "%s: stopped, it was taken out", instance->name);
	buf_printf(words, "%s: stopped\n", instance->name);
	retired_add(host, old);
}

/* Those that left are forgotten when nothing of theirs runs any more, and what waits is in the database. */
void
instances_sweep(struct host *host)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = host->instances[i];
		bool goes = instance->leaving && retired_count(host, instance) == 0 &&
			    !store_in_transaction(host->store) && !inbox_unsaved(&instance->inbox);
		if (!goes) {
			host->instances[kept++] = instance;
			continue;
		}
		intake_forget(host->intake, instance->number);
		host->by_number[instance->number] = NULL;
		host->built++; /* another may come to live at its address */
		instance_destroy(instance);
	}
	host->instance_count = kept;
}

/* ---- the folder ---- */

/* What was found in the folder. */
struct found {
	struct host *host;
	char **names, **files;
	unsigned count;
};

static void
note_found(void *data, const char *name, const char *file)
{
	struct found *found = data;
	found->names = xreallocarray(found->names, found->count + 1, sizeof(char *));
	found->files = xreallocarray(found->files, found->count + 1, sizeof(char *));
	found->names[found->count] = xstrdup(name);
	found->files[found->count++] = xstrdup(file);
}

static void
found_finish(struct found *found)
{
	for (unsigned i = 0; i < found->count; i++) {
		free(found->names[i]);
		free(found->files[i]);
	}
	free(found->names);
	free(found->files);
}

static bool
is_found(const struct found *found, const char *name)
{
	for (unsigned i = 0; i < found->count; i++) {
		if (strcmp(found->names[i], name) == 0)
			return true;
	}
	return false;
}

/* What is dropped in runs in the operator's name: only he may drop it. */
static bool
is_ours(struct host *host, const char *path, struct buf *words)
{
	const char *why = file_open_to_others(path);
	if (!why)
		return true;
	log_error(host->config.log, "%s is not used: %s; say chmod go-w, or chown, and reload",
		path, why);
	buf_printf(words, "%s is not used: %s\n", path, why);
	return false;
}

static bool
start_found(struct host *host, const char *name, const char *file, struct buf *words)
{
	const struct config *config = host->config.config;
	struct instance *there = instance_find(host, name);
	char *inside = file_folder(file); /* of a plugin with a folder of its own, or all of them */
	bool ours = is_ours(host, inside, words) && is_ours(host, file, words);
	free(inside);
	if (!ours)
		return false;
	if (there && !there->leaving) {
		/* One that the config names may well lie in the folder, too. */
		if (!there->dropped && (!there->file || strcmp(there->file, file) != 0)) {
			log_warn(host->config.log,
				"%s is not started: an instance is named \"%s\" already, and the name is the identity of the "
				"state; rename the file",
				file, name);
			buf_printf(words, "%s: not started: the name is taken\n", file);
		}
		if (!there->dropped)
			return true;
	}
	struct config fresh = {0};
	struct config_plugin *about = config_add_plugin(&fresh, file);
	free(about->name);
	about->name = xstrdup(name);
	config_folder_apply(&config->plugin_folder, about);
	bool good = there && !there->leaving
			    ? instance_reconfigure(host, there, about, false, words)
			    : instance_start(host, about, true, words);
	config_finish(&fresh);
	return good;
}

/* New; NULL without one. */
static char *
folder_path(const struct host *host)
{
	const char *path = host->config.config->plugin_folder.path;
	char *here = path && path[0] != '/' ? getcwd(NULL, 0) : NULL;
	char *absolute = here ? file_join(here, path) : xstrdup(path);
	free(here);
	return absolute;
}

bool
folder_scan(struct host *host, struct buf *words)
{
	char *path = folder_path(host);
	bool good = true;
	struct found found = {.host = host};
	if (host->watch)
		watch_forget(host->watch, FOLDER_TAG);
	if (path && host->watch)
		watch_plugins(
			host->watch, FOLDER_TAG, path); /* before the look: nothing is missed */
	if (path && !is_ours(host, path, words)) {
		good = false;
	} else if (path && !folder_plugins(path, note_found, &found)) {
		log_warn(host->config.log,
			"the plugin folder %s cannot be read: make it, and drop plugins into it",
			path);
		buf_printf(words, "the plugin folder %s cannot be read\n", path);
		good = false;
	}
	for (unsigned i = 0; i < host->instance_count && good; i++) {
		struct instance *instance = host->instances[i];
		if (instance->dropped && !is_found(&found, instance->name))
			instance_stop(host, instance, words);
	}
	for (unsigned i = 0; i < found.count && !host->stopped; i++)
		good = start_found(host, found.names[i], found.files[i], words) && good;
	found_finish(&found);
	free(path);
	return good;
}
