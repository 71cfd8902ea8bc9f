/* SPDX-License-Identifier: MIT */
/* moontusk demo: the practice instance and three plugins in one terminal, no account needed. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "host.h"
#include "json.h"
#include "limits.h"
#include "plugin.h"
#include "rng.h"
#include "session.h"
#include "show.h"
#include "trusted.h"
#include "xmalloc.h"

#define LOG_MODULE "demo"

enum { LINE_WIDTH = 90 };

struct demo {
	struct session session;
	struct trusted *practice;
	char *url, *token; /* of the practice instance */
	struct config config;
	struct state_folder *state;
	char *folder; /* of the state */
	struct host *host;
	struct json_parser *parser;
	struct show show;
	struct loop_timer *end;
	uint64_t archived, boosted, replied, alerted, failed;
	char last[256]; /* kind and id of the event printed last: other streams bring it again */
	bool stopped;
};

static void
say(struct demo *demo, enum show_style style, const char *label, struct buf *line)
{
	show_label(&demo->show, style, label);
	fprintf(stdout, " %s\n", line->len ? line->ptr : "");
	fflush(stdout);
	buf_finish(line);
}

static void
start_line(struct buf *line)
{
	buf_init(line, 64 * MESSAGE_MAX);
}

/* What came in: one line a post, the stream, the author, the text. */
static void
on_received(void *data, const struct event *event)
{
	struct demo *demo = data;
	struct buf line;
	char name[sizeof(demo->last)];
	snprintf(name, sizeof(name), "%.*s %.*s", STR_ARG(event->name), STR_ARG(event->id));
	if (strcmp(name, demo->last) == 0)
		return;
	memcpy(demo->last, name, sizeof(name));
	start_line(&line);
	show_clean(&line, event->name, 24);
	struct str type = json_str(json_get(json_root(event->doc), "type"));
	if (event->kind == EVENT_NOTIFICATION && type.len) {
		buf_add_text(&line, " (");
		show_clean(&line, type, 24);
		buf_add_char(&line, ')');
	}
	buf_add_text(&line, " on ");
	show_clean(&line, event->stream, 24);
	if (event->param.ptr) {
		buf_add_char(&line, ' ');
		show_clean(&line, event->param, 24);
	}
	buf_add_text(&line, "  ");
	if (event->kind == EVENT_DELETE) {
		buf_add_text(&line, "post ");
		show_clean(&line, event->id, 24);
	}
	show_actor(event, &line);
	views_set_event(demo->show.views, event);
	buf_add_text(&line, "  ");
	show_clean(&line, views_get(demo->show.views, VIEW_TEXT), LINE_WIDTH);
	views_set_event(demo->show.views, NULL);
	say(demo, SHOW_DIM, "in", &line);
}

static void
on_matched(void *data, const char *instance, const struct event *event, struct str matched)
{
	struct demo *demo = data;
	struct json_doc *doc = NULL;
	struct buf line;
	start_line(&line);
	buf_printf(&line, "%s: ", instance);
	if (json_parse(demo->parser, matched, &doc, NULL) == ERR_OK) {
		struct str view = json_str(json_path(json_root(doc), "view"));
		struct str text = json_str(json_path(json_root(doc), "text"));
		if (text.len) {
			buf_add_text(&line, "found \"");
			show_clean(&line, text, 40);
			/* The folded and request views are forms of the text that people see. */
			bool other = str_eq_text(view, "folded") || str_eq_text(view, "request");
			buf_printf(
				&line, "\" in the %.*s of ", STR_ARG(other ? STR("text") : view));
		} else {
			buf_add_text(&line, "its conditions hold for ");
		}
	}
	json_doc_destroy(doc);
	show_clean(&line, event->name, 24);
	buf_add_char(&line, ' ');
	show_actor(event, &line);
	say(demo, SHOW_YELLOW, "match", &line);
}

static void
on_archived(void *data, const char *instance, const struct event *event, const char *path)
{
	struct demo *demo = data;
	struct buf line;
	start_line(&line);
	buf_printf(&line, "%s: ", instance);
	show_clean(&line, event->name, 24);
	buf_add_char(&line, ' ');
	show_actor(event, &line);
	const char *name = strrchr(path, '/');
	buf_printf(&line, " to %s", name ? name + 1 : path);
	demo->archived++;
	say(demo, SHOW_BLUE, "archive", &line);
}

