/* SPDX-License-Identifier: MIT */
/* The steps of a fill: upward by min_id where that is proven to work, downward by max_id where not. */
#include "fill.h"

#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "limits.h"
#include "xmalloc.h"

enum step {
	STEP_FIRST,    /* the newest one: where the stream begins for us */
	STEP_WHOLE,    /* a source without pages */
	STEP_UP_FIRST, /* the first page above `from`: is it the one right above? */
	STEP_PROBE,    /* what is below that page? */
	STEP_EMPTY,    /* nothing was above `from`: is there anything at all? */
	STEP_UP,       /* page after page, proven */
	STEP_DOWN,     /* from the newest down to `from`: pages are held, nothing comes out */
	STEP_EMIT,     /* and out they come, the lowest first */
	STEP_END,
};

/* A page on the way down. Under want of room its entities are dropped, and asked for again on the way up. */
struct held {
	char *max_id; /* that it was asked for with; NULL: the newest page */
	struct page page;
	size_t count; /* of its entities */
	bool dropped;
};

struct fill {
	struct fill_config config; /* its texts are those below */
	char *param, *from, *known, *to;
	char *next, *late;
	/* Right below `next`, where pages upward begin: the page that follows must have `next` in it, or something is
	 * between. A home timeline is cut from below while it is read. NULL: no page was taken yet. */
	char *before;
	enum step step;
	struct page page;  /* comes out, or waits for its proof */
	size_t first_item; /* of the page, that comes out */
	struct held *held; /* the newest page first */
	size_t held_count, held_bytes;
	char *max_id;                 /* of the next page down: the lowest cursor that is held */
	int64_t max_ms;               /* when that was posted */
	char *above, *below, *reason; /* what is missing; reason NULL: nothing */
	int64_t below_ms;
	bool feed, barred, found_down;
	int64_t wait_ms;
	unsigned waits, refusals, count;
	bool was_last; /* nothing was above the page that came out last (linked sources) */
};

static void
set(char **text, struct str to)
{
	char *copy = str_dup(to);
	free(*text);
	*text = copy;
}

/* "0" stands for a timeline that was empty: below everything. */
static bool
from_nothing(const struct fill *fill)
{
	return fill->from == NULL || strcmp(fill->from, "0") == 0;
}

static bool
is_newer(struct str cursor, const char *than)
{
	return stream_cursor_compare(cursor, str_from(than)) > 0;
}

/* The source's cursors are those of its pages. */
static bool
is_linked(const struct fill *fill)
{
	return fill->config.source->linked;
}

static enum step
first_step(const struct fill *fill)
{
	const struct fill_config *config = &fill->config;
	if (config->source->limit == 0) {
		return STEP_WHOLE;
	}
	if (config->first) {
		return config->backlog > 0 ? STEP_DOWN : STEP_FIRST;
	}
	if (config->down || from_nothing(fill)) {
		return STEP_DOWN;
	}
	return config->trusted ? STEP_UP : STEP_UP_FIRST;
}

struct fill *
fill_create(const struct fill_config *config)
{
	struct fill *fill = xcalloc(1, sizeof(*fill));
	fill->config = *config;
	fill->param = str_dup(config->param);
	fill->from = str_dup(config->from);
	fill->known = str_dup(config->known);
	fill->to = str_dup(config->to);
	fill->next = xstrdup(fill->from != NULL ? fill->from : "0");
	fill->step = first_step(fill);
	return fill;
}

static void
forget_held(struct fill *fill)
{
	for (size_t i = 0; i < fill->held_count; i++) {
		free(fill->held[i].max_id);
		page_finish(&fill->held[i].page);
	}
	free(fill->held);
	fill->held = NULL;
	fill->held_count = 0;
}

void
fill_destroy(struct fill *fill)
{
	if (fill == NULL) {
		return;
	}
	forget_held(fill);
	page_finish(&fill->page);
	free(fill->param);
	free(fill->from);
	free(fill->known);
	free(fill->to);
	free(fill->next);
	free(fill->late);
	free(fill->before);
	free(fill->max_id);
	free(fill->above);
	free(fill->below);
	free(fill->reason);
	free(fill);
}

