/* SPDX-License-Identifier: MIT */
/* server: the very bytes of Mastodon's recordings, and requests of every shape. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "limits.h"
#include "loop.h"
#include "server.h"
#include "xmalloc.h"

#define HEADERS_MAX 32

struct bench {
	struct loop *loop;
	struct server *server;
	struct loop_timer *timer;
	struct loop_watch *watch;
	struct server_conn_seen {
		server_conn last;
		unsigned requests, ends;
		char method[16], path[64], query[64];
		size_t body_len;
		char body[64];
	} seen;
	struct buf recorded; /* what the real server sent; answers are taken off its front */
	size_t recorded_at;
	char *head; /* the last one, cut into texts */
	struct http_header headers[HEADERS_MAX];
	unsigned header_count;
	char subprotocol[128];
	bool stream_plain; /* answer with server_begin, without any header */
	int fd;
	struct buf got;
	size_t want; /* bytes; 0: until the end */
	bool ended;
};

/* Takes the head of the next recorded answer apart. Returns its status. */
static int
take_head(struct bench *bench, bool only_extra)
{
	char *at = bench->recorded.ptr + bench->recorded_at;
	char *end = strstr(at, "\r\n\r\n");
	int status = (int)strtol(at + strlen("HTTP/1.1 "), NULL, 10);
	char *copy = xmemdup0(at, (size_t)(end - at) + 2);
	char *line = strstr(copy, "\r\n") + 2;

	free(bench->head);
	bench->head = copy;
	bench->header_count = 0;
	bench->recorded_at += (size_t)(end - at) + 4;
	while (*line) {
		char *stop = strstr(line, "\r\n");
		char *value = strstr(line, ": ");

		*stop = '\0';
		*value = '\0';
		value += 2;
		if (strcmp(line, "Sec-WebSocket-Protocol") == 0)
			snprintf(bench->subprotocol, sizeof(bench->subprotocol), "%s", value);
		if (!only_extra || strncmp(line, "X-", 2) == 0)
			bench->headers[bench->header_count++] = (struct http_header){line, value};
		line = stop + 2;
	}
	return status;
}

static const char *
header(const struct bench *bench, const char *name)
{
	for (unsigned i = 0; i < bench->header_count; i++) {
		if (strcmp(bench->headers[i].name, name) == 0)
			return bench->headers[i].value;
	}
	return NULL;
}

static void
send_recorded_chunks(struct bench *bench, server_conn conn)
{
	while (bench->recorded_at < bench->recorded.len) {
		char *data;
		size_t len = strtoul(bench->recorded.ptr + bench->recorded_at, &data, 16);

		data += 2;
		bench->recorded_at = (size_t)(data - bench->recorded.ptr) + len + 2;
		if (len == 0) {
			assert_true(server_finish(bench->server, conn));
			return;
		}
		assert_true(server_write(bench->server, conn, (struct str){data, len}));
	}
}

static void
answer_as_recorded(struct bench *bench, server_conn conn)
{
	int status = take_head(bench, false);
	const char *length = header(bench, "Content-Length");
	size_t len = length ? strtoul(length, NULL, 10) : 0;
	struct str body = {bench->recorded.ptr + bench->recorded_at, len};

	if (header(bench, "Transfer-Encoding")) {
		assert_true(server_begin(
			bench->server, conn, status, bench->headers, bench->header_count));
		send_recorded_chunks(bench, conn);
		return;
	}
	bench->recorded_at += len;
	assert_true(server_respond(
		bench->server, conn, status, bench->headers, bench->header_count, body, false));
}

static void
on_request(void *data, server_conn conn, const struct server_request *request)
{
	struct bench *bench = data;

	bench->seen.requests++;
	bench->seen.last = conn;
	bench->seen.body_len = request->body.len;
	snprintf(bench->seen.method, sizeof(bench->seen.method), "%s", request->method);
	snprintf(bench->seen.path, sizeof(bench->seen.path), "%.*s", STR_ARG(request->path));
	snprintf(bench->seen.query, sizeof(bench->seen.query), "%.*s", STR_ARG(request->query));
	snprintf(bench->seen.body, sizeof(bench->seen.body), "%.*s",
		(int)(request->body.len < 63 ? request->body.len : 63), request->body.ptr);
	if (bench->recorded.len) {
		answer_as_recorded(bench, conn);
	} else if (bench->stream_plain) {
		server_begin(bench->server, conn, 200, NULL, 0);
		server_write(bench->server, conn, STR("one"));
		server_write(bench->server, conn, STR("")); /* would be the last chunk */
		server_write(bench->server, conn, STR("two"));
		server_finish(bench->server, conn);
	} else if (!str_eq_text(request->path, "/hang")) {
		server_respond(bench->server, conn, 200, NULL, 0, STR("hi"), false);
	}
}

