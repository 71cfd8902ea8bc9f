/* SPDX-License-Identifier: MIT */
/* Tests of the event object and the table of kinds. */
#include "event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "decode.h"

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

static struct event *
make(void **state, enum event_kind kind, const char *payload)
{
	struct decode_context context = {.parser = *state};
	struct decode_output out;
	if (decode_entity(&context, kind, str_from(payload), &out) != DECODE_EVENT) {
		fail_msg("%s: %s", payload, out.error_text);
	}
	return out.event;
}

static void
every_kind_is_found_by_its_name(void **state)
{
	(void)state;
	for (int kind = 0; kind < EVENT_UNKNOWN; kind++) {
		const struct event_kind_info *info = event_kind_info((enum event_kind)kind);
		assert_true(strlen(info->name) > 0);
		assert_int_equal(event_kind_from_name(str_from(info->name)), kind);
	}
	assert_int_equal(event_kind_from_name(STR("emoji_reaction")), EVENT_UNKNOWN);
	assert_int_equal(event_kind_from_name(STR("")), EVENT_UNKNOWN);
	assert_int_equal(event_kind_from_name(STR_NONE), EVENT_UNKNOWN);
	assert_false(event_kind_info(EVENT_ANNOUNCEMENT_REACTION)->deduplicated);
	assert_false(event_kind_info(EVENT_FILTERS_CHANGED)->deduplicated);
	assert_false(event_kind_info(EVENT_NOTIFICATIONS_MERGED)->deduplicated);
	assert_false(event_kind_info(EVENT_UNKNOWN)->deduplicated);
	assert_true(event_kind_info(EVENT_UPDATE)->deduplicated);
	assert_string_equal(event_origin_name(ORIGIN_FILL), "fill");
}

static void
strings_are_copies_that_live_with_the_event(void **state)
{
	(void)state;
	char name[] = "delete";
	struct event parts = {
		.kind = EVENT_DELETE, .name = str_from(name), .id = STR("1"), .stream = STR("")};
	struct event *event = event_create(&parts);
	memset(name, 'x', sizeof(name) - 1);
	assert_string_equal(event->name.ptr, "delete");
	assert_non_null(event->stream.ptr);
	assert_null(event->param.ptr);
	assert_null(event->payload.ptr);
	assert_ptr_equal(event_ref(event), event);
	event_unref(event);
	assert_string_equal(event->id.ptr, "1");
	event_unref(event);
	event_unref(NULL);
}

static void
content_is_looked_for_in_the_right_status(void **state)
{
	static const struct {
		enum event_kind kind;
		const char *payload, *status, *outer, *actor;
	} cases[] = {
		{EVENT_UPDATE, "{\"id\":\"1\",\"reblog\":null,\"account\":{\"id\":\"a\"}}", "1",
			"1", "a"},
		{EVENT_UPDATE,
			"{\"id\":\"1\",\"reblog\":{\"id\":\"2\",\"account\":{\"id\":\"b\"}},\"account\":{\"id\":\"a\"}}",
			"2", "1", "a"},
		{EVENT_NOTIFICATION,
			"{\"id\":\"9\",\"account\":{\"id\":\"c\"},\"status\":{\"id\":\"1\",\"account\":{\"id\":\"a\"}}}",
			"1", "1", "c"},
		{EVENT_NOTIFICATION, "{\"id\":\"9\",\"account\":{\"id\":\"c\"},\"status\":null}",
			NULL, NULL, "c"},
		{EVENT_CONVERSATION,
			"{\"id\":\"9\",\"last_status\":{\"id\":\"3\",\"account\":{\"id\":\"d\"}}}",
			"3", "3", "d"},
		{EVENT_CONVERSATION, "{\"id\":\"9\",\"last_status\":null}", NULL, NULL, NULL},
		{EVENT_ANNOUNCEMENT, "{\"id\":\"9\",\"status\":{\"id\":\"1\"}}", NULL, NULL, NULL},
		{EVENT_DELETE, "7", NULL, NULL, NULL},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct event *event = make(state, cases[i].kind, cases[i].payload);
		assert_true(str_eq_text(
			json_str(json_get(event_status(event), "id")), cases[i].status));
		assert_true(str_eq_text(
			json_str(json_get(event_outer_status(event), "id")), cases[i].outer));
		assert_true(
			str_eq_text(json_str(json_get(event_actor(event), "id")), cases[i].actor));
		event_unref(event);
	}
}

