/* SPDX-License-Identifier: MIT */
/* moontusk replay: the same host over recorded events, dry, with a clock that follows them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "files.h"
#include "host.h"
#include "input.h"
#include "json_write.h"
#include "limits.h"
#include "plugin.h"
#include "progress.h"
#include "replay_expect.h"
#include "replay_files.h"
#include "replay_jobs.h"
#include "replay_letters.h"
#include "replay_table.h"
#include "report.h"
#include "session.h"
#include "target.h"
#include "xmalloc.h"

#define LOG_MODULE "replay"

struct replay {
	struct report report; /* first: the host's callbacks get it */
	struct session session;
	struct config config;
	struct state_folder *state;
	struct host *host;
	struct sift_window window;
	struct sifter *sifter; /* this thread's */
	struct jobs *jobs;     /* NULL: this thread does it all */
	struct table *table;
	struct expect *expect;
	struct replay_files files;
	struct replay_letters letters; /* with --dead-letters */
	struct progress progress;
	uint64_t bytes; /* of the files that are done */
	unsigned file;  /* number of the one that is handled */
	int64_t now_ms; /* the virtual clock: the time of the newest event */
	uint64_t lines, events, outside, ignored, broken;
	bool failed, stopped, json;
};

static int64_t
virtual_now(void *data)
{
	return ((struct replay *)data)->now_ms;
}

/* ---- the host's news ---- */

static void
on_action(void *data, const struct intent *intent)
{
	struct replay *replay = data;
	progress_clear(&replay->progress);
	report_events.on_action(&replay->report, intent);
}

static void
on_hit(void *data, const char *instance, unsigned handler, struct event *event)
{
	table_hit(((struct replay *)data)->table, instance, handler, event);
}

static void
on_stopped(void *data)
{
	((struct replay *)data)->stopped = true;
}

/* ---- time ---- */

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

/* ---- lines ---- */

static const char *
file_name(const struct replay *replay, unsigned file)
{
	const char *name = replay->files.list[file];
	return strcmp(name, "-") == 0 ? "stdin" : name;
}

static void
say_broken(struct replay *replay, uint64_t number, const char *problem)
{
	if (++replay->broken <= REPLAY_BROKEN_SHOWN_MAX)
		log_warn(replay->session.log, "%s:%" PRIu64 ": %s; skipped",
			file_name(replay, replay->file), number, problem);
}

/* Takes the event. */
static void
handle_event(struct replay *replay, struct event *event)
{
	if (event->received_at_ms == 0)
		event->received_at_ms = replay->now_ms; /* nobody else has it yet */
	if (!sift_window_has(&replay->window, event->received_at_ms)) {
		replay->outside++;
		event_unref(event);
		return;
	}
	replay->events++;
	advance(replay, event->received_at_ms);
	host_replay(replay->host, event);
}

static void
handle_pass(struct replay *replay, const struct sifted *sifted)
{
	/* With a pattern that is off, what a rule says may hang on it: the host itself has to look. */
	if (host_stats(replay->host)->switched_off > 0) {
		struct event *event = sifter_again(replay->sifter, sifted->line);
		REQUIRE(event);
		handle_event(replay, event);
		return;
	}
	replay->events++;
	advance(replay, sifted->at_ms);
	host_pass(replay->host);
}

static void
handle_line(struct replay *replay, uint64_t number, struct sifted *sifted)
{
	replay->lines++;
	switch (sifted->kind) {
	case SIFTED_BLANK:
		break;
	case SIFTED_EVENT:
		handle_event(replay, sifted->event);
		sifted->event = NULL;
		break;
	case SIFTED_PASS:
		handle_pass(replay, sifted);
		break;
	case SIFTED_OUTSIDE:
		replay->outside++;
		break;
	case SIFTED_IGNORED:
		replay->ignored++;
		break;
	case SIFTED_BROKEN:
		say_broken(replay, number, sifted->problem);
		break;
	}
	free(sifted->problem);
	sifted->problem = NULL;
}

static void
handle_too_long(struct replay *replay, uint64_t number)
{
	char *problem = xasprintf("longer than %u bytes", EVENT_LINE_MAX);
	replay->lines++;
	say_broken(replay, number, problem);
	free(problem);
}

