/* SPDX-License-Identifier: MIT */
/* Tests of what is tried again: WebSocket beside SSE, streaming where polling had to do, refused streams. */
#include "streaming_fixture.h"

#define MINUTE (60 * 1000)

/* Silence is never found here. */
#define TIMES                                                                                      \
	{                                                                                          \
		.ws_ask_ms = 0, .ws_quiet_ms = 3600 * 1000, .sse_quiet_ms = 3600 * 1000,           \
		.first_byte_ms = 60000, .answer_ms = 5000, .overlap_ms = 3000,                     \
		.age_min_ms = 20000, .age_max_ms = 30000, .refused_ms = 20000, .silent_ms = MINUTE \
	}

/* ---- WebSocket beside SSE ---- */

static int
upgrade_404_while_down(struct fixture *fixture, const struct server_request *request)
{
	(void)request;
	return fixture->is_down ? 404 : 0;
}

struct sender {
	struct fixture *fixture;
	unsigned sent;
};

/* To all who listen, over whatever they listen. */
static void
on_send(void *data)
{
	struct sender *sender = data;
	struct fixture *fixture = sender->fixture;
	fixture->messages = 1000 + sender->sent;
	for (unsigned i = 0; i < fixture->conn_count; i++) {
		const struct conn *conn = &fixture->conns[i];
		char text[300];
		if (conn->is_ws && count(&fixture->heard, "subscribe public -") > 0) {
			send_update(fixture, conn->id, "public", NULL);
		} else if (!conn->is_ws && strcmp(conn->stream, "public") == 0) {
			(void)snprintf(text, sizeof(text), "event: update\ndata: " STATUS "\n\n",
				fixture->messages);
			assert_true(
				server_write(fixture->scripted.server, conn->id, str_from(text)));
		}
	}
	sender->sent += fixture->conn_count > 0 ? 1 : 0;
}

static void
count_sse(void *data, const struct stream_status *status)
{
	unsigned *over_sse = data;
	*over_sse += strcmp(status->transport, "sse") == 0;
	assert_int_equal(status->state, STREAM_LIVE);
}

static unsigned
over_sse(const struct fixture *fixture)
{
	unsigned found = 0;
	streaming_each(fixture->streaming, count_sse, &found);
	return found;
}

static void
goes_back_to_websocket_without_a_gap(void **state)
{
	(void)state;
	static const struct behaviour rows[] = {
		{.times = TIMES, .upgrade = upgrade_404_while_down},
		{.times = TIMES, .upgrade = upgrade_404_while_down, .is_silent = true},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture fixture;
		setup(&fixture, TRANSPORT_AUTO, &rows[i]);
		struct sender sender = {&fixture, 0};
		struct loop_timer *timer =
			loop_timer_create(fixture.scripted.loop, on_send, &sender);
		fixture.is_down = true;
		add(&fixture, "public", NULL);
		add(&fixture, "hashtag", "cats");
		run_events(&fixture, 2);
		assert_int_equal(over_sse(&fixture), 2);
		buf_clear(&fixture.news);
		unsigned upgrades = fixture.upgrades;
		unsigned states = count(&fixture.states, "\n");
		loop_timer_start(timer, 500, 500);
		/* It still fails: SSE goes on, renewed by its age. */
		run_for(&fixture, MINUTE);
		assert_in_range(fixture.upgrades - upgrades, 1, 6);
		assert_int_equal(over_sse(&fixture), 2);
		assert_true(scripted_count_lines(&fixture.scripted, "SSE goes on") >= 1);
		assert_false(has(&fixture.states, "disabled"));
		fixture.is_down = false;
		states = count(&fixture.states, "\n");
		while (over_sse(&fixture) > 0) {
			run_for(&fixture, 10000);
		}
		run_for(&fixture, 10000);
		loop_timer_stop(timer);
		run_for(&fixture, 2000);
		for (unsigned n = 0; i == 0 && n < sender.sent; n++) {
			char line[64];
			(void)snprintf(line, sizeof(line), "update public - %u\n", 1000 + n);
			expect(&fixture.events, line);
		}
		if (count(&fixture.states, "\n") - states > 4) { /* renewed at most once each */
			fail_msg("%s", fixture.states.ptr);
		}
		assert_int_equal(fixture.news.len, 0);
		scripted_expect_line(&fixture.scripted, "WebSocket works again, SSE is left");
		assert_int_equal(fixture.conn_count, i == 0 ? 1 : 2);
		loop_timer_destroy(timer);
		teardown(&fixture);
	}
}

