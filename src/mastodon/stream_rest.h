/* SPDX-License-Identifier: MIT */
/* What REST has of a stream: its sources, their addresses, and the order of their ids (protocol.md 5.2 to 5.4). */
#pragma once

#include "buf.h"
#include "event.h"
#include "limits.h"

/* One REST resource that has events of a stream: `user` has three of them. */
struct stream_source {
	enum event_kind
		kind;     /* of its entities: update, notification, conversation, announcement */
	const char *name; /* "posts", "notifications", ... in messages */
	const char *path;
	const char *query; /* fixed part, "local=true"; NULL without */
	const char
		*parameter; /* "tag", "list": the stream's parameter ends the path; NULL without */
	unsigned limit;     /* entities of a page, at most; 0: it has no pages, all come at once */
	const char *scope;  /* that a token needs for it */
	/* A token without the scope gets nothing of it by the stream either: a 403 is no gap. */
	bool optional;
	/* Pages go by ids that only the Link header has, those of the marks and not of the posts (protocol.md 5.3): a page has one
	 * cursor, its entities have none. */
	bool linked;
};

/* The sources of a stream, posts first. 0: the stream is unknown. */
size_t stream_sources(struct str stream, const struct stream_source **sources);
/* NULL when no source of the stream has entities of that kind. */
const struct stream_source *stream_source_of(struct str stream, enum event_kind kind);

/* One page: all exclusive (protocol.md 5.3). */
struct stream_range {
	struct str min_id; /* STR_NONE: none */
	struct str max_id;
	unsigned limit; /* 0: as many as a page may have */
};
/* Appends path and query, below the account's server. */
void stream_source_url(const struct stream_source *source, struct str param,
	const struct stream_range *range, struct buf *out);

/* What orders the entities of a source and pages through them: the id, of a conversation that of its last status (6.7), of
 * an announcement the time of its last change. Empty when there is none. Of a linked source the page has it (page.h). */
struct str stream_cursor(enum event_kind kind, struct json_value entity);
/* Below 0: `a` is older. Ids are opaque: the longer one is newer, then bytes count. An absent one is older than all. */
int stream_cursor_compare(struct str a, struct str b);
