/* SPDX-License-Identifier: MIT */
/* The database of a host that does not run, opened under the lock of its folder. */
#pragma once

#include <stdbool.h>

#include "files.h"
#include "log.h"
#include "store.h"

struct stopped {
	struct state_folder *lock; /* a host that starts now must not find us at its database */
	struct store *store;
};

/* False: there is no database, a host runs, or it cannot be opened: `error` (MESSAGE_MAX bytes) says so. To be closed
 * in any case. */
bool stopped_open(struct stopped *stopped, const char *folder, struct log *log, char *error);
void stopped_close(struct stopped *stopped);
