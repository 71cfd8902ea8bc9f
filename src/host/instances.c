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
#include "stream_name.h"
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

static struct plugin *
load_plugin(struct host *host, const struct config_plugin *about, const char *file,
	struct plugin_error *error)
{
	struct buf source;
	buf_init(&source, PLUGIN_SOURCE_MAX);
	if (!file_read(file, &source)) {
		snprintf(error->text, sizeof(error->text), "%s cannot be read: %s", file,
			strerror(errno));
		buf_finish(&source);
		return NULL;
	}
	struct account *account = account_of(host, about);
	char *folder = file_folder(file);
	struct plugin_config config = {
		.name = about->name,
		.file = file,
		.source = buf_str(&source),
		.folder = folder,
		.account = account ? account->name : NULL,
		.options = str_from(about->options),
		.allow = str_from(about->allow),
		.as_declared = about->as_declared,
		.lua_dir = host->config.lua_dir,
		.log = host->config.log,
		.clock = host->config.clock,
		.parser = host->parser,
		.secrets = host->config.secrets,
		/* valgrind does not understand compiled patterns */
		.pattern_flags = getenv("MOONTUSK_NO_JIT") ? PATTERN_NO_JIT : 0,
	};
	struct plugin *plugin = plugin_create(&config, error);
	free(folder);
	buf_finish(&source);
	return plugin;
}

static void
report_failed(struct host *host, const struct config_plugin *about, const char *text)
{
	log_error(host->config.log, "plugin \"%s\" cannot be loaded:", about->name);
	while (*text) {
		size_t len = strcspn(text, "\n");
		log_error(host->config.log, "  %.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
	host->failed_count++;
}

/* False: said; it subscribes on an account that the config does not have. */
static bool
accounts_are_there(struct host *host, const struct config_plugin *about, const char *file,
	const struct plugin *plugin)
{
	unsigned count;
	const struct plugin_stream *streams = plugin_streams(plugin, &count);
	for (unsigned i = 0; i < count && host->config.config->account_count > 0; i++) {
		if (!streams[i].account || host_account(host, streams[i].account))
			continue;
		char *text = xasprintf(
			"%s:%d: subscribes on the account \"%s\", which is not in the config; expected one such as \"%s\"",
			file, streams[i].line, streams[i].account, host->accounts[0]->name);
		report_failed(host, about, text);
		free(text);
		return false;
	}
	return true;
}

static void
add_instance(struct host *host, const struct config_plugin *about)
{
	struct plugin_error error = {{0}};
	char where[MESSAGE_MAX];
	if (!archive_name_ok(str_from(about->name))) {
		(void)snprintf(where, sizeof(where),
			"found the name \"%s\" (from %s), expected letters, digits, '-', '_' and '.', 64 at most: rename "
			"the file, or name the instance in a config file: { \"%s\", name = \"…\" }",
			about->name, about->ref, about->ref);
		report_failed(host, about, where);
		return;
	}
	char *file = plugin_file(about->ref, host->config.config->folder, where);
	if (!file) {
		report_failed(host, about, where);
		return;
	}
	struct plugin *plugin = host->instance_count < INTAKE_INSTANCES_MAX
					? load_plugin(host, about, file, &error)
					: NULL;
	if (!plugin)
		report_failed(host, about, error.text[0] ? error.text : "too many plugins");
	if (plugin && !accounts_are_there(host, about, file, plugin)) {
		plugin_destroy(plugin);
		plugin = NULL;
	}
	free(file);
	if (!plugin)
		return;
	struct instance *instance = &host->instances[host->instance_count++];
	*instance = (struct instance){
		.plugin = plugin,
		.name = xstrdup(about->name),
		.account = account_of(host, about),
		.dry_run = about->dry_run || host->config.dry_run || host->config.offline,
		.act_within_ms = about->act_within_ms,
	};
	instance->may_run = host->config.offline || !instance->account;
	inbox_init(&instance->inbox, instance->name);
	if (host->config.offline) /* hears whatever is replayed */
		intake_subscribe(
			host->intake, host->instance_count - 1, STR(""), STR("replay"), STR_NONE);
	state_each(host->store, instance->name, restore_key, &(struct restoring){host, plugin});
	inbox_load(&instance->inbox, host->store, host->parser);
}

void
instances_create(struct host *host)
{
	const struct config *config = host->config.config;
	host->instances = xcalloc(config->plugin_count + 1, sizeof(host->instances[0]));
	for (unsigned i = 0; i < config->plugin_count; i++)
		add_instance(host, &config->plugins[i]);
}

static void
subscribe(struct host *host, unsigned number)
{
	struct instance *instance = &host->instances[number];
	unsigned count;
	const struct plugin_stream *streams = plugin_streams(instance->plugin, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct plugin_stream *stream = &streams[i];
		const struct account *account =
			stream->account ? host_account(host, stream->account) : instance->account;
		const struct stream_info *info = stream_info(str_from(stream->stream));
		if (!account || !info) {
			if (!host->config.offline)
				log_error(host->config.log,
					"%s: line %d subscribes on the account \"%s\", which is not in the config",
					instance->name, stream->line,
					stream->account ? stream->account : "(none)");
			continue;
		}
		struct str name = str_from(stream->stream),
			   param = stream_param(info, str_from(stream->param));
		intake_subscribe(host->intake, number, str_from(account->name), name, param);
		for (unsigned a = 0; a < host->account_count; a++) {
			if (host->accounts[a] == account && host->links[a])
				link_add(host->links[a], name, param);
		}
	}
}

void
instances_subscribe(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++)
		subscribe(host, i);
}

void
instances_destroy(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = &host->instances[i];
		inbox_finish(&instance->inbox);
		plugin_destroy(instance->plugin);
		free(instance->schedules);
		free(instance->name);
	}
	free(host->instances);
}
