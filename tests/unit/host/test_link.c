/* SPDX-License-Identifier: MIT */
/* Tests of an account's link: the daily look, a server that moves, one without streaming. */
#include "link.h"

#include "scripted.h"
#include "xmalloc.h"

#define TOKEN   "test-token-0123456789"
#define LOOK_MS 3000

struct fixture {
	struct scripted scripted;
	struct secrets *secrets;
	struct account *account;
	struct json_parser *parser;
	struct ws_client *ws;
	struct rng rng;
	struct link *link;
	/* The server: */
	char *instance;  /* JSON; NULL: 503 */
	int credentials; /* status of verify_credentials */
	int upgrade;     /* status; 0: it opens */
	unsigned verified, asked, upgrades;
	server_conn socket; /* the last that was opened */
	/* The client: */
	unsigned links[4]; /* by link_event */
	struct buf states; /* "STREAM: STATE\n" */
	const char *wanted;
};

static void
on_request(void *data, server_conn id, const struct server_request *request)
{
	struct fixture *fixture = data;
	if (str_eq_text(request->path, "/api/v1/accounts/verify_credentials")) {
		fixture->verified++;
		assert_string_equal(scripted_header(request, "authorization"), "Bearer " TOKEN);
		scripted_answer(&fixture->scripted, id, fixture->credentials, "application/json",
			fixture->credentials == 200
				? "{\"id\":\"42\",\"acct\":\"bot\"}"
				: "{\"error\":\"The access token was revoked\"}");
		return;
	}
	fixture->asked++;
	scripted_answer(&fixture->scripted, id, fixture->instance ? 200 : 503, "application/json",
		fixture->instance ? fixture->instance : "{}");
}

static int
on_upgrade(void *data, server_conn id, const struct server_request *request,
	const char **subprotocol, const struct http_header **refusal, unsigned *refusal_count)
{
	struct fixture *fixture = data;
	(void)id, (void)request, (void)refusal, (void)refusal_count;
	fixture->upgrades++;
	*subprotocol = TOKEN;
	return fixture->upgrade;
}

static void
on_ws_open(void *data, server_conn id)
{
	((struct fixture *)data)->socket = id;
}

static void
on_ws_message(void *data, server_conn id, struct str message, bool binary)
{
	struct fixture *fixture = data;
	(void)binary;
	if (memmem(message.ptr, message.len, "moontusk:which", 14) != NULL) {
		(void)server_ws_send(fixture->scripted.server, id,
			STR("{\"error\":\"Unknown stream type\",\"status\":400}"));
	}
}

static void
on_event(void *data, struct event *event)
{
	(void)data;
	event_unref(event);
}

static void
on_broken(void *data, const char *what)
{
	(void)data, (void)what;
}

static void
on_state(void *data, const struct account *account, const struct stream_status *status)
{
	struct fixture *fixture = data;
	assert_ptr_equal(account, fixture->account);
	(void)buf_printf(&fixture->states, "%.*s: %s %s\n", STR_ARG(status->stream),
		stream_state_name(status->state), status->transport);
}

static void
on_link(void *data, const struct account *account, enum link_event what, const char *message)
{
	struct fixture *fixture = data;
	assert_ptr_equal(account, fixture->account);
	assert_non_null(message);
	fixture->links[what]++;
}

static const struct link_events link_events = {on_event, on_broken, on_state, on_link};

static void
start(struct fixture *fixture, int64_t look_ms)
{
	static const struct server_events server_events = {
		.on_request = on_request,
		.on_upgrade = on_upgrade,
		.on_ws_open = on_ws_open,
		.on_ws_message = on_ws_message,
	};
	char error[MESSAGE_MAX];
	*fixture = (struct fixture){.credentials = 200, .parser = json_parser_create()};
	buf_init(&fixture->states, 1 << 20);
	rng_seed(&fixture->rng, 1);
	scripted_init(&fixture->scripted, &server_events, fixture);
	fixture->instance = xasprintf(
		"{\"version\":\"4.5.3\",\"configuration\":{\"urls\":{\"streaming\":\"%s\"}}}",
		fixture->scripted.origin);
	fixture->secrets = secrets_create();
	struct account_config account = {
		.name = "bot", .server = fixture->scripted.origin, .token = TOKEN};
	fixture->account = account_create(&account, fixture->secrets, error);
	fixture->ws = ws_client_create(fixture->scripted.loop, fixture->scripted.log);
	struct link_config config = {
		.streaming =
			{
				.loop = fixture->scripted.loop,
				.http = fixture->scripted.http,
				.ws = fixture->ws,
				.log = fixture->scripted.log,
				.rng = &fixture->rng,
				.parser = fixture->parser,
				.transport = TRANSPORT_WS,
				.user_agent = "moontusk-test",
			},
		.account = fixture->account,
		.look_ms = look_ms,
	};
	fixture->link = link_create(&config, &link_events, fixture);
	link_add(fixture->link, STR("public"), STR_NONE);
}

