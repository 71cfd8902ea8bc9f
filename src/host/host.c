/* SPDX-License-Identifier: MIT */
/* The host: owns accounts, instances, store and outbox, and runs the turn. One object, one loop. */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "host_private.h"
#include "limits.h"
#include "state.h"
#include "stream_name.h"
#include "utlist.h"
#include "version.h"
#include "xmalloc.h"

#define LOG_MODULE "host"
#define USER_AGENT "moontusk/" MOONTUSK_VERSION

/* ---- small services for the other files ---- */

bool
host_begin(struct host *host)
{
	if (host->stopped)
		return false;
	if (store_in_transaction(host->store) || store_begin(host->store))
		return true;
	host_stop(host, "the database cannot be written");
	return false;
}

void
host_stop(struct host *host, const char *why)
{
	if (host->stopped)
		return;
	host->stopped = true;
	log_error(host->config.log, "stopping: %s.", why);
	if (store_in_transaction(host->store))
		store_rollback(host->store);
	if (host->config.loop)
		loop_stop(host->config.loop);
	if (host->events.on_stopped)
		host->events.on_stopped(host->data);
}

const struct account *
host_account(const struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->account_count; i++) {
		if (strcmp(host->accounts[i]->name, name) == 0)
			return host->accounts[i];
	}
	return NULL;
}

static const struct account *
account_of_outbox(void *data, const char *name)
{
	return host_account(data, name);
}

static void
on_outcome(void *data, const struct intent *intent)
{
	struct host *host = data;
	if (host->events.on_action)
		host->events.on_action(host->data, intent);
}

/* ---- news from the connections ---- */

static void
on_link_event(void *data, struct event *event)
{
	struct host *host = data;
	intake_push(host->intake, event);
	if (intake_full(host->intake) && !host->paused) {
		host->paused = true;
		for (unsigned i = 0; i < host->account_count; i++) {
			if (host->links[i])
				link_pause(host->links[i], true);
		}
	}
}

static void
on_link_broken(void *data, const char *what)
{
	struct host *host = data;
	(void)what; /* said by the connection, which knows the stream */
	host->stats.broken++;
}

static void
add_news(struct host *host, const char *name, const struct account *account,
	const struct stream_status *status)
{
	struct news *news = xmalloc(sizeof(*news));
	*news = (struct news){
		.name = name,
		.account = account,
		.stream = str_dup(status->stream),
		.param = str_dup(status->param),
		.reason = xstrdup(status->reason ? status->reason : ""),
	};
	LL_APPEND(host->news, news);
}

/* The server does not want this account any more. The last one ends the host. */
static void
lose_account(struct host *host, const struct account *account)
{
	bool any_left = false;
	for (unsigned i = 0; i < host->account_count; i++) {
		if (host->accounts[i] == account)
			host->lost[i] = true;
		any_left = any_left || !host->lost[i];
	}
	if (!any_left)
		host_stop(host, "no account is left to connect with");
}

static void
on_link_state(void *data, const struct account *account, const struct stream_status *status)
{
	struct host *host = data;
	if (status->state == STREAM_LIVE)
		add_news(host, "connected", account, status);
	else if (status->state != STREAM_CONNECTING)
		add_news(host, "disconnected", account, status);
	if (host->events.on_stream)
		host->events.on_stream(host->data, account, status);
	if (status->state == STREAM_STOPPED)
		lose_account(host, account);
}

static void
on_link(void *data, const struct account *account, enum link_event what, const char *message)
{
	struct host *host = data;
	struct log *log = host->config.log;
	for (unsigned i = 0; i < host->instance_count && what != LINK_RETRY; i++) {
		if (host->instances[i].account == account)
			host->instances[i].may_run = true;
	}
	if (what == LINK_READY) {
		log_debug(log, "%s: streaming server %s", account->name, account->streaming);
	} else if (what == LINK_RETRY) {
		log_warn(log, "%s: %s. Trying again.", account->name, message);
	} else {
		log_error(log, "%s: %s", account->name, message);
		lose_account(host, account);
	}
}

static const struct link_events link_events = {
	on_link_event, on_link_broken, on_link_state, on_link};

/* ---- setting up ---- */

/* Offline, plugins act for a stand-in when the config has no account. */
static bool
create_accounts(struct host *host)
{
	char name[] = "replay", server[] = "https://replay.invalid";
	const struct config_account nobody = {.name = name, .server = server};
	const struct config *config = host->config.config;
	bool alone = host->config.offline && config->account_count == 0;
	const struct config_account *list = alone ? &nobody : config->accounts;
	unsigned count = alone ? 1 : config->account_count;
	host->accounts = xcalloc(count + 1, sizeof(struct account *));
	host->links = xcalloc(count + 1, sizeof(struct link *));
	host->lost = xcalloc(count + 1, sizeof(bool));
	for (unsigned i = 0; i < count; i++) {
		const struct config_account *from = &list[i];
		struct account_config about = {
			from->name, from->server, from->token, from->ca_file};
		char error[MESSAGE_MAX];
		struct account *account = account_create(&about, host->config.secrets, error);
		if (!account) {
			log_error(host->config.log, "%s%saccount \"%s\": %s",
				config->file ? config->file : "", config->file ? ": " : "",
				from->name, error);
			return false;
		}
		host->accounts[host->account_count++] = account;
		intake_set_host(host->intake, str_from(account->name), str_from(account->host));
	}
	return true;
}

