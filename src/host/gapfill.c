/* SPDX-License-Identifier: MIT */
/* Which sources there are, when each is filled, and what is written down about it. */
#include "gapfill.h"

#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "gapfill_private.h"
#include "json_write.h"
#include "limits.h"
#include "link.h"
#include "stream_name.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "fill"
#define POLLED_NOTE                                                                                \
	"read by polling: edits are not seen, deletions only by the weekly look (reconcile)"

/* ---- small services ---- */

struct source_key
source_key(const struct source *source)
{
	return (struct source_key){source->account->name, str_from(source->stream),
		str_from(source->param), event_kind_info(source->from->kind)->name};
}

/* account_count: the config has it no more. */
static unsigned
account_number(const struct source *source)
{
	const struct host *host = source->gapfill->host;
	unsigned i = 0;
	while (i < host->account_count && host->accounts[i] != source->account)
		i++;
	return i;
}

struct link *
source_link(const struct source *source)
{
	const struct host *host = source->gapfill->host;
	unsigned account = account_number(source);
	return account < host->account_count ? host->links[account] : NULL;
}

/* No more is read while the queue is full or a plugin lags; the turns that mend it flush again. */
static bool
is_held_up(const struct source *source)
{
	const struct host *host = source->gapfill->host;
	unsigned account = account_number(source);
	return intake_full(host->intake) ||
	       (account < host->account_count && subscriptions_lag(host, account));
}

char *
source_name(const struct source *source)
{
	return xasprintf("%s%s%s (%s)", source->stream, source->param ? " " : "",
		source->param ? source->param : "", source->from->name);
}

int64_t
gapfill_spread_ms(struct gapfill *gapfill, int64_t ms)
{
	return ms + (int64_t)rng_below(&gapfill->host->rng, (uint64_t)ms + 1);
}

static bool
is_of_stream(const struct source *source, const struct account *account, struct str stream,
	struct str param)
{
	return source->account == account &&
	       stream_same(str_from(source->stream), str_from(source->param), stream, param);
}

static void
set(char **text, struct str to)
{
	char *copy = str_dup(to);
	free(*text);
	*text = copy;
}

/* The row's texts are those that the source owns. */
static void
set_row(struct source *source, struct str next, struct str known)
{
	set(&source->next, next);
	set(&source->known, known);
	source->row.key = source_key(source);
	source->row.next = str_from(source->next);
	source->row.known = str_from(source->known);
	source->has_row = true;
}

static struct source *
add_source(struct gapfill *gapfill, const struct account *account, const struct stream_source *from,
	const struct source_key *key)
{
	struct source *source = xmalloc(sizeof(*source));
	*source = (struct source){
		.gapfill = gapfill,
		.account = account,
		.stream = str_dup(key->stream),
		.param = key->param.len ? str_dup(key->param) : NULL,
		.from = from,
		.not_before_ms = INT64_MIN,
		.sweep_at_ms =
			gapfill_now_ms(gapfill) + gapfill_spread_ms(gapfill, SWEEP_EVERY_MS / 2),
		.probe_wait_ms = PROBE_EVERY_MS,
	};
	pace_init(&source->poll_pace, POLL_EVERY_MS, POLL_BARRED_MS, INT64_MAX);
	LL_APPEND2(gapfill->sources, source, next_source);
	return source;
}

static void
source_destroy(struct source *source)
{
	job_stop(source);
	free(source->stream);
	free(source->param);
	free(source->next);
	free(source->known);
	free(source->probe);
	free(source->probe_live);
	free(source->note);
	free(source);
}

static struct source *
find(struct gapfill *gapfill, const struct account *account, const struct stream_source *from,
	const struct source_key *key)
{
	struct source *source;
	LL_FOREACH2(gapfill->sources, source, next_source) {
		if (source->from == from && is_of_stream(source, account, key->stream, key->param))
			return source;
	}
	return NULL;
}

static void
read_row(void *data, const struct fill_row *row)
{
	struct gapfill *gapfill = data;
	const struct account *account = host_account(gapfill->host, row->key.account);
	const struct stream_source *from =
		stream_source_of(row->key.stream, event_kind_from_name(str_from(row->key.kind)));
	if (!account || !from)
		return; /* the config has the account no more */
	struct source *source = find(gapfill, account, from, &row->key);
	if (!source)
		source = add_source(gapfill, account, from, &row->key);
	source->row = *row;
	set_row(source, row->next, row->known);
}

