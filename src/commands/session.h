/* SPDX-License-Identifier: MIT */
/* What every command that does something sets up first and takes down last: log, secrets, loop. */
#pragma once

#include <stdbool.h>

#include "args.h"
#include "log.h"
#include "loop.h"
#include "secrets.h"

struct session {
	struct secrets *secrets;
	struct log *log;
	struct loop *loop;   /* with --clock-rate */
	const char *lua_dir; /* NULL: the compiled-in library */
	bool color;          /* for stdout */
};

/* Log on stderr at the level of --verbose and --quiet, coloured on a terminal unless --no-color or
 * NO_COLOR. The loop ignores SIGPIPE. */
void session_start(struct session *session, const struct args *args);
void session_end(struct session *session);
