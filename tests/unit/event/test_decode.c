/* SPDX-License-Identifier: MIT */
/* Tests of decoding what servers send. */
#include "decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "limits.h"

#define STATUS "{\"id\":\"12\",\"content\":\"x\",\"account\":{\"id\":\"7\"}}"

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
		.parser = *state,
		.stream = STR("hashtag"),
		.param = STR("cats"),
		.account = STR("bot"),
		.origin = ORIGIN_LIVE,
		.received_at_ms = 1795176002000,
	};
}

static void
assert_str(struct str found, const char *expected)
{
	if (expected == NULL) {
		assert_null(found.ptr);
	} else {
		assert_non_null(found.ptr);
		assert_string_equal(found.ptr, expected); /* NUL ended by event_create */
		assert_int_equal(found.len, strlen(expected));
	}
}

struct ws_case {
	const char *text;
	enum decode_result result;
	enum event_kind kind;
	const char *stream, *param, *id, *payload;
};

static void
check_ws(void **state, const struct ws_case *cases, size_t count)
{
	struct decode_context context = context_of(state);
	for (size_t i = 0; i < count; i++) {
		struct decode_output out;
		enum decode_result result = decode_ws(&context, str_from(cases[i].text), &out);
		if (result != cases[i].result) {
			fail_msg("%s: result %d, %s", cases[i].text, (int)result, out.error_text);
		}
		if (result != DECODE_EVENT) {
			assert_null(out.event);
			continue;
		}
		assert_int_equal(out.event->kind, cases[i].kind);
		assert_str(out.event->stream, cases[i].stream);
		assert_str(out.event->param, cases[i].param);
		assert_str(out.event->id, cases[i].id);
		assert_str(out.event->payload, cases[i].payload);
		assert_str(out.event->account, "bot");
		assert_int_equal(out.event->received_at_ms, 1795176002000);
		event_unref(out.event);
	}
}

static void
reads_the_stream_field_of_every_server(void **state)
{
#define FRAME(stream) "{" stream "\"event\":\"delete\",\"payload\":\"5\"}"
	static const struct ws_case cases[] = {
		{FRAME("\"stream\":[\"user\"],"), DECODE_EVENT, EVENT_DELETE, "user", NULL, "5",
			"5"},
		{FRAME("\"stream\":[\"public:local:media\"],"), DECODE_EVENT, EVENT_DELETE,
			"public:local:media", NULL, "5", "5"},
		{FRAME("\"stream\":[\"list\",\"3\"],"), DECODE_EVENT, EVENT_DELETE, "list", "3",
			"5", "5"},
		{FRAME("\"stream\":[\"list\",7],"), DECODE_EVENT, EVENT_DELETE, "list", "7", "5",
			"5"},
		{FRAME("\"stream\":[\"list:01H\"],"), DECODE_EVENT, EVENT_DELETE, "list", "01H",
			"5", "5"},
		{FRAME("\"stream\":\"list:01H\","), DECODE_EVENT, EVENT_DELETE, "list", "01H", "5",
			"5"},
		{FRAME("\"stream\":[\"hashtag:foo\"],"), DECODE_EVENT, EVENT_DELETE, "hashtag",
			"foo", "5", "5"},
		{FRAME("\"stream\":[\"hashtag:local\",\"x\"],"), DECODE_EVENT, EVENT_DELETE,
			"hashtag:local", "x", "5", "5"},
		{FRAME("\"stream\":[\"hashtag:local:x\"],"), DECODE_EVENT, EVENT_DELETE,
			"hashtag:local", "x", "5", "5"},
		{FRAME("\"stream\":[\"hashtag:local\"],"), DECODE_EVENT, EVENT_DELETE,
			"hashtag:local", NULL, "5", "5"},
		{FRAME("\"stream\":[\"user:Ab1\"],"), DECODE_EVENT, EVENT_DELETE, "user", NULL, "5",
			"5"},
		{FRAME("\"stream\":[\"user:notification\"],"), DECODE_EVENT, EVENT_DELETE,
			"user:notification", NULL, "5", "5"},
		{FRAME("\"stream\":[\"user:notification:Ab1\"],"), DECODE_EVENT, EVENT_DELETE,
			"user:notification", NULL, "5", "5"},
		{FRAME("\"stream\":[\"direct:Ab1\"],"), DECODE_EVENT, EVENT_DELETE, "direct", NULL,
			"5", "5"},
		{FRAME("\"stream\":[\"user:pleroma_chat\"],"), DECODE_EVENT, EVENT_DELETE,
			"user:pleroma_chat", NULL, "5", "5"},
		{FRAME("\"stream\":[\"hashtag\"],"), DECODE_EVENT, EVENT_DELETE, "hashtag", "cats",
			"5", "5"},
		{FRAME(""), DECODE_EVENT, EVENT_DELETE, "hashtag", "cats", "5", "5"},
		{FRAME("\"stream\":[],"), DECODE_EVENT, EVENT_DELETE, "hashtag", "cats", "5", "5"},
		{FRAME("\"stream\":null,"), DECODE_EVENT, EVENT_DELETE, "hashtag", "cats", "5",
			"5"},
		{FRAME("\"stream\":[{},1],"), DECODE_EVENT, EVENT_DELETE, "hashtag", "cats", "5",
			"5"},
		{FRAME("\"stream\":[\"hashtag\",\"#CaF\xC3\xA9\",\"more\"],"), DECODE_EVENT,
			EVENT_DELETE, "hashtag", "#CaF\xC3\xA9", "5", "5"},
	};
	check_ws(state, cases, COUNT_OF(cases));
}