static void
on_timer(void *data)
{
	(void)data; /* the turn runs after every callback */
}

struct gapfill *
gapfill_create(struct host *host)
{
	struct gapfill *gapfill = xmalloc(sizeof(*gapfill));
	*gapfill = (struct gapfill){.host = host};
	gapfill->timer = loop_timer_create(host->config.loop, on_timer, gapfill);
	fill_each(host->store, read_row, gapfill);
	return gapfill;
}

void
gapfill_destroy(struct gapfill *gapfill)
{
	if (!gapfill)
		return;
	struct source *source, *next;
	LL_FOREACH_SAFE2(gapfill->sources, source, next, next_source)
		source_destroy(source);
	struct account_budget *budget, *next_budget;
	LL_FOREACH_SAFE(gapfill->budgets, budget, next_budget) {
		if (budget->look)
			http_cancel(gapfill->host->http, budget->look);
		free(budget);
	}
	loop_timer_destroy(gapfill->timer);
	free(gapfill);
}

/* ---- connects ---- */

static void
on_connected(struct source *source, const struct stream_status *status)
{
	source->live = source->connected = true;
	source->polled = strcmp(status->transport, "poll") == 0;
	int64_t first_ms =
		source->probe_wait_ms > PROBE_EVERY_MS ? source->probe_wait_ms : PROBE_FIRST_MS;
	source->probe_at_ms =
		gapfill_now_ms(source->gapfill) + gapfill_spread_ms(source->gapfill, first_ms);
	loop_timer_start(source->gapfill->timer, 0, 0);
}

static void
on_lost(struct source *source, const struct stream_status *status)
{
	if (!source->live)
		return;
	int64_t now_ms = gapfill_wall_ms(source->gapfill);
	source->live = source->connected = false;
	int64_t heard_ms = source->polled ? source->polled_ms : status->last_byte_ms;
	source->lost_ms = heard_ms > 0 && heard_ms < now_ms ? heard_ms : now_ms;
	if (source->job == JOB_SWEEP) /* it did not come to its end */
		source->sweep_at_ms = gapfill_now_ms(source->gapfill) +
				      gapfill_spread_ms(source->gapfill, SWEEP_RETRY_MS);
	if (source->job != JOB_FILL)
		job_stop(source);
}

/* Nothing of the account is asked for any more. The row stays: with another token it goes on. */
static void
on_disabled(struct source *source)
{
	source->connected = false;
	job_stop(source);
}

void
gapfill_state(
	struct gapfill *gapfill, const struct account *account, const struct stream_status *status)
{
	const struct stream_source *sources;
	size_t count = stream_sources(status->stream, &sources);
	bool is_live = status->state == STREAM_LIVE || status->state == STREAM_FILLING;
	bool was_live = status->was == STREAM_LIVE || status->was == STREAM_FILLING;
	for (size_t i = 0; i < count; i++) {
		const struct source_key key = {account->name, status->stream, status->param,
			event_kind_info(sources[i].kind)->name};
		struct source *source = find(gapfill, account, &sources[i], &key);
		if (!source)
			source = add_source(gapfill, account, &sources[i], &key);
		if (is_live && !was_live)
			on_connected(source, status);
		else if (!is_live)
			on_lost(source, status);
		if (status->state == STREAM_DISABLED)
			on_disabled(source);
		if (status->state == STREAM_CONNECTING)
			source->polled = strcmp(status->transport, "poll") == 0;
		loop_timer_start(gapfill->timer, 0, 0);
	}
}

/* ---- opening ---- */

/* From two minutes before the newest that came: public streams are not in order (design section 5). */
void
source_overlap(const struct source *source, struct str cursor, int64_t at_ms, int64_t back_ms,
	struct buf *out)
{
	struct source_key key = source_key(source);
	buf_init(out, EVENT_ID_MAX);
	/* Marks of posts are made in order: what is above the cursor came later. */
	if (source->from->linked ||
		!cursor_mark_find(source->gapfill->host->store, &key, at_ms - back_ms, cursor, out))
		buf_add_str(out, cursor);
}