/* ---- what is missing ---- */

/* Up to here nothing is missing; NULL: nothing was ever there. */
static const char *
floor_of(const struct fill *fill)
{
	return fill->known != NULL ? fill->known : fill->before != NULL ? fill->next : NULL;
}

/* The hole ends below that cursor; without one nothing is above it. Several become one, with what is between them. */
static void
miss(struct fill *fill, struct str below, int64_t below_ms, const char *reason)
{
	if (fill->reason == NULL) {
		bool past = fill->known != NULL && is_newer(str_from(fill->known), fill->next);
		set(&fill->above, str_from(past ? fill->known : fill->next));
	}
	set(&fill->reason, str_from(reason));
	set(&fill->below, below);
	fill->below_ms = below_ms;
}

static enum fill_result
lose(struct fill *fill, const char *reason)
{
	miss(fill, STR_NONE, 0, reason);
	fill->step = STEP_END;
	return FILL_LOST;
}

static enum fill_result
end(struct fill *fill)
{
	fill->step = STEP_END;
	return FILL_DONE;
}

/* ---- pages come out ---- */

/* True when something of fill->page comes out. */
static bool
has_news(struct fill *fill)
{
	fill->first_item = 0;
	while (fill->first_item < fill->page.count &&
		!is_newer(fill->page.items[fill->first_item].cursor, fill->next)) {
		fill->first_item++;
	}
	return fill->first_item < fill->page.count;
}

static void
take_page(struct fill *fill, struct page *page)
{
	page_finish(&fill->page);
	fill->page = *page;
	*page = (struct page){0};
}

static enum fill_result
emit_held(struct fill *fill)
{
	fill->step = STEP_EMIT;
	while (fill->held_count > 0) {
		struct held *top = &fill->held[fill->held_count - 1];
		if (top->dropped) {
			return FILL_ASK;
		}
		fill->held_bytes -= top->page.bytes;
		take_page(fill, &top->page);
		free(top->max_id);
		fill->held_count--;
		if (has_news(fill)) {
			return FILL_BATCH;
		}
	}
	return end(fill);
}

static enum fill_result
emit_up(struct fill *fill)
{
	fill->step = STEP_UP;
	if (has_news(fill)) {
		return FILL_BATCH;
	}
	if (is_linked(fill) && fill->page.count > 0) {
		fill->barred = true;
		return lose(fill, "the server gives the same page again and again: it takes no "
				  "min_id here");
	}
	return end(fill);
}

const struct page_item *
fill_items(const struct fill *fill, size_t *count)
{
	*count = fill->page.count - fill->first_item;
	return fill->page.items + fill->first_item;
}

static void
note_taken(struct fill *fill)
{
	for (size_t i = fill->first_item; i < fill->page.count; i++) {
		const struct page_item *item = &fill->page.items[i];
		if (item->at_ms > 0 && item->at_ms <= fill->config.late_ms) {
			set(&fill->late, item->cursor);
		}
	}
	fill->count += (unsigned)(fill->page.count - fill->first_item);
	fill->was_last = fill->page.is_last;
	if (!is_linked(fill)) {
		set(&fill->before, fill->page.count > 1
					   ? fill->page.items[fill->page.count - 2].cursor
					   : str_from(fill->next));
	}
	set(&fill->next, fill->page.items[fill->page.count - 1].cursor);
	page_finish(&fill->page);
	fill->first_item = 0;
}

enum fill_result
fill_took(struct fill *fill)
{
	REQUIRE(fill->first_item < fill->page.count);
	note_taken(fill);
	if (fill->step == STEP_EMIT) {
		return emit_held(fill);
	}
	bool enough = (fill->to != NULL && is_newer(str_from(fill->next), fill->to)) ||
		      (is_linked(fill) && fill->was_last);
	return fill->step == STEP_UP && !enough ? FILL_ASK : end(fill);
}

/* ---- downward ---- */

/* The newest pages are the last to come out: they are the first to be dropped. */
static void
make_room(struct fill *fill)
{
	for (size_t i = 0; i < fill->held_count && fill->held_bytes > FILL_HELD_MAX; i++) {
		struct held *held = &fill->held[i];
		if (!held->dropped) {
			fill->held_bytes -= held->page.bytes;
			page_finish(&held->page);
			held->dropped = true;
		}
	}
}

