/* SPDX-License-Identifier: MIT */
/* struct config: what the operator asked for, from moontusk.lua or from the command line. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config_errors.h"
#include "config_limits.h"
#include "files.h"
#include "json_write.h"
#include "limits.h"
#include "lua_file.h"
#include "suggest.h"
#include "xmalloc.h"
#include "zone.h"

struct reader {
	struct config *config;
	struct secrets *secrets;
	char *error; /* PLUGIN_ERROR_MAX bytes */
};

static bool PRINTF_LIKE(2, 3) fail(struct reader *reader, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = xvasprintf(format, list);
	va_end(list);
	snprintf(reader->error, PLUGIN_ERROR_MAX, "%s: %s", reader->config->file, text);
	free(text);
	return false;
}

struct config_account *
config_add_account(struct config *config, const char *name, const char *server)
{
	config->accounts = xreallocarray(
		config->accounts, config->account_count + 1, sizeof(config->accounts[0]));
	struct config_account *account = &config->accounts[config->account_count++];
	*account = (struct config_account){.name = xstrdup(name), .server = xstrdup(server)};
	return account;
}

struct config_plugin *
config_add_plugin(struct config *config, const char *ref)
{
	config->plugins = xreallocarray(
		config->plugins, config->plugin_count + 1, sizeof(config->plugins[0]));
	struct config_plugin *plugin = &config->plugins[config->plugin_count++];
	*plugin = (struct config_plugin){.ref = xstrdup(ref),
		.name = file_stem(ref),
		.failures_most = FAILURES_DEFAULT,
		.failures_of = FAILURES_OF_DEFAULT};
	return plugin;
}

struct config_plugin
config_plugin_copy(const struct config_plugin *plugin)
{
	struct config_plugin copy = *plugin;
	copy.ref = xstrdup(plugin->ref);
	copy.name = xstrdup(plugin->name);
	copy.account = xstrdup(plugin->account);
	copy.options = xstrdup(plugin->options);
	copy.allow = xstrdup(plugin->allow);
	return copy;
}

void
config_plugin_finish(struct config_plugin *plugin)
{
	free(plugin->ref);
	free(plugin->name);
	free(plugin->account);
	free(plugin->options);
	free(plugin->allow);
	*plugin = (struct config_plugin){0};
}

bool
config_transport(struct str text, enum transport *transport)
{
	if (str_eq_text(text, "auto"))
		*transport = TRANSPORT_AUTO;
	else if (str_eq_text(text, "ws"))
		*transport = TRANSPORT_WS;
	else if (str_eq_text(text, "sse"))
		*transport = TRANSPORT_SSE;
	else
		return false;
	return true;
}

static const char *
type_text(struct json_value value)
{
	if (!json_exists(value))
		return "nothing";
	switch (json_type(value)) {
	case JSON_NULL:
		return "nil";
	case JSON_BOOL:
		return "a boolean";
	case JSON_INT:
	case JSON_UINT:
	case JSON_DOUBLE:
		return "a number";
	case JSON_STRING:
		return "a string";
	case JSON_ARRAY:
		return "a list";
	case JSON_OBJECT:
		return "a table";
	}
	return "something";
}

/* Checks that each key of `table` is one of `known`. */
static bool
check_keys(struct reader *reader, struct json_value table, const char *where,
	const char *const *known, size_t count)
{
	struct json_iter it = json_iter(table);
	while (json_next(&it)) {
		bool found = false;
		for (size_t i = 0; i < count && !found; i++)
			found = str_eq_text(it.key, known[i]);
		if (found)
			continue;
		const char *near = suggest(it.key, known, count);
		return fail(reader, "%s: unknown key \"%.*s\"%s%s%s. Known keys: %s, …", where,
			STR_ARG(it.key), near ? ". Did you mean \"" : "", near ? near : "",
			near ? "\"?" : "", known[0]);
	}
	return true;
}

