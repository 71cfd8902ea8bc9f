/* SPDX-License-Identifier: MIT */
/* Tests of what makes servers different: how they multiplex, where they take the token, where they redirect to. */
#include "streaming_fixture.h"

/* ---- one connection a stream (protocol.md 9.2, 9.3, 9.4) ---- */

static void
name_it_as_you_like(struct fixture *fixture, struct conn *conn)
{
	if (conn->stream == NULL) {
		return;
	}
	/* What only keeps alive, and objects that are no events (protocol.md 9.3, 9.4). */
	send_text(fixture, conn->id, "");
	send_text(fixture, conn->id, "pong");
	send_text(fixture, conn->id, "{\"type\":\"emojiAdded\",\"body\":{\"emoji\":{}}}\n");
	if (strcmp(conn->stream, "user") == 0) {
		send_text(fixture, conn->id,
			"{\"stream\":[\"user:42\"],\"event\":\"delete\",\"payload\":\"1\"}\n");
	} else if (strcmp(conn->stream, "hashtag") == 0) {
		send_text(fixture, conn->id, "{\"event\":\"delete\",\"payload\":\"2\"}");
	} else if (strcmp(conn->stream, "list") == 0) {
		send_text(fixture, conn->id,
			"{\"stream\":[\"list:12\"],\"event\":\"delete\",\"payload\":\"3\"}");
	} else {
		send_text(fixture, conn->id,
			"{\"stream\":[\"user\"],\"event\":\"delete\",\"payload\":\"4\"}");
	}
}

static void
a_server_that_keeps_silent_gets_one_connection_a_stream(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.is_silent = true, .opened = name_it_as_you_like};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "user", NULL);
	add(&fixture, "hashtag", "cats & dogs");
	add(&fixture, "list", "12");
	add(&fixture, "user:notification", NULL);
	run_events(&fixture, 4);
	run_for(&fixture, 3000);
	assert_string_equal(fixture.queries.ptr,
		"\nstream=user\nstream=hashtag&tag=cats%20%26%20dogs\nstream=list&list=12\n"
		"stream=user%3Anotification\n");
	assert_int_equal(fixture.conn_count, 4); /* the first one was left */
	expect(&fixture.events, "delete user - 1\n");
	expect(&fixture.events, "delete hashtag cats & dogs 2\n");
	expect(&fixture.events, "delete list 12 3\n");
	expect(&fixture.events, "delete user:notification - 4\n");
	assert_int_equal(fixture.event_count, 4);
	assert_int_equal(fixture.broken_count, 0);
	assert_int_equal(fixture.heard.len, 0); /* nothing is subscribed in band */

	/* What was learnt stays; one that ends does not touch the others. */
	server_conn id = fixture.conns[0].id;
	assert_true(server_cut(fixture.scripted.server, id, true));
	on_end(&fixture, id);
	run_events(&fixture, 5);
	assert_int_equal(fixture.asked, 1);
	assert_int_equal(fixture.conn_count, 4);
	streaming_remove(fixture.streaming, STR("list"), STR("12"));
	run_for(&fixture, 3000);
	assert_int_equal(fixture.conn_count, 3);
	teardown(&fixture);
}

static void
a_server_that_ends_the_connection_instead_gets_the_same(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.unknown_answer = "", .opened = name_it_as_you_like};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "user", NULL);
	run_events(&fixture, 1);
	assert_in_range(fixture.upgrades, 2, 3);
	teardown(&fixture);
}

/* ---- Pleroma's answers ---- */

static void
respond(struct fixture *fixture, server_conn id, const char *result)
{
	char *text = xasprintf(
		"{\"event\":\"pleroma:respond\",\"payload\":\"{\\\"type\\\":\\\"subscribe\\\",%s}\"}",
		result);
	send_text(fixture, id, text);
	free(text);
}

static bool
answer_as_pleroma(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)param;
	respond(fixture, id,
		strcmp(stream, "hashtag") == 0
			? "\\\"result\\\":\\\"error\\\",\\\"error\\\":\\\"bad_topic\\\""
		: strcmp(stream, "direct") == 0
			? "\\\"result\\\":\\\"error\\\",\\\"error\\\":\\\"unauthorized\\\""
			: "\\\"result\\\":\\\"success\\\"");
	return true;
}

