/* SPDX-License-Identifier: MIT */
/* A stretch that could not be seen: written down once, told to everybody who has to know. */
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "files.h"
#include "gapfill.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "stopped.h"
#include "xmalloc.h"

#define LOG_MODULE "gap"

static void
put_text_or_null(struct buf *out, const char *key, struct str text)
{
	json_put_key(out, key);
	if (text.len)
		json_put_str(out, text);
	else
		buf_add_text(out, "null");
}

static void
put_time_or_null(struct buf *out, const char *key, int64_t at_ms)
{
	struct buf text;
	buf_init(&text, 64);
	if (at_ms > 0)
		time_format(&text, at_ms);
	put_text_or_null(out, key, buf_str(&text));
	buf_finish(&text);
}

void
gap_put_payload(const struct gap *gap, struct buf *out)
{
	buf_add_char(out, '{');
	json_put_key(out, "what");
	json_put_text(out, gap->what);
	put_text_or_null(out, "from_id", gap->from_id);
	put_text_or_null(out, "to_id", gap->to_id);
	put_time_or_null(out, "from", gap->from_ms);
	put_time_or_null(out, "to", gap->to_ms);
	json_put_key(out, "reason");
	json_put_str(out, gap->reason);
	json_put_key(out, "quiet");
	json_put_bool(out, gap->quiet);
	buf_add_char(out, '}');
}

void
gap_put_line(const struct gap *gap, struct buf *out)
{
	buf_add_text(out, "{\"kind\":\"gap\",\"stream\":[");
	json_put_str(out, gap->stream);
	if (gap->param.len) {
		buf_add_char(out, ',');
		json_put_str(out, gap->param);
	}
	buf_add_char(out, ']');
	json_put_key(out, "account");
	json_put_text(out, gap->account);
	json_put_key(out, "origin");
	json_put_text(out, event_origin_name(ORIGIN_FILL));
	put_time_or_null(out, "received_at", gap->at_ms);
	json_put_key(out, "payload");
	gap_put_payload(gap, out);
	buf_add_char(out, '}');
}

/* Whoever reads an archive must see what is not in it. */
static void
archive(struct host *host, const struct gap *gap)
{
	unsigned hearing[INTAKE_INSTANCES_MAX];
	size_t count = intake_hearing(host->intake, str_from(gap->account), gap->stream, gap->param,
		hearing, COUNT_OF(hearing));
	struct buf line;
	buf_init(&line, EVENT_LINE_MAX);
	gap_put_line(gap, &line);
	for (size_t i = 0; i < count; i++) {
		if (host->by_number[hearing[i]])
			archives_note(host->archives, clock_wall_ms(&host->config.clock),
				host->by_number[hearing[i]]->name, buf_str(&line));
	}
	buf_finish(&line);
}

/* "public: posts between 110 and 140 (10:00 to 10:12) were not seen: …". New. */
static char *
describe(const struct gap *gap)
{
	struct buf out, from, to;
	buf_init(&out, MESSAGE_MAX);
	buf_init(&from, 64);
	buf_init(&to, 64);
	if (gap->from_ms > 0)
		time_format(&from, gap->from_ms);
	time_format(&to, gap->to_ms);
	buf_printf(&out, "%.*s%s%.*s: %s from %s to %s", STR_ARG(gap->stream),
		gap->param.len ? " " : "", STR_ARG(gap->param),
		strcmp(gap->what, "direct") == 0 ? "direct posts" : gap->what,
		from.ptr ? from.ptr : "(unknown)", to.ptr);
	if (gap->from_id.len)
		buf_printf(&out, ", above %.*s", STR_ARG(gap->from_id));
	if (gap->to_id.len)
		buf_printf(&out, ", below %.*s", STR_ARG(gap->to_id));
	buf_printf(&out, ", may be missing: %.*s", STR_ARG(gap->reason));
	buf_finish(&from);
	buf_finish(&to);
	return buf_take(&out, NULL);
}

/* Edits and deletes are missing after every outage: they are told, but nobody is woken for them. */
static bool
is_alarming(const struct gap *gap)
{
	return strcmp(gap->what, "edits") != 0 && strcmp(gap->what, "deletes") != 0;
}

static void
tell(struct host *host, const struct account *account, const struct gap *gap)
{
	char *words = describe(gap);
	char *topic = xasprintf("gap:%s", gap->account);
	if (!words)
		words = xstrdup(gap->what);
	if (is_alarming(gap)) {
		const struct alert alert = {.topic = topic,
			.title = "Posts were not seen",
			.text = words,
			.account = account};
		log_warn(host->config.log, "%s: %s", gap->account, words);
		alert_raise(host, &alert);
	} else {
		log_info(host->config.log, "%s: %s", gap->account, words);
	}
	news_add_gap(host, account, gap);
	free(topic);
	free(words);
}

void
gap_record(struct host *host, const struct account *account, struct gap *gap)
{
	gap_put(host->store, gap);
	archive(host, gap);
	if (!gap->quiet)
		tell(host, account, gap);
}

/* ---- listing ---- */

struct listing {
	struct buf *out;
	int64_t skip; /* of the oldest */
};

static void
put_listed(void *data, const struct gap *gap)
{
	struct listing *listing = data;
	if (listing->skip-- > 0)
		return;
	json_put_comma(listing->out);
	gap_put_line(gap, listing->out);
}

static void
put_all(struct store *store, struct buf *out)
{
	struct gap_counts counts;
	gap_count(store, &counts);
	struct listing listing = {out, counts.alarms + counts.quiet - GAPS_TOLD_MAX};
	buf_add_char(out, '[');
	gap_each(store, 0, put_listed, &listing);
	buf_add_char(out, ']');
}

void
host_gaps(struct host *host, struct buf *out)
{
	put_all(host->store, out);
}

bool
host_gaps_stopped(const char *folder, struct log *log, struct buf *out, char *error)
{
	struct stopped stopped;
	bool good = stopped_open(&stopped, folder, log, error);
	if (good)
		put_all(stopped.store, out);
	stopped_close(&stopped);
	return good;
}
