/* SPDX-License-Identifier: MIT */
/* Is a stream alive? REST that has newer posts says that it is not; a timeline that gives nothing may be switched off. */
#include <stdlib.h>
#include <string.h>

#include "gapfill_private.h"
#include "limits.h"
#include "link.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "probe"

/* ---- newer posts than the stream brought ---- */

static void
forget(struct source *source)
{
	free(source->probe);
	free(source->probe_live);
	source->probe = source->probe_live = NULL;
}

static void
look_later(struct source *source, int64_t wait_ms)
{
	source->probe_at_ms =
		gapfill_now_ms(source->gapfill) + gapfill_spread_ms(source->gapfill, wait_ms);
}

static void
say_dead(struct source *source)
{
	static const char *const done[] = {
		[STREAM_REMEDY_NONE] = "",
		[STREAM_REMEDY_OWN] = "; it gets a connection of its own, named in the address",
		[STREAM_REMEDY_ANEW] = "; connecting anew",
		[STREAM_REMEDY_POLL] = "; it is read by polling for a while",
	};
	struct link *link = source_link(source);
	char *name = source_name(source);
	look_later(source, source->probe_wait_ms);
	enum stream_remedy remedy =
		link ? link_silent(link, str_from(source->stream), str_from(source->param),
			       "REST has newer posts than the stream brought")
		     : STREAM_REMEDY_NONE;
	log_warn(source->gapfill->host->config.log,
		"%s: %s: the server has newer posts than the stream has brought for more than a minute%s",
		source->account->name, name, done[remedy]);
	free(name);
}

/* A minute later: has it come? A stream that brings others is alive, whatever it leaves out. */
static void
look_again(struct source *source)
{
	struct source_key key = source_key(source);
	struct gapfill *gapfill = source->gapfill;
	int64_t at_ms;
	struct str cursor = positions_cursor(gapfill->host, &key, &at_ms);
	struct str live = positions_live(gapfill->host, &key);
	bool came = stream_cursor_compare(cursor, str_from(source->probe)) >= 0;
	bool moved = stream_cursor_compare(live, str_from(source->probe_live)) > 0;
	forget(source);
	if (!came && !moved) {
		say_dead(source);
		return;
	}
	source->probe_wait_ms = PROBE_EVERY_MS;
	look_later(source, source->probe_wait_ms);
}

/* Posts of a stream that is read by polling cannot lag behind REST. */
static bool
is_probed(const struct source *source)
{
	const struct stream_source *sources;
	(void)stream_sources(str_from(source->stream), &sources);
	return !source->polled && source->from == sources &&
	       source->from->kind != EVENT_CONVERSATION;
}

int64_t
probe_due(struct source *source)
{
	int64_t left_ms = source->probe_at_ms - gapfill_now_ms(source->gapfill);
	if (!is_probed(source))
		return -1;
	if (left_ms > 0)
		return left_ms;
	if (!source_is_heard(source)) {
		source->live = false; /* a new connect brings it back */
		return -1;
	}
	if (source->probe)
		look_again(source);
	else
		job_start(source, JOB_PROBE, NULL);
	return 0;
}

static void
compare(struct source *source, struct str newest)
{
	struct source_key key = source_key(source);
	struct gapfill *gapfill = source->gapfill;
	int64_t at_ms;
	struct str cursor = positions_cursor(gapfill->host, &key, &at_ms);
	if (stream_cursor_compare(newest, cursor) <= 0) {
		source->probe_wait_ms = PROBE_EVERY_MS;
		look_later(source, source->probe_wait_ms);
		return;
	}
	source->probe = str_dup(newest);
	source->probe_live = str_dup(positions_live(gapfill->host, &key));
	source->probe_at_ms = gapfill_now_ms(gapfill) + PROBE_SECOND_MS;
}

void
probe_answer(struct source *source, const struct http_answer *answer)
{
	struct host *host = source->gapfill->host;
	struct source_key key = source_key(source);
	struct page page = {0};
	int64_t at_ms;
	job_stop(source);
	forget(source);
	look_later(source, source->probe_wait_ms);
	if (answer->status != 200 || !page_read(&page, host->parser, source->from, answer))
		return;
	struct str cursor = positions_cursor(host, &key, &at_ms);
	if (page.count > 0) {
		probe_feed(source, false);
		compare(source, page.items[page.count - 1].cursor);
	} else if (cursor.len && !str_eq_text(cursor, "0")) {
		probe_feed(source, true);
	}
	page_finish(&page);
}

/* ---- timelines that give nothing ---- */

void
source_note(struct source *source, const char *note)
{
	struct log *log = source->gapfill->host->config.log;
	char *name = source_name(source);
	if (note && (!source->note || strcmp(note, source->note) != 0))
		log_warn(log, "%s: %s: %s", source->account->name, name, note);
	else if (!note && source->note)
		log_info(log, "%s: %s: REST gives entries again", source->account->name, name);
	char *copy = xstrdup(note);
	free(source->note);
	source->note = copy;
	free(name);
}

/* "live_feeds.remote" of what configuration.timelines_access has as disabled for the stream; NULL: none (protocol.md 4.3). */
static const char *
disabled(const struct source *source, struct json_value access)
{
	static const char *const feeds[] = {"live_feeds.local", "live_feeds.remote"};
	static const char *const tags[] = {"hashtag_feeds.local", "hashtag_feeds.remote"};
	struct str stream = str_from(source->stream);
	const char *const *names = str_starts(stream, "hashtag") ? tags : feeds;
	if (!str_starts(stream, "hashtag") && !str_starts(stream, "public"))
		return NULL;
	for (unsigned i = 0; i < 2; i++) {
		bool other = (i == 0 && str_starts(stream, "public:remote")) ||
			     (i == 1 && (str_starts(stream, "public:local") ||
						str_starts(stream, "hashtag:local")));
		if (!other && str_eq_text(json_str(json_path(access, names[i])), "disabled"))
			return names[i];
	}
	return NULL;
}

static void
note_silent(struct source *source, struct json_value access)
{
	const char *what = disabled(source, access);
	char *note =
		what ? xasprintf(
			       "REST gives nothing of this timeline, and the stream deletes at most: "
			       "timelines_access.%s = disabled on %s",
			       what, source->account->host)
		     : xstrdup("REST gives nothing of this timeline, though it did before");
	source_note(source, note);
	free(note);
}

static void
on_instance(void *data, const struct http_answer *answer)
{
	struct account_budget *budget = data;
	struct gapfill *gapfill = budget->gapfill;
	struct json_doc *doc = NULL;
	struct source *source;
	budget->look = 0;
	if (answer->end == HTTP_DONE && answer->status == 200)
		(void)!json_parse(gapfill->host->parser, answer->body, &doc, NULL);
	struct json_value access = json_path(json_root(doc), "configuration.timelines_access");
	LL_FOREACH2(gapfill->sources, source, next_source) {
		if (source->account == budget->account && source->silent)
			note_silent(source, access);
	}
	json_doc_destroy(doc);
}

void
probe_feed(struct source *source, bool silent)
{
	struct account_budget *budget = gapfill_budget(source->gapfill, source->account);
	source->silent = silent;
	if (!silent) {
		source_note(source, NULL);
		return;
	}
	if (budget->look)
		return;
	char *url = xasprintf("%s/api/v2/instance", source->account->server);
	const struct http_request request = {
		.url = url,
		.bearer = source->account->token,
		.ca_file = source->account->ca_file,
		.on_done = on_instance,
		.data = budget,
	};
	budget->look = http_start(source->gapfill->host->http, &request);
	free(url);
}
