/* SPDX-License-Identifier: MIT */
/* From flags and config file to the accounts and plugins that a command works with. */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "json_write.h"
#include "limits.h"
#include "suggest.h"
#include "xmalloc.h"

#define LOG_MODULE "config"

static const char *
token_from_environment(void)
{
	const char *token = getenv("MOONTUSK_TOKEN");
	return token && *token ? token : NULL;
}

/* Reads the config file if one was named or lies in its place. */
static bool
read_config(struct config *config, const struct args *args, const struct session *session,
	bool *missing)
{
	char *error = xmalloc(PLUGIN_ERROR_MAX);
	bool good = config_read(
		config, args_text(args, "config", NULL), session->secrets, error, missing);
	if (!good && !*missing) {
		for (char *at = error; *at;) {
			size_t len = strcspn(at, "\n");
			log_error(session->log, "%.*s", (int)len, at);
			at += len + (at[len] == '\n');
		}
	}
	free(error);
	return good;
}

static bool
apply_flags(struct config_account *account, const struct args *args, const struct session *session)
{
	const char *ca_file = args_text(args, "ca-file", NULL),
		   *transport = args_text(args, "transport", NULL);
	if (ca_file) {
		free(account->ca_file);
		account->ca_file = xstrdup(ca_file);
	}
	if (transport && !config_transport(str_from(transport), &account->transport)) {
		log_error(
			session->log, "--transport takes ws, sse or auto, not \"%s\".", transport);
		return false;
	}
	return true;
}

static bool
account_from_server(struct config *config, const struct args *args, const struct session *session)
{
	struct config_account *account =
		config_add_account(config, "default", args_text(args, "server", NULL));
	account->token = xstrdup(token_from_environment());
	return apply_flags(account, args, session);
}

