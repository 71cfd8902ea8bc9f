/* SPDX-License-Identifier: MIT */
/* Places in views: which field, and which bytes of the payload, a part of a view was made of. */
#include "match_event.h"

#include <string.h>

#include "attr.h"
#include "limits.h"
#include "view.h"

#define POST                                                                                                \
	"{\"id\":\"1\", \"spoiler_text\" : \"caf\\u00e9 \\\"ad\\\"\",\"content\":\"<p>via<wbr>gra &amp; "   \
	"<a href=\\\"https:\\/\\/c.example\\/?a=1&amp;b=2\\\"><span class=\\\"invisible\\\">https:\\/\\/"   \
	"</span><span>c.example</span></a>  \\ud83d\\ude00 \\ud800 end<br>t\\u0077o</p>\","                 \
	"\"media_attachments\":[{\"description\":\"\"},{\"description\":\"a grey\\ncat\"}],"                \
	"\"poll\":{\"options\":[{\"title\":\"red\"},{\"title\":\"blue\"}]},\"tags\":[{\"name\":\"cats\"}]," \
	"\"mentions\":[{\"acct\":\"bob\"},{\"acct\":\"eve\"}],\"card\":{\"url\":\"https:\\/\\/card."        \
	"example\\/\"},\"account\":{\"display_name\":\"Ann \\u00c4\",\"note\":\"<p>#<span>nobot<\\/span>"   \
	"</p>\",\"fields\":[{\"name\":\"site\",\"value\":\"<b>w</b>.example\"}]}}"

struct row {
	enum event_kind kind;
	enum view view;
	const char *part; /* of the view */
	const char *field, *bytes;
};

static const struct row rows[] = {
	{EVENT_UPDATE, VIEW_TEXT, "caf\u00e9", "spoiler_text", "caf\\u00e9"},
	{EVENT_UPDATE, VIEW_CW, "\"ad\"", "spoiler_text", "\\\"ad\\\""},
	{EVENT_UPDATE, VIEW_TEXT, "viagra", "content", "via<wbr>gra"},
	{EVENT_UPDATE, VIEW_FOLDED, "viagra", "content", "via<wbr>gra"},
	{EVENT_UPDATE, VIEW_BODY, "gra & c", "content",
		"gra &amp; <a href=\\\"https:\\/\\/c.example\\/?a=1&amp;b=2\\\"><span class=\\\"invisible"
		"\\\">https:\\/\\/</span><span>c"},
	{EVENT_UPDATE, VIEW_BODY, "\U0001f600", "content", "\\ud83d\\ude00"},
	{EVENT_UPDATE, VIEW_BODY, "example \U0001f600", "content",
		"example</span></a>  \\ud83d\\ude00"},
	{EVENT_UPDATE, VIEW_BODY, "\ufffd", "content", "\\ud800"},
	{EVENT_UPDATE, VIEW_BODY, "end\ntwo", "content", "end<br>t\\u0077o"},
	{EVENT_UPDATE, VIEW_RAW, "<p>via<wbr>", "content", "<p>via<wbr>"},
	{EVENT_UPDATE, VIEW_RAW, "https://c.", "content", "https:\\/\\/c."},
	{EVENT_UPDATE, VIEW_LINKS, "c.example/?a=1&b", "content", "c.example\\/?a=1&amp;b"},
	{EVENT_UPDATE, VIEW_LINKS, "card.", "card.url", "card."},
	{EVENT_UPDATE, VIEW_HOSTS, "c.example", "content", "https:\\/\\/c.example\\/?a=1&amp;b=2"},
	{EVENT_UPDATE, VIEW_ALT, "grey cat", "media_attachments.1.description", "grey\\ncat"},
	{EVENT_UPDATE, VIEW_TEXT, "grey cat", "media_attachments.1.description", "grey\\ncat"},
	{EVENT_UPDATE, VIEW_TEXT, "blue", "poll.options.1.title", "blue"},
	{EVENT_UPDATE, VIEW_POLL, "red", "poll.options.0.title", "red"},
	{EVENT_UPDATE, VIEW_TAGS, "cats", "tags.0.name", "cats"},
	{EVENT_UPDATE, VIEW_MENTIONS, "eve", "mentions.1.acct", "eve"},
	{EVENT_UPDATE, VIEW_NAME, "\u00c4", "account.display_name", "\\u00c4"},
	{EVENT_UPDATE, VIEW_BIO, "#nobot", "account.note", "#<span>nobot"},
	{EVENT_UPDATE, VIEW_BIO, "site", "account.fields.0.name", "site"},
	{EVENT_UPDATE, VIEW_BIO, "w.example", "account.fields.0.value", "w</b>.example"},
	{EVENT_NOTIFICATION, VIEW_TEXT, "viagra", "status.content", "via<wbr>gra"},
	{EVENT_NOTIFICATION, VIEW_NAME, "Kim", "account.display_name", "Kim"},
	{EVENT_CONVERSATION, VIEW_LINKS, "card", "last_status.card.url", "card"},
	{EVENT_CONVERSATION, VIEW_BIO, "nobot", "last_status.account.note", "nobot"},
	{EVENT_ANNOUNCEMENT, VIEW_BODY, "viagra", "content", "via<wbr>gra"},
};