static bool
refuse_in_band(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	send_text(fixture, id, "{\"error\":\"Not for you\",\"status\":401}");
	return true;
}

static void
a_websocket_that_refuses_what_sse_brings_is_not_taken(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.times = TIMES, .upgrade = upgrade_404_while_down, .subscribed = refuse_in_band};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_AUTO, &behaviour);
	fixture.is_down = true;
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	buf_clear(&fixture.news);
	fixture.is_down = false;
	run_until(&fixture, &fixture.heard, "subscribe public");
	run_for(&fixture, 10000);
	assert_int_equal(over_sse(&fixture), 1);
	assert_false(has(&fixture.states, "refused"));
	assert_false(has(&fixture.states, "disabled"));
	assert_int_equal(fixture.conn_count, 1);
	assert_int_equal(fixture.news.len, 0);
	teardown(&fixture);
}

/* ---- streaming where polling had to do ---- */

static bool
request_404_while_down(
	struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	if (fixture->is_down) {
		answer_error(fixture, id, 404, "Not found");
	}
	return fixture->is_down;
}

static bool
is_absent(void *data)
{
	return ((struct fixture *)data)->absent > 0;
}

static void
leave_to_polling(struct fixture *fixture, const struct behaviour *behaviour)
{
	setup(fixture, TRANSPORT_AUTO, behaviour);
	fixture->is_down = true;
	add(fixture, "public", NULL);
	assert_true(scripted_run(&fixture->scripted, is_absent, fixture, 600 * 1000));
	streaming_polled(fixture->streaming, STR("public"), STR_NONE, STREAM_LIVE, 0, "");
	buf_clear(&fixture->states);
	buf_clear(&fixture->news);
}

static void
a_server_that_gains_streaming_is_streamed(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.times = TIMES,
		.upgrade = upgrade_404_while_down,
		.requested = request_404_while_down};
	struct fixture fixture;
	leave_to_polling(&fixture, &behaviour);
	fixture.is_down = false;
	streaming_again(fixture.streaming);
	run_events(&fixture, 1);
	expect(&fixture.states, "public -: connecting perhaps the server has streaming");
	expect(&fixture.states, "public -: live");
	scripted_expect_line(&fixture.scripted, "public is live (ws)");
	assert_int_equal(fixture.news.len, 0); /* it had brought events all the time */
	streaming_again(fixture.streaming);    /* is no news any more */
	run_for(&fixture, 5000);
	assert_int_equal(fixture.conn_count, 1);
	teardown(&fixture);
}

static int
upgrade_503_while_down(struct fixture *fixture, const struct server_request *request)
{
	(void)request;
	return fixture->is_down ? (fixture->absent > 0 ? 503 : 404) : 0;
}

static int
upgrade_404_at_first(struct fixture *fixture, const struct server_request *request)
{
	(void)request;
	return fixture->absent > 0 ? 0 : 404;
}

static void
close_while_down(struct fixture *fixture, struct conn *conn)
{
	if (fixture->is_down) {
		(void)server_ws_close(fixture->scripted.server, conn->id, 1011, STR("no"));
	}
}

