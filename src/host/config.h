/* SPDX-License-Identifier: MIT */
/* struct config: what the operator asked for, from moontusk.lua or from the command line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "config_folder.h"
#include "json.h"
#include "plugin_limits.h"
#include "rotation.h"
#include "secrets.h"
#include "streaming.h"

struct config_account {
	char *name;
	char *server;
	char *token;   /* NULL: none */
	char *ca_file; /* NULL: the system's */
	enum transport transport;
};

/* What becomes of an event whose handler failed. */
enum on_error {
	ON_ERROR_LETTER, /* a dead letter: it stands in the journal, and can be run again */
	ON_ERROR_SKIP,   /* only the log knows */
	ON_ERROR_RETRY,  /* it is tried again some times, then a dead letter */
	ON_ERROR_STOP,   /* it stays where it is, and the instance is switched off */
};

struct config_plugin {
	char *ref;     /* as the operator wrote it: a shipped plugin's name or a path */
	char *name;    /* of the instance: the identity of its state; default: the file's stem */
	char *account; /* NULL: the only account */
	char *options; /* JSON object; NULL: none */
	char *allow;   /* JSON array of permissions; NULL: none */
	bool dry_run;
	bool as_declared;     /* from the command line: what the plugin declares is granted */
	unsigned concurrency; /* events in work at a time, at least 1 */
	unsigned
		max_waiting; /* events that wait before its streams are not read; 0: INBOX_WAITING_MAX */
	enum on_error on_error;
	unsigned failures_most, failures_of; /* switch it off; most 0: never */
	struct plugin_limits limits;         /* zeros: the defaults */
	int64_t act_within_ms; /* events older than this are handled, but cause no actions; 0: no bound */
};

/* How long rows are kept, ms. What is forgotten cannot be told from what is new: actions outlive seen rows, and these
 * outlive whatever may be heard a second time. */
struct config_keep {
	int64_t seen_ms;       /* which events an instance has had */
	int64_t journal_ms;    /* what was decided */
	int64_t actions_ms;    /* what was sent, once it ended */
	int64_t tombstones_ms; /* which posts were deleted */
};

struct config {
	char *file;   /* the config file; NULL: none */
	char *folder; /* that relative paths start from */
	struct config_account *accounts;
	unsigned account_count;
	struct config_plugin *plugins;
	unsigned plugin_count;
	char **alerts; /* targets of alerts, see alert_target.h */
	unsigned alert_count;
	struct config_folder plugin_folder;
	unsigned
		process_backlog; /* posts of before the first run that are handled, of each stream */
	struct config_keep keep;
	int64_t reconcile_ms; /* between two looks whether a known post is still there; 0: RECONCILE_MS, -1: never */
	struct rotation archive;
	char *tz; /* the time zone where a plugin names none; NULL: the machine's */
};

/* Reads the config file. NULL `file`: moontusk.lua of the current folder, else of
 * $XDG_CONFIG_HOME/moontusk. False: `error` (PLUGIN_ERROR_MAX bytes) names the file, the key, what was found, what was
 * expected. The caller calls config_finish in every case. ERR_NOT_FOUND in *missing when no file was named and none is there. */
bool config_read(struct config *config, const char *file, struct secrets *secrets, char *error,
	bool *missing);
void config_finish(struct config *config);
struct config_keep config_keep_default(void);

/* Adds an account or a plugin, as the command line does. Borrows. */
struct config_account *config_add_account(
	struct config *config, const char *name, const char *server);
struct config_plugin *config_add_plugin(struct config *config, const char *ref);
/* A copy of its own; config_plugin_finish frees it. */
struct config_plugin config_plugin_copy(const struct config_plugin *plugin);
void config_plugin_finish(struct config_plugin *plugin);
/* Transport from "auto", "ws", "sse"; false for anything else. */
bool config_transport(struct str text, enum transport *transport);
