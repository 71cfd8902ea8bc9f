/* SPDX-License-Identifier: MIT */
/* Tests of the streaming connections when the server refuses, fails or goes away. */
#include "streaming_fixture.h"

#define MINUTE (60 * 1000)

/* ---- refused streams ---- */

static bool
refuse_lists(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	if (strcmp(stream, "list") != 0 || strcmp(param, "12") == 0) {
		return false;
	}
	send_text(fixture, id, "{\"error\":\"Not authorized to stream this list\",\"status\":401}");
	return true;
}

static void
refuses_the_only_stream_that_an_error_can_mean(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.subscribed = refuse_lists};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "list", "13");
	run_until(&fixture, &fixture.states, "list 13: refused");
	expect(&fixture.states,
		"list 13: refused the server says 401 \"Not authorized to stream this list\"");
	run_for(&fixture, MINUTE / 6);
	assert_false(has(&fixture.states, "public -: waiting"));
	assert_false(has(&fixture.states, "list 13: live"));
	assert_int_equal(count(&fixture.heard, "subscribe list 13"), 1);
	assert_int_equal(fixture.requests, 0);
	assert_int_equal(scripted_count_lines(&fixture.scripted, "error bot: list 13"), 1);
	teardown(&fixture);
}

static bool
silent_or_refused(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	return refuse_lists(fixture, id, stream, param) || strcmp(stream, "list") == 0;
}

static bool
probe_lists(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	assert_string_equal(stream, "list");
	if (strcmp(param, "12") == 0) {
		return false;
	}
	answer_error(fixture, id, 401, "Not authorized to stream this list");
	return true;
}

static void
asks_over_http_which_of_several_is_refused(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.subscribed = silent_or_refused, .requested = probe_lists};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "list", "12");
	add(&fixture, "list", "13");
	run_until(&fixture, &fixture.states, "list 13: refused");
	run_for(&fixture, MINUTE / 6);
	expect(&fixture.states, "list 12: live");
	assert_false(has(&fixture.states, "list 13: live"));
	assert_int_equal(fixture.requests, 2);
	assert_int_equal(fixture.upgrades, 1);
	assert_int_equal(fixture.conn_count, 1); /* the probe's answer was ended */
	teardown(&fixture);
}

static bool
refuse_scopes(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	send_text(fixture, id,
		"{\"error\":\"Access token does not have the required scopes\",\"status\":401}");
	return true;
}

static bool
answer_404(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	answer_error(fixture, id, 404, "Not found");
	return true;
}

static void
only_warns_when_nothing_tells_whom_an_error_means(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.subscribed = refuse_scopes, .requested = answer_404};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "user", NULL);
	run_until(&fixture, &fixture.states, "user -: live");
	expect(&fixture.states, "public -: live");
	scripted_expect_line(&fixture.scripted, "without saying which; public may be silent");
	teardown(&fixture);
}

static bool
fail_once(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	if (count(&fixture->heard, "subscribe") > 1) {
		return false;
	}
	send_text(fixture, id, "{\"error\":\"An unexpected error occurred\",\"status\":500}");
	return true;
}

static void
subscribes_again_after_an_error_of_the_server(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.subscribed = fail_once};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	expect(&fixture.states, "public -: waiting the server says 500");
	assert_int_equal(fixture.upgrades, 1);
	teardown(&fixture);
}

static bool
refuse_over_sse(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)param;
	if (strcmp(stream, "user") == 0) {
		answer_error(fixture, id, 401, "Access token does not have the required scopes");
	} else if (strcmp(stream, "list") == 0) {
		answer_error(fixture, id, 401, "Not authorized to stream this list");
	} else if (strcmp(stream, "direct") == 0) {
		answer_error(fixture, id, 400, "Unknown channel requested");
	} else if (strcmp(stream, "public:local") == 0) {
		answer_error(fixture, id, 404, "Not found");
	}
	return strcmp(stream, "public") != 0;
}

