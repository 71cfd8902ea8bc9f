/* SPDX-License-Identifier: MIT */
/* ws: messages, the ways a connection ends, subprotocols, TLS, clients that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "peer.h"
#include "ws.h"

struct talk {
	struct loop *loop;
	struct ws_client *client;
	struct peer peer;
	struct ws *ws;
	struct loop_timer *timer;
	const char *say;     /* after the welcome */
	unsigned stop_after; /* messages, the welcome counted; 0: never */
	bool abandon_in_open, close_in_message, abandon_in_message;
	unsigned opens, messages, alive, ends;
	size_t last_len;
	char last[64];
	struct ws_ended ended;
	char error[256];
};

static void
on_open(void *data)
{
	struct talk *talk = data;

	talk->opens++;
	if (talk->abandon_in_open) {
		ws_abandon(talk->ws);
		loop_timer_start(talk->timer, 50, 0);
	}
}

static void
on_message(void *data, struct str text)
{
	struct talk *talk = data;

	talk->messages++;
	talk->last_len = text.len;
	snprintf(talk->last, sizeof(talk->last), "%.*s", STR_ARG(text));
	if (talk->messages == 1 && talk->say)
		assert_true(ws_send(talk->ws, str_from(talk->say)));
	if (talk->close_in_message)
		ws_close(talk->ws, 1000);
	if (talk->abandon_in_message) {
		ws_abandon(talk->ws);
		loop_timer_start(talk->timer, 50, 0);
	}
	if (talk->messages == talk->stop_after)
		loop_stop(talk->loop);
}

static void
on_alive(void *data)
{
	struct talk *talk = data;

	talk->alive++;
}

static void
on_end(void *data, const struct ws_ended *ended)
{
	struct talk *talk = data;

	talk->ends++;
	talk->ended = *ended;
	snprintf(talk->error, sizeof(talk->error), "%s", ended->error);
	talk->ws = NULL;
	loop_stop(talk->loop);
}

static void
on_timer(void *data)
{
	struct talk *talk = data;

	loop_stop(talk->loop);
}

static const struct ws_events events = {
	.on_open = on_open, .on_message = on_message, .on_alive = on_alive, .on_end = on_end};

static void
talk_start(struct talk *talk, double rate)
{
	*talk = (struct talk){0};
	talk->loop = loop_create(rate);
	talk->client = ws_client_create(talk->loop, NULL);
	talk->timer = loop_timer_create(talk->loop, on_timer, talk);
}

static void
talk_open(struct talk *talk, const char *url, const char *ca_file)
{
	const struct ws_target target = {
		.url = url, .bearer = "t0ken-of_mine", .ca_file = ca_file, .user_agent = "test/1"};

	talk->opens = talk->ends = 0;
	talk->ws = ws_open(talk->client, &target, &events, talk);
	assert_non_null(talk->ws);
	assert_int_equal(talk->opens + talk->ends, 0);
}

static void
talk_with_peer(struct talk *talk, const char *path)
{
	char url[256];

	snprintf(url, sizeof(url), "ws://127.0.0.1:%d%s", talk->peer.port, path);
	talk_open(talk, url, NULL);
	loop_run(talk->loop);
}

static void
talk_finish(struct talk *talk)
{
	loop_timer_destroy(talk->timer);
	ws_client_destroy(talk->client);
	if (talk->peer.server)
		peer_stop(&talk->peer);
	loop_destroy(talk->loop);
}

static void
messages_go_both_ways_with_our_headers(void **state)
{
	struct talk talk;

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.say = "hello";
	talk.stop_after = 2;
	talk_with_peer(&talk, "/api/v1/streaming?stream=user");
	assert_int_equal(talk.opens, 1);
	assert_string_equal(talk.last, "hello");
	assert_string_equal(talk.peer.query, "stream=user");
	assert_string_equal(talk.peer.authorization, "Bearer t0ken-of_mine");
	assert_string_equal(talk.peer.subprotocol, "t0ken-of_mine");
	assert_string_equal(talk.peer.user_agent, "test/1");
	assert_true(talk.alive >= 1);
	talk_finish(&talk);
	assert_int_equal(talk.ends, 0); /* a client that is destroyed says nothing */
}

static void
echoed_subprotocol_is_accepted(void **state)
{
	struct talk talk;

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.stop_after = 1;
	talk_with_peer(&talk, "/echo-sub");
	assert_int_equal(talk.opens, 1);
	assert_string_equal(talk.last, "welcome");
	talk_finish(&talk);
}

static void
a_message_of_a_megabyte_comes_whole(void **state)
{
	struct talk talk;

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.say = "big 1048576";
	talk.stop_after = 2;
	talk_with_peer(&talk, "/");
	assert_int_equal(talk.last_len, 1048576);
	assert_true(talk.alive < 512); /* it is read in big pieces: each is told once */
	talk_finish(&talk);
}

static void
a_message_over_the_cap_ends_the_connection(void **state)
{
	struct talk talk;

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.say = "big 16777217";
	talk_with_peer(&talk, "/");
	assert_int_equal(talk.ended.end, WS_TOO_BIG);
	assert_int_equal(talk.messages, 1);
	talk_finish(&talk);
}

