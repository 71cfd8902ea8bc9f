/* SPDX-License-Identifier: MIT */
/* The newest id of each stream that is not committed yet, and its way into the store. */
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "uthash.h"
#include "xmalloc.h"

struct position_mark {
	char *key; /* account, stream and parameter, NUL between them */
	char *account, *stream, *param;
	char *newest_id;
	int64_t received_at_ms;
	UT_hash_handle hh;
};

static void
mark_destroy(struct host *host, struct position_mark *mark)
{
	HASH_DEL(host->marks, mark);
	free(mark->key);
	free(mark->account);
	free(mark->stream);
	free(mark->param);
	free(mark->newest_id);
	free(mark);
}

/* Ids are opaque; longer is newer, then byte order (protocol.md 5.4). */
static bool
is_newer(struct str a, const char *b)
{
	size_t len = strlen(b);
	return a.len != len ? a.len > len : memcmp(a.ptr, b, len) > 0;
}

void
positions_mark(struct host *host, const struct event *event)
{
	bool moves = event->kind == EVENT_UPDATE || event->kind == EVENT_NOTIFICATION ||
		     event->kind == EVENT_CONVERSATION;
	if (!moves || event->id.len == 0 || !event->stream.ptr || event->origin == ORIGIN_REPLAY)
		return;
	char *key = xasprintf("%.*s|%.*s|%.*s", STR_ARG(event->account), STR_ARG(event->stream),
		STR_ARG(event->param));
	struct position_mark *mark;
	HASH_FIND_STR(host->marks, key, mark);
	if (!mark) {
		mark = xmalloc(sizeof(*mark));
		*mark = (struct position_mark){
			.key = key,
			.account = str_dup(event->account),
			.stream = str_dup(event->stream),
			.param = str_dup(event->param),
			.newest_id = str_dup(event->id),
			.received_at_ms = event->received_at_ms,
		};
		HASH_ADD_KEYPTR(hh, host->marks, mark->key, strlen(mark->key), mark);
		return;
	}
	free(key);
	if (is_newer(event->id, mark->newest_id)) {
		free(mark->newest_id);
		mark->newest_id = str_dup(event->id);
		mark->received_at_ms = event->received_at_ms;
	}
}

void
positions_write(struct host *host)
{
	struct position_mark *mark, *next;
	HASH_ITER(hh, host->marks, mark, next) {
		struct position position = {
			.account = mark->account ? mark->account : "",
			.stream = str_from(mark->stream),
			.param = str_from(mark->param),
			.newest_id = str_from(mark->newest_id),
			.received_at_ms = mark->received_at_ms,
		};
		position_put(host->store, &position);
		mark_destroy(host, mark);
	}
}

void
positions_forget(struct host *host)
{
	struct position_mark *mark, *next;
	HASH_ITER(hh, host->marks, mark, next)
		mark_destroy(host, mark);
}
