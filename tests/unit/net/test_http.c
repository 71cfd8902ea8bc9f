/* SPDX-License-Identifier: MIT */
/* http: whole answers, streams and how they end, redirects, what is refused, TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http.h"
#include "limits.h"
#include "peer.h"

struct fetch {
	struct loop *loop;
	struct http *http;
	struct peer peer;
	struct loop_timer *timer;
	unsigned id;
	bool reject, cancel_in_data, pause_in_data;
	const char *
		cut_in_data; /* "cut", "reset" or "finish": what the server does after the first bytes */
	unsigned heads, pieces, dones;
	int head_status;
	size_t data_len;
	struct http_answer answer;
	char body[256], error[256], type[64];
};

static bool
on_head(void *data, const struct http_answer *head)
{
	struct fetch *fetch = data;

	fetch->heads++;
	fetch->head_status = head->status;
	return !fetch->reject;
}

static void
on_data(void *data, struct str bytes)
{
	struct fetch *fetch = data;

	fetch->pieces++;
	fetch->data_len += bytes.len;
	if (fetch->pause_in_data && fetch->pieces == 1) {
		http_pause(fetch->http, fetch->id, true);
		loop_timer_start(fetch->timer, 100, 0);
	}
	if (fetch->cancel_in_data) {
		http_cancel(fetch->http, fetch->id);
		loop_timer_start(fetch->timer, 50, 0);
	}
	if (fetch->cut_in_data && fetch->pieces == 1) {
		if (strcmp(fetch->cut_in_data, "finish") == 0)
			assert_true(server_finish(fetch->peer.server, fetch->peer.last));
		else
			assert_true(server_cut(fetch->peer.server, fetch->peer.last,
				strcmp(fetch->cut_in_data, "reset") == 0));
	}
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct fetch *fetch = data;
	const char *type = http_header(answer, "content-type");

	fetch->dones++;
	fetch->answer = *answer;
	snprintf(fetch->body, sizeof(fetch->body), "%.*s", STR_ARG(answer->body));
	snprintf(fetch->error, sizeof(fetch->error), "%s", answer->error ? answer->error : "");
	snprintf(fetch->type, sizeof(fetch->type), "%s", type ? type : "");
	loop_stop(fetch->loop);
}

static void
on_timer(void *data)
{
	struct fetch *fetch = data;

	loop_stop(fetch->loop);
}

static void
fetch_start(struct fetch *fetch, double rate, const char *cert, const char *key)
{
	*fetch = (struct fetch){0};
	fetch->loop = loop_create(rate);
	fetch->http = http_create(fetch->loop, NULL, "moontusk-test/1");
	fetch->timer = loop_timer_create(fetch->loop, on_timer, fetch);
	peer_start(&fetch->peer, fetch->loop, cert, key);
}

static void
fetch_finish(struct fetch *fetch)
{
	loop_timer_destroy(fetch->timer);
	http_destroy(fetch->http);
	peer_stop(&fetch->peer);
	loop_destroy(fetch->loop);
}

static void
run_request(struct fetch *fetch, struct http_request *request)
{
	request->on_done = on_done;
	request->data = fetch;
	fetch->dones = 0;
	fetch->id = http_start(fetch->http, request);
	assert_int_not_equal(fetch->id, 0);
	assert_int_equal(fetch->dones, 0);
	loop_run(fetch->loop);
}

/* One request to the peer; `request` may hold more than the path. */
static void
ask(struct fetch *fetch, const char *path, struct http_request request)
{
	char url[256];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", fetch->peer.port, path);
	request.url = url;
	run_request(fetch, &request);
}

static void
stream(struct fetch *fetch, const char *path)
{
	ask(fetch, path,
		(struct http_request){.on_head = on_head, .on_data = on_data, .total_ms = -1});
}

static void
whole_answer_with_our_headers(void **state)
{
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	ask(&fetch, "/html?a=b", (struct http_request){.bearer = "t0ken"});
	assert_int_equal(fetch.answer.end, HTTP_DONE);
	assert_int_equal(fetch.answer.status, 502);
	assert_string_equal(fetch.body, "<h1>Bad Gateway</h1>");
	assert_string_equal(fetch.type, "text/html; charset=utf-8");
	assert_true(fetch.answer.sent);
	assert_string_equal(fetch.peer.authorization, "Bearer t0ken");
	assert_string_equal(fetch.peer.user_agent, "moontusk-test/1");
	assert_string_equal(fetch.peer.query, "a=b");
	ask(&fetch, "/chunked", (struct http_request){0});
	assert_string_equal(fetch.body, "in one chunk");
	assert_string_equal(fetch.peer.authorization, "");
	fetch_finish(&fetch);
}