static void
handle_here(struct replay *replay, const struct input_block *block)
{
	struct str rest = {block->text, block->len}, line;
	uint64_t number = block->first_line;
	while (!replay->stopped && input_line(&rest, &line)) {
		struct sifted sifted;
		sifter_line(replay->sifter, line, false, &sifted);
		handle_line(replay, number++, &sifted);
	}
}

/* The oldest block that the threads have. False: none. */
static bool
handle_sifted(struct replay *replay)
{
	struct jobs_block *block = replay->jobs ? jobs_take(replay->jobs) : NULL;
	if (!block)
		return false;
	replay->file = block->file;
	if (block->lines.too_long)
		handle_too_long(replay, block->lines.first_line);
	for (size_t i = 0; i < block->count; i++) {
		if (!replay->stopped)
			handle_line(replay, block->lines.first_line + i, &block->list[i]);
		event_unref(block->list[i].event);
		free(block->list[i].problem);
	}
	jobs_return(replay->jobs, block);
	return true;
}

/* ---- files ---- */

/* With threads: what they have is handled while a pipe has nothing new, or when there is enough of it. */
static enum input_result
read_for_threads(struct replay *replay, struct input *input, unsigned file)
{
	struct jobs_block *block;
	while (!(block = jobs_blank(replay->jobs)) ||
		(!jobs_idle(replay->jobs) && !input_ready(input)))
		(void)handle_sifted(replay);
	enum input_result result = input_next(input, &block->lines);
	block->file = file;
	if (result == INPUT_LINES)
		jobs_give(replay->jobs);
	return result;
}

static enum input_result
read_here(struct replay *replay, struct input *input, unsigned file, struct input_block *block)
{
	enum input_result result = input_next(input, block);
	replay->file = file;
	if (result == INPUT_LINES && block->too_long)
		handle_too_long(replay, block->first_line);
	else if (result == INPUT_LINES)
		handle_here(replay, block);
	return result;
}

static bool
replay_file(struct replay *replay, unsigned file)
{
	char error[MESSAGE_MAX];
	struct input *input = input_open(replay->files.list[file], error);
	struct input_block block = {0};
	enum input_result result = INPUT_LINES;
	if (!input) {
		log_error(replay->session.log, "%s %s", file_name(replay, file), error);
		return false;
	}
	while (result == INPUT_LINES && !replay->stopped) {
		result = replay->jobs ? read_for_threads(replay, input, file)
				      : read_here(replay, input, file, &block);
		progress_show(&replay->progress, replay->bytes + input_used(input), replay->events);
	}
	if (result == INPUT_FAILED)
		log_error(
			replay->session.log, "%s: %s", file_name(replay, file), input_error(input));
	replay->bytes += input_used(input);
	input_block_finish(&block);
	input_close(input);
	return result != INPUT_FAILED;
}

/* ---- setting up ---- */

/* "30d" before now, a date, or a time. */
static bool
read_time(const struct replay *replay, const char *text, int64_t now_ms, int64_t *at_ms)
{
	int64_t span_ms;
	if (duration_parse(str_from(text), &span_ms)) {
		*at_ms = now_ms - span_ms;
		return true;
	}
	if (time_parse(str_from(text), at_ms))
		return true;
	log_error(replay->session.log,
		"\"%s\" is no time: expected a date (2026-11-20), a time (2026-11-20T12:00:00Z), or how long ago (30d, 12h)",
		text);
	return false;
}

static bool
read_window(struct replay *replay, const struct args *args)
{
	struct clock clock = loop_clock(replay->session.loop);
	int64_t now_ms = clock_wall_ms(&clock);
	const char *since = args_text(args, "since", NULL), *until = args_text(args, "until", NULL);
	replay->window = (struct sift_window){INT64_MIN, INT64_MAX};
	return (!since || read_time(replay, since, now_ms, &replay->window.since_ms)) &&
	       (!until || read_time(replay, until, now_ms, &replay->window.until_ms));
}

