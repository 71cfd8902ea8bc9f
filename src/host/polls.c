/* SPDX-License-Identifier: MIT */
/* What is not streamed, by this server or by any: its sources are asked every minute, with the same cursors. */
#include <stdlib.h>

#include "gapfill_private.h"
#include "limits.h"
#include "link.h"
#include "stream_name.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "fill"

/* Many sources share the account's budget: two pages a poll. */
static int64_t
poll_every_ms(const struct source *of)
{
	const struct source *source;
	int64_t count = 0;
	LL_FOREACH2(of->gapfill->sources, source, next_source)
		count += source->polled && source->account == of->account;
	int64_t every_ms = count * 2 * POLL_WINDOW_MS / BUDGET_PAGES_MAX;
	every_ms = every_ms > POLL_EVERY_MS ? every_ms : POLL_EVERY_MS;
	return of->from->kind == EVENT_ANNOUNCEMENT ? every_ms * POLL_RARE : every_ms;
}

static void
start_poll(struct source *source)
{
	struct source_key key = source_key(source);
	int64_t at_ms;
	struct str cursor = positions_cursor(source->gapfill->host, &key, &at_ms);
	struct buf from;
	if (!cursor.len) { /* its first fill was refused */
		source->connected = true;
		loop_timer_start(source->gapfill->timer, 0, 0);
		return;
	}
	source_overlap(source, cursor, at_ms, FILL_OVERLAP_MS, &from);
	struct fill_config config = {
		.source = source->from,
		.param = str_from(source->param),
		.from = buf_str(&from),
		.down = source->row.down,
		.trusted =
			!source->from
				 ->linked, /* its pages do not overlap: they prove nothing by themselves */
	};
	job_start(source, JOB_POLL, &config);
	buf_finish(&from);
}

int64_t
poll_due(struct source *source)
{
	struct link *link = source_link(source);
	int64_t left_ms = source->poll_at_ms - gapfill_now_ms(source->gapfill);
	if (!link || source->connected)
		return -1;
	if (left_ms > 0)
		return left_ms;
	source->poll_at_ms = gapfill_now_ms(source->gapfill) + poll_every_ms(source);
	if (!source_is_heard(source))
		return -1;
	if (!source->live)
		link_polled(link, str_from(source->stream), str_from(source->param), STREAM_LIVE, 0,
			stream_info(str_from(source->stream))->path
				? (source->account->streaming ? "no stream brings it"
							      : "the server has no streaming")
				: "nobody streams it: REST is asked every minute");
	else
		start_poll(source);
	return 0;
}

void
poll_failed(struct source *source, int64_t wait_ms, const char *words)
{
	struct link *link = source_link(source);
	source->poll_at_ms = gapfill_now_ms(source->gapfill) + wait_ms;
	if (link)
		link_polled(link, str_from(source->stream), str_from(source->param), STREAM_WAITING,
			wait_ms, words);
}

void
poll_ended(struct source *source)
{
	struct host *host = source->gapfill->host;
	struct fill_missing missing;
	if (source->result == FILL_DONE || source->job == JOB_SWEEP) {
		source->polled_ms = gapfill_wall_ms(source->gapfill);
		pace_init(&source->poll_pace, POLL_EVERY_MS, POLL_BARRED_MS, INT64_MAX);
		if (source->job != JOB_SWEEP && source->note && !source->silent)
			source_note(source, NULL);
		return;
	}
	if (!fill_missing(source->fill, &missing) || !missing.barred)
		return;
	int64_t wait_ms =
		pace_down(&source->poll_pace, &host->rng, gapfill_now_ms(source->gapfill));
	char *note = xasprintf("cannot be read: %s", missing.reason);
	source_note(source, note);
	free(note);
	/* A token that may read notifications only still has those of `user`. */
	if (stream_sources(str_from(source->stream), &(const struct stream_source *){NULL}) > 1)
		source->poll_at_ms = gapfill_now_ms(source->gapfill) + wait_ms;
	else
		poll_failed(source, wait_ms, missing.reason);
}
