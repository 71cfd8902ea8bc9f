/* SPDX-License-Identifier: MIT */
/* A changed config under a running host: what can be applied is, what cannot is said, a mistake changes nothing. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "host_private.h"
#include "limits.h"
#include "xmalloc.h"

#define LOG_MODULE "config"

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void PRINTF_LIKE(3, 4) say(struct host *host, struct buf *words, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = xvasprintf(format, list);
	va_end(list);
	log_info(host->config.log, "%s", text);
	buf_printf(words, "%s\n", text);
	free(text);
}

void
reconfig_watch(struct host *host)
{
	const char *file = host->config.config->file;
	struct buf text;
	if (!host->watch || !file || !host->config.read_config)
		return;
	buf_init(&text, PLUGIN_SOURCE_MAX);
	bool good = file_read(file, &text);
	watch_file(host->watch, CONFIG_TAG, file,
		!good      ? STR_NONE
		: text.len ? buf_str(&text)
			   : STR(""));
	buf_finish(&text);
}

/* ---- accounts ---- */

static const struct config_account *
find_account(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->account_count; i++) {
		if (strcmp(config->accounts[i].name, name) == 0)
			return &config->accounts[i];
	}
	return NULL;
}

static struct account *
make_account(struct host *host, const struct config_account *from, char *error)
{
	struct account_config about = {from->name, from->server, from->token, from->ca_file};
	return account_create(&about, host->config.secrets, error);
}

/* Whether all accounts could be made; nothing is changed. */
static bool
accounts_are_good(
	struct host *host, const struct config *old, const struct config *fresh, struct buf *words)
{
	bool good = true;
	for (unsigned i = 0; i < fresh->account_count && good; i++) {
		char error[MESSAGE_MAX];
		struct account *account = make_account(host, &fresh->accounts[i], error);
		good = account != NULL;
		if (!good)
			buf_printf(words, "%s: account \"%s\": %s\n",
				fresh->file ? fresh->file : "config", fresh->accounts[i].name,
				error);
		account_destroy(account);
	}
	/* The attempt has registered the new tokens: those in use come back, and go when theirs are taken. */
	for (unsigned i = 0; i < old->account_count; i++) {
		char *secret = xasprintf("account/%s", old->accounts[i].name);
		if (old->accounts[i].token)
			secrets_add(host->config.secrets, secret,
				str_trim(str_from(old->accounts[i].token)));
		free(secret);
	}
	return good;
}

/* Asks the new connection for what the plugins hear on the account. */
static void
connect_again(struct host *host, unsigned number)
{
	link_destroy(host->links[number]);
	host->links[number] = host_connect(host, number);
	host->lost[number] = false;
	for (unsigned i = 0; i < host->instance_count; i++)
		subscriptions_change(host, host->instances[i], NULL);
}

static void
change_account(struct host *host, unsigned number, const struct config_account *before,
	const struct config_account *after, struct buf *words)
{
	struct account *account = host->accounts[number];
	char error[MESSAGE_MAX];
	struct account *fresh = make_account(host, after, error);
	REQUIRE(fresh); /* accounts_are_good has looked */
	if (!same(account->server, fresh->server)) {
		say(host, words,
			"account \"%s\": another server takes a restart; it goes on with %s",
			account->name, account->server);
		account_destroy(fresh);
		return;
	}
	if (same(before->token, after->token) && same(before->ca_file, after->ca_file) &&
		before->transport == after->transport) {
		account_destroy(fresh);
		return;
	}
	char *token = account->token, *ca_file = account->ca_file;
	account->token = fresh->token;
	account->ca_file = fresh->ca_file;
	fresh->token = token;
	fresh->ca_file = ca_file;
	account_destroy(fresh);
	connect_again(host, number);
	say(host, words, "account \"%s\": changed, connecting anew", account->name);
}

static void
add_account(struct host *host, const struct config_account *about, struct buf *words)
{
	char error[MESSAGE_MAX];
	unsigned n = host->account_count;
	struct account *account = make_account(host, about, error);
	REQUIRE(account);
	host->accounts = xreallocarray(host->accounts, n + 2, sizeof(host->accounts[0]));
	host->links = xreallocarray(host->links, n + 2, sizeof(host->links[0]));
	host->lost = xreallocarray(host->lost, n + 2, sizeof(bool));
	host->known = xreallocarray(host->known, n + 2, sizeof(bool));
	host->accounts[n] = account;
	host->lost[n] = host->known[n] = false;
	host->account_count++;
	intake_set_host(host->intake, str_from(account->name), str_from(account->host));
	host->links[n] = host_connect(host, n);
	say(host, words, "account \"%s\": added", account->name);
}

static bool
is_used(const struct host *host, const struct account *account)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		const struct instance *instance = host->instances[i];
		if (instance->account == account && !instance->leaving)
			return true;
	}
	return false;
}

/* The object stays: requests, tasks and news may still name it. */
static void
remove_account(struct host *host, unsigned number, struct buf *words)
{
	struct account *account = host->accounts[number];
	if (is_used(host, account)) {
		say(host, words,
			"account \"%s\": a plugin uses it that could not be changed; it stays",
			account->name);
		return;
	}
	link_destroy(host->links[number]);
	host->gone = xreallocarray(host->gone, host->gone_count + 1, sizeof(host->gone[0]));
	host->gone[host->gone_count++] = account;
	unsigned behind = --host->account_count - number;
	memmove(&host->accounts[number], &host->accounts[number + 1],
		behind * sizeof(host->accounts[0]));
	memmove(&host->links[number], &host->links[number + 1], behind * sizeof(host->links[0]));
	memmove(&host->lost[number], &host->lost[number + 1], behind * sizeof(bool));
	memmove(&host->known[number], &host->known[number + 1], behind * sizeof(bool));
	say(host, words, "account \"%s\": removed", account->name);
}