static void
polling_goes_on_at_once_where_streaming_still_fails(void **state)
{
	(void)state;
	static const struct behaviour rows[] = {
		{.times = TIMES,
			.upgrade = upgrade_404_while_down,
			.requested = request_404_while_down},
		{.times = TIMES,
			.upgrade = upgrade_503_while_down,
			.requested = request_404_while_down},
		{.times = TIMES,
			.upgrade = upgrade_404_at_first,
			.opened = close_while_down,
			.requested = request_404_while_down},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture fixture;
		leave_to_polling(&fixture, &rows[i]);
		unsigned attempts = fixture.upgrades + fixture.requests;
		streaming_again(fixture.streaming);
		run_until(&fixture, &fixture.states, "public -: connecting 404");
		run_for(&fixture, MINUTE);
		assert_int_equal(fixture.upgrades + fixture.requests, attempts + 2);
		assert_false(has(&fixture.states, "waiting"));
		assert_int_equal(fixture.absent, 1);
		streaming_polled(fixture.streaming, STR("public"), STR_NONE, STREAM_LIVE, 0, "");
		assert_int_equal(fixture.news.len, 0);
		/* And the next day again. */
		fixture.is_down = false;
		streaming_again(fixture.streaming);
		run_events(&fixture, 1);
		teardown(&fixture);
	}
}

/* ---- refused streams ---- */

static bool
refuse_list_in_band(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)param;
	if (!fixture->is_down || strcmp(stream, "list") != 0) {
		return false;
	}
	send_text(fixture, id, "{\"error\":\"Not authorized to stream this list\",\"status\":401}");
	return true;
}

static void
refuse_list_by_address(struct fixture *fixture, struct conn *conn)
{
	if (conn->stream != NULL &&
		!refuse_list_in_band(fixture, conn->id, conn->stream, conn->param)) {
		fixture->messages++;
		send_update(fixture, conn->id, conn->stream, conn->param);
	}
}

static bool
refuse_list_over_sse(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)param;
	if (!fixture->is_down || strcmp(stream, "list") != 0) {
		return false;
	}
	answer_error(fixture, id, 401, "Not authorized to stream this list");
	return true;
}

static void
a_refused_stream_is_asked_for_once_a_day_and_works_when_it_may(void **state)
{
	(void)state;
	static const struct {
		enum transport transport;
		struct behaviour behaviour;
	} rows[] = {
		{TRANSPORT_WS, {.times = TIMES,
				       .subscribed = refuse_list_in_band,
				       .opened = refuse_list_by_address}},
		{TRANSPORT_SSE, {.times = TIMES, .requested = refuse_list_over_sse}},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct behaviour behaviour = rows[i].behaviour;
		behaviour.times.age_min_ms = behaviour.times.age_max_ms = 24 * 60 * MINUTE;
		struct fixture fixture;
		setup(&fixture, rows[i].transport, &behaviour);
		fixture.is_down = true;
		add(&fixture, "public", NULL);
		add(&fixture, "list", "12");
		run_until(&fixture, &fixture.states, "list 12: refused");
		run_for(&fixture, 90000);
		assert_in_range(count(&fixture.states, "list 12: refused"), 5, 7);
		assert_false(has(&fixture.states, "public -: waiting"));
		assert_int_equal(scripted_count_lines(&fixture.scripted, "error bot:"), 1);
		assert_string_equal(fixture.news.ptr, "public up\nlist down\n");
		fixture.is_down = false;
		run_until(&fixture, &fixture.states, "list 12: live");
		expect(&fixture.events, "update list 12");
		assert_string_equal(fixture.news.ptr, "public up\nlist down\nlist up\n");
		teardown(&fixture);
	}
}

static void
a_refused_stream_is_asked_for_when_somebody_adds_it_anew(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.subscribed = refuse_list_in_band, .opened = refuse_list_by_address};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	fixture.is_down = true;
	add(&fixture, "list", "12");
	run_until(&fixture, &fixture.states, "list 12: refused");
	run_for(&fixture, MINUTE);
	fixture.is_down = false;
	add(&fixture, "list", "12");
	run_events(&fixture, 1);
	expect(&fixture.states, "list 12: connecting it was refused, and is asked for again");
	expect(&fixture.states, "list 12: live");
	teardown(&fixture);
}

/* ---- streams that bring nothing ---- */

static bool
silent_in_band(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)fixture, (void)id, (void)param;
	return strcmp(stream, "hashtag") == 0;
}

static void
silent_by_address(struct fixture *fixture, struct conn *conn)
{
	if (conn->stream != NULL && !fixture->is_down) {
		fixture->messages++;
		send_update(fixture, conn->id, conn->stream, conn->param);
	}
}