static void
refuses_single_streams_over_sse(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.requested = refuse_over_sse};
	static const char *const streams[] = {"user", "list", "direct", "public:local", "public"};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_SSE, &behaviour);
	for (size_t i = 0; i < COUNT_OF(streams); i++) {
		add(&fixture, streams[i], i == 1 ? "12" : NULL);
	}
	run_events(&fixture, 1);
	run_for(&fixture, MINUTE / 6);
	expect(&fixture.states, "user -: refused the server says 401 \"Access token does not have");
	expect(&fixture.states, "list 12: refused the server says 401");
	expect(&fixture.states, "direct -: refused the server says 400");
	expect(&fixture.states, "public:local -: refused the server has no such stream over SSE");
	assert_int_equal(fixture.requests, COUNT_OF(streams));
	assert_int_equal(fixture.event_count, 1);
	teardown(&fixture);
}

/* ---- connections that name no stream ---- */

/* Old Pleroma (protocol.md 9.3). */
static int
upgrade_with_a_stream_only(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture;
	return request->query.len == 0 ? 400 : 0;
}

static int
upgrade_400(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture, (void)request;
	return 400;
}

static void
names_the_stream_in_the_address_where_nothing_else_is_taken(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = upgrade_with_a_stream_only};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_AUTO, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "hashtag", "cats");
	run_for(&fixture, MINUTE / 6);
	expect(&fixture.states, "public -: live");
	expect(&fixture.states, "hashtag cats: live");
	assert_string_equal(fixture.queries.ptr, "\nstream=public\nstream=hashtag&tag=cats\n");
	assert_int_equal(fixture.requests, 0);
	teardown(&fixture);
}

static void
takes_sse_where_every_address_is_400(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = upgrade_400};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_AUTO, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "hashtag", "cats");
	run_events(&fixture, 2);
	assert_true(fixture.upgrades >= 2 && fixture.upgrades <= 3); /* without, and with */
	assert_int_equal(fixture.requests, 2);
	teardown(&fixture);
}

/* ---- refused credentials ---- */

static int
upgrade_401(struct fixture *fixture, const struct server_request *request)
{
	(void)request;
	fixture->refusal = "Invalid access token";
	return 401;
}

static bool
request_401(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	answer_error(fixture, id, 401, "Invalid access token");
	return true;
}

static void
stops_for_good_when_the_token_is_refused(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.upgrade = upgrade_401, .requested = request_401};
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE, TRANSPORT_AUTO};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct fixture fixture;
		setup(&fixture, transports[t], &behaviour);
		add(&fixture, "public", NULL);
		add(&fixture, "user", NULL);
		run_until(&fixture, &fixture.states, "user -: disabled");
		expect(&fixture.states, "public -: disabled credentials: the server says 401 "
					"\"Invalid access token\"");
		unsigned attempts = fixture.upgrades + fixture.requests;
		assert_true(attempts <= 2);
		add(&fixture, "direct", NULL);
		run_until(&fixture, &fixture.states, "direct -: disabled");
		run_for(&fixture, MINUTE / 6);
		assert_int_equal(fixture.upgrades + fixture.requests, attempts);
		assert_int_equal(scripted_count_lines(&fixture.scripted, "error bot:"), 1);
		assert_int_equal(scripted_count_lines(&fixture.scripted, TOKEN), 0);
		teardown(&fixture);
	}
}

static int
upgrade_once(struct fixture *fixture, const struct server_request *request)
{
	return fixture->upgrades > 1 ? upgrade_401(fixture, request) : 0;
}

static bool
request_once(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	return fixture->requests > 1 && request_401(fixture, id, stream, param);
}

