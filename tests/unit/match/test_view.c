/* SPDX-License-Identifier: MIT */
/* Views: which part of an event each one shows. */
#include "match_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "limits.h"
#include "view.h"

#define POST                                                                                                  \
	"{\"id\":\"1\",\"content\":\"<p><span class=\\\"h-card\\\"><a href=\\\"https://p.example/@bot\\\" "   \
	"class=\\\"u-url mention\\\">@<span>bot</span></a></span> some "                                      \
	"<a href=\\\"https://c.example/cats?a=1&amp;b=2\\\"><span class=\\\"invisible\\\">https://"           \
	"</span><span class=\\\"ellipsis\\\">c.example/ca</span><span class=\\\"invisible\\\">ts?a=1&amp;b=2" \
	"</span></a></p><p>two</p>\",\"spoiler_text\":\"long read\",\"reblog\":null,"                         \
	"\"media_attachments\":[{\"type\":\"image\",\"description\":\"a cat\\non a mat\"},{\"type\":"         \
	"\"image\",\"description\":null}],\"poll\":{\"options\":[{\"title\":\"yes\"},{\"title\":\"no\"}]},"   \
	"\"tags\":[{\"name\":\"Caturday\"},{\"name\":\"cats\"}],\"mentions\":[{\"acct\":\"bot\"},"            \
	"{\"acct\":\"bob@far.example\"}],\"card\":{\"url\":\"https://card.example/\"},\"account\":{"          \
	"\"id\":\"7\",\"display_name\":\"Ann :blobcat:\",\"username\":\"ann\",\"note\":\"<p>hi<br>#"          \
	"<span>nobot</span></p>\",\"fields\":[{\"name\":\"site\",\"value\":\"<a href=\\\"x\\\">w.example"     \
	"</a>\"},{\"name\":\"\",\"value\":\"\"},{\"name\":\"\",\"value\":\"v\"}]}}"

static void
check(struct views *views, enum view view, const char *expected)
{
	struct str text = views_get(views, view);

	assert_non_null(text.ptr);
	if (!str_eq_text(text, expected))
		fail_msg("%s is \"%.*s\", expected \"%s\"", view_name(view), STR_ARG(text),
			expected);
}

static void
check_post(struct views *views)
{
	check(views, VIEW_BODY, "@bot some c.example/ca…\ntwo");
	check(views, VIEW_TEXT, "long read\n@bot some c.example/ca…\ntwo\na cat on a mat\nyes\nno");
	check(views, VIEW_FOLDED,
		"long read\n@bot some c.example/ca...\ntwo\na cat on a mat\nyes\nno");
	check(views, VIEW_LINKS, "https://c.example/cats?a=1&b=2\nhttps://card.example/");
	check(views, VIEW_HOSTS, "c.example\ncard.example");
	check(views, VIEW_TAGS, "Caturday\ncats");
	check(views, VIEW_MENTIONS, "bot\nbob@far.example");
	check(views, VIEW_ALT, "a cat on a mat");
	check(views, VIEW_CW, "long read");
	check(views, VIEW_POLL, "yes\nno");
	check(views, VIEW_REQUEST, "some c.example/ca…\ntwo");
}

static void
show_each_part_of_a_post(void **state)
{
	struct views *views = views_create();
	struct event *event = event_from(*state, EVENT_UPDATE, POST);

	views_set_event(views, event);
	assert_ptr_equal(views_event(views), event);
	check_post(views);
	check(views, VIEW_NAME, "Ann :blobcat:");
	check(views, VIEW_BIO, "hi\n#nobot\nsite: w.example\nv");
	assert_true(str_starts(views_get(views, VIEW_RAW), "<p><span class=\"h-card\">"));
	views_destroy(views);
	event_unref(event);
}

static void
look_at_the_inner_post_and_the_outer_author_of_a_boost(void **state)
{
	struct views *views = views_create();
	struct event *event = event_from(*state, EVENT_UPDATE,
		"{\"id\":\"2\",\"content\":\"<p>outer</p>\",\"account\":{\"display_name\":\"\","
		"\"username\":\"zoe\",\"note\":\"\"},\"reblog\":" POST "}");

	views_set_event(views, event);
	check_post(views);
	check(views, VIEW_NAME, "zoe");
	check(views, VIEW_BIO, "");
	event_unref(event);
	event = event_from(*state, EVENT_NOTIFICATION,
		"{\"id\":\"3\",\"type\":\"mention\",\"account\":{\"display_name\":\"Kim\"},\"status\":" POST
		"}");
	views_set_event(views, event);
	check_post(views);
	check(views, VIEW_NAME, "Kim");
	views_destroy(views);
	event_unref(event);
}

