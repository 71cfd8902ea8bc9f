/* SPDX-License-Identifier: MIT */
/* Paths and small files: where the config, the state and the shipped plugins are. */
#pragma once

#include <stdbool.h>

#include "buf.h"

bool file_exists(const char *path);
bool folder_exists(const char *path);
/* Reads a whole regular file. False: errno (EFBIG past the buffer's maximum). */
bool file_read(const char *path, struct buf *out);
char *file_join(
	const char *folder, const char *path); /* new; `path` alone when absolute or no folder */
char *file_folder(const char *path);           /* new: what stands before the last '/', or "." */
char *file_stem(const char *path);             /* new: "caturday" of "./bots/caturday.lua" */
/* Makes the folder and its parents (0700). False: errno. */
bool folder_make(const char *path);
/* "$VARIABLE/moontusk", else "$HOME/FALLBACK/moontusk"; NULL without a home. New. */
char *user_folder(const char *variable, const char *fallback);

/* The Lua file of a plugin named as operators do: a path to a file or folder ("./x.lua", "bots/x",
 * relative to `base`), or a shipped plugin's name. Shipped ones are looked for in
 * $MOONTUSK_PLUGINS, beside the program's build folder, and where they were installed. NULL: `error` (MESSAGE_MAX
 * bytes) says where was looked, with a suggestion. New. */
char *plugin_file(const char *ref, const char *base, char *error);

/* Why others than we and root may change the file or folder, for people; NULL: they may not, or it is not there. */
const char *file_open_to_others(const char *path);

/* The plugins of a folder that plugins are dropped into: NAME.lua and NAME/NAME.lua, without hidden files and
 * NAME_test.lua; at most PLUGIN_FOLDER_MAX. False: the folder cannot be read (errno). In no order; `fn` borrows. */
typedef void folder_plugin_fn(void *data, const char *name, const char *file);
bool folder_plugins(const char *folder, folder_plugin_fn *fn, void *data);

/* The state folder with its lock: one host a folder. */
struct state_folder;
/* `path`, or where the state lies without one; NULL without a home. New. */
char *state_folder_find(const char *path);
/* NULL `path`: $XDG_STATE_HOME/moontusk, else ~/.local/state/moontusk. With `dry_run` a folder of its own below.
 * NULL: `error` (MESSAGE_MAX bytes), among others when another host holds the lock. */
struct state_folder *state_folder_open(const char *path, bool dry_run, char *error);
void state_folder_close(struct state_folder *folder);
const char *state_folder_path(const struct state_folder *folder);