static void
refusal_brings_status_and_the_servers_words(void **state)
{
	struct talk talk;

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk_with_peer(&talk, "/refuse");
	assert_int_equal(talk.ended.end, WS_REFUSED);
	assert_int_equal(talk.ended.http_status, 401);
	assert_string_equal(talk.error, "Invalid access token");
	talk_with_peer(&talk, "/refuse-plain");
	assert_int_equal(talk.ended.end, WS_REFUSED);
	assert_int_equal(talk.ended.http_status, 503);
	assert_int_equal(talk.opens, 0);
	talk_finish(&talk);
}

static void
close_codes_arrive(void **state)
{
	static const struct {
		const char *say;
		int code;
	} rows[] = {{"close 1000 bye", 1000}, {"close 0", 1005}, {"close 1001", 1001},
		{"close 1011 oh", 1011}, {"close 4000", 4000}, {"close 1012", 1012},
		{"close 1013 later", 1013}, {"close 1014", 1014}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk talk;

		talk_start(&talk, 1.0);
		peer_start(&talk.peer, talk.loop, NULL, NULL);
		talk.say = rows[i].say;
		talk_with_peer(&talk, "/");
		assert_int_equal(talk.ended.end, WS_CLOSED);
		assert_int_equal(talk.ended.code, rows[i].code);
		talk_finish(&talk);
	}
}

static void
the_reason_of_a_close_is_told(void **state)
{
	struct talk talk;

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.say = "close 1000 good night";
	talk_with_peer(&talk, "/");
	assert_non_null(strstr(talk.error, "good night"));
	talk_finish(&talk);
}

static void
a_cut_is_no_close(void **state)
{
	static const char *const says[] = {"cut", "reset"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct talk talk;

		talk_start(&talk, 1.0);
		peer_start(&talk.peer, talk.loop, NULL, NULL);
		talk.say = says[i];
		talk_with_peer(&talk, "/");
		assert_int_equal(talk.ended.end, WS_CUT);
		assert_int_equal(talk.ends, 1);
		talk_finish(&talk);
	}
}

