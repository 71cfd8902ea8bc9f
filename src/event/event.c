/* SPDX-License-Identifier: MIT */
/* The table of event kinds, the event object and what can be asked of it. */
#include "event.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "json_write.h"
#include "limits.h"
#include "xmalloc.h"

/* protocol.md 3; in the order of enum event_kind */
static const struct event_kind_info kinds[] = {
	[EVENT_UPDATE] = {"update", PAYLOAD_STATUS, true},
	[EVENT_STATUS_UPDATE] = {"status.update", PAYLOAD_STATUS, true},
	[EVENT_DELETE] = {"delete", PAYLOAD_ID, true},
	[EVENT_NOTIFICATION] = {"notification", PAYLOAD_NOTIFICATION, true},
	[EVENT_CONVERSATION] = {"conversation", PAYLOAD_CONVERSATION, true},
	[EVENT_ANNOUNCEMENT] = {"announcement", PAYLOAD_ANNOUNCEMENT, true},
	[EVENT_ANNOUNCEMENT_REACTION] = {"announcement.reaction", PAYLOAD_REACTION, false},
	[EVENT_ANNOUNCEMENT_DELETE] = {"announcement.delete", PAYLOAD_ID, true},
	[EVENT_FILTERS_CHANGED] = {"filters_changed", PAYLOAD_NONE, false},
	[EVENT_NOTIFICATIONS_MERGED] = {"notifications_merged", PAYLOAD_NONE, false},
	[EVENT_ENCRYPTED_MESSAGE] = {"encrypted_message", PAYLOAD_OTHER, false},
	[EVENT_BOOKMARK] = {"bookmark", PAYLOAD_STATUS, true},
	[EVENT_FAVOURITE] = {"favourite", PAYLOAD_STATUS, true},
	[EVENT_UNKNOWN] = {"", PAYLOAD_OTHER, false},
};

const struct event_kind_info *
event_kind_info(enum event_kind kind)
{
	REQUIRE((unsigned)kind < COUNT_OF(kinds));
	return &kinds[kind];
}

enum event_kind
event_kind_from_name(struct str name)
{
	for (int kind = 0; kind < EVENT_UNKNOWN; kind++) {
		if (str_eq_text(name, kinds[kind].name)) {
			return (enum event_kind)kind;
		}
	}
	if (str_eq_text(name,
		    "announcements.delete")) { /* so some servers spell it (protocol.md 3.3) */
		return EVENT_ANNOUNCEMENT_DELETE;
	}
	return EVENT_UNKNOWN;
}

const char *
event_origin_name(enum event_origin origin)
{
	static const char *const names[] = {
		[ORIGIN_LIVE] = "live",
		[ORIGIN_FILL] = "fill",
		[ORIGIN_REPLAY] = "replay",
	};
	REQUIRE((unsigned)origin < COUNT_OF(names));
	return names[origin];
}

/* Copies *s to *at, points *s to the copy and moves *at behind it. */
static void
move_in(struct str *s, char **at)
{
	if (s->ptr == NULL) {
		return;
	}
	char *copy = *at;
	if (s->len > 0) {
		memcpy(copy, s->ptr, s->len);
	}
	copy[s->len] = '\0';
	s->ptr = copy;
	*at = copy + s->len + 1;
}

/* The parser wants its memory: those who only hold the event can do without. */
static void
give_back(void *data, const struct json_doc *doc)
{
	struct event *event = data;
	event->doc = event->refs > event->holds ? json_doc_keep(doc) : NULL;
}

static size_t
texts_size(const struct event *event)
{
	return event->name.len + event->stream.len + event->param.len + event->account.len +
	       event->id.len + event->payload.len + event->streams.len + 7; /* a NUL each */
}

static void
move_texts(struct event *event)
{
	char *at = (char *)(event + 1);
	move_in(&event->name, &at);
	move_in(&event->stream, &at);
	move_in(&event->param, &at);
	move_in(&event->streams, &at);
	move_in(&event->account, &at);
	move_in(&event->id, &at);
	move_in(&event->payload, &at);
}

size_t
event_copy_size(const struct event *event)
{
	return sizeof(*event) + texts_size(event);
}

struct event *
event_copy(const struct event *event, void *memory)
{
	struct event *copy = memory;
	*copy = *event;
	copy->refs = 0;
	copy->doc = NULL;
	move_texts(copy);
	return copy;
}

struct event *
event_create(const struct event *parts)
{
	struct event *event = xmalloc(event_copy_size(parts));
	*event = *parts;
	event->refs = 1;
	event->holds = 0;
	move_texts(event);
	if (json_doc_is_borrowed(event->doc)) {
		json_doc_lend(event->doc, give_back, event);
	}
	return event;
}

static void
put_pair(struct buf *list, struct str stream, struct str param)
{
	(void)buf_add_char(list, '[');
	json_put_str(list, stream);
	if (param.len > 0) {
		(void)buf_add_char(list, ',');
		json_put_str(list, param);
	}
	(void)buf_add_char(list, ']');
}

