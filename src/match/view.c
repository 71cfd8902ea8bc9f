/* SPDX-License-Identifier: MIT */
/* Makes the views of one event, each when it is first asked for. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "limits.h"
#include "visible.h"
#include "xmalloc.h"

/* A buffer that grew beyond this is given back after its event. */
#define KEPT_SIZE (64u << 10)

struct slot {
	bool made;
	struct str text;
	struct buf buf; /* what text points into, unless it points into the event */
};

struct views {
	const struct event *event;
	struct json_value status, actor;
	struct slot slots[VIEW_COUNT];
};

static const char *const names[VIEW_COUNT] = {"text", "body", "raw", "folded", "links", "tags",
	"mentions", "name", "alt", "cw", "poll", "bio", "request"};

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

/* Begins a line unless the buffer is empty; returns the bytes that are left in it. */
static size_t
begin_line(struct buf *out)
{
	if (out->len > 0 && out->len < out->max)
		buf_add_char(out, '\n');
	return out->max - out->len;
}

/* A part that may have lines of its own. */
static void
add_part(struct buf *out, struct str part)
{
	if (part.len > 0)
		buf_add_str(out, str_clip(part, begin_line(out)));
}

/* A part on one line. */
static void
add_line(struct buf *out, struct str part)
{
	if (part.len == 0)
		return;
	part = str_clip(part, begin_line(out));
	size_t start = out->len;
	buf_add_str(out, part);
	for (size_t i = start; i < out->len; i++) {
		if (out->ptr[i] == '\n' || out->ptr[i] == '\r')
			out->ptr[i] = ' ';
	}
}

static void
add_visible(struct buf *out, struct str html)
{
	/* visible_text makes at most three bytes of one */
	visible_text(str_clip(html, (out->max - out->len) / 3), out);
}

static void
make_list(struct views *views, const char *list, const char *key, struct buf *out)
{
	struct json_iter it = json_iter(json_path(views->status, list));

	while (json_next(&it))
		add_line(out, json_str(json_get(it.value, key)));
}

static bool
has_line(const struct buf *lines, struct str line)
{
	struct str rest = buf_str(lines), head;

	while (rest.ptr && rest.len > 0) {
		rest = str_split(rest, '\n', &head);
		if (str_eq(head, line))
			return true;
	}
	return false;
}

static void
on_link(void *data, struct str href, enum link_class link_class)
{
	if (link_class == LINK_PLAIN)
		add_line(data, href);
}

static void
make_links(struct views *views, struct buf *out)
{
	struct str card = json_str(json_path(views->status, "card.url"));

	visible_links(json_str(json_get(views->status, "content")), on_link, out);
	if (!has_line(out, card))
		add_line(out, card);
}

/* "name: value" of each profile field; values are HTML, names plain. */
static void
make_bio(struct views *views, struct buf *out)
{
	struct json_iter fields = json_iter(json_get(views->actor, "fields"));

	add_visible(out, json_str(json_get(views->actor, "note")));
	while (json_next(&fields)) {
		struct str name = json_str(json_get(fields.value, "name"));
		struct str value = json_str(json_get(fields.value, "value"));
		if (name.len + value.len == 0 || begin_line(out) < name.len + 2)
			continue;
		if (name.len > 0)
			buf_printf(out, "%.*s: ", STR_ARG(name));
		add_visible(out, value);
	}
}

static void
make_text(struct views *views, struct buf *out)
{
	static const enum view parts[] = {VIEW_CW, VIEW_BODY, VIEW_ALT, VIEW_POLL};

	for (size_t i = 0; i < COUNT_OF(parts); i++)
		add_part(out, views_get(views, parts[i]));
}

/* Bytes of the mention that `text` starts with ("@alice", "@alice@host.example"), 0 for none. Only who is
 * mentioned by the post counts: "@noon we meet" stays whole. */
static size_t
leading_mention(struct json_value mentions, struct str text)
{
	size_t len = 1, user = 0;

	if (text.len < 2 || text.ptr[0] != '@')
		return 0;
	while (len < text.len && !strchr(" \n\t,:;", text.ptr[len])) {
		if (text.ptr[len] == '@' && user == 0)
			user = len;
		len++;
	}
	struct str given = {text.ptr + 1, (user > 0 ? user : len) - 1};
	struct json_iter it = json_iter(mentions);
	while (json_next(&it)) {
		struct str name;
		str_split(json_str(json_get(it.value, "acct")), '@', &name);
		if (name.len > 0 && str_eq_nocase(name, given))
			return len;
	}
	return 0;
}

static struct str
request_of(struct views *views)
{
	struct json_value mentions = json_get(views->status, "mentions");
	struct str text = str_trim(views_get(views, VIEW_BODY));
	size_t len = 0;

	for (int i = 0; i < REQUEST_MENTIONS_MAX && (len = leading_mention(mentions, text)) > 0;
		i++) {
		while (len < text.len && strchr(" \n\t,:;", text.ptr[len]))
			len++;
		text = (struct str){text.ptr + len, text.len - len};
	}
	return text;
}

static struct str
name_of(struct json_value account)
{
	struct str name = json_str(json_get(account, "display_name"));

	/* Servers show the user name of those who gave no other. */
	return name.len > 0 ? name : json_str(json_get(account, "username"));
}

static struct str
make(struct views *views, enum view view, struct buf *out)
{
	struct json_value status = views->status;

	switch (view) {
	case VIEW_TEXT:
		make_text(views, out);
		break;
	case VIEW_BODY:
		add_visible(out, json_str(json_get(status, "content")));
		break;
	case VIEW_RAW:
		return str_clip(json_str(json_get(status, "content")), VIEW_TEXT_MAX);
	case VIEW_FOLDED:
		return views_get(views, VIEW_TEXT);
	case VIEW_LINKS:
		make_links(views, out);
		break;
	case VIEW_TAGS:
		make_list(views, "tags", "name", out);
		break;
	case VIEW_MENTIONS:
		make_list(views, "mentions", "acct", out);
		break;
	case VIEW_NAME:
		return str_clip(name_of(views->actor), VIEW_TEXT_MAX);
	case VIEW_ALT:
		make_list(views, "media_attachments", "description", out);
		break;
	case VIEW_CW:
		return str_clip(json_str(json_get(status, "spoiler_text")), VIEW_TEXT_MAX);
	case VIEW_POLL:
		make_list(views, "poll.options", "title", out);
		break;
	case VIEW_BIO:
		make_bio(views, out);
		break;
	case VIEW_REQUEST:
		return request_of(views);
	}
	return buf_str(out);
}

struct str
views_get(struct views *views, enum view view)
{
	struct slot *slot = &views->slots[view];

	if (!slot->made) {
		slot->text = make(views, view, &slot->buf);
		if (!slot->text.ptr)
			slot->text = STR("");
		slot->made = true;
	}
	return slot->text;
}
