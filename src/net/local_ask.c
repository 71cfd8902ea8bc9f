/* SPDX-License-Identifier: MIT */
/* Asking a unix socket that takes lines and gives lines. Blocks: for commands that do nothing else. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "limits.h"
#include "local.h"

static enum local_result
fail(char *error, const char *path, const char *what)
{
	snprintf(error, MESSAGE_MAX, "%s: %s", path, what);
	return LOCAL_FAILED;
}

static bool
send_all(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t put = send(fd, text.ptr, text.len, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		text.ptr += put;
		text.len -= (size_t)put;
	}
	return true;
}

/* True when a whole line came. */
static bool
receive_line(int fd, struct buf *answer)
{
	char piece[16384];
	ssize_t got;
	while ((got = recv(fd, piece, sizeof(piece), 0)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		char *end = memchr(piece, '\n', (size_t)got);
		if (buf_add(answer, piece, end ? (size_t)(end - piece) : (size_t)got) != ERR_OK)
			return false;
		if (end)
			return true;
	}
	return false;
}

enum local_result
local_ask(const char *path, struct str line, int timeout_ms, struct buf *answer, char *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return LOCAL_NOBODY; /* a host could not listen there either */
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(error, path, strerror(errno));
	struct timeval wait = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	enum local_result result = LOCAL_OK;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		result = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR
				 ? LOCAL_NOBODY
				 : fail(error, path, strerror(errno));
	else if (!send_all(fd, line) || !send_all(fd, STR("\n")) || !receive_line(fd, answer))
		result = fail(error, path, "the host gave no answer");
	close(fd);
	return result;
}