/* Keeps what an older row still has to do. */
static void
open_known(struct source *source, struct str cursor, int64_t at_ms)
{
	struct fill_row *row = &source->row;
	bool unfinished = source->has_row && row->pass == FILL_PASS_OPEN && !row->first;
	int64_t since_ms = source->lost_ms ? source->lost_ms : at_ms;
	struct buf next;
	source_overlap(source, cursor, at_ms, FILL_OVERLAP_MS, &next);
	struct str from = buf_str(&next), known = cursor;
	char *older = NULL, *before = NULL;
	if (source->has_row && row->next.len && stream_cursor_compare(row->next, from) < 0)
		from = str_from(older = str_dup(row->next));
	if (unfinished && row->known.len)
		known = str_from(before = str_dup(row->known));
	if (str_eq_text(known, "0")) /* it was empty when we came: nothing of it is known */
		known = STR_NONE;
	if (unfinished && row->since_ms < since_ms)
		since_ms = row->since_ms;
	row->first = false;
	row->since_ms = since_ms;
	set_row(source, from, known);
	free(older);
	free(before);
	buf_finish(&next);
}

static void
open_row(struct source *source)
{
	struct gapfill *gapfill = source->gapfill;
	struct source_key key = source_key(source);
	int64_t at_ms;
	struct str cursor = positions_cursor(gapfill->host, &key, &at_ms);
	if (cursor.len) {
		open_known(source, cursor, at_ms);
	} else {
		source->row.first = true;
		source->row.since_ms = 0;
		set_row(source, STR_NONE, STR_NONE);
	}
	source->row.pass = FILL_PASS_OPEN;
	source->row.connected_ms = gapfill_wall_ms(gapfill);
	source->row.due_ms = 0;
	fill_put(gapfill->host->store, &source->row);
}

static int64_t
depth_ms(const struct host *host)
{
	int64_t kept_ms = host->config.config->keep.seen_ms / 2; /* what was seen must be known */
	return kept_ms > 0 && kept_ms < FILL_DEPTH_MS ? kept_ms : FILL_DEPTH_MS;
}

static void
start_open(struct source *source)
{
	struct host *host = source->gapfill->host;
	const struct fill_row *row = &source->row;
	int64_t oldest_ms = gapfill_wall_ms(source->gapfill) - depth_ms(host);
	struct fill_config config = {
		.source = source->from,
		.param = str_from(source->param),
		.from = row->next,
		.known = row->known,
		.first = row->first,
		.down = row->down ||
			(!row->first && row->since_ms < oldest_ms && !source->from->linked),
		.backlog = host->config.config->process_backlog,
		.oldest_ms = oldest_ms,
		.late_ms = row->connected_ms - FILL_OVERLAP_MS,
	};
	source->lacks = false;
	job_start(source, JOB_FILL, &config);
	if (source_link(source))
		link_filling(source_link(source), str_from(source->stream), str_from(source->param),
			true);
}

void
gapfill_open(struct gapfill *gapfill)
{
	struct source *source;
	if (!gapfill)
		return;
	LL_FOREACH2(gapfill->sources, source, next_source) {
		if (!source->connected || !host_begin(gapfill->host))
			continue;
		source->connected = false;
		open_row(source);
		start_open(source);
	}
}

/* ---- progress ---- */

void
gapfill_took(struct gapfill *gapfill, const struct event *event)
{
	struct source *source;
	if (!gapfill || gapfill->pushed == 0)
		return;
	LL_FOREACH2(gapfill->sources, source, next_source)
		source->took = source->took || source->last == event;
}

/* What the stream itself has brought since the connect ends the fill: from there on nothing is missing. */
static void
limit_fill(struct source *source)
{
	struct gapfill *gapfill = source->gapfill;
	struct source_key key = source_key(source);
	struct str live = positions_live(gapfill->host, &key);
	if (gapfill_wall_ms(gapfill) - source->row.connected_ms >= FILL_EDGE_MS &&
		stream_cursor_compare(live, source->row.known) > 0)
		fill_until(source->fill, live);
}

/* ---- ends ---- */

