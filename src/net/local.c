/* SPDX-License-Identifier: MIT */
/* A unix socket that takes lines and gives lines: the listening side. */
#include "local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <utlist.h>

#include "limits.h"
#include "xmalloc.h"

struct peer {
	uint64_t id;
	int fd;
	struct local_server *server;
	struct loop_watch *watch;
	struct loop_timer *idle;
	struct buf in, out;
	size_t sent;  /* of out */
	bool asking;  /* its line is with the owner */
	bool closing; /* after what is in `out` */
	struct peer *prev, *next;
};

struct local_server {
	struct loop *loop;
	char *path;
	int fd;
	struct loop_watch *watch;
	local_line_fn *on_line;
	void *data;
	const char *too_long, *too_many;
	struct peer *peers; /* list, peer::next */
	unsigned count;
	uint64_t last_id;
};

static void
peer_destroy(struct peer *peer)
{
	DL_DELETE(peer->server->peers, peer);
	peer->server->count--;
	loop_watch_destroy(peer->watch);
	loop_timer_destroy(peer->idle);
	close(peer->fd);
	buf_finish(&peer->in);
	buf_finish(&peer->out);
	free(peer);
}

static void
on_idle(void *data)
{
	peer_destroy(data);
}

static void
set_watch(struct peer *peer)
{
	/* A line that has come already is taken when the loop comes back. */
	bool waits = !peer->asking && !peer->closing && peer->in.len > 0 &&
		     memchr(peer->in.ptr, '\n', peer->in.len);
	bool writes = peer->sent < peer->out.len || waits;
	/* While its question is with the owner nothing more is read: it cannot make us grow. */
	bool reads = !peer->asking && !writes && !peer->closing;
	loop_watch_set(peer->watch, (reads ? WATCH_READ : 0) | (writes ? WATCH_WRITE : 0));
}

static void
refuse(struct peer *peer, const char *why)
{
	if (why) {
		buf_add_text(&peer->out, why);
		buf_add_char(&peer->out, '\n');
	}
	peer->closing = true;
}

/* Hands the first whole line over. */
static void
take_line(struct peer *peer)
{
	struct str rest = buf_str(&peer->in), line;
	if (peer->asking || peer->closing || rest.len == 0)
		return;
	char *end = memchr(rest.ptr, '\n', rest.len);
	if (!end) {
		if (rest.len > LOCAL_LINE_MAX)
			refuse(peer, peer->server->too_long);
		return;
	}
	line = (struct str){rest.ptr, (size_t)(end - rest.ptr)};
	if (line.len > LOCAL_LINE_MAX) {
		refuse(peer, peer->server->too_long);
		return;
	}
	char *copy = str_dup(line);
	buf_drop_front(&peer->in, line.len + 1);
	peer->asking = true;
	peer->server->on_line(peer->server->data, peer->id, (struct str){copy, line.len});
	free(copy);
}

/* False: it is gone. */
static bool
read_some(struct peer *peer)
{
	char piece[4096];
	ssize_t got = recv(peer->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	return got > 0 && buf_add(&peer->in, piece, (size_t)got) == ERR_OK;
}

static bool
write_some(struct peer *peer)
{
	if (peer->out.err != ERR_OK)
		return false;
	while (peer->sent < peer->out.len) {
		ssize_t put = send(peer->fd, peer->out.ptr + peer->sent, peer->out.len - peer->sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0)
			return errno == EAGAIN || errno == EINTR;
		peer->sent += (size_t)put;
		loop_timer_start(peer->idle, LOCAL_IDLE_MS, 0);
	}
	buf_finish(&peer->out);
	buf_init(&peer->out, LOCAL_ANSWER_MAX);
	peer->sent = 0;
	return !peer->closing;
}

static void
on_ready(void *data, int fd, int ready)
{
	struct peer *peer = data;
	(void)fd;
	bool good = true;
	if (ready & WATCH_READ && !peer->asking && !peer->closing)
		good = read_some(peer);
	if (good)
		take_line(peer);
	if (!good || !write_some(peer)) {
		peer_destroy(peer);
		return;
	}
	set_watch(peer);
}

static void
add_peer(struct local_server *server, int fd)
{
	struct peer *peer = xcalloc(1, sizeof(*peer));
	peer->id = ++server->last_id;
	peer->fd = fd;
	peer->server = server;
	buf_init(&peer->in, 2 * LOCAL_LINE_MAX + 4096);
	buf_init(&peer->out, LOCAL_ANSWER_MAX);
	peer->watch = loop_watch_create(server->loop, fd, on_ready, peer);
	peer->idle = loop_timer_create(server->loop, on_idle, peer);
	loop_timer_start(peer->idle, LOCAL_IDLE_MS, 0);
	DL_APPEND(server->peers, peer);
	server->count++;
	if (server->count > LOCAL_PEERS_MAX)
		refuse(peer, server->too_many);
	set_watch(peer);
}

static void
on_connect(void *data, int fd, int ready)
{
	struct local_server *server = data;
	(void)ready;
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (peer < 0)
		return;
	/* Room for the refusals of some; the rest waits in the system's queue. */
	if (server->count >= 2 * LOCAL_PEERS_MAX)
		close(peer);
	else
		add_peer(server, peer);
}

static bool
set_address(struct sockaddr_un *address, const char *path, char *error)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path)) {
		snprintf(error, MESSAGE_MAX,
			"the path of the control socket is %zu bytes long, %zu are possible: %s. Name a state folder with a "
			"shorter path: --state DIR",
			strlen(path), sizeof(address->sun_path) - 1, path);
		return false;
	}
	memcpy(address->sun_path, path, strlen(path));
	return true;
}

struct local_server *
local_listen(struct loop *loop, const char *path, local_line_fn *on_line, void *data, char *error)
{
	struct sockaddr_un address;
	if (!set_address(&address, path, error))
		return NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(path);
	/* The mode of the file is that of the socket (fchmod before bind): nobody has a moment to come in. */
	bool good = fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0 &&
		    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		    chmod(path, S_IRUSR | S_IWUSR) == 0 && listen(fd, LOCAL_PEERS_MAX) == 0;
	if (!good) {
		snprintf(error, MESSAGE_MAX, "the control socket %s cannot be made: %s", path,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct local_server *server = xmalloc(sizeof(*server));
	*server = (struct local_server){
		.loop = loop, .path = xstrdup(path), .fd = fd, .on_line = on_line, .data = data};
	server->watch = loop_watch_create(loop, fd, on_connect, server);
	loop_watch_set(server->watch, WATCH_READ);
	return server;
}

void
local_close(struct local_server *server)
{
	if (!server)
		return;
	while (server->peers)
		peer_destroy(server->peers);
	loop_watch_destroy(server->watch);
	close(server->fd);
	(void)unlink(server->path);
	free(server->path);
	free(server);
}

void
local_set_refusals(struct local_server *server, const char *too_long, const char *too_many)
{
	server->too_long = too_long;
	server->too_many = too_many;
}

void
local_answer(struct local_server *server, uint64_t id, struct str line)
{
	struct peer *peer;
	DL_FOREACH(server->peers, peer) {
		if (peer->id != id)
			continue;
		buf_add_str(&peer->out, line);
		buf_add_char(&peer->out, '\n');
		peer->asking = false;
		/* Written by the loop, never from here: the caller may stand in take_line. */
		set_watch(peer);
		return;
	}
}
