/* SPDX-License-Identifier: MIT */
/* A server to talk to in tests. */
#include "peer.h"

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

#include "limits.h"
#include "xmalloc.h"

static void
copy_header(char *to, size_t size, const struct server_request *request, const char *name)
{
	to[0] = '\0';
	for (unsigned i = 0; i < request->header_count; i++) {
		if (strcmp(request->headers[i].name, name) == 0)
			snprintf(to, size, "%s", request->headers[i].value);
	}
}

static void
remember(struct peer *peer, server_conn conn, const struct server_request *request)
{
	peer->requests++;
	peer->last = conn;
	peer->body_len = request->body.len;
	snprintf(peer->method, sizeof(peer->method), "%s", request->method);
	snprintf(peer->query, sizeof(peer->query), "%.*s", STR_ARG(request->query));
	copy_header(peer->authorization, sizeof(peer->authorization), request, "authorization");
	copy_header(
		peer->subprotocol, sizeof(peer->subprotocol), request, "sec-websocket-protocol");
	copy_header(peer->user_agent, sizeof(peer->user_agent), request, "user-agent");
	copy_header(peer->content_type, sizeof(peer->content_type), request, "content-type");
	copy_header(
		peer->accept_encoding, sizeof(peer->accept_encoding), request, "accept-encoding");
}

static void
redirect(struct peer *peer, server_conn conn, const char *to, int status)
{
	const struct http_header location = {"Location", to};

	server_respond(peer->server, conn, status, &location, 1, STR("moved"), false);
}

static void
begin_stream(struct peer *peer, server_conn conn, struct str path)
{
	static const struct http_header type = {"Content-Type", "text/event-stream"};
	char *big;

	server_begin(peer->server, conn, 200, &type, 1);
	server_write(peer->server, conn, STR(":)\n"));
	if (str_eq_text(path, "/stream"))
		return;
	server_write(peer->server, conn, STR("data: 1\n\n"));
	if (str_eq_text(path, "/stream-big")) {
		big = xcalloc(1, 8u << 20);
		server_write(peer->server, conn, (struct str){big, 8u << 20});
		free(big);
	}
	server_finish(peer->server, conn);
}

static void
on_request(void *data, server_conn conn, const struct server_request *request)
{
	static const struct http_header html = {"Content-Type", "text/html; charset=utf-8"};
	struct peer *peer = data;
	struct str path = request->path;

	remember(peer, conn, request);
	if (str_eq_text(path, "/hang"))
		return;
	if (str_eq_text(path, "/echo"))
		server_respond(peer->server, conn, 200, NULL, 0, request->body, false);
	else if (str_eq_text(path, "/chunked"))
		server_respond(peer->server, conn, 200, NULL, 0, STR("in one chunk"), true);
	else if (str_eq_text(path, "/html"))
		server_respond(
			peer->server, conn, 502, &html, 1, STR("<h1>Bad Gateway</h1>"), false);
	else if (str_eq_text(path, "/redirect"))
		redirect(peer, conn, "/echo?from=redirect", 302);
	else if (str_eq_text(path, "/redirect-away"))
		redirect(peer, conn, peer->other_origin, 301);
	else if (str_eq_text(path, "/redirect-loop"))
		redirect(peer, conn, "/redirect-loop", 307);
	else if (str_starts(path, "/stream"))
		begin_stream(peer, conn, path);
	else
		server_respond(peer->server, conn, 404, NULL, 0, STR("no such thing"), false);
}

static int
on_upgrade(void *data, server_conn conn, const struct server_request *request,
	const char **subprotocol, const struct http_header **headers, unsigned *count)
{
	static const struct http_header words[] = {
		{"Connection", "close"}, {"X-Error-Message", "Invalid access token"}};
	struct peer *peer = data;

	remember(peer, conn, request);
	if (str_eq_text(request->path, "/refuse")) {
		*headers = words;
		*count = 2;
		return 401;
	}
	if (str_eq_text(request->path, "/refuse-plain"))
		return 503;
	if (str_eq_text(request->path, "/echo-sub"))
		*subprotocol = peer->subprotocol;
	return 0;
}

static void
on_ws_open(void *data, server_conn conn)
{
	struct peer *peer = data;

	server_ws_send(peer->server, conn, STR("welcome"));
}

static void
send_big(struct peer *peer, server_conn conn, size_t len)
{
	char *text = xmalloc(len);

	memset(text, 'x', len);
	server_ws_send(peer->server, conn, (struct str){text, len});
	free(text);
}

