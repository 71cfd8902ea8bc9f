/* SPDX-License-Identifier: MIT */
/* A listening port. We accept; libwebsockets carries the bytes in its "raw" role, through TLS where wanted. */
#include "server_listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limits.h"
#include "lws_guest.h"
#include "xmalloc.h"

#define ACCEPTS_A_TURN 16

struct listener {
	const struct listener_events *events;
	void *data;
	struct lws_guest *guest;
	struct lws_vhost *vhost;
	bool tls;
	int fd;
	int port;
	struct loop_watch *watch;
};

static int
on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	void *link = wsi ? lws_get_opaque_user_data(wsi) : NULL;
	const struct listener_events *events = user ? *(const struct listener_events **)user : NULL;

	if (!link || !events)
		return 0; /* not ours yet, or not any more */
	switch ((int)reason) {
	case LWS_CALLBACK_RAW_RX:
		events->on_bytes(link, (struct str){in, len});
		break;
	case LWS_CALLBACK_RAW_WRITEABLE:
		return events->on_writable(link) ? 0 : -1;
	case LWS_CALLBACK_RAW_CLOSE:
		lws_set_opaque_user_data(wsi, NULL);
		events->on_closed(link);
		break;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
	{.name = "bytes",
		.callback = on_lws,
		.per_session_data_size = sizeof(const struct listener_events *)},
	{0},
};

static void
accept_one(struct listener *listener, int fd)
{
	lws_sock_file_fd_type descriptor = {.sockfd = fd};
	struct lws *wsi = lws_adopt_descriptor_vhost(listener->vhost,
		LWS_ADOPT_SOCKET | (listener->tls ? LWS_ADOPT_ALLOW_SSL : 0), descriptor,
		protocols[0].name, NULL);
	void *link;

	if (!wsi)
		return; /* lws has closed it */
	link = listener->events->on_accept(listener->data, wsi);
	*(const struct listener_events **)lws_wsi_user(wsi) = listener->events;
	lws_set_opaque_user_data(wsi, link);
	if (!link)
		lws_guest_kill(listener->guest, wsi);
}

static void
on_ready(void *data, int fd, int ready)
{
	struct listener *listener = data;

	(void)ready;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (peer < 0)
			return;
		accept_one(listener, peer);
	}
}

/* Binds and listens; -1 with the system's words. */
static int
listen_on(const char *host, int port, char *error)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char service[16];
	int on = 1, fd, problem = 0;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &list) != 0) {
		snprintf(
			error, MESSAGE_MAX, "cannot listen on \"%s\": not a numeric address", host);
		return -1;
	}
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0)
		problem = errno;
	freeaddrinfo(list);
	if (!problem)
		return fd;
	snprintf(error, MESSAGE_MAX, "cannot listen on %s port %d: %s", host, port,
		strerror(problem));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
port_of(int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char service[16] = "";
	int64_t port = 0;

	if (getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
		getnameinfo((struct sockaddr *)&at, len, NULL, 0, service, sizeof(service),
			NI_NUMERICSERV) == 0)
		str_to_int(str_from(service), 0, 65535, &port);
	return (int)port;
}

static bool
can_read(const char *path, char *error)
{
	if (access(path, R_OK) == 0)
		return true;
	snprintf(error, MESSAGE_MAX, "cannot read %s: %s", path, strerror(errno));
	return false;
}

struct listener *
listener_create(struct loop *loop, const struct server_config *config,
	const struct listener_events *events, void *data, char *error)
{
	struct lws_guest *guest = lws_guest_of(loop);
	struct lws_vhost *vhost;
	struct listener *listener;
	int fd;

	if (config->cert_file &&
		(!can_read(config->cert_file, error) || !can_read(config->key_file, error)))
		return NULL;
	fd = listen_on(config->host ? config->host : "127.0.0.1", config->port, error);
	if (fd < 0)
		return NULL;
	vhost = lws_guest_server(guest, config->cert_file, config->key_file, protocols);
	if (!vhost) {
		snprintf(error, MESSAGE_MAX,
			"certificate %s and key %s cannot be used: not PEM, or not a pair",
			config->cert_file ? config->cert_file : "-",
			config->key_file ? config->key_file : "-");
		close(fd);
		return NULL;
	}
	listener = xcalloc(1, sizeof(*listener));
	listener->events = events;
	listener->data = data;
	listener->guest = guest;
	listener->vhost = vhost;
	listener->tls = config->cert_file != NULL;
	listener->fd = fd;
	listener->port = port_of(fd);
	listener->watch = loop_watch_create(loop, fd, on_ready, listener);
	loop_watch_set(listener->watch, WATCH_READ);
	return listener;
}

void
listener_destroy(struct listener *listener)
{
	if (!listener)
		return;
	loop_watch_destroy(listener->watch);
	close(listener->fd);
	free(listener);
}

int
listener_port(const struct listener *listener)
{
	return listener->port;
}

int
listener_peer_port(struct lws *wsi)
{
	struct sockaddr_in from = {.sin_family = AF_UNSPEC};
	socklen_t len = sizeof(from);

	if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&from, &len) != 0 ||
		from.sin_family != AF_INET)
		return 0;
	return ntohs(from.sin_port);
}

void
listener_kill(struct listener *listener, struct lws *wsi)
{
	lws_guest_kill(listener->guest, wsi);
}