static struct outbox *
create_outbox(struct host *host, bool dry_run)
{
	struct outbox_config config = {
		.loop = host->config.loop,
		.http = dry_run ? NULL : host->http,
		.store = host->store,
		.secrets = host->config.secrets,
		.log = host->config.log,
		.rng = &host->rng,
		.clock = host->config.clock,
		.dry_run = dry_run,
		.user_agent = USER_AGENT,
		.account = account_of_outbox,
		.on_outcome = on_outcome,
		.data = host,
	};
	return outbox_create(&config);
}

static bool
create_store(struct host *host)
{
	char error[MESSAGE_MAX];
	const char *folder = host->config.state_folder;
	host->store_path = folder ? file_join(folder, "moontusk.db") : NULL;
	host->store = store_open(host->store_path, host->config.log, error);
	if (!host->store) {
		log_error(host->config.log, "%s", error);
		return false;
	}
	host->archives = archives_open(folder, host->store, host->config.log);
	bool dry = host->config.dry_run || host->config.offline;
	host->outbox = create_outbox(host, dry);
	host->dry_outbox = create_outbox(host, true);
	return true;
}

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

static void
create_instances(struct host *host)
{
	const struct config *config = host->config.config;
	host->instances = xcalloc(config->plugin_count + 1, sizeof(host->instances[0]));
	for (unsigned i = 0; i < config->plugin_count; i++)
		add_instance(host, &config->plugins[i]);
}

/* Tells the intake who hears what; with links, asks the servers for it. */
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

struct host *
host_create(const struct host_config *config, const struct host_events *events, void *data)
{
	struct host *host = xmalloc(sizeof(*host));
	*host = (struct host){.config = *config, .events = *events, .data = data};
	rng_seed_system(&host->rng);
	host->parser = json_parser_create();
	host->intake = intake_create();
	host->views = views_create();
	host->scratch = pattern_scratch_create();
	if (!config->offline) {
		host->http = http_create(config->loop, config->log, USER_AGENT);
		host->ws = ws_client_create(config->loop, config->log);
	}
	if (!create_accounts(host) || !create_store(host))
		goto fail;
	create_instances(host);
	if (host->instance_count == 0) {
		if (config->config->plugin_count == 0)
			log_error(config->log,
				"%s%sthere is no plugin to run. Add one: plugins = { \"keyword_archive\", \"./mine.lua\" }.",
				config->config->file ? config->config->file : "",
				config->config->file ? ": " : "");
		goto fail;
	}
	return host;
fail:
	host_destroy(host);
	return NULL;
}

static void
on_tick(void *data)
{
	(void)data; /* the turn runs after every callback */
}

void
host_start(struct host *host)
{
	struct loop *loop = host->config.loop;
	host->tick = loop_timer_create(loop, on_tick, host);
	for (unsigned i = 0; i < host->account_count; i++) {
		struct link_config config = {
			.streaming =
				{
					.loop = loop,
					.http = host->http,
					.ws = host->ws,
					.log = host->config.log,
					.rng = &host->rng,
					.parser = host->parser,
					.transport = host->config.config->accounts[i].transport,
					.user_agent = USER_AGENT,
				},
			.account = host->accounts[i],
		};
		host->links[i] = link_create(&config, &link_events, host);
	}
	for (unsigned i = 0; i < host->instance_count; i++) {
		subscribe(host, i);
	}
	turn_start_schedules(host);
	loop_set_turn(loop, turn_run, host);
	loop_keep_awake(loop, true); /* the first turn commits, and sends what was left open */
}

void
host_replay(struct host *host, struct event *event)
{
	REQUIRE(host->config.offline);
	if (!host->instances[0].schedules)
		turn_start_schedules(host);
	if (event)
		intake_push(host->intake, event);
	do
		turn_run(host);
	while (!host->stopped && (intake_count(host->intake) > 0 || host->checkpoint));
}

static void
destroy_instances(struct host *host)
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

static void
forget_news(struct host *host)
{
	struct news *news, *next;
	LL_FOREACH_SAFE(host->news, news, next) {
		free(news->stream);
		free(news->param);
		free(news->reason);
		free(news);
	}
}

void
host_destroy(struct host *host)
{
	if (!host)
		return;
	if (host->tick) {
		host->ending = true;
		turn_run(host); /* what came is handled, what ended is written down */
		loop_set_turn(host->config.loop, NULL, NULL);
		loop_keep_awake(host->config.loop, false);
	}
	loop_timer_destroy(host->tick);
	for (unsigned i = 0; i < host->account_count; i++)
		link_destroy(host->links[i]);
	outbox_destroy(host->outbox);
	outbox_destroy(host->dry_outbox);
	if (host->http)
		http_destroy(host->http);
	if (host->ws)
		ws_client_destroy(host->ws);
	destroy_instances(host);
	turn_forget_positions(host);
	turn_leave_checkpoint(host);
	forget_news(host);
	archives_close(host->archives);
	store_close(host->store);
	for (unsigned i = 0; i < host->account_count; i++)
		account_destroy(host->accounts[i]);
	free(host->accounts);
	free(host->links);
	free(host->lost);
	intake_destroy(host->intake);
	views_destroy(host->views);
	pattern_scratch_destroy(host->scratch);
	json_parser_destroy(host->parser);
	free(host->store_path);
	free(host);
}

unsigned
host_instance_count(const struct host *host)
{
	return host->instance_count;
}

unsigned
host_failed_count(const struct host *host)
{
	return host->failed_count;
}

const struct plugin *
host_plugin(const struct host *host, unsigned instance)
{
	return host->instances[instance].plugin;
}

const struct host_stats *
host_stats(const struct host *host)
{
	return &host->stats;
}

size_t
host_pending(const struct host *host)
{
	return outbox_pending(host->outbox);
}
