/* SPDX-License-Identifier: MIT */
/* Tests of discovery against a server on loopback. */
#include "discovery.h"

#include "scripted.h"
#include "xmalloc.h"

#define JSON  "application/json; charset=utf-8"
#define TOKEN "test-token-0123456789"

/* What the server answers, by path; NULL text: 404 with HTML. */
struct reply {
	int status;
	const char *text;
};

struct fixture {
	struct scripted scripted;
	struct secrets *secrets;
	struct account *account;
	struct reply v2, v1, credentials;
	const char *location; /* of redirects */
	struct buf asked;     /* "PATH\n" or "PATH token\n" */
	bool is_done;
	enum discovery_result result;
	char message[MESSAGE_MAX];
};

static void
on_request(void *data, server_conn conn, const struct server_request *request)
{
	struct fixture *fixture = data;
	const char *auth = scripted_header(request, "authorization");
	const struct reply *reply = &fixture->credentials;
	(void)buf_printf(&fixture->asked, "%.*s%s\n", STR_ARG(request->path),
		auth != NULL && strcmp(auth, "Bearer " TOKEN) == 0 ? " token" : "");
	if (str_eq(request->path, STR("/api/v2/instance"))) {
		reply = &fixture->v2;
	} else if (str_eq(request->path, STR("/api/v1/instance"))) {
		reply = &fixture->v1;
	}
	if (fixture->location != NULL) {
		struct http_header headers[] = {{"Location", fixture->location}};
		(void)server_respond(
			fixture->scripted.server, conn, 301, headers, 1, STR(""), false);
	} else if (reply->text == NULL) {
		scripted_answer(&fixture->scripted, conn, reply->status == 0 ? 404 : reply->status,
			"text/html", "<!DOCTYPE html><title>Sorry</title>");
	} else {
		scripted_answer(&fixture->scripted, conn, reply->status, JSON, reply->text);
	}
}

static void
on_done(void *data, enum discovery_result result, const char *message)
{
	struct fixture *fixture = data;
	assert_false(fixture->is_done);
	fixture->is_done = true;
	fixture->result = result;
	(void)snprintf(fixture->message, sizeof(fixture->message), "%s", message);
}

static bool
is_done(void *data)
{
	return ((struct fixture *)data)->is_done;
}

static void
setup(struct fixture *fixture, const char *token)
{
	static const struct server_events events = {.on_request = on_request};
	*fixture = (struct fixture){.result = DISCOVERY_FAILED};
	buf_init(&fixture->asked, 10000);
	scripted_init(&fixture->scripted, &events, fixture);
	fixture->secrets = secrets_create();
	struct account_config config = {
		.name = "bot", .server = fixture->scripted.origin, .token = token};
	fixture->account = account_create(&config, fixture->secrets, fixture->message);
	assert_non_null(fixture->account);
}

static void
run(struct fixture *fixture)
{
	fixture->is_done = false;
	struct discovery *discovery = discovery_start(
		fixture->scripted.http, fixture->account, fixture->scripted.log, on_done, fixture);
	assert_non_null(discovery);
	assert_false(fixture->is_done);
	assert_true(scripted_run(&fixture->scripted, is_done, fixture, 20000));
}

static void
teardown(struct fixture *fixture)
{
	scripted_finish(&fixture->scripted);
	account_destroy(fixture->account);
	secrets_destroy(fixture->secrets);
	buf_finish(&fixture->asked);
}

static void
takes_the_address_of_the_second_version(void **state)
{
	(void)state;
	struct fixture fixture;
	setup(&fixture, TOKEN);
	fixture.v2 = (struct reply){200,
		"{\"version\":\"4.5.3\",\"configuration\":{\"urls\":{\"streaming\":"
		"\"wss://streaming.mastodon.example\"},\"statuses\":{\"max_characters\":1000}}}"};
	fixture.credentials = (struct reply){200, "{\"id\":\"42\",\"acct\":\"bot\"}"};
	run(&fixture);
	assert_int_equal(fixture.result, DISCOVERY_DONE);
	assert_string_equal(fixture.account->streaming, "https://streaming.mastodon.example");
	assert_string_equal(fixture.account->id, "42");
	assert_string_equal(fixture.account->acct, "bot");
	assert_string_equal(fixture.account->version, "4.5.3");
	assert_int_equal(fixture.account->max_characters, 1000);
	assert_string_equal(
		fixture.asked.ptr, "/api/v2/instance\n/api/v1/accounts/verify_credentials token\n");
	assert_int_equal(fixture.scripted.lines.len, 0); /* nothing to warn of */
	teardown(&fixture);
}

