/* SPDX-License-Identifier: MIT */
/* Plays statuses that it made up beforehand to streaming clients, over SSE and WebSocket, flat out or at a rate. */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "json_write.h"
#include "statuses.h"
#include "ws_frames.h"
#include "xmalloc.h"

enum {
	MOST_EVENTS = 400000,
	MOST_A_SECOND = 1000000,
	RENDERED_MB = 3000,
	HEAD_BYTES = 16384, /* of a request */
	SLICE_BYTES = 1 << 20,
	TICK_NS = 1000000, /* with --rate: what is due is written once a millisecond */
	SECOND_NS = 1000000000,
};

struct sender {
	int64_t count, rate; /* rate 0: flat out */
	bool websocket;
	unsigned port;
	struct buf wire; /* all events, as they go over the wire */
	size_t *ends;    /* of each event in it */
};

struct client {
	const struct sender *sender;
	int fd;
};

static void
put_chunk(struct buf *out, const char *before, struct str text, const char *after)
{
	buf_printf(out, "%zx\r\n", strlen(before) + text.len + strlen(after));
	buf_add_text(out, before);
	buf_add_str(out, text);
	buf_add_text(out, after);
	buf_add_text(out, "\r\n");
}

/* As Mastodon writes them: two chunks an event, or one frame with the payload as a string. */
static void
put_event(struct sender *sender, struct str status, struct buf *scratch)
{
	if (!sender->websocket) {
		put_chunk(&sender->wire, "event: ", STR("update"), "\n");
		put_chunk(&sender->wire, "data: ", status, "\n\n");
		return;
	}
	buf_clear(scratch);
	buf_add_text(scratch, "{\"stream\":[\"public\"],\"event\":\"update\",\"payload\":");
	json_put_str(scratch, status);
	buf_add_char(scratch, '}');
	frames_put(&sender->wire, WS_TEXT, buf_str(scratch));
}

static bool
render(struct sender *sender, uint64_t seed)
{
	struct statuses statuses;
	struct buf status, scratch;
	statuses_init(&statuses, seed);
	buf_init(&status, 1u << 20);
	buf_init(&scratch, 1u << 21);
	buf_init(&sender->wire, (size_t)RENDERED_MB << 20);
	sender->ends = xcalloc((size_t)sender->count, sizeof(*sender->ends));
	for (int64_t i = 0; i < sender->count; i++) {
		buf_clear(&status);
		statuses_put(&statuses, &status);
		put_event(sender, buf_str(&status), &scratch);
		sender->ends[i] = sender->wire.len;
	}
	bool whole = status.err == ERR_OK && scratch.err == ERR_OK && sender->wire.err == ERR_OK;
	buf_finish(&status);
	buf_finish(&scratch);
	return whole;
}

static bool
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

static int64_t
now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void
wait_until(int64_t at_ns)
{
	struct timespec at = {at_ns / SECOND_NS, at_ns % SECOND_NS};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static bool
play_at_rate(const struct client *client, int64_t start_ns)
{
	const struct sender *sender = client->sender;
	int64_t sent = 0;
	size_t from = 0;
	for (int64_t tick_ns = start_ns; sent < sender->count; tick_ns += TICK_NS) {
		wait_until(tick_ns);
		int64_t due = (now_ns() - start_ns) * sender->rate / SECOND_NS + 1;
		sent = due < sender->count ? due : sender->count;
		size_t to = sender->ends[sent - 1];
		if (!write_all(client->fd, sender->wire.ptr + from, to - from))
			return false;
		from = to;
	}
	return true;
}

static bool
play_flat_out(const struct client *client)
{
	const struct buf *wire = &client->sender->wire;
	bool good = true;
	for (size_t at = 0; good && at < wire->len; at += SLICE_BYTES) {
		size_t left = wire->len - at;
		good = write_all(
			client->fd, wire->ptr + at, left < SLICE_BYTES ? left : SLICE_BYTES);
	}
	return good;
}

/* Everything once, and then silence until the client leaves. */
static void
play(const struct client *client)
{
	int64_t start_ns = now_ns();
	bool good = client->sender->rate ? play_at_rate(client, start_ns) : play_flat_out(client);
	if (good)
		printf("sent %lld events in %.3f s\n", (long long)client->sender->count,
			(double)(now_ns() - start_ns) / SECOND_NS);
	fflush(stdout);
	char rest[4096];
	while (good && recv(client->fd, rest, sizeof(rest), 0) > 0)
		continue;
}

/* The value of a header; "" without. New. */
static char *
header(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);
	if (!at)
		return xstrdup("");
	at += strlen(name);
	return str_dup(str_trim((struct str){at, strcspn(at, "\r\n")}));
}

static void
serve_sse(const struct client *client)
{
	const char *head =
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: private, no-store\r\n"
		"Transfer-Encoding: chunked\r\n\r\n3\r\n:)\n\r\n";
	if (write_all(client->fd, head, strlen(head)))
		play(client);
}

