/* SPDX-License-Identifier: MIT */
/* The "plugin_folder" of the config: where plugins are dropped into, and what they may do. */
#include "config_folder.h"

#include <stdio.h>
#include <stdlib.h>

#include "attr.h"
#include "config.h"
#include "files.h"
#include "json_write.h"
#include "limits.h"
#include "suggest.h"
#include "xmalloc.h"

static bool
fail(char *error, const char *what)
{
	snprintf(error, MESSAGE_MAX, "plugin_folder%s", what);
	return false;
}

/* An empty table is a list in JSON. */
static bool
is_empty(struct json_value value)
{
	return !json_exists(value) || (json_type(value) == JSON_ARRAY && json_count(value) == 0);
}

static bool
take_by_name(struct json_value value, enum json_type type, char **out)
{
	if (is_empty(value))
		return true;
	struct json_iter it = json_iter(value);
	while (json_type(value) == JSON_OBJECT && json_next(&it)) {
		if (json_type(it.value) != type && !is_empty(it.value))
			return false;
	}
	*out = json_value_text(value, PLUGIN_STATE_VALUE_MAX);
	return json_type(value) == JSON_OBJECT && *out;
}

static bool
check_keys(struct json_value table, char *error)
{
	static const char *const keys[] = {"1", "account", "dry_run", "allow", "options"};
	struct json_iter it = json_iter(table);
	while (json_next(&it)) {
		bool known = false;
		for (size_t i = 0; i < COUNT_OF(keys) && !known; i++)
			known = str_eq_text(it.key, keys[i]);
		if (known)
			continue;
		const char *near = suggest(it.key, keys, COUNT_OF(keys));
		snprintf(error, MESSAGE_MAX, "plugin_folder: unknown key \"%.60s\"%s%s%s",
			it.key.ptr, near ? ". Did you mean \"" : "", near ? near : "",
			near ? "\"?" : "");
		return false;
	}
	return true;
}

static bool
read_table(struct config_folder *folder, struct json_value table, char *error)
{
	struct json_value account = json_get(table, "account"), dry = json_get(table, "dry_run");
	if (!check_keys(table, error))
		return false;
	if (json_exists(account) && json_type(account) != JSON_STRING)
		return fail(error, ".account: expected the name of an account.");
	folder->account = str_dup(json_str(account));
	if (json_exists(dry) && !json_get_bool(dry, &folder->dry_run))
		return fail(error, ".dry_run: expected true or false.");
	if (!take_by_name(json_get(table, "allow"), JSON_ARRAY, &folder->allow))
		return fail(error, ".allow: expected { NAME = { \"follow\" }, … }.");
	if (!take_by_name(json_get(table, "options"), JSON_OBJECT, &folder->options))
		return fail(error, ".options: expected { NAME = { … }, … }.");
	return true;
}

bool
config_folder_read(
	struct config_folder *folder, struct json_value value, const char *base, char *error)
{
	if (!json_exists(value))
		return true;
	struct json_value path = json_type(value) == JSON_STRING  ? value
				 : json_type(value) == JSON_ARRAY ? json_path(value, "0")
								  : json_get(value, "1");
	if (json_type(path) != JSON_STRING || json_str(path).len == 0)
		return fail(error,
			": expected a folder such as \"plugins.d\", or { \"plugins.d\", account = … }.");
	char *text = str_dup(json_str(path));
	folder->path = file_join(base, text);
	free(text);
	return json_type(value) != JSON_OBJECT || read_table(folder, value, error);
}

void
config_folder_finish(struct config_folder *folder)
{
	free(folder->path);
	free(folder->account);
	free(folder->allow);
	free(folder->options);
	*folder = (struct config_folder){0};
}

/* The value under `name` as text; NULL without one. New. */
static char *
value_of(const char *table, const char *name)
{
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	char *text = NULL;
	if (table && json_parse(parser, str_from(table), &doc, NULL) == ERR_OK) {
		struct json_value value = json_get(json_root(doc), name);
		text = is_empty(value) ? NULL : json_value_text(value, PLUGIN_STATE_VALUE_MAX);
	}
	json_doc_destroy(doc);
	json_parser_destroy(parser);
	return text;
}

void
config_folder_apply(const struct config_folder *folder, struct config_plugin *plugin)
{
	plugin->account = xstrdup(folder->account);
	plugin->dry_run = folder->dry_run;
	plugin->allow = value_of(folder->allow, plugin->name);
	plugin->options = value_of(folder->options, plugin->name);
}
