/* SPDX-License-Identifier: MIT */
/* moontusk status: what a running host does, or what the database of a stopped one knows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "command.h"
#include "host.h"
#include "json_write.h"
#include "limits.h"
#include "show.h"

#define LOG_MODULE "status"

enum { WATCH_S = 2, COLUMNS = 9 };

static int64_t
number(struct json_value table, const char *path)
{
	int64_t value = 0;
	(void)json_get_int(json_path(table, path), &value);
	return value;
}

/* A text of the document on one line, "-" when it has none. */
static void
put_text(struct buf *out, struct json_value table, const char *path)
{
	struct str text = json_str(json_path(table, path));
	show_clean(out, text.len ? text : STR("-"), 500);
}

static void
put_duration(struct buf *out, int64_t ms)
{
	int64_t s = ms / 1000;
	if (ms < 10000)
		buf_printf(out, "%" PRId64 " ms", ms);
	else if (s < 120)
		buf_printf(out, "%" PRId64 " s", s);
	else if (s < 7200)
		buf_printf(out, "%" PRId64 " min", s / 60);
	else if (s < 172800)
		buf_printf(out, "%" PRId64 " h", s / 3600);
	else
		buf_printf(out, "%" PRId64 " days", s / 86400);
}

static void
put_bytes(struct buf *out, int64_t bytes)
{
	if (bytes < 10240)
		buf_printf(out, "%" PRId64 " B", bytes);
	else if (bytes < 10485760)
		buf_printf(out, "%" PRId64 " KiB", bytes / 1024);
	else
		buf_printf(out, "%" PRId64 " MiB", bytes / 1048576);
}

/* ---- the parts ---- */

static void
put_head(struct buf *out, struct json_value status)
{
	bool dry = false;
	(void)json_get_bool(json_get(status, "dry_run"), &dry);
	buf_add_text(out, "moontusk ");
	put_text(out, status, "version");
	buf_add_text(out, dry ? " (dry run), up " : ", up ");
	put_duration(out, number(status, "uptime_s") * 1000);
	buf_printf(out, ", pid %" PRId64 ", state in ", number(status, "pid"));
	put_text(out, status, "state_folder");
	buf_printf(out,
		"\nevents: %" PRId64 " received, %" PRId64 " matched, %" PRId64 " handled, %" PRId64
		" errors, %" PRId64 " broken, %" PRId64 " queued\n",
		number(status, "events.received"), number(status, "events.matched"),
		number(status, "events.handled"), number(status, "events.errors"),
		number(status, "events.broken"), number(status, "events.queued"));
	buf_printf(out,
		"outbox: %" PRId64 " open, %" PRId64 " done, %" PRId64 " failed, %" PRId64
		" unknown, %" PRId64 " dry\n",
		number(status, "outbox.open"), number(status, "outbox.done"),
		number(status, "outbox.failed"), number(status, "outbox.unknown"),
		number(status, "outbox.dry"));
}

static void
put_age(struct buf *out, const char *before, struct str then, struct str now, const char *after)
{
	int64_t then_ms = 0, now_ms = 0;
	if (!time_parse(then, &then_ms) || !time_parse(now, &now_ms))
		return;
	buf_add_text(out, before);
	put_duration(out, now_ms > then_ms ? now_ms - then_ms : 0);
	buf_add_text(out, after);
}

/* " for 5 min, last byte 3 s ago, last event 2 min ago" */
static void
put_ages(struct buf *out, struct json_value stream, struct str now)
{
	put_age(out, " for ", json_str(json_get(stream, "since")), now, "");
	put_age(out, ", last byte ", json_str(json_get(stream, "last_byte_at")), now, " ago");
	put_age(out, ", last event ", json_str(json_get(stream, "last_event_at")), now, " ago");
}

static void
put_trouble(struct buf *out, struct json_value status)
{
	if (!json_str(json_get(status, "trouble")).len)
		return;
	buf_add_text(out, "It rests: ");
	put_text(out, status, "trouble");
	buf_add_char(out, '\n');
}

static void
put_accounts(struct buf *out, struct json_value status)
{
	struct json_iter account = json_iter(json_get(status, "accounts"));
	while (json_next(&account)) {
		buf_add_text(out, "\naccount ");
		put_text(out, account.value, "name");
		buf_add_text(out, " (");
		if (json_str(json_get(account.value, "acct")).len) {
			buf_add_char(out, '@');
			put_text(out, account.value, "acct");
			buf_add_text(out, " on ");
		}
		put_text(out, account.value, "server");
		buf_add_text(out, "): ");
		put_text(out, account.value, "state");
		buf_add_char(out, '\n');
		struct json_iter stream = json_iter(json_get(account.value, "streams"));
		while (json_next(&stream)) {
			struct str reason = json_str(json_get(stream.value, "reason"));
			buf_add_text(out, "  ");
			put_text(out, stream.value, "stream");
			if (json_str(json_get(stream.value, "parameter")).ptr) {
				buf_add_char(out, ' ');
				put_text(out, stream.value, "parameter");
			}
			buf_add_text(out, ": ");
			put_text(out, stream.value, "state");
			buf_add_text(out, " (");
			put_text(out, stream.value, "transport");
			buf_add_char(out, ')');
			put_ages(out, stream.value, json_str(json_get(status, "now")));
			if (number(stream.value, "retry_ms") > 0) {
				buf_add_text(out, ", again in ");
				put_duration(out, number(stream.value, "retry_ms"));
			}
			if (reason.len) {
				buf_add_text(out, ": ");
				show_clean(out, reason, 300);
			}
			if (json_str(json_get(stream.value, "note")).len) {
				buf_add_text(out, "\n    ");
				put_text(out, stream.value, "note");
			}
			buf_add_char(out, '\n');
		}
	}
}