/* `max_id` is taken. */
static void
hold(struct fill *fill, char *max_id, struct page *page)
{
	fill->held = xreallocarray(fill->held, fill->held_count + 1, sizeof(*fill->held));
	fill->held[fill->held_count++] =
		(struct held){.max_id = max_id, .page = *page, .count = page->count};
	fill->held_bytes += page->bytes;
	*page = (struct page){0};
	make_room(fill);
}

static size_t
held_items(const struct fill *fill)
{
	size_t count = 0;
	for (size_t i = 0; i < fill->held_count; i++) {
		count += fill->held[i].count;
	}
	return count;
}

/* The cursor of a linked page is its upper end: what is below in it cannot be left out by cursor. */
static void
drop_lowest(struct held *held, size_t count)
{
	struct page *page = &held->page;
	page->count -= count;
	memmove(page->items, page->items + count, page->count * sizeof(*page->items));
}

/* The newest `backlog` of what is held: those below count as taken. */
static enum fill_result
emit_backlog(struct fill *fill)
{
	size_t count = held_items(fill);
	const struct held *lowest = fill->held_count > 0 ? &fill->held[fill->held_count - 1] : NULL;
	if (lowest != NULL && count > fill->config.backlog) {
		size_t surplus = count - fill->config.backlog;
		const struct page *page = &lowest->page; /* empty when it was dropped */
		surplus = surplus < page->count ? surplus : page->count;
		if (surplus > 0 && is_linked(fill)) {
			drop_lowest(&fill->held[fill->held_count - 1], surplus);
		} else if (surplus > 0) {
			set(&fill->next, page->items[surplus - 1].cursor);
		}
	}
	return emit_held(fill);
}

/* Nothing is further down, or the server gives the same again. */
static enum fill_result
answer_bottom(struct fill *fill, bool empty)
{
	if (fill->config.first) {
		return emit_backlog(fill);
	}
	/* Marks are taken back: that there is none means nothing. */
	if (is_linked(fill)) {
		return emit_held(fill);
	}
	if (fill->known != NULL && empty && fill->held_count == 0) {
		fill->feed = true;
		return lose(fill, "the server gives nothing of this timeline");
	}
	/* Below what is known already nothing can be missing. */
	const char *floor = floor_of(fill);
	if (floor != NULL && is_newer(str_from(fill->max_id), floor)) {
		miss(fill, str_from(fill->max_id), fill->max_ms,
			empty ? "the server keeps no older ones"
			      : "the server does not page further back");
	}
	return emit_held(fill);
}

static enum fill_result
answer_down(struct fill *fill, struct page *page)
{
	const struct fill_config *config = &fill->config;
	bool moves = page->count > 0 &&
		     (fill->max_id == NULL || !is_newer(page->items[0].cursor, fill->max_id));
	if (!moves || str_eq_text(page->items[0].cursor, fill->max_id)) {
		return answer_bottom(fill, page->count == 0);
	}
	bool reached = !config->first && !is_newer(page->items[0].cursor, fill->next);
	bool last = is_linked(fill) && page->is_last;
	char *asked = fill->max_id;
	fill->max_id = str_dup(page->items[0].cursor);
	fill->max_ms = page->items[0].at_ms;
	hold(fill, asked, page);
	if (config->first) {
		return last || held_items(fill) >= config->backlog ? emit_backlog(fill) : FILL_ASK;
	}
	if (reached || last) {
		return emit_held(fill);
	}
	bool too_old = fill->max_ms > 0 && fill->max_ms < config->oldest_ms;
	if (too_old || fill->held_count >= FILL_DOWN_MAX) {
		miss(fill, str_from(fill->max_id), fill->max_ms,
			too_old ? "the outage was longer than posts are fetched back"
				: "there are more pages than are fetched back at once");
		return emit_held(fill);
	}
	return FILL_ASK;
}

static enum fill_result
answer_again(struct fill *fill, struct page *page)
{
	struct held *top = &fill->held[fill->held_count - 1];
	top->page = *page;
	top->dropped = false;
	fill->held_bytes += page->bytes;
	*page = (struct page){0};
	return emit_held(fill);
}

