/* SPDX-License-Identifier: MIT */
/* moontusk gaps: the stretches that no stream and no fill could show. */
#include <stdio.h>
#include <stdlib.h>

#include "ask.h"
#include "clock.h"
#include "command.h"
#include "host.h"
#include "json_write.h"
#include "limits.h"
#include "show.h"

#define LOG_MODULE "gaps"

struct listing {
	bool json, all;
	int64_t since_ms; /* Unix ms */
};

static void
put_field(struct buf *out, const char *before, struct json_value gap, const char *path)
{
	struct str text = json_str(json_path(gap, path));
	if (!text.len)
		return;
	buf_add_text(out, before);
	show_clean(out, text, FILL_WORDS_MAX);
}

/* "2026-11-21T10:00:00.000Z to 2026-11-21T10:12:00.000Z  bot  hashtag cats: posts above 110, below 140: …" */
static void
put_readable(struct buf *out, struct json_value gap)
{
	bool quiet = false;
	(void)json_get_bool(json_path(gap, "payload.quiet"), &quiet);
	struct str from = json_str(json_path(gap, "payload.from"));
	show_clean(out, from.len ? from : STR("(unknown)"), 40);
	put_field(out, " to ", gap, "payload.to");
	put_field(out, "  ", gap, "account");
	put_field(out, "  ", gap, "stream.0");
	put_field(out, " ", gap, "stream.1");
	put_field(out, ": ", gap, "payload.what");
	put_field(out, " above ", gap, "payload.from_id");
	put_field(out, " below ", gap, "payload.to_id");
	put_field(out, ": ", gap, "payload.reason");
	buf_add_text(out, quiet ? " (a short outage)\n" : "\n");
}

static bool
is_wanted(const struct listing *listing, struct json_value gap)
{
	int64_t to_ms = 0;
	bool quiet = false;
	(void)json_get_bool(json_path(gap, "payload.quiet"), &quiet);
	(void)time_parse(json_str(json_path(gap, "payload.to")), &to_ms);
	return to_ms >= listing->since_ms && (listing->all || listing->json || !quiet);
}

static void
print(const struct listing *listing, struct json_value gaps)
{
	struct buf out;
	unsigned count = 0;
	buf_init(&out, 2 * LOCAL_ANSWER_MAX);
	struct json_iter gap = json_iter(gaps);
	while (json_next(&gap)) {
		if (!is_wanted(listing, gap.value))
			continue;
		count++;
		if (listing->json) {
			json_put_value(&out, gap.value);
			buf_add_char(&out, '\n');
		} else {
			put_readable(&out, gap.value);
		}
	}
	if (count == 0 && !listing->json)
		buf_add_text(&out, listing->all ? "no gaps\n"
						: "no gaps but those of short outages (--all)\n");
	fputs(out.ptr ? out.ptr : "", stdout);
	buf_finish(&out);
}

static bool
print_stopped(const struct listing *listing, const struct ask *ask, const struct session *session)
{
	char error[MESSAGE_MAX];
	struct buf text;
	struct json_doc *doc = NULL;
	buf_init(&text, LOCAL_ANSWER_MAX);
	bool good = host_gaps_stopped(ask->folder, session->log, &text, error);
	if (!good)
		log_error(session->log,
			"no host runs with the state folder %s: %s. Start one: moontusk run",
			ask->folder, error);
	else if (json_parse(ask->parser, buf_str(&text), &doc, NULL) == ERR_OK)
		print(listing, json_root(doc));
	json_doc_destroy(doc);
	buf_finish(&text);
	return good;
}

/* "2h" back from now, or an instant. */
static bool
read_since(const struct args *args, const struct session *session, int64_t *since_ms)
{
	int64_t back_ms = 0;
	struct clock clock = clock_system();
	struct str text = str_from(args_text(args, "since", NULL));
	if (!text.ptr || time_parse(text, since_ms))
		return true;
	if (duration_parse(text, &back_ms)) {
		*since_ms = clock_wall_ms(&clock) - back_ms;
		return true;
	}
	log_error(session->log,
		"--since takes a time such as \"2h\", \"7d\" or \"2026-11-21T10:00:00Z\", not \"%.*s\".",
		STR_ARG(text));
	return false;
}

static int
gaps_run(const struct args *args)
{
	struct session session;
	struct ask ask;
	session_start(&session, args);
	struct listing listing = {.json = args_given(args, "json"), .all = args_given(args, "all")};
	if (!read_since(args, &session, &listing.since_ms)) {
		session_end(&session);
		return EXIT_USAGE;
	}
	ask_init(&ask);
	enum ask_result result = ask_host(&ask, args, &session, "gaps", NULL);
	bool good = result == ASK_GOOD;
	if (good)
		print(&listing, ask_answer(&ask));
	else if (result == ASK_NOBODY)
		good = print_stopped(&listing, &ask, &session);
	ask_finish(&ask);
	session_end(&session);
	return good ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag gaps_flags[] = {
	ASK_FLAGS,
	{"since", FLAG_TEXT, "TIME", "only what ended after that: \"2h\", or an instant", false},
	{"all", FLAG_SWITCH, NULL, "those of short outages that were filled, too", false},
	{"json", FLAG_SWITCH, NULL, "all of them, each as a line of JSON as in archives", false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_gaps = {
	.name = "gaps",
	.summary = "list what could not be seen",
	.usage = "[flags]",
	.details =
		"Stretches of streams that were missed and that REST could not give back, oldest first: posts out of reach,\n"
		"and after each outage the edits and deletes of posts that were there before. Asks a running host, or reads the\n"
		"database of one that does not run.",
	.examples = "  moontusk gaps\n  moontusk gaps --since 7d --json",
	.flags = gaps_flags,
	.words_min = 0,
	.words_max = 0,
	.run = gaps_run,
};
