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
	struct str text;
	struct buf buf; /* what text points into, unless it points into the event */
};

struct views {
	struct fold folded, leet;
	const struct event *event;
	/* what it is about, and who caused it; not looked for before somebody asks */
	bool looked, looked_for_actor;
	struct json_value status, actor;
	uint32_t made; /* bits of the slots that are */
	struct slot slots[VIEW_COUNT];
};

static const char *const names[VIEW_COUNT] = {"text", "body", "raw", "folded", "links", "tags",
	"mentions", "name", "alt", "cw", "poll", "bio", "request", "leet", "hosts"};

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
	/* a byte of an address is one character of its host at most: none is left out */
	views->slots[VIEW_HOSTS].buf.max = 4 * (size_t)VIEW_TEXT_MAX;
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
	views->looked = views->looked_for_actor = false;
	if (views->made & (1u << VIEW_FOLDED | 1u << VIEW_LEET)) {
		fold_clear(&views->folded);
		fold_clear(&views->leet);
	}
	for (; views->made != 0; views->made &= views->made - 1) {
		struct buf *buf = &views->slots[__builtin_ctz(views->made)].buf;
		if (buf->size > KEPT_SIZE)
			buf_finish(buf);
		buf_clear(buf);
	}
}

static void
look(struct views *views)
{
	const struct event *event = views->event;

	if (views->looked)
		return;
	views->looked = true;
	views->status = event ? event_status(event) : (struct json_value){0};
	if (event && event_kind_info(event->kind)->payload == PAYLOAD_ANNOUNCEMENT)
		views->status = json_root(event->doc);
}

static struct json_value
look_for_actor(struct views *views)
{
	if (!views->looked_for_actor)
		views->actor = views->event ? event_actor(views->event) : (struct json_value){0};
	views->looked_for_actor = true;
	return views->actor;
}

static bool
is_of_actor(enum view view)
{
	return view == VIEW_NAME || view == VIEW_BIO;
}

const struct event *
views_event(const struct views *views)
{
	return views->event;
}

struct json_value
views_status(struct views *views)
{
	look(views);
	return views->status;
}

bool
views_have(struct views *views, enum view view)
{
	if (is_of_actor(view))
		return json_type(look_for_actor(views)) == JSON_OBJECT;
	return json_type(views_status(views)) == JSON_OBJECT;
}

static struct str
make(struct views *views, enum view view, struct slot *slot)
{
	struct view_maker maker = {
		.views = views, .status = views_status(views), .out = &slot->buf};

	if (view == VIEW_FOLDED) {
		fold_text(&views->folded, views_get(views, VIEW_TEXT), VIEW_TEXT_MAX, NULL);
		return fold_str(&views->folded);
	}
	if (view == VIEW_LEET) {
		fold_leet(&views->leet, views_fold(views, VIEW_FOLDED));
		return fold_str(&views->leet);
	}
	if (is_of_actor(view))
		maker.actor = look_for_actor(views);
	return view_make(&maker, view);
}

struct str
views_get(struct views *views, enum view view)
{
	struct slot *slot = &views->slots[view];

	if (!(views->made >> view & 1)) {
		views->made |= UINT32_C(1) << view;
		slot->text = make(views, view, slot);
		if (!slot->text.ptr)
			slot->text = STR("");
	}
	return slot->text;
}

const struct fold *
views_fold(struct views *views, enum view view)
{
	(void)views_get(views, view);
	return view == VIEW_LEET ? &views->leet : &views->folded;
}
