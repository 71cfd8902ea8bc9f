/* SPDX-License-Identifier: MIT */
/* What is due for a source by the clock: its second pass, its sweep. */
#include "gapfill_private.h"
#include "limits.h"
#include "link.h"

#define LOG_MODULE "fill"

bool
source_is_heard(const struct source *source)
{
	unsigned one;
	return source_link(source) &&
	       intake_hearing(source->gapfill->host->intake, str_from(source->account->name),
		       str_from(source->stream), str_from(source->param), &one, 1) > 0;
}

static void
start_again(struct source *source)
{
	struct fill_config config = {
		.source = source->from,
		.param = str_from(source->param),
		.from = source->row.next,
		.down = source->row.down,
		.trusted = true,
	};
	struct source_key key = source_key(source);
	struct str live = positions_live(source->gapfill->host, &key);
	if (stream_cursor_compare(live, source->row.known) > 0)
		config.to = live;
	job_start(source, JOB_FILL, &config);
}

/* Posts that the server fetched late have old ids (protocol.md 5.4). */
static void
start_sweep(struct source *source)
{
	struct gapfill *gapfill = source->gapfill;
	struct source_key key = source_key(source);
	int64_t at_ms;
	struct str cursor = positions_cursor(gapfill->host, &key, &at_ms);
	struct buf from;
	source->sweep_at_ms = gapfill_now_ms(gapfill) + SWEEP_EVERY_MS;
	if (!cursor.len)
		return;
	source_overlap(source, cursor, gapfill_wall_ms(gapfill), SWEEP_BACK_MS, &from);
	struct fill_config config = {
		.source = source->from,
		.param = str_from(source->param),
		.from = buf_str(&from),
		.down = source->row.down,
		.trusted = true,
		.to = cursor,
	};
	if (!str_eq(config.from, cursor))
		job_start(source, JOB_SWEEP, &config);
	buf_finish(&from);
}

int64_t
source_due(struct source *source)
{
	struct gapfill *gapfill = source->gapfill;
	int64_t now_ms = gapfill_now_ms(gapfill);
	if (source->job != JOB_NONE || source->connected)
		return -1;
	if (source->polled && !source->live)
		return poll_due(source);
	if (!source->live)
		return -1;
	if (source->has_row && source->row.pass == FILL_PASS_AGAIN) {
		int64_t left_ms = source->row.due_ms - gapfill_wall_ms(gapfill);
		if (left_ms > 0)
			return left_ms;
		start_again(source);
		return 0;
	}
	if (source->has_row)
		return -1;
	int64_t wait_ms = source->polled ? poll_due(source) : probe_due(source);
	if (source->job != JOB_NONE || source->from->kind != EVENT_UPDATE)
		return wait_ms;
	if (source->sweep_at_ms <= now_ms && source_is_heard(source))
		start_sweep(source);
	else if (source->sweep_at_ms <= now_ms)
		source->sweep_at_ms = now_ms + SWEEP_EVERY_MS;
	int64_t sweep_ms = source->sweep_at_ms - now_ms;
	if (source->job != JOB_NONE)
		return 0;
	return wait_ms >= 0 && wait_ms < sweep_ms ? wait_ms : sweep_ms;
}