static enum stream_remedy
find_silent(struct fixture *fixture, const char *stream, const char *param)
{
	return streaming_silent(
		fixture->streaming, str_from(stream), str_from(param), "REST has newer posts");
}

static void
a_stream_that_is_silent_in_band_is_named_in_an_address_and_then_polled(void **state)
{
	(void)state;
	struct behaviour behaviour = {
		.times = TIMES, .subscribed = silent_in_band, .opened = silent_by_address};
	behaviour.times.age_min_ms = behaviour.times.age_max_ms = 24 * 60 * MINUTE;
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "hashtag", "cats");
	run_until(&fixture, &fixture.states, "hashtag cats: live");
	run_events(&fixture, 1);
	buf_clear(&fixture.news);
	assert_int_equal(find_silent(&fixture, "hashtag", "cats"), STREAM_REMEDY_OWN);
	assert_int_equal(find_silent(&fixture, "hashtag", "cats"), STREAM_REMEDY_NONE);
	run_events(&fixture, 2);
	expect(&fixture.events, "update hashtag cats");
	assert_true(has(&fixture.queries, "stream=hashtag&tag=cats"));
	assert_int_equal(count(&fixture.heard, "unsubscribe hashtag cats"), 1);

	/* Silent there as well: the connection is made again, then the stream is polled, and listened to a minute later. */
	fixture.is_down = true;
	assert_int_equal(find_silent(&fixture, "hashtag", "cats"), STREAM_REMEDY_ANEW);
	run_for(&fixture, 5000);
	assert_int_equal(find_silent(&fixture, "hashtag", "cats"), STREAM_REMEDY_POLL);
	streaming_polled(fixture.streaming, STR("hashtag"), STR("cats"), STREAM_LIVE, 0, "");
	run_for(&fixture, 5000);
	assert_int_equal(fixture.conn_count, 1);
	unsigned upgrades = fixture.upgrades;
	run_for(&fixture, MINUTE - 10000);
	assert_int_equal(fixture.upgrades, upgrades);
	run_for(&fixture, 10000);
	assert_int_equal(fixture.upgrades, upgrades + 1);
	assert_int_equal(find_silent(&fixture, "hashtag", "cats"), STREAM_REMEDY_POLL);
	fixture.is_down = false;
	run_for(&fixture, 2 * MINUTE - 5000);
	assert_int_equal(fixture.upgrades, upgrades + 1);
	unsigned events = fixture.event_count;
	run_events(&fixture, events + 1);
	assert_int_equal(fixture.news.len, 0);
	assert_false(has(&fixture.states, "public -: waiting"));
	teardown(&fixture);
}

static void
where_nothing_comes_at_all_everything_is_connected_anew(void **state)
{
	(void)state;
	struct behaviour behaviour = {.times = TIMES};
	behaviour.times.age_min_ms = behaviour.times.age_max_ms = 24 * 60 * MINUTE;
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "hashtag", "cats");
	run_events(&fixture, 2);
	run_for(&fixture, 11 * MINUTE);
	assert_int_equal(find_silent(&fixture, "hashtag", "cats"), STREAM_REMEDY_ANEW);
	run_events(&fixture, 4);
	assert_int_equal(fixture.upgrades, 2);
	assert_int_equal(fixture.conn_count, 1);
	teardown(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_back_to_websocket_without_a_gap),
		cmocka_unit_test(a_websocket_that_refuses_what_sse_brings_is_not_taken),
		cmocka_unit_test(a_server_that_gains_streaming_is_streamed),
		cmocka_unit_test(polling_goes_on_at_once_where_streaming_still_fails),
		cmocka_unit_test(a_refused_stream_is_asked_for_once_a_day_and_works_when_it_may),
		cmocka_unit_test(a_refused_stream_is_asked_for_when_somebody_adds_it_anew),
		cmocka_unit_test(
			a_stream_that_is_silent_in_band_is_named_in_an_address_and_then_polled),
		cmocka_unit_test(where_nothing_comes_at_all_everything_is_connected_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
