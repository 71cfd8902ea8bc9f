/* SPDX-License-Identifier: MIT */
/* Makes each view from the fields of an event. */
#include "view_make.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "host.h"
#include "limits.h"
#include "visible.h"
#include "xmalloc.h"

void
view_map_finish(struct view_map *map)
{
	source_map_finish(&map->map);
	for (size_t i = 0; i < map->count; i++)
		free(map->fields[i]);
	free(map->fields);
	*map = (struct view_map){0};
}

/* What is added next comes from this field. */
PRINTF_LIKE(3, 4)
static void
begin_field(struct view_maker *maker, const char *path, const char *format, ...)
{
	char rest[VIEW_FIELD_MAX];
	struct view_map *map = maker->map;
	va_list args;

	if (!map)
		return;
	va_start(args, format);
	vsnprintf(rest, sizeof(rest), format, args);
	va_end(args);
	map->fields = xreallocarray(map->fields, map->count + 1, sizeof(*map->fields));
	map->fields[map->count++] = xasprintf("%s%s", path, rest);
}

/* `part` tells of the bytes `of`, which were just added to the end of the view. */
static void
tell_part(struct view_maker *maker, const struct source_map *part, struct span of)
{
	size_t len = of.end - of.start;

	if (maker->map && maker->map->count > 0)
		source_map_append(&maker->map->map, part, of, maker->out->len - len,
			(unsigned)maker->map->count - 1);
}

/* The last `len` bytes of the view are the field's from `from` on. */
static void
tell_bytes(struct view_maker *maker, size_t len, size_t from)
{
	struct source_run run = {
		.len = (uint32_t)len, .from = (uint32_t)from, .from_len = (uint32_t)len};
	struct source_map part = {.runs = &run, .count = 1};

	tell_part(maker, &part, (struct span){0, len});
}

/* Begins a line unless the buffer is empty; returns the bytes that are left in it. */
static size_t
begin_line(struct buf *out)
{
	if (out->len > 0 && out->len < out->max)
		buf_add_char(out, '\n');
	return out->max - out->len;
}

/* A whole field on one line. */
static void
add_line(struct view_maker *maker, struct str part)
{
	struct buf *out = maker->out;

	if (part.len == 0)
		return;
	part = str_clip(part, begin_line(out));
	size_t start = out->len;
	buf_add_str(out, part);
	tell_bytes(maker, part.len, 0);
	for (size_t i = start; i < out->len; i++) {
		if (out->ptr[i] == '\n' || out->ptr[i] == '\r')
			out->ptr[i] = ' ';
	}
}

static void
add_visible(struct view_maker *maker, struct str html)
{
	struct buf *out = maker->out;
	struct source_map part = {0};
	size_t start = out->len;

	/* visible_text makes at most three bytes of one */
	html = str_clip(html, (out->max - out->len) / 3);
	visible_text_mapped(html, out, maker->map ? &part : NULL);
	for (size_t i = 0; i < part.count; i++)
		part.runs[i].at -= (uint32_t)start;
	tell_part(maker, &part, (struct span){0, out->len - start});
	source_map_finish(&part);
}

