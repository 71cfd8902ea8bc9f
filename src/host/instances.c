/* SPDX-License-Identifier: MIT */
/* Plugins become instances: their files are loaded, their state comes back, their streams are asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "host_private.h"
#include "limits.h"
#include "state.h"
#include "xmalloc.h"

#define LOG_MODULE "host"

struct restoring {
	struct host *host;
	struct plugin *plugin;
};

static void
restore_key(void *data, struct str key, struct str json)
{
	struct restoring *restoring = data;
	struct buf shown;
	buf_init(&shown, 2 * PLUGIN_STATE_VALUE_MAX);
	if (secrets_reveal(restoring->host->config.secrets, json, &shown) == ERR_OK)
		plugin_restore(restoring->plugin, key, buf_str(&shown));
	else
		log_warn(restoring->host->config.log,
			"%s: tusk.store.%.*s holds a secret that is not configured any more; it is nil now",
			plugin_name(restoring->plugin), STR_ARG(key));
	buf_finish(&shown);
}

static void
restore_all(void *data, struct plugin *plugin)
{
	struct host *host = data;
	state_each(
		host->store, plugin_name(plugin), restore_key, &(struct restoring){host, plugin});
}

static struct account *
account_of(struct host *host, const struct config_plugin *about)
{
	if (!about->account)
		return host->account_count ? host->accounts[0] : NULL;
	for (unsigned i = 0; i < host->account_count; i++) {
		if (strcmp(host->accounts[i]->name, about->account) == 0)
			return host->accounts[i];
	}
	return NULL;
}

static void
on_file(void *data, const char *path, struct str text)
{
	struct instance *instance = data;
	if (instance->watch)
		watch_file(instance->watch, instance->name, path, text);
}

/* What tells, after a restart, whether somebody has changed what was switched off. */
static void
note_source(struct instance *instance, const struct config_plugin *about, struct str text)
{
	char *rest = xasprintf("%016llx\n%s\n%s\n%s", (unsigned long long)str_hash(text),
		about->ref, about->options ? about->options : "", about->allow ? about->allow : "");
	instance->guard.source = (int64_t)str_hash(str_from(rest));
	free(rest);
}

static struct plugin *
load_plugin(struct host *host, struct instance *instance, const struct config_plugin *about,
	const char *file, struct plugin_error *error)
{
	struct buf source;
	buf_init(&source, PLUGIN_SOURCE_MAX);
	if (!file_read(file, &source)) {
		snprintf(error->text, sizeof(error->text), "%s cannot be read: %s", file,
			strerror(errno));
		on_file(instance, file, STR_NONE);
		buf_finish(&source);
		return NULL;
	}
	on_file(instance, file, source.len ? buf_str(&source) : STR(""));
	note_source(instance, about, buf_str(&source));
	struct account *account = account_of(host, about);
	char *folder = file_folder(file);
	struct plugin_config config = {
		.name = about->name,
		.file = file,
		.source = buf_str(&source),
		.folder = folder,
		.account = account ? account->name : NULL,
		.tz = host->config.config->tz,
		.options = str_from(about->options),
		.allow = str_from(about->allow),
		.as_declared = about->as_declared,
		.config_file = about->as_declared ? NULL : host->config.config->file,
		.lua_dir = host->config.lua_dir,
		.log = host->config.log,
		.clock = host->config.clock,
		.parser = host->parser,
		.secrets = host->config.secrets,
		.windows = instance->windows,
		.restore = restore_all,
		.restore_data = host,
		.limits = about->limits,
		/* A replay gives the same again, in the random numbers too. */
		.seed = host->config.offline ? instance->number + 1 : rng_next(&host->rng),
		.on_file = on_file,
		.data = instance,
		/* valgrind does not understand compiled patterns */
		.pattern_flags = getenv("MOONTUSK_NO_JIT") ? PATTERN_NO_JIT : 0,
	};
	struct plugin *plugin = plugin_create(&config, error);
	host->built++;
	free(folder);
	buf_finish(&source);
	return plugin;
}

