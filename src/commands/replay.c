/* SPDX-License-Identifier: MIT */
/* moontusk replay: the same host over recorded events, dry, with a clock that follows them. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "decode.h"
#include "files.h"
#include "host.h"
#include "limits.h"
#include "plugin.h"
#include "report.h"
#include "session.h"
#include "target.h"
#include "xmalloc.h"

#define LOG_MODULE "replay"

struct replay {
	struct session session;
	struct config config;
	struct state_folder *state;
	struct report report;
	struct host *host;
	struct json_parser *parser;
	int64_t now_ms; /* the virtual clock: the time of the newest event */
	uint64_t lines, events, ignored, broken;
	bool failed;
};

static int64_t
virtual_now(void *data)
{
	return ((struct replay *)data)->now_ms;
}

/* Schedules that fell due before the event run at their own time. */
static void
advance(struct replay *replay, int64_t to_ms)
{
	int64_t due_ms;
	while ((due_ms = host_next_due(replay->host)) <= to_ms && due_ms > replay->now_ms) {
		replay->now_ms = due_ms;
		host_replay(replay->host, NULL);
	}
	if (to_ms > replay->now_ms)
		replay->now_ms = to_ms;
}

/* Handlers that wait when the events end go on to their end, for a while. */
static void
drain(struct replay *replay)
{
	int64_t until_ms = replay->now_ms + REPLAY_DRAIN_MS;
	for (unsigned i = 0; i < REPLAY_DRAIN_STEPS && host_waiting(replay->host) > 0; i++) {
		int64_t due_ms = host_next_due(replay->host);
		if (due_ms > until_ms)
			break;
		replay->now_ms = due_ms > replay->now_ms ? due_ms : replay->now_ms;
		host_replay(replay->host, NULL);
	}
	size_t left = host_waiting(replay->host);
	if (left > 0)
		log_warn(replay->session.log,
			"%zu handlers or started functions still wait at the end; they are left there",
			left);
}

static void
replay_line(struct replay *replay, const char *file, uint64_t number, struct str line)
{
	struct decode_context context = {
		.parser = replay->parser,
		.origin = ORIGIN_REPLAY,
		.received_at_ms = replay->now_ms,
		.borrow = true, /* each event is handled before the next line is read */
	};
	struct decode_output out;
	replay->lines++;
	if (str_trim(line).len == 0)
		return;
	switch (decode_line(&context, line, &out)) {
	case DECODE_EVENT:
		replay->events++;
		advance(replay, out.event->received_at_ms);
		host_replay(replay->host, out.event);
		break;
	case DECODE_IGNORED:
		replay->ignored++;
		break;
	case DECODE_ERROR:
	case DECODE_BROKEN:
		if (++replay->broken <= REPLAY_BROKEN_SHOWN_MAX)
			log_warn(replay->session.log, "%s:%" PRIu64 ": %s; skipped", file, number,
				out.error_text);
		break;
	}
}

