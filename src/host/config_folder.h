/* SPDX-License-Identifier: MIT */
/* The "plugin_folder" of the config: where plugins are dropped into, and what they may do. */
#pragma once

#include <stdbool.h>

#include "json.h"

struct config_plugin;

struct config_folder {
	char *path;    /* NULL: none */
	char *account; /* that they act for; NULL: the only one */
	char *allow;   /* JSON object: by instance, a list of permissions; NULL: none */
	char *options; /* JSON object: by instance, a table; NULL: none */
	bool dry_run;
};

/* "plugins.d", or { "plugins.d", account =, dry_run =, allow = { NAME = {…} }, options = { NAME = {…} } } as JSON. `base` is what
 * a relative path starts from. False: `error` (MESSAGE_MAX bytes). */
bool config_folder_read(
	struct config_folder *folder, struct json_value value, const char *base, char *error);
void config_folder_finish(struct config_folder *folder);
/* Gives a plugin that was dropped in what the config says about it. */
void config_folder_apply(const struct config_folder *folder, struct config_plugin *plugin);