/* ---- upward ---- */

/* True when nothing can lie between `from` and the page: it reaches down to what came before. */
static bool
is_adjacent(const struct fill *fill, const struct page *page)
{
	return page->count > 0 && fill->known != NULL &&
	       !is_newer(page->items[0].cursor, fill->known);
}

static enum fill_result
answer_up_first(struct fill *fill, struct page *page)
{
	/* Nothing between: what is above `from` is on one page. */
	bool adjacent = is_linked(fill) ? page->is_last : is_adjacent(fill, page);
	take_page(fill, page);
	if (adjacent) {
		return emit_up(fill);
	}
	fill->step = fill->page.count > 0 ? STEP_PROBE : STEP_EMPTY;
	return FILL_ASK;
}

/* A page that does not begin where the one before ended is looked into as the first one is. */
static enum fill_result
answer_up(struct fill *fill, struct page *page)
{
	bool joins = fill->before == NULL ||
		     (page->count > 0 && !is_newer(page->items[0].cursor, fill->next));
	take_page(fill, page);
	if (joins) {
		return emit_up(fill);
	}
	fill->step = fill->page.count > 0 ? STEP_PROBE : STEP_EMPTY;
	return FILL_ASK;
}

static enum fill_result
answer_probe(struct fill *fill, struct page *page)
{
	if (page->count == 0) {
		if (floor_of(fill) != NULL && !is_linked(fill)) {
			const struct page_item *lowest = &fill->page.items[0];
			miss(fill, lowest->cursor, lowest->at_ms, "the server keeps no older ones");
		}
		return emit_up(fill);
	}
	if (!is_newer(page->items[page->count - 1].cursor, fill->next)) {
		return emit_up(fill);
	}
	/* There are posts between `from` and the first page: min_id was taken for since_id. */
	fill->found_down = true;
	fill->step = STEP_DOWN;
	fill->max_id = str_dup(fill->page.items[0].cursor);
	fill->max_ms = fill->page.items[0].at_ms;
	hold(fill, NULL, &fill->page);
	return answer_down(fill, page);
}

/* Nothing was above `from`. */
static enum fill_result
answer_empty(struct fill *fill, struct page *page)
{
	if (page->count == 0) {
		if (fill->known == NULL || is_linked(fill)) {
			return end(fill);
		}
		fill->feed = true;
		return lose(fill, "the server gives nothing of this timeline");
	}
	if (!is_newer(page->items[page->count - 1].cursor, fill->next)) {
		return end(fill);
	}
	fill->found_down = true;
	fill->step = STEP_DOWN;
	return answer_down(fill, page);
}

static enum fill_result
answer_first(struct fill *fill, struct page *page)
{
	if (page->count > 0) {
		set(&fill->next, page->items[page->count - 1].cursor);
	}
	if (is_linked(fill) && page->count > 0) {
		fill->step = STEP_UP_FIRST; /* does the server heed min_id? nothing is above that */
		return FILL_ASK;
	}
	return end(fill);
}

static enum fill_result
answer_whole(struct fill *fill, struct page *page)
{
	if (fill->config.first) {
		return answer_first(fill, page);
	}
	take_page(fill, page);
	return has_news(fill) ? FILL_BATCH : end(fill);
}

static enum fill_result
answer_page(struct fill *fill, struct page *page)
{
	switch (fill->step) {
	case STEP_FIRST:
		return answer_first(fill, page);
	case STEP_WHOLE:
		return answer_whole(fill, page);
	case STEP_UP_FIRST:
		return answer_up_first(fill, page);
	case STEP_PROBE:
		return answer_probe(fill, page);
	case STEP_EMPTY:
		return answer_empty(fill, page);
	case STEP_UP:
		return answer_up(fill, page);
	case STEP_DOWN:
		return answer_down(fill, page);
	case STEP_EMIT:
		return answer_again(fill, page);
	case STEP_END:
		break;
	}
	return end(fill);
}

/* ---- answers ---- */

