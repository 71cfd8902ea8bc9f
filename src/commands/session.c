/* SPDX-License-Identifier: MIT */
/* What every command that does something sets up first and takes down last: log, secrets, loop. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool
wants_color(const struct args *args, int fd)
{
	const char *no_color = getenv("NO_COLOR");
	return !args_given(args, "no-color") && !(no_color && *no_color) && isatty(fd);
}

void
session_start(struct session *session, const struct args *args)
{
	*session = (struct session){
		.secrets = secrets_create(),
		.lua_dir = args_text(args, "lua-dir", NULL),
		.color = wants_color(args, STDOUT_FILENO),
	};
	enum log_level level = args_given(args, "verbose") ? LOG_DEBUG
			       : args_given(args, "quiet") ? LOG_WARN
							   : LOG_INFO;
	session->log =
		log_create(stderr, level, wants_color(args, STDERR_FILENO), session->secrets);
	session->loop = loop_create(
		args_given(args, "clock-rate") ? args_flag(args, "clock-rate")->number : 1.0);
	if (args_given(args, "clock-from"))
		loop_share_clock(
			session->loop, (int64_t)(args_flag(args, "clock-from")->number * 1000.0));
}

void
session_end(struct session *session)
{
	loop_destroy(session->loop);
	log_destroy(session->log);
	secrets_destroy(session->secrets);
}
