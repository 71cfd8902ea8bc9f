/* SPDX-License-Identifier: MIT */
/* The views of one event, each kept once it was asked for. */
#include "view.h"

#include <stdlib.h>

#include "buf.h"
#include "limits.h"
#include "view_make.h"
#include "xmalloc.h"

/* A buffer that grew beyond this is given back after its event. */
#define KEPT_SIZE (64u << 10)

struct slot {
	bool made;
	struct str text;
	struct buf buf; /* what text points into, unless it points into the event */
};

struct views {
	struct fold folded, leet;
	const struct event *event;
	struct json_value status, actor;
	struct slot slots[VIEW_COUNT];
};

static const char *const names[VIEW_COUNT] = {"text", "body", "raw", "folded", "links", "tags",
	"mentions", "name", "alt", "cw", "poll", "bio", "request", "leet"};

const char *
view_name(enum view view)
{
	return names[view];
}

bool
view_from_name(struct str name, enum view *view)
{
	for (size_t i = 0; i < VIEW_COUNT; i++) {
		if (str_eq_text(name, names[i])) {
			*view = (enum view)i;
			return true;
		}
	}
	return false;
}

const char *const *
view_names(size_t *count)
{
	*count = VIEW_COUNT;
	return names;
}

struct views *
views_create(void)
{
	struct views *views = xcalloc(1, sizeof(*views));

	for (size_t i = 0; i < VIEW_COUNT; i++)
		buf_init(&views->slots[i].buf, VIEW_TEXT_MAX);
	return views;
}

void
views_destroy(struct views *views)
{
	if (!views)
		return;
	for (size_t i = 0; i < VIEW_COUNT; i++)
		buf_finish(&views->slots[i].buf);
	fold_finish(&views->folded);
	fold_finish(&views->leet);
	free(views);
}

void
views_set_event(struct views *views, const struct event *event)
{
	views->event = event;
	views->status = event ? event_status(event) : (struct json_value){0};
	views->actor = event ? event_actor(event) : (struct json_value){0};
	if (event && event_kind_info(event->kind)->payload == PAYLOAD_ANNOUNCEMENT)
		views->status = json_root(event->doc);
	fold_clear(&views->folded);
	fold_clear(&views->leet);
	for (size_t i = 0; i < VIEW_COUNT; i++) {
		struct slot *slot = &views->slots[i];
		slot->made = false;
		if (slot->buf.size > KEPT_SIZE)
			buf_finish(&slot->buf);
		buf_clear(&slot->buf);
	}
}

const struct event *
views_event(const struct views *views)
{
	return views->event;
}

struct json_value
views_status(const struct views *views)
{
	return views->status;
}

bool
views_have(const struct views *views, enum view view)
{
	bool of_actor = view == VIEW_NAME || view == VIEW_BIO;

	return json_type(of_actor ? views->actor : views->status) == JSON_OBJECT;
}

static struct str
make(struct views *views, enum view view, struct slot *slot)
{
	struct view_maker maker = {
		.views = views, .status = views->status, .actor = views->actor, .out = &slot->buf};

	if (view == VIEW_FOLDED) {
		fold_text(&views->folded, views_get(views, VIEW_TEXT), VIEW_TEXT_MAX, NULL);
		return fold_str(&views->folded);
	}
	if (view == VIEW_LEET) {
		fold_leet(&views->leet, views_fold(views, VIEW_FOLDED));
		return fold_str(&views->leet);
	}
	return view_make(&maker, view);
}

struct str
views_get(struct views *views, enum view view)
{
	struct slot *slot = &views->slots[view];

	if (!slot->made) {
		slot->text = make(views, view, slot);
		if (!slot->text.ptr)
			slot->text = STR("");
		slot->made = true;
	}
	return slot->text;
}

const struct fold *
views_fold(struct views *views, enum view view)
{
	(void)views_get(views, view);
	return view == VIEW_LEET ? &views->leet : &views->folded;
}
