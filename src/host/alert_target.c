/* SPDX-License-Identifier: MIT */
/* Where alerts go: reads a target of the config, and makes the action that tells it something. Knows no host. */
#include "alert_target.h"

#include <stdio.h>
#include <string.h>

#include "json_write.h"
#include "limits.h"
#include "suggest.h"
#include "url.h"
#include "xmalloc.h"

enum shape { SHAPE_JSON, SHAPE_NTFY, SHAPE_DISCORD, SHAPE_SLACK, SHAPE_POST };

/* As status:forward names them (lua/moontusk/forward.lua). */
static const char *const shape_names[] = {
	[SHAPE_JSON] = "json",
	[SHAPE_NTFY] = "ntfy",
	[SHAPE_DISCORD] = "discord",
	[SHAPE_SLACK] = "slack",
	[SHAPE_POST] = "dm",
};

/* *rest gets what stands behind "shape:". A bare address is JSON. False: no such shape. */
static bool
split(struct str target, enum shape *shape, struct str *rest)
{
	*shape = SHAPE_JSON;
	*rest = target;
	if (str_starts(target, "https://") || str_starts(target, "http://"))
		return true;
	struct str name;
	*rest = str_split(target, ':', &name);
	for (unsigned i = 0; i < COUNT_OF(shape_names) && rest->ptr; i++) {
		if (str_eq_text(name, shape_names[i])) {
			*shape = (enum shape)i;
			return true;
		}
	}
	*rest = name;
	return false;
}

/* "@user@host" */
static bool
is_person(struct str text)
{
	struct str user, host;
	if (!str_starts(text, "@"))
		return false;
	host = str_split((struct str){text.ptr + 1, text.len - 1}, '@', &user);
	if (!host.ptr || user.len == 0 || host.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c <= ' ' || c == '/' || c == '"' || c == 0x7f)
			return false;
	}
	return !memchr(host.ptr, '@', host.len);
}

bool
alert_target_check(struct str target, char *error, size_t size)
{
	enum shape shape;
	struct str rest;
	if (!split(target, &shape, &rest)) {
		const char *near = suggest(rest, shape_names, COUNT_OF(shape_names));
		snprintf(error, size,
			"expected \"ntfy:https://…\", \"discord:https://…\", \"slack:https://…\", \"https://…\" or \"dm:@user@host\", "
			"found \"%.*s…\"%s%s%s",
			rest.len < 16 ? (int)rest.len : 16, rest.ptr ? rest.ptr : "",
			near ? "; did you mean \"" : "", near ? near : "", near ? ":\"?" : "");
		return false;
	}
	if (shape == SHAPE_POST) {
		if (is_person(rest))
			return true;
		snprintf(error, size,
			"expected a person with the server, \"dm:@you@your.example\", found \"dm:%.*s\"",
			rest.len < STREAM_SHOWN_MAX ? (int)rest.len : STREAM_SHOWN_MAX, rest.ptr);
		return false;
	}
	struct url url;
	if (url_parse(rest, &url)) {
		url_finish(&url);
		return true;
	}
	snprintf(error, size,
		"what stands behind \"%s:\" is no http or https address, such as \"%s:https://hooks.example/…\"",
		shape_names[shape], shape_names[shape]);
	return false;
}

bool
alert_target_is_post(const char *target)
{
	return str_starts(str_from(target), "dm:");
}

char *
alert_target_words(const char *target)
{
	enum shape shape = SHAPE_JSON;
	struct str rest;
	struct url url;
	(void)split(str_from(target), &shape, &rest);
	if (shape == SHAPE_POST)
		return xasprintf("a direct post to %.*s", STR_ARG(rest));
	if (!url_parse(rest, &url))
		return xstrdup("nowhere");
	char *words = xasprintf(
		"%s at %s", shape == SHAPE_JSON ? "a webhook" : shape_names[shape], url.host);
	url_finish(&url);
	return words;
}

/* The longest start of `text` of at most `most` characters, with "…" when something is missing. */
static void
put_cut(struct buf *out, const char *text, size_t most)
{
	size_t count = 0, at = 0;
	for (; text[at]; at++) {
		if (((unsigned char)text[at] & 0xc0) == 0x80)
			continue;
		if (++count > most)
			break;
	}
	buf_add(out, text, at);
	if (text[at])
		buf_add_text(out, "…");
}

