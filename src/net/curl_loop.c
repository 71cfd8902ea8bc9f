/* SPDX-License-Identifier: MIT */
/* libcurl's multi interface on a loop. */
#include "curl_loop.h"

#include <stdlib.h>

#include <utlist.h>

#include "xmalloc.h"

/* A socket that curl wants watched. */
struct sock {
	struct curl_loop *curl;
	struct loop_watch *watch;
	struct sock *prev, *next;
};

struct curl_loop {
	struct loop *loop;
	CURLM *multi;
	struct curl_loop_events events;
	void *data;
	struct loop_timer *timer; /* curl's own */
	struct sock *socks;       /* list, sock::next */
};

void
curl_loop_drain(struct curl_loop *curl)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(curl->multi, &left)))
		curl->events.on_done(curl->data, message->easy_handle, message->data.result);
}

static void
act(struct curl_loop *curl, curl_socket_t fd, int bits)
{
	int running;

	if (curl->events.enter)
		curl->events.enter(curl->data);
	curl_multi_socket_action(curl->multi, fd, bits, &running);
	curl_loop_drain(curl);
	if (curl->events.leave)
		curl->events.leave(curl->data);
}

static void
on_ready(void *data, int fd, int ready)
{
	struct sock *sock = data;

	act(sock->curl, fd,
		(ready & WATCH_READ ? CURL_CSELECT_IN : 0) |
			(ready & WATCH_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
on_timer(void *data)
{
	act(data, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_want_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *sock_data)
{
	struct curl_loop *curl = data;
	struct sock *sock = sock_data;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (sock) {
			loop_watch_destroy(sock->watch);
			DL_DELETE(curl->socks, sock);
			free(sock);
			curl_multi_assign(curl->multi, fd, NULL);
		}
		return 0;
	}
	if (!sock) {
		sock = xcalloc(1, sizeof(*sock));
		sock->curl = curl;
		sock->watch = loop_watch_create(curl->loop, fd, on_ready, sock);
		DL_APPEND(curl->socks, sock);
		curl_multi_assign(curl->multi, fd, sock);
	}
	loop_watch_set(sock->watch,
		(what & CURL_POLL_IN ? WATCH_READ : 0) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0));
	return 0;
}

static int
on_want_timer(CURLM *multi, long wait_ms, void *data)
{
	struct curl_loop *curl = data;

	(void)multi;
	if (wait_ms < 0)
		loop_timer_stop(curl->timer);
	else /* curl counts real time, the loop's timers count scaled time */
		loop_timer_start(
			curl->timer, (int64_t)((double)wait_ms * loop_clock_rate(curl->loop)), 0);
	return 0;
}

CURLM *
curl_loop_multi(struct curl_loop *curl)
{
	return curl->multi;
}

struct curl_loop *
curl_loop_create(struct loop *loop, const struct curl_loop_events *events, void *data)
{
	struct curl_loop *curl = xcalloc(1, sizeof(*curl));

	REQUIRE(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	curl->loop = loop;
	curl->events = *events;
	curl->data = data;
	curl->multi = curl_multi_init();
	REQUIRE(curl->multi != NULL);
	curl->timer = loop_timer_create(loop, on_timer, curl);
	curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
	curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
	curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
	curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
	return curl;
}

void
curl_loop_destroy(struct curl_loop *curl)
{
	struct sock *sock, *next;

	curl_multi_cleanup(curl->multi);
	DL_FOREACH_SAFE(curl->socks, sock, next) {
		loop_watch_destroy(sock->watch);
		free(sock);
	}
	loop_timer_destroy(curl->timer);
	free(curl);
	curl_global_cleanup();
}