static char *
version_of(void **state, enum event_kind kind, const char *payload)
{
	struct event *event = make(state, kind, payload);
	struct buf out;
	buf_init(&out, 1000);
	event_version(event, &out);
	event_unref(event);
	return buf_take(&out, NULL);
}

static void
counters_do_not_make_a_version(void **state)
{
	char *a = version_of(state, EVENT_STATUS_UPDATE,
		"{\"id\":\"1\",\"edited_at\":\"T\",\"content\":\"x\",\"favourites_count\":1,\"poll\":{\"votes_count\":1}}");
	char *b = version_of(state, EVENT_STATUS_UPDATE,
		"{\"id\":\"1\",\"content\":\"x\",\"favourites_count\":2,\"poll\":{\"votes_count\":5},\"edited_at\":\"T\"}");
	assert_string_equal(a, b);
	assert_true(str_starts(str_from(a), "T/"));
	free(a);
	free(b);
}

static void
what_readers_see_makes_a_version(void **state)
{
	static const char *const payloads[] = {
		"{\"id\":\"1\",\"content\":\"x\"}",
		"{\"id\":\"1\",\"content\":\"y\"}",
		"{\"id\":\"1\",\"content\":\"\",\"spoiler_text\":\"x\"}",
		"{\"id\":\"1\",\"content\":\"x\",\"edited_at\":\"T\"}",
		"{\"id\":\"1\",\"content\":\"x\",\"media_attachments\":[{\"id\":\"5\"}]}",
		"{\"id\":\"1\",\"content\":\"x\",\"media_attachments\":[{\"id\":\"5\",\"description\":\"d\"}]}",
		"{\"id\":\"1\",\"content\":\"x\",\"media_attachments\":[{\"id\":\"5d\"}]}",
		"{\"id\":\"1\",\"content\":\"x\",\"poll\":{\"options\":[{\"title\":\"ab\"},{\"title\":\"c\"}]}}",
		"{\"id\":\"1\",\"content\":\"x\",\"poll\":{\"options\":[{\"title\":\"a\"},{\"title\":\"bc\"}]}}",
		"{\"id\":\"1\",\"content\":\"x\",\"quote\":{\"state\":\"accepted\"}}",
		"{\"id\":\"1\",\"content\":\"x\",\"quote\":{\"state\":\"revoked\"}}",
	};
	char *versions[COUNT_OF(payloads)];
	for (size_t i = 0; i < COUNT_OF(payloads); i++) {
		versions[i] = version_of(state, EVENT_STATUS_UPDATE, payloads[i]);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(versions[i], versions[j]);
		}
	}
	for (size_t i = 0; i < COUNT_OF(payloads); i++) {
		free(versions[i]);
	}
}

static void
versions_of_the_other_kinds(void **state)
{
	static const struct {
		enum event_kind kind;
		const char *payload, *version;
	} cases[] = {
		{EVENT_UPDATE, "{\"id\":\"1\",\"content\":\"x\",\"edited_at\":\"T\"}", ""},
		{EVENT_DELETE, "1", ""},
		{EVENT_NOTIFICATION, "{\"id\":\"1\"}", ""},
		{EVENT_CONVERSATION,
			"{\"id\":\"1\",\"unread\":true,\"last_status\":{\"id\":\"7\"}}",
			"7/unread"},
		{EVENT_CONVERSATION, "{\"id\":\"1\",\"unread\":false,\"last_status\":null}",
			"/read"},
		{EVENT_ANNOUNCEMENT, "{\"id\":\"1\",\"updated_at\":\"U\"}", "U"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *version = version_of(state, cases[i].kind, cases[i].payload);
		assert_string_equal(version, cases[i].version);
		free(version);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_found_by_its_name),
		cmocka_unit_test(strings_are_copies_that_live_with_the_event),
		cmocka_unit_test_setup_teardown(
			content_is_looked_for_in_the_right_status, setup, teardown),
		cmocka_unit_test_setup_teardown(counters_do_not_make_a_version, setup, teardown),
		cmocka_unit_test_setup_teardown(what_readers_see_makes_a_version, setup, teardown),
		cmocka_unit_test_setup_teardown(versions_of_the_other_kinds, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