static void
methods_and_bodies_reach_the_server(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
	const struct http_header type = {"Content-Type", "application/json"};
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	for (size_t i = 0; i < 4; i++) {
		ask(&fetch, "/echo",
			(struct http_request){.method = methods[i],
				.headers = &type,
				.header_count = 1,
				.body = STR("{\"a\":1}")});
		assert_string_equal(fetch.body, "{\"a\":1}");
		assert_string_equal(fetch.peer.method, methods[i]);
		assert_string_equal(fetch.peer.content_type, "application/json");
		ask(&fetch, "/echo", (struct http_request){.method = methods[i]});
		assert_int_equal(fetch.answer.status, 200);
		assert_string_equal(fetch.peer.content_type, "");
		assert_int_equal(fetch.peer.body_len, 0);
	}
	ask(&fetch, "/echo", (struct http_request){.method = "HEAD"});
	assert_int_equal(fetch.answer.end, HTTP_DONE);
	assert_string_equal(fetch.peer.method, "HEAD");
	fetch_finish(&fetch);
}

static void
big_bodies_go_up_and_down(void **state)
{
	struct fetch fetch;
	size_t len = 5u << 20;
	char *body = calloc(1, len);

	(void)state;
	memset(body, 'x', len);
	fetch_start(&fetch, 1.0, NULL, NULL);
	ask(&fetch, "/echo", (struct http_request){.method = "POST", .body = {body, len}});
	assert_int_equal(fetch.answer.end, HTTP_DONE);
	assert_int_equal(fetch.peer.body_len, len);
	assert_int_equal(fetch.answer.body.len, len);
	fetch_finish(&fetch);
	free(body);
}

static void
an_answer_over_the_cap_is_broken(void **state)
{
	struct fetch fetch;
	char *body = calloc(1, HTTP_BODY_MAX + 1);

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	ask(&fetch, "/echo",
		(struct http_request){.method = "POST", .body = {body, HTTP_BODY_MAX + 1}});
	assert_int_equal(fetch.answer.end, HTTP_BROKEN);
	assert_string_equal(fetch.error, "the answer is too big");
	fetch_finish(&fetch);
	free(body);
}

static void
streams_come_in_pieces_and_end_clean(void **state)
{
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	stream(&fetch, "/stream-short");
	assert_int_equal(fetch.answer.end, HTTP_DONE);
	assert_int_equal(fetch.heads, 1);
	assert_int_equal(fetch.head_status, 200);
	assert_int_equal(fetch.data_len, strlen(":)\ndata: 1\n\n"));
	assert_int_equal(fetch.answer.body.len, 0);
	assert_string_equal(fetch.peer.accept_encoding, "identity");
	fetch.cut_in_data = "finish";
	fetch.pieces = 0;
	stream(&fetch, "/stream");
	assert_int_equal(fetch.answer.end, HTTP_DONE);
	fetch_finish(&fetch);
}

static void
a_cut_stream_is_truncated(void **state)
{
	static const char *const cuts[] = {"cut", "reset"};
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	for (size_t i = 0; i < 2; i++) {
		fetch.cut_in_data = cuts[i];
		fetch.pieces = 0;
		stream(&fetch, "/stream");
		assert_int_equal(fetch.answer.end, HTTP_TRUNCATED);
		assert_int_equal(fetch.answer.status, 200);
	}
	fetch_finish(&fetch);
}

static void
a_rejected_stream_brings_its_body(void **state)
{
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	fetch.reject = true;
	stream(&fetch, "/html");
	assert_int_equal(fetch.answer.end, HTTP_REJECTED);
	assert_int_equal(fetch.answer.status, 502);
	assert_string_equal(fetch.body, "<h1>Bad Gateway</h1>");
	assert_int_equal(fetch.pieces, 0);
	fetch_finish(&fetch);
}

static void
a_rejected_stream_that_never_ends_is_ended(void **state)
{
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 100.0, NULL, NULL);
	fetch.reject = true;
	stream(&fetch, "/stream");
	assert_int_equal(fetch.answer.end, HTTP_REJECTED);
	assert_string_equal(fetch.body, ":)\n");
	fetch_finish(&fetch);
}

static void
a_paused_stream_waits_and_goes_on(void **state)
{
	struct fetch fetch;
	size_t whole = strlen(":)\ndata: 1\n\n") + (8u << 20);

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	fetch.pause_in_data = true;
	stream(&fetch, "/stream-big"); /* stopped by the timer */
	assert_int_equal(fetch.dones, 0);
	assert_true(fetch.data_len < whole);
	http_pause(fetch.http, fetch.id, false);
	loop_run(fetch.loop);
	assert_int_equal(fetch.answer.end, HTTP_DONE);
	assert_int_equal(fetch.data_len, whole);
	fetch_finish(&fetch);
}