static void
on_action(void *data, const struct intent *intent)
{
	static const struct {
		const char *action, *label;
		enum show_style style;
	} labels[] = {
		{"boost", "boost", SHOW_GREEN},
		{"reply", "reply", SHOW_MAGENTA},
		{"forward", "alert", SHOW_RED},
	};
	struct demo *demo = data;
	struct buf line;
	start_line(&line);
	buf_printf(&line, "%s: ", intent->instance);
	show_clean(&line, str_from(intent->summary), LINE_WIDTH);
	if (intent->state != INTENT_DONE) {
		demo->failed += intent->state == INTENT_FAILED;
		buf_printf(&line, " (%s)",
			intent->state == INTENT_FAILED ? "failed" : "will be tried again");
		say(demo, SHOW_RED, intent->action, &line);
		return;
	}
	demo->boosted += strcmp(intent->action, "boost") == 0;
	demo->replied += strcmp(intent->action, "reply") == 0;
	demo->alerted += strcmp(intent->action, "forward") == 0;
	for (unsigned i = 0; i < COUNT_OF(labels); i++) {
		if (strcmp(intent->action, labels[i].action) == 0) {
			say(demo, labels[i].style, labels[i].label, &line);
			return;
		}
	}
	say(demo, SHOW_PLAIN, intent->action, &line);
}

static void
on_stopped(void *data)
{
	((struct demo *)data)->stopped = true;
}

static const struct host_events demo_events = {
	.on_received = on_received,
	.on_matched = on_matched,
	.on_archived = on_archived,
	.on_action = on_action,
	.on_stopped = on_stopped,
};

/* ---- setting up ---- */

static bool
open_state(struct demo *demo, const struct args *args)
{
	char error[MESSAGE_MAX];
	if (args_given(args, "state")) {
		demo->folder = xstrdup(args_text(args, "state", NULL));
	} else {
		const char *base = getenv("TMPDIR");
		demo->folder = xasprintf("%s/moontusk-demo-XXXXXX", base && *base ? base : "/tmp");
		if (!mkdtemp(demo->folder)) {
			log_error(demo->session.log,
				"%s cannot be made. Name a folder: --state DIR.", demo->folder);
			return false;
		}
	}
	demo->state = state_folder_open(demo->folder, false, error);
	if (!demo->state)
		log_error(demo->session.log, "%s", error);
	return demo->state != NULL;
}

static void
add_plugin(struct demo *demo, const char *name, char *options)
{
	struct config_plugin *plugin = config_add_plugin(&demo->config, name);
	plugin->as_declared = true;
	plugin->options = options;
}

static void
fill_config(struct demo *demo)
{
	struct config_account *account = config_add_account(&demo->config, "demo", demo->url);
	account->token = xstrdup(demo->token);
	add_plugin(demo, "auto_boost", xstrdup("{\"tag\":\"caturday\"}"));
	add_plugin(demo, "reply_bot", NULL);
	add_plugin(demo, "moderation_alerts",
		xasprintf("{\"alert\":\"%s/practice/webhook?access_token=%s\"}", demo->url,
			demo->token));
}

static bool
start_host(struct demo *demo)
{
	struct session *session = &demo->session;
	struct host_config config = {
		.loop = session->loop,
		.clock = loop_clock(session->loop),
		.log = session->log,
		.secrets = session->secrets,
		.config = &demo->config,
		.state_folder = state_folder_path(demo->state),
		.lua_dir = session->lua_dir,
	};
	demo->host = host_create(&config, &demo_events, demo);
	if (!demo->host || host_failed_count(demo->host) > 0)
		return false;
	host_start(demo->host);
	return true;
}

static void
say_hello(const struct demo *demo)
{
	printf("A practice instance runs at %s: a pretend server with made-up people.\n"
	       "Three plugins listen to it:\n"
	       "  auto_boost         boosts posts with #caturday whose pictures are all described\n"
	       "  reply_bot          answers people who mention the bot\n"
	       "  moderation_alerts  keeps evidence of spam and sends an alert\n"
	       "Each line: what came in, what matched and why, what was done. Ctrl-C ends it.\n\n",
		demo->url);
	fflush(stdout);
}