static void
pleroma_says_of_each_stream_what_became_of_it(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.subscribed = answer_as_pleroma,
		.unknown_answer = "{\"event\":\"pleroma:respond\",\"payload\":\"{\\\"type\\\":"
				  "\\\"subscribe\\\",\\\"result\\\":\\\"error\\\",\\\"error\\\":"
				  "\\\"bad_topic\\\"}\"}"};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "user", NULL);
	add(&fixture, "hashtag", "cats");
	add(&fixture, "direct", NULL);
	add(&fixture, "public", NULL);
	run_until(&fixture, &fixture.states, "hashtag cats: live");
	run_for(&fixture, 3000);
	expect(&fixture.states, "user -: live");
	expect(&fixture.states, "public -: live");
	expect(&fixture.states, "direct -: refused the server says unauthorized");
	assert_string_equal(fixture.queries.ptr, "\nstream=hashtag&tag=cats\n");
	assert_int_equal(fixture.requests, 0); /* nobody has to be asked over HTTP */
	assert_int_equal(fixture.conn_count, 2);
	teardown(&fixture);
}

static int
want_a_stream(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture;
	return request->query.len > 0 ? 0 : 400;
}

static void
an_address_without_a_stream_may_be_what_is_refused(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = want_a_stream};
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_AUTO};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct fixture fixture;
		setup(&fixture, transports[t], &behaviour);
		add(&fixture, "user", NULL);
		add(&fixture, "hashtag", "cats");
		run_events(&fixture, 2);
		assert_int_equal(fixture.upgrades, 3);
		assert_int_equal(fixture.requests, 0);
		assert_false(has(&fixture.states, "waiting"));
		teardown(&fixture);
	}
}

static int
refuse_400(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture, (void)request;
	return 400;
}

static void
a_handshake_that_the_server_dislikes_is_not_repeated(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = refuse_400};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "user", NULL);
	add(&fixture, "hashtag", "cats");
	run_until(&fixture, &fixture.states, "hashtag cats: refused");
	run_for(&fixture, 20000);
	expect(&fixture.states, "user -: refused");
	assert_int_equal(fixture.upgrades, 2);
	teardown(&fixture);
}

static int
refuse_the_topic(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture;
	return request->query.len > 0 ? 404 : 0;
}

static void
a_stream_that_no_address_has_is_refused(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.is_silent = true, .upgrade = refuse_the_topic};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	add(&fixture, "hashtag", "cats");
	run_until(&fixture, &fixture.states, "hashtag cats: refused");
	run_for(&fixture, 10000);
	assert_int_equal(fixture.upgrades, 2);
	teardown(&fixture);
}

/* ---- tokens (protocol.md 9.1) ---- */

static int
want_the_header_alone(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture;
	return scripted_header(request, "sec-websocket-protocol") != NULL ? 403 : 0;
}

static int
want_the_query(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture;
	return str_eq(request->query, STR("access_token=" TOKEN)) ? 0 : 401;
}

static void
the_token_is_put_where_the_server_takes_it(void **state)
{
	(void)state;
	static const struct behaviour rows[] = {
		{.upgrade = want_the_header_alone, .any_token = true},
		{.upgrade = want_the_query, .any_token = true},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture fixture;
		setup(&fixture, TRANSPORT_WS, &rows[i]);
		fixture.account->id =
			xstrdup("42"); /* the server has said that the token is good */
		add(&fixture, "public", NULL);
		run_events(&fixture, 1);
		assert_int_equal(fixture.upgrades, 2);
		assert_false(has(&fixture.states, "waiting"));
		assert_int_equal(
			scripted_count_lines(&fixture.scripted, "goes into the address"), i);
		assert_int_equal(scripted_count_lines(&fixture.scripted, TOKEN), 0);
		teardown(&fixture);
	}
}

static int
always_401(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture, (void)request;
	return 401;
}

static void
a_token_of_which_nobody_knows_that_it_is_good_never_goes_into_an_address(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = always_401, .any_token = true};
	for (unsigned known = 0; known < 2; known++) {
		struct fixture fixture;
		setup(&fixture, TRANSPORT_WS, &behaviour);
		fixture.account->id = known ? xstrdup("42") : NULL;
		fixture.refusal = known ? "Invalid access token" : NULL;
		add(&fixture, "public", NULL);
		run_until(&fixture, &fixture.states, "public -: disabled");
		assert_int_equal(fixture.upgrades, 1);
		assert_string_equal(fixture.queries.ptr, "\n");
		teardown(&fixture);
	}
}

/* ---- redirects (protocol.md 4.4) ---- */

static int
move_once(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture;
	return str_eq(request->path, STR("/api/v1/streaming/v2/")) ? 0 : 301;
}

static void
follows_a_redirect_at_once_and_keeps_to_it(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = move_once};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	fixture.location = "/api/v1/streaming/v2/";
	add(&fixture, "public", NULL);
	run_events(&fixture, 1);
	assert_int_equal(fixture.upgrades, 2);
	assert_false(has(&fixture.states, "waiting"));
	server_conn id = fixture.conns[0].id;
	assert_true(server_cut(fixture.scripted.server, id, true));
	on_end(&fixture, id);
	run_events(&fixture, 2);
	assert_int_equal(fixture.upgrades, 3);
	teardown(&fixture);
}