static void
a_cancelled_request_never_calls_back(void **state)
{
	struct fetch fetch;
	struct http_request request = {.on_done = on_done, .data = &fetch};

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	fetch.cancel_in_data = true;
	stream(&fetch, "/stream");
	assert_int_equal(fetch.dones, 0);
	assert_int_equal(fetch.pieces, 1);
	request.url = "http://127.0.0.1:1/";
	fetch.id = http_start(fetch.http, &request);
	http_cancel(fetch.http, fetch.id);
	http_cancel(fetch.http, 4711);
	loop_timer_start(fetch.timer, 20, 0);
	loop_run(fetch.loop);
	assert_int_equal(fetch.dones, 0);
	ask(&fetch, "/hang", (struct http_request){.total_ms = 1}); /* others are not hurt */
	assert_int_equal(fetch.dones, 1);
	fetch_finish(&fetch);
}

static void
a_server_that_never_answers_is_slow(void **state)
{
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 50.0, NULL, NULL);
	ask(&fetch, "/hang", (struct http_request){0});
	assert_int_equal(fetch.answer.end, HTTP_SLOW);
	assert_true(fetch.answer.sent);
	assert_int_equal(fetch.answer.status, 0);
	ask(&fetch, "/stream", (struct http_request){.total_ms = 20000});
	assert_int_equal(fetch.answer.end, HTTP_SLOW); /* began, but did not end */
	fetch_finish(&fetch);
}

