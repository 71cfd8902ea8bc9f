/* SPDX-License-Identifier: MIT */
/* relay: what a spoilt connection looks like to the client and to the server behind it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "limits.h"
#include "loop.h"
#include "peer.h"
#include "relay.h"
#include "xmalloc.h"

#define STEPS_MAX 5000 /* of a millisecond */

struct bench {
	struct loop *loop;
	struct loop_timer *step;
	struct relay *relay;
	int listening; /* the server behind */
	int client, server;
	uint64_t id; /* of the connection between them */
};

static void
on_step(void *data)
{
	loop_stop(data);
}

static void
step(struct bench *bench)
{
	loop_timer_start(bench->step, 1, 0);
	loop_run(bench->loop);
}

static int
dial(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A client, and the server's end of its connection. */
static void
join(struct bench *bench)
{
	struct sockaddr_in from = {0};
	socklen_t len = sizeof(from);

	bench->client = dial(relay_port(bench->relay));
	assert_true(bench->client >= 0);
	for (int i = 0; i < STEPS_MAX; i++) {
		step(bench);
		bench->server =
			accept4(bench->listening, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
		if (bench->server >= 0)
			break;
	}
	assert_true(bench->server >= 0);
	bench->id = relay_find(bench->relay, ntohs(from.sin_port));
	assert_true(bench->id > 0);
}

static int
setup(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));
	struct relay_config config = {0};
	char error[MESSAGE_MAX];

	bench->client = bench->server = -1;
	bench->loop = loop_create(1.0);
	bench->step = loop_timer_create(bench->loop, on_step, bench->loop);
	bench->listening = silent_listen(&config.target_port);
	bench->relay = relay_create(bench->loop, &config, error);
	if (!bench->relay)
		fail_msg("%s", error);
	/* accept4 must not block */
	struct timeval none = {.tv_usec = 1};
	setsockopt(bench->listening, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	join(bench);
	*state = bench;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *bench = *state;

	if (bench->client >= 0)
		close(bench->client);
	if (bench->server >= 0)
		close(bench->server);
	close(bench->listening);
	relay_destroy(bench->relay);
	loop_timer_destroy(bench->step);
	loop_destroy(bench->loop);
	free(bench);
	return 0;
}

/* Reads until `want` bytes are there or the connection ends. Returns the bytes; `*reads` (may be NULL) counts the
 * pieces they came in, `*end` is 1 after a FIN and -1 after a RST. */
static size_t
collect(struct bench *bench, int fd, size_t want, unsigned *reads, int *end)
{
	char room[65536];
	size_t all = 0;

	*end = 0;
	for (int i = 0; i < STEPS_MAX && all < want; i++) {
		ssize_t got = recv(fd, room, sizeof(room), MSG_DONTWAIT);

		if (got > 0) {
			all += (size_t)got;
			if (reads)
				++*reads;
		} else if (got == 0 || errno == ECONNRESET) {
			*end = got == 0 ? 1 : -1;
			return all;
		} else {
			step(bench);
		}
	}
	return all;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Nothing comes, and no end. */
static void
expect_silence(struct bench *bench, int fd)
{
	char byte;

	for (int i = 0; i < 20; i++)
		step(bench);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
bytes_and_ends_pass_both_ways(void **state)
{
	struct bench *bench = *state;
	int end;

	say(bench->client, "hello");
	assert_int_equal(collect(bench, bench->server, 5, NULL, &end), 5);
	say(bench->server, "good day");
	assert_int_equal(collect(bench, bench->client, 8, NULL, &end), 8);
	close(bench->server);
	bench->server = -1;
	assert_int_equal(collect(bench, bench->client, 1, NULL, &end), 0);
	assert_int_equal(end, 1);
}

static void
a_client_that_goes_is_told_to_the_server(void **state)
{
	struct bench *bench = *state;
	int end;

	say(bench->client, "bye");
	close(bench->client);
	bench->client = -1;
	assert_int_equal(collect(bench, bench->server, 4, NULL, &end), 3);
	assert_int_equal(end, 1);
}

static void
a_reset_of_the_server_is_one_for_the_client(void **state)
{
	struct bench *bench = *state;
	struct linger now = {.l_onoff = 1};
	int end;

	setsockopt(bench->server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(bench->server);
	bench->server = -1;
	assert_int_equal(collect(bench, bench->client, 1, NULL, &end), 0);
	assert_int_equal(end, -1);
}

static void
much_passes_to_a_slow_reader(void **state)
{
	char block[1 << 16] = "";
	struct bench *bench = *state;
	size_t sent = 0, got = 0;
	int end;

	while (got < (8u << 20)) {
		ssize_t put = sent < (8u << 20)
				      ? send(bench->server, block, sizeof(block), MSG_DONTWAIT)
				      : 0;
		if (put > 0)
			sent += (size_t)put;
		got += collect(bench, bench->client, 1, NULL, &end);
		assert_int_equal(end, 0);
	}
	assert_int_equal(got, sent);
}

static void
while_it_does_not_listen_connects_are_refused(void **state)
{
	struct bench *bench = *state;
	int port = relay_port(bench->relay), fd, end;

	assert_true(relay_listen(bench->relay, false));
	assert_int_equal(dial(port), -1);
	assert_int_equal(errno, ECONNREFUSED);
	say(bench->server, "still here");
	assert_int_equal(collect(bench, bench->client, 10, NULL, &end), 10);
	assert_true(relay_listen(bench->relay, true));
	assert_int_equal(relay_port(bench->relay), port);
	fd = dial(port);
	assert_true(fd >= 0);
	close(fd);
}

static void
a_held_connection_gives_nothing_not_even_its_end(void **state)
{
	struct bench *bench = *state;
	struct relay_fault fault = {.held = true, .cut_after = -1};
	int end;

	assert_true(relay_spoil(bench->relay, bench->id, &fault));
	say(bench->server, "lost?");
	say(bench->client, "anybody?");
	expect_silence(bench, bench->client);
	expect_silence(bench, bench->server);
	close(bench->server);
	bench->server = -1;
	expect_silence(bench, bench->client);
	relay_heal(bench->relay);
	assert_int_equal(collect(bench, bench->client, 6, NULL, &end), 5);
	assert_int_not_equal(end, 0);
}

static void
a_client_that_gives_up_ends_a_held_connection(void **state)
{
	struct bench *bench = *state;
	struct relay_fault fault = {.held = true, .cut_after = -1};
	int end;

	assert_true(relay_spoil(bench->relay, bench->id, &fault));
	close(bench->client);
	bench->client = -1;
	assert_int_equal(collect(bench, bench->server, 1, NULL, &end), 0);
	assert_int_equal(end, 1);
	assert_false(relay_spoil(bench->relay, bench->id, &fault));
}

static void
pieces_come_one_by_one(void **state)
{
	struct bench *bench = *state;
	struct relay_fault fault = {.cut_after = -1, .piece_bytes = 1, .piece_ms = 3};
	unsigned reads = 0;
	int end;

	assert_true(relay_spoil(bench->relay, bench->id, &fault));
	say(bench->server, "event: update\n");
	assert_int_equal(collect(bench, bench->client, 14, &reads, &end), 14);
	assert_true(reads >= 5); /* 14 unless this process was kept waiting */
}

static void
a_cut_comes_after_so_many_bytes(void **state)
{
	struct bench *bench = *state;
	struct relay_fault fault = {.cut_after = 9};
	int end;

	assert_true(relay_spoil(bench->relay, bench->id, &fault));
	say(bench->server, "5\r\n");
	assert_int_equal(collect(bench, bench->client, 3, NULL, &end), 3);
	say(bench->server, "hello, this is more\r\n");
	assert_int_equal(collect(bench, bench->client, 20, NULL, &end), 6);
	assert_int_equal(end, 1);
	assert_int_equal(collect(bench, bench->server, 1, NULL, &end), 0);
	assert_int_not_equal(end, 0);
}

static void
faults_for_those_to_come_leave_the_others_alone(void **state)
{
	struct bench *bench = *state;
	struct relay_fault fault = {.cut_after = 0, .reset = true};
	int old_client = bench->client, old_server = bench->server, end;

	assert_true(relay_spoil(bench->relay, 0, &fault));
	join(bench);
	say(bench->server, "x");
	assert_int_equal(collect(bench, bench->client, 1, NULL, &end), 0);
	assert_int_equal(end, -1);
	say(old_server, "y");
	assert_int_equal(collect(bench, old_client, 1, NULL, &end), 1);
	close(old_client);
	close(old_server);
}

static void
all_are_cut_at_once(void **state)
{
	struct bench *bench = *state;
	int end;

	assert_int_equal(relay_cut(bench->relay, bench->id, true), 0);
	assert_int_equal(relay_cut(bench->relay, 0, true), 1);
	assert_int_equal(collect(bench, bench->client, 1, NULL, &end), 0);
	assert_int_equal(end, -1);
	assert_int_equal(relay_cut(bench->relay, 0, false), 0);
}

static void
a_taken_port_is_said(void **state)
{
	struct bench *bench = *state;
	struct relay_config config = {.port = relay_port(bench->relay), .target_port = 1};
	char error[MESSAGE_MAX] = "";

	assert_null(relay_create(bench->loop, &config, error));
	assert_non_null(strstr(error, "in use"));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(bytes_and_ends_pass_both_ways),
		CASE(a_client_that_goes_is_told_to_the_server),
		CASE(a_reset_of_the_server_is_one_for_the_client),
		CASE(much_passes_to_a_slow_reader),
		CASE(while_it_does_not_listen_connects_are_refused),
		CASE(a_held_connection_gives_nothing_not_even_its_end),
		CASE(a_client_that_gives_up_ends_a_held_connection),
		CASE(pieces_come_one_by_one),
		CASE(a_cut_comes_after_so_many_bytes),
		CASE(faults_for_those_to_come_leave_the_others_alone),
		CASE(all_are_cut_at_once),
		CASE(a_taken_port_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
