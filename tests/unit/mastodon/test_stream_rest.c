/* SPDX-License-Identifier: MIT */
/* Every stream has its REST sources, addresses are those of protocol.md 5.2, cursors are ordered as servers order ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "page.h"
#include "stream_name.h"
#include "stream_rest.h"

static void
every_stream_has_a_source(void **state)
{
	(void)state;
	size_t count = 0;
	const char *const *names = stream_names(&count);
	for (size_t i = 0; i < count; i++) {
		const struct stream_source *sources = NULL;
		size_t found = stream_sources(str_from(names[i]), &sources);
		assert_in_range(found, 1, STREAM_SOURCES_MAX);
		for (size_t s = 0; s < found; s++) {
			assert_ptr_equal(
				stream_source_of(str_from(names[i]), sources[s].kind), &sources[s]);
			assert_true((stream_info(str_from(names[i]))->parameter != NULL) ==
				    (sources[s].parameter != NULL));
		}
	}
	const struct stream_source *none = NULL;
	assert_int_equal(stream_sources(STR("public:everything"), &none), 0);
	assert_null(stream_source_of(STR("public"), EVENT_NOTIFICATION));
}

static void
assert_url(const char *stream, enum event_kind kind, const struct stream_range *range,
	const char *expected)
{
	struct buf url;
	buf_init(&url, 1024);
	const struct stream_source *source = stream_source_of(str_from(stream), kind);
	assert_non_null(source);
	stream_source_url(source, source->parameter ? STR("Kätzchen") : STR_NONE, range, &url);
	assert_string_equal(url.ptr, expected);
	buf_finish(&url);
}

static void
addresses_are_those_of_the_stream(void **state)
{
	(void)state;
	const struct stream_range all = {0};
	const struct stream_range up = {.min_id = STR("12"), .limit = 5};
	const struct stream_range down = {.max_id = STR("01&HX"), .limit = 500};
	assert_url("user", EVENT_UPDATE, &all, "/api/v1/timelines/home?limit=40");
	assert_url("user", EVENT_NOTIFICATION, &up, "/api/v1/notifications?limit=5&min_id=12");
	assert_url("user", EVENT_ANNOUNCEMENT, &up, "/api/v1/announcements");
	assert_url("public:remote:media", EVENT_UPDATE, &up,
		"/api/v1/timelines/public?remote=true&only_media=true&limit=5&min_id=12");
	assert_url("hashtag:local", EVENT_UPDATE, &down,
		"/api/v1/timelines/tag/K%C3%A4tzchen?local=true&limit=40&max_id=01%26HX");
	assert_url("direct", EVENT_CONVERSATION, &all, "/api/v1/conversations?limit=40");
}

static void
cursors_are_ordered_as_ids(void **state)
{
	(void)state;
	assert_true(stream_cursor_compare(STR("999"), STR("1000")) < 0);
	assert_true(stream_cursor_compare(STR("1001"), STR("1000")) > 0);
	assert_true(stream_cursor_compare(STR("01HXB"), STR("01HXA")) > 0);
	assert_true(stream_cursor_compare(STR_NONE, STR("0")) < 0);
	assert_int_equal(stream_cursor_compare(STR("7"), STR("7")), 0);
}

static bool
read_page(struct page *page, struct json_parser *parser, const char *stream, const char *body,
	const char *link)
{
	const struct stream_source *sources;
	const struct http_header header = {"link", link};
	const struct http_answer answer = {.status = 200,
		.body = str_from(body),
		.headers = &header,
		.header_count = link ? 1 : 0};
	assert_true(stream_sources(str_from(stream), &sources) > 0);
	return page_read(page, parser, &sources[0], &answer);
}

static void
a_page_is_sorted_and_holds_each_entity_once_with_its_bytes(void **state)
{
	(void)state;
	struct json_parser *parser = json_parser_create();
	struct page page;
	assert_true(read_page(&page, parser, "public",
		" [ {\"id\":\"12\", \"created_at\":\"2026-11-21T10:00:00.000Z\"},{\"id\":\"2\",\"edited_at\":\"x\"},"
		"{\"id\":\"12\"},{\"note\":\"no id\"} , {\"id\":\"5\",\"content\":\"a, ] \\\"b\\\"\"}]",
		NULL));
	assert_int_equal(page.count, 3);
	assert_true(str_eq(page.items[0].cursor, STR("2")) && page.items[0].edited);
	assert_true(str_eq(
		page.items[1].payload, STR("{\"id\":\"5\",\"content\":\"a, ] \\\"b\\\"\"}")));
	assert_true(str_eq(page.items[2].cursor, STR("12")) && !page.items[2].edited);
	assert_int_equal(page.items[2].at_ms, INT64_C(1795255200000));
	page_finish(&page);
	assert_true(read_page(&page, parser, "direct",
		"[{\"id\":\"9\",\"last_status\":{\"id\":\"300\"}},{\"id\":\"8\",\"last_status\":null}]",
		NULL));
	assert_true(str_eq(page.items[0].cursor, STR("8")));
	assert_true(str_eq(page.items[1].cursor, STR("300")));
	page_finish(&page);
	assert_false(read_page(&page, parser, "public", "{\"error\":\"no\"}", NULL));
	assert_false(read_page(&page, parser, "public", "<html>", NULL));
	assert_true(read_page(&page, parser, "public", "[]", NULL));
	assert_int_equal(page.count, 0);
	page_finish(&page);
	json_parser_destroy(parser);
}

static void
the_link_header_gives_a_marked_page_its_cursors(void **state)
{
	(void)state;
	struct json_parser *parser = json_parser_create();
	struct page page;
	/* Posts of any age in the order in which they were marked: their ids say nothing. */
	const char *three = "[{\"id\":\"500\"},{\"id\":\"7\"},{\"id\":\"900\"}]";
	assert_true(read_page(&page, parser, "bookmarks", three,
		"<https://x.example/api/v1/bookmarks?limit=40&max_id=31>; rel=\"next\", "
		"<https://x.example/api/v1/bookmarks?limit=40&min_id=38>; rel=\"prev\""));
	assert_int_equal(page.count, 3);
	assert_false(page.is_last);
	assert_true(str_eq(page.items[0].payload, STR("{\"id\":\"900\"}")));
	assert_true(str_eq(page.items[0].cursor, STR("31")));
	assert_true(str_eq(page.items[1].payload, STR("{\"id\":\"7\"}")));
	assert_true(str_eq(page.items[1].cursor, STR("38")));
	assert_true(str_eq(page.items[2].cursor, STR("38")));
	page_finish(&page);
	/* The last page leads nowhere; other servers say since_id, and write the relation otherwise. */
	assert_true(read_page(&page, parser, "favourites", three,
		"<https://x.example/api/v1/favourites?since_id=01H%5AX>;rel=prev"));
	assert_true(page.is_last);
	assert_true(str_eq(page.items[0].cursor, STR("01HZX")));
	page_finish(&page);
	assert_true(read_page(&page, parser, "bookmarks", "[]", NULL));
	assert_true(page.is_last && page.count == 0);
	page_finish(&page);
	assert_false(read_page(&page, parser, "bookmarks", three, NULL));
	assert_false(read_page(&page, parser, "bookmarks", three,
		"<https://x.example/api/v1/bookmarks?max_id=31>; rel=\"next\""));
	assert_false(read_page(&page, parser, "bookmarks", three, "<broken; rel=\"prev\""));
	json_parser_destroy(parser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stream_has_a_source),
		cmocka_unit_test(addresses_are_those_of_the_stream),
		cmocka_unit_test(cursors_are_ordered_as_ids),
		cmocka_unit_test(a_page_is_sorted_and_holds_each_entity_once_with_its_bytes),
		cmocka_unit_test(the_link_header_gives_a_marked_page_its_cursors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