/* "close CODE REASON", "cut", "reset", "ping", "big LEN"; anything else comes back. */
static void
on_ws_message(void *data, server_conn conn, struct str message, bool binary)
{
	struct peer *peer = data;
	struct str word, rest = str_split(message, ' ', &word);
	struct str number, reason = str_split(rest, ' ', &number);
	int64_t value = 0;

	(void)binary;
	snprintf(peer->message, sizeof(peer->message), "%.*s", STR_ARG(message));
	str_to_int(number, 0, INT32_MAX, &value);
	if (str_eq_text(word, "close"))
		server_ws_close(peer->server, conn, (int)value, reason);
	else if (str_eq_text(word, "cut"))
		server_cut(peer->server, conn, false);
	else if (str_eq_text(word, "reset"))
		server_cut(peer->server, conn, true);
	else if (str_eq_text(word, "ping"))
		server_ws_ping(peer->server, conn, STR(""), false);
	else if (str_eq_text(word, "big"))
		send_big(peer, conn, (size_t)value);
	else
		server_ws_send(peer->server, conn, message);
}

static void
on_ws_pong(void *data, server_conn conn)
{
	struct peer *peer = data;

	(void)conn;
	peer->pongs++;
}

static void
on_end(void *data, server_conn conn)
{
	struct peer *peer = data;

	(void)conn;
	peer->ends++;
}

void
peer_start(struct peer *peer, struct loop *loop, const char *cert_file, const char *key_file)
{
	const struct server_config config = {.cert_file = cert_file, .key_file = key_file};
	const struct server_events events = {
		.on_request = on_request,
		.on_upgrade = on_upgrade,
		.on_ws_open = on_ws_open,
		.on_ws_message = on_ws_message,
		.on_ws_pong = on_ws_pong,
		.on_end = on_end,
	};
	char error[MESSAGE_MAX] = "";

	*peer = (struct peer){.loop = loop};
	peer->server = server_create(loop, NULL, &config, &events, peer, error);
	if (!peer->server)
		fail_msg("%s", error);
	peer->port = server_port(peer->server);
	assert_true(peer->port > 0);
}

void
peer_stop(struct peer *peer)
{
	server_destroy(peer->server);
}

int
silent_listen(int *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static const char make_certs[] =
	"set -e; cd '%s'; exec >/dev/null 2>&1\n"
	"ca() { openssl req -x509 -newkey rsa:2048 -nodes -keyout $1.key -out $1.pem -days 2 -subj /CN=$1; }\n"
	"leaf() { openssl req -newkey rsa:2048 -nodes -keyout $1.key -out $1.csr -subj /CN=$2\n"
	"  printf 'subjectAltName=DNS:%%s' $2 >$1.ext\n"
	"  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $1.ext -out "
	"$1.pem; }\n"
	"ca ca; ca other; leaf good localhost; cp good.key wrong.key\n"
	"openssl req -new -key wrong.key -out wrong.csr -subj /CN=elsewhere.example\n"
	"printf 'subjectAltName=DNS:elsewhere.example' >wrong.ext\n"
	"openssl x509 -req -in wrong.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile wrong.ext "
	"-out wrong.pem\n";

bool
certs_make(struct certs *certs)
{
	char *command;
	int result;

	snprintf(certs->dir, sizeof(certs->dir), "/tmp/moontusk-certs-XXXXXX");
	if (!mkdtemp(certs->dir))
		return false;
	command = xasprintf(make_certs, certs->dir);
	result = system(command); /* NOLINT(cert-env33-c): a test may run the openssl command */
	free(command);
	snprintf(certs->ca, sizeof(certs->ca), "%s/ca.pem", certs->dir);
	snprintf(certs->other_ca, sizeof(certs->other_ca), "%s/other.pem", certs->dir);
	snprintf(certs->cert, sizeof(certs->cert), "%s/good.pem", certs->dir);
	snprintf(certs->wrong, sizeof(certs->wrong), "%s/wrong.pem", certs->dir);
	snprintf(certs->key, sizeof(certs->key), "%s/good.key", certs->dir);
	return result == 0;
}

void
certs_remove(struct certs *certs)
{
	char *command = xasprintf("rm -rf '%s'", certs->dir);

	if (system(command) != 0) /* NOLINT(cert-env33-c) */
		print_message("left behind: %s\n", certs->dir);
	free(command);
}
