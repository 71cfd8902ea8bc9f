/* SPDX-License-Identifier: MIT */
/* A TCP relay that spoils connections on purpose. */
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uthash.h>

#include "buf.h"
#include "limits.h"
#include "xmalloc.h"

#define ACCEPTS_A_TURN 16
#define PIECES_A_TURN  16 /* without a pause between them */

static const struct relay_fault no_fault = {.cut_after = -1};

/* Bytes of one direction that wait to be written. */
struct way {
	struct buf bytes;
	size_t at;  /* written already */
	bool ended; /* the side they come from has no more */
	bool told;  /* and the other side knows */
};

struct passage {
	struct relay *relay;
	uint64_t id;
	int source_port; /* of `server`, as the server sees it */
	int client, server;
	struct loop_watch *watch_client, *watch_server;
	struct loop_timer *pause; /* between two pieces */
	struct way up, down;      /* to the server, to the client */
	struct relay_fault fault;
	UT_hash_handle hh;
};

struct relay {
	struct loop *loop;
	struct sockaddr_in at, target;
	int holder; /* bound, never listening: keeps the port ours while nobody listens */
	int fd;     /* listening, or -1 */
	struct loop_watch *watch;
	struct passage *passages; /* hash by id */
	uint64_t last_id;
	struct relay_fault fault; /* of those to come */
};

static void
passage_destroy(struct passage *passage)
{
	HASH_DEL(passage->relay->passages, passage);
	loop_watch_destroy(passage->watch_client);
	loop_watch_destroy(passage->watch_server);
	loop_timer_destroy(passage->pause);
	close(passage->client);
	close(passage->server);
	buf_finish(&passage->up.bytes);
	buf_finish(&passage->down.bytes);
	free(passage);
}

/* Ends it with a RST to the client (close with a linger time of zero), or with whatever close sends. */
static void
cut(struct passage *passage, bool reset)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (reset)
		(void)setsockopt(passage->client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	passage_destroy(passage);
}

static size_t
waiting(const struct way *way)
{
	return way->bytes.len - way->at;
}

/* Reads what is there, up to the bound. False: the connection broke. */
static bool
fill(struct way *way, int fd)
{
	char piece[16384];

	while (!way->ended && waiting(way) < RELAY_QUEUE_MAX) {
		ssize_t got = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN;
		if (got == 0)
			way->ended = true;
		else if (buf_add(&way->bytes, piece, (size_t)got) != ERR_OK)
			return false;
	}
	return true;
}

