/* SPDX-License-Identifier: MIT */
/* Watches files that were read: says when one has another content and has not changed for half a second. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "str.h"

/* Files belong to a tag: all files of a plugin, the config. A file counts as changed when its content is another than
 * the one that was read. Half-written files are waited for, and a file that an editor replaces by a rename is
 * followed. The folders are watched, and besides all files are looked at every WATCH_LOOK_MS, for file
 * systems that tell nothing. */
struct watch;
/* From the loop; may change what is watched. */
typedef void watch_fn(void *data, const char *name);

struct watch *watch_create(struct loop *loop, watch_fn *fn, void *data);
void watch_destroy(struct watch *watch); /* NULL is fine */

/* Around one reading of all files of a tag: `name` is the tag; `watch_end` forgets the files that were not read this time, unless the
 * reading failed: then a repair of the old ones counts, too. */
void watch_begin(struct watch *watch, const char *name);
/* The file was read with this text; STR_NONE: it was not there. Also outside of begin and end. */
void watch_file(struct watch *watch, const char *name, const char *path, struct str text);
/* The plugins in a folder (see folder_plugins in files.h): one came or went. Their content does not count. */
void watch_plugins(struct watch *watch, const char *name, const char *folder);
void watch_end(struct watch *watch, const char *name, bool good);
void watch_forget(struct watch *watch, const char *name);
/* All files of the tag, each with what tells its content from another; 0: it was not there. Borrowed. */
typedef void watch_each_fn(void *data, const char *path, uint64_t content);
void watch_each(const struct watch *watch, const char *name, watch_each_fn *fn, void *data);
/* Watches a file that was read by an earlier run of the program. True: its content is another now. */
bool watch_again(struct watch *watch, const char *name, const char *path, uint64_t content);
/* True when a file of the tag has another content now than when it was read. */
bool watch_differs(struct watch *watch, const char *name);
