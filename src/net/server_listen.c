/* SPDX-License-Identifier: MIT */
/* A listening port: libwebsockets in its "raw" role as a guest on our loop. */
#include "server_listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "limits.h"
#include "xmalloc.h"

/* libwebsockets closes down over a few rounds of the loop, so this lives until the loop ends. */
struct listener {
	struct loop *loop;
	const struct listener_events *events;
	void *data;
	struct lws_context *context;
	char *host; /* lws keeps it */
	int port;
	bool destroyed;
};

static int
on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	void *link = wsi ? lws_get_opaque_user_data(wsi) : NULL;
	struct listener *listener = wsi ? lws_context_user(lws_get_context(wsi)) : NULL;

	(void)user;
	if (!listener || listener->destroyed)
		return 0;
	switch ((int)reason) {
	case LWS_CALLBACK_RAW_ADOPT:
		link = listener->events->on_accept(listener->data, wsi);
		lws_set_opaque_user_data(wsi, link);
		return link ? 0 : -1;
	case LWS_CALLBACK_RAW_RX:
		if (link)
			listener->events->on_bytes(link, (struct str){in, len});
		break;
	case LWS_CALLBACK_RAW_WRITEABLE:
		return link && listener->events->on_writable(link) ? 0 : -1;
	case LWS_CALLBACK_RAW_CLOSE:
		if (link)
			listener->events->on_closed(link);
		lws_set_opaque_user_data(wsi, NULL);
		break;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
	{.name = "bytes", .callback = on_lws, .rx_buffer_size = 0},
	{0},
};

/* Says what is wrong with the address in the system's words; lws only says that it failed. */
static bool
try_bind(const char *host, int port, char *error)
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
		return false;
	}
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, 1) != 0)
		problem = errno;
	freeaddrinfo(list);
	if (fd >= 0)
		close(fd);
	if (problem)
		snprintf(error, MESSAGE_MAX, "cannot listen on %s port %d: %s", host, port,
			strerror(problem));
	return problem == 0;
}

static bool
can_read(const char *path, char *error)
{
	if (access(path, R_OK) == 0)
		return true;
	snprintf(error, MESSAGE_MAX, "cannot read %s: %s", path, strerror(errno));
	return false;
}

static void
no_log(int level, const char *line)
{
	(void)level, (void)line;
}

static bool
start_lws(struct listener *listener, const struct server_config *config, char *error)
{
	void *loops[] = {loop_native(listener->loop)};
	struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.foreign_loops = loops,
		.user = listener,
		.fd_limit_per_thread = SERVER_CONNECTIONS_MAX + 16,
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
	};
	struct lws_vhost *vhost;

	lws_set_log_level(0, no_log);
	listener->context = lws_create_context(&info);
	if (!listener->context) {
		snprintf(error, MESSAGE_MAX,
			"libwebsockets could not be started (is its libuv plugin installed?)");
		return false;
	}
	info.options |= LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG |
			LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
	info.listen_accept_role = "raw-skt";
	info.listen_accept_protocol = protocols[0].name;
	info.iface = listener->host;
	info.port = config->port;
	if (!strchr(listener->host, ':'))
		info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	if (config->cert_file) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.alpn = "http/1.1"; /* its default offers HTTP/2, which nobody here speaks */
		info.ssl_cert_filepath = config->cert_file;
		info.ssl_private_key_filepath = config->key_file;
	}
	vhost = lws_create_vhost(listener->context, &info);
	if (!vhost) {
		snprintf(error, MESSAGE_MAX,
			config->cert_file
				? "the certificate %s and the key %s cannot be used: not PEM, or not a pair"
				: "cannot listen",
			config->cert_file, config->key_file);
		return false;
	}
	listener->port = lws_get_vhost_listen_port(vhost);
	return true;
}

static void
on_loop_end(void *data)
{
	struct listener *listener = data;

	if (listener->context)
		lws_context_destroy(
			listener->context); /* the second step: nothing is open any more */
	free(listener->host);
	free(listener);
}

struct listener *
listener_create(struct loop *loop, const struct server_config *config,
	const struct listener_events *events, void *data, char *error)
{
	const char *host = config->host ? config->host : "127.0.0.1";
	struct listener *listener;

	if (!try_bind(host, config->port, error))
		return NULL;
	if (config->cert_file &&
		(!can_read(config->cert_file, error) || !can_read(config->key_file, error)))
		return NULL;
	listener = xcalloc(1, sizeof(*listener));
	listener->loop = loop;
	listener->events = events;
	listener->data = data;
	listener->host = xstrdup(host);
	loop_at_end(loop, on_loop_end, listener);
	if (start_lws(listener, config, error))
		return listener;
	listener_destroy(listener);
	return NULL;
}

void
listener_destroy(struct listener *listener)
{
	if (!listener)
		return;
	listener->destroyed = true;
	if (listener->context)
		lws_context_destroy(listener->context);
}

int
listener_port(const struct listener *listener)
{
	return listener->port;
}