static bool
replay_file(struct replay *replay, const char *name)
{
	bool is_stdin = strcmp(name, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(name, "re");
	if (!in) {
		log_error(replay->session.log, "%s cannot be read: %s", name, strerror(errno));
		return false;
	}
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	uint64_t number = 0;
	while ((len = getline(&line, &size, in)) >= 0) {
		number++;
		if ((size_t)len > EVENT_LINE_MAX) {
			replay->broken++;
			log_warn(replay->session.log,
				"%s:%" PRIu64 ": longer than %u bytes; skipped", name, number,
				EVENT_LINE_MAX);
			continue;
		}
		replay_line(
			replay, is_stdin ? "stdin" : name, number, (struct str){line, (size_t)len});
	}
	bool good = !ferror(in);
	if (!good)
		log_error(replay->session.log, "%s: %s", name, strerror(errno));
	free(line);
	if (!is_stdin)
		fclose(in);
	return good;
}

static bool
prepare(struct replay *replay, const struct args *args)
{
	struct session *session = &replay->session;
	struct target_words words = {
		args->words + args->before_dashes, args->word_count - args->before_dashes, true};
	if (!target_plugins(&replay->config, args, session, &words))
		return false;
	const char *state = args_text(args, "state", NULL);
	char error[MESSAGE_MAX];
	if (state && !(replay->state = state_folder_open(state, false, error))) {
		log_error(session->log, "%s", error);
		return false;
	}
	struct host_config config = {
		.loop = session->loop,
		.clock = {virtual_now, virtual_now, replay},
		.log = session->log,
		.secrets = session->secrets,
		.config = &replay->config,
		.state_folder = replay->state ? state_folder_path(replay->state) : NULL,
		.lua_dir = session->lua_dir,
		.dry_run = true,
		.offline = true,
	};
	replay->report = (struct report){
		.log = session->log,
		.show = {stdout, session->color, 200, NULL},
		.print_dry = true,
	};
	replay->host = host_create(&config, &report_events, &replay->report);
	if (replay->host)
		replay->now_ms = host_replay_time(replay->host);
	return replay->host != NULL;
}

static int
replay_run(const struct args *args)
{
	struct replay replay = {0};
	session_start(&replay.session, args);
	replay.parser = json_parser_create();
	if (args->before_dashes == 0) {
		log_error(replay.session.log,
			"no file named: moontusk replay FILE… -- PLUGIN…; \"-\" is standard input");
		replay.failed = true;
	} else {
		replay.failed = !prepare(&replay, args);
	}
	for (unsigned i = 0; i < args->before_dashes && !replay.failed; i++)
		replay.failed = !replay_file(&replay, args->words[i]);
	if (replay.host) {
		drain(&replay);
		if (replay.broken > REPLAY_BROKEN_SHOWN_MAX)
			log_warn(replay.session.log, "%" PRIu64 " broken lines in all",
				replay.broken);
		log_info(replay.session.log,
			"%" PRIu64 " lines: %" PRIu64 " events, %" PRIu64 " other, %" PRIu64
			" broken",
			replay.lines, replay.events, replay.ignored, replay.broken);
		report_summary(&replay.report, replay.host);
		replay.failed = replay.failed || host_failed_count(replay.host) > 0;
	}
	host_destroy(replay.host);
	state_folder_close(replay.state);
	config_finish(&replay.config);
	json_parser_destroy(replay.parser);
	session_end(&replay.session);
	return replay.failed ? EXIT_FAILED : EXIT_DONE;
}

static const struct flag replay_flags[] = {
	{"config", FLAG_TEXT, "FILE",
		"the config file (default: moontusk.lua here or in ~/.config/moontusk)", false},
	{"server", FLAG_TEXT, "URL", "whom the plugins shall take themselves to be connected to",
		true},
	{"account", FLAG_TEXT, "NAME", "an account of the config file", true},
	{"ca-file", FLAG_TEXT, "FILE", "not used here", true},
	{"transport", FLAG_TEXT, "WAY", "not used here", true},
	PLUGIN_FLAGS,
	{"state", FLAG_TEXT, "DIR", "keep the state in DIR (default: in memory, gone at the end)",
		false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_replay = {
	.name = "replay",
	.summary = "run plugins over recorded events; nothing is sent",
	.usage = "FILE… -- PLUGIN… [flags]",
	.details =
		"FILE has one event a line, as 'moontusk tail --json' and archives write them, or bare statuses; \"-\" is\n"
		"standard input. Files are read one after the other. What the plugins would send is printed. Time follows\n"
		"the events. Broken lines are named, counted and skipped. With --state a replay that was cut short goes on when it is\n"
		"started again: what was handled is passed over, and time does not go back.\n"
		"Not there yet: compressed files, --jobs, --since and --until, --expect.",
	.examples =
		"  moontusk replay events.jsonl -- ./caturday.lua\n"
		"  moontusk tail public --json --count 100 --server https://mastodon.example | moontusk replay - -- auto_boost",
	.flags = replay_flags,
	.words_min = 0,
	.words_max = UINT_MAX,
	.run = replay_run,
};
