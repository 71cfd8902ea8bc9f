/* SPDX-License-Identifier: MIT */
/* http: how far a request may go: which hosts, which addresses, redirects and kept connections included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http.h"
#include "peer.h"
#include "url.h"

struct walk {
	struct loop *loop;
	struct http *http;
	struct peer peer;
	const char *any;    /* host that may lead anywhere */
	const char *public; /* host that may lead to public addresses */
	unsigned asked;
	struct http_answer answer;
	char error[256], body[256];
};

static enum http_reach
on_reach(void *data, const struct url *to)
{
	struct walk *walk = data;

	walk->asked++;
	if (walk->any && strcmp(to->host, walk->any) == 0)
		return HTTP_REACH_ANY;
	if (walk->public && strcmp(to->host, walk->public) == 0)
		return HTTP_REACH_PUBLIC;
	return HTTP_REACH_NONE;
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct walk *walk = data;

	walk->answer = *answer;
	snprintf(walk->error, sizeof(walk->error), "%s", answer->error ? answer->error : "");
	snprintf(walk->body, sizeof(walk->body), "%.*s", STR_ARG(answer->body));
	loop_stop(walk->loop);
}

static int
set_up(void **state)
{
	struct walk *walk = calloc(1, sizeof(*walk));

	walk->loop = loop_create(1.0);
	walk->http = http_create(walk->loop, NULL, "moontusk-test/1");
	peer_start(&walk->peer, walk->loop, NULL, NULL);
	*state = walk;
	return 0;
}

static int
tear_down(void **state)
{
	struct walk *walk = *state;

	http_destroy(walk->http);
	peer_stop(&walk->peer);
	loop_destroy(walk->loop);
	free(walk);
	return 0;
}

static void
ask(struct walk *walk, const char *host, const char *path, struct http_request request)
{
	char url[256];

	snprintf(url, sizeof(url), "http://%s:%d%s", host, walk->peer.port, path);
	request.url = url;
	request.reach = on_reach;
	request.on_done = on_done;
	request.data = walk;
	walk->asked = 0;
	assert_int_not_equal(http_start(walk->http, &request), 0);
	loop_run(walk->loop);
}

static void
assert_forbidden(const struct walk *walk, const char *words)
{
	assert_int_equal(walk->answer.end, HTTP_FORBIDDEN);
	assert_int_equal(walk->answer.status, 0);
	if (!strstr(walk->error, words))
		fail_msg("\"%s\" is not in \"%s\"", words, walk->error);
}

static void
a_host_that_was_not_granted_is_not_asked(void **state)
{
	struct walk *walk = *state;

	ask(walk, "127.0.0.1", "/echo", (struct http_request){0});
	assert_forbidden(walk, "requests to 127.0.0.1:");
	assert_false(walk->answer.sent);
	assert_int_equal(walk->peer.requests, 0);
}

static void
a_name_that_leads_to_this_machine_is_refused(void **state)
{
	struct walk *walk = *state;
	static const char *const names[] = {"localhost", "127.0.0.1", "2130706433", "0x7f.1"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		walk->public = names[i];
		ask(walk, names[i], "/echo",
			(struct http_request){.method = "POST", .body = STR("x")});
		assert_forbidden(walk, "a loopback address");
		assert_false(walk->answer.sent);
	}
	assert_int_equal(walk->peer.requests, 0);
}

static void
a_host_that_may_lead_anywhere_is_asked(void **state)
{
	struct walk *walk = *state;

	walk->any = "localhost";
	ask(walk, "localhost", "/echo", (struct http_request){.method = "POST", .body = STR("x")});
	assert_int_equal(walk->answer.end, HTTP_DONE);
	assert_string_equal(walk->body, "x");
	assert_int_equal(walk->asked, 1);
}

static void
a_kept_connection_of_somebody_else_is_no_way_in(void **state)
{
	struct walk *walk = *state;

	walk->any = "localhost";
	ask(walk, "localhost", "/echo", (struct http_request){0});
	assert_int_equal(walk->answer.end, HTTP_DONE);
	walk->any = NULL;
	walk->public = "localhost";
	ask(walk, "localhost", "/echo", (struct http_request){0});
	assert_forbidden(walk, "a loopback address");
	assert_int_equal(walk->peer.requests, 1);
}

static void
each_redirect_is_asked_for(void **state)
{
	struct walk *walk = *state;
	struct http_request request = {.redirects = true};

	walk->any = "localhost";
	ask(walk, "localhost", "/redirect", request);
	assert_int_equal(walk->answer.status, 200);
	assert_int_equal(walk->asked, 2);
	snprintf(walk->peer.other_origin, sizeof(walk->peer.other_origin),
		"http://127.0.0.1:%d/echo", walk->peer.port);
	walk->peer.requests = 0;
	ask(walk, "localhost", "/redirect-away", request);
	assert_forbidden(walk, "requests to 127.0.0.1:");
	assert_int_equal(walk->peer.requests, 1);
	walk->public = "127.0.0.1"; /* granted, but only as far as the public network goes */
	ask(walk, "localhost", "/redirect-away", request);
	assert_forbidden(walk, "127.0.0.1 leads to a loopback address");
	assert_int_equal(walk->peer.requests, 2);
}

static void
own_headers_stay_with_their_origin(void **state)
{
	const struct http_header headers[] = {
		{"X-Api-Key", "k3y"}, {"User-Agent", "own/1"}, {"Accept", "text/plain"}};
	struct walk *walk = *state;
	struct peer other;

	walk->any = "127.0.0.1";
	peer_start(&other, walk->loop, NULL, NULL);
	snprintf(walk->peer.other_origin, sizeof(walk->peer.other_origin),
		"http://127.0.0.1:%d/echo", other.port);
	ask(walk, "127.0.0.1", "/redirect-away",
		(struct http_request){.redirects = true, .headers = headers, .header_count = 3});
	assert_int_equal(walk->answer.status, 200);
	assert_string_equal(walk->peer.user_agent, "own/1");
	assert_string_equal(other.user_agent, "moontusk-test/1");
	peer_stop(&other);
}

static void
an_answer_over_its_own_cap_is_broken(void **state)
{
	struct walk *walk = *state;

	walk->any = "127.0.0.1";
	ask(walk, "127.0.0.1", "/echo",
		(struct http_request){.method = "POST", .body = STR("12345"), .body_max = 4});
	assert_int_equal(walk->answer.end, HTTP_BROKEN);
	assert_string_equal(walk->error, "the answer is too big");
	ask(walk, "127.0.0.1", "/echo",
		(struct http_request){.method = "POST", .body = STR("1234"), .body_max = 4});
	assert_int_equal(walk->answer.end, HTTP_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_host_that_was_not_granted_is_not_asked),
		TEST(a_name_that_leads_to_this_machine_is_refused),
		TEST(a_host_that_may_lead_anywhere_is_asked),
		TEST(a_kept_connection_of_somebody_else_is_no_way_in),
		TEST(each_redirect_is_asked_for),
		TEST(own_headers_stay_with_their_origin),
		TEST(an_answer_over_its_own_cap_is_broken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
