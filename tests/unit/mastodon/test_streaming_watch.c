/* SPDX-License-Identifier: MIT */
/* Tests of the watchdogs of streaming connections: silence, the first byte, age. */
#include "streaming_fixture.h"

/* Virtual milliseconds. Where silence must not be found, a busy machine has seconds of real time. */
#define TIMES                                                                                      \
	{                                                                                          \
		.ws_ask_ms = 1000, .ws_quiet_ms = 30000, .sse_quiet_ms = 20000,                    \
		.first_byte_ms = 15000, .answer_ms = 60000, .overlap_ms = 2000,                    \
		.age_min_ms = 3600 * 1000, .age_max_ms = 7200 * 1000                               \
	}

static void
a_websocket_without_events_is_healthy_as_long_as_pings_are_answered(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.times = TIMES};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	run_for(&fixture, 33000);
	assert_int_equal(fixture.upgrades, 1);
	assert_int_equal(fixture.event_count, 1);
	assert_false(has(&fixture.states, "waiting"));
	teardown(&fixture);
}

static void
a_websocket_from_which_nothing_comes_is_dead(void **state)
{
	(void)state;
	struct behaviour behaviour = {.times = TIMES};
	behaviour.times.ws_quiet_ms = 6000;
	behaviour.times.ws_ask_ms = 0; /* nobody asks, and this server sends nothing by itself */
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	run_events(&fixture, 2);
	expect(&fixture.states, "nothing came for 6 s, not even a ping");
	assert_int_equal(fixture.upgrades, 2);
	assert_int_equal(fixture.asked, 1); /* what the server understands is known by now */
	teardown(&fixture);
}

struct thump {
	struct fixture *fixture;
	unsigned left;
};

static void
on_thump(void *data)
{
	struct thump *thump = data;
	if (thump->left > 0 && thump->fixture->conn_count > 0) {
		thump->left--;
		(void)server_write(thump->fixture->scripted.server, thump->fixture->conns[0].id,
			STR(":thump\n"));
	}
}

static void
heartbeats_keep_an_event_stream_and_their_absence_ends_it(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.times = TIMES};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_SSE, &behaviour);
	struct thump thump = {&fixture, 12};
	struct loop_timer *timer = loop_timer_create(fixture.scripted.loop, on_thump, &thump);
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	loop_timer_start(timer, 500, 2000);
	run_for(&fixture, 22000);
	assert_int_equal(fixture.requests, 1);
	assert_false(has(&fixture.states, "waiting"));
	run_events(&fixture, 2);
	expect(&fixture.states, "nothing came for 20 s, not even a heartbeat");
	assert_int_equal(thump.left, 0);
	loop_timer_destroy(timer);
	teardown(&fixture);
}

static void
on_heartbeat(void *data)
{
	struct fixture *fixture = data;
	const struct conn *conn = &fixture->conns[0];
	if (conn->is_ws) {
		(void)server_ws_ping(fixture->scripted.server, conn->id, STR_NONE, false);
	} else {
		(void)server_write(fixture->scripted.server, conn->id, STR(":thump\n"));
	}
}

/* As Mastodon does it, and with the times that the program has. */
static void
pings_without_an_event_are_healthy(void **state)
{
	(void)state;
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		static const struct behaviour behaviour = {.is_silent = false};
		struct fixture fixture;
		setup(&fixture, transports[t], &behaviour);
		struct loop_timer *timer =
			loop_timer_create(fixture.scripted.loop, on_heartbeat, &fixture);
		int64_t every_ms = transports[t] == TRANSPORT_WS ? 30000 : 15000;
		add(&fixture, "public", NULL);
		run_events(&fixture, 1);
		loop_timer_start(timer, every_ms, every_ms);
		run_for(&fixture, 3 * 60 * 1000);
		assert_int_equal(fixture.upgrades + fixture.requests, 1);
		assert_int_equal(fixture.event_count, 1);
		assert_false(has(&fixture.states, "waiting"));
		loop_timer_destroy(timer);
		teardown(&fixture);
	}
}