static void
make_list(struct view_maker *maker, const char *list, const char *key)
{
	struct json_iter it = json_iter(json_path(maker->status, list));

	for (size_t i = 0; json_next(&it); i++) {
		begin_field(maker, maker->status_path, "%s.%zu.%s", list, i, key);
		add_line(maker, json_str(json_get(it.value, key)));
	}
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

struct links {
	struct view_maker *maker;
	struct source_map map; /* of the link that is being told */
};

static void
on_link(void *data, struct str href, enum link_class link_class)
{
	struct links *links = data;
	struct buf *out = links->maker->out;

	if (link_class != LINK_PLAIN)
		return;
	href = str_clip(href, begin_line(out));
	buf_add_str(out, href);
	tell_part(links->maker, &links->map, (struct span){0, href.len});
}

static void
make_links(struct view_maker *maker)
{
	struct str card = json_str(json_path(maker->status, "card.url"));
	struct links links = {.maker = maker};

	begin_field(maker, maker->status_path, "content");
	visible_links_mapped(json_str(json_get(maker->status, "content")),
		maker->map ? &links.map : NULL, on_link, &links);
	source_map_finish(&links.map);
	if (has_line(maker->out, card))
		return;
	begin_field(maker, maker->status_path, "card.url");
	add_line(maker, card);
}

/* The paths of `from`, behind those that are there. */
static void
take_fields(struct view_map *all, struct view_map *from)
{
	all->fields = xreallocarray(all->fields, all->count + from->count, sizeof(*all->fields));
	if (from->fields)
		memcpy(all->fields + all->count, from->fields, from->count * sizeof(*from->fields));
	all->count += from->count;
	from->count = 0;
}

/* The host of the link whose bytes of VIEW_LINKS are `of`; `links` tells where those came from. */
static void
add_host(struct view_maker *maker, struct str link, struct span of, const struct view_map *links)
{
	char bytes[LINK_HOST_MAX + 1];
	struct source_piece piece;

	if (!host_of_address(link, bytes))
		return;
	struct str host = str_clip(str_from(bytes), begin_line(maker->out));
	buf_add_str(maker->out, host);
	if (!links || source_map_find(&links->map, of, &piece, 1) == 0)
		return;
	struct source_run run = {.at = (uint32_t)(maker->out->len - host.len),
		.len = (uint32_t)host.len,
		.from = (uint32_t)piece.span.start,
		.from_len = (uint32_t)(piece.span.end - piece.span.start),
		.source = piece.source};
	source_map_add(&maker->map->map, &run);
}

static void
make_hosts(struct view_maker *maker)
{
	struct buf text;
	struct view_map map = {0};
	struct view_maker links = *maker;
	struct str lines, rest, line;

	buf_init(&text, VIEW_TEXT_MAX);
	links.out = &text;
	links.map = &map;
	lines = maker->map ? view_make(&links, VIEW_LINKS) : views_get(maker->views, VIEW_LINKS);
	for (rest = lines; rest.ptr && lines.len > 0;) {
		rest = str_split(rest, '\n', &line);
		size_t start = (size_t)(line.ptr - lines.ptr);
		add_host(maker, line, (struct span){start, start + line.len},
			maker->map ? &map : NULL);
	}
	if (maker->map)
		take_fields(maker->map, &map);
	view_map_finish(&map);
	buf_finish(&text);
}

/* "name: value" of each profile field; values are HTML, names plain. */
static void
make_bio(struct view_maker *maker)
{
	struct json_iter fields = json_iter(json_get(maker->actor, "fields"));
	struct buf *out = maker->out;

	begin_field(maker, maker->actor_path, "note");
	add_visible(maker, json_str(json_get(maker->actor, "note")));
	for (size_t i = 0; json_next(&fields); i++) {
		struct str name = json_str(json_get(fields.value, "name"));
		struct str value = json_str(json_get(fields.value, "value"));
		if (name.len + value.len == 0 || begin_line(out) < name.len + 2)
			continue;
		if (name.len > 0) {
			begin_field(maker, maker->actor_path, "fields.%zu.name", i);
			buf_add_str(out, name);
			tell_bytes(maker, name.len, 0);
			buf_add_text(out, ": ");
		}
		begin_field(maker, maker->actor_path, "fields.%zu.value", i);
		add_visible(maker, value);
	}
}

/* A view inside another one, with the places of its bytes. */
static void
add_mapped_view(struct view_maker *maker, enum view view)
{
	struct buf text;
	struct view_map map = {0};
	struct view_maker part = *maker;

	buf_init(&text, VIEW_TEXT_MAX);
	part.out = &text;
	part.map = &map;
	struct str made = view_make(&part, view);
	if (made.len > 0) {
		struct view_map *all = maker->map;
		made = str_clip(made, begin_line(maker->out));
		buf_add_str(maker->out, made);
		source_map_append(&all->map, &map.map, (struct span){0, made.len},
			maker->out->len - made.len, (unsigned)all->count);
		take_fields(all, &map);
	}
	view_map_finish(&map);
	buf_finish(&text);
}

/* One part alone is the text, wherever it stands. */
static struct str
make_text(struct view_maker *maker)
{
	static const enum view parts[] = {VIEW_CW, VIEW_BODY, VIEW_ALT, VIEW_POLL};
	static const struct str names[COUNT_OF(parts)] = {
		{"spoiler_text", 12}, {"content", 7}, {"media_attachments", 17}, {"poll", 4}};
	struct json_value values[COUNT_OF(parts)];
	struct str first = STR("");

	json_get_each(maker->status, names, values, COUNT_OF(parts));
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (json_str(values[i]).len == 0 && json_count(values[i]) == 0)
			continue; /* most posts have but the one part */
		if (maker->map) {
			add_mapped_view(maker, parts[i]);
			continue;
		}
		struct str part = views_get(maker->views, parts[i]);
		if (part.len == 0)
			continue;
		if (first.len == 0) {
			first = part;
			continue;
		}
		if (maker->out->len == 0)
			buf_add_str(maker->out, first);
		buf_add_str(maker->out, str_clip(part, begin_line(maker->out)));
	}
	return maker->map || maker->out->len > 0 ? buf_str(maker->out) : first;
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

/* The end of the body, without blanks. */
static struct str
make_request(struct view_maker *maker)
{
	struct json_value mentions = json_get(maker->status, "mentions");
	struct str body = views_get(maker->views, VIEW_BODY), text = str_trim(body);
	size_t len = 0;

	for (int i = 0; i < REQUEST_MENTIONS_MAX && (len = leading_mention(mentions, text)) > 0;
		i++) {
		while (len < text.len && strchr(" \n\t,:;", text.ptr[len]))
			len++;
		text = (struct str){text.ptr + len, text.len - len};
	}
	if (!maker->map)
		return text;
	size_t start = (size_t)(text.ptr - body.ptr);
	struct source_map whole = {0};
	struct buf unused;
	buf_init(&unused, VIEW_TEXT_MAX);
	visible_text_mapped(
		str_clip(json_str(json_get(maker->status, "content")), VIEW_TEXT_MAX / 3), &unused,
		&whole);
	begin_field(maker, maker->status_path, "content");
	buf_add_str(maker->out, text);
	tell_part(maker, &whole, (struct span){start, start + text.len});
	source_map_finish(&whole);
	buf_finish(&unused);
	return buf_str(maker->out);
}

/* A field as it is. */
static struct str
field(struct view_maker *maker, struct json_value entity, const char *path, const char *name)
{
	struct str text = str_clip(json_str(json_get(entity, name)), VIEW_TEXT_MAX);

	if (maker->map) {
		begin_field(maker, path, "%s", name);
		buf_add_str(maker->out, text);
		tell_bytes(maker, text.len, 0);
	}
	return text;
}

struct str
view_make(struct view_maker *maker, enum view view)
{
	struct json_value status = maker->status;
	struct str text;

	switch (view) {
	case VIEW_TEXT:
		return make_text(maker);
	case VIEW_BODY:
		begin_field(maker, maker->status_path, "content");
		add_visible(maker, json_str(json_get(status, "content")));
		break;
	case VIEW_RAW:
		return field(maker, status, maker->status_path, "content");
	case VIEW_FOLDED: /* view.c and view_source.c see to these two */
	case VIEW_LEET:
		break;
	case VIEW_LINKS:
		make_links(maker);
		break;
	case VIEW_TAGS:
		make_list(maker, "tags", "name");
		break;
	case VIEW_MENTIONS:
		make_list(maker, "mentions", "acct");
		break;
	case VIEW_NAME:
		text = field(maker, maker->actor, maker->actor_path, "display_name");
		/* Servers show the user name of those who gave no other. */
		return text.len > 0 ? text
				    : field(maker, maker->actor, maker->actor_path, "username");
	case VIEW_ALT:
		make_list(maker, "media_attachments", "description");
		break;
	case VIEW_CW:
		return field(maker, status, maker->status_path, "spoiler_text");
	case VIEW_POLL:
		make_list(maker, "poll.options", "title");
		break;
	case VIEW_BIO:
		make_bio(maker);
		break;
	case VIEW_REQUEST:
		return make_request(maker);
	case VIEW_HOSTS:
		make_hosts(maker);
		break;
	}
	return buf_str(maker->out);
}
