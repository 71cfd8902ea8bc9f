/* SPDX-License-Identifier: MIT */
/* The table of sources, and addresses of pages. */
#include "stream_rest.h"

#include <string.h>

#include "attr.h"
#include "url.h"

#define PUBLIC   "/api/v1/timelines/public"
#define TAG      "/api/v1/timelines/tag/"
#define STATUSES "read:statuses"

#define POSTS(path, query, parameter, scope)                                                       \
	{                                                                                          \
		EVENT_UPDATE, "posts", (path), (query), (parameter), 40, (scope), false, false     \
	}
#define NOTIFICATIONS(optional)                                                                    \
	{                                                                                          \
		EVENT_NOTIFICATION, "notifications", "/api/v1/notifications", NULL, NULL, 80,      \
			"read:notifications", (optional), false                                    \
	}

#define MARKED(kind, name)                                                                         \
	{                                                                                          \
		(kind), (name), "/api/v1/" name, NULL, NULL, 40, "read:" name, false, true         \
	}

/* In the order of stream_name.c. A row without a second kind ends there. */
static const struct row {
	const char *stream;
	size_t count;
	struct stream_source sources[STREAM_SOURCES_MAX];
} table[] = {
	{"user", 3,
		{POSTS("/api/v1/timelines/home", NULL, NULL, STATUSES), NOTIFICATIONS(true),
			{EVENT_ANNOUNCEMENT, "announcements", "/api/v1/announcements", NULL, NULL,
				0, STATUSES, true, false}}},
	{"user:notification", 1, {NOTIFICATIONS(false)}},
	{"public", 1, {POSTS(PUBLIC, NULL, NULL, STATUSES)}},
	{"public:media", 1, {POSTS(PUBLIC, "only_media=true", NULL, STATUSES)}},
	{"public:local", 1, {POSTS(PUBLIC, "local=true", NULL, STATUSES)}},
	{"public:local:media", 1, {POSTS(PUBLIC, "local=true&only_media=true", NULL, STATUSES)}},
	{"public:remote", 1, {POSTS(PUBLIC, "remote=true", NULL, STATUSES)}},
	{"public:remote:media", 1, {POSTS(PUBLIC, "remote=true&only_media=true", NULL, STATUSES)}},
	{"public:allow_local_only", 1, {POSTS(PUBLIC, "allow_local_only=true", NULL, STATUSES)}},
	{"public:allow_local_only:media", 1,
		{POSTS(PUBLIC, "allow_local_only=true&only_media=true", NULL, STATUSES)}},
	{"hashtag", 1, {POSTS(TAG, NULL, "tag", STATUSES)}},
	{"hashtag:local", 1, {POSTS(TAG, "local=true", "tag", STATUSES)}},
	/* The stream wants read:statuses, REST read:lists (protocol.md 5.2). */
	{"list", 1, {POSTS("/api/v1/timelines/list/", NULL, "list", "read:lists")}},
	{"direct", 1,
		{{EVENT_CONVERSATION, "conversations", "/api/v1/conversations", NULL, NULL, 40,
			STATUSES, false, false}}},
	{"bookmarks", 1, {MARKED(EVENT_BOOKMARK, "bookmarks")}},
	{"favourites", 1, {MARKED(EVENT_FAVOURITE, "favourites")}},
};

size_t
stream_sources(struct str stream, const struct stream_source **sources)
{
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		if (str_eq_text(stream, table[i].stream)) {
			*sources = table[i].sources;
			return table[i].count;
		}
	}
	return 0;
}

const struct stream_source *
stream_source_of(struct str stream, enum event_kind kind)
{
	const struct stream_source *sources;
	size_t count = stream_sources(stream, &sources);
	for (size_t i = 0; i < count; i++) {
		if (sources[i].kind == kind) {
			return &sources[i];
		}
	}
	return NULL;
}

static void
put_query(struct buf *out, char *mark, const char *name, struct str value)
{
	(void)buf_printf(out, "%c%s=", *mark, name);
	url_encode(value, out);
	*mark = '&';
}

void
stream_source_url(const struct stream_source *source, struct str param,
	const struct stream_range *range, struct buf *out)
{
	char mark = '?';
	(void)buf_add_text(out, source->path);
	if (source->parameter != NULL) {
		url_encode(param, out);
	}
	if (source->query != NULL) {
		(void)buf_printf(out, "?%s", source->query);
		mark = '&';
	}
	if (source->limit == 0) {
		return;
	}
	unsigned limit =
		range->limit > 0 && range->limit < source->limit ? range->limit : source->limit;
	(void)buf_printf(out, "%climit=%u", mark, limit);
	mark = '&';
	if (range->min_id.len > 0) {
		put_query(out, &mark, "min_id", range->min_id);
	}
	if (range->max_id.len > 0) {
		put_query(out, &mark, "max_id", range->max_id);
	}
}

struct str
stream_cursor(enum event_kind kind, struct json_value entity)
{
	struct str cursor = STR_NONE;
	if (kind == EVENT_CONVERSATION) {
		cursor = json_str(json_path(entity, "last_status.id"));
	} else if (kind == EVENT_ANNOUNCEMENT) {
		cursor = json_str(json_get(entity, "updated_at"));
	}
	return cursor.len > 0 ? cursor : json_str(json_get(entity, "id"));
}

int
stream_cursor_compare(struct str a, struct str b)
{
	if (a.len != b.len) {
		return a.len < b.len ? -1 : 1;
	}
	return a.len > 0 ? memcmp(a.ptr, b.ptr, a.len) : 0;
}