static void
tries_once_more_after_a_clean_end(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.upgrade = upgrade_once, .requested = request_once};
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct fixture fixture;
		setup(&fixture, transports[t], &behaviour);
		add(&fixture, "public", NULL);
		run_events(&fixture, 1);
		struct conn *conn = &fixture.conns[0];
		if (conn->is_ws) {
			assert_true(server_ws_close(fixture.scripted.server, conn->id, 0, STR("")));
		} else {
			assert_true(server_finish(fixture.scripted.server, conn->id));
		}
		run_until(&fixture, &fixture.states, "public -: waiting");
		expect(&fixture.states, "token is revoked");
		assert_true(fixture.last_retry_ms <= 1000);
		run_until(&fixture, &fixture.states, "public -: disabled credentials");
		run_for(&fixture, MINUTE / 6);
		assert_int_equal(fixture.upgrades + fixture.requests, 2);
		teardown(&fixture);
	}
}

/* ---- trouble: attempts are paced ---- */

static int
upgrade_503(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture, (void)request;
	return 503;
}

static bool
request_500(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	answer_error(fixture, id, 500, "An unexpected error occurred");
	return true;
}

static bool
request_html(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	scripted_answer(&fixture->scripted, id, 200, "text/html", "<!DOCTYPE html><p>hotel wifi");
	return true;
}

static bool
cut_request(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	return server_cut(fixture->scripted.server, id, true);
}

static void
close_1011(struct fixture *fixture, struct conn *conn)
{
	if (conn->is_ws) {
		(void)server_ws_close(fixture->scripted.server, conn->id, 1011, STR("trouble"));
	} else {
		(void)server_cut(fixture->scripted.server, conn->id, false);
	}
}

static void
cut_at_once(struct fixture *fixture, struct conn *conn)
{
	(void)server_cut(fixture->scripted.server, conn->id, true);
}

static void
makes_few_attempts_whatever_goes_wrong(void **state)
{
	(void)state;
	static const struct {
		struct behaviour behaviour;
		enum transport transport;
	} rows[] = {
		{{.upgrade = upgrade_503}, TRANSPORT_WS},
		{{.opened = close_1011}, TRANSPORT_WS},
		{{.opened = cut_at_once}, TRANSPORT_WS},
		{{.requested = request_500}, TRANSPORT_SSE},
		{{.requested = request_html}, TRANSPORT_SSE},
		{{.requested = cut_request}, TRANSPORT_SSE},
		{{.opened = close_1011}, TRANSPORT_SSE},
		{{.upgrade = upgrade_503, .requested = request_500}, TRANSPORT_AUTO},
		{{.upgrade = upgrade_503, .requested = answer_404}, TRANSPORT_AUTO},
		{{.opened = close_1011}, TRANSPORT_AUTO},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture fixture;
		setup(&fixture, rows[i].transport, &rows[i].behaviour);
		add(&fixture, "public", NULL);
		run_for(&fixture, MINUTE / 2);
		/* The bounds of the waits double from 1 s: about six of them fill half a minute, on
		 * two transports a few more. Without them there would be thousands. */
		unsigned attempts = fixture.upgrades + fixture.requests;
		if (attempts < 3 || attempts > 20) {
			fail_msg("row %zu: %u attempts\n%s", i, attempts, fixture.states.ptr);
		}
		assert_false(has(&fixture.states, "disabled"));
		assert_false(has(&fixture.states, "refused the"));
		assert_true(count(&fixture.states, "waiting") <= 2 * attempts);
		teardown(&fixture);
	}
}

static void
close_1008(struct fixture *fixture, struct conn *conn)
{
	(void)server_ws_close(fixture->scripted.server, conn->id, 1008, STR("policy"));
}

static bool
close_1008_for_lists(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)param;
	if (strcmp(stream, "list") != 0) {
		return false;
	}
	return server_ws_close(fixture->scripted.server, id, 1008, STR("missing scope"));
}

static void
close_lists(struct fixture *fixture, struct conn *conn)
{
	if (conn->stream == NULL) {
		return;
	}
	if (strcmp(conn->stream, "list") == 0) {
		(void)server_ws_close(fixture->scripted.server, conn->id, 1008, STR("scope"));
	} else {
		fixture->messages++;
		send_update(fixture, conn->id, conn->stream, conn->param);
	}
}

