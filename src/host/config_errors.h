/* SPDX-License-Identifier: MIT */
/* The "on_error" and "failures" of a plugin in the config, and its "alert": what happens when something goes wrong. */
#pragma once

#include "config.h"

/* Both keys of an entry; those that are not there change nothing. False: `error` (MESSAGE_MAX bytes) names the key, with
 * `where` before it, what was found and what was expected. */
bool config_errors_read(
	struct config_plugin *plugin, struct json_value table, const char *where, char *error);
/* One target or a list; adds them to config->alerts, and what is secret of their addresses to `secrets`. False as above, without
 * the address. */
bool config_alerts_read(
	struct config *config, struct json_value value, struct secrets *secrets, char *error);
