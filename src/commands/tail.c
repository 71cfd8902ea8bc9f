/* SPDX-License-Identifier: MIT */
/* moontusk tail: prints what flows, readable or as JSON lines. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "decode.h"
#include "files.h"
#include "json_write.h"
#include "limits.h"
#include "link.h"
#include "rule.h"
#include "session.h"
#include "show.h"
#include "stream_name.h"
#include "target.h"
#include "version.h"
#include "xmalloc.h"

#define LOG_MODULE "tail"

struct tail {
	struct session session;
	const struct args *args;
	struct config config;
	struct account *account;
	struct rng rng;
	struct json_parser *parser;
	struct http *http;
	struct ws_client *ws;
	struct link *link;
	struct show show;
	struct rule *rule; /* NULL: everything */
	struct pattern_scratch *scratch;
	uint64_t tried; /* events */
	struct buf line;
	struct loop_timer *end;
	bool json;
	int64_t wanted, printed; /* wanted 0: no end */
	unsigned stream_count, refused_count;
	bool was_live, failed, write_failed, done;
};

static void
finish(struct tail *tail, bool failed)
{
	tail->failed = tail->failed || failed;
	tail->done = true;
	loop_stop(tail->session.loop);
}

static void
on_limit(void *data, const struct rule_limit *limit)
{
	struct tail *tail = data;
	if (limit->hits == 1)
		log_warn(tail->session.log,
			"--match gave up on a post, which took too many steps; such posts are left out. Nested repeats such "
			"as (a+)+ cause this");
	if (limit->off)
		log_error(tail->session.log,
			"--match gave up %d times within %d events and is not tried any more; make it simpler",
			PATTERN_LIMIT_HITS_MAX, PATTERN_LIMIT_EVENTS);
}

static bool
wants(struct tail *tail, const struct event *event)
{
	if (!tail->rule)
		return true;
	views_set_event(tail->show.views, event);
	/* Without a set of literals: for one rule it costs what it saves. */
	struct rule_try rule_try = {.views = tail->show.views,
		.scratch = tail->scratch,
		.now_ms = event->received_at_ms,
		.event = ++tail->tried,
		.on_limit = on_limit,
		.data = tail};
	(void)rule_refresh(tail->rule, event->received_at_ms);
	return rule_test(tail->rule, &rule_try, NULL) == RULE_YES;
}

static void
print_event(struct tail *tail, const struct event *event)
{
	if (tail->json) {
		buf_clear(&tail->line);
		event_write_line(event, &tail->line);
		buf_add_char(&tail->line, '\n');
		if (tail->line.err == ERR_OK)
			fwrite(tail->line.ptr, 1, tail->line.len, stdout);
	} else {
		show_event(&tail->show, event);
	}
	/* A closed pipe is the reader's way to say enough. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		tail->write_failed = errno != EPIPE;
		if (tail->write_failed)
			log_error(tail->session.log, "cannot write: %s", strerror(errno));
		finish(tail, tail->write_failed);
	}
}

static void
on_event(void *data, struct event *event)
{
	struct tail *tail = data;
	if (!tail->done && wants(tail, event)) {
		print_event(tail, event);
		tail->printed++;
		if (tail->wanted && tail->printed >= tail->wanted)
			finish(tail, false);
	}
	event_unref(event);
}

static void
on_broken(void *data, const char *what)
{
	(void)data; /* said by the connection */
	(void)what;
}

/* The connection logs what happens to each stream; here it is only counted. */
static void
on_state(void *data, const struct account *account, const struct stream_status *status)
{
	struct tail *tail = data;
	(void)account;
	if (status->state == STREAM_LIVE)
		tail->was_live = true;
	if (status->state == STREAM_REFUSED && ++tail->refused_count >= tail->stream_count)
		finish(tail, true);
	if (status->state == STREAM_DISABLED && !tail->done)
		finish(tail, true);
}

static void
on_link(void *data, const struct account *account, enum link_event what, const char *message)
{
	struct tail *tail = data;
	if (what == LINK_READY)
		return;
	log_error(tail->session.log, "%s: %s%s", account->server, message,
		what == LINK_RETRY ? ". Is the address right, and does the server run?" : "");
	finish(tail, true);
}

static const struct link_events link_events = {on_event, on_broken, on_state, on_link};

static void
on_signal(void *data, int signum)
{
	(void)signum;
	finish(data, false);
}

static void
on_time_up(void *data)
{
	finish(data, false);
}