static void
gives_up_what_the_server_dislikes_and_keeps_the_rest(void **state)
{
	(void)state;
	static const struct behaviour all = {.opened = close_1008};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_AUTO, &all);
	add(&fixture, "public", NULL);
	run_until(&fixture, &fixture.states, "public -: refused");
	expect(&fixture.states, "1008");
	unsigned attempts = fixture.upgrades;
	assert_true(attempts <= 3);
	run_for(&fixture, 2 * MINUTE);
	assert_int_equal(fixture.upgrades, attempts);
	assert_int_equal(scripted_count_lines(&fixture.scripted, "error bot:"), 1);
	teardown(&fixture);

	static const struct behaviour lists = {
		.opened = close_lists, .subscribed = close_1008_for_lists};
	setup(&fixture, TRANSPORT_WS, &lists);
	add(&fixture, "public", NULL);
	add(&fixture, "list", "12");
	run_until(&fixture, &fixture.states, "list 12: refused");
	run_for(&fixture, MINUTE / 6);
	assert_int_equal(fixture.conn_count, 1);
	assert_string_equal(fixture.conns[0].stream, "public");
	assert_int_equal(count(&fixture.queries, "stream=list&list=12"), 1);
	expect(&fixture.events, "update public -");
	teardown(&fixture);
}

static bool
request_429(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	static const struct http_header headers[] = {{"Retry-After", "120"}};
	(void)stream, (void)param;
	return fixture->requests == 1 &&
	       server_respond(fixture->scripted.server, id, 429, headers, 1, STR("{}"), false);
}

static void
waits_as_long_as_it_is_asked_to(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.requested = request_429};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_SSE, &behaviour);
	add(&fixture, "public", NULL);
	run_until(&fixture, &fixture.states, "public -: waiting");
	assert_int_equal(fixture.last_retry_ms, 2 * MINUTE);
	run_events(&fixture, 1);
	teardown(&fixture);
}

static bool
hold_back(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	return fixture->requests == 1 &&
	       server_begin(fixture->scripted.server, id, 200, event_stream, 1);
}

static void
gives_up_on_a_stream_that_a_proxy_holds_back(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.requested = hold_back};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_SSE, &behaviour);
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	expect(&fixture.states, "public -: waiting the server answers but sends nothing");
	teardown(&fixture);
}

static void
comes_back_after_a_cut(void **state)
{
	(void)state;
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct fixture fixture;
		setup(&fixture, transports[t], NULL);
		add(&fixture, "public", NULL);
		add(&fixture, "hashtag", "cats");
		run_events(&fixture, 2);
		while (fixture.conn_count > 0) {
			server_conn id = fixture.conns[0].id;
			assert_true(server_cut(fixture.scripted.server, id, true));
			on_end(&fixture, id);
		}
		run_events(&fixture, 4);
		expect(&fixture.states, "public -: waiting");
		assert_int_equal(count(&fixture.states, "hashtag cats: live"), 2);
		teardown(&fixture);
	}
}

static int
refuse_while_down(struct fixture *fixture, const struct server_request *request)
{
	(void)request;
	return fixture->is_down ? 503 : 0;
}

static bool
fail_while_down(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	return fixture->is_down && request_500(fixture, id, stream, param);
}

