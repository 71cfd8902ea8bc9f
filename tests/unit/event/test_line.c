/* SPDX-License-Identifier: MIT */
/* Tests of events as lines of JSON. */
#include "decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "limits.h"

#define HEAD                                                                                              \
	"{\"kind\":\"update\",\"stream\":[\"hashtag\",\"cats\"],\"account\":\"bot\",\"origin\":\"live\"," \
	"\"received_at\":\"2026-11-20T12:00:02.000Z\""

static int
setup(void **state)
{
	*state = json_parser_create();
	return 0;
}

static int
teardown(void **state)
{
	json_parser_destroy(*state);
	return 0;
}

static struct decode_context
context_of(void **state)
{
	return (struct decode_context){
		.parser = *state, .origin = ORIGIN_REPLAY, .received_at_ms = 5};
}

static void
writes_the_payload_last_and_verbatim(void **state)
{
	struct decode_context context = context_of(state);
	context.origin = ORIGIN_LIVE;
	context.stream = STR("hashtag");
	context.param = STR("cats");
	context.account = STR("bot");
	context.received_at_ms = 1795176002000;
	static const struct {
		struct str type, data;
		const char *line;
	} cases[] = {
		{STR("update"), STR("{\"id\": \"1\",\"n\":1.10,\"s\":\"\\ud800\"}"),
			HEAD ",\"payload\":{\"id\": \"1\",\"n\":1.10,\"s\":\"\\ud800\"}}"},
		{STR("update"), STR("{\n\"id\":\r\n\"1\"}"),
			HEAD ",\"payload\":{ \"id\":  \"1\"}}"},
		{STR("delete"), STR("12"),
			"{\"kind\":\"delete\",\"stream\":[\"hashtag\",\"cats\"],\"account\":\"bot\",\"origin\":\"live\","
			"\"received_at\":\"2026-11-20T12:00:02.000Z\",\"payload\":\"12\"}"},
		{STR("filters_changed"), STR("undefined"),
			"{\"kind\":\"filters_changed\",\"stream\":[\"hashtag\",\"cats\"],\"account\":\"bot\",\"origin\":\"live\","
			"\"received_at\":\"2026-11-20T12:00:02.000Z\"}"},
		{STR("made.up"), STR("some \"text\"\n"),
			"{\"kind\":\"made.up\",\"stream\":[\"hashtag\",\"cats\"],\"account\":\"bot\",\"origin\":\"live\","
			"\"received_at\":\"2026-11-20T12:00:02.000Z\",\"payload\":\"some \\\"text\\\"\\n\"}"},
	};
	struct buf line;
	buf_init(&line, EVENT_LINE_MAX);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct decode_output out;
		assert_int_equal(
			decode_sse(&context, cases[i].type, cases[i].data, &out), DECODE_EVENT);
		buf_clear(&line);
		event_write_line(out.event, &line);
		assert_string_equal(line.ptr, cases[i].line);
		struct event *first = out.event;
		struct decode_context reading = context_of(state);
		assert_int_equal(decode_line(&reading, buf_str(&line), &out), DECODE_EVENT);
		assert_int_equal(out.event->kind, first->kind);
		assert_int_equal(out.event->origin, ORIGIN_REPLAY);
		assert_int_equal(out.event->received_at_ms, 1795176002000);
		assert_true(str_eq(out.event->name, first->name));
		assert_true(str_eq(out.event->stream, first->stream));
		assert_true(str_eq(out.event->param, first->param));
		assert_true(str_eq(out.event->account, first->account));
		assert_true(str_eq(out.event->id, first->id));
		event_unref(first);
		event_unref(out.event);
	}
	buf_finish(&line);
}

static void
more_streams_than_one_are_named_besides(void **state)
{
	struct decode_context context = context_of(state);
	struct decode_output out;
	struct buf list, line;
	context.stream = STR("hashtag");
	context.param = STR("cats");
	assert_int_equal(decode_sse(&context, STR("delete"), STR("1"), &out), DECODE_EVENT);
	struct event parts = *out.event;
	event_streams_begin(out.event, &list);
	assert_string_equal(list.ptr, "[[\"hashtag\",\"cats\"]]");
	event_streams_add(&list, STR("public"), STR_NONE);
	event_streams_add(&list, STR("hashtag"), STR("\"dogs\""));
	parts.streams = buf_str(&list);
	struct event *both = event_create(&parts);
	buf_init(&line, EVENT_LINE_MAX);
	event_write_line(both, &line);
	assert_string_equal(line.ptr,
		"{\"kind\":\"delete\",\"stream\":[\"hashtag\",\"cats\"],"
		"\"streams\":[[\"hashtag\",\"cats\"],[\"public\"],[\"hashtag\",\"\\\"dogs\\\"\"]],"
		"\"account\":null,\"origin\":\"replay\",\"received_at\":\"1970-01-01T00:00:00.005Z\",\"payload\":\"1\"}");
	event_unref(out.event);
	assert_int_equal(decode_line(&context, buf_str(&line), &out), DECODE_EVENT);
	assert_true(str_eq(out.event->streams, both->streams));
	event_unref(out.event);
	event_unref(both);
	for (int i = 0; i < 1000; i++)
		event_streams_add(&list, STR("hashtag"), STR("one-of-very-many"));
	assert_true(list.err == ERR_OK && list.len < EVENT_STREAMS_TEXT_MAX + 64);
	assert_true(str_ends(buf_str(&list), "\"]]"));
	buf_finish(&list);
	buf_finish(&line);
}

