/* SPDX-License-Identifier: MIT */
/* Servers without streaming: their sources are asked every minute, with the same cursors. */
#include "gapfill_private.h"
#include "limits.h"
#include "link.h"
#include "utlist.h"

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
	if (!cursor.len)
		return; /* its fill has not come to an end yet */
	source_overlap(source, cursor, at_ms, FILL_OVERLAP_MS, &from);
	struct fill_config config = {
		.source = source->from,
		.param = str_from(source->param),
		.from = buf_str(&from),
		.down = source->row.down,
		.trusted = true,
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
			"the server has no streaming");
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
