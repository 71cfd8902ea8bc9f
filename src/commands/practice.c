/* SPDX-License-Identifier: MIT */
/* moontusk practice: a pretend Mastodon server on this machine. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "json_write.h"
#include "rng.h"
#include "session.h"
#include "trusted.h"

#define LOG_MODULE "practice"

static void
on_signal(void *data, int signum)
{
	(void)signum;
	loop_stop(data);
}

static void
on_time(void *data)
{
	loop_stop(data);
}

/* The values of the flags that Lua reads, as JSON. */
static void
put_arguments(struct buf *out, const struct args *args)
{
	static const struct {
		const char *flag, *key;
	} texts[] = {{"profile", "profile"}, {"events", "events"}, {"scenario", "scenario"},
		{"tls-cert", "cert"}, {"tls-key", "key"}};

	buf_add_char(out, '{');
	json_put_key(out, "port");
	json_put_int(out, args_given(args, "port") ? args_flag(args, "port")->count : 4000);
	json_put_key(out, "rate");
	json_put_double(out, args_given(args, "rate") ? args_flag(args, "rate")->number : 1.0);
	json_put_key(out, "quiet");
	json_put_bool(out, args_given(args, "quiet"));
	for (unsigned i = 0; i < COUNT_OF(texts); i++) {
		if (!args_given(args, texts[i].flag))
			continue;
		json_put_key(out, texts[i].key);
		json_put_text(out, args_text(args, texts[i].flag, NULL));
	}
	buf_add_char(out, '}');
}

static uint64_t
seed_of(const struct args *args)
{
	struct rng rng;

	if (args_given(args, "seed"))
		return (uint64_t)args_flag(args, "seed")->count;
	rng_seed_system(&rng);
	return rng_next(&rng);
}

/* Runs until a signal, --seconds or the instance itself ends it. */
static int
serve(struct session *session, const struct args *args, struct str arguments)
{
	char error[PLUGIN_ERROR_MAX];
	struct trusted_config config = {
		.loop = session->loop,
		.log = session->log,
		.module = "practice.main",
		.arguments = arguments,
		.lua_dir = session->lua_dir,
		.seed = seed_of(args),
		.out = stdout,
	};
	struct trusted *trusted = trusted_create(&config, error);
	struct loop_timer *end = NULL;
	int status = EXIT_DONE;

	if (!trusted) {
		/* The lines behind the first tell where in our own Lua it was noticed. */
		if (!args_given(args, "verbose"))
			error[strcspn(error, "\n")] = '\0';
		fprintf(stderr, "moontusk practice: %s\n", error);
		return EXIT_FAILED;
	}
	loop_on_signal(session->loop, SIGINT, on_signal, session->loop);
	loop_on_signal(session->loop, SIGTERM, on_signal, session->loop);
	if (args_given(args, "seconds")) {
		end = loop_timer_create(session->loop, on_time, session->loop);
		loop_timer_start(end, (int64_t)(args_flag(args, "seconds")->number * 1000), 0);
	}
	if (trusted_call(trusted, "announce", STR_NONE, NULL, error)) {
		loop_run(session->loop);
	} else {
		fprintf(stderr, "moontusk practice: %s\n", error);
		status = EXIT_FAILED;
	}
	loop_timer_destroy(end);
	trusted_destroy(trusted);
	return status;
}

static int
practice_run(const struct args *args)
{
	struct session session;
	struct buf arguments;
	int status;

	if (args_given(args, "port") && args_flag(args, "port")->count > 65535)
		return args_usage_error(args, "--port %s: a port is a number from 0 to 65535",
			args_text(args, "port", ""));
	if (args_given(args, "tls-cert") != args_given(args, "tls-key"))
		return args_usage_error(args, "--tls-cert and --tls-key go together");
	session_start(&session, args);
	buf_init(&arguments, 64 << 10);
	put_arguments(&arguments, args);
	status = serve(&session, args, buf_str(&arguments));
	buf_finish(&arguments);
	session_end(&session);
	return status;
}

static const struct flag flags[] = {
	{"port", FLAG_COUNT, "N", "listen there on 127.0.0.1 (4000); 0: any free port", false},
	{"rate", FLAG_NUMBER, "N", "public posts a second (1); 0: as fast as they are read", false},
	{"profile", FLAG_TEXT, "NAME",
		"behave as this server does: mastodon, gotosocial, pleroma, pleroma-old, akkoma, "
		"iceshrimp, glitch, fedibird, none (no streams)",
		false},
	{"events", FLAG_TEXT, "FILE",
		"send these events (JSON lines) in place of the made-up timeline", false},
	{"scenario", FLAG_TEXT, "FILE", "run this Lua script of events and faults", false},
	{"tls-cert", FLAG_TEXT, "FILE", "serve https and wss with this certificate (PEM)", false},
	{"tls-key", FLAG_TEXT, "FILE", "and its key (PEM)", false},
	{"seed", FLAG_COUNT, "N", "make the same people, tokens and posts each time", false},
	{"seconds", FLAG_NUMBER, "N", "end after so many seconds", false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_practice = {
	"practice",
	"run a pretend Mastodon server on this machine",
	"[flags]",
	"A server with made-up people to try plugins on: REST, event streams and WebSocket on\n"
	"127.0.0.1. It prints its address and an access token; what you post there can be read back,\n"
	"and nothing leaves this machine. Requests are logged on stderr unless --quiet.\n"
	"docs/practice.md describes scenarios, faults and the control endpoint.",
	"  moontusk practice\n"
	"  moontusk practice --port 0 --rate 10 --seed 7 --seconds 5",
	flags,
	0,
	0,
	practice_run,
};
