/* SPDX-License-Identifier: MIT */
/* The host: owns accounts, instances, store and outbox, and runs the turn. One object, one loop. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "control.h"
#include "edits.h"
#include "files.h"
#include "gapfill.h"
#include "host_private.h"
#include "limits.h"
#include "reconcile.h"
#include "utlist.h"
#include "version.h"
#include "xmalloc.h"

#define LOG_MODULE "host"
#define USER_AGENT "moontusk/" MOONTUSK_VERSION

/* ---- small services for the other files ---- */

bool
host_begin(struct host *host)
{
	if (host->stopped || host->turn_failed)
		return false;
	if (store_in_transaction(host->store) || store_begin(host->store))
		return true;
	host->turn_failed = true; /* the end of the turn sees to it */
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

void
host_close(struct host *host, const char *why)
{
	if (host->stopped || host->closing)
		return;
	if (!host->config.loop || host->config.config->alert_count == 0) {
		host_stop(host, why);
		return;
	}
	host->closing = why;
	host->close_by_ms = clock_mono_ms(&host->config.clock) + ALERT_LAST_MS;
	loop_keep_awake(host->config.loop, true);
}

void
host_close_run(struct host *host)
{
	if (host->closing && (host->ending || !alert_waits(host) ||
				     clock_mono_ms(&host->config.clock) >= host->close_by_ms))
		host_stop(host, host->closing);
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

/* A forward was allowed when it was asked for; whose plugin is gone meanwhile, it goes to the public network only. */
static enum http_reach
reach_of_outbox(void *data, const char *instance, const struct url *to)
{
	const struct host *host = data;
	if (strcmp(instance, ALERT_SENDER) == 0)
		return HTTP_REACH_ANY; /* the operator wrote the address */
	for (unsigned i = 0; i < host->instance_count; i++) {
		const struct instance *at = host->instances[i];
		if (strcmp(at->name, instance) == 0 && at->plugin)
			return plugin_reach(at->plugin, to);
	}
	return HTTP_REACH_PUBLIC;
}

static void
on_outcome(void *data, const struct intent *intent)
{
	struct host *host = data;
	tasks_outcome(host, intent);
	host->stats.done += intent->state == INTENT_DONE;
	host->stats.failed += intent->state == INTENT_FAILED;
	host->stats.unknown += intent->state == INTENT_UNKNOWN;
	host->stats.dry += intent->state == INTENT_DRY;
	if (host->events.on_action)
		host->events.on_action(host->data, intent);
}

static void
on_written(void *data, const struct intent *intent)
{
	alert_unknown(data, intent);
}

/* ---- news from the connections ---- */

static void
on_link_event(void *data, struct event *event)
{
	struct host *host = data;
	intake_push(host->intake, event);
	if (intake_full(host->intake))
		turn_pause_sockets(host);
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
		.state = stream_state_name(status->state),
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
		if (host->accounts[i] == account && !host->lost[i])
			alert_account(host, account);
		if (host->accounts[i] == account)
			host->lost[i] = true;
		any_left = any_left || !host->lost[i];
	}
	if (!any_left)
		host_close(host, "no account is left to connect with");
}

static void
on_link_state(void *data, const struct account *account, const struct stream_status *status)
{
	struct host *host = data;
	if (status->news != STREAM_NEWS_NONE)
		add_news(host, status->news == STREAM_NEWS_UP ? "connected" : "disconnected",
			account, status);
	if (host->gapfill)
		gapfill_state(host->gapfill, account, status);
	if (host->events.on_stream)
		host->events.on_stream(host->data, account, status);
	if (status->state == STREAM_DISABLED)
		lose_account(host, account);
}

static void
on_link(void *data, const struct account *account, enum link_event what, const char *message)
{
	struct host *host = data;
	struct log *log = host->config.log;
	for (unsigned i = 0; i < host->account_count && what != LINK_RETRY; i++)
		host->known[i] = host->known[i] || host->accounts[i] == account;
	for (unsigned i = 0; i < host->instance_count && what != LINK_RETRY; i++) {
		if (host->instances[i]->account == account)
			host->instances[i]->may_run = true;
	}
	if (what == LINK_READY) {
		log_debug(log, "%s: streaming server %s", account->name,
			account->streaming ? account->streaming : "(none)");
	} else if (what == LINK_NO_STREAMING) {
		log_warn(log, "%s: %s", account->name, message);
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
	host->known = xcalloc(count + 1, sizeof(bool));
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
		.account = account_of_outbox,
		.reach = reach_of_outbox,
		.on_outcome = on_outcome,
		.on_written = on_written,
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
	archives_set_rotation(host->archives, &host->config.config->archive);
	bool dry = host->config.dry_run || host->config.offline;
	host->outbox = create_outbox(host, dry);
	host->dry_outbox = create_outbox(host, true);
	return true;
}

static void
on_changed(void *data, const char *tag)
{
	reload_changed_file(data, tag);
}

struct host *
host_create(const struct host_config *config, const struct host_events *events, void *data)
{
	struct host *host = xmalloc(sizeof(*host));
	*host = (struct host){.config = *config, .events = *events, .data = data};
	rng_seed_system(&host->rng);
	host->parser = json_parser_create();
	host->intake = intake_create();
	host->deletes = deletes_create(host);
	host->edits = edits_create();
	host->views = views_create();
	host->scratch = pattern_scratch_create();
	host->matching = matching_create(host);
	if (!config->offline) {
		host->watch = watch_create(config->loop, on_changed, host);
		host->http = http_create(config->loop, config->log, USER_AGENT);
		host->ws = ws_client_create(config->loop, config->log);
		host->requests = requests_create(host);
	}
	if (!create_accounts(host) || !create_store(host))
		goto fail;
	instances_create(host);
	/* Into a folder a good plugin may be dropped any time. */
	if (host_failed_count(host) == host->instance_count &&
		(!config->config->plugin_folder.path || config->offline)) {
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

static void
open_control(struct host *host)
{
	char error[MESSAGE_MAX];
	host->started_at_ms = clock_wall_ms(&host->config.clock);
	if (!host->config.state_folder)
		return;
	status_mark(host, STATUS_STARTED);
	host->control = control_open(host, host->config.loop, host->config.state_folder, error);
	if (!host->control)
		log_warn(host->config.log, "%s. Verbs such as \"status\" cannot ask this host",
			error);
}

static enum transport
transport_of(const struct host *host, const struct account *account)
{
	const struct config *config = host->config.config;
	for (unsigned i = 0; i < config->account_count; i++) {
		if (strcmp(config->accounts[i].name, account->name) == 0)
			return config->accounts[i].transport;
	}
	return TRANSPORT_AUTO;
}

struct link *
host_connect(struct host *host, unsigned account)
{
	struct link_config config = {
		.streaming =
			{
				.loop = host->config.loop,
				.http = host->http,
				.ws = host->ws,
				.log = host->config.log,
				.rng = &host->rng,
				.parser = host->parser,
				.transport = transport_of(host, host->accounts[account]),
				.user_agent = USER_AGENT,
			},
		.account = host->accounts[account],
	};
	struct link *link = link_create(&config, &link_events, host);
	link_pause(link, intake_full(host->intake) || host->trouble);
	return link;
}

void
host_start(struct host *host)
{
	struct loop *loop = host->config.loop;
	host->tick = loop_timer_create(loop, on_tick, host);
	host->gapfill = gapfill_create(host);
	for (unsigned i = 0; i < host->account_count; i++)
		host->links[i] = host_connect(host, i);
	reconfig_watch(host);
	open_control(host);
	subscriptions_start(host);
	schedules_start(host);
	deletes_start(host->deletes);
	host->reconcile = reconcile_create(host);
	loop_set_turn(loop, turn_run, host);
	loop_keep_awake(loop, true); /* the first turn commits, and sends what was left open */
}

static void
begin_replay(struct host *host)
{
	REQUIRE(host->config.offline);
	if (host->started)
		return;
	host->started = true;
	schedules_start(host);
}

void
host_replay(struct host *host, struct event *event)
{
	begin_replay(host);
	if (event)
		intake_push(host->intake, event);
	unsigned turns = 0;
	do
		turn_run(host);
	while (!host->stopped &&
		(intake_count(host->intake) > 0 ||
			(host_next_due(host) <= clock_wall_ms(&host->config.clock) &&
				++turns < REPLAY_TURNS_MAX)));
}

void
host_pass(struct host *host)
{
	begin_replay(host);
	matching_pass(host->matching);
	host->stats.received++;
	if (host_next_due(host) <= clock_wall_ms(&host->config.clock))
		host_replay(host, NULL);
	else if (store_in_transaction(host->store) && !host->stopped)
		commit_turn(host, clock_mono_ms(&host->config.clock));
}

void
host_finish(struct host *host)
{
	if (host->tick && !host->ending) {
		host->ending = true;
		status_mark(host, STATUS_ENDED);
		turn_run(host); /* what came is handled, what ended is written down */
		loop_set_turn(host->config.loop, NULL, NULL);
		loop_keep_awake(host->config.loop, false);
	}
	if (host->store && store_in_transaction(host->store) && !host->stopped)
		commit_now(host, clock_mono_ms(&host->config.clock)); /* of a replay */
}

void
host_destroy(struct host *host)
{
	if (!host)
		return;
	host_finish(host);
	loop_timer_destroy(host->tick);
	watch_destroy(host->watch);
	reload_forget(host);
	control_close(host->control);
	for (unsigned i = 0; i < host->account_count; i++)
		link_destroy(host->links[i]);
	outbox_destroy(host->outbox);
	outbox_destroy(host->dry_outbox);
	requests_destroy(host->requests);
	host->requests = NULL;
	reconcile_destroy(host->reconcile);
	deletes_destroy(host->deletes);
	alert_direct_forget(host);
	gapfill_destroy(host->gapfill);
	host->gapfill = NULL;
	if (host->http)
		http_destroy(host->http);
	if (host->ws)
		ws_client_destroy(host->ws);
	tasks_destroy(host);
	retired_destroy(host);
	matching_destroy(host->matching);
	instances_destroy(host);
	positions_forget(host);
	commit_leave_checkpoint(host);
	news_forget(host);
	alert_forget(host);
	archives_close(host->archives);
	store_close(host->store);
	for (unsigned i = 0; i < host->account_count; i++)
		account_destroy(host->accounts[i]);
	for (unsigned i = 0; i < host->gone_count; i++)
		account_destroy(host->gone[i]);
	free(host->gone);
	if (host->own_config)
		config_finish(host->own_config);
	free(host->own_config);
	free(host->accounts);
	free(host->links);
	free(host->lost);
	free(host->known);
	intake_destroy(host->intake);
	edits_destroy(host->edits);
	views_destroy(host->views);
	pattern_scratch_destroy(host->scratch);
	json_parser_destroy(host->parser);
	trouble_turn_done(host);
	free(host->taken);
	free(host->trouble);
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
	unsigned count = 0;
	for (unsigned i = 0; i < host->instance_count; i++)
		count += !host->instances[i]->plugin && !host->instances[i]->guard.off;
	return count;
}

const struct plugin *
host_plugin(const struct host *host, unsigned instance)
{
	return host->instances[instance]->plugin;
}

const char *
host_instance_account(const struct host *host, unsigned instance)
{
	const struct account *account = host->instances[instance]->account;
	return account ? account->name : NULL;
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