/* Clients name the stream in the address or ask for it in a first message; what it says is not looked at. */
static void
serve_websocket(const struct client *client, const char *head)
{
	char accept[WS_ACCEPT_SIZE], text[256], ask[HEAD_BYTES];
	char *key = header(head, "Sec-WebSocket-Key:");
	char *protocol = header(head, "Sec-WebSocket-Protocol:");
	ws_accept(key, accept);
	int len = snprintf(text, sizeof(text),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\n%s%.100s%s\r\n",
		accept, *protocol ? "Sec-WebSocket-Protocol: " : "", protocol,
		*protocol ? "\r\n" : "");
	bool named = strstr(head, "stream=") && strstr(head, "stream=") < strstr(head, "\r\n");
	if (write_all(client->fd, text, (size_t)len) &&
		(named || recv(client->fd, ask, sizeof(ask), 0) > 0))
		play(client);
	free(key);
	free(protocol);
}

static bool
answer(const struct client *client, const char *body)
{
	struct buf out;
	buf_init(&out, HEAD_BYTES);
	buf_printf(&out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
		*body ? "200 OK" : "404 Not Found",
		*body == '{' ? "application/json" : "text/plain", strlen(body), body);
	bool good = write_all(client->fd, out.ptr, out.len);
	buf_finish(&out);
	return good;
}

/* What clients ask before they stream. */
static bool
answer_rest(const struct client *client, const char *path)
{
	char body[1024] = "";
	unsigned port = client->sender->port;
	if (strncmp(path, "/api/v2/instance", 16) == 0)
		snprintf(body, sizeof(body),
			"{\"domain\":\"127.0.0.1:%u\",\"title\":\"bench\",\"version\":\"4.5.0\",\"configuration\":{\"urls\":"
			"{\"streaming\":\"ws://127.0.0.1:%u\"},\"statuses\":{\"max_characters\":500}}}",
			port, port);
	else if (strncmp(path, "/api/v1/instance", 16) == 0)
		snprintf(body, sizeof(body),
			"{\"uri\":\"127.0.0.1:%u\",\"title\":\"bench\",\"version\":\"4.5.0\",\"urls\":{\"streaming_api\":"
			"\"ws://127.0.0.1:%u\"}}",
			port, port);
	else if (strncmp(path, "/api/v1/accounts/verify_credentials", 35) == 0)
		snprintf(body, sizeof(body),
			"{\"id\":\"1\",\"username\":\"bench\",\"acct\":\"bench\",\"url\":\"http://127.0.0.1:%u/@bench\"}",
			port);
	else if (strncmp(path, "/api/v1/streaming/health", 24) == 0)
		snprintf(body, sizeof(body), "OK");
	return answer(client, body);
}

/* One request's head, NUL-ended; bodies are not expected. */
static bool
read_head(int fd, char *head)
{
	size_t len = 0;
	head[0] = '\0';
	while (!strstr(head, "\r\n\r\n")) {
		ssize_t got = recv(fd, head + len, HEAD_BYTES - 1 - len, 0);
		if (got <= 0)
			return false;
		len += (size_t)got;
		head[len] = '\0';
	}
	return true;
}

static void *
serve(void *data)
{
	struct client *client = data;
	char head[HEAD_BYTES];
	bool open = true;
	while (open && read_head(client->fd, head)) {
		const char *space = strchr(head, ' ');
		const char *path = space ? space + 1 : "";
		bool stream = strncmp(path, "/api/v1/streaming", 17) == 0 &&
			      strncmp(path, "/api/v1/streaming/health", 24) != 0;
		open = !stream && answer_rest(client, path);
		if (stream && strcasestr(head, "Sec-WebSocket-Key:"))
			serve_websocket(client, head);
		else if (stream)
			serve_sse(client);
	}
	close(client->fd);
	free(client);
	return NULL;
}

static int
listen_anywhere(unsigned *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 16) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return -1;
	*port = ntohs(address.sin_port);
	return fd;
}

int
main(int argc, char **argv)
{
	struct sender sender = {0};
	if (argc != 4 || (strcmp(argv[1], "sse") != 0 && strcmp(argv[1], "ws") != 0) ||
		!str_to_int(str_from(argv[2]), 1, MOST_EVENTS, &sender.count) ||
		!str_to_int(str_from(argv[3]), 0, MOST_A_SECOND, &sender.rate)) {
		fprintf(stderr,
			"usage: sender sse|ws COUNT RATE   (events a second, 0: flat out)\n");
		return 2;
	}
	sender.websocket = strcmp(argv[1], "ws") == 0;
	signal(SIGPIPE, SIG_IGN);
	int fd = listen_anywhere(&sender.port);
	if (fd < 0 || !render(&sender, 1)) {
		fprintf(stderr, "sender: no socket, or the events are too big\n");
		return 1;
	}
	printf("http://127.0.0.1:%u\n", sender.port);
	fflush(stdout);
	for (;;) {
		struct client *client = xmalloc(sizeof(*client));
		pthread_t thread;
		*client = (struct client){&sender, accept(fd, NULL, NULL)};
		if (client->fd < 0 || pthread_create(&thread, NULL, serve, client) != 0)
			return 1;
		pthread_detach(thread);
	}
}