static void
finish(struct fixture *fixture)
{
	link_destroy(fixture->link);
	ws_client_destroy(fixture->ws);
	scripted_finish(&fixture->scripted);
	account_destroy(fixture->account);
	secrets_destroy(fixture->secrets);
	json_parser_destroy(fixture->parser);
	buf_finish(&fixture->states);
	free(fixture->instance);
}

static bool
is_there(void *data)
{
	struct fixture *fixture = data;
	return fixture->states.ptr != NULL && strstr(fixture->states.ptr, fixture->wanted) != NULL;
}

static void
run_until(struct fixture *fixture, const char *state)
{
	fixture->wanted = state;
	if (!scripted_run(&fixture->scripted, is_there, fixture, 3600 * 1000)) {
		fail_msg("\"%s\" never came:\n%s", state,
			fixture->states.ptr != NULL ? fixture->states.ptr : "");
	}
}

static bool
never(void *data)
{
	(void)data;
	return false;
}

static bool
is_verified_thrice(void *data)
{
	return ((struct fixture *)data)->verified >= 3;
}

static void
says_who_it_is_once_a_day_and_stops_when_nobody_is_there_any_more(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, LOOK_MS);
	run_until(&fixture, "public: live ws");
	assert_int_equal(fixture.verified, 1);
	assert_true(scripted_run(&fixture.scripted, is_verified_thrice, &fixture, 3600 * 1000));
	assert_int_equal(fixture.upgrades, 1); /* the connection is not touched */
	fixture.credentials = 401;
	run_until(&fixture, "public: disabled ws");
	unsigned verified = fixture.verified;
	(void)scripted_run(&fixture.scripted, never, NULL, 4 * LOOK_MS);
	assert_int_equal(fixture.verified, verified);
	assert_int_equal(fixture.upgrades, 1);
	assert_int_equal(fixture.links[LINK_READY], 1);
	assert_int_equal(fixture.links[LINK_REFUSED], 0);
	assert_int_equal(scripted_count_lines(&fixture.scripted, "error "), 1);
	scripted_expect_line(&fixture.scripted, "does not accept the token");
	finish(&fixture);
}

static void
a_look_that_fails_changes_nothing(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, LOOK_MS);
	run_until(&fixture, "public: live ws");
	free(fixture.instance);
	fixture.instance = NULL;
	(void)scripted_run(&fixture.scripted, never, NULL, 2 * LOOK_MS);
	assert_true(fixture.asked >= 2);
	assert_int_equal(fixture.upgrades, 1);
	assert_null(strstr(fixture.states.ptr, "waiting"));
	assert_int_equal(scripted_count_lines(&fixture.scripted, "error "), 0);
	finish(&fixture);
}

static void
finds_the_streaming_server_again_when_it_has_moved(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, 0);
	free(fixture.account->streaming);
	/* What the instance document says at first, nobody answers. */
	char *right = fixture.instance;
	fixture.instance =
		xstrdup("{\"version\":\"4.5.3\",\"configuration\":{\"urls\":{\"streaming\":"
			"\"ws://127.0.0.1:1\"}}}");
	fixture.account->streaming = NULL;
	run_until(&fixture, "public: waiting ws");
	free(fixture.instance);
	fixture.instance = right;
	run_until(&fixture, "public: live ws");
	assert_string_equal(fixture.account->streaming, fixture.scripted.origin);
	assert_int_equal(fixture.asked, 2);
	scripted_expect_line(&fixture.scripted, "the streaming server is http://127.0.0.1");
	finish(&fixture);
}