static const char *const payloads[EVENT_KIND_COUNT] = {
	[EVENT_UPDATE] = POST,
	[EVENT_NOTIFICATION] = "{\"id\":\"2\",\"type\":\"mention\",\"account\":{\"display_name\":"
			       "\"Kim\"},\"status\":" POST "}",
	[EVENT_CONVERSATION] = "{\"id\":\"3\",\"unread\":true,\"last_status\":" POST "}",
	[EVENT_ANNOUNCEMENT] = POST,
};

/* Where `part` stands in the view. */
static struct span
find(struct views *views, const struct row *row)
{
	struct str text = views_get(views, row->view);
	const char *found = memmem(text.ptr, text.len, row->part, strlen(row->part));

	if (!found)
		fail_msg("no \"%s\" in %s: %.*s", row->part, view_name(row->view), STR_ARG(text));
	size_t start = (size_t)(found - text.ptr);
	return (struct span){start, start + strlen(row->part)};
}

static void
expect(const struct event *event, const struct view_source *source, const char *field,
	const char *bytes)
{
	struct str found = {
		event->payload.ptr + source->span.start, source->span.end - source->span.start};

	assert_true(source->span.end <= event->payload.len);
	assert_string_equal(source->field, field);
	if (!str_eq_text(found, bytes))
		fail_msg("%s: \"%.*s\", expected \"%s\"", field, STR_ARG(found), bytes);
}

static void
names_the_field_and_the_bytes_of_the_payload(void **state)
{
	struct views *views = views_create();
	struct view_source sources[VIEW_SOURCES_MAX];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct event *event = event_from(*state, rows[i].kind, payloads[rows[i].kind]);
		views_set_event(views, event);
		struct span span = find(views, &rows[i]);
		assert_int_equal(
			views_source(views, rows[i].view, span, sources, COUNT_OF(sources)), 1);
		expect(event, &sources[0], rows[i].field, rows[i].bytes);
		event_unref(event);
	}
	views_destroy(views);
}

/* The text of a boost is that of the inner post, the name that of the outer author. */
static void
names_the_inner_post_of_a_boost(void **state)
{
	struct views *views = views_create();
	struct view_source source;
	struct event *event = event_from(*state, EVENT_UPDATE,
		"{\"id\":\"9\",\"content\":\"<p>viagra</p>\",\"account\":{\"display_name\":\"\","
		"\"username\":\"zoe\"},\"reblog\":" POST "}");

	views_set_event(views, event);
	struct row body = {.view = VIEW_BODY, .part = "viagra"},
		   name = {.view = VIEW_NAME, .part = "zoe"};
	assert_int_equal(views_source(views, body.view, find(views, &body), &source, 1), 1);
	expect(event, &source, "reblog.content", "via<wbr>gra");
	assert_int_equal(views_source(views, name.view, find(views, &name), &source, 1), 1);
	expect(event, &source, "account.username", "zoe");
	event_unref(event);
	views_destroy(views);
}

