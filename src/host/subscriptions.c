/* SPDX-License-Identifier: MIT */
/* Who hears which stream: the plugins' subscriptions, to the intake and to the accounts' connections. */
#include "host_private.h"
#include "limits.h"
#include "stream_name.h"

#define LOG_MODULE "host"

/* A subscription with what it means on this host. */
struct heard {
	unsigned account; /* number of the account */
	struct str stream, param;
};

/* False: no such account; said in the log when `say`. */
static bool
resolve(struct host *host, const struct instance *instance, const struct plugin_stream *stream,
	struct heard *heard, bool say)
{
	const struct account *account =
		stream->account ? host_account(host, stream->account) : instance->account;
	const struct stream_info *info = stream_info(str_from(stream->stream));
	if (!account || !info) {
		if (say && !host->config.offline)
			log_error(host->config.log,
				"%s: line %d subscribes on the account \"%s\", which is not in the config",
				instance->name, stream->line,
				stream->account ? stream->account : "(none)");
		return false;
	}
	heard->stream = str_from(stream->stream);
	heard->param = stream_param(info, str_from(stream->param));
	for (heard->account = 0; heard->account < host->account_count; heard->account++) {
		if (host->accounts[heard->account] == account)
			return true;
	}
	return false; /* the config has it no more */
}

/* What the instance is to hear from now on: of its plugin, or, while it is off, what it misses. */
static const struct plugin_stream *
wanted_streams(const struct instance *instance, unsigned *count)
{
	*count = 0;
	if (instance->leaving)
		return NULL;
	if (instance->plugin)
		return plugin_streams(instance->plugin, count);
	*count = instance->guard.stream_count;
	return instance->guard.streams;
}

static bool
has_stream(struct host *host, const struct instance *instance, const struct heard *wanted)
{
	unsigned count;
	const struct plugin_stream *streams = wanted_streams(instance, &count);
	for (unsigned i = 0; i < count; i++) {
		struct heard heard;
		if (resolve(host, instance, &streams[i], &heard, false) &&
			heard.account == wanted->account &&
			stream_same(heard.stream, heard.param, wanted->stream, wanted->param))
			return true;
	}
	return false;
}

static void
remove_gone(struct host *host, struct instance *instance, const struct plugin *old)
{
	unsigned count = instance->guard.stream_count;
	const struct plugin_stream *streams =
		old ? plugin_streams(old, &count) : instance->guard.streams;
	for (unsigned i = 0; i < count; i++) {
		struct heard heard;
		if (!resolve(host, instance, &streams[i], &heard, false) ||
			has_stream(host, instance, &heard))
			continue;
		struct str account = str_from(host->accounts[heard.account]->name);
		if (intake_unsubscribe(
			    host->intake, instance->number, account, heard.stream, heard.param) &&
			host->links[heard.account])
			link_remove(host->links[heard.account], heard.stream, heard.param);
	}
}

void
subscriptions_change(struct host *host, struct instance *instance, const struct plugin *old)
{
	unsigned count;
	const struct plugin_stream *streams = wanted_streams(instance, &count);
	host->many_streams = host->many_streams || count > 1;
	/* The new ones first: a connection that nobody uses for a moment would be closed. */
	for (unsigned i = 0; i < count; i++) {
		struct heard heard;
		if (!resolve(host, instance, &streams[i], &heard, true))
			continue;
		intake_subscribe(host->intake, instance->number,
			str_from(host->accounts[heard.account]->name), heard.stream, heard.param);
		if (host->links[heard.account])
			link_add(host->links[heard.account], heard.stream, heard.param);
	}
	remove_gone(host, instance, old);
}

void
subscriptions_start(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++)
		subscriptions_change(host, host->instances[i], NULL);
}

void
subscriptions_look(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = host->instances[i];
		size_t most = instance->about.max_waiting ? instance->about.max_waiting
							  : INBOX_WAITING_MAX;
		size_t waiting = instance->inbox.waiting;
		if (!instance->lags && waiting >= most) {
			instance->lags = true;
			log_warn(host->config.log,
				"%s: %zu events wait for it, as many as may: its streams are not read until it has caught up with "
				"half of them; what comes meanwhile is fetched then. Is it slow? Give it \"concurrency\", or a "
				"higher \"max_waiting\"",
				instance->name, waiting);
		} else if (instance->lags && waiting <= most / 2) {
			instance->lags = false;
			log_info(host->config.log, "%s: has caught up: its streams are read again",
				instance->name);
		}
	}
}

bool
subscriptions_lag(const struct host *host, unsigned account)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		const struct instance *instance = host->instances[i];
		unsigned count;
		const struct plugin_stream *streams = plugin_streams(instance->plugin, &count);
		for (unsigned s = 0; instance->lags && s < count; s++) {
			const struct account *heard =
				streams[s].account ? host_account(host, streams[s].account)
						   : instance->account;
			if (heard == host->accounts[account])
				return true;
		}
	}
	return false;
}