static void
an_outage_is_told_once_however_many_attempts_fail(void **state)
{
	(void)state;
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE};
	static const struct behaviour behaviour = {
		.upgrade = refuse_while_down, .requested = fail_while_down};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct fixture fixture;
		setup(&fixture, transports[t], &behaviour);
		fixture.is_down = true;
		add(&fixture, "public", NULL);
		run_for(&fixture, MINUTE);
		assert_true(count(&fixture.states, "waiting") > 3);
		assert_string_equal(fixture.news.ptr, "public down\n");
		fixture.is_down = false;
		run_events(&fixture, 1);
		streaming_filling(fixture.streaming, STR("public"), STR_NONE, true);
		streaming_filling(fixture.streaming, STR("public"), STR_NONE, false);
		assert_string_equal(fixture.news.ptr, "public down\npublic up\n");
		fixture.is_down = true;
		assert_true(server_cut(fixture.scripted.server, fixture.conns[0].id, true));
		run_for(&fixture, MINUTE);
		fixture.is_down = false;
		run_events(&fixture, 2);
		assert_string_equal(
			fixture.news.ptr, "public down\npublic up\npublic down\npublic up\n");
		teardown(&fixture);
	}
}

/* ---- auto ---- */

static int
upgrade_404(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture, (void)request;
	return 404;
}

static void
auto_takes_sse_where_there_is_no_websocket(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = upgrade_404};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_AUTO, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "hashtag", "cats");
	run_events(&fixture, 2);
	assert_int_equal(fixture.upgrades, 2); /* the second with a stream in its address */
	expect(&fixture.states, "trying SSE");
	scripted_expect_line(&fixture.scripted, "public is live (sse)");
	teardown(&fixture);
}

static int
upgrade_404_twice(struct fixture *fixture, const struct server_request *request)
{
	(void)request;
	return fixture->upgrades <= 2 ? 404 : 0;
}

static void
auto_goes_back_to_websocket_where_there_is_no_sse(void **state)
{
	(void)state;
	static const struct behaviour rows[] = {
		{.upgrade = upgrade_404_twice, .requested = answer_404},
		{.upgrade = upgrade_404_twice, .requested = request_500},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture fixture;
		setup(&fixture, TRANSPORT_AUTO, &rows[i]);
		add(&fixture, "public", NULL);
		run_events(&fixture, 1);
		assert_int_equal(fixture.upgrades, 3);
		assert_int_equal(fixture.requests, i == 0 ? 1 : 2);
		expect(&fixture.states, "trying WebSocket");
		scripted_expect_line(&fixture.scripted, "public is live (ws)");
		teardown(&fixture);
	}
}

static int
upgrade_only_with_a_slash(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture;
	return str_ends(request->path, "/") ? 0 : 301;
}

static void
tries_the_other_path_after_a_redirect(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = upgrade_only_with_a_slash};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_AUTO, &behaviour);
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	assert_int_equal(fixture.upgrades, 2);
	teardown(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_the_only_stream_that_an_error_can_mean),
		cmocka_unit_test(asks_over_http_which_of_several_is_refused),
		cmocka_unit_test(only_warns_when_nothing_tells_whom_an_error_means),
		cmocka_unit_test(subscribes_again_after_an_error_of_the_server),
		cmocka_unit_test(names_the_stream_in_the_address_where_nothing_else_is_taken),
		cmocka_unit_test(takes_sse_where_every_address_is_400),
		cmocka_unit_test(refuses_single_streams_over_sse),
		cmocka_unit_test(stops_for_good_when_the_token_is_refused),
		cmocka_unit_test(tries_once_more_after_a_clean_end),
		cmocka_unit_test(makes_few_attempts_whatever_goes_wrong),
		cmocka_unit_test(gives_up_what_the_server_dislikes_and_keeps_the_rest),
		cmocka_unit_test(waits_as_long_as_it_is_asked_to),
		cmocka_unit_test(gives_up_on_a_stream_that_a_proxy_holds_back),
		cmocka_unit_test(comes_back_after_a_cut),
		cmocka_unit_test(an_outage_is_told_once_however_many_attempts_fail),
		cmocka_unit_test(auto_takes_sse_where_there_is_no_websocket),
		cmocka_unit_test(auto_goes_back_to_websocket_where_there_is_no_sse),
		cmocka_unit_test(tries_the_other_path_after_a_redirect),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