static void
say_goodbye(const struct demo *demo)
{
	const struct host_stats *stats = host_stats(demo->host);
	printf("\n%" PRIu64 " events came in, %" PRIu64 " matched. Archived %" PRIu64
	       ", boosted %" PRIu64 ", replied %" PRIu64 ", alerted %" PRIu64 ".\n",
		stats->received, stats->matched, demo->archived, demo->boosted, demo->replied,
		demo->alerted);
	printf("The archive lies in %s/archive, the database beside it.\n"
	       "Next: write a plugin (docs/plugins.md), try it with: moontusk run ./my.lua --server URL --dry-run\n",
		demo->folder);
	fflush(stdout);
}

static void
on_signal(void *data, int signum)
{
	(void)signum;
	loop_stop(((struct demo *)data)->session.loop);
}

static void
on_time_up(void *data)
{
	loop_stop(((struct demo *)data)->session.loop);
}

static bool
start_practice(struct demo *demo, const struct args *args)
{
	struct session *session = &demo->session;
	struct rng rng;
	rng_seed_system(&rng);
	char *arguments = xasprintf("{\"port\":0,\"rate\":%g,\"quiet\":true}",
		args_given(args, "rate") ? args_flag(args, "rate")->number : 1.0);
	char *error = xmalloc(PLUGIN_ERROR_MAX);
	struct trusted_config config = {
		.loop = session->loop,
		.log = session->log,
		.module = "practice.main",
		.arguments = str_from(arguments),
		.lua_dir = session->lua_dir,
		.seed = rng_next(&rng),
	};
	struct buf address;
	buf_init(&address, MESSAGE_MAX);
	struct json_doc *doc = NULL;
	demo->practice = trusted_create(&config, error);
	bool good = demo->practice &&
		    trusted_call(demo->practice, "address", STR_NONE, &address, error) &&
		    json_parse(demo->parser, buf_str(&address), &doc, NULL) == ERR_OK;
	if (good) {
		demo->url = str_dup(json_str(json_get(json_root(doc), "url")));
		demo->token = str_dup(json_str(json_get(json_root(doc), "token")));
	} else {
		log_error(session->log, "the practice instance cannot be started: %s", error);
	}
	json_doc_destroy(doc);
	buf_finish(&address);
	free(error);
	free(arguments);
	return good;
}

static bool
start(struct demo *demo, const struct args *args)
{
	struct session *session = &demo->session;
	if (!start_practice(demo, args) || !open_state(demo, args))
		return false;
	fill_config(demo);
	say_hello(demo);
	if (!start_host(demo))
		return false;
	loop_on_signal(session->loop, SIGINT, on_signal, demo);
	loop_on_signal(session->loop, SIGTERM, on_signal, demo);
	if (args_given(args, "seconds")) {
		demo->end = loop_timer_create(session->loop, on_time_up, demo);
		loop_timer_start(
			demo->end, (int64_t)(args_flag(args, "seconds")->number * 1000.0) + 1, 0);
	}
	return true;
}

static int
demo_run(const struct args *args)
{
	struct demo demo = {0};
	session_start(&demo.session, args);
	demo.parser = json_parser_create();
	demo.show = (struct show){stdout, demo.session.color, LINE_WIDTH, views_create()};
	bool started = start(&demo, args);
	if (started) {
		loop_run(demo.session.loop);
		host_finish(demo.host);
		say_goodbye(&demo);
	}
	host_destroy(demo.host);
	loop_timer_destroy(demo.end);
	trusted_destroy(demo.practice);
	state_folder_close(demo.state);
	config_finish(&demo.config);
	views_destroy(demo.show.views);
	json_parser_destroy(demo.parser);
	free(demo.folder);
	free(demo.url);
	free(demo.token);
	session_end(&demo.session);
	return started && !demo.stopped ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag demo_flags[] = {
	{"seconds", FLAG_NUMBER, "N", "end after N seconds, with a summary", false},
	{"rate", FLAG_NUMBER, "N", "made-up public posts a second (default 1)", false},
	{"state", FLAG_TEXT, "DIR",
		"keep database and archive in DIR (default: a new folder below /tmp)", false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_demo = {
	.name = "demo",
	.summary = "see bots at work on a pretend server; no account needed",
	.usage = "[flags]",
	.details =
		"Starts the practice instance and three plugins in this terminal, over real sockets on loopback.",
	.examples = "  moontusk demo\n  moontusk demo --seconds 15",
	.flags = demo_flags,
	.words_min = 0,
	.words_max = 0,
	.run = demo_run,
};