static void
put_gap(struct source *source, const char *what, const struct fill_missing *missing, bool quiet)
{
	const struct fill_row *row = &source->row;
	char *reason = xasprintf("%s%s", missing->reason,
		source->polled ? " (it is read by polling, there is no stream)" : "");
	struct gap gap = {
		.account = source->account->name,
		.stream = str_from(source->stream),
		.param = str_from(source->param),
		.what = what,
		.from_id = missing->above,
		.to_id = missing->below,
		.from_ms = row->since_ms,
		.to_ms = missing->below_ms > row->since_ms && missing->below_ms < row->connected_ms
				 ? missing->below_ms
			 : row->pass == FILL_PASS_AGAIN ? row->due_ms
							: row->connected_ms,
		.reason = str_from(reason),
		.quiet = quiet,
		.at_ms = gapfill_wall_ms(source->gapfill),
	};
	gap_record(source->gapfill->host, source->account, &gap);
	free(reason);
}

/* Nothing on the server says which posts were edited or deleted meanwhile, and a conversation shows its last post only. */
static void
put_lasting_gaps(struct source *source, bool whole)
{
	const struct fill_row *row = &source->row;
	bool quiet = whole && row->connected_ms - row->since_ms <= FILL_SHORT_MS;
	const struct fill_missing none = {
		.reason =
			source->from->kind == EVENT_CONVERSATION
				? "a conversation shows its last post only"
				: "REST does not tell what happened to posts that were there before"};
	if (source->from->kind == EVENT_CONVERSATION) {
		put_gap(source, "direct", &none, quiet);
	} else if (source->from->kind == EVENT_UPDATE) {
		put_gap(source, "edits", &none, quiet);
		put_gap(source, "deletes", &none, quiet);
	}
}

static bool
is_filling(const struct source *of)
{
	const struct source *source;
	LL_FOREACH2(of->gapfill->sources, source, next_source) {
		if (source != of && source->job == JOB_FILL && source->row.pass == FILL_PASS_OPEN &&
			is_of_stream(
				source, of->account, str_from(of->stream), str_from(of->param)))
			return true;
	}
	return false;
}

static void
say_filled(const struct source *source, bool whole)
{
	struct log *log = source->gapfill->host->config.log;
	const struct fill_row *row = &source->row;
	char *name = source_name(source);
	unsigned count = fill_count(source->fill);
	if (!row->first && (count > 0 || !whole))
		log_info(log, "%s: %s: %u fetched that came in %lld s without the stream%s",
			source->account->name, name, count,
			(long long)(row->connected_ms - row->since_ms) / 1000,
			whole ? "" : "; some are missing");
	free(name);
}

static const char *
what_is_missing(const struct source *source)
{
	return source->from->kind == EVENT_CONVERSATION ? "direct" : source->from->name;
}

/* The second pass. */
static void
end_again(struct source *source)
{
	struct source_key key = source_key(source);
	struct fill_missing missing;
	if (fill_missing(source->fill, &missing))
		put_gap(source, what_is_missing(source), &missing, false);
	fill_delete(source->gapfill->host->store, &key);
	source->has_row = false;
}

/* The pass between two connections. */
static void
end_open(struct source *source)
{
	struct gapfill *gapfill = source->gapfill;
	struct fill_row *row = &source->row;
	struct source_key key = source_key(source);
	struct fill_missing missing;
	bool more = fill_missing(source->fill, &missing), whole = !more && !source->lacks;
	say_filled(source, whole);
	if (more && !row->first)
		put_gap(source, what_is_missing(source), &missing, false);
	if (!row->first)
		put_lasting_gaps(source, whole);
	if (!row->first)
		probe_feed(source, missing.feed);
	struct str next = fill_next(source->fill);
	if (row->first && source->result == FILL_DONE)
		positions_begin(gapfill->host, &key, next);
	/* Subscribing is not acknowledged: what came between page and subscription comes with the second pass. */
	if (source->result == FILL_DONE && source->from->limit > 0 && !source->polled) {
		struct str late = row->first ? next : fill_late(source->fill);
		char *from = str_dup(late.len ? late : row->next);
		char *known = str_dup(next);
		row->pass = FILL_PASS_AGAIN;
		row->first = false;
		row->due_ms = gapfill_wall_ms(gapfill) + gapfill_spread_ms(gapfill, FILL_AGAIN_MS);
		set_row(source, str_from(from), str_from(known));
		fill_put(gapfill->host->store, row);
		free(from);
		free(known);
	} else {
		fill_delete(gapfill->host->store, &key);
		source->has_row = false;
	}
}