static void
no_connection_and_no_name_are_told_apart(void **state)
{
	struct fetch fetch;
	char url[300];
	int port;
	int fd = silent_listen(&port);

	(void)state;
	close(fd);
	fetch_start(&fetch, 1.0, NULL, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/?access_token=secret", port);
	run_request(&fetch, &(struct http_request){.url = url});
	assert_int_equal(fetch.answer.end, HTTP_NO_CONNECT);
	assert_false(fetch.answer.sent);
	assert_null(strstr(fetch.error, "secret"));
	memset(url, 'a', sizeof(url));
	memcpy(url, "http://", 7);
	url[250] = '\0'; /* one label of 243 letters: DNS is not even asked */
	run_request(&fetch, &(struct http_request){.url = url});
	assert_int_equal(fetch.answer.end, HTTP_NO_NAME);
	fetch_finish(&fetch);
}

static void
what_cannot_be_sent_is_refused(void **state)
{
	const struct http_header evil = {"X-Note", "a\r\nX-Evil: b"};
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	run_request(&fetch, &(struct http_request){.url = "file:///etc/passwd"});
	assert_int_equal(fetch.answer.end, HTTP_BROKEN);
	ask(&fetch, "/echo", (struct http_request){.headers = &evil, .header_count = 1});
	assert_int_equal(fetch.answer.end, HTTP_BROKEN);
	ask(&fetch, "/echo", (struct http_request){.method = "GET / HTTP/1.1\r\n"});
	assert_int_equal(fetch.answer.end, HTTP_BROKEN);
	ask(&fetch, "/echo", (struct http_request){.bearer = "a\nb"});
	assert_int_equal(fetch.answer.end, HTTP_BROKEN);
	assert_int_equal(fetch.peer.requests, 0);
	fetch_finish(&fetch);
}

static void
redirects_are_followed_only_when_asked(void **state)
{
	struct fetch fetch;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	ask(&fetch, "/redirect", (struct http_request){.bearer = "t0ken"});
	assert_int_equal(fetch.answer.status, 302);
	ask(&fetch, "/redirect", (struct http_request){.bearer = "t0ken", .redirects = true});
	assert_int_equal(fetch.answer.status, 200);
	assert_string_equal(fetch.peer.query, "from=redirect");
	assert_string_equal(fetch.peer.authorization, "Bearer t0ken");
	ask(&fetch, "/redirect",
		(struct http_request){.method = "POST", .body = STR("x"), .redirects = true});
	assert_int_equal(fetch.answer.status, 302);
	fetch.peer.requests = 0;
	ask(&fetch, "/redirect-loop", (struct http_request){.redirects = true});
	assert_int_equal(fetch.answer.status, 307);
	assert_int_equal(fetch.peer.requests, 1 + HTTP_REDIRECTS_MAX);
	fetch_finish(&fetch);
}

static void
the_token_stays_with_its_origin(void **state)
{
	const struct http_header cookie = {"Cookie", "a=b"};
	struct fetch fetch;
	struct peer other;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	peer_start(&other, fetch.loop, NULL, NULL);
	snprintf(fetch.peer.other_origin, sizeof(fetch.peer.other_origin),
		"http://127.0.0.1:%d/echo", other.port);
	ask(&fetch, "/redirect-away",
		(struct http_request){.bearer = "t0ken",
			.headers = &cookie,
			.header_count = 1,
			.redirects = true});
	assert_int_equal(fetch.answer.status, 200);
	assert_string_equal(fetch.peer.authorization, "Bearer t0ken");
	assert_int_equal(other.requests, 1);
	assert_string_equal(other.authorization, "");
	peer_stop(&other);
	fetch_finish(&fetch);
}

static void
drop_bytes(void *data, struct str bytes)
{
	(void)data;
	(void)bytes;
}

static void
running_requests_are_capped(void **state)
{
	struct fetch fetch;
	struct http_request request = {
		.url = "http://127.0.0.1:1/", .on_done = on_done, .data = &fetch};
	unsigned started = 0;

	(void)state;
	fetch_start(&fetch, 1.0, NULL, NULL);
	while (http_start(fetch.http, &request))
		started++;
	assert_int_equal(started, HTTP_RUNNING_MAX);
	request.on_data = drop_bytes; /* streams have a cap of their own */
	for (started = 0; http_start(fetch.http, &request);)
		started++;
	assert_int_equal(started, HTTP_STREAMS_MAX);
	fetch_finish(&fetch);
	assert_int_equal(fetch.dones, 0); /* destroyed: nobody is called */
}

static void
tls_is_verified(void **state)
{
	struct certs certs;
	struct fetch fetch;
	char url[64];

	(void)state;
	assert_true(certs_make(&certs));
	for (int row = 0; row < 5; row++) {
		const char *cert = row == 2 ? certs.wrong : certs.cert;
		const char *ca = row == 1   ? certs.other_ca
				 : row == 3 ? NULL
				 : row == 4 ? "/nonexistent/ca.pem"
					    : certs.ca;

		fetch_start(&fetch, 1.0, cert, certs.key);
		snprintf(url, sizeof(url), "https://localhost:%d/chunked", fetch.peer.port);
		run_request(&fetch,
			&(struct http_request){.url = url, .ca_file = ca, .bearer = "t0ken"});
		assert_int_equal(fetch.answer.end, row == 0 ? HTTP_DONE : HTTP_TLS);
		assert_int_equal(fetch.peer.requests, row == 0);
		assert_int_equal(fetch.answer.sent, row == 0);
		fetch_finish(&fetch);
	}
	fetch_start(&fetch, 1.0, certs.cert, certs.key);
	snprintf(url, sizeof(url), "https://localhost:%d/stream", fetch.peer.port);
	fetch.cut_in_data = "cut";
	run_request(&fetch,
		&(struct http_request){
			.url = url, .ca_file = certs.ca, .on_head = on_head, .on_data = on_data});
	assert_int_equal(fetch.answer.end, HTTP_TRUNCATED);
	fetch_finish(&fetch);
	certs_remove(&certs);
}

static void
a_certificate_tells_how_long_it_is_good(void **state)
{
	struct certs certs;
	struct fetch fetch;
	char url[64];
	struct clock clock = clock_system();
	int64_t now = clock_wall_ms(&clock);

	(void)state;
	assert_true(certs_make(&certs));
	fetch_start(&fetch, 1.0, certs.cert, certs.key);
	snprintf(url, sizeof(url), "https://localhost:%d/echo", fetch.peer.port);
	struct http_request request = {.url = url, .ca_file = certs.ca};
	run_request(&fetch, &request);
	assert_int_equal(fetch.answer.valid_until_ms, 0); /* not asked for */
	request.certificate = true;
	run_request(&fetch, &request); /* on a connection of its own, although one is kept */
	assert_int_equal(fetch.answer.status, 200);
	assert_true(fetch.answer.valid_from_ms > now - 86400000);
	assert_true(fetch.answer.valid_from_ms <= now + 60000);
	assert_true(fetch.answer.valid_until_ms > now);
	fetch_finish(&fetch);
	certs_remove(&certs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_answer_with_our_headers),
		cmocka_unit_test(methods_and_bodies_reach_the_server),
		cmocka_unit_test(big_bodies_go_up_and_down),
		cmocka_unit_test(an_answer_over_the_cap_is_broken),
		cmocka_unit_test(streams_come_in_pieces_and_end_clean),
		cmocka_unit_test(a_cut_stream_is_truncated),
		cmocka_unit_test(a_rejected_stream_brings_its_body),
		cmocka_unit_test(a_rejected_stream_that_never_ends_is_ended),
		cmocka_unit_test(a_paused_stream_waits_and_goes_on),
		cmocka_unit_test(a_cancelled_request_never_calls_back),
		cmocka_unit_test(a_server_that_never_answers_is_slow),
		cmocka_unit_test(no_connection_and_no_name_are_told_apart),
		cmocka_unit_test(what_cannot_be_sent_is_refused),
		cmocka_unit_test(redirects_are_followed_only_when_asked),
		cmocka_unit_test(the_token_stays_with_its_origin),
		cmocka_unit_test(running_requests_are_capped),
		cmocka_unit_test(tls_is_verified),
		cmocka_unit_test(a_certificate_tells_how_long_it_is_good),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