static void
silence_does_not_count_while_nothing_is_read(void **state)
{
	(void)state;
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct behaviour behaviour = {.times = TIMES};
		behaviour.times.ws_quiet_ms = 3000;
		behaviour.times.sse_quiet_ms = 3000;
		struct fixture fixture;
		setup(&fixture, transports[t], &behaviour);
		add(&fixture, "public", NULL);
		run_events(&fixture, 1);
		streaming_pause(fixture.streaming, true);
		run_for(&fixture, 8000);
		assert_int_equal(fixture.upgrades + fixture.requests, 1);
		streaming_pause(fixture.streaming, false);
		teardown(&fixture);
	}
}

struct sender {
	struct fixture *fixture;
	unsigned sent;
};

static void
on_send(void *data)
{
	struct sender *sender = data;
	struct fixture *fixture = sender->fixture;
	fixture->messages = 1000 + sender->sent;
	for (unsigned i = 0; i < fixture->conn_count; i++) {
		send_update(fixture, fixture->conns[i].id, "public", NULL);
	}
	sender->sent += fixture->conn_count > 0 ? 1 : 0;
}

static bool
stay_silent(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)fixture, (void)id, (void)stream, (void)param;
	return true;
}

static void
an_old_websocket_is_renewed_without_a_gap(void **state)
{
	(void)state;
	struct behaviour behaviour = {.times = TIMES, .subscribed = stay_silent};
	behaviour.times.age_min_ms = 3000;
	behaviour.times.age_max_ms = 4000;
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	struct sender sender = {&fixture, 0};
	struct loop_timer *timer = loop_timer_create(fixture.scripted.loop, on_send, &sender);
	add(&fixture, "public", NULL);
	add(&fixture, "hashtag", "cats");
	run_until(&fixture, &fixture.states, "hashtag cats: live");
	loop_timer_start(timer, 200, 200);
	while (fixture.upgrades < 4) {
		run_for(&fixture, 1000);
	}
	loop_timer_stop(timer);
	run_for(&fixture, 2000);
	for (unsigned i = 0; i < sender.sent; i++) {
		char line[64];
		(void)snprintf(line, sizeof(line), "update public - %u\n", 1000 + i);
		expect(&fixture.events, line);
	}
	assert_int_equal(count(&fixture.states, "connecting"), 2);
	assert_int_equal(count(&fixture.states, "live"), 2);
	assert_true(count(&fixture.heard, "subscribe hashtag cats") >= 3);
	assert_true(fixture.conn_count <= 2);
	loop_timer_destroy(timer);
	teardown(&fixture);
}

static void
what_lies_unread_in_an_old_connection_is_not_lost(void **state)
{
	(void)state;
	struct behaviour behaviour = {.times = TIMES, .subscribed = stay_silent};
	behaviour.times.age_min_ms = 1500;
	behaviour.times.age_max_ms = 1500;
	behaviour.times.overlap_ms = 1000;
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	struct sender sender = {&fixture, 0};
	struct loop_timer *timer = loop_timer_create(fixture.scripted.loop, on_send, &sender);
	add(&fixture, "public", NULL);
	run_until(&fixture, &fixture.states, "public -: live");
	loop_timer_start(timer, 200, 200);
	for (unsigned round = 0; round < 3; round++) {
		streaming_pause(fixture.streaming, true);
		run_for(&fixture, 4000);
		streaming_pause(fixture.streaming, false);
		run_for(&fixture, 2000);
	}
	loop_timer_stop(timer);
	run_for(&fixture, 2000);
	assert_true(fixture.upgrades > 1);
	for (unsigned i = 0; i < sender.sent; i++) {
		char line[64];
		(void)snprintf(line, sizeof(line), "update public - %u\n", 1000 + i);
		expect(&fixture.events, line);
	}
	assert_false(has(&fixture.states, "waiting"));
	loop_timer_destroy(timer);
	teardown(&fixture);
}