/* A list that is meant to be a file and is none: its name would be looked for in posts. */
static bool
words_are_there(const struct tail *tail, const char *words)
{
	if (folder_exists(words)) {
		log_error(tail->session.log, "--words: %s is a folder; name a file in it", words);
		return false;
	}
	if (!file_exists(words) && (strchr(words, '/') || str_ends(str_from(words), ".txt"))) {
		log_error(tail->session.log,
			"--words: there is no file %s; a list on the command line is written word,word,…",
			words);
		return false;
	}
	return true;
}

/* --match and --words as the JSON form of a match table. */
static bool
make_rule(struct tail *tail)
{
	const char *match = args_text(tail->args, "match", NULL),
		   *words = args_text(tail->args, "words", NULL);
	if (!match && !words)
		return true;
	if (words && !words_are_there(tail, words))
		return false;
	struct buf table;
	buf_init(&table, WORDS_FILE_MAX);
	buf_add_char(&table, '{');
	if (match) {
		json_put_key(&table, "text");
		json_put_text(&table, match);
	}
	char *folder = words ? file_folder(words) : NULL;
	if (words) {
		json_put_key(&table, "words");
		if (file_exists(words)) {
			const char *slash = strrchr(words, '/');
			json_put_text(&table, slash ? slash + 1 : words);
		} else {
			buf_add_char(&table, '[');
			struct str rest = str_from(words), word;
			while (rest.ptr) {
				rest = str_split(rest, ',', &word);
				json_put_comma(&table);
				json_put_str(&table, str_trim(word));
			}
			buf_add_char(&table, ']');
		}
	}
	buf_add_char(&table, '}');
	struct json_doc *doc = NULL;
	struct rule_error error = {.message = "the text is not valid UTF-8"};
	struct rule_env env = {
		.folder = folder, .pattern_flags = getenv("MOONTUSK_NO_JIT") ? PATTERN_NO_JIT : 0};
	if (json_parse(tail->parser, buf_str(&table), &doc, NULL) == ERR_OK)
		tail->rule = rule_compile(json_root(doc), &env, &error);
	if (!tail->rule)
		log_error(tail->session.log, "--%s: %s%s%s",
			match && strcmp(error.where, "words") != 0 ? "match" : "words",
			error.message, error.pattern[0] ? ": " : "", error.pattern);
	json_doc_destroy(doc);
	buf_finish(&table);
	free(folder);
	return tail->rule != NULL;
}

/* A tag or list that no stream takes: said, not dropped in silence. */
static bool
check_parameter(const struct tail *tail, const char *flag, const char *streams)
{
	if (!args_given(tail->args, flag))
		return true;
	for (unsigned i = 0; i < tail->args->word_count; i++) {
		const struct stream_info *info = stream_info(str_from(tail->args->words[i]));
		if (info && info->parameter && strcmp(info->parameter, flag) == 0)
			return true;
	}
	log_error(tail->session.log, "--%s goes with %s, which is not among the streams", flag,
		streams);
	return false;
}

/* Checks all streams, then asks for them. */
static bool
check_streams(struct tail *tail)
{
	for (unsigned i = 0; i < tail->args->word_count; i++) {
		struct str name = str_from(tail->args->words[i]);
		const struct stream_info *info = stream_info(name);
		const char *param = info && info->parameter
					    ? args_text(tail->args, info->parameter, NULL)
					    : NULL;
		char error[MESSAGE_MAX];
		if (!stream_check(name, str_from(param), error)) {
			log_error(tail->session.log, "%s", error);
			return false;
		}
		if (info && !info->path) {
			log_error(tail->session.log,
				"no server streams %s, and tail shows streams only: REST is asked for it by moontusk run, for plugins that "
				"call tusk.subscribe(\"%s\")",
				info->name, info->name);
			return false;
		}
	}
	return check_parameter(tail, "tag", "hashtag or hashtag:local") &&
	       check_parameter(tail, "list", "list");
}

