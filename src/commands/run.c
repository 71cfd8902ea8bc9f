/* SPDX-License-Identifier: MIT */
/* moontusk run: the host. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "files.h"
#include "host.h"
#include "limits.h"
#include "plugin.h"
#include "report.h"
#include "session.h"
#include "target.h"
#include "xmalloc.h"

#define LOG_MODULE "run"

struct run {
	struct session session;
	const struct args *args;
	struct config config;
	struct state_folder *state;
	struct report report;
	struct host *host;
	struct loop_timer *end;
	bool stopped; /* by the host itself */
};

/* The host's data is the report. */
static struct run *
run_of(void *data)
{
	return (struct run *)((char *)data - offsetof(struct run, report));
}

static void
on_stopped(void *data)
{
	run_of(data)->stopped = true;
}

static void
on_signal(void *data, int signum)
{
	struct run *run = data;
	log_info(run->session.log, "%s: ending", signum == SIGINT ? "interrupted" : "terminated");
	loop_stop(run->session.loop);
}

static void
on_reloaded(void *data, bool good, struct str words)
{
	struct run *run = data;
	if (good && str_eq(words, STR("nothing has changed\n")))
		log_info(run->session.log, "SIGHUP: nothing has changed");
}

static void
on_hangup(void *data, int signum)
{
	struct run *run = data;
	(void)signum;
	host_reload(run->host, NULL, on_reloaded, run);
}

static void
on_time_up(void *data)
{
	loop_stop(((struct run *)data)->session.loop);
}

/* --rotate counts in place of what the config file says. */
static bool
add_rotation(struct config *config, const struct flag_value *flag, const struct session *session)
{
	char error[MESSAGE_MAX];
	if (flag->text_count > 0)
		config->archive = (struct rotation){0};
	for (unsigned i = 0; i < flag->text_count; i++) {
		if (rotation_add(&config->archive, str_from(flag->texts[i]), error))
			continue;
		log_error(session->log, "--rotate: %s", error);
		return false;
	}
	return true;
}

/* Config file and command line as one; at the start, and for a reload. */
static bool
read_target(struct config *config, const struct args *args, const struct session *session)
{
	struct target_words words = {args->words, args->word_count, false};
	if (!target_plugins(config, args, session, &words))
		return false;
	if (args_given(args, "plugin-folder")) {
		free(config->plugin_folder.path);
		config->plugin_folder.path = xstrdup(args_text(args, "plugin-folder", NULL));
	}
	if (args_given(args, "process-backlog")) {
		double wanted = args_flag(args, "process-backlog")->number;
		config->process_backlog = wanted < BACKLOG_MAX ? (unsigned)wanted : BACKLOG_MAX;
	}
	return add_rotation(config, args_flag(args, "rotate"), session);
}

static void
add_words(void *data, enum log_level level, const char *module, const char *line)
{
	(void)level;
	(void)module;
	buf_printf(data, "%s\n", line);
}

/* What is wrong goes to whoever asked for the reload, and from there to the log. */
static bool
read_again(void *data, struct config *fresh, struct buf *words)
{
	struct run *run = run_of(data);
	struct session session = run->session;
	session.log = log_create(stderr, LOG_WARN, false, session.secrets);
	log_set_sink(session.log, add_words, words);
	bool good = read_target(fresh, run->args, &session);
	log_destroy(session.log);
	return good;
}

static bool
prepare(struct run *run, const struct args *args)
{
	struct session *session = &run->session;
	run->args = args;
	if (!read_target(&run->config, args, session))
		return false;
	bool dry_run = args_given(args, "dry-run");
	char error[MESSAGE_MAX];
	run->state = state_folder_open(args_text(args, "state", NULL), dry_run, error);
	if (!run->state) {
		log_error(session->log, "%s", error);
		return false;
	}
	for (unsigned i = 0; i < run->config.account_count; i++) {
		if (!run->config.accounts[i].token)
			log_warn(session->log,
				"account \"%s\" has no token%s. Most servers refuse streams without one.",
				run->config.accounts[i].name,
				args_given(args, "server") ? ": set MOONTUSK_TOKEN" : "");
	}
	struct host_config config = {
		.loop = session->loop,
		.clock = loop_clock(session->loop),
		.log = session->log,
		.secrets = session->secrets,
		.config = &run->config,
		.read_config = read_again,
		.state_folder = state_folder_path(run->state),
		.lua_dir = session->lua_dir,
		.dry_run = dry_run,
	};
	struct host_events events = report_events;
	events.on_stopped = on_stopped;
	run->report = (struct report){
		.log = session->log,
		.show = {stdout, session->color, 200, NULL},
		.print_dry = true,
		.reader = dry_run ? session->loop : NULL,
	};
	run->host = host_create(&config, &events, &run->report);
	return run->host != NULL;
}