static int
on_upgrade(void *data, server_conn conn, const struct server_request *request,
	const char **subprotocol, const struct http_header **headers, unsigned *count)
{
	struct bench *bench = data;
	int status = strncmp(bench->recorded.ptr, "HTTP/1.1 101", 12) == 0 ? 101 : 0;

	(void)request;
	bench->seen.last = conn;
	if (strncmp(bench->recorded.ptr, "HTTP/1.1 400", 12) == 0)
		return 0; /* the server finds out by itself */
	status = take_head(bench, status == 101);
	*headers = bench->headers;
	*count = bench->header_count;
	*subprotocol = bench->subprotocol[0] ? bench->subprotocol : NULL;
	return status == 101 ? 0 : status;
}

static void
on_ws_open(void *data, server_conn conn)
{
	struct bench *bench = data;
	const char *frame = bench->recorded.ptr + bench->recorded_at;

	/* a short text frame is the application's, the rest is the protocol's own */
	if (bench->recorded_at < bench->recorded.len && (unsigned char)frame[0] == 0x81)
		server_ws_send(
			bench->server, conn, (struct str){frame + 2, (unsigned char)frame[1]});
}

static void
on_ws_message(void *data, server_conn conn, struct str message, bool binary)
{
	struct bench *bench = data;

	(void)message;
	if (binary)
		server_ws_close(bench->server, conn, 1003,
			STR("The mastodon streaming server does not support binary messages"));
}

static void
on_end(void *data, server_conn conn)
{
	struct bench *bench = data;

	(void)conn;
	bench->seen.ends++;
}

static void
on_timer(void *data)
{
	struct bench *bench = data;

	loop_stop(bench->loop);
}

static void
on_readable(void *data, int fd, int ready)
{
	struct bench *bench = data;
	char bytes[65536];
	ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)ready;
	if (len > 0)
		buf_add(&bench->got, bytes, (size_t)len);
	bench->ended = len <= 0;
	if (bench->ended)
		loop_watch_set(bench->watch, 0);
	if (bench->ended || (bench->want && bench->got.len >= bench->want))
		loop_stop(bench->loop);
}

static void
bench_start(struct bench *bench, double rate)
{
	const struct server_config config = {0};
	const struct server_events events = {.on_request = on_request,
		.on_upgrade = on_upgrade,
		.on_ws_open = on_ws_open,
		.on_ws_message = on_ws_message,
		.on_end = on_end};
	char error[MESSAGE_MAX];

	*bench = (struct bench){.fd = -1};
	bench->loop = loop_create(rate);
	bench->timer = loop_timer_create(bench->loop, on_timer, bench);
	bench->server = server_create(bench->loop, NULL, &config, &events, bench, error);
	assert_non_null(bench->server);
	buf_init(&bench->got, 64u << 20);
	buf_init(&bench->recorded, 64u << 20);
}

static void
bench_connect(struct bench *bench)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(bench->server))};

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bench->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(bench->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	bench->watch = loop_watch_create(bench->loop, bench->fd, on_readable, bench);
	loop_watch_set(bench->watch, WATCH_READ);
	bench->ended = false;
	buf_clear(&bench->got);
}

static void
bench_disconnect(struct bench *bench)
{
	loop_watch_destroy(bench->watch);
	if (bench->fd >= 0)
		close(bench->fd);
	bench->watch = NULL;
	bench->fd = -1;
}

/* Runs until `want` bytes came or the connection ended (0), at most for ten real seconds. */
static void
wait_for(struct bench *bench, size_t want, int64_t at_most_ms)
{
	bench->want = want;
	if ((want && bench->got.len >= want) || bench->ended)
		return;
	loop_timer_start(bench->timer, at_most_ms, 0);
	loop_run(bench->loop);
	loop_timer_stop(bench->timer);
}

