/* SPDX-License-Identifier: MIT */
/* Views: the forms of an event's text that rules look at, each made only when asked for, once per event. */
#pragma once

#include <stdbool.h>

#include "event.h"
#include "fold.h"
#include "limits.h"
#include "span.h"
#include "str.h"

/* The order is that of the table in view.c, which has the names. */
enum view {
	VIEW_TEXT,     /* content warning, body, alt texts, poll options; one part a line */
	VIEW_BODY,     /* visible text of the post alone */
	VIEW_RAW,      /* the post's HTML as it came */
	VIEW_FOLDED,   /* of VIEW_TEXT, for words (fold.h) */
	VIEW_LINKS,    /* link targets, one a line (no mentions, no hashtags); the card's too */
	VIEW_TAGS,     /* names without '#', one a line */
	VIEW_MENTIONS, /* acct without '@', one a line */
	VIEW_NAME,     /* display name of the author, custom emoji as they stand */
	VIEW_ALT,      /* alt texts, one a line */
	VIEW_CW,       /* content warning */
	VIEW_POLL,     /* poll options, one a line */
	VIEW_BIO, /* visible text of the author's note, then of the profile fields, one a line */
	VIEW_REQUEST, /* VIEW_BODY without the mentions it starts with (tusk.hear) */
	VIEW_LEET,    /* of VIEW_FOLDED, with the letters that digits and signs stand for */
	VIEW_HOSTS, /* of VIEW_LINKS, those that have one, in their one form (host.h), one a line */
};
#define VIEW_COUNT (VIEW_HOSTS + 1)

const char *view_name(enum view view);
bool view_from_name(struct str name, enum view *view);
const char *const *view_names(size_t *count); /* for suggestions */

struct views; /* cache of one event at a time; memory is reused */

struct views *views_create(void);
void views_destroy(struct views *views);
/* From now on `event` (borrowed until the next call; NULL: none). */
void views_set_event(struct views *views, const struct event *event);
const struct event *views_event(const struct views *views);
/* Valid UTF-8. Empty where the event has no such part. Borrowed until the next views_set_event. */
struct str views_get(struct views *views, enum view view);

/* The bytes `span` of the view as people see them: of the folded ones the part of VIEW_TEXT that they were made of. Borrowed
 * like the views. */
struct str views_seen(struct views *views, enum view view, struct span span);

/* The bytes of the payload that a part of a view was made of. */
struct view_source {
	char field
		[VIEW_FIELD_MAX]; /* "content", "reblog.media_attachments.0.description": the path in the payload */
	struct span
		span; /* in event->payload; escapes, tags in between and references are taken whole */
};

/* Where the bytes `span` of the view stand in the payload: one source for each field that they came from, in order; at
 * most `max` (VIEW_SOURCES_MAX are enough for anybody) are written. Returns how many were. The view is made a second
 * time for it, so ask for hits only. 0 when the payload is not at hand or the view is empty. */
size_t views_source(struct views *views, enum view view, struct span span,
	struct view_source *sources, size_t max);
/* The same of VIEW_FOLDED and VIEW_LEET with what folding knows of it: where words begin and end, which marks there were. */
const struct fold *views_fold(struct views *views, enum view view);
/* False when the event has not even the entity that the view is made of (a post, an announcement; the author
 * for VIEW_NAME and VIEW_BIO): a `delete` matches no text, not even "^$". */
bool views_have(struct views *views, enum view view);
/* The post, or the announcement, which has its content, tags and mentions under the same names. */
struct json_value views_status(struct views *views);
