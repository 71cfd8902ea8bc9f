/* SPDX-License-Identifier: MIT */
/* The barest streaming client: counts the events of a sender, over SSE or as WebSocket frames. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "ws_frames.h"

enum { READ_BYTES = 1 << 20 };

static const char ws_ask[] =
	"GET /api/v1/streaming?stream=public HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
	"AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
static const char sse_ask[] = "GET /api/v1/streaming/public HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

static int
connect_to(int64_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

/* Events in `bytes`, and how much of them was looked at. */
static int64_t
count_sse(struct buf *bytes)
{
	static const char mark[] = "\ndata: ";
	const char *at = bytes->ptr, *end = at + bytes->len, *found;
	int64_t count = 0;
	while ((found = memmem(at, (size_t)(end - at), mark, strlen(mark)))) {
		at = found + strlen(mark);
		count++;
	}
	size_t used = (size_t)(at - bytes->ptr);
	size_t keep = bytes->len - used < strlen(mark) ? bytes->len - used : strlen(mark) - 1;
	buf_drop_front(bytes, bytes->len - keep);
	return count;
}

static int64_t
count_ws(struct frames *frames, struct buf *bytes, bool *open)
{
	size_t at = 0, used = 0;
	int64_t count = 0;
	const char *head_end = *open ? NULL : memmem(bytes->ptr, bytes->len, "\r\n\r\n", 4);
	if (!*open && !head_end)
		return 0;
	if (!*open)
		at = (size_t)(head_end - bytes->ptr) + 4;
	*open = true;
	do {
		struct str payload;
		count += frames_next(frames, bytes->ptr + at, bytes->len - at, &used, &payload) ==
			 FRAME_MESSAGE;
		at += used;
	} while (used > 0 && at < bytes->len);
	buf_drop_front(bytes, at);
	return count;
}

int
main(int argc, char **argv)
{
	int64_t port = 0, wanted = 0, count = 0;
	if (argc != 4 || !str_to_int(str_from(argv[2]), 1, 65535, &port) ||
		!str_to_int(str_from(argv[3]), 1, INT64_MAX, &wanted)) {
		fprintf(stderr, "usage: count sse|ws PORT EVENTS\n");
		return 2;
	}
	bool websocket = strcmp(argv[1], "ws") == 0, open = false;
	static char piece[READ_BYTES];
	struct frames frames;
	struct buf bytes;
	frames_init(&frames, true);
	buf_init(&bytes, 4 * READ_BYTES);
	int fd = connect_to(port);
	const char *ask = websocket ? ws_ask : sse_ask;
	if (fd < 0 || send(fd, ask, strlen(ask), MSG_NOSIGNAL) < 0)
		return 1;
	while (count < wanted) {
		ssize_t got = recv(fd, piece, sizeof(piece), 0);
		if (got <= 0 || buf_add(&bytes, piece, (size_t)got) != ERR_OK)
			return 1;
		int64_t before = count;
		count += websocket ? count_ws(&frames, &bytes, &open) : count_sse(&bytes);
		if (before == 0 && count > 0) {
			printf("first\n");
			fflush(stdout);
		}
	}
	printf("last\n");
	fflush(stdout);
	sleep(60); /* whoever measures looks at this process, and ends it */
	frames_finish(&frames);
	buf_finish(&bytes);
	return 0;
}