/* False: it subscribes on an account that the config does not have; `error` says so. */
static bool
accounts_are_there(struct host *host, const char *file, const struct plugin *plugin,
	struct plugin_error *error)
{
	unsigned count;
	const struct plugin_stream *streams = plugin_streams(plugin, &count);
	for (unsigned i = 0; i < count && host->config.config->account_count > 0; i++) {
		if (!streams[i].account || host_account(host, streams[i].account))
			continue;
		snprintf(error->text, sizeof(error->text),
			"%s:%d: subscribes on the account \"%s\", which is not in the config; expected one such as \"%s\"",
			file, streams[i].line, streams[i].account, host->accounts[0]->name);
		return false;
	}
	return true;
}

static void
warn_of_grant(void *data, const char *text)
{
	log_warn(data, "%s", text);
}

/* The file, with the watch told which one it is; NULL: `error` says why. New. */
static char *
find_file(struct host *host, struct instance *instance, const struct config_plugin *about,
	char *error)
{
	char *file = plugin_file(about->ref, host->config.config->folder, error);
	if (!file && instance->file) /* it may come back */
		on_file(instance, instance->file, STR_NONE);
	if (file) {
		free(instance->file);
		instance->file = xstrdup(file);
	}
	return file;
}

static struct plugin *
build(struct host *host, struct instance *instance, const struct config_plugin *about,
	struct plugin_error *error)
{
	error->text[0] = '\0';
	if (!archive_name_ok(str_from(about->name))) {
		snprintf(error->text, sizeof(error->text),
			"found the name \"%s\" (from %s), expected letters, digits, '-', '_' and '.', 64 at most: rename "
			"the file, or name the instance in a config file: { \"%s\", name = \"…\" }",
			about->name, about->ref, about->ref);
		return NULL;
	}
	char *file = find_file(host, instance, about, error->text);
	struct plugin *plugin = file ? load_plugin(host, instance, about, file, error) : NULL;
	if (plugin && !accounts_are_there(host, file, plugin, error)) {
		plugin_destroy(plugin);
		plugin = NULL;
	}
	free(file);
	if (!plugin)
		return NULL;
	if (!host->config.offline) /* `check` says it in its own way */
		plugin_each_odd_grant(plugin, warn_of_grant, host->config.log);
	return plugin;
}

struct plugin *
instance_build(struct host *host, struct instance *instance, const struct config_plugin *about,
	struct plugin_error *error)
{
	if (host->watch)
		watch_begin(host->watch, instance->name);
	struct plugin *plugin = build(host, instance, about, error);
	if (host->watch)
		watch_end(host->watch, instance->name, plugin != NULL);
	return plugin;
}

void
instance_restore(struct host *host, const struct instance *instance)
{
	if (!instance->plugin)
		return;
	plugin_forget(instance->plugin);
	restore_all(host, instance->plugin);
}

/* Reads its file without running it, so that a change is noticed. */
static void
look_at(struct host *host, struct instance *instance)
{
	struct buf source;
	char error[MESSAGE_MAX];
	buf_init(&source, PLUGIN_SOURCE_MAX);
	if (host->watch)
		watch_begin(host->watch, instance->name);
	char *file = find_file(host, instance, &instance->about, error);
	bool good = file && file_read(file, &source);
	if (good) {
		on_file(instance, file, source.len ? buf_str(&source) : STR(""));
		note_source(instance, &instance->about, buf_str(&source));
	}
	if (host->watch)
		watch_end(host->watch, instance->name, good);
	free(file);
	buf_finish(&source);
}

void
instance_set_error(struct instance *instance, const char *text)
{
	char *copy = xstrdup(text); /* it may be the old one */
	free(instance->error);
	instance->error = copy;
}