static void
an_old_event_stream_is_asked_for_anew(void **state)
{
	(void)state;
	struct behaviour behaviour = {.times = TIMES};
	behaviour.times.age_min_ms = 3000;
	behaviour.times.age_max_ms = 3000;
	struct fixture fixture;
	setup(&fixture, TRANSPORT_SSE, &behaviour);
	add(&fixture, "public", NULL);
	run_events(&fixture, 3);
	assert_false(has(&fixture.states, "waiting"));
	assert_string_equal(fixture.news.ptr, "public up\n"); /* nobody has to hear of it */
	teardown(&fixture);
}

static int
upgrade_503_after_the_first(struct fixture *fixture, const struct server_request *request)
{
	(void)request;
	return fixture->upgrades == 1 ? 0 : 503;
}

static void
a_renewal_that_fails_leaves_the_old_connection(void **state)
{
	(void)state;
	struct behaviour behaviour = {.times = TIMES, .upgrade = upgrade_503_after_the_first};
	behaviour.times.age_min_ms = 2000;
	behaviour.times.age_max_ms = 2000;
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	run_for(&fixture, 7000);
	assert_in_range(fixture.upgrades, 3, 5);
	assert_int_equal(fixture.conn_count, 1);
	assert_false(has(&fixture.states, "waiting"));
	send_update(&fixture, fixture.conns[0].id, "public", NULL);
	run_events(&fixture, 2);
	teardown(&fixture);
}

static void
tells_when_the_last_byte_came_and_since_when(void *data, const struct stream_status *status)
{
	struct fixture *fixture = data;
	struct clock clock = loop_clock(fixture->scripted.loop);
	int64_t now_ms = clock_wall_ms(&clock);
	assert_int_equal(status->state, STREAM_FILLING);
	assert_int_equal(status->was, STREAM_LIVE);
	assert_true(status->last_byte_ms > status->last_event_ms - 1000);
	assert_true(now_ms - status->last_byte_ms < 7000); /* a pong */
	assert_true(now_ms - status->last_event_ms >= 8000);
	assert_true(now_ms - status->since_ms < 7000);
	assert_int_equal(status->attempts, 0);
	assert_string_equal(status->transport, "ws");
	fixture->wanted++;
}

static void
a_status_has_the_times(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.times = TIMES};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	streaming_filling(fixture.streaming, STR("public"), STR_NONE, true); /* not live yet */
	run_events(&fixture, 1);
	run_for(&fixture, 9000);
	streaming_filling(fixture.streaming, STR("public"), STR_NONE, true);
	fixture.wanted = 0;
	streaming_each(fixture.streaming, tells_when_the_last_byte_came_and_since_when, &fixture);
	assert_int_equal(fixture.wanted, 1);
	streaming_filling(fixture.streaming, STR("public"), STR_NONE, false);
	expect(&fixture.states, "public -: filling \npublic -: live \n");
	assert_int_equal(count(&fixture.states, "filling"), 1);
	teardown(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_websocket_without_events_is_healthy_as_long_as_pings_are_answered),
		cmocka_unit_test(a_websocket_from_which_nothing_comes_is_dead),
		cmocka_unit_test(heartbeats_keep_an_event_stream_and_their_absence_ends_it),
		cmocka_unit_test(pings_without_an_event_are_healthy),
		cmocka_unit_test(silence_does_not_count_while_nothing_is_read),
		cmocka_unit_test(an_old_websocket_is_renewed_without_a_gap),
		cmocka_unit_test(what_lies_unread_in_an_old_connection_is_not_lost),
		cmocka_unit_test(an_old_event_stream_is_asked_for_anew),
		cmocka_unit_test(a_renewal_that_fails_leaves_the_old_connection),
		cmocka_unit_test(a_status_has_the_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