static void
leaves_a_server_without_streaming_to_polling(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, LOOK_MS);
	free(fixture.instance);
	fixture.instance = xstrdup("{\"version\":\"takahe/0.11\",\"urls\":{}}");
	run_until(&fixture, "public: connecting poll");
	assert_int_equal(fixture.links[LINK_READY], 1);
	assert_int_equal(fixture.links[LINK_NO_STREAMING], 1);
	link_polled(fixture.link, STR("public"), STR_NONE, STREAM_LIVE, 0, "");
	link_filling(fixture.link, STR("public"), STR_NONE, true);
	link_filling(fixture.link, STR("public"), STR_NONE, false);
	assert_string_equal(fixture.states.ptr,
		"public: connecting poll\npublic: live poll\npublic: filling poll\npublic: live poll\n");
	/* Polling needs a good token, too. */
	fixture.credentials = 401;
	run_until(&fixture, "public: disabled poll");
	assert_int_equal(fixture.upgrades, 0);
	finish(&fixture);
}

static void
a_doubt_about_the_token_is_settled_by_asking_who_we_are(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, 0);
	link_doubt(fixture.link); /* nothing was asked with it yet */
	run_until(&fixture, "public: live ws");
	assert_int_equal(fixture.verified, 1);
	link_doubt(fixture.link);
	link_doubt(fixture.link); /* one question at a time */
	(void)scripted_run(&fixture.scripted, never, NULL, LOOK_MS);
	assert_int_equal(fixture.verified, 2);
	assert_null(strstr(fixture.states.ptr, "disabled"));
	fixture.credentials = 401;
	link_doubt(fixture.link);
	run_until(&fixture, "public: disabled ws");
	assert_int_equal(scripted_count_lines(&fixture.scripted, "error "), 1);
	finish(&fixture);
}

static void
streams_a_server_that_gains_streaming(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, LOOK_MS);
	char *right = fixture.instance;
	fixture.instance = xstrdup("{\"version\":\"takahe/0.11\",\"urls\":{}}");
	run_until(&fixture, "public: connecting poll");
	link_polled(fixture.link, STR("public"), STR_NONE, STREAM_LIVE, 0, "");
	(void)scripted_run(&fixture.scripted, never, NULL, 2 * LOOK_MS);
	assert_int_equal(fixture.upgrades, 0);
	free(fixture.instance);
	fixture.instance = right;
	run_until(&fixture, "public: live ws");
	assert_int_equal(fixture.upgrades, 1);
	scripted_expect_line(&fixture.scripted, "the server names a streaming server now");
	(void)scripted_run(&fixture.scripted, never, NULL, 2 * LOOK_MS);
	assert_int_equal(fixture.upgrades, 1);
	finish(&fixture);
}

static void
a_streaming_server_that_does_not_answer_leaves_polling_as_it_was(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, LOOK_MS);
	char *right = fixture.instance;
	fixture.instance = xstrdup("{\"version\":\"takahe/0.11\",\"urls\":{}}");
	fixture.upgrade = 502;
	run_until(&fixture, "public: connecting poll");
	link_polled(fixture.link, STR("public"), STR_NONE, STREAM_LIVE, 0, "");
	free(fixture.instance);
	fixture.instance = right;
	run_until(&fixture, "public: connecting ws\npublic: connecting poll");
	link_polled(fixture.link, STR("public"), STR_NONE, STREAM_LIVE, 0, "");
	(void)scripted_run(&fixture.scripted, never, NULL, 2 * LOOK_MS);
	assert_in_range(fixture.upgrades, 2, 4); /* once a look */
	assert_null(strstr(fixture.states.ptr, "waiting"));
	assert_int_equal(fixture.links[LINK_NO_STREAMING], 1);
	fixture.upgrade = 0;
	run_until(&fixture, "public: live ws");
	finish(&fixture);
}

static void
is_told_to_reconnect(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, 0);
	run_until(&fixture, "public: live ws");
	link_reconnect(fixture.link, "REST has newer posts than the stream");
	assert_non_null(strstr(fixture.states.ptr, "public: waiting ws\n"));
	buf_clear(&fixture.states);
	run_until(&fixture, "public: live ws");
	assert_int_equal(fixture.upgrades, 2);
	finish(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_who_it_is_once_a_day_and_stops_when_nobody_is_there_any_more),
		cmocka_unit_test(a_look_that_fails_changes_nothing),
		cmocka_unit_test(finds_the_streaming_server_again_when_it_has_moved),
		cmocka_unit_test(leaves_a_server_without_streaming_to_polling),
		cmocka_unit_test(a_doubt_about_the_token_is_settled_by_asking_who_we_are),
		cmocka_unit_test(streams_a_server_that_gains_streaming),
		cmocka_unit_test(a_streaming_server_that_does_not_answer_leaves_polling_as_it_was),
		cmocka_unit_test(is_told_to_reconnect),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