void
instance_report(struct host *host, const struct instance *instance, const char *what)
{
	const char *text = instance->error;
	log_error(host->config.log, "plugin \"%s\" %s:", instance->name, what);
	while (*text) {
		size_t len = strcspn(text, "\n");
		log_error(host->config.log, "  %.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static unsigned
free_number(const struct host *host)
{
	for (unsigned i = 0; i < INTAKE_INSTANCES_MAX; i++) {
		if (!host->by_number[i])
			return i;
	}
	return INSTANCE_NO_NUMBER;
}

static void
first_load(struct host *host, struct instance *instance)
{
	struct plugin_error *error = xmalloc(sizeof(*error));
	instance->plugin = instance_build(host, instance, &instance->about, error);
	instance_set_error(instance, instance->plugin ? NULL : error->text);
	if (!instance->plugin) {
		instance_report(host, instance, "cannot be loaded");
		quarantine_load_failed(host, instance, error);
	}
	free(error);
}

struct instance *
instance_add(struct host *host, const struct config_plugin *about)
{
	struct instance *instance = xmalloc(sizeof(*instance));
	*instance = (struct instance){
		.name = xstrdup(about->name),
		.number = free_number(host),
		.watch = host->watch,
		.about = config_plugin_copy(about),
		.account = account_of(host, about),
		.dry_run = about->dry_run || host->config.dry_run || host->config.offline,
		.act_within_ms = about->act_within_ms,
	};
	host->instances =
		xreallocarray(host->instances, host->instance_count + 1, sizeof(struct instance *));
	host->instances[host->instance_count++] = instance;
	instance->may_run = host->config.offline || !instance->account;
	for (unsigned i = 0; i < host->account_count; i++)
		instance->may_run = instance->may_run ||
				    (host->accounts[i] == instance->account && host->known[i]);
	inbox_init(&instance->inbox, instance->name);
	inbox_recount(&instance->inbox, host->store);
	guard_init(&instance->guard, about);
	instance->windows = windows_create(instance->name);
	windows_load(instance->windows, host->store);
	if (instance->number == INSTANCE_NO_NUMBER) {
		char *text =
			xasprintf("there are more than %d plugins: leave one out, or run it in a "
				  "host of its own with another --state",
				INTAKE_INSTANCES_MAX);
		instance_set_error(instance, text);
		instance_report(host, instance, "cannot be loaded");
		free(text);
	} else {
		host->by_number[instance->number] = instance;
		if (!host->config.offline)
			look_at(host, instance);
		if (quarantine_holds(host, instance)) {
			instance_report(host, instance, "is off");
			return instance;
		}
		first_load(host, instance);
	}
	if (!instance->plugin)
		return instance;
	if (host->config.offline) /* hears whatever is replayed */
		intake_subscribe(host->intake, instance->number, STR(""), STR("replay"), STR_NONE);
	instance->loaded_at_ms = clock_wall_ms(&host->config.clock);
	if (host_begin(host)) {
		waiting_adopt(host, instance);
		quarantine_lift(host, instance, "its file or its options have changed");
	}
	inbox_load(&instance->inbox, host->store, host->parser);
	return instance;
}

void
instances_create(struct host *host)
{
	const struct config *config = host->config.config;
	for (unsigned i = 0; i < config->plugin_count; i++)
		(void)instance_add(host, &config->plugins[i]);
	struct buf words; /* the log has them, too */
	buf_init(&words, RELOAD_WORDS_MAX);
	(void)folder_scan(host, &words);
	buf_finish(&words);
}

void
instance_destroy(struct instance *instance)
{
	inbox_finish(&instance->inbox);
	guard_finish(&instance->guard);
	plugin_destroy(instance->plugin);
	windows_destroy(instance->windows);
	config_plugin_finish(&instance->about);
	free(instance->schedules);
	free(instance->error);
	free(instance->file);
	free(instance->name);
	free(instance);
}

void
instances_destroy(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++)
		instance_destroy(host->instances[i]);
	free(host->instances);
}