static void
falls_back_to_the_first_version(void **state)
{
	(void)state;
	struct fixture fixture;
	setup(&fixture, NULL);
	fixture.v1 =
		(struct reply){200, "{\"version\":\"3.5.0\",\"max_toot_chars\":5000,"
				    "\"urls\":{\"streaming_api\":\"wss://far.example:8443/\"}}"};
	run(&fixture);
	assert_int_equal(fixture.result, DISCOVERY_DONE);
	assert_string_equal(fixture.account->streaming, "https://far.example:8443");
	assert_int_equal(fixture.account->max_characters, 5000);
	assert_null(fixture.account->id);
	assert_string_equal(fixture.asked.ptr, "/api/v2/instance\n/api/v1/instance\n");
	teardown(&fixture);
}

static void
uses_the_api_host_when_no_address_is_named(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{200, "{\"configuration\":{\"urls\":{\"streaming\":null}}}"},
		{200, "{\"configuration\":{\"urls\":{\"streaming\":\"\"}}}"},
		{200, "{\"configuration\":{\"urls\":{}}}"},
		{200, "{\"configuration\":{\"urls\":{\"streaming\":42}}}"},
		{200, "{\"configuration\":{\"urls\":{\"streaming\":\"no address\"}}}"},
		{200, "[]"},
		{200, "{broken"},
		{200, NULL}, /* HTML */
		{400, "{\"error\":\"Unknown channel requested\"}"},
		{404, NULL},
		{501, "{}"},
	};
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		struct fixture fixture;
		setup(&fixture, NULL);
		fixture.v2 = replies[i];
		fixture.v1 = replies[i];
		run(&fixture);
		assert_int_equal(fixture.result, DISCOVERY_DONE);
		assert_string_equal(fixture.account->streaming, fixture.scripted.origin);
		assert_int_equal(
			scripted_count_lines(&fixture.scripted, "trying its own") +
				scripted_count_lines(&fixture.scripted, "bare streaming server"),
			1);
		teardown(&fixture);
	}
}

static void
says_when_a_server_has_no_streaming(void **state)
{
	(void)state;
	static const char *const documents[] = {
		"{\"version\":\"3.5.3 (compatible; Pixelfed 0.12)\",\"configuration\":{\"urls\":{\"streaming\":null}}}",
		"{\"version\":\"2.8.0 (compatible; Friendica 2024.09)\",\"urls\":{\"streaming_api\":\"\"}}",
		"{\"version\":\"takahe/0.11\",\"urls\":{}}",
	};
	for (size_t i = 0; i < COUNT_OF(documents); i++) {
		struct fixture fixture;
		setup(&fixture, TOKEN);
		fixture.v2 = (struct reply){200, documents[i]};
		fixture.v1 = (struct reply){200, documents[i]};
		fixture.credentials = (struct reply){200, "{\"id\":\"42\",\"acct\":\"bot\"}"};
		fixture.account->streaming = xstrdup("https://formerly.example");
		run(&fixture);
		assert_int_equal(fixture.result, DISCOVERY_DONE);
		assert_null(fixture.account->streaming);
		assert_string_equal(fixture.account->id, "42");
		teardown(&fixture);
	}
}