static void
are_empty_where_there_is_nothing(void **state)
{
	struct views *views = views_create();

	for (int i = 0; i < VIEW_COUNT; i++) {
		check(views, (enum view)i, "");
		assert_false(views_have(views, (enum view)i));
	}
	struct event *event = event_from(*state, EVENT_UPDATE, "{\"id\":\"1\",\"content\":null}");
	views_set_event(views, event);
	for (int i = 0; i < VIEW_COUNT; i++)
		check(views, (enum view)i, "");
	assert_true(views_have(views, VIEW_POLL));
	assert_false(views_have(views, VIEW_BIO));
	views_set_event(views, NULL);
	assert_false(views_have(views, VIEW_TEXT));
	event_unref(event);
	views_destroy(views);
}

static void
read_announcements_as_posts(void **state)
{
	struct views *views = views_create();
	struct event *event = event_from(*state, EVENT_ANNOUNCEMENT,
		"{\"id\":\"8\",\"content\":\"<p>Maintenance at <b>22:00</b></p>\",\"tags\":[],\"mentions\":[]}");

	views_set_event(views, event);
	check(views, VIEW_TEXT, "Maintenance at 22:00");
	assert_true(views_have(views, VIEW_TEXT));
	views_destroy(views);
	event_unref(event);
}

static void
request_drops_only_people_who_are_mentioned(void **state)
{
	static const struct {
		const char *content, *expected;
	} rows[] = {
		{"@bot hello", "hello"},
		{"@BOT: hello", "hello"},
		{"@bot @bob@far.example, hello @bot", "hello @bot"},
		{"@bot", ""},
		{"@noon we meet", "@noon we meet"},
		{"hello @bot", "hello @bot"},
		{"@bot<br>hello", "hello"},
		{"@bots hello", "@bots hello"},
	};
	struct views *views = views_create();

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char payload[500];
		snprintf(payload, sizeof(payload),
			"{\"id\":\"1\",\"content\":\"<p>%s</p>\",\"mentions\":[{\"acct\":\"bot\"},"
			"{\"acct\":\"bob@far.example\"}]}",
			rows[i].content);
		struct event *event = event_from(*state, EVENT_UPDATE, payload);
		views_set_event(views, event);
		check(views, VIEW_REQUEST, rows[i].expected);
		event_unref(event);
	}
	views_destroy(views);
}

static void
names_and_views_belong_together(void **state)
{
	(void)state;
	size_t count;
	const char *const *names = view_names(&count);
	enum view view;

	assert_int_equal(count, VIEW_COUNT);
	for (size_t i = 0; i < count; i++) {
		assert_true(view_from_name(str_from(names[i]), &view));
		assert_int_equal(view, i);
		assert_string_equal(view_name(view), names[i]);
	}
	assert_true(view_from_name(STR("folded"), &view) && view == VIEW_FOLDED);
	assert_false(view_from_name(STR("tex"), &view));
}

/* 3 MB of alt texts, four times: the joined view must be cut, not lost. */
static void
cuts_texts_beyond_the_cap_between_characters(void **state)
{
	struct views *views = views_create();
	struct buf payload;

	buf_init(&payload, 32u << 20);
	buf_add_text(&payload, "{\"id\":\"1\",\"content\":\"<p>seen</p>\",\"media_attachments\":[");
	for (int i = 0; i < 4; i++) {
		buf_add_text(&payload, i > 0 ? ",{\"description\":\"" : "{\"description\":\"");
		for (int k = 0; k < 1000000; k++)
			buf_add_text(&payload, "\xe2\x82\xac");
		buf_add_text(&payload, "\"}");
	}
	buf_add_text(&payload, "]}");
	struct event *event = event_from(*state, EVENT_UPDATE, payload.ptr);
	views_set_event(views, event);
	struct str text = views_get(views, VIEW_TEXT);
	assert_true(text.len <= VIEW_TEXT_MAX && text.len > VIEW_TEXT_MAX - 4);
	assert_true(str_is_utf8(text));
	assert_true(str_starts(text, "seen\n"));
	event_unref(event);
	views_destroy(views);
	buf_finish(&payload);
}

int
main(void)
{
	struct json_parser *parser = json_parser_create();
	struct CMUnitTest tests[] = {
		cmocka_unit_test(show_each_part_of_a_post),
		cmocka_unit_test(look_at_the_inner_post_and_the_outer_author_of_a_boost),
		cmocka_unit_test(are_empty_where_there_is_nothing),
		cmocka_unit_test(read_announcements_as_posts),
		cmocka_unit_test(request_drops_only_people_who_are_mentioned),
		cmocka_unit_test(names_and_views_belong_together),
		cmocka_unit_test(cuts_texts_beyond_the_cap_between_characters),
	};
	for (size_t i = 0; i < COUNT_OF(tests); i++)
		tests[i].initial_state = parser;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_parser_destroy(parser);
	return failed;
}