/* Without "--", the words that are Lua files are the plugins. */
static bool
read_words(struct replay *replay, const struct args *args, const char **plugins, unsigned *count)
{
	bool letters = args_given(args, "dead-letters");
	bool dashes = letters || args->before_dashes < args->word_count;
	char error[MESSAGE_MAX];
	*count = 0;
	if (letters && (!replay_letters_open(&replay->letters, args, &replay->session) ||
			       !replay_files_add(&replay->files, replay->letters.path, error)))
		return false;
	for (unsigned i = 0; i < args->word_count; i++) {
		const char *word = args->words[i];
		if (dashes ? i >= args->before_dashes : str_ends(str_from(word), ".lua")) {
			plugins[(*count)++] = word;
		} else if (!replay_files_add(&replay->files, word, error)) {
			log_error(replay->session.log, "%s", error);
			return false;
		}
	}
	if (replay->files.count > 0)
		return true;
	log_error(replay->session.log,
		"no file named: moontusk replay FILE… -- PLUGIN…; \"-\" is standard input");
	return false;
}

static bool
create_host(struct replay *replay, const struct args *args)
{
	struct session *session = &replay->session;
	/* That of the letters is the host's: nothing is changed there. */
	const char *state =
		args_given(args, "dead-letters") ? NULL : args_text(args, "state", NULL);
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
		.print_dry = !replay->json,
	};
	struct host_events events = report_events;
	events.on_action = on_action;
	events.on_hit = on_hit;
	events.on_stopped = on_stopped;
	replay->host = host_create(&config, &events, replay);
	if (replay->host)
		replay->now_ms = host_replay_time(replay->host);
	return replay->host != NULL;
}

static bool
read_expect(struct replay *replay, const char *file)
{
	char error[PLUGIN_ERROR_MAX];
	replay->expect = expect_read(file, replay->table, error);
	if (!replay->expect)
		log_error(replay->session.log, "%s", error);
	return replay->expect != NULL;
}

static bool
prepare(struct replay *replay, const struct args *args)
{
	const char **plugins = xcalloc(args->word_count + 1, sizeof(*plugins));
	unsigned count;
	bool good = read_words(replay, args, plugins, &count) && read_window(replay, args);
	struct target_words words = {plugins, count, true};
	good = good && target_plugins(&replay->config, args, &replay->session, &words) &&
	       create_host(replay, args);
	free(plugins);
	if (!good)
		return false;
	replay->table = table_create(replay->host);
	const char *expect = args_text(args, "expect", NULL);
	if (expect && !read_expect(replay, expect))
		return false;
	unsigned jobs = args_given(args, "jobs") ? (unsigned)args_flag(args, "jobs")->count : 1;
	replay->sifter = sifter_create(replay->host, &replay->window);
	if (jobs > 1)
		replay->jobs = jobs_create(jobs, replay->host, &replay->window);
	return true;
}

/* ---- the end ---- */

static struct scout_tally
tally_of(const void *data, unsigned instance, unsigned handler)
{
	const struct replay *replay = data;
	return replay->jobs ? jobs_tally(replay->jobs, instance, handler)
			    : scout_tally(sifter_scout(replay->sifter), instance, handler);
}

static void
print_json(const struct replay *replay)
{
	struct buf out;
	buf_init(&out, JSON_TEXT_MAX);
	buf_printf(&out,
		"{\"lines\":%" PRIu64 ",\"events\":%" PRIu64 ",\"outside\":%" PRIu64
		",\"other\":%" PRIu64 ",\"broken\":%" PRIu64 ",\"matches\":%" PRIu64 ",\"rules\":",
		replay->lines, replay->events, replay->outside, replay->ignored, replay->broken,
		table_total(replay->table));
	table_json(replay->table, &out);
	buf_add_char(&out, '}');
	printf("%s\n", out.ptr ? out.ptr : "");
	buf_finish(&out);
}