static void
keeps_to_http_where_the_advertised_address_cannot_be_right(void **state)
{
	(void)state;
	static const struct {
		const char *advertised, *streaming; /* NULL: the server's own origin */
	} rows[] = {
		{"wss://127.0.0.1", NULL},
		{"wss://localhost", NULL},
		{"wss://127.0.0.1:4321", "http://127.0.0.1:4321"},
		{"ws://127.0.0.1:4321", "http://127.0.0.1:4321"},
		{"ws://plain.example", "https://plain.example"},
		{"ws://plain.example:8080/path", "https://plain.example:8080"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture fixture;
		char *text = xasprintf("{\"configuration\":{\"urls\":{\"streaming\":\"%s\"}}}",
			rows[i].advertised);
		setup(&fixture, NULL);
		fixture.v2 = (struct reply){200, text};
		run(&fixture);
		assert_string_equal(fixture.account->streaming,
			rows[i].streaming != NULL ? rows[i].streaming : fixture.scripted.origin);
		teardown(&fixture);
		free(text);
	}
}

static void
stops_at_a_refused_token_only(void **state)
{
	(void)state;
	struct fixture fixture;
	setup(&fixture, TOKEN);
	fixture.v2 = (struct reply){200, "{}"};
	fixture.v1 = (struct reply){200, "{}"};
	fixture.credentials = (struct reply){401, "{\"error\":\"The access token is invalid\"}"};
	run(&fixture);
	assert_int_equal(fixture.result, DISCOVERY_REFUSED);
	assert_non_null(strstr(fixture.message, "401 \"The access token is invalid\""));
	assert_non_null(strstr(fixture.message, "make a new one"));
	assert_null(strstr(fixture.message, TOKEN));
	teardown(&fixture);

	static const struct reply replies[] = {
		{404, NULL},
		{403, "{\"error\":\"This action is outside the authorized scopes\"}"},
		{422, "{\"error\":\"This method requires an authenticated user\"}"},
		{500, NULL},
		{200, NULL},
		{200, "{\"acct\":\"nobody\"}"},
	};
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		setup(&fixture, TOKEN);
		fixture.credentials = replies[i];
		run(&fixture);
		assert_int_equal(fixture.result, DISCOVERY_DONE);
		assert_null(fixture.account->id);
		scripted_expect_line(&fixture.scripted, "does not say who the account \"bot\" is");
		teardown(&fixture);
	}
}

static void
never_takes_the_token_along_a_redirect(void **state)
{
	(void)state;
	struct fixture fixture;
	setup(&fixture, TOKEN);
	fixture.location = "http://127.0.0.1:1/elsewhere";
	run(&fixture);
	/* The instance documents lead nowhere, which is trouble and not an answer. */
	assert_int_equal(fixture.result, DISCOVERY_FAILED);
	assert_null(strstr(fixture.asked.ptr, "token"));
	teardown(&fixture);
}

static void
asks_again_later_while_the_server_is_in_trouble(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{502, NULL}, {503, "{}"}, {429, "{\"error\":\"Too many requests\"}"}};
	struct fixture fixture;
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		setup(&fixture, TOKEN);
		fixture.v2 = replies[i];
		run(&fixture);
		assert_int_equal(fixture.result, DISCOVERY_FAILED);
		assert_non_null(strstr(fixture.message, "does not say where its streaming server"));
		assert_null(fixture.account->streaming);
		teardown(&fixture);
	}
	/* Who does not know its own id acts on its own posts. */
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		setup(&fixture, TOKEN);
		fixture.v2 =
			(struct reply){200, "{\"version\":\"4.5.3\",\"configuration\":{\"urls\":"
					    "{\"streaming\":\"wss://s.example\"}}}"};
		fixture.credentials = replies[i];
		run(&fixture);
		assert_int_equal(fixture.result, DISCOVERY_FAILED);
		assert_non_null(strstr(fixture.message, "does not say who the account \"bot\" is"));
		teardown(&fixture);
	}
	setup(&fixture, TOKEN);
	free(fixture.account->server);
	fixture.account->server = xstrdup("http://127.0.0.1:1"); /* nobody listens there */
	run(&fixture);
	assert_int_equal(fixture.result, DISCOVERY_FAILED);
	teardown(&fixture);
}

static void
says_nothing_after_a_cancel(void **state)
{
	(void)state;
	struct fixture fixture;
	setup(&fixture, TOKEN);
	struct discovery *discovery = discovery_start(
		fixture.scripted.http, fixture.account, fixture.scripted.log, on_done, &fixture);
	discovery_cancel(discovery);
	discovery_cancel(NULL);
	assert_false(scripted_run(&fixture.scripted, is_done, &fixture, 50));
	teardown(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_address_of_the_second_version),
		cmocka_unit_test(falls_back_to_the_first_version),
		cmocka_unit_test(uses_the_api_host_when_no_address_is_named),
		cmocka_unit_test(says_when_a_server_has_no_streaming),
		cmocka_unit_test(keeps_to_http_where_the_advertised_address_cannot_be_right),
		cmocka_unit_test(stops_at_a_refused_token_only),
		cmocka_unit_test(never_takes_the_token_along_a_redirect),
		cmocka_unit_test(asks_again_later_while_the_server_is_in_trouble),
		cmocka_unit_test(says_nothing_after_a_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
