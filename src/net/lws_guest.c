/* SPDX-License-Identifier: MIT */
/* libwebsockets as a guest on a loop. */
#include "lws_guest.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "limits.h"
#include "xmalloc.h"

#define READ_BYTES 65536 /* bytes taken from a socket at once */

/* lws binds certificates to a "vhost". It lives as long as the guest. */
struct vhost {
	bool plain; /* without a certificate: one for all servers */
	struct lws_vhost *lws;
	struct vhost *next;
};

struct lws_guest {
	struct loop *loop;
	struct lws_context *context;
	struct vhost *vhosts; /* list, vhost::next */
	void *loops[1];       /* lws wants a list of loops */
};

static void
no_log(int level, const char *line)
{
	(void)level, (void)line;
}

static struct lws_context_creation_info
settings(struct lws_guest *guest, const struct lws_protocols *protocols)
{
	return (struct lws_context_creation_info){
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		.foreign_loops = guest->loops,
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.fd_limit_per_thread = LWS_CONNECTIONS_MAX,
		.pt_serv_buf_size = READ_BYTES,
		.max_http_header_data = URL_MAX + 4096,
		.alpn = "http/1.1",       /* its own default offers HTTP/2 */
		.http_proxy_address = "", /* else $http_proxy, which would see only the address */
	};
}

/* lws 4.1 ends in two steps. The first one closes descriptors of its own that it closes a second time, by number,
 * some rounds of the loop later: whoever opened a file in between would lose it. So both steps are left to the end
 * of the loop, when nobody opens anything. */
static void
on_loop_close(void *data)
{
	struct lws_guest *guest = data;

	lws_context_destroy(guest->context);
}

static void
on_loop_end(void *data)
{
	struct lws_guest *guest = data;
	struct vhost *vhost, *next;

	lws_context_destroy(guest->context);
	LL_FOREACH_SAFE(guest->vhosts, vhost, next) {
		free(vhost);
	}
	free(guest);
}

struct lws_guest *
lws_guest_of(struct loop *loop)
{
	static const struct lws_protocols none[] = {{0}};
	struct lws_guest *guest = loop_guest(loop);
	struct lws_context_creation_info info;

	if (guest)
		return guest;
	guest = xcalloc(1, sizeof(*guest));
	guest->loop = loop;
	guest->loops[0] = loop_native(loop);
	info = settings(guest, none);
	lws_set_log_level(0, no_log);
	guest->context = lws_create_context(&info);
	REQUIRE(guest->context != NULL); /* its libuv plugin is missing: a broken installation */
	loop_set_guest(loop, guest, on_loop_close, on_loop_end);
	return guest;
}

struct lws_context *
lws_guest_context(struct lws_guest *guest)
{
	return guest->context;
}

static struct lws_vhost *
add_vhost(struct lws_guest *guest, bool plain, struct lws_context_creation_info *info)
{
	struct vhost *vhost = xcalloc(1, sizeof(*vhost));

	vhost->plain = plain;
	vhost->lws = lws_create_vhost(guest->context, info);
	LL_PREPEND(guest->vhosts, vhost);
	return vhost->lws;
}

struct lws_vhost *
lws_guest_server(struct lws_guest *guest, const char *cert_file, const char *key_file,
	const struct lws_protocols *protocols)
{
	struct lws_context_creation_info info = settings(guest, protocols);
	struct vhost *vhost;

	LL_FOREACH(guest->vhosts, vhost) {
		if (!cert_file && vhost->plain)
			return vhost->lws;
	}
	info.vhost_name = "server";
	info.port =
		CONTEXT_PORT_NO_LISTEN_SERVER; /* we accept, but lws must read the certificate */
	info.ssl_cert_filepath = cert_file;
	info.ssl_private_key_filepath = key_file;
	return add_vhost(guest, !cert_file, &info);
}

void
lws_guest_kick(struct lws_guest *guest)
{
	lws_cancel_service(guest->context);
}

void
lws_guest_kill(struct lws_guest *guest, struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	lws_guest_kick(guest);
}