/* *out gets new text, or stays NULL where the key is absent. */
static bool
take_text(struct reader *reader, struct json_value table, const char *where, const char *key,
	char **out)
{
	struct json_value value = json_get(table, key);
	if (!json_exists(value) || json_type(value) == JSON_NULL)
		return true;
	if (json_type(value) != JSON_STRING || json_str(value).len == 0)
		return fail(reader, "%s.%s: expected a text, found %s.", where, key,
			json_type(value) == JSON_STRING ? "an empty one" : type_text(value));
	free(*out);
	*out = str_dup(json_str(value));
	return true;
}

static bool
take_bool(struct reader *reader, struct json_value table, const char *where, const char *key,
	bool *out)
{
	struct json_value value = json_get(table, key);
	if (!json_exists(value) || json_get_bool(value, out))
		return true;
	return fail(
		reader, "%s.%s: expected true or false, found %s.", where, key, type_text(value));
}

static bool
take_transport(
	struct reader *reader, struct json_value table, const char *where, enum transport *out)
{
	char *text = NULL;
	bool good = take_text(reader, table, where, "transport", &text);
	if (good && text && !config_transport(str_from(text), out))
		good = fail(reader,
			"%s.transport: expected \"auto\", \"ws\" or \"sse\", found \"%s\".", where,
			text);
	free(text);
	return good;
}

static bool
read_account(struct reader *reader, struct str name, struct json_value table)
{
	static const char *const keys[] = {"server", "token", "ca_file", "transport"};
	char where[MESSAGE_MAX];
	snprintf(where, sizeof(where), "accounts.%.*s", STR_ARG(name));
	if (json_type(table) != JSON_OBJECT)
		return fail(reader, "%s: expected a table { server = …, token = … }, found %s.",
			where, type_text(table));
	if (!check_keys(reader, table, where, keys, COUNT_OF(keys)))
		return false;
	char *text = str_dup(name);
	struct config_account *account = config_add_account(reader->config, text, NULL);
	free(text);
	if (!take_text(reader, table, where, "server", &account->server) ||
		!take_text(reader, table, where, "token", &account->token) ||
		!take_text(reader, table, where, "ca_file", &account->ca_file) ||
		!take_transport(reader, table, where, &account->transport))
		return false;
	if (!account->server)
		return fail(reader, "%s.server: missing. Add server = \"https://…\".", where);
	if (account->ca_file) {
		char *path = file_join(reader->config->folder, account->ca_file);
		free(account->ca_file);
		account->ca_file = path;
	}
	return true;
}

static bool
read_accounts(struct reader *reader, struct json_value accounts)
{
	/* An empty table is a list in JSON. */
	if (!json_exists(accounts) ||
		(json_type(accounts) == JSON_ARRAY && json_count(accounts) == 0))
		return true;
	if (json_type(accounts) != JSON_OBJECT)
		return fail(reader,
			"accounts: expected a table { name = { server = … } }, found %s.",
			type_text(accounts));
	struct json_iter it = json_iter(accounts);
	while (json_next(&it)) {
		if (!read_account(reader, it.key, it.value))
			return false;
	}
	return true;
}

static bool
read_limits(struct reader *reader, struct json_value table, const char *where,
	struct config_plugin *plugin)
{
	char *cpu = NULL, *memory = NULL;
	bool good = take_text(reader, table, where, "cpu", &cpu) &&
		    take_text(reader, table, where, "memory", &memory);
	if (good && cpu && !config_cpu(str_from(cpu), &plugin->limits))
		good = fail(reader,
			"%s.cpu: expected the CPU time of one call, 10ms to 10s, such as \"100ms\", found \"%s\".",
			where, cpu);
	if (good && memory && !config_memory(str_from(memory), &plugin->limits))
		good = fail(reader,
			"%s.memory: expected a size of 1MB to 1GB such as \"32MB\", found \"%s\".",
			where, memory);
	free(cpu);
	free(memory);
	return good;
}