static void
pings_count_as_life(void **state)
{
	struct talk talk;
	unsigned alive;

	(void)state;
	talk_start(&talk, 200.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.stop_after = 1;
	talk_with_peer(&talk, "/");
	loop_timer_start(talk.timer, 20000, 0);
	loop_run(talk.loop);
	alive = talk.alive;
	loop_timer_start(talk.timer, 20000, 0);
	loop_run(talk.loop);
	assert_int_equal(talk.alive, alive); /* nothing came, nothing is told */
	assert_true(server_ws_ping(talk.peer.server, talk.peer.last, STR(""), false));
	loop_timer_start(talk.timer, 20000, 0);
	loop_run(talk.loop);
	assert_int_equal(talk.alive, alive + 1);
	assert_int_equal(talk.peer.pongs, 1);
	assert_int_equal(talk.messages, 1);
	talk_finish(&talk);
}

static void
our_close_reaches_the_server_and_ends(void **state)
{
	struct talk talk;

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.close_in_message = true;
	talk_with_peer(&talk, "/");
	assert_int_equal(talk.ended.end, WS_CLOSED);
	assert_int_equal(talk.ended.code, 1000);
	assert_int_equal(talk.ends, 1);
	talk_finish(&talk);
}

static void
close_before_it_is_open_ends_it(void **state)
{
	struct talk talk;
	char url[64];

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", talk.peer.port);
	talk_open(&talk, url, NULL);
	ws_close(talk.ws, 1000);
	assert_int_equal(talk.ends, 0);
	loop_run(talk.loop);
	assert_int_equal(talk.ends, 1);
	assert_int_equal(talk.opens, 0);
	talk_finish(&talk);
}

static void
abandoned_connections_never_call_back(void **state)
{
	(void)state;
	for (int when = 0; when < 3; when++) {
		struct talk talk;
		char url[64];

		talk_start(&talk, 1.0);
		peer_start(&talk.peer, talk.loop, NULL, NULL);
		talk.abandon_in_open = when == 1;
		talk.abandon_in_message = when == 2;
		snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", talk.peer.port);
		talk_open(&talk, url, NULL);
		if (when == 0) {
			ws_abandon(talk.ws);
			loop_timer_start(talk.timer, 50, 0);
		}
		loop_run(talk.loop);
		assert_int_equal(talk.ends, 0);
		assert_int_equal(talk.opens, when > 0);
		assert_int_equal(talk.messages, when == 2);
		assert_int_equal(talk.peer.ends, when > 0); /* the server saw it go */
		talk_finish(&talk);
	}
}

static void
a_server_that_never_answers_is_slow(void **state)
{
	struct talk talk;
	char url[64];
	int port;
	int fd = silent_listen(&port);

	(void)state;
	talk_start(&talk, 25.0);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", port);
	talk_open(&talk, url, NULL);
	loop_run(talk.loop);
	assert_int_equal(talk.ended.end, WS_SLOW);
	assert_int_equal(talk.ends, 1);
	talk_finish(&talk);
	close(fd);
}

static void
a_closed_port_and_an_impossible_name_are_told_apart(void **state)
{
	struct talk talk;
	char url[600];
	int port;
	int fd = silent_listen(&port);

	(void)state;
	close(fd); /* nobody listens there now */
	talk_start(&talk, 1.0);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", port);
	talk_open(&talk, url, NULL);
	loop_run(talk.loop);
	assert_int_equal(talk.ended.end, WS_NO_CONNECT);
	memcpy(url, "ws://", 5);
	memset(url + 5, 'a', 250); /* one label of 250 letters: DNS is not even asked */
	url[255] = '\0';
	talk_open(&talk, url, NULL);
	loop_run(talk.loop);
	assert_int_equal(talk.ended.end, WS_NO_NAME);
	assert_null(ws_open(talk.client, &(struct ws_target){.url = "gopher://x"}, &events, &talk));
	talk_finish(&talk);
}

static void
paused_connections_are_not_read(void **state)
{
	struct talk talk;

	(void)state;
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.stop_after = 1;
	talk_with_peer(&talk, "/");
	ws_pause(talk.ws, true);
	server_ws_send(talk.peer.server, talk.peer.last, STR("later"));
	loop_timer_start(talk.timer, 100, 0);
	loop_run(talk.loop);
	assert_int_equal(talk.messages, 1);
	ws_pause(talk.ws, false);
	talk.stop_after = 2;
	loop_run(talk.loop);
	assert_string_equal(talk.last, "later");
	talk_finish(&talk);
}

static void
the_send_queue_is_capped(void **state)
{
	struct talk talk;
	static char text[300000];
	unsigned taken = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	talk_start(&talk, 1.0);
	peer_start(&talk.peer, talk.loop, NULL, NULL);
	talk.stop_after = 1;
	talk_with_peer(&talk, "/");
	while (ws_send(talk.ws, (struct str){text, sizeof(text)}))
		taken++;
	assert_int_equal(taken, 3);
	talk.stop_after = 4;
	loop_run(talk.loop);
	assert_int_equal(talk.last_len, sizeof(text));
	talk_finish(&talk);
}

static void
tls_is_verified(void **state)
{
	struct certs certs;
	struct talk talk;
	char url[64];

	(void)state;
	assert_true(certs_make(&certs));
	for (int row = 0; row < 4; row++) {
		const char *cert = row == 2 ? certs.wrong : certs.cert;
		const char *ca = row == 1 ? certs.other_ca : row == 3 ? NULL : certs.ca;

		talk_start(&talk, 1.0);
		peer_start(&talk.peer, talk.loop, cert, certs.key);
		talk.say = "secret";
		talk.stop_after = 2;
		snprintf(url, sizeof(url), "wss://localhost:%d/", talk.peer.port);
		talk_open(&talk, url, ca);
		loop_run(talk.loop);
		if (row == 0)
			assert_string_equal(talk.last, "secret");
		else
			assert_int_equal(talk.ended.end, WS_TLS);
		assert_int_equal(talk.peer.requests, row == 0);
		talk_finish(&talk);
	}
	certs_remove(&certs);
}

static void
two_clients_and_two_servers_share_a_loop_in_turn(void **state)
{
	struct loop *loop = loop_create(1.0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct talk talk = {.loop = loop, .stop_after = 1};
		struct peer other;
		struct ws_client *second = ws_client_create(loop, NULL);

		talk.client = ws_client_create(loop, NULL);
		talk.timer = loop_timer_create(loop, on_timer, &talk);
		peer_start(&talk.peer, loop, NULL, NULL);
		peer_start(&other, loop, NULL, NULL);
		talk_with_peer(&talk, "/");
		assert_string_equal(talk.last, "welcome");
		loop_timer_destroy(talk.timer);
		ws_client_destroy(talk.client);
		peer_stop(&talk.peer);
		ws_client_destroy(second);
		peer_stop(&other);
	}
	loop_destroy(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_both_ways_with_our_headers),
		cmocka_unit_test(echoed_subprotocol_is_accepted),
		cmocka_unit_test(a_message_of_a_megabyte_comes_whole),
		cmocka_unit_test(a_message_over_the_cap_ends_the_connection),
		cmocka_unit_test(refusal_brings_status_and_the_servers_words),
		cmocka_unit_test(close_codes_arrive),
		cmocka_unit_test(the_reason_of_a_close_is_told),
		cmocka_unit_test(a_cut_is_no_close),
		cmocka_unit_test(pings_count_as_life),
		cmocka_unit_test(our_close_reaches_the_server_and_ends),
		cmocka_unit_test(close_before_it_is_open_ends_it),
		cmocka_unit_test(abandoned_connections_never_call_back),
		cmocka_unit_test(a_server_that_never_answers_is_slow),
		cmocka_unit_test(a_closed_port_and_an_impossible_name_are_told_apart),
		cmocka_unit_test(paused_connections_are_not_read),
		cmocka_unit_test(the_send_queue_is_capped),
		cmocka_unit_test(tls_is_verified),
		cmocka_unit_test(two_clients_and_two_servers_share_a_loop_in_turn),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