static void
change_accounts(
	struct host *host, const struct config *old, const struct config *fresh, struct buf *words)
{
	for (unsigned i = 0; i < host->account_count; i++) {
		const char *name = host->accounts[i]->name;
		const struct config_account *before = find_account(old, name),
					    *after = find_account(fresh, name);
		if (before && after)
			change_account(host, i, before, after, words);
	}
	for (unsigned i = 0; i < fresh->account_count; i++) {
		if (!host_account(host, fresh->accounts[i].name))
			add_account(host, &fresh->accounts[i], words);
	}
}

static void
remove_accounts(struct host *host, const struct config *fresh, struct buf *words)
{
	for (unsigned i = host->account_count; i-- > 0;) {
		if (!find_account(fresh, host->accounts[i]->name))
			remove_account(host, i, words);
	}
}

/* ---- plugins ---- */

static bool
needs_loading(const struct config_plugin *a, const struct config_plugin *b)
{
	return !same(a->ref, b->ref) || !same(a->options, b->options) ||
	       !same(a->allow, b->allow) || a->as_declared != b->as_declared ||
	       a->limits.cpu_ms != b->limits.cpu_ms || a->limits.load_ms != b->limits.load_ms ||
	       a->limits.memory_bytes != b->limits.memory_bytes;
}

static bool
differs_lightly(const struct config_plugin *a, const struct config_plugin *b)
{
	return a->dry_run != b->dry_run || a->act_within_ms != b->act_within_ms ||
	       a->concurrency != b->concurrency || a->max_waiting != b->max_waiting ||
	       a->on_error != b->on_error || a->failures_most != b->failures_most ||
	       a->failures_of != b->failures_of;
}

bool
instance_reconfigure(struct host *host, struct instance *instance,
	const struct config_plugin *about, bool load, struct buf *words)
{
	const struct account *first = host->account_count ? host->accounts[0] : NULL;
	const struct account *account = about->account ? host_account(host, about->account) : first;
	if (account != instance->account) {
		say(host, words, "%s: another account takes a restart; it goes on with \"%s\"",
			instance->name, instance->account ? instance->account->name : "(none)");
		return true;
	}
	bool light = differs_lightly(&instance->about, about);
	/* What is off stays off until something of its own changes. */
	load = (load && !instance->guard.off) || needs_loading(&instance->about, about);
	if (!load && !light)
		return true;
	if (load && !reload_instance(host, instance, about, words))
		return false; /* all of its entry stays as it was */
	config_plugin_finish(&instance->about);
	instance->about = config_plugin_copy(about);
	instance->dry_run = about->dry_run || host->config.dry_run;
	instance->act_within_ms = about->act_within_ms;
	guard_set_limit(&instance->guard, about);
	if (!load)
		say(host, words, "%s: its entry in the config has changed", instance->name);
	return true;
}

static bool
is_listed(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->plugin_count; i++) {
		if (strcmp(config->plugins[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool
change_plugins(struct host *host, const struct config *fresh, bool load, struct buf *words)
{
	bool good = true;
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = host->instances[i];
		if (!instance->dropped && !is_listed(fresh, instance->name))
			instance_stop(host, instance, words);
	}
	for (unsigned i = 0; i < fresh->plugin_count && !host->stopped; i++) {
		const struct config_plugin *about = &fresh->plugins[i];
		struct instance *instance = instance_find(host, about->name);
		if (instance && !instance->leaving) {
			instance->dropped = false;
			good = instance_reconfigure(host, instance, about, load, words) && good;
		} else {
			good = instance_start(host, about, false, words) && good;
		}
	}
	return good;
}

/* ---- all of it ---- */

static void
change_rotation(
	struct host *host, const struct config *old, const struct config *fresh, struct buf *words)
{
	if (old->archive.daily == fresh->archive.daily &&
		old->archive.bytes == fresh->archive.bytes)
		return;
	archives_set_rotation(host->archives, &fresh->archive);
	say(host, words, "archive: files rotate as the config says now, from the next line on");
}

static bool
refuse(struct host *host, struct config *fresh, const struct buf *words)
{
	struct str rest = buf_str(words), line;
	log_error(host->config.log, "the config is not taken, the one before stays:");
	while (rest.len) {
		rest = str_split(rest, '\n', &line);
		log_error(host->config.log, "  %.*s", STR_ARG(line));
	}
	config_finish(fresh);
	free(fresh);
	return false;
}

bool
reconfig_run(struct host *host, struct buf *words)
{
	const struct config *old = host->config.config;
	if (!host->config.read_config)
		return true;
	reconfig_watch(host); /* before it is read: a change behind our back is one more change */
	struct config *fresh = xcalloc(1, sizeof(*fresh));
	if (!host->config.read_config(host->data, fresh, words) ||
		!accounts_are_good(host, old, fresh, words)) {
		buf_add_text(words, "nothing of the config is applied\n");
		return refuse(host, fresh, words);
	}
	bool load = !same(old->tz, fresh->tz); /* what plugins read while they load */
	host->config.config = fresh;
	change_accounts(host, old, fresh, words);
	change_rotation(host, old, fresh, words);
	bool good = change_plugins(host, fresh, load, words);
	remove_accounts(host, fresh, words);
	if (host->own_config) {
		config_finish(host->own_config);
		free(host->own_config);
	}
	host->own_config = fresh;
	return good;
}
