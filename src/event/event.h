/* SPDX-License-Identifier: MIT */
/* struct event: one thing that a stream, a fill or a replay delivered; and the table of kinds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "json.h"
#include "str.h"

/* protocol.md 3, and what is read from REST alone. The order is that of the table in event.c. */
enum event_kind {
	EVENT_UPDATE,
	EVENT_STATUS_UPDATE,
	EVENT_DELETE,
	EVENT_NOTIFICATION,
	EVENT_CONVERSATION,
	EVENT_ANNOUNCEMENT,
	EVENT_ANNOUNCEMENT_REACTION,
	EVENT_ANNOUNCEMENT_DELETE,
	EVENT_FILTERS_CHANGED,
	EVENT_NOTIFICATIONS_MERGED,
	EVENT_ENCRYPTED_MESSAGE,
	EVENT_BOOKMARK, /* no server streams these two: REST lists what the account has marked */
	EVENT_FAVOURITE,
	EVENT_UNKNOWN, /* any other name; event.name has it */
};
#define EVENT_KIND_COUNT (EVENT_UNKNOWN + 1)

/* What the payload is, by kind. */
enum event_payload {
	PAYLOAD_NONE,   /* nothing worth reading ("undefined", "1", "" or absent) */
	PAYLOAD_ID,     /* a bare id */
	PAYLOAD_STATUS, /* JSON entities from here on */
	PAYLOAD_NOTIFICATION,
	PAYLOAD_CONVERSATION,
	PAYLOAD_ANNOUNCEMENT,
	PAYLOAD_REACTION,
	PAYLOAD_OTHER, /* JSON if it parses, else a string */
};

enum event_origin { ORIGIN_LIVE, ORIGIN_FILL, ORIGIN_REPLAY };

struct event_kind_info {
	const char *name; /* on the wire */
	enum event_payload payload;
	bool deduplicated; /* design: announcement.reaction, filters_changed, ... never are */
};

const struct event_kind_info *event_kind_info(enum event_kind kind);
enum event_kind event_kind_from_name(struct str name);   /* EVENT_UNKNOWN when not in the table */
const char *event_origin_name(enum event_origin origin); /* "live" "fill" "replay" */

/* Immutable once built; shared by reference count within one thread. */
struct event {
	unsigned refs;
	unsigned holds; /* of these, of those who need no document */
	enum event_kind kind;
	enum event_origin origin;
	int64_t received_at_ms; /* Unix time of arrival */
	struct str name;        /* wire name, also for known kinds */
	struct str stream;      /* "public:local", "hashtag", ...; STR_NONE where unknown */
	struct str param;       /* tag or list id as subscribed; STR_NONE without */
	/* When more than that stream carries it: all of them, that one first, as the JSON list of [name, parameter] lists that
	 * event_streams_add writes; STR_NONE else. */
	struct str streams;
	struct str account; /* name of the account in the config; STR_NONE in plain replay */
	struct str
		id; /* status, notification, conversation, announcement id; the deleted id; else empty */
	struct str
		payload; /* bytes: the JSON text verbatim, or the bare id; STR_NONE where absent */
	struct json_doc *doc; /* of a JSON payload that parsed to an object; else NULL */
};

/* New, with one reference, in one block: copies the strings of `parts` (NUL added to each),
 * takes its doc, ignores its refs. */
struct event *event_create(const struct event *parts);
/* Adds a pair to the list of streams in `list`, which begins as event_streams_begin leaves it, unless it would have more than
 * EVENT_STREAMS_TEXT_MAX bytes. */
void event_streams_begin(const struct event *event, struct buf *list);
void event_streams_add(struct buf *list, struct str stream, struct str param);
/* Returns event. */
struct event *event_ref(struct event *event);
/* A document that lies in a parser's memory (decode.h, `borrow`) becomes the event's own now; else it does when the parser wants
 * its memory back and the event is still there. Before an event is given to another thread. */
void event_own(struct event *event);
/* A reference for whoever only wants to know the event again by its address, and does without the document: to be given back by
 * event_unhold, for which NULL is fine. */
struct event *event_hold(struct event *event);
void event_unhold(struct event *event);
/* A copy without document in one block of memory that is the caller's: nothing is to be freed. */
size_t event_copy_size(const struct event *event);
struct event *event_copy(const struct event *event, void *memory);
size_t event_memory(
	const struct event *event);    /* bytes that it holds, its document included; about */
void event_unref(struct event *event); /* NULL is fine; destroys with the last reference */

/* The status that content keys look at: of a boost the inner post; of a notification its
 * status; of a conversation its last status. Absent value where there is none. */
struct json_value event_status(const struct event *event);
/* The same without stepping into a boost. */
struct json_value event_outer_status(const struct event *event);
/* Who caused it: status.account, notification.account; absent otherwise. */
struct json_value event_actor(const struct event *event);

/* The version of design section 5, for the seen key: "" for update, delete; edited_at and a hash of
 * content, warning, media, poll titles and quote state for status.update; ... */
void event_version(const struct event *event, struct buf *out);
