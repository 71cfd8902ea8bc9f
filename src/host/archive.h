/* SPDX-License-Identifier: MIT */
/* Archive files: lines appended and on disk before the turn's commit names their new length. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "log.h"
#include "rotation.h"
#include "store.h"

struct archives;

/* Files lie in FOLDER/archive/INSTANCE/NAME.jsonl, or with rotation in NAME_2026-11-21.jsonl. Truncates each that is in use
 * to its committed length (a torn tail of a crash goes). NULL `folder`: lines are counted and dropped (replay). */
struct archives *archives_open(const char *folder, struct store *store, struct log *log);
void archives_close(struct archives *archives);
/* From the next line on. Files that are closed stay as they are, and the database forgets them: they may be moved, packed
 * or removed. */
void archives_set_rotation(struct archives *archives, const struct rotation *rotation);
/* Letters, digits, '-', '_' and '.', not first; at most ARCHIVE_NAME_MAX. */
bool archive_name_ok(struct str name);
/* Queues one line (without its line end) for the archive's file of now. */
void archives_add(struct archives *archives, int64_t now_ms, const char *instance, const char *name,
	struct str line);
/* Queues the line for every archive of the instance that has lines. */
void archives_note(
	struct archives *archives, int64_t now_ms, const char *instance, struct str line);
/* Inside the turn's transaction: writes and syncs what is queued, then its lengths to the store. A file that the
 * store does not know is not written over but renamed to NAME.jsonl.unknown-N. False: logged; archives_roll_back follows.
 * A new archive is called NAME.jsonl.new until its first lines are committed. */
bool archives_write(struct archives *archives);
/* After the commit, or when it failed: what was queued is in the files for good, or was never there. */
void archives_committed(struct archives *archives);
void archives_roll_back(struct archives *archives);
bool archives_full(const struct archives *archives); /* the last write failed for want of room */
/* Path of the file that the last line went to, for people; NULL without a folder. New. */
char *archives_path(const struct archives *archives, const char *instance, const char *name);