static void
end_job(struct source *source)
{
	struct gapfill *gapfill = source->gapfill;
	bool open = source->job == JOB_FILL && source->row.pass == FILL_PASS_OPEN;
	if (open)
		end_open(source);
	else if (source->job == JOB_FILL)
		end_again(source);
	if (source->polled)
		poll_ended(source);
	if (source->job == JOB_SWEEP)
		source->sweep_at_ms = gapfill_now_ms(gapfill) + SWEEP_EVERY_MS;
	job_stop(source);
	if (open && !is_filling(source) && source_link(source))
		link_filling(source_link(source), str_from(source->stream), str_from(source->param),
			false);
}

static void
write_progress(struct source *source)
{
	struct fill_row *row = &source->row;
	struct source_key key = source_key(source);
	job_took(source);
	if (source->from->linked)
		positions_begin(source->gapfill->host, &key, fill_next(source->fill));
	if (source->job != JOB_FILL || source->ended)
		return;
	struct fill_missing missing;
	if (!row->first && fill_missing(source->fill, &missing)) {
		/* Now: a kill, or a fill that begins anew behind it, would forget it. */
		put_gap(source, what_is_missing(source), &missing, false);
		fill_told(source->fill);
		source->lacks = true;
	}
	limit_fill(source);
	row->down = row->down || fill_goes_down(source->fill);
	set(&source->next, fill_next(source->fill));
	row->next = str_from(source->next);
	fill_put(source->gapfill->host->store, row);
}

/* Until when streams were heard is known to a few minutes even after a crash. */
static void
note_seen(struct gapfill *gapfill)
{
	int64_t now_ms = gapfill_now_ms(gapfill);
	struct source *source;
	if (now_ms < gapfill->seen_at_ms && !gapfill->host->ending)
		return;
	gapfill->seen_at_ms = now_ms + CURSOR_MARK_MS;
	LL_FOREACH2(gapfill->sources, source, next_source) {
		struct source_key key = source_key(source);
		if (source->live && source->job != JOB_FILL)
			positions_seen(gapfill->host, &key, gapfill_wall_ms(gapfill));
	}
}

void
gapfill_settle(struct gapfill *gapfill)
{
	struct source *source;
	if (!gapfill)
		return;
	note_seen(gapfill);
	LL_FOREACH2(gapfill->sources, source, next_source) {
		if (source->took && host_begin(gapfill->host))
			write_progress(source);
		if (source->ended && host_begin(gapfill->host))
			end_job(source);
	}
}

static int64_t
soonest(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

void
gapfill_flush(struct gapfill *gapfill)
{
	struct source *source;
	int64_t wait_ms = -1;
	if (!gapfill || gapfill->host->ending || gapfill->host->trouble)
		return;
	LL_FOREACH2(gapfill->sources, source, next_source) {
		wait_ms = soonest(wait_ms, source_due(source));
		if (source->job != JOB_NONE && !is_held_up(source))
			wait_ms = soonest(wait_ms, job_flush(source));
	}
	if (wait_ms >= 0)
		loop_timer_start(gapfill->timer, wait_ms < 1 ? 1 : wait_ms, 0);
}

void
gapfill_take_back(struct gapfill *gapfill)
{
	struct source *source;
	if (!gapfill)
		return;
	LL_FOREACH2(gapfill->sources, source, next_source) {
		/* A connect whose row was not written is opened again. */
		source->connected = source->live;
		job_stop(source);
		source->has_row = false;
	}
	fill_each(gapfill->host->store, read_row, gapfill);
}

void
gapfill_status(const struct gapfill *gapfill, const struct account *account, struct str stream,
	struct str param, struct buf *out)
{
	const struct source *source;
	const char *note = NULL;
	int64_t running = 0;
	if (gapfill) {
		LL_FOREACH2(gapfill->sources, source, next_source) {
			if (!is_of_stream(source, account, stream, param))
				continue;
			running += source->job == JOB_FILL;
			note = note ? note : source->note;
			if (!note && source->polled && source->from->kind == EVENT_UPDATE)
				note = POLLED_NOTE;
		}
	}
	json_put_key(out, "fetching");
	json_put_int(out, running);
	json_put_key(out, "note");
	json_put_text(out, note);
}