/* What a plugin raised may hold the names of strangers: a mention would tell them. */
static void
put_harmless(struct buf *out, const char *text)
{
	for (; *text; text++) {
		buf_add_char(out, *text);
		if (*text == '@')
			buf_add_text(out, "\xe2\x80\x8b"); /* zero width space */
	}
}

static void
put_slack(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			buf_add_text(out, "&amp;");
		else if (*text == '<')
			buf_add_text(out, "&lt;");
		else if (*text == '>')
			buf_add_text(out, "&gt;");
		else
			buf_add_char(out, *text);
	}
}

static char *
ntfy_headers(const char *title)
{
	struct buf line, out;
	buf_init(&line, MESSAGE_MAX);
	buf_init(&out, 2 * MESSAGE_MAX);
	for (; *title; title++) /* a header holds ASCII */
		buf_add_char(&line, *title >= ' ' && *title < 0x7f ? *title : '?');
	buf_add_text(&out, "{\"Content-Type\":\"text/plain; charset=utf-8\"");
	json_put_key(&out, "Title");
	json_put_str(&out, buf_str(&line));
	json_put_key(&out, "Priority");
	json_put_text(&out, "high");
	buf_add_char(&out, '}');
	buf_finish(&line);
	return buf_take(&out, NULL);
}

static void
put_field(struct buf *out, const char *key, struct str text)
{
	json_put_key(out, key);
	json_put_str(out, text);
}

static char *
body_of(enum shape shape, struct str person, const struct alert_message *message)
{
	struct buf text, out;
	buf_init(&text, 8 * ALERT_TEXT_MAX);
	buf_init(&out, ACTION_BODY_MAX);
	buf_add_char(&out, '{');
	switch (shape) {
	case SHAPE_JSON:
		put_field(&out, "title", str_from(message->title));
		put_field(&out, "text", str_from(message->text));
		break;
	case SHAPE_NTFY:
		buf_clear(&out);
		put_cut(&out, message->text, ALERT_TEXT_MAX);
		break;
	case SHAPE_DISCORD:
		buf_printf(&text, "**%s**\n", message->title);
		put_cut(&text, message->text, ALERT_TEXT_MAX);
		put_field(&out, "content", buf_str(&text));
		buf_add_text(&out, ",\"allowed_mentions\":{\"parse\":[]}");
		break;
	case SHAPE_SLACK:
		put_slack(&text, message->title);
		buf_add_char(&text, '\n');
		put_slack(&text, message->text);
		put_field(&out, "text", buf_str(&text));
		break;
	case SHAPE_POST: {
		struct buf whole;
		buf_init(&whole, 8 * ALERT_TEXT_MAX);
		put_harmless(&whole, message->title);
		buf_add_char(&whole, '\n');
		put_harmless(&whole, message->text);
		buf_printf(&text, "%.*s ", STR_ARG(person));
		put_cut(&text, whole.ptr ? whole.ptr : "", ALERT_DM_MAX);
		buf_finish(&whole);
		put_field(&out, "status", buf_str(&text));
		put_field(&out, "visibility", STR("direct"));
		break;
	}
	}
	if (shape != SHAPE_NTFY)
		buf_add_char(&out, '}');
	buf_finish(&text);
	return buf_take(&out, NULL);
}

struct action
alert_action(const char *target, const struct alert_message *message)
{
	enum shape shape = SHAPE_JSON;
	struct str rest;
	(void)split(str_from(target), &shape, &rest);
	struct action action = {
		.kind = shape == SHAPE_POST ? ACTION_POST : ACTION_FORWARD,
		.key = xasprintf(
			"%s|%016llx", message->key, (unsigned long long)str_hash(str_from(target))),
		.body = body_of(shape, rest, message),
		.summary = xasprintf("alert: %s", message->title),
	};
	if (shape == SHAPE_POST)
		return action;
	action.url = str_dup(rest);
	action.headers = shape == SHAPE_NTFY ? ntfy_headers(message->title)
					     : xstrdup("{\"Content-Type\":\"application/json\"}");
	return action;
}
