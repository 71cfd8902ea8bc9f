/* SPDX-License-Identifier: MIT */
/* One running fill: which pages to ask for, what they prove, and which entities come out, the oldest first (protocol.md 5.3). */
#pragma once

#include "http.h"
#include "page.h"

struct fill;

/* Texts are copied. */
struct fill_config {
	const struct stream_source *source; /* kept */
	struct str param;                   /* of the stream */
	struct str from;  /* what is above this cursor comes out; STR_NONE with `first` */
	struct str known; /* the newest cursor that came before; STR_NONE: there never was one */
	struct str to;    /* it is enough when something above this came; STR_NONE: all there is */
	bool first;       /* nothing is known of the stream: only `backlog` comes out */
	bool down;        /* page downward, because the server takes min_id for since_id */
	bool trusted;     /* that pages are adjacent is known: a poll, a second pass */
	unsigned backlog; /* with `first`: so many of the newest */
	int64_t oldest_ms; /* what was posted before this is told as missing when paging downward; 0: nothing is */
	int64_t late_ms; /* fill_late looks for what was posted before this */
};
struct fill *fill_create(const struct fill_config *config);
void fill_destroy(struct fill *fill); /* NULL is fine */

enum fill_result {
	FILL_ASK,     /* for fill_url, next */
	FILL_BATCH,   /* fill_items are to be handled, then fill_took says how it goes on */
	FILL_WAIT,    /* the server is not ready: ask the same again in fill_wait_ms */
	FILL_DONE,    /* all is there that can be had */
	FILL_LOST,    /* nothing (more) can be had: fill_missing says why */
	FILL_REFUSED, /* the token is no good: it may go on with another one */
};
/* Appends path and query of the page to ask for. */
void fill_url(const struct fill *fill, struct buf *out);
/* Takes the answer to it, which the server gave in full (HTTP_DONE; what is to be tried again later, such as 429 and 5xx,
 * is the caller's). */
enum fill_result fill_answer(
	struct fill *fill, struct json_parser *parser, const struct http_answer *answer);
/* The entities to be handled: ascending, none below `from`, none twice. Borrowed until fill_took. */
const struct page_item *fill_items(const struct fill *fill, size_t *count);
enum fill_result fill_took(struct fill *fill);
/* From now on it is enough when something above `to` came. */
void fill_until(struct fill *fill, struct str to);
int64_t fill_wait_ms(const struct fill *fill);

/* Everything up to here was taken, or need not be; `from` at first. Where a fill that was cut short goes on. */
struct str fill_next(const struct fill *fill);
/* The newest that came out and was posted before late_ms; STR_NONE: none was. */
struct str fill_late(const struct fill *fill);
bool fill_goes_down(const struct fill *fill); /* the server was found to take min_id for since_id */
unsigned fill_count(const struct fill *fill); /* entities that came out so far */

/* What could not be had. False: nothing is missing, as far as one can know. */
struct fill_missing {
	struct str above;   /* the last that is there below the hole; STR_NONE: unknown */
	struct str below;   /* the first that is there above it; STR_NONE: nothing is */
	int64_t below_ms;   /* when that was posted; 0: unknown */
	const char *reason; /* for people */
	bool barred;        /* the server will not give it: asking again is of no use */
	bool feed; /* the timeline as a whole gives nothing: it may be switched off (protocol.md 4.3) */
};
bool fill_missing(const struct fill *fill, struct fill_missing *missing);
void fill_told(
	struct fill *fill); /* it was written down: from here on what else is missing counts */