static void
finish(struct replay *replay, bool quiet)
{
	drain(replay);
	progress_end(&replay->progress);
	if (replay->broken > REPLAY_BROKEN_SHOWN_MAX)
		log_warn(replay->session.log, "%" PRIu64 " broken lines in all", replay->broken);
	log_info(replay->session.log,
		"%" PRIu64 " lines: %" PRIu64 " events, %" PRIu64 " other, %" PRIu64 " broken",
		replay->lines, replay->events, replay->ignored, replay->broken);
	if (replay->outside > 0)
		log_info(replay->session.log, "%" PRIu64 " events outside of --since and --until",
			replay->outside);
	report_summary(&replay->report, replay->host);
	table_measure(replay->table, tally_of, replay);
	if (replay->json)
		print_json(replay);
	else if (!quiet)
		table_print(replay->table, stdout);
	fflush(stdout);
	if (replay->expect && expect_judge(replay->expect, replay->table, stderr) > 0)
		replay->failed = true;
	replay->failed = replay->failed || replay->stopped || host_failed_count(replay->host) > 0;
}

static int
replay_run(const struct args *args)
{
	if (args_given(args, "jobs") && (args_flag(args, "jobs")->count < 1 ||
						args_flag(args, "jobs")->count > REPLAY_JOBS_MAX))
		return args_usage_error(args, "--jobs: expected 1 to %d", REPLAY_JOBS_MAX);
	struct replay replay = {.json = args_given(args, "json")};
	bool quiet = args_given(args, "quiet");
	session_start(&replay.session, args);
	if (prepare(&replay, args)) {
		progress_start(&replay.progress, replay.session.log,
			replay.files.unknown ? 0 : replay.files.bytes, !quiet);
		for (unsigned i = 0; i < replay.files.count && !replay.failed; i++)
			replay.failed = !replay_file(&replay, i);
		while (handle_sifted(&replay))
			;
		finish(&replay, quiet);
	} else {
		replay.failed = true;
	}
	jobs_destroy(replay.jobs);
	sifter_destroy(replay.sifter);
	host_destroy(replay.host);
	table_destroy(replay.table);
	expect_destroy(replay.expect);
	replay_files_finish(&replay.files);
	replay_letters_finish(&replay.letters);
	state_folder_close(replay.state);
	config_finish(&replay.config);
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
	{"dead-letters", FLAG_SWITCH, NULL,
		"run the events again whose handlers failed, from the database in --state, which stays as it is",
		false},
	{"instance", FLAG_TEXT, "NAME", "with --dead-letters: only those of this instance", false},
	{"since", FLAG_TEXT, "TIME",
		"only events from then on: a date, a time, or how long before now (30d)", false},
	{"until", FLAG_TEXT, "TIME", "only events before then", false},
	{"jobs", FLAG_COUNT, "N",
		"threads that parse and match, 1 to 64 (default 1); handlers run in order on one",
		false},
	{"expect", FLAG_TEXT, "FILE", "how often rules shall match; else exit code 1", false},
	{"json", FLAG_SWITCH, NULL, "print the table of rules as JSON, and nothing else", false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_replay = {
	.name = "replay",
	.summary = "run plugins over recorded events; nothing is sent",
	.usage = "FILE… -- PLUGIN… [flags]",
	.details =
		"FILE has one event a line, as 'moontusk tail --json' and archives write them, or bare statuses; \"-\" is\n"
		"standard input, a folder all *.jsonl and *.jsonl.zst in it, in the order of their names. Files packed with zstd are\n"
		"unpacked. Files are read one after the other. What the plugins would send is printed. Time follows\n"
		"the events. Broken lines are named, counted and skipped. With --state a replay that was cut short goes on when it is\n"
		"started again: what was handled is passed over, and time does not go back.\n"
		"At the end stands a table of all rules: matches, events of the kinds that the rule hears, nanoseconds that it took for\n"
		"each of them, the domains and the first ten posts. --expect FILE names rules as the table does:\n"
		"  return { [\"caturday:12\"] = { at_least = 1, at_most = 3 }, total = { exactly = 5 } }\n"
		"--quiet leaves out the table and the progress bar.",
	.examples =
		"  moontusk replay events.jsonl -- ./caturday.lua\n"
		"  moontusk replay --dead-letters --state ~/.local/state/moontusk -- ./caturday.lua\n"
		"  moontusk tail public --json --count 100 --server https://mastodon.example | moontusk replay - -- auto_boost",
	.flags = replay_flags,
	.words_min = 0,
	.words_max = UINT_MAX,
	.run = replay_run,
};
