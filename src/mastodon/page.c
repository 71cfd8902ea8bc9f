/* SPDX-License-Identifier: MIT */
/* Reading a page into a sorted list. */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json_where.h"
#include "limits.h"
#include "link_header.h"
#include "xmalloc.h"

/* When an entity of that kind says that it came to be. */
static int64_t
time_of(enum event_kind kind, struct json_value entity)
{
	int64_t at_ms = 0;
	const char *path = kind == EVENT_CONVERSATION   ? "last_status.created_at"
			   : kind == EVENT_ANNOUNCEMENT ? "published_at"
							: "created_at";
	return time_parse(json_str(json_path(entity, path)), &at_ms) ? at_ms : 0;
}

static int
compare(const void *a, const void *b)
{
	const struct page_item *left = a;
	const struct page_item *right = b;
	return stream_cursor_compare(left->cursor, right->cursor);
}

/* Sorts, and takes out what is there twice (GoToSocial 0.20 repeats posts in short pages). */
static void
put_in_order(struct page *page)
{
	size_t kept = 0;
	qsort(page->items, page->count, sizeof(*page->items), compare);
	for (size_t i = 0; i < page->count; i++) {
		bool again = kept > 0 && stream_cursor_compare(page->items[kept - 1].cursor,
						 page->items[i].cursor) == 0;
		if (!again) {
			page->items[kept++] = page->items[i];
		}
	}
	page->count = kept;
}

static void
read_items(struct page *page, enum event_kind kind, struct json_value list)
{
	struct buf cursors;
	struct json_iter entity = json_iter(list);
	struct str rest = {page->body, page->bytes};
	struct str payload;
	buf_init(&cursors, page->bytes + 1);
	page->items = xcalloc(json_count(list) + 1, sizeof(*page->items));
	while (json_next(&entity) && json_where_next(&rest, &payload)) {
		struct str cursor = stream_cursor(kind, entity.value);
		if (cursor.len == 0 || cursor.len > EVENT_ID_MAX) {
			continue;
		}
		page->items[page->count++] = (struct page_item){
			.cursor = {NULL, cursor.len}, /* the buffer may still move */
			.payload = payload,
			.at_ms = time_of(kind, entity.value),
			.edited = kind == EVENT_UPDATE &&
				  json_str(json_get(entity.value, "edited_at")).len > 0,
		};
		(void)buf_add_str(&cursors, cursor);
	}
	page->cursors = buf_take(&cursors, NULL);
	size_t at = 0;
	for (size_t i = 0; i < page->count; i++) {
		page->items[i].cursor.ptr = page->cursors + at;
		at += page->items[i].cursor.len;
	}
	put_in_order(page);
}

/* ---- linked sources ---- */

/* The entities as they came, the oldest first. */
static void
read_marked(struct page *page, struct json_value list)
{
	size_t count = json_count(list);
	struct str rest = {page->body, page->bytes}, payload;
	page->items = xcalloc(count + 1, sizeof(*page->items));
	/* The place in the file is the order: when a post was made says nothing about when it was marked. */
	while (page->count < count && json_where_next(&rest, &payload)) {
		page->items[count - ++page->count].payload = payload;
	}
	memmove(page->items, page->items + (count - page->count),
		page->count * sizeof(*page->items));
}

/* Marks that were made later have higher ids, and a page has those of its two ends. */
static bool
read_ends(struct page *page, const char *header)
{
	struct buf low, high, both;
	buf_init(&low, EVENT_ID_MAX);
	buf_init(&high, EVENT_ID_MAX);
	buf_init(&both, EVENT_ID_MAX * 2 + 1);
	bool good = link_header_value(header, "prev", "min_id", &high) ||
		    link_header_value(header, "prev", "since_id", &high);
	page->is_last = !link_header_value(header, "next", "max_id", &low);
	struct str upper = buf_str(&high), lower = page->is_last ? upper : buf_str(&low);
	(void)buf_add_str(&both, lower);
	(void)buf_add_str(&both, upper);
	good = good && upper.len > 0 && lower.len > 0 && both.err == ERR_OK;
	if (good) {
		page->cursors = buf_take(&both, NULL);
		for (size_t i = 0; i < page->count; i++) {
			page->items[i].cursor = (struct str){page->cursors + lower.len, upper.len};
		}
		page->items[0].cursor = (struct str){page->cursors, lower.len};
	}
	buf_finish(&low);
	buf_finish(&high);
	buf_finish(&both);
	return good;
}

/* ---- pages ---- */

static bool
read_list(struct page *page, const struct stream_source *source, const struct http_answer *answer,
	struct json_value list)
{
	page->bytes = answer->body.len;
	page->body = str_dup(answer->body);
	if (!source->linked) {
		read_items(page, source->kind, list);
		return true;
	}
	read_marked(page, list);
	page->is_last = page->count == 0;
	return page->count == 0 || read_ends(page, http_header(answer, "link"));
}

bool
page_read(struct page *page, struct json_parser *parser, const struct stream_source *source,
	const struct http_answer *answer)
{
	struct json_doc *doc = NULL;
	*page = (struct page){0};
	if (json_parse(parser, answer->body, &doc, NULL) != ERR_OK) {
		return false;
	}
	bool good = json_type(json_root(doc)) == JSON_ARRAY &&
		    read_list(page, source, answer, json_root(doc));
	if (!good) {
		page_finish(page);
	}
	json_doc_destroy(doc);
	return good;
}

void
page_finish(struct page *page)
{
	free(page->body);
	free(page->cursors);
	free(page->items);
	*page = (struct page){0};
}