static bool
read_act_within(struct reader *reader, struct json_value table, const char *where,
	struct config_plugin *plugin)
{
	char *text = NULL;
	bool good = take_text(reader, table, where, "act_within", &text);
	if (good && text &&
		(!duration_parse(str_from(text), &plugin->act_within_ms) ||
			plugin->act_within_ms <= 0))
		good = fail(reader,
			"%s.act_within: expected a duration such as \"1h\", found \"%s\".", where,
			text);
	free(text);
	return good;
}

/* A whole number from 1 to `most`. */
struct number_key {
	const char *name;
	int most;
	const char *meaning; /* for who wrote something else */
};

static bool
read_number(struct reader *reader, struct json_value table, const char *where,
	const struct number_key *key, unsigned *out)
{
	struct json_value value = json_get(table, key->name);
	int64_t number;
	if (!json_exists(value))
		return true;
	if (!json_get_int(value, &number) || number < 1 || number > key->most)
		return fail(reader, "%s.%s: expected a whole number from 1 to %d: %s, found %s.",
			where, key->name, key->most, key->meaning,
			json_get_int(value, &number) ? "another number" : type_text(value));
	*out = (unsigned)number;
	return true;
}

static bool
read_numbers(struct reader *reader, struct json_value table, const char *where,
	struct config_plugin *plugin)
{
	static const struct number_key concurrency = {"concurrency", CONCURRENCY_MAX,
		"how many events the plugin may work on at the same time"};
	static const struct number_key max_waiting = {"max_waiting", CONFIG_WAITING_MAX,
		"how many events may wait for the plugin before its streams are not read"};
	return read_number(reader, table, where, &concurrency, &plugin->concurrency) &&
	       read_number(reader, table, where, &max_waiting, &plugin->max_waiting);
}

static bool
read_errors(struct reader *reader, struct json_value table, const char *where,
	struct config_plugin *plugin)
{
	char error[MESSAGE_MAX];
	return config_errors_read(plugin, table, where, error) || fail(reader, "%s", error);
}

/* { "ref", name =, account =, options = {}, allow = {}, dry_run =, act_within =, concurrency =, … }: the JSON of such a mixed table
 * has the positional entry under "1". */
static bool
read_plugin(struct reader *reader, unsigned number, struct json_value table)
{
	static const char *const keys[] = {"1", "name", "account", "options", "allow", "dry_run",
		"act_within", "concurrency", "max_waiting", "cpu", "memory", "on_error",
		"failures"};
	char where[64];
	snprintf(where, sizeof(where), "plugins[%u]", number);
	struct json_value ref = json_type(table) == JSON_STRING  ? table
				: json_type(table) == JSON_ARRAY ? json_path(table, "0")
								 : json_get(table, "1");
	if (json_type(ref) != JSON_STRING || json_str(ref).len == 0)
		return fail(reader, "%s: expected { \"plugin name or path\", … }, found %s.", where,
			type_text(table));
	char *text = str_dup(json_str(ref));
	struct config_plugin *plugin = config_add_plugin(reader->config, text);
	free(text);
	if (json_type(table) != JSON_OBJECT)
		return json_type(table) == JSON_STRING || json_count(table) == 1 ||
		       fail(reader, "%s: one plugin an entry, found %zu names.", where,
			       json_count(table));
	if (!check_keys(reader, table, where, keys, COUNT_OF(keys)) ||
		!take_text(reader, table, where, "name", &plugin->name) ||
		!take_text(reader, table, where, "account", &plugin->account) ||
		!take_bool(reader, table, where, "dry_run", &plugin->dry_run) ||
		!read_act_within(reader, table, where, plugin) ||
		!read_numbers(reader, table, where, plugin) ||
		!read_limits(reader, table, where, plugin) ||
		!read_errors(reader, table, where, plugin))
		return false;
	struct json_value options = json_get(table, "options"), allow = json_get(table, "allow");
	if (json_exists(options)) {
		bool empty = json_type(options) == JSON_ARRAY && json_count(options) == 0;
		if (json_type(options) != JSON_OBJECT && !empty)
			return fail(reader, "%s.options: expected a table of names, found %s.",
				where, type_text(options));
		plugin->options =
			empty ? xstrdup("{}") : json_value_text(options, PLUGIN_STATE_VALUE_MAX);
	}
	if (json_exists(allow)) {
		if (json_type(allow) != JSON_ARRAY)
			return fail(reader,
				"%s.allow: expected a list such as { \"follow\" }, found %s.",
				where, type_text(allow));
		plugin->allow = json_value_text(allow, PLUGIN_STATE_VALUE_MAX);
	}
	return true;
}

