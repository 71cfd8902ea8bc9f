/* SPDX-License-Identifier: MIT */
/* Tests of the streaming connections as they should be, on both transports. */
#include "streaming_fixture.h"

static void
brings_every_stream_with_its_name(void **state)
{
	(void)state;
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE, TRANSPORT_AUTO};
	size_t names_count = 0;
	const char *const *names = stream_names(&names_count);
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct fixture fixture;
		setup(&fixture, transports[t], NULL);
		size_t streamed = 0;
		for (size_t i = 0; i < names_count; i++) {
			streamed += stream_info(str_from(names[i]))->path != NULL;
			const char *parameter = stream_info(str_from(names[i]))->parameter;
			const char *param = parameter == NULL               ? NULL
					    : strcmp(parameter, "tag") == 0 ? "#cats"
									    : "12";
			add(&fixture, names[i], param);
			add(&fixture, names[i], param); /* twice is once */
		}
		run_events(&fixture, (unsigned)streamed);
		for (size_t i = 0; i < names_count; i++) {
			if (stream_info(str_from(names[i]))->path == NULL) {
				continue; /* left to whoever polls it */
			}
			const char *parameter = stream_info(str_from(names[i]))->parameter;
			char line[200];
			(void)snprintf(line, sizeof(line), "update %s %s ", names[i],
				parameter == NULL               ? "-"
				: strcmp(parameter, "tag") == 0 ? "cats"
								: "12");
			assert_int_equal(count(&fixture.events, line), 1);
			(void)snprintf(line, sizeof(line), "%s %s: live", names[i],
				parameter == NULL               ? "-"
				: strcmp(parameter, "tag") == 0 ? "cats"
								: "12");
			assert_int_equal(count(&fixture.states, line), 1);
		}
		bool ws = transports[t] != TRANSPORT_SSE;
		assert_int_equal(fixture.upgrades, ws ? 1 : 0);
		assert_int_equal(fixture.requests, ws ? 0 : streamed);
		assert_int_equal(count(&fixture.states, "bookmarks -: connecting"), 1);
		assert_int_equal(count(&fixture.states, "bookmarks -:"), 1);
		teardown(&fixture);
	}
}

static bool
stay_silent(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)fixture, (void)id, (void)stream, (void)param;
	return true;
}

static void
is_live_a_moment_after_a_silent_subscribe(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.subscribed = stay_silent};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	run_until(&fixture, &fixture.states, "public -: live");
	assert_string_equal(fixture.states.ptr, "public -: connecting \npublic -: live \n");
	add(&fixture, "hashtag", "dogs");
	run_until(&fixture, &fixture.states, "hashtag dogs: live");
	assert_int_equal(fixture.upgrades, 1);
	scripted_expect_line(&fixture.scripted, "info bot: hashtag dogs is live (ws)");
	teardown(&fixture);
}

static void
unsubscribes_what_is_removed_and_leaves_with_the_last(void **state)
{
	(void)state;
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, NULL);
	add(&fixture, "public", NULL);
	add(&fixture, "hashtag", "cats");
	run_events(&fixture, 2);
	streaming_remove(fixture.streaming, STR("hashtag"), STR("#Cats"));
	run_until(&fixture, &fixture.heard, "unsubscribe hashtag cats");
	assert_int_equal(fixture.conn_count, 1);
	streaming_remove(fixture.streaming, STR("public"), STR_NONE);
	run_for(&fixture, 2000);
	assert_int_equal(fixture.conn_count, 0);
	add(&fixture, "user", NULL);
	run_events(&fixture, 3);
	assert_int_equal(fixture.upgrades, 2);
	teardown(&fixture);

	setup(&fixture, TRANSPORT_SSE, NULL);
	add(&fixture, "public", NULL);
	add(&fixture, "list", "12");
	run_events(&fixture, 2);
	streaming_remove(fixture.streaming, STR("public"), STR_NONE);
	run_for(&fixture, 2000);
	assert_int_equal(fixture.conn_count, 1);
	teardown(&fixture);
}

static void
reads_nothing_while_paused(void **state)
{
	(void)state;
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct fixture fixture;
		setup(&fixture, transports[t], NULL);
		add(&fixture, "public", NULL);
		run_events(&fixture, 1);
		streaming_pause(fixture.streaming, true);
		struct conn *conn = &fixture.conns[0];
		if (conn->is_ws) {
			send_update(&fixture, conn->id, "public", NULL);
		} else {
			assert_true(server_write(fixture.scripted.server, conn->id,
				STR("event: delete\ndata: 5\n\n")));
		}
		run_for(&fixture, 100);
		assert_int_equal(fixture.event_count, 1);
		streaming_pause(fixture.streaming, false);
		run_events(&fixture, 2);
		teardown(&fixture);
	}
}

static void
counts_messages_that_cannot_be_read(void **state)
{
	(void)state;
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, NULL);
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	server_conn id = fixture.conns[0].id;
	send_text(&fixture, id, "{no json");
	send_text(&fixture, id, "");
	send_text(&fixture, id,
		"{\"stream\":[\"public\"],\"event\":\"update\",\"payload\":\"<html>\"}");
	send_update(&fixture, id, "public", NULL);
	run_events(&fixture, 2);
	assert_int_equal(fixture.broken_count, 2);
	assert_int_equal(fixture.upgrades, 1);
	teardown(&fixture);
}

static bool
speak_otherwise(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)param;
	if (strcmp(stream, "user") == 0) {
		send_text(fixture, id, "{\"event\":\"delete\",\"payload\":\"99\"}");
	} else if (strcmp(stream, "hashtag") == 0) {
		send_text(fixture, id,
			"{\"stream\":[\"hashtag\"],\"event\":\"delete\",\"payload\":\"98\"}");
	} else {
		send_text(fixture, id,
			"{\"stream\":[\"list:12\"],\"event\":\"delete\",\"payload\":\"97\"}");
	}
	return true;
}

static void
understands_servers_that_name_streams_otherwise(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.subscribed = speak_otherwise};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "user", NULL);
	add(&fixture, "hashtag", "cats");
	add(&fixture, "list", "12");
	run_events(&fixture, 5); /* the first delete comes to all three */
	expect(&fixture.events, "delete user - 99\n");
	expect(&fixture.events, "delete hashtag cats 99\n");
	expect(&fixture.events, "delete list 12 99\n");
	expect(&fixture.events, "delete hashtag cats 98\n");
	expect(&fixture.events, "delete list 12 97\n");
	teardown(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brings_every_stream_with_its_name),
		cmocka_unit_test(is_live_a_moment_after_a_silent_subscribe),
		cmocka_unit_test(unsubscribes_what_is_removed_and_leaves_with_the_last),
		cmocka_unit_test(reads_nothing_while_paused),
		cmocka_unit_test(counts_messages_that_cannot_be_read),
		cmocka_unit_test(understands_servers_that_name_streams_otherwise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