/* As a proxy does for a while: it redirects, and later neither redirects nor serves what it redirected to. */
static int
move_until_down(struct fixture *fixture, const struct server_request *request)
{
	bool moved = str_eq(request->path, STR("/api/v1/streaming/v2/"));
	return fixture->is_down ? (moved ? 400 : 0) : (moved ? 0 : 301);
}

static bool
move_request_until_down(
	struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	static const struct http_header header = {"Location", "/api/v1/streaming/hashtag?tag=cats"};
	bool moved = strcmp(param, "cats") == 0;
	(void)stream;
	if (moved == fixture->is_down) {
		return server_respond(fixture->scripted.server, id, moved ? 400 : 301, &header, 1,
			STR("{\"error\":\"Unknown channel requested\"}"), false);
	}
	return false;
}

static void
a_place_that_is_gone_is_forgotten_and_refuses_nothing(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.upgrade = move_until_down, .requested = move_request_until_down};
	struct fixture fixture;
	for (int i = 0; i < 2; i++) {
		setup(&fixture, i == 0 ? TRANSPORT_WS : TRANSPORT_SSE, &behaviour);
		fixture.location = "/api/v1/streaming/v2/";
		add(&fixture, "hashtag", "dogs");
		run_events(&fixture, 1);
		fixture.is_down = true;
		server_conn id = fixture.conns[0].id;
		assert_true(server_cut(fixture.scripted.server, id, true));
		on_end(&fixture, id);
		run_events(&fixture, 2);
		assert_null(strstr(fixture.states.ptr, "refused"));
		teardown(&fixture);
	}
}

static int
move_always(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture, (void)request;
	return 301;
}

static void
gives_up_on_redirects_in_a_circle_and_to_strangers(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.upgrade = move_always};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_WS, &behaviour);
	fixture.location = "/api/v1/streaming";
	add(&fixture, "public", NULL);
	run_until(&fixture, &fixture.states, "redirects in a circle");
	assert_int_equal(fixture.upgrades, 4);
	teardown(&fixture);

	setup(&fixture, TRANSPORT_WS, &behaviour);
	fixture.location = "https://evil.example/api/v1/streaming";
	add(&fixture, "public", NULL);
	run_until(&fixture, &fixture.states, "the token is not sent there");
	assert_int_equal(fixture.upgrades, 1);
	assert_int_equal(fixture.lost, 1); /* perhaps the instance document names it by now */
	free(fixture.account->streaming);
	fixture.account->streaming = xstrdup("http://127.0.0.1:1");
	streaming_moved(fixture.streaming);
	run_until(&fixture, &fixture.states, "http://127.0.0.1:1: ");
	assert_int_equal(fixture.upgrades, 1);
	teardown(&fixture);
}

static bool
move_request(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	static struct http_header header = {"Location", "/api/v1/streaming/hashtag?tag=cats"};
	(void)stream;
	header.value = fixture->location;
	return strcmp(param, "dogs") == 0 &&
	       server_respond(fixture->scripted.server, id, 301, &header, 1, STR(""), false);
}

static void
follows_redirects_of_event_streams_by_the_same_rules(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {.requested = move_request};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_SSE, &behaviour);
	fixture.location = "/api/v1/streaming/hashtag?tag=cats";
	add(&fixture, "hashtag", "dogs");
	run_events(&fixture, 1);
	expect(&fixture.events, "update hashtag dogs");
	assert_int_equal(fixture.requests, 2);
	teardown(&fixture);

	setup(&fixture, TRANSPORT_SSE, &behaviour);
	fixture.location = "http://127.0.0.2/api/v1/streaming/hashtag?tag=cats";
	add(&fixture, "hashtag", "dogs");
	run_until(&fixture, &fixture.states, "the token is not sent there");
	assert_int_equal(fixture.requests, 1);
	assert_int_equal(fixture.lost, 1);
	teardown(&fixture);
}

/* ---- no streaming ---- */

static int
upgrade_404(struct fixture *fixture, const struct server_request *request)
{
	(void)fixture, (void)request;
	return 404;
}

static bool
request_501(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	answer_error(fixture, id, 501, "Not implemented");
	return true;
}

static bool
is_absent(void *data)
{
	return ((struct fixture *)data)->absent > 0;
}

