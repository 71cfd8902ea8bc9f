/* SPDX-License-Identifier: MIT */
/* The database of a host that does not run, opened under the lock of its folder. */
#include "stopped.h"

#include <stdio.h>
#include <stdlib.h>

#include "limits.h"

bool
stopped_open(struct stopped *stopped, const char *folder, struct log *log, char *error)
{
	char *path = file_join(folder, "moontusk.db");
	*stopped = (struct stopped){0};
	if (!file_exists(path))
		snprintf(error, MESSAGE_MAX, "there is no database in %s", folder);
	else
		stopped->lock = state_folder_open(folder, false, error);
	if (stopped->lock)
		stopped->store = store_open(path, log, error);
	free(path);
	return stopped->store != NULL;
}

void
stopped_close(struct stopped *stopped)
{
	store_close(stopped->store);
	state_folder_close(stopped->lock);
}