static void
unknown_stream_and_account_keep_their_keys(void **state)
{
	struct decode_context context = context_of(state);
	struct decode_output out;
	assert_int_equal(decode_sse(&context, STR("delete"), STR("1"), &out), DECODE_EVENT);
	struct buf line;
	buf_init(&line, EVENT_LINE_MAX);
	event_write_line(out.event, &line);
	assert_string_equal(line.ptr,
		"{\"kind\":\"delete\",\"stream\":[],\"account\":null,\"origin\":\"replay\","
		"\"received_at\":\"1970-01-01T00:00:00.005Z\",\"payload\":\"1\"}");
	event_unref(out.event);
	buf_finish(&line);
}

struct row {
	const char *line;
	enum event_kind kind;
	const char *stream, *param, *id, *payload;
	int64_t received_at_ms;
};

static void
check_line(const struct decode_context *context, const struct row *row)
{
	struct decode_output out;
	if (decode_line(context, str_from(row->line), &out) != DECODE_EVENT) {
		fail_msg("%s: %s", row->line, out.error_text);
	}
	assert_int_equal(out.event->kind, row->kind);
	assert_true(str_eq_text(out.event->stream, row->stream));
	assert_true(str_eq_text(out.event->param, row->param));
	assert_true(str_eq_text(out.event->id, row->id));
	assert_true(str_eq_text(out.event->payload, row->payload));
	assert_true(out.event->received_at_ms == row->received_at_ms);
	event_unref(out.event);
}

static void
reads_lines_of_every_form(void **state)
{
	static const struct row cases[] = {
		{HEAD ",\"payload\":{\"id\":\"1\", \"x\" : 1}}", EVENT_UPDATE, "hashtag", "cats",
			"1", "{\"id\":\"1\", \"x\" : 1}", 1795176002000},
		{HEAD ",\"payload\": {\"id\":\"1\"} }\r\n", EVENT_UPDATE, "hashtag", "cats", "1",
			"{\"id\":\"1\"}", 1795176002000},
		/* payload not last, or as a string: read all the same */
		{"{\"kind\":\"update\",\"payload\":{\"id\":\"1\"},\"stream\":[\"user\"]}",
			EVENT_UPDATE, "user", NULL, "1", "{\"id\":\"1\"}", 5},
		{"{\"payload\":{\"id\":\"1\"},\"kind\":\"update\",\"received_at\":77}",
			EVENT_UPDATE, NULL, NULL, "1", "{\"id\":\"1\"}", 77},
		{"{\"kind\":\"update\",\"payload\":\"{\\\"id\\\":\\\"1\\\"}\"}", EVENT_UPDATE, NULL,
			NULL, "1", "{\"id\":\"1\"}", 5},
		{"{\"kind\":\"update\",\"a\":{\"payload\":[1,{\"b\":\"]}\\\"\"}]},\"payload\":{\"id\":\"1\"}}",
			EVENT_UPDATE, NULL, NULL, "1", "{\"id\":\"1\"}", 5},
		{"{\"kind\":\"delete\",\"payload\":\"12\"}", EVENT_DELETE, NULL, NULL, "12", "12",
			5},
		{"{\"kind\":\"delete\",\"payload\":12}", EVENT_DELETE, NULL, NULL, "12", "12", 5},
		{"{\"kind\":\"filters_changed\"}", EVENT_FILTERS_CHANGED, NULL, NULL, "", NULL, 5},
		{"{\"kind\":\"made.up\",\"payload\":{\"a\":1}}", EVENT_UNKNOWN, NULL, NULL, "",
			"{\"a\":1}", 5},
		/* a bare status */
		{"{\"id\":\"9\",\"content\":\"<p>x</p>\",\"account\":{}}", EVENT_UPDATE, NULL, NULL,
			"9", "{\"id\":\"9\",\"content\":\"<p>x</p>\",\"account\":{}}", 5},
		/* a recorded WebSocket frame */
		{"{\"stream\":[\"list\",\"3\"],\"event\":\"delete\",\"payload\":\"5\"}",
			EVENT_DELETE, "list", "3", "5", "5", 5},
	};
	struct decode_context context = context_of(state);
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		context.borrow = i >= COUNT_OF(cases);
		check_line(&context, &cases[i % COUNT_OF(cases)]);
	}
}