static void
reads_payloads_of_every_form(void **state)
{
#define EVENT(name, payload) "{\"stream\":[\"user\"],\"event\":\"" name "\"" payload "}"
	static const struct ws_case cases[] = {
		{EVENT("update", ",\"payload\":\"{\\\"id\\\":\\\"9\\\"}\""), DECODE_EVENT,
			EVENT_UPDATE, "user", NULL, "9", "{\"id\":\"9\"}"},
		{EVENT("update", ",\"payload\":{\"id\":9, \"x\":[1]}"), DECODE_EVENT, EVENT_UPDATE,
			"user", NULL, "9", "{\"id\":9,\"x\":[1]}"},
		{EVENT("status.update", ",\"payload\":\"{\\\"id\\\":18446744073709551616}\""),
			DECODE_EVENT, EVENT_STATUS_UPDATE, "user", NULL, "18446744073709551616",
			"{\"id\":18446744073709551616}"},
		{EVENT("update", ",\"payload\":\"{\\\"id\\\":\\\"\\u003c\\\"}\""), DECODE_EVENT,
			EVENT_UPDATE, "user", NULL, "<", "{\"id\":\"<\"}"},
		{EVENT("delete", ",\"payload\":115600000000001007"), DECODE_EVENT, EVENT_DELETE,
			"user", NULL, "115600000000001007", "115600000000001007"},
		{EVENT("delete", ",\"payload\":\" 5\\n\""), DECODE_EVENT, EVENT_DELETE, "user",
			NULL, "5", "5"},
		{EVENT("delete", ",\"payload\":\"\\\"5\\\"\""), DECODE_EVENT, EVENT_DELETE, "user",
			NULL, "5", "5"},
		{EVENT("delete", ",\"payload\":\"-99\""), DECODE_EVENT, EVENT_DELETE, "user", NULL,
			"-99", "-99"},
		{EVENT("announcement.delete", ",\"payload\":\"1\""), DECODE_EVENT,
			EVENT_ANNOUNCEMENT_DELETE, "user", NULL, "1", "1"},
		{EVENT("announcements.delete", ",\"payload\":\"1\""), DECODE_EVENT,
			EVENT_ANNOUNCEMENT_DELETE, "user", NULL, "1", "1"},
		{EVENT("filters_changed", ""), DECODE_EVENT, EVENT_FILTERS_CHANGED, "user", NULL,
			"", NULL},
		{EVENT("filters_changed", ",\"payload\":\"\""), DECODE_EVENT, EVENT_FILTERS_CHANGED,
			"user", NULL, "", NULL},
		{EVENT("filters_changed", ",\"payload\":null"), DECODE_EVENT, EVENT_FILTERS_CHANGED,
			"user", NULL, "", NULL},
		{EVENT("notifications_merged", ",\"payload\":\"1\""), DECODE_EVENT,
			EVENT_NOTIFICATIONS_MERGED, "user", NULL, "", NULL},
		{EVENT("announcement.reaction", ",\"payload\":\"{\\\"name\\\":\\\"x\\\"}\""),
			DECODE_EVENT, EVENT_ANNOUNCEMENT_REACTION, "user", NULL, "",
			"{\"name\":\"x\"}"},
		{EVENT("made.up", ",\"payload\":\"some text\""), DECODE_EVENT, EVENT_UNKNOWN,
			"user", NULL, "", "some text"},
		{EVENT("made.up", ",\"payload\":\"[1]\""), DECODE_EVENT, EVENT_UNKNOWN, "user",
			NULL, "", "[1]"},
		{EVENT("made.up", ",\"payload\":false"), DECODE_EVENT, EVENT_UNKNOWN, "user", NULL,
			"", "false"},
		{EVENT("made.up", ",\"payload\":\"undefined\""), DECODE_EVENT, EVENT_UNKNOWN,
			"user", NULL, "", NULL},
		{EVENT("made.up", ""), DECODE_EVENT, EVENT_UNKNOWN, "user", NULL, "", NULL},
	};
	check_ws(state, cases, COUNT_OF(cases));
}

