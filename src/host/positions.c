/* SPDX-License-Identifier: MIT */
/* The newest cursor of each source of each stream, its marks, and their way into the store. */
#include <stdlib.h>
#include <string.h>

#include "fills.h"
#include "host_private.h"
#include "limits.h"
#include "stream_rest.h"
#include "uthash.h"
#include "xmalloc.h"

struct position {
	char *key; /* account, stream, parameter and kind, '|' between them */
	char *account, *stream, *param;
	const char *kind;
	char *cursor; /* NULL: none yet */
	int64_t at_ms;
	int64_t marked_ms; /* time of the newest mark */
	char *live;   /* the newest that the stream itself brought since the start; NULL: none */
	bool changed; /* the store has another one, or another time */
	bool moved;   /* since the newest mark */
	UT_hash_handle hh;
};

static void
position_destroy(struct host *host, struct position *position)
{
	HASH_DEL(host->positions, position);
	free(position->key);
	free(position->account);
	free(position->stream);
	free(position->param);
	free(position->cursor);
	free(position->live);
	free(position);
}

static struct source_key
key_of(const struct position *position)
{
	return (struct source_key){position->account, str_from(position->stream),
		str_from(position->param), position->kind};
}

static void
load(struct host *host, struct position *position)
{
	struct source_key key = key_of(position);
	struct buf cursor;
	buf_init(&cursor, EVENT_ID_MAX);
	if (cursor_get(host->store, &key, &cursor, &position->at_ms)) {
		position->cursor = buf_take(&cursor, NULL);
		position->marked_ms = cursor_mark_newest_ms(host->store, &key);
	}
	buf_finish(&cursor);
}

static struct position *
find(struct host *host, const struct source_key *key)
{
	char *text = xasprintf("%s|%.*s|%.*s|%s", key->account, STR_ARG(key->stream),
		STR_ARG(key->param), key->kind);
	struct position *position;
	HASH_FIND_STR(host->positions, text, position);
	if (position) {
		free(text);
		return position;
	}
	position = xmalloc(sizeof(*position));
	*position = (struct position){
		.key = text,
		.account = xstrdup(key->account),
		.stream = str_dup(key->stream),
		.param = str_dup(key->param),
		.kind = key->kind,
	};
	HASH_ADD_KEYPTR(hh, host->positions, position->key, strlen(position->key), position);
	load(host, position);
	return position;
}

static bool
is_newer(struct str cursor, const char *than)
{
	return stream_cursor_compare(cursor, str_from(than)) > 0;
}

static void
touch(struct host *host, struct position *position, int64_t at_ms)
{
	position->at_ms = at_ms;
	host->positions_changed += !position->changed;
	position->changed = true;
}

static void
move(struct host *host, struct position *position, struct str cursor, int64_t at_ms)
{
	free(position->cursor);
	position->cursor = str_dup(cursor);
	position->moved = true;
	touch(host, position, at_ms);
}

void
positions_mark(struct host *host, const struct event *event)
{
	if (!event->doc || !event->stream.ptr || !event->account.ptr ||
		event->origin == ORIGIN_REPLAY)
		return;
	const struct stream_source *source = stream_source_of(event->stream, event->kind);
	/* Of a linked source the page moves the cursor (gapfill.c). */
	struct str cursor = source && !source->linked
				    ? stream_cursor(event->kind, json_root(event->doc))
				    : STR_NONE;
	if (cursor.len == 0 || cursor.len > EVENT_ID_MAX)
		return;
	struct source_key key = {event->account.ptr, event->stream, event->param,
		event_kind_info(event->kind)->name};
	struct position *position = find(host, &key);
	if (event->origin == ORIGIN_LIVE && is_newer(cursor, position->live)) {
		free(position->live);
		position->live = str_dup(cursor);
	}
	/* Posts that were fetched late have old ids: what is older moves nothing (protocol.md 5.4). */
	if (is_newer(cursor, position->cursor))
		move(host, position, cursor, event->received_at_ms);
}

void
positions_begin(struct host *host, const struct source_key *key, struct str cursor)
{
	struct position *position = find(host, key);
	if (is_newer(cursor, position->cursor))
		move(host, position, cursor, clock_wall_ms(&host->config.clock));
}

void
positions_seen(struct host *host, const struct source_key *key, int64_t now_ms)
{
	struct position *position = find(host, key);
	if (position->cursor && now_ms > position->at_ms)
		touch(host, position, now_ms);
}

struct str
positions_cursor(struct host *host, const struct source_key *key, int64_t *at_ms)
{
	const struct position *position = find(host, key);
	*at_ms = position->at_ms;
	return str_from(position->cursor);
}

struct str
positions_live(struct host *host, const struct source_key *key)
{
	return str_from(find(host, key)->live);
}

static void
write_position(struct host *host, struct position *position)
{
	struct source_key key = key_of(position);
	struct str cursor = str_from(position->cursor);
	cursor_put(host->store, &key, cursor, position->at_ms);
	if (position->moved && position->at_ms - position->marked_ms >= CURSOR_MARK_MS) {
		cursor_mark(host->store, &key, cursor, position->at_ms);
		cursor_marks_prune(host->store, &key, CURSOR_MARKS_MAX);
		position->marked_ms = position->at_ms;
		position->moved = false;
	}
	position->changed = false;
}

void
positions_write(struct host *host)
{
	struct position *position, *next;
	HASH_ITER(hh, host->positions, position, next) {
		if (position->changed)
			write_position(host, position);
	}
	host->positions_changed = 0;
}

void
positions_forget(struct host *host)
{
	struct position *position, *next;
	HASH_ITER(hh, host->positions, position, next)
		position_destroy(host, position);
	host->positions_changed = 0;
}