/* Writes up to `most` bytes. Returns how many, or -1 when the connection broke. */
static ssize_t
drain(struct way *way, int fd, size_t most)
{
	size_t all = 0;

	while (all < most && waiting(way) > 0) {
		size_t len = waiting(way) < most - all ? waiting(way) : most - all;
		ssize_t put = send(fd, way->bytes.ptr + way->at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			break;
		if (put < 0)
			return -1;
		way->at += (size_t)put;
		all += (size_t)put;
	}
	if (waiting(way) == 0) {
		buf_finish(&way->bytes);
		buf_init(&way->bytes, 2 * RELAY_QUEUE_MAX);
		way->at = 0;
	} else if (way->at >= RELAY_QUEUE_MAX / 2) {
		buf_drop_front(&way->bytes, way->at);
		way->at = 0;
	}
	return (ssize_t)all;
}

static void
set_watches(struct passage *passage)
{
	const struct way *up = &passage->up, *down = &passage->down;
	bool held = passage->fault.held;
	bool paused = loop_timer_active(passage->pause);
	int client = 0, server = 0;

	if (!up->ended && waiting(up) < RELAY_QUEUE_MAX)
		client |= WATCH_READ; /* also while it is held: a client that gives up is noticed */
	if (!held && !paused && waiting(down) > 0)
		client |= WATCH_WRITE;
	if (!held && !down->ended && waiting(down) < RELAY_QUEUE_MAX)
		server |= WATCH_READ;
	if (!held && waiting(up) > 0)
		server |= WATCH_WRITE;
	loop_watch_set(passage->watch_client, client);
	loop_watch_set(passage->watch_server, server);
}

/* Bytes to the client, as the fault lets them pass. False: the passage is gone. */
static bool
drain_down(struct passage *passage)
{
	struct relay_fault *fault = &passage->fault;
	size_t most = SIZE_MAX;
	int pieces = fault->piece_bytes > 0 && fault->piece_ms == 0 ? PIECES_A_TURN : 1;
	ssize_t put;

	if (fault->held || loop_timer_active(passage->pause))
		return true;
	if (fault->piece_bytes > 0)
		most = (size_t)fault->piece_bytes;
	do {
		if (fault->cut_after >= 0 && most > (size_t)fault->cut_after)
			most = (size_t)fault->cut_after;
		put = most > 0 ? drain(&passage->down, passage->client, most) : 0;
		if (put < 0) {
			passage_destroy(passage);
			return false;
		}
		if (fault->cut_after >= 0)
			fault->cut_after -= put;
		if (fault->cut_after == 0) {
			cut(passage, fault->reset);
			return false;
		}
	} while (put > 0 && --pieces > 0);
	if (fault->piece_bytes > 0 && waiting(&passage->down) > 0)
		loop_timer_start(passage->pause, fault->piece_ms, 0);
	return true;
}

/* Moves what can be moved. The passage may be gone afterwards. */
static void
pump(struct passage *passage)
{
	bool held = passage->fault.held;

	if (!fill(&passage->up, passage->client) || (held && passage->up.ended)) {
		passage_destroy(passage);
		return;
	}
	if (!held && drain(&passage->up, passage->server, SIZE_MAX) < 0) {
		passage->up.ended = passage->up.told = true; /* what it still says may pass */
		buf_clear(&passage->up.bytes);
		passage->up.at = 0;
	}
	if (!held && passage->up.ended && !passage->up.told && waiting(&passage->up) == 0) {
		passage->up.told = true;
		shutdown(passage->server, SHUT_WR);
	}
	if (!held && !fill(&passage->down, passage->server)) {
		cut(passage, true);
		return;
	}
	if (!drain_down(passage))
		return;
	/* The server behind never ends one direction only. */
	if (!held && passage->down.ended && waiting(&passage->down) == 0) {
		cut(passage, false);
		return;
	}
	set_watches(passage);
}

static void
on_ready(void *data, int fd, int ready)
{
	(void)fd;
	(void)ready;
	pump(data);
}

static void
on_pause(void *data)
{
	pump(data);
}

/* A socket to the server behind, on its way; -1. */
static int
dial_target(const struct relay *relay, int *source_port)
{
	struct sockaddr_in mine = {0};
	socklen_t len = sizeof(mine);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if ((connect(fd, (const struct sockaddr *)&relay->target, sizeof(relay->target)) != 0 &&
		    errno != EINPROGRESS) ||
		getsockname(fd, (struct sockaddr *)&mine, &len) != 0) {
		close(fd);
		return -1;
	}
	*source_port = ntohs(mine.sin_port);
	return fd;
}

static void
accept_one(struct relay *relay, int client)
{
	struct passage *passage;
	int source_port = 0, on = 1;
	int server = HASH_COUNT(relay->passages) < RELAY_CONNECTIONS_MAX
			     ? dial_target(relay, &source_port)
			     : -1;

	if (server < 0) {
		close(client);
		return;
	}
	(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	passage = xcalloc(1, sizeof(*passage));
	passage->relay = relay;
	passage->id = ++relay->last_id;
	passage->source_port = source_port;
	passage->client = client;
	passage->server = server;
	passage->fault = relay->fault;
	buf_init(&passage->up.bytes, 2 * RELAY_QUEUE_MAX);
	buf_init(&passage->down.bytes, 2 * RELAY_QUEUE_MAX);
	passage->pause = loop_timer_create(relay->loop, on_pause, passage);
	passage->watch_client = loop_watch_create(relay->loop, client, on_ready, passage);
	passage->watch_server = loop_watch_create(relay->loop, server, on_ready, passage);
	HASH_ADD(hh, relay->passages, id, sizeof(passage->id), passage);
	set_watches(passage);
}

static void
on_accept(void *data, int fd, int ready)
{
	struct relay *relay = data;

	(void)ready;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client < 0)
			return;
		accept_one(relay, client);
	}
}