static void
a_kept_event_outlives_the_next_parse(void **state)
{
	struct decode_context context = context_of(state);
	struct decode_output first, second;
	context.borrow = true;
	assert_int_equal(decode_line(&context, STR("{\"id\":\"9\",\"content\":\"one\"}"), &first),
		DECODE_EVENT);
	assert_true(json_doc_is_borrowed(first.event->doc));
	struct event *kept = event_ref(first.event);
	assert_true(json_doc_is_borrowed(kept->doc));
	assert_int_equal(decode_line(&context, STR("{\"id\":\"8\",\"content\":\"two\"}"), &second),
		DECODE_EVENT);
	assert_false(json_doc_is_borrowed(kept->doc));
	struct json_value content = json_get(json_root(kept->doc), "content");
	assert_true(str_eq_text(json_str(content), "one"));
	event_unref(kept);
	event_unref(first.event);
	event_own(second.event);
	assert_false(json_doc_is_borrowed(second.event->doc));
	event_unref(second.event);
}

static void
an_event_that_is_only_held_gives_its_document_back(void **state)
{
	struct decode_context context = context_of(state);
	struct decode_output first, second;
	context.borrow = true;
	assert_int_equal(decode_line(&context, STR("{\"id\":\"9\",\"content\":\"one\"}"), &first),
		DECODE_EVENT);
	struct event *held = event_hold(first.event);
	event_unref(first.event);
	assert_int_equal(decode_line(&context, STR("{\"id\":\"8\",\"content\":\"two\"}"), &second),
		DECODE_EVENT);
	assert_null(held->doc);
	assert_true(str_eq_text(held->id, "9"));
	event_unhold(held);
	event_unhold(NULL);
	event_unref(second.event);
}

static void
a_line_can_be_no_event(void **state)
{
	static const struct {
		const char *line;
		enum decode_result result;
	} cases[] = {
		{"", DECODE_IGNORED},
		{"  \r", DECODE_IGNORED},
		{"{\"kind\":\"gap\",\"payload\":{\"from\":1}}", DECODE_IGNORED},
		{"{\"kind\":\"connected\"}", DECODE_IGNORED},
		{"{", DECODE_BROKEN},
		{"{\"kind\":\"update\"}", DECODE_BROKEN},
		{"{\"kind\":\"update\",\"payload\":{\"id\":\"1\"}", DECODE_BROKEN},
		{"{\"kind\":\"update\",\"payload\":{\"id\":\"1\"}]", DECODE_BROKEN},
		{"{\"kind\":\"update\",\"payload\":{\"id\":\"1\"},}", DECODE_BROKEN},
		{"{\"kind\" \"update\",\"payload\":{\"id\":\"1\"}}", DECODE_BROKEN},
		{"{\"kind\":\"update\",x,\"payload\":{\"id\":\"1\"}}", DECODE_BROKEN},
		{"{\"kind\":\"update\",\"payload\":", DECODE_BROKEN},
		{"{\"kind", DECODE_BROKEN},
		{"{\"kind\":7}", DECODE_BROKEN},
		{"{\"kind\":\"\",\"payload\":{}}", DECODE_BROKEN},
		{"{\"id\":\"1\"}", DECODE_BROKEN},
		{"[1,2]", DECODE_BROKEN},
		{"kind: update", DECODE_BROKEN},
	};
	struct decode_context context = context_of(state);
	for (size_t n = 0; n < 2 * COUNT_OF(cases); n++) {
		size_t i = n % COUNT_OF(cases);
		struct decode_output out;
		context.borrow = n >= COUNT_OF(cases);
		enum decode_result result = decode_line(&context, str_from(cases[i].line), &out);
		if (result != cases[i].result) {
			fail_msg("%s: %d %s", cases[i].line, (int)result, out.error_text);
		}
		assert_int_equal(result == DECODE_BROKEN, out.error_text[0] != '\0');
		event_unref(out.event);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			writes_the_payload_last_and_verbatim, setup, teardown),
		cmocka_unit_test_setup_teardown(
			unknown_stream_and_account_keep_their_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_lines_of_every_form, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_kept_event_outlives_the_next_parse, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_event_that_is_only_held_gives_its_document_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			more_streams_than_one_are_named_besides, setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_can_be_no_event, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
