/* SPDX-License-Identifier: MIT */
/* From flags and config file to the accounts and plugins that a command works with. */
#pragma once

#include <stdbool.h>

#include "args.h"
#include "config.h"
#include "session.h"

/* Flags of commands that connect: --server --account --config --ca-file --transport. */
#define TARGET_FLAGS                                                                               \
	{"server", FLAG_TEXT, "URL", "the server; its token is read from $MOONTUSK_TOKEN", false}, \
		{"account", FLAG_TEXT, "NAME",                                                     \
			"an account of the config file, in place of --server", false},             \
		{"config", FLAG_TEXT, "FILE",                                                      \
			"the config file (default: moontusk.lua here or in ~/.config/moontusk)",   \
			false},                                                                    \
		{"ca-file", FLAG_TEXT, "FILE",                                                     \
			"trust the authorities in FILE (PEM) in place of the system's", false},    \
	{                                                                                          \
		"transport", FLAG_TEXT, "WAY",                                                     \
			"ws, sse or auto (default: WebSocket first, else SSE)", false              \
	}

/* Flags of commands that load plugins. */
#define PLUGIN_FLAGS                                                                               \
	{                                                                                          \
		"set", FLAG_TEXTS, "KEY=VALUE",                                                    \
			"an option of the plugins named on the command line; may be repeated",     \
			false                                                                      \
	}

/* Exactly one account in config->accounts. False: said in the log. The caller calls config_finish in every case. */
bool target_account(struct config *config, const struct args *args, const struct session *session);
/* Accounts, and the plugins that `words` name: instances of the config file by their name, else files and shipped plugins.
 * Without words all of the config file. With `offline` no account is needed. */
struct target_words {
	const char *const *list;
	unsigned count;
	bool offline;
};
bool target_plugins(struct config *config, const struct args *args, const struct session *session,
	const struct target_words *words);