static void
put_cell(struct buf *out, unsigned column, struct buf *cell)
{
	static const int widths[COLUMNS] = {20, 8, 9, 8, 7, 9, 9, 8, 8};
	if (column == 0)
		buf_printf(out, "%-*s", widths[0], cell->ptr ? cell->ptr : "");
	else
		buf_printf(out, " %*s", widths[column], cell->ptr ? cell->ptr : "");
	buf_clear(cell);
}

static void
put_row(struct buf *out, struct json_value instance)
{
	static const char *const counts[] = {"events", "matches", "errors"};
	struct buf cell;
	buf_init(&cell, MESSAGE_MAX);
	put_text(&cell, instance, "name");
	put_cell(out, 0, &cell);
	put_text(&cell, instance, "state");
	put_cell(out, 1, &cell);
	for (unsigned i = 0; i < 3; i++) {
		buf_printf(&cell, "%" PRId64, number(instance, counts[i]));
		put_cell(out, 2 + i, &cell);
	}
	put_duration(&cell, number(instance, "cpu_ms"));
	put_cell(out, 5, &cell);
	put_bytes(&cell, number(instance, "memory_bytes"));
	put_cell(out, 6, &cell);
	put_duration(&cell, number(instance, "lag_ms"));
	put_cell(out, 7, &cell);
	bool more = false;
	(void)json_get_bool(json_get(instance, "more_waiting"), &more);
	buf_printf(&cell, "%" PRId64 "%s", number(instance, "waiting"), more ? "+" : "");
	put_cell(out, 8, &cell);
	buf_add_char(out, '\n');
	buf_finish(&cell);
}

/* What stands below the row of an instance: errors, due times. */
static void
put_notes(struct buf *out, struct json_value instance)
{
	struct str rest = json_str(json_get(instance, "error")), line;
	while (rest.len) {
		rest = str_split(rest, '\n', &line);
		buf_add_text(out, "    ");
		show_clean(out, line, 300);
		buf_add_char(out, '\n');
	}
	if (number(instance, "missed") > 0)
		buf_printf(out, "    %" PRId64 " events missed while it is off\n",
			number(instance, "missed"));
	if (number(instance, "dead_letters") > 0)
		buf_printf(out, "    %" PRId64 " dead letters: moontusk replay --dead-letters\n",
			number(instance, "dead_letters"));
	if (number(instance, "retired") > 0)
		buf_add_text(out, "    tasks of the plugin before the last reload still wait\n");
	struct json_iter pattern = json_iter(json_get(instance, "patterns"));
	while (json_next(&pattern)) {
		bool off = false;
		(void)json_get_bool(json_get(pattern.value, "off"), &off);
		buf_add_text(out, "    ");
		put_text(out, pattern.value, "file");
		buf_printf(out, ":%" PRId64 ": ", number(pattern.value, "line"));
		put_text(out, pattern.value, "key");
		buf_add_text(out, " \"");
		put_text(out, pattern.value, "pattern");
		buf_printf(out, "\" gave up %" PRId64 " times%s\n",
			number(pattern.value, "gave_up"), off ? ", and is switched off" : "");
	}
	struct json_iter schedule = json_iter(json_get(instance, "schedules"));
	while (json_next(&schedule)) {
		buf_add_text(out, "    ");
		put_text(out, schedule.value, "name");
		buf_add_text(out, ": due ");
		put_text(out, schedule.value, "due_at");
		buf_add_char(out, '\n');
	}
}

static void
put_instances(struct buf *out, struct json_value status)
{
	static const char *const names[COLUMNS] = {"instance", "state", "events", "matches",
		"errors", "CPU", "memory", "lag", "waiting"};
	struct buf cell;
	buf_init(&cell, MESSAGE_MAX);
	buf_add_char(out, '\n');
	for (unsigned i = 0; i < COLUMNS; i++) {
		buf_add_text(&cell, names[i]);
		put_cell(out, i, &cell);
	}
	buf_finish(&cell);
	buf_add_char(out, '\n');
	struct json_iter instance = json_iter(json_get(status, "instances"));
	while (json_next(&instance)) {
		put_row(out, instance.value);
		put_notes(out, instance.value);
	}
}

