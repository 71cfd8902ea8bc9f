/* SPDX-License-Identifier: MIT */
/* From a place in a view to the bytes of the payload: the view is made again, with the places of its bytes. */
#include <stdio.h>

#include "attr.h"
#include "json_where.h"
#include "limits.h"
#include "view_make.h"

/* Where the entity `value` stands in the payload, with a dot behind; "" for the payload itself. */
static const char *
path_of(const struct event *event, struct json_value value, const char *const *paths, size_t count)
{
	struct json_value root = json_root(event->doc);

	for (size_t i = 0; i < count && json_exists(value); i++) {
		char path[VIEW_FIELD_MAX];
		int len = snprintf(path, sizeof(path), "%s", paths[i]);
		if (len > 0)
			path[len - 1] = '\0'; /* the dot */
		struct json_value found = len > 0 ? json_path(root, path) : root;
		if (json_exists(found) && found.at == value.at)
			return paths[i];
	}
	return "";
}

static bool
make_source(
	const struct event *event, const char *field, struct span span, struct view_source *source)
{
	struct str literal = json_where(event->payload, field);

	if (!literal.ptr)
		return false;
	struct str bytes = json_where_in(literal, span.start, span.end);
	size_t start = (size_t)(bytes.ptr - event->payload.ptr);
	snprintf(source->field, sizeof(source->field), "%s", field);
	source->span = (struct span){start, start + bytes.len};
	return true;
}

/* The bytes of VIEW_TEXT that a part of its folded form was made of. */
static struct span
unfold(struct views *views, struct span span)
{
	struct source_map map = {0};
	struct source_piece piece = {.span = span};
	struct fold fold = {0};

	fold_text(&fold, views_get(views, VIEW_TEXT), VIEW_TEXT_MAX, &map);
	(void)source_map_find(&map, span, &piece, 1);
	source_map_finish(&map);
	fold_finish(&fold);
	return piece.span;
}

struct str
views_seen(struct views *views, enum view view, struct span span)
{
	bool folded = view == VIEW_FOLDED || view == VIEW_LEET;
	struct str text = views_get(views, folded ? VIEW_TEXT : view);

	if (folded)
		span = unfold(views, span);
	if (span.start > span.end || span.end > text.len)
		return STR("");
	return (struct str){text.ptr + span.start, span.end - span.start};
}

size_t
views_source(struct views *views, enum view view, struct span span, struct view_source *sources,
	size_t max)
{
	static const char *const statuses[] = {
		"", "reblog.", "status.reblog.", "status.", "last_status.reblog.", "last_status."};
	static const char *const actors[] = {"account.", "status.account.", "last_status.account."};
	const struct event *event = views_event(views);
	struct source_piece pieces[VIEW_SOURCES_MAX];
	struct view_map map = {0};
	struct buf out;
	size_t count = 0;

	if (!event || !event->doc || !event->payload.ptr || span.start > span.end)
		return 0;
	if (view == VIEW_FOLDED || view == VIEW_LEET) { /* the leet form is byte for byte as long */
		span = unfold(views, span);
		view = VIEW_TEXT;
	}
	buf_init(&out, 4 * (size_t)VIEW_TEXT_MAX); /* hosts may be longer than links (view.c) */
	struct view_maker maker = {.views = views,
		.status = views_status(views),
		.actor = event_actor(event),
		.status_path = path_of(event, views_status(views), statuses, COUNT_OF(statuses)),
		.actor_path = path_of(event, event_actor(event), actors, COUNT_OF(actors)),
		.out = &out,
		.map = &map};
	(void)view_make(&maker, view);
	size_t found = source_map_find(&map.map, span, pieces, COUNT_OF(pieces));
	for (size_t i = 0; i < found && i < COUNT_OF(pieces) && count < max; i++) {
		const char *field = map.fields[pieces[i].source];
		count += make_source(event, field, pieces[i].span, &sources[count]);
	}
	view_map_finish(&map);
	buf_finish(&out);
	return count;
}