static bool
read_plugins(struct reader *reader, struct json_value plugins)
{
	if (!json_exists(plugins))
		return true;
	if (json_type(plugins) != JSON_ARRAY)
		return fail(reader, "plugins: expected a list { { \"name\", … }, … }, found %s.",
			type_text(plugins));
	unsigned number = 0;
	struct json_iter it = json_iter(plugins);
	while (json_next(&it)) {
		if (!read_plugin(reader, ++number, it.value))
			return false;
	}
	return true;
}

static const struct config_account *
find_account(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->account_count; i++) {
		if (strcmp(config->accounts[i].name, name) == 0)
			return &config->accounts[i];
	}
	return NULL;
}

static bool
check_instances(struct reader *reader)
{
	const struct config *config = reader->config;
	for (unsigned i = 0; i < config->plugin_count; i++) {
		const struct config_plugin *plugin = &config->plugins[i];
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(config->plugins[j].name, plugin->name) == 0)
				return fail(reader,
					"plugins[%u] and plugins[%u] are both named \"%s\": the name is the identity of the "
					"state. Give one of them another: name = \"…\".",
					j + 1, i + 1, plugin->name);
		}
		if (plugin->account && !find_account(config, plugin->account)) {
			const char **known = xcalloc(config->account_count + 1, sizeof(known[0]));
			for (unsigned k = 0; k < config->account_count; k++)
				known[k] = config->accounts[k].name;
			const char *near =
				suggest(str_from(plugin->account), known, config->account_count);
			fail(reader,
				"plugins[%u].account: there is no account \"%s\"%s%s%s under accounts.",
				i + 1, plugin->account, near ? " (did you mean \"" : "",
				near ? near : "", near ? "\"?)" : "");
			free(known);
			return false;
		}
		if (!plugin->account && config->account_count > 1)
			return fail(reader,
				"plugins[%u] (\"%s\"): there are %u accounts; say which: account = \"%s\".",
				i + 1, plugin->name, config->account_count,
				config->accounts[0].name);
	}
	return true;
}

static bool
read_zone(struct reader *reader, struct json_value root)
{
	char error[MESSAGE_MAX];
	if (!take_text(reader, root, "the config", "tz", &reader->config->tz))
		return false;
	if (!reader->config->tz)
		return true;
	struct zone *zone = zone_open(str_from(reader->config->tz), zone_folder(), error);
	bool good = zone || fail(reader, "tz: %s.", error);
	zone_destroy(zone);
	return good;
}

struct config_keep
config_keep_default(void)
{
	return (struct config_keep){
		SEEN_KEPT_MS, JOURNAL_KEPT_MS, ACTIONS_KEPT_MS, TOMBSTONES_KEPT_MS};
}