static void
say(struct bench *bench, struct str bytes)
{
	assert_int_equal(send(bench->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

static void
bench_finish(struct bench *bench)
{
	bench_disconnect(bench);
	loop_timer_destroy(bench->timer);
	server_destroy(bench->server);
	loop_destroy(bench->loop);
	buf_finish(&bench->got);
	buf_finish(&bench->recorded);
	free(bench->head);
}

/* Says `bytes` on a new connection and compares all that comes back. */
static void
expect(struct str bytes, const char *answer)
{
	struct bench bench;

	bench_start(&bench, 1.0);
	bench_connect(&bench);
	say(&bench, bytes);
	wait_for(&bench, 0, 10000);
	assert_true(bench.ended);
	assert_string_equal(bench.got.ptr, answer);
	bench_finish(&bench);
}

static void
read_file(const char *name, struct buf *out)
{
	char *path = xasprintf("%s/recordings/%s", getenv("MOONTUSK_FIXTURES"), name);
	FILE *file = fopen(path, "rb");
	char bytes[65536];
	size_t len;

	assert_non_null(file);
	while ((len = fread(bytes, 1, sizeof(bytes), file)) > 0)
		buf_add(out, bytes, len);
	fclose(file);
	free(path);
}

static const char *const recordings[] = {"01-health", "03-sse-public-update", "19-sse-big-status",
	"30-err-no-token", "39-err-missing-tag", "43-err-unknown-path", "49-options-preflight",
	"53-http10", "54-error-keepalive", "60-sse-kill-token", "76-ws-bad-token",
	"78-ws-token-in-subprotocol", "79-ws-binary", "87-ws-client-ping-close",
	"88-ws-unmasked-frame", "90-ws-bad-upgrade-version", "92-ws-post-upgrade"};

static void
sends_the_bytes_that_mastodon_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++) {
		struct bench bench;
		struct buf asked;
		char name[80];

		bench_start(&bench, 1.0);
		buf_init(&asked, 1u << 20);
		snprintf(name, sizeof(name), "%s.c2s.bin", recordings[i]);
		read_file(name, &asked);
		snprintf(name, sizeof(name), "%s.s2c.bin", recordings[i]);
		read_file(name, &bench.recorded);
		bench_connect(&bench);
		say(&bench, buf_str(&asked));
		wait_for(&bench, bench.recorded.len, 10000);
		if (!str_eq(buf_str(&bench.got), buf_str(&bench.recorded)))
			fail_msg("%s: got %zu bytes: %.*s", recordings[i], bench.got.len,
				(int)bench.got.len, bench.got.ptr ? bench.got.ptr : "");
		buf_finish(&asked);
		bench_finish(&bench);
	}
}

static void
takes_a_request_byte_by_byte(void **state)
{
	struct bench bench;
	struct str bytes =
		STR("\r\nPOST /a%2Fb?x=%20&y HTTP/1.1\r\nHOST:h\r\nContent-Length: 3\r\n\r\nabc");

	(void)state;
	bench_start(&bench, 1.0);
	bench_connect(&bench);
	for (size_t i = 0; i < bytes.len; i++) {
		say(&bench, (struct str){bytes.ptr + i, 1});
		wait_for(&bench, 1, 1);
	}
	wait_for(&bench, 1, 10000);
	assert_string_equal(bench.seen.path, "/a%2Fb");
	assert_string_equal(bench.seen.query, "x=%20&y");
	assert_string_equal(bench.seen.body, "abc");
	assert_string_equal(bench.got.ptr,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi");
	bench_finish(&bench);
}

static void
answers_requests_in_a_row_on_one_connection(void **state)
{
	(void)state;
	expect(STR("GET / HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: "
		   "close\r\n\r\n"),
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi"
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n"
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
}

static void
takes_chunked_bodies_and_the_wish_to_wait(void **state)
{
	struct bench bench;

	(void)state;
	bench_start(&bench, 1.0);
	bench_connect(&bench);
	say(&bench,
		STR("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"));
	wait_for(&bench, 1, 10000);
	assert_string_equal(bench.got.ptr, "HTTP/1.1 100 Continue\r\n\r\n");
	say(&bench, STR("3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n"));
	wait_for(&bench, bench.got.len + 1, 10000);
	assert_string_equal(bench.seen.body, "abcde");
	bench_finish(&bench);
}

static void
refuses_what_is_no_request(void **state)
{
	static const struct {
		struct str bytes;
		const char *status;
	} rows[] = {
		{{"BLAH\r\n\r\n", 8}, "HTTP/1.1 400 Bad Request\r\n"},
		{{"GET / HTTP/2.0\r\n\r\n", 18}, "HTTP/1.1 400 Bad Request\r\n"},
		{{"GET / HTTP/1.1\r\nA\0: b\r\n\r\n", 26}, "HTTP/1.1 400 Bad Request\r\n"},
		{{"GET / HTTP/1.1\r\nno colon\r\n\r\n", 28}, "HTTP/1.1 400 Bad Request\r\n"},
		{{"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 38},
			"HTTP/1.1 400 Bad Request\r\n"},
		{{"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 47},
			"HTTP/1.1 413 Payload Too Large\r\n"},
		{{"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 65},
			"HTTP/1.1 400 Bad Request\r\n"},
		{{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 51},
			"HTTP/1.1 400 Bad Request\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;

		bench_start(&bench, 1.0);
		bench_connect(&bench);
		say(&bench, rows[i].bytes);
		wait_for(&bench, 0, 10000);
		assert_true(bench.ended);
		assert_memory_equal(bench.got.ptr, rows[i].status, strlen(rows[i].status));
		assert_int_equal(bench.seen.requests, 0);
		bench_finish(&bench);
	}
}

static void
refuses_a_head_over_the_cap(void **state)
{
	struct bench bench;
	char junk[SERVER_HEAD_MAX + 100];

	(void)state;
	memset(junk, 'a', sizeof(junk));
	bench_start(&bench, 1.0);
	bench_connect(&bench);
	say(&bench, STR("GET /"));
	say(&bench, (struct str){junk, sizeof(junk)});
	wait_for(&bench, 0, 10000);
	assert_memory_equal(bench.got.ptr, "HTTP/1.1 431 ", 13);
	bench_finish(&bench);
}

static void
http10_gets_a_plain_stream_until_the_end(void **state)
{
	struct bench bench;

	(void)state;
	bench_start(&bench, 1.0);
	bench.stream_plain = true;
	bench_connect(&bench);
	say(&bench, STR("GET / HTTP/1.0\r\n\r\n"));
	wait_for(&bench, 0, 10000);
	assert_string_equal(bench.got.ptr, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonetwo");
	bench_disconnect(&bench);
	bench_connect(&bench);
	say(&bench, STR("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
	wait_for(&bench, 0, 10000);
	assert_string_equal(bench.got.ptr,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
		"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
	bench_finish(&bench);
}

static void
a_kept_connection_is_closed_after_five_seconds(void **state)
{
	struct bench bench;

	(void)state;
	bench_start(&bench, 100.0);
	bench_connect(&bench);
	say(&bench, STR("GET / HTTP/1.1\r\n\r\n"));
	wait_for(&bench, 0, 500000);
	assert_true(bench.ended);
	assert_true(loop_now_ms(bench.loop) >= 5000);
	bench_finish(&bench);
}

static void
a_client_that_left_is_told_once_and_its_id_is_dead(void **state)
{
	struct bench bench;

	(void)state;
	bench_start(&bench, 1.0);
	bench_connect(&bench);
	say(&bench, STR("GET /hang HTTP/1.1\r\n\r\n"));
	wait_for(&bench, 1, 50);
	assert_int_equal(bench.seen.requests, 1);
	assert_int_equal(bench.got.len, 0);
	bench_disconnect(&bench);
	wait_for(&bench, 1, 50);
	assert_int_equal(bench.seen.ends, 1);
	assert_false(server_respond(bench.server, bench.seen.last, 200, NULL, 0, STR("x"), false));
	assert_false(server_write(bench.server, bench.seen.last, STR("x")));
	assert_false(server_cut(bench.server, bench.seen.last, true));
	assert_int_equal(server_queued(bench.server, bench.seen.last), 0);
	bench_finish(&bench);
}

static void
says_why_it_cannot_start(void **state)
{
	struct bench bench;
	struct server_config config = {0};
	const struct server_events events = {.on_request = on_request};
	char error[MESSAGE_MAX];

	(void)state;
	bench_start(&bench, 1.0);
	config.port = server_port(bench.server);
	assert_null(server_create(bench.loop, NULL, &config, &events, NULL, error));
	assert_non_null(strstr(error, "Address already in use"));
	config = (struct server_config){.host = "localhost"};
	assert_null(server_create(bench.loop, NULL, &config, &events, NULL, error));
	assert_non_null(strstr(error, "not a numeric address"));
	config = (struct server_config){
		.cert_file = "/nonexistent/cert.pem", .key_file = "/nonexistent/key.pem"};
	assert_null(server_create(bench.loop, NULL, &config, &events, NULL, error));
	assert_non_null(strstr(error, "cannot read /nonexistent"));
	config = (struct server_config){
		.cert_file = "/proc/self/status", .key_file = "/proc/self/status"};
	assert_null(server_create(bench.loop, NULL, &config, &events, NULL, error));
	assert_non_null(strstr(error, "cannot be used"));
	bench_finish(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_the_bytes_that_mastodon_sent),
		cmocka_unit_test(takes_a_request_byte_by_byte),
		cmocka_unit_test(answers_requests_in_a_row_on_one_connection),
		cmocka_unit_test(takes_chunked_bodies_and_the_wish_to_wait),
		cmocka_unit_test(refuses_what_is_no_request),
		cmocka_unit_test(refuses_a_head_over_the_cap),
		cmocka_unit_test(http10_gets_a_plain_stream_until_the_end),
		cmocka_unit_test(a_kept_connection_is_closed_after_five_seconds),
		cmocka_unit_test(a_client_that_left_is_told_once_and_its_id_is_dead),
		cmocka_unit_test(says_why_it_cannot_start),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