/* Iceshrimp.NET (protocol.md 9.4). */
static void
an_edit_to_a_bare_id_on_a_list_is_a_deletion(void **state)
{
#define ON_LIST(payload)                                                                           \
	"{\"stream\":[\"list\",\"3\"],\"event\":\"status.update\",\"payload\":" payload "}"
	static const struct ws_case cases[] = {
		{ON_LIST("\"a1b2\""), DECODE_EVENT, EVENT_DELETE, "list", "3", "a1b2", "a1b2"},
		{ON_LIST("\"77\""), DECODE_EVENT, EVENT_DELETE, "list", "3", "77", "77"},
		{ON_LIST("\"{\\\"id\\\":\\\"9\\\"}\""), DECODE_EVENT, EVENT_STATUS_UPDATE, "list",
			"3", "9", "{\"id\":\"9\"}"},
		{ON_LIST("\"undefined\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{ON_LIST("\"not an id\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
	};
	check_ws(state, cases, COUNT_OF(cases));
}

static void
payloads_that_cannot_be_their_kind_are_broken(void **state)
{
	static const struct ws_case cases[] = {
		{EVENT("status.update", ",\"payload\":\"9abc\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ",\"payload\":\"123\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ",\"payload\":\"[]\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ",\"payload\":\"\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ",\"payload\":null"), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ",\"payload\":\"undefined\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ",\"payload\":{}"), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ",\"payload\":{\"id\":null}"), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("update", ",\"payload\":{\"id\":\"\"}"), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("delete", ""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("delete", ",\"payload\":\"\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("delete", ",\"payload\":{\"id\":\"1\"}"), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{EVENT("delete", ",\"payload\":\"a b\""), DECODE_BROKEN, 0, 0, 0, 0, 0},
		{"not json", DECODE_BROKEN, 0, 0, 0, 0, 0},
		{"[1]", DECODE_BROKEN, 0, 0, 0, 0, 0},
		{"<html>", DECODE_BROKEN, 0, 0, 0, 0, 0},
		{"5", DECODE_BROKEN, 0, 0, 0, 0, 0},
	};
	check_ws(state, cases, COUNT_OF(cases));
}

static void
what_is_no_event_is_ignored(void **state)
{
	static const struct ws_case cases[] = {
		{"", DECODE_IGNORED, 0, 0, 0, 0, 0},
		{" \n", DECODE_IGNORED, 0, 0, 0, 0, 0},
		{"pong", DECODE_IGNORED, 0, 0, 0, 0, 0},
		{"{}", DECODE_IGNORED, 0, 0, 0, 0, 0},
		{"{\"type\":\"noteUpdated\",\"body\":{}}", DECODE_IGNORED, 0, 0, 0, 0, 0},
		{"{\"event\":\"\",\"payload\":\"x\"}", DECODE_IGNORED, 0, 0, 0, 0, 0},
		{"{\"event\":5,\"payload\":\"x\"}", DECODE_IGNORED, 0, 0, 0, 0, 0},
		{"{\"event\":\"pleroma:respond\",\"payload\":\"{\\\"type\\\":\\\"subscribe\\\",\\\"result\\\":\\\"success\\\"}\"}",
			DECODE_IGNORED, 0, 0, 0, 0, 0},
		{"{\"event\":\"pleroma:respond\"}", DECODE_IGNORED, 0, 0, 0, 0, 0},
	};
	check_ws(state, cases, COUNT_OF(cases));
}

static void
error_frames_say_what_the_server_said(void **state)
{
	static const struct {
		const char *text, *error;
		int status;
	} cases[] = {
		{"{\"error\":\"Unknown stream type\",\"status\":400}", "Unknown stream type", 400},
		{"{\"error\":\"Error unsubscribing from channel\"}",
			"Error unsubscribing from channel", 0},
		{"{\"error\":\"x\",\"status\":\"400\"}", "x", 0},
		{"{\"error\":\"x\",\"status\":-7}", "x", 0},
		{"{\"event\":\"pleroma:respond\",\"payload\":\"{\\\"result\\\":\\\"error\\\",\\\"error\\\":\\\"bad_topic\\\"}\"}",
			"bad_topic", 0},
	};
	struct decode_context context = context_of(state);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct decode_output out;
		assert_int_equal(decode_ws(&context, str_from(cases[i].text), &out), DECODE_ERROR);
		assert_string_equal(out.error_text, cases[i].error);
		assert_int_equal(out.error_status, cases[i].status);
	}
}

static void
broken_messages_are_explained_and_short(void **state)
{
	struct decode_context context = context_of(state);
	struct decode_output out;
	assert_int_equal(
		decode_ws(&context, STR(EVENT("status.update", ",\"payload\":\"9abc\"")), &out),
		DECODE_BROKEN);
	assert_string_equal(out.error_text,
		"event \"status.update\": the payload is no JSON: a number is not well-formed: 9abc");
	assert_int_equal(decode_ws(&context, STR(EVENT("update", ",\"payload\":\"12\"")), &out),
		DECODE_BROKEN);
	assert_string_equal(
		out.error_text, "event \"update\": expected a JSON object, found a number: 12");
	char text[3000];
	memset(text, 'x', sizeof(text));
	assert_int_equal(
		decode_ws(&context, (struct str){text, sizeof(text)}, &out), DECODE_BROKEN);
	assert_true(strlen(out.error_text) < 200);
}

static void
names_have_caps(void **state)
{
	struct decode_context context = context_of(state);
	char name[EVENT_STREAM_MAX + 1];
	memset(name, 'n', sizeof(name));
	struct decode_output out;
	assert_int_equal(decode_sse(&context, (struct str){name, EVENT_NAME_MAX}, STR("1"), &out),
		DECODE_EVENT);
	event_unref(out.event);
	assert_int_equal(
		decode_sse(&context, (struct str){name, EVENT_NAME_MAX + 1}, STR("1"), &out),
		DECODE_BROKEN);
	context.param = (struct str){name, EVENT_STREAM_MAX};
	assert_int_equal(decode_sse(&context, STR("delete"), STR("1"), &out), DECODE_EVENT);
	event_unref(out.event);
	context.param = (struct str){name, EVENT_STREAM_MAX + 1};
	assert_int_equal(decode_sse(&context, STR("delete"), STR("1"), &out), DECODE_BROKEN);
}

static void
sse_events_belong_to_the_stream_of_the_connection(void **state)
{
	struct decode_context context = context_of(state);
	struct decode_output out;
	assert_int_equal(decode_sse(&context, STR("update"), STR(STATUS), &out), DECODE_EVENT);
	assert_str(out.event->stream, "hashtag");
	assert_str(out.event->param, "cats");
	assert_str(out.event->id, "12");
	assert_str(out.event->payload, STATUS);
	assert_true(str_eq_text(json_str(json_path(event_actor(out.event), "id")), "7"));
	event_unref(out.event);
	assert_int_equal(decode_sse(&context, STR(""), STR(STATUS), &out), DECODE_IGNORED);
	assert_int_equal(
		decode_sse(&context, STR("filters_changed"), STR("undefined"), &out), DECODE_EVENT);
	assert_null(out.event->payload.ptr);
	event_unref(out.event);
}

static void
bytes_that_are_no_utf8_are_replaced(void **state)
{
	struct decode_context context = context_of(state);
	struct decode_output out;
	assert_int_equal(decode_sse(&context, STR("update"),
				 STR("{\"id\":\"1\",\"content\":\"a\xFF\xC3\"}"), &out),
		DECODE_EVENT);
	assert_str(out.event->payload, "{\"id\":\"1\",\"content\":\"a\xEF\xBF\xBD\xEF\xBF\xBD\"}");
	event_unref(out.event);
	assert_int_equal(
		decode_ws(&context, STR("{\"event\":\"made.up\",\"payload\":\"\xE2\x80\"}"), &out),
		DECODE_EVENT);
	assert_true(str_is_utf8(out.event->payload));
	event_unref(out.event);
	assert_int_equal(decode_sse(&context, STR("\xFF"), STR("x"), &out), DECODE_BROKEN);
}

static void
entities_from_rest_get_the_kind_they_are_given(void **state)
{
	struct decode_context context = context_of(state);
	context.origin = ORIGIN_FILL;
	struct decode_output out;
	assert_int_equal(decode_entity(&context, EVENT_NOTIFICATION,
				 STR("{\"id\":\"4\",\"type\":\"mention\",\"status\":" STATUS
				     ",\"account\":{\"id\":\"8\"}}"),
				 &out),
		DECODE_EVENT);
	assert_str(out.event->name, "notification");
	assert_int_equal(out.event->origin, ORIGIN_FILL);
	assert_true(str_eq_text(json_str(json_get(event_status(out.event), "id")), "12"));
	assert_true(str_eq_text(json_str(json_get(event_actor(out.event), "id")), "8"));
	event_unref(out.event);
	assert_int_equal(decode_entity(&context, EVENT_UPDATE, STR("<html>"), &out), DECODE_BROKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			reads_the_stream_field_of_every_server, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_payloads_of_every_form, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_edit_to_a_bare_id_on_a_list_is_a_deletion, setup, teardown),
		cmocka_unit_test_setup_teardown(
			payloads_that_cannot_be_their_kind_are_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_event_is_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(
			error_frames_say_what_the_server_said, setup, teardown),
		cmocka_unit_test_setup_teardown(
			broken_messages_are_explained_and_short, setup, teardown),
		cmocka_unit_test_setup_teardown(names_have_caps, setup, teardown),
		cmocka_unit_test_setup_teardown(
			sse_events_belong_to_the_stream_of_the_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(
			bytes_that_are_no_utf8_are_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(
			entities_from_rest_get_the_kind_they_are_given, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