static void
a_server_without_streaming_is_left_to_polling(void **state)
{
	(void)state;
	static const struct behaviour behaviour = {
		.upgrade = upgrade_404, .requested = request_501};
	struct fixture fixture;
	setup(&fixture, TRANSPORT_AUTO, &behaviour);
	add(&fixture, "public", NULL);
	add(&fixture, "user", NULL);
	assert_true(scripted_run(&fixture.scripted, is_absent, &fixture, 600 * 1000));
	unsigned attempts = fixture.upgrades + fixture.requests;
	assert_true(attempts <= 12);
	run_for(&fixture, 60000);
	assert_int_equal(fixture.upgrades + fixture.requests, attempts);
	assert_int_equal(fixture.absent, 1);
	streaming_polled(fixture.streaming, STR("public"), STR_NONE, STREAM_LIVE, 0, "");
	streaming_polled(fixture.streaming, STR("user"), STR_NONE, STREAM_WAITING, 5000, "502");
	add(&fixture, "direct", NULL);
	run_until(&fixture, &fixture.states, "direct -: connecting");
	expect(&fixture.states, "public -: live");
	expect(&fixture.states, "user -: waiting 502");
	assert_int_equal(fixture.last_retry_ms, 5000);
	teardown(&fixture);
}

static void
a_stream_that_is_polled_needs_no_connection(void **state)
{
	(void)state;
	static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_SSE};
	for (size_t t = 0; t < COUNT_OF(transports); t++) {
		struct fixture fixture;
		setup(&fixture, transports[t], NULL);
		add(&fixture, "public", NULL);
		add(&fixture, "hashtag", "cats");
		run_events(&fixture, 2);
		streaming_polled(fixture.streaming, STR("hashtag"), STR("cats"), STREAM_LIVE, 0,
			"the stream is silent");
		run_for(&fixture, 2000);
		assert_int_equal(fixture.conn_count, 1);
		assert_int_equal(count(&fixture.heard, "unsubscribe hashtag cats"), t == 0 ? 1 : 0);
		teardown(&fixture);
	}
}

/* ---- many streams while the server is down ---- */

static int
down_after_the_first(struct fixture *fixture, const struct server_request *request)
{
	(void)request;
	return fixture->is_down ? 503 : 0;
}

static bool
down_over_sse(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	(void)stream, (void)param;
	if (!fixture->is_down) {
		return false;
	}
	answer_error(fixture, id, 503, "Service Unavailable");
	return true;
}

static void
a_minute_of_a_server_that_is_down_costs_ten_attempts_however_many_streams(void **state)
{
	(void)state;
	static const struct {
		enum transport transport;
		bool is_silent;
	} rows[] = {{TRANSPORT_WS, false}, {TRANSPORT_WS, true}, {TRANSPORT_SSE, false},
		{TRANSPORT_AUTO, false}};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct behaviour behaviour = {.upgrade = down_after_the_first,
			.requested = down_over_sse,
			.is_silent = rows[i].is_silent};
		struct fixture fixture;
		setup(&fixture, rows[i].transport, &behaviour);
		for (unsigned s = 0; s < 8; s++) {
			char tag[16];
			(void)snprintf(tag, sizeof(tag), "tag%u", s);
			add(&fixture, "hashtag", tag);
		}
		run_events(&fixture, 8);
		fixture.is_down = true;
		unsigned before = fixture.upgrades + fixture.requests;
		while (fixture.conn_count > 0) {
			server_conn id = fixture.conns[0].id;
			assert_true(server_cut(fixture.scripted.server, id, true));
			on_end(&fixture, id);
		}
		run_for(&fixture, 60 * 1000);
		unsigned attempts = fixture.upgrades + fixture.requests - before + fixture.lost;
		if (attempts < 2 || attempts > 10) {
			fail_msg("row %zu: %u attempts\n%s", i, attempts, fixture.states.ptr);
		}
		assert_true(fixture.lost >= 1);
		fixture.is_down = false;
		unsigned events = fixture.event_count;
		run_events(&fixture, events + 8);
		teardown(&fixture);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_keeps_silent_gets_one_connection_a_stream),
		cmocka_unit_test(a_server_that_ends_the_connection_instead_gets_the_same),
		cmocka_unit_test(pleroma_says_of_each_stream_what_became_of_it),
		cmocka_unit_test(an_address_without_a_stream_may_be_what_is_refused),
		cmocka_unit_test(a_handshake_that_the_server_dislikes_is_not_repeated),
		cmocka_unit_test(a_stream_that_no_address_has_is_refused),
		cmocka_unit_test(the_token_is_put_where_the_server_takes_it),
		cmocka_unit_test(
			a_token_of_which_nobody_knows_that_it_is_good_never_goes_into_an_address),
		cmocka_unit_test(follows_a_redirect_at_once_and_keeps_to_it),
		cmocka_unit_test(a_place_that_is_gone_is_forgotten_and_refuses_nothing),
		cmocka_unit_test(gives_up_on_redirects_in_a_circle_and_to_strangers),
		cmocka_unit_test(follows_redirects_of_event_streams_by_the_same_rules),
		cmocka_unit_test(a_server_without_streaming_is_left_to_polling),
		cmocka_unit_test(a_stream_that_is_polled_needs_no_connection),
		cmocka_unit_test(
			a_minute_of_a_server_that_is_down_costs_ten_attempts_however_many_streams),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