static void
say_start(const struct run *run)
{
	for (unsigned i = 0; i < host_instance_count(run->host); i++) {
		const struct plugin *plugin = host_plugin(run->host, i);
		if (!plugin) /* said when it did not load */
			continue;
		unsigned handlers, schedules, streams;
		plugin_handlers(plugin, &handlers);
		plugin_schedules(plugin, &schedules);
		plugin_streams(plugin, &streams);
		log_info(run->session.log, "plugin %s: %u handler%s on %u stream%s",
			plugin_name(plugin), handlers, handlers == 1 ? "" : "s", streams,
			streams == 1 ? "" : "s");
		if (handlers > 0 && streams == 0)
			log_warn(run->session.log,
				"%s hears nothing: add tusk.subscribe(\"public\") or another stream",
				plugin_name(plugin));
		if (handlers == 0 && schedules == 0)
			log_warn(run->session.log,
				"%s does nothing: it calls neither tusk.on nor tusk.hear nor tusk.every",
				plugin_name(plugin));
	}
	log_info(run->session.log, "state in %s", state_folder_path(run->state));
}

static int
run_run(const struct args *args)
{
	struct run run = {0};
	session_start(&run.session, args);
	bool ready = prepare(&run, args);
	if (ready) {
		say_start(&run);
		loop_on_signal(run.session.loop, SIGINT, on_signal, &run);
		loop_on_signal(run.session.loop, SIGTERM, on_signal, &run);
		loop_on_signal(run.session.loop, SIGHUP, on_hangup, &run);
		if (args_given(args, "seconds")) {
			run.end = loop_timer_create(run.session.loop, on_time_up, &run);
			loop_timer_start(run.end,
				(int64_t)(args_flag(args, "seconds")->number * 1000.0) + 1, 0);
		}
		host_start(run.host);
		loop_run(run.session.loop);
		host_finish(run.host);
		report_summary(&run.report, run.host);
	}
	host_destroy(run.host);
	loop_timer_destroy(run.end);
	state_folder_close(run.state);
	config_finish(&run.config);
	session_end(&run.session);
	return ready && !run.stopped ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag run_flags[] = {
	TARGET_FLAGS,
	PLUGIN_FLAGS,
	{"dry-run", FLAG_SWITCH, NULL,
		"send nothing: print what would have been sent (with state of its own)", false},
	{"state", FLAG_TEXT, "DIR",
		"folder of the database and archives (default: ~/.local/state/moontusk)", false},
	{"plugin-folder", FLAG_TEXT, "DIR",
		"run what lies in DIR, too: a plugin dropped in starts, one taken out stops",
		false},
	{"process-backlog", FLAG_NUMBER, "N",
		"at the first run, handle the newest N posts of before, too (default: 0)", false},
	{"rotate", FLAG_TEXTS, "WHEN",
		"archives begin a new file each \"day\", or at a size such as \"100MB\"; may be given twice",
		false},
	{"seconds", FLAG_NUMBER, "N", "end after N seconds", false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_run = {
	.name = "run",
	.summary = "run plugins on the streams they subscribe to",
	.usage = "[PLUGIN…] [flags]",
	.details =
		"PLUGIN is the path of a Lua file or folder, the name of a shipped plugin, or an instance of the config\n"
		"file. Without one, all plugins of the config file run. A plugin named here needs no config: give\n"
		"--server and set MOONTUSK_TOKEN; it may do what it declares. 'moontusk check PLUGIN' says what that is.\n"
		"Exit code: 0 when ended by a signal or --seconds, 1 when it cannot run, 2 for wrong flags.",
	.examples =
		"  moontusk run ./caturday.lua --server https://mastodon.example --dry-run\n"
		"  moontusk run keyword_archive --set words=words.txt --server https://mastodon.example\n"
		"  moontusk run --config moontusk.lua",
	.flags = run_flags,
	.words_min = 0,
	.words_max = UINT_MAX,
	.run = run_run,
};
