/* SPDX-License-Identifier: MIT */
/* Compiled sets kept on disk between starts: one file a key, checked when read. Private to match/. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "str.h"

/* What was written under this very key, into `data`. False: there is none, or the file is broken, somebody else's, or
 * of another key; it is as good as none. */
bool scan_cache_read(const char *folder, struct str key, struct buf *data);
/* Whole or not at all (mode 0600, renamed into its place). Makes the folder (0700) when it is missing; removes the
 * files that were not used for longest when there are more than SCAN_CACHE_FILES_MAX. False: not written. */
bool scan_cache_write(const char *folder, struct str key, struct str data);