/* A socket bound to relay->at; -1 with errno. Several may be bound to one port while none of them listens. */
static int
bound(const struct relay *relay)
{
	int on = 1, problem;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		bind(fd, (const struct sockaddr *)&relay->at, sizeof(relay->at)) == 0)
		return fd;
	problem = errno;
	close(fd);
	errno = problem;
	return -1;
}

static bool
take_port(struct relay *relay)
{
	socklen_t len = sizeof(relay->at);

	relay->holder = bound(relay);
	return relay->holder >= 0 &&
	       getsockname(relay->holder, (struct sockaddr *)&relay->at, &len) == 0 &&
	       relay_listen(relay, true);
}

struct relay *
relay_create(struct loop *loop, const struct relay_config *config, char *error)
{
	const char *host = config->host ? config->host : "127.0.0.1";
	struct relay *relay = xcalloc(1, sizeof(*relay));

	relay->loop = loop;
	relay->holder = relay->fd = -1;
	relay->fault = no_fault;
	relay->at = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((uint16_t)config->port)};
	relay->target = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)config->target_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (inet_pton(AF_INET, host, &relay->at.sin_addr) != 1) {
		snprintf(error, MESSAGE_MAX, "cannot listen on \"%s\": not a numeric IPv4 address",
			host);
	} else if (take_port(relay)) {
		return relay;
	} else {
		snprintf(error, MESSAGE_MAX, "cannot listen on %s port %d: %s", host, config->port,
			strerror(errno));
	}
	relay_destroy(relay);
	return NULL;
}

void
relay_destroy(struct relay *relay)
{
	if (!relay)
		return;
	(void)relay_cut(relay, 0, false);
	(void)relay_listen(relay, false);
	if (relay->holder >= 0)
		close(relay->holder);
	free(relay);
}

int
relay_port(const struct relay *relay)
{
	return ntohs(relay->at.sin_port);
}

bool
relay_listen(struct relay *relay, bool wanted)
{
	if (wanted == (relay->fd >= 0))
		return true;
	if (!wanted) {
		loop_watch_destroy(relay->watch);
		close(relay->fd);
		relay->watch = NULL;
		relay->fd = -1;
		return true;
	}
	relay->fd = bound(relay);
	if (relay->fd < 0)
		return false;
	if (listen(relay->fd, SOMAXCONN) != 0) {
		int problem = errno;
		close(relay->fd);
		relay->fd = -1;
		errno = problem;
		return false;
	}
	relay->watch = loop_watch_create(relay->loop, relay->fd, on_accept, relay);
	loop_watch_set(relay->watch, WATCH_READ);
	return true;
}

uint64_t
relay_find(const struct relay *relay, int server_side_port)
{
	for (const struct passage *p = relay->passages; p; p = p->hh.next) {
		if (p->source_port == server_side_port)
			return p->id;
	}
	return 0;
}

bool
relay_spoil(struct relay *relay, uint64_t id, const struct relay_fault *fault)
{
	struct passage *passage;

	if (id == 0) {
		relay->fault = *fault;
		return true;
	}
	HASH_FIND(hh, relay->passages, &id, sizeof(id), passage);
	if (!passage)
		return false;
	passage->fault = *fault;
	loop_timer_stop(passage->pause);
	pump(passage);
	return true;
}

void
relay_heal(struct relay *relay)
{
	struct passage *passage, *next;

	relay->fault = no_fault;
	HASH_ITER(hh, relay->passages, passage, next)
		(void)relay_spoil(relay, passage->id, &no_fault);
}

unsigned
relay_cut(struct relay *relay, uint64_t spared, bool reset)
{
	struct passage *passage, *next;
	unsigned count = 0;

	HASH_ITER(hh, relay->passages, passage, next) {
		if (passage->id == spared)
			continue;
		cut(passage, reset);
		count++;
	}
	return count;
}