static void
tells_each_field_of_a_span_over_several(void **state)
{
	struct views *views = views_create();
	struct view_source sources[VIEW_SOURCES_MAX];
	struct event *event = event_from(*state, EVENT_UPDATE, POST);

	views_set_event(views, event);
	struct row row = {.view = VIEW_TEXT, .part = "two\na grey cat\nred\nbl"};
	struct span span = find(views, &row);
	assert_int_equal(views_source(views, VIEW_TEXT, span, sources, COUNT_OF(sources)), 4);
	expect(event, &sources[0], "content", "t\\u0077o");
	expect(event, &sources[1], "media_attachments.1.description", "a grey\\ncat");
	expect(event, &sources[2], "poll.options.0.title", "red");
	expect(event, &sources[3], "poll.options.1.title", "bl");
	assert_int_equal(views_source(views, VIEW_TEXT, span, sources, 2), 2);
	event_unref(event);
	views_destroy(views);
}

static void
tells_the_place_of_an_empty_match(void **state)
{
	struct views *views = views_create();
	struct view_source source;
	struct event *event = event_from(*state, EVENT_UPDATE, POST);

	views_set_event(views, event);
	struct row row = {.view = VIEW_TEXT, .part = "red"};
	struct span span = find(views, &row);
	span.end = span.start;
	assert_int_equal(views_source(views, VIEW_TEXT, span, &source, 1), 1);
	assert_string_equal(source.field, "poll.options.0.title");
	assert_int_equal(source.span.start, source.span.end);
	assert_true(str_starts((struct str){event->payload.ptr + source.span.start, 3}, "red"));
	event_unref(event);
	views_destroy(views);
}

static void
requests_are_told_in_the_content(void **state)
{
	struct views *views = views_create();
	struct view_source source;
	struct event *event = event_from(*state, EVENT_UPDATE,
		"{\"id\":\"1\",\"content\":\"<p><a href=\\\"x\\\">@<span>bot</span></a> we&#97;ther</p>\","
		"\"mentions\":[{\"acct\":\"bot\"}]}");

	views_set_event(views, event);
	struct row row = {.view = VIEW_REQUEST, .part = "weather"};
	assert_int_equal(views_source(views, row.view, find(views, &row), &source, 1), 1);
	expect(event, &source, "content", "we&#97;ther");
	event_unref(event);
	views_destroy(views);
}

/* A view is the same bytes whether it is made for matching or for its places: each character has its own. */
static void
every_character_of_every_view_has_a_place(void **state)
{
	struct views *views = views_create();
	struct event *event = event_from(*state, EVENT_UPDATE, POST);

	views_set_event(views, event);
	for (int view = 0; view < VIEW_COUNT; view++) {
		struct str text = views_get(views, (enum view)view);
		for (size_t i = 0; i < text.len; i++) {
			struct view_source source;
			size_t count = views_source(
				views, (enum view)view, (struct span){i, i + 1}, &source, 1);
			if (count != 1 || source.span.end > event->payload.len)
				fail_msg(
					"%s: byte %zu has no place", view_name((enum view)view), i);
		}
	}
	views_set_event(views, NULL);
	struct view_source none;
	assert_int_equal(views_source(views, VIEW_TEXT, (struct span){0, 1}, &none, 1), 0);
	event_unref(event);
	views_destroy(views);
}

int
main(void)
{
	struct json_parser *parser = json_parser_create();
	struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_field_and_the_bytes_of_the_payload),
		cmocka_unit_test(names_the_inner_post_of_a_boost),
		cmocka_unit_test(tells_each_field_of_a_span_over_several),
		cmocka_unit_test(tells_the_place_of_an_empty_match),
		cmocka_unit_test(requests_are_told_in_the_content),
		cmocka_unit_test(every_character_of_every_view_has_a_place),
	};
	for (size_t i = 0; i < COUNT_OF(tests); i++)
		tests[i].initial_state = parser;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_parser_destroy(parser);
	return failed;
}