/* A time such as "30d"; *ms stays when it is absent. */
static bool
read_kept(struct reader *reader, struct json_value table, const char *key, int64_t *ms)
{
	struct json_value value = json_get(table, key);
	if (!json_exists(value))
		return true;
	if (json_type(value) != JSON_STRING || !duration_parse(json_str(value), ms) ||
		*ms < KEPT_MIN_MS)
		return fail(reader,
			"keep.%s: expected a time of at least 1d such as \"30d\", found %s%.*s%s.",
			key, json_type(value) == JSON_STRING ? "\"" : "",
			json_type(value) == JSON_STRING ? (int)json_str(value).len
							: (int)strlen(type_text(value)),
			json_type(value) == JSON_STRING ? json_str(value).ptr : type_text(value),
			json_type(value) == JSON_STRING ? "\"" : "");
	return true;
}

/* keep = { seen = "30d", journal = "30d", actions = "90d", tombstones = "90d" } */
static bool
read_keep(struct reader *reader, struct json_value root)
{
	static const char *const keys[] = {"seen", "journal", "actions", "tombstones"};
	struct json_value table = json_get(root, "keep");
	struct config_keep *keep = &reader->config->keep;
	*keep = config_keep_default();
	if (!json_exists(table))
		return true;
	if (json_type(table) != JSON_OBJECT)
		return fail(reader,
			"keep: expected a table such as { journal = \"90d\" }, found %s.",
			type_text(table));
	if (!check_keys(reader, table, "keep", keys, COUNT_OF(keys)) ||
		!read_kept(reader, table, "seen", &keep->seen_ms) ||
		!read_kept(reader, table, "journal", &keep->journal_ms) ||
		!read_kept(reader, table, "actions", &keep->actions_ms) ||
		!read_kept(reader, table, "tombstones", &keep->tombstones_ms))
		return false;
	if (keep->actions_ms < keep->seen_ms)
		return fail(reader,
			"keep.actions is shorter than keep.seen: an event that is known could then act a second time; make actions "
			"at least as long.");
	if (keep->tombstones_ms < keep->seen_ms)
		return fail(reader,
			"keep.tombstones is shorter than keep.seen: a deleted post could then come back; make tombstones at least "
			"as long.");
	return true;
}

static bool
read_folder(struct reader *reader, struct json_value root)
{
	char error[MESSAGE_MAX];
	const struct config *config = reader->config;
	const struct config_folder *folder = &config->plugin_folder;
	if (!config_folder_read(&reader->config->plugin_folder, json_get(root, "plugin_folder"),
		    config->folder, error))
		return fail(reader, "%s", error);
	if (folder->account && !find_account(config, folder->account))
		return fail(reader,
			"plugin_folder.account: there is no account \"%s\" under accounts.",
			folder->account);
	if (folder->path && !folder->account && config->account_count > 1)
		return fail(reader,
			"plugin_folder: there are %u accounts; say which: { \"%s\", account = \"%s\" }.",
			config->account_count, folder->path, config->accounts[0].name);
	return true;
}

static bool
read_backlog(struct reader *reader, struct json_value root)
{
	int64_t number = 0;
	struct json_value value = json_get(root, "process_backlog");
	if (!json_exists(value))
		return true;
	if (!json_get_int(value, &number) || number < 0 || number > BACKLOG_MAX)
		return fail(reader,
			"process_backlog: expected a whole number from 0 to %d: how many posts of before its first run each stream "
			"shall bring; found %s.",
			BACKLOG_MAX,
			json_get_int(value, &number) ? "another number" : type_text(value));
	reader->config->process_backlog = (unsigned)number;
	return true;
}

/* reconcile = "7d" | false */
static bool
read_reconcile(struct reader *reader, struct json_value root)
{
	struct json_value value = json_get(root, "reconcile");
	int64_t *ms = &reader->config->reconcile_ms;
	bool wanted = false;
	if (!json_exists(value) || (json_get_bool(value, &wanted) && wanted))
		return true;
	if (json_type(value) == JSON_BOOL) {
		*ms = -1;
		return true;
	}
	if (json_type(value) != JSON_STRING || !duration_parse(json_str(value), ms) ||
		*ms < KEPT_MIN_MS)
		return fail(reader,
			"reconcile: expected how often posts are asked for again, at least \"1d\" such as \"7d\", or false; found "
			"%s.",
			json_type(value) == JSON_STRING ? "another text" : type_text(value));
	return true;
}

