/* SPDX-License-Identifier: MIT */
/* replay --dead-letters: the events whose handlers failed, from a host's database, as a file that a replay reads. */
#pragma once

#include <stdbool.h>

#include "args.h"
#include "session.h"

struct replay_letters {
	int fd;     /* in memory only */
	char *path; /* that leads to it as long as it is open */
};

/* With --dead-letters; the database in --state is only read, also of a host that runs. False: said in the log. The caller calls
 * replay_letters_finish in every case. */
bool replay_letters_open(
	struct replay_letters *letters, const struct args *args, const struct session *session);
void replay_letters_finish(struct replay_letters *letters);
