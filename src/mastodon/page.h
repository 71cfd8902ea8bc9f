/* SPDX-License-Identifier: MIT */
/* One page of a source as it came: its entities, the oldest first, each with its cursor and its bytes. */
#pragma once

#include "http.h"
#include "stream_rest.h"

struct page_item {
	struct str cursor;  /* as stream_cursor; borrowed from the page */
	struct str payload; /* its bytes; borrowed from the page */
	int64_t at_ms;      /* when it says that it was posted; 0: it does not say */
	bool edited;        /* a post that has an edited_at */
};

struct page {
	char *body;    /* owns */
	char *cursors; /* the texts of the items' cursors */
	struct page_item *items;
	size_t count, bytes; /* items; of the body */
	bool is_last; /* of a linked source: nothing is below it, within the bounds that were asked for */
};

/* Copies the answer's body. Entities without a cursor are left out, one that comes twice is taken once. False: it is no JSON list;
 * the page is empty then.
 * Of a linked source the entities come in the order that the server gives them, the lowest one has the cursor of the page's lower
 * end and all others that of its upper end. A page that has entities and no such cursor (no Link header) is false, too. */
bool page_read(struct page *page, struct json_parser *parser, const struct stream_source *source,
	const struct http_answer *answer);
void page_finish(struct page *page); /* empty after */