static void
start(struct tail *tail)
{
	struct session *session = &tail->session;
	rng_seed_system(&tail->rng);
	tail->http = http_create(session->loop, session->log, "moontusk/" MOONTUSK_VERSION);
	tail->ws = ws_client_create(session->loop, session->log);
	struct link_config config = {
		.streaming =
			{
				.loop = session->loop,
				.http = tail->http,
				.ws = tail->ws,
				.log = session->log,
				.rng = &tail->rng,
				.parser = tail->parser,
				.transport = tail->config.accounts[0].transport,
				.user_agent = "moontusk/" MOONTUSK_VERSION,
			},
		.account = tail->account,
	};
	tail->link = link_create(&config, &link_events, tail);
	for (unsigned i = 0; i < tail->args->word_count; i++) {
		const struct stream_info *info = stream_info(str_from(tail->args->words[i]));
		const char *param =
			info->parameter ? args_text(tail->args, info->parameter, NULL) : NULL;
		link_add(tail->link, str_from(info->name), stream_param(info, str_from(param)));
		tail->stream_count++;
	}
	loop_on_signal(session->loop, SIGINT, on_signal, tail);
	loop_on_signal(session->loop, SIGTERM, on_signal, tail);
	if (args_given(tail->args, "seconds")) {
		tail->end = loop_timer_create(session->loop, on_time_up, tail);
		loop_timer_start(tail->end,
			(int64_t)(args_flag(tail->args, "seconds")->number * 1000.0) + 1, 0);
	}
}

static bool
prepare(struct tail *tail)
{
	struct session *session = &tail->session;
	if (!check_streams(tail) || !make_rule(tail) ||
		!target_account(&tail->config, tail->args, session))
		return false;
	const struct config_account *from = &tail->config.accounts[0];
	struct account_config about = {from->name, from->server, from->token, from->ca_file};
	char error[MESSAGE_MAX];
	tail->account = account_create(&about, session->secrets, error);
	if (!tail->account)
		log_error(session->log, "%s", error);
	else if (!from->token)
		log_warn(session->log,
			"no token: set MOONTUSK_TOKEN. Most servers refuse streams without one.");
	return tail->account != NULL;
}

static int
tail_run(const struct args *args)
{
	if (args_given(args, "count") && args_flag(args, "count")->count == 0)
		return args_usage_error(args, "--count takes a whole number from 1 on.");
	struct tail tail = {.args = args,
		.json = args_given(args, "json"),
		.wanted = args_flag(args, "count")->count};
	session_start(&tail.session, args);
	tail.parser = json_parser_create();
	tail.scratch = pattern_scratch_create();
	tail.show = (struct show){stdout, tail.session.color, 400, views_create()};
	buf_init(&tail.line, EVENT_LINE_MAX);
	bool ready = prepare(&tail);
	if (ready) {
		start(&tail);
		loop_run(tail.session.loop);
	}
	link_destroy(tail.link);
	if (tail.http)
		http_destroy(tail.http);
	if (tail.ws)
		ws_client_destroy(tail.ws);
	loop_timer_destroy(tail.end);
	account_destroy(tail.account);
	config_finish(&tail.config);
	rule_destroy(tail.rule);
	views_destroy(tail.show.views);
	pattern_scratch_destroy(tail.scratch);
	json_parser_destroy(tail.parser);
	buf_finish(&tail.line);
	if (ready && !tail.was_live && !tail.failed)
		log_error(tail.session.log, "no stream was live");
	session_end(&tail.session);
	return tail.was_live && !tail.write_failed ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag tail_flags[] = {
	TARGET_FLAGS,
	{"json", FLAG_SWITCH, NULL, "one JSON object a line, the payload as it came", false},
	{"tag", FLAG_TEXT, "NAME", "the hashtag of hashtag and hashtag:local", false},
	{"list", FLAG_TEXT, "ID", "the list of list", false},
	{"match", FLAG_TEXT, "PATTERN", "only posts whose visible text matches (PCRE2, caseless)",
		false},
	{"words", FLAG_TEXT, "LIST", "only posts with one of these words: a file, or word,word,…",
		false},
	{"count", FLAG_COUNT, "N", "end after N events", false},
	{"seconds", FLAG_NUMBER, "N", "end after N seconds", false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_tail = {
	.name = "tail",
	.summary = "print the events of streams",
	.usage = "STREAM… --server URL [flags]",
	.details =
		"Streams: user, user:notification, public, public:local, public:remote, public:media,\n"
		"public:local:media, public:remote:media, hashtag (--tag), hashtag:local (--tag), list (--list), direct.\n"
		"The token is read from $MOONTUSK_TOKEN. Events go to standard output, messages to standard error.\n"
		"Exit code: 0 when it was live at least once, 1 when not, 2 for wrong flags.",
	.examples =
		"  moontusk tail public --server https://mastodon.example\n"
		"  moontusk tail hashtag --tag caturday --json --count 20 --server https://mastodon.example\n"
		"  moontusk tail public:local --match '\\bcats?\\b' --seconds 60 --server https://mastodon.example",
	.flags = tail_flags,
	.words_min = 1,
	.words_max = UINT_MAX,
	.run = tail_run,
};