void
event_streams_begin(const struct event *event, struct buf *list)
{
	buf_init(list, EVENT_STREAMS_TEXT_MAX + EVENT_STREAM_MAX * 16);
	if (event->streams.len > 0) {
		(void)buf_add_str(list, event->streams);
		return;
	}
	(void)buf_add_char(list, '[');
	put_pair(list, event->stream, event->param);
	(void)buf_add_char(list, ']');
}

void
event_streams_add(struct buf *list, struct str stream, struct str param)
{
	if (list->err != ERR_OK || list->len >= EVENT_STREAMS_TEXT_MAX) {
		return;
	}
	list->len--; /* the bracket */
	(void)buf_add_char(list, ',');
	put_pair(list, stream, param);
	(void)buf_add_char(list, ']');
}

size_t
event_memory(const struct event *event)
{
	/* The payload's bytes are there twice: as they came, and as the document's texts. */
	return sizeof(*event) + event->name.len + event->stream.len + event->param.len +
	       event->account.len + event->id.len + event->payload.len + event->streams.len +
	       (event->doc ? event->payload.len + json_doc_memory(event->doc) : 0);
}

struct event *
event_ref(struct event *event)
{
	event->refs++;
	return event;
}

void
event_own(struct event *event)
{
	if (json_doc_is_borrowed(event->doc)) {
		struct json_doc *borrowed = event->doc;
		event->doc = json_doc_keep(borrowed);
		json_doc_destroy(borrowed);
	}
}

struct event *
event_hold(struct event *event)
{
	event->holds++;
	return event_ref(event);
}

void
event_unhold(struct event *event)
{
	if (event != NULL) {
		REQUIRE(event->holds > 0);
		event->holds--;
		event_unref(event);
	}
}

void
event_unref(struct event *event)
{
	if (event == NULL) {
		return;
	}
	REQUIRE(event->refs > 0);
	event->refs--;
	if (event->refs == 0) {
		json_doc_destroy(event->doc);
		free(event);
	}
}

static struct json_value
object_or_absent(struct json_value value)
{
	return json_type(value) == JSON_OBJECT ? value : (struct json_value){0};
}

struct json_value
event_outer_status(const struct event *event)
{
	struct json_value root = json_root(event->doc);
	switch (kinds[event->kind].payload) {
	case PAYLOAD_STATUS:
		return object_or_absent(root);
	case PAYLOAD_NOTIFICATION:
		return object_or_absent(json_get(root, "status"));
	case PAYLOAD_CONVERSATION:
		return object_or_absent(json_get(root, "last_status"));
	default:
		return (struct json_value){0};
	}
}

struct json_value
event_status(const struct event *event)
{
	struct json_value status = event_outer_status(event);
	struct json_value inner = object_or_absent(json_get(status, "reblog"));
	return json_exists(inner) ? inner : status;
}

struct json_value
event_actor(const struct event *event)
{
	struct json_value root = json_root(event->doc);
	struct json_value owner = kinds[event->kind].payload == PAYLOAD_NOTIFICATION
					  ? root
					  : event_outer_status(event);
	return object_or_absent(json_get(owner, "account"));
}

/* Adds the text with its length before it, so that no two lists of texts give the same bytes. */
static void
add_piece(struct buf *out, struct str text)
{
	(void)buf_printf(out, "%zu:", text.len);
	(void)buf_add_str(out, text);
}

/* What a reader of the post would see changed. Counters are left out: they differ between
 * stream and REST (design, section 5). */
static uint64_t
hash_content(struct json_value status)
{
	struct buf pieces;
	buf_init(&pieces, JSON_TEXT_MAX);
	add_piece(&pieces, json_str(json_get(status, "content")));
	add_piece(&pieces, json_str(json_get(status, "spoiler_text")));
	struct json_iter media = json_iter(json_get(status, "media_attachments"));
	while (json_next(&media)) {
		add_piece(&pieces, json_str(json_get(media.value, "id")));
		add_piece(&pieces, json_str(json_get(media.value, "description")));
	}
	(void)buf_add_char(&pieces, '|');
	struct json_iter options = json_iter(json_path(status, "poll.options"));
	while (json_next(&options)) {
		add_piece(&pieces, json_str(json_get(options.value, "title")));
	}
	(void)buf_add_char(&pieces, '|');
	add_piece(&pieces, json_str(json_path(status, "quote.state")));
	uint64_t hash = str_hash(buf_str(&pieces));
	buf_finish(&pieces);
	return hash;
}

void
event_version(const struct event *event, struct buf *out)
{
	struct json_value root = json_root(event->doc);
	bool unread = false;
	switch (event->kind) {
	case EVENT_STATUS_UPDATE:
		(void)buf_add_str(out, json_str(json_get(root, "edited_at")));
		(void)buf_printf(out, "/%016" PRIx64, hash_content(root));
		break;
	case EVENT_CONVERSATION:
		(void)json_get_bool(json_get(root, "unread"), &unread);
		(void)buf_add_str(out, json_str(json_path(root, "last_status.id")));
		(void)buf_add_text(out, unread ? "/unread" : "/read");
		break;
	case EVENT_ANNOUNCEMENT:
		(void)buf_add_str(out, json_str(json_get(root, "updated_at")));
		break;
	default:
		break; /* the id alone tells */
	}
}
