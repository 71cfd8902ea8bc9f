/* SPDX-License-Identifier: MIT */
/* The database: one SQLite file, its schema, and the one transaction of a turn. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "err.h"
#include "log.h"
#include "str.h"

struct store;

/* Opens or makes the file (mode 0600, WAL, synchronous=FULL); NULL path: in memory. A newer schema, a
 * file that is no database, a folder that cannot be written: NULL, with what to do in `error`
 * (MESSAGE_MAX bytes). Checkpoints are never run by a commit, see store_checkpoint. */
struct store *store_open(const char *path, struct log *log, char *error);
void store_close(struct store *store); /* NULL is fine; rolls an open transaction back */

/* One transaction at a time. All writes of the other headers of this folder need one (REQUIRE). False: the disk
 * is full or the file unusable (logged); the transaction is gone then and nothing of it happened. */
bool store_begin(struct store *store) MUST_USE;
bool store_commit(struct store *store) MUST_USE;
void store_rollback(struct store *store);
bool store_in_transaction(const struct store *store);
/* True when a write of this transaction failed, or ever a read: commit will refuse. */
bool store_failed(const struct store *store);
/* Of the last transaction or write that failed: whether it may work later. */
enum store_trouble {
	STORE_FULL,   /* no room, or somebody else has the file locked */
	STORE_BROKEN, /* the file is damaged, gone, or not ours to write */
};
enum store_trouble store_trouble(const struct store *store);
/* Tries a small transaction. Outside of one. Says nothing when it fails. */
bool store_has_room(struct store *store);

/* Inside the transaction: when more than a quarter of the file is free pages, gives some back to the file system. True:
 * there are more. Free pages are used again first, so a file never grows for want of this. */
bool store_shrink(struct store *store, int pages);

/* Copies the WAL into the file. Opens a connection of its own, so it may run on another thread
 * than the store's. */
void store_checkpoint(const char *path);
/* Pages that wait for a checkpoint, as of the last commit; 0 when nothing was committed since the last call: a
 * checkpoint elsewhere shows only with the next commit, and whoever asks again and again must not start another. */
int64_t store_wal_pages(struct store *store);