static bool
read_alerts(struct reader *reader, struct json_value root)
{
	char error[MESSAGE_MAX];
	return config_alerts_read(
		       reader->config, json_get(root, "alert"), reader->secrets, error) ||
	       fail(reader, "%s", error);
}

static bool
read_archive(struct reader *reader, struct json_value root)
{
	char error[MESSAGE_MAX];
	return rotation_read(&reader->config->archive, json_get(root, "archive"), error) ||
	       fail(reader, "%s", error);
}

static bool
read_json(struct reader *reader, struct str text)
{
	static const char *const keys[] = {"accounts", "plugins", "plugin_folder", "alert", "tz",
		"keep", "process_backlog", "archive", "reconcile"};
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	struct json_error json_error;
	bool good = json_parse(parser, text, &doc, &json_error) == ERR_OK;
	if (!good)
		fail(reader, "cannot be read back: %s", json_error.message);
	struct json_value root = json_root(doc);
	good = good && check_keys(reader, root, "the config", keys, COUNT_OF(keys)) &&
	       read_keep(reader, root) && read_accounts(reader, json_get(root, "accounts")) &&
	       read_plugins(reader, json_get(root, "plugins")) && read_folder(reader, root) &&
	       read_backlog(reader, root) && read_reconcile(reader, root) &&
	       read_alerts(reader, root) && read_archive(reader, root) && read_zone(reader, root) &&
	       check_instances(reader);
	json_doc_destroy(doc);
	json_parser_destroy(parser);
	return good;
}

static char *
default_file(void)
{
	if (file_exists("moontusk.lua"))
		return xstrdup("moontusk.lua");
	char *folder = user_folder("XDG_CONFIG_HOME", ".config");
	char *path = folder ? file_join(folder, "moontusk.lua") : NULL;
	free(folder);
	if (path && file_exists(path))
		return path;
	free(path);
	return NULL;
}

bool
config_read(struct config *config, const char *file, struct secrets *secrets, char *error,
	bool *missing)
{
	*config = (struct config){.file = file ? xstrdup(file) : default_file()};
	*missing = !config->file;
	if (*missing) {
		snprintf(error, PLUGIN_ERROR_MAX,
			"there is no config: no moontusk.lua in this folder nor in the config folder. Write one, name one "
			"with --config FILE, or name a plugin: moontusk run PLUGIN --server URL.");
		return false;
	}
	config->folder = file_folder(config->file);
	struct reader reader = {.config = config, .secrets = secrets, .error = error};
	struct buf source, json;
	buf_init(&source, PLUGIN_SOURCE_MAX);
	buf_init(&json, PLUGIN_SOURCE_MAX);
	bool good = file_read(config->file, &source);
	if (!good)
		fail(&reader, "cannot be read: %s.", strerror(errno));
	good = good && lua_file_read(config->file, buf_str(&source), secrets, &json, error) &&
	       read_json(&reader, buf_str(&json));
	buf_finish(&source);
	buf_finish(&json);
	return good;
}

void
config_finish(struct config *config)
{
	for (unsigned i = 0; i < config->account_count; i++) {
		free(config->accounts[i].name);
		free(config->accounts[i].server);
		free(config->accounts[i].token);
		free(config->accounts[i].ca_file);
	}
	for (unsigned i = 0; i < config->plugin_count; i++)
		config_plugin_finish(&config->plugins[i]);
	free(config->accounts);
	free(config->plugins);
	free(config->file);
	free(config->folder);
	for (unsigned i = 0; i < config->alert_count; i++)
		free(config->alerts[i]);
	free(config->alerts);
	config_folder_finish(&config->plugin_folder);
	free(config->tz);
	*config = (struct config){0};
}