/* Keeps only the account that --account names, or the only one. */
static bool
pick_account(struct config *config, const struct args *args, const struct session *session)
{
	const char *name = args_text(args, "account", NULL);
	if (!name && config->account_count == 1)
		return apply_flags(&config->accounts[0], args, session);
	const char **known = xcalloc(config->account_count + 1, sizeof(known[0]));
	unsigned found = config->account_count;
	for (unsigned i = 0; i < config->account_count; i++) {
		known[i] = config->accounts[i].name;
		if (name && strcmp(known[i], name) == 0)
			found = i;
	}
	const char *near = name ? suggest(str_from(name), known, config->account_count) : NULL;
	if (!name)
		log_error(session->log,
			"%s has %u accounts: say which with --account NAME, or name a server: --server URL.",
			config->file, config->account_count);
	else if (found == config->account_count)
		log_error(session->log, "%s has no account \"%s\"%s%s%s.", config->file, name,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	free(known);
	if (found == config->account_count)
		return false;
	struct config_account kept = config->accounts[found];
	config->accounts[found] = config->accounts[0];
	config->accounts[0] = kept;
	return apply_flags(&config->accounts[0], args, session);
}

bool
target_account(struct config *config, const struct args *args, const struct session *session)
{
	*config = (struct config){0};
	if (args_given(args, "server"))
		return account_from_server(config, args, session);
	bool missing;
	if (!read_config(config, args, session, &missing)) {
		if (missing)
			log_error(session->log,
				"which server? Name it with --server URL (and set MOONTUSK_TOKEN), or "
				"write a config file moontusk.lua.");
		return false;
	}
	return pick_account(config, args, session);
}

/* ---- plugins ---- */

/* "20", "true", "[1,2]" as JSON, anything else as a text. */
static void
put_option_value(struct buf *out, struct json_parser *parser, struct str text)
{
	struct json_doc *doc = NULL;
	if (json_parse(parser, text, &doc, NULL) == ERR_OK &&
		json_type(json_root(doc)) != JSON_STRING)
		json_put_value(out, json_root(doc));
	else
		json_put_str(out, text);
	json_doc_destroy(doc);
}

/* The options of --set as a JSON object; NULL without any, or when one is wrong (*good is false then). */
static char *
options_from_flags(const struct args *args, const struct session *session, bool *good)
{
	const struct flag_value *set = args_flag(args, "set");
	*good = true;
	if (!set->given)
		return NULL;
	struct json_parser *parser = json_parser_create();
	struct buf out;
	buf_init(&out, PLUGIN_STATE_VALUE_MAX);
	buf_add_char(&out, '{');
	for (unsigned i = 0; i < set->text_count && *good; i++) {
		struct str key, value = str_split(str_from(set->texts[i]), '=', &key);
		if (!value.ptr || key.len == 0) {
			log_error(
				session->log, "--set takes KEY=VALUE, not \"%s\".", set->texts[i]);
			*good = false;
			break;
		}
		char *name = str_dup(key);
		json_put_key(&out, name);
		put_option_value(&out, parser, value);
		free(name);
	}
	buf_add_char(&out, '}');
	json_parser_destroy(parser);
	char *text = buf_take(&out, NULL);
	if (!*good) {
		free(text);
		return NULL;
	}
	return text;
}

static bool
find_instance(struct config *config, const char *name, unsigned from)
{
	for (unsigned i = from; i < config->plugin_count; i++) {
		if (strcmp(config->plugins[i].name, name) != 0)
			continue;
		struct config_plugin kept = config->plugins[i];
		config->plugins[i] = config->plugins[from];
		config->plugins[from] = kept;
		return true;
	}
	return false;
}

static void
drop_plugins(struct config *config, unsigned from)
{
	for (unsigned i = from; i < config->plugin_count; i++)
		config_plugin_finish(&config->plugins[i]);
	config->plugin_count = from;
}

/* Moves the named plugins to the front, adding those that the config does not have, and drops the rest. */
static bool
pick_plugins(struct config *config, const struct args *args, const struct session *session,
	const struct target_words *words)
{
	bool good;
	char *options = options_from_flags(args, session, &good);
	for (unsigned i = 0; i < words->count && good; i++) {
		if (find_instance(config, words->list[i], i))
			continue;
		struct config_plugin *plugin = config_add_plugin(config, words->list[i]);
		plugin->as_declared = true;
		plugin->options = xstrdup(options);
		struct config_plugin kept = *plugin;
		*plugin = config->plugins[i];
		config->plugins[i] = kept;
		if (kept.ref[0] != '/' && config->file && strchr(kept.ref, '/')) {
			/* What stands on a command line is relative to where one stands, not to the config. */
			char *absolute = realpath(kept.ref, NULL);
			if (absolute) {
				free(config->plugins[i].ref);
				config->plugins[i].ref = absolute;
			}
		}
	}
	free(options);
	if (good)
		drop_plugins(config, words->count);
	return good;
}

static bool
read_base(struct config *config, const struct args *args, const struct session *session,
	const struct target_words *words)
{
	bool missing = true;
	if (args_given(args, "server") && !args_given(args, "config"))
		return account_from_server(config, args, session);
	if (read_config(config, args, session, &missing)) {
		if (args_given(args, "account"))
			return pick_account(config, args, session);
		return config->account_count != 1 || words->offline ||
		       apply_flags(&config->accounts[0], args, session);
	}
	if (!missing)
		return false;
	if (words->count == 0) {
		log_error(session->log,
			"nothing to run: there is no moontusk.lua in this folder nor in the config folder. "
			"Name a plugin: moontusk %s %s",
			args->command->name, args->command->usage);
		return false;
	}
	if (words->offline)
		return true;
	log_error(session->log,
		"which server? Name it with --server URL (and set MOONTUSK_TOKEN), or write a config "
		"file moontusk.lua.");
	return false;
}

/* The same plugin named twice would be two instances that share one state. */
static bool
names_differ(const struct config *config, const struct session *session)
{
	for (unsigned i = 0; i < config->plugin_count; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(config->plugins[j].name, config->plugins[i].name) != 0)
				continue;
			log_error(session->log,
				"%s and %s would both be named \"%s\", and the name is the identity of the state: leave one "
				"out, or give them names in a config file: { \"%s\", name = \"…\" }.",
				config->plugins[j].ref, config->plugins[i].ref,
				config->plugins[i].name, config->plugins[i].ref);
			return false;
		}
	}
	return true;
}

bool
target_plugins(struct config *config, const struct args *args, const struct session *session,
	const struct target_words *words)
{
	*config = (struct config){0};
	if (!read_base(config, args, session, words))
		return false;
	if (words->count == 0 && args_given(args, "set")) {
		log_error(session->log,
			"--set is for plugins named on the command line; those of %s have their options there.",
			config->file ? config->file : "the config");
		return false;
	}
	return words->count == 0 ||
	       (pick_plugins(config, args, session, words) && names_differ(config, session));
}