/* One line, for --watch into a file. */
static void
put_line(struct buf *out, struct json_value status)
{
	unsigned off = 0;
	struct json_iter instance = json_iter(json_get(status, "instances"));
	while (json_next(&instance))
		off += str_eq_text(json_str(json_get(instance.value, "state")), "running") ? 0 : 1;
	put_text(out, status, "now");
	buf_printf(out,
		" received %" PRId64 " matched %" PRId64 " handled %" PRId64 " errors %" PRId64
		" open %" PRId64 " failed %" PRId64 " queued %" PRId64
		" instances %zu not_running %u\n",
		number(status, "events.received"), number(status, "events.matched"),
		number(status, "events.handled"), number(status, "events.errors"),
		number(status, "outbox.open"), number(status, "outbox.failed"),
		number(status, "events.queued"), json_count(json_get(status, "instances")), off);
}

static void
put_stopped(struct buf *out, struct json_value status)
{
	buf_add_text(out, "No host runs with the state folder ");
	put_text(out, status, "state_folder");
	buf_add_text(out, ". Start one: moontusk run\nlast started ");
	put_text(out, status, "started_at");
	buf_add_text(out, ", ended ");
	put_text(out, status, "ended_at");
	buf_printf(out, "\noutbox: %" PRId64 " open, sent when a host runs again\n",
		number(status, "outbox.open"));
	struct json_iter instance = json_iter(json_get(status, "instances"));
	while (json_next(&instance)) {
		put_text(out, instance.value, "name");
		buf_printf(out, ": %" PRId64 " events wait", number(instance.value, "waiting"));
		if (json_str(json_get(instance.value, "error")).len) {
			buf_add_text(out, "; ");
			put_text(out, instance.value, "error");
		}
		buf_add_char(out, '\n');
	}
}

/* ---- the command ---- */

struct mode {
	bool json, watch, redraw;
};

/* False: nobody reads any more. */
static bool
print(const struct mode *mode, struct json_value status)
{
	bool running = false;
	struct buf out;
	buf_init(&out, 2 * LOCAL_ANSWER_MAX);
	(void)json_get_bool(json_get(status, "running"), &running);
	if (mode->json) {
		json_put_value(&out, status);
		buf_add_char(&out, '\n');
	} else if (!running) {
		put_stopped(&out, status);
	} else if (mode->watch && !mode->redraw) {
		put_line(&out, status);
	} else {
		if (mode->redraw)
			buf_add_text(&out, "\033[H\033[2J");
		put_head(&out, status);
		put_trouble(&out, status);
		put_accounts(&out, status);
		put_instances(&out, status);
	}
	fputs(out.ptr ? out.ptr : "", stdout);
	buf_finish(&out);
	return fflush(stdout) == 0;
}

static void
print_stopped(const struct mode *mode, const struct ask *ask, const struct session *session)
{
	char error[MESSAGE_MAX];
	struct buf text;
	struct json_doc *doc = NULL;
	buf_init(&text, LOCAL_ANSWER_MAX);
	if (!host_status_stopped(ask->folder, session->log, &text, error))
		log_error(session->log,
			"no host runs with the state folder %s: %s. Start one: moontusk run",
			ask->folder, error);
	else if (json_parse(ask->parser, buf_str(&text), &doc, NULL) == ERR_OK)
		(void)print(mode, json_root(doc));
	json_doc_destroy(doc);
	buf_finish(&text);
}

static int
status_run(const struct args *args)
{
	struct session session;
	struct ask ask;
	session_start(&session, args);
	ask_init(&ask);
	struct mode mode = {
		.json = args_given(args, "json"),
		.watch = args_given(args, "watch"),
	};
	mode.redraw = mode.watch && !mode.json && isatty(STDOUT_FILENO);
	enum ask_result result;
	bool goes_on = true;
	while ((result = ask_host(&ask, args, &session, "status", NULL)) == ASK_GOOD && goes_on) {
		goes_on = print(&mode, ask_answer(&ask)) && mode.watch;
		if (!goes_on)
			break;
		(void)nanosleep(&(struct timespec){.tv_sec = WATCH_S}, NULL);
	}
	if (result == ASK_NOBODY)
		print_stopped(&mode, &ask, &session);
	ask_finish(&ask);
	session_end(&session);
	return result == ASK_GOOD ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag status_flags[] = {
	ASK_FLAGS,
	{"json", FLAG_SWITCH, NULL, "the whole document, as JSON on one line", false},
	{"watch", FLAG_SWITCH, NULL, "again every 2 seconds; into a file or pipe a line each time",
		false},
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_status = {
	.name = "status",
	.summary = "show what a running host does",
	.usage = "[flags]",
	.details =
		"Accounts and their streams, instances with events, matches, errors, CPU time, memory, lag (how long the\n"
		"oldest event waits), due times, and the outbox. When no host runs: what its database knows.\n"
		"Exit code: 1 when no host runs.",
	.examples = "  moontusk status\n  moontusk status --json --state ./state",
	.flags = status_flags,
	.words_min = 0,
	.words_max = 0,
	.run = status_run,
};