/* Mastodon-Async-Refresh: id="…", retry=5[, result_count=n] (protocol.md 5.3) */
static int64_t
retry_of(const struct http_answer *answer)
{
	struct str rest = str_from(http_header(answer, "mastodon-async-refresh"));
	struct str part;
	int64_t seconds = 0;
	while (rest.len > 0) {
		rest = str_split(rest, ',', &part);
		part = str_trim(part);
		if (str_starts(part, "retry=") &&
			str_to_int((struct str){part.ptr + 6, part.len - 6}, 1,
				FILL_WAIT_MAX_MS / 1000, &seconds)) {
			return seconds * 1000;
		}
	}
	return FILL_WAIT_MS;
}

static enum fill_result
answer_refusal(struct fill *fill, const struct http_answer *answer)
{
	const struct stream_source *source = fill->config.source;
	if (answer->status == 401 && ++fill->refusals <= FILL_REFUSALS_MAX) {
		return FILL_REFUSED;
	}
	if (source->optional) {
		return end(fill);
	}
	char *words = answer->status == 403
			      ? xasprintf("REST answered 403: the token may lack the scope %s",
					source->scope)
			      : xasprintf("REST answered %d", answer->status);
	fill->barred = true;
	enum fill_result result = lose(fill, words);
	free(words);
	return result;
}

enum fill_result
fill_answer(struct fill *fill, struct json_parser *parser, const struct http_answer *answer)
{
	struct page page;
	if (answer->status == 206) {
		fill->wait_ms = retry_of(answer);
		return ++fill->waits <= FILL_WAITS_MAX
			       ? FILL_WAIT
			       : lose(fill, "the server is still putting this timeline together");
	}
	fill->waits = 0;
	if (answer->status != 200) {
		return answer_refusal(fill, answer);
	}
	fill->refusals = 0;
	if (!page_read(&page, parser, fill->config.source, answer)) {
		fill->barred = true;
		return lose(fill, is_linked(fill)
					  ? "what REST answered is no list with a Link header"
					  : "what REST answered is no list");
	}
	enum fill_result result = answer_page(fill, &page);
	page_finish(&page);
	return result;
}

void
fill_url(const struct fill *fill, struct buf *out)
{
	struct stream_range range = {0};
	switch (fill->step) {
	case STEP_FIRST:
		range.limit = 1;
		break;
	case STEP_UP_FIRST:
		range.min_id = str_from(fill->next);
		break;
	case STEP_UP:
		range.min_id = str_from(fill->before != NULL ? fill->before : fill->next);
		break;
	case STEP_PROBE:
		range.max_id = fill->page.items[0].cursor;
		break;
	case STEP_DOWN:
		range.max_id = str_from(fill->max_id);
		break;
	case STEP_EMIT:
		range.max_id = str_from(fill->held[fill->held_count - 1].max_id);
		break;
	case STEP_WHOLE:
	case STEP_EMPTY:
	case STEP_END:
		break;
	}
	/* Cursors cannot tell which of a page's entities are above `next`: the server has to. */
	if (is_linked(fill) && strcmp(fill->next, "0") != 0) {
		range.min_id = str_from(fill->next);
	}
	stream_source_url(fill->config.source, str_from(fill->param), &range, out);
}

void
fill_until(struct fill *fill, struct str to)
{
	set(&fill->to, to);
}

int64_t
fill_wait_ms(const struct fill *fill)
{
	return fill->wait_ms;
}

struct str
fill_next(const struct fill *fill)
{
	return str_from(fill->next);
}

struct str
fill_late(const struct fill *fill)
{
	return str_from(fill->late);
}

bool
fill_goes_down(const struct fill *fill)
{
	return fill->found_down;
}

void
fill_told(struct fill *fill)
{
	set(&fill->reason, STR_NONE);
}

unsigned
fill_count(const struct fill *fill)
{
	return fill->count;
}

bool
fill_missing(const struct fill *fill, struct fill_missing *missing)
{
	*missing = (struct fill_missing){
		.above = str_from(fill->above),
		.below = str_from(fill->below),
		.below_ms = fill->below_ms,
		.reason = fill->reason,
		.feed = fill->feed,
		.barred = fill->barred,
	};
	return fill->reason != NULL;
}
