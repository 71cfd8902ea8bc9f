/* SPDX-License-Identifier: MIT */
/* Connected byte streams: libcurl connects (names, addresses, TLS) and then only carries bytes (CURLOPT_CONNECT_ONLY). */
#include "dial.h"

#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "curl_loop.h"
#include "limits.h"
#include "xmalloc.h"

#define READ_BYTES   65536 /* at once */
#define READS_A_TURN 4     /* of one connection, so that a busy one does not hold up the others */

struct dialer {
	struct loop *loop;
	struct curl_loop *curl;
	char *bytes; /* READ_BYTES */
};

struct dial {
	struct dialer *dialer;
	struct dial_events events;
	void *data;
	CURL *easy;
	bool added; /* is in the multi handle */
	char error[CURL_ERROR_SIZE];
	struct loop_watch *watch; /* NULL until it stands */
	struct loop_timer *again; /* reads what TLS holds already: no socket says so */
	struct buf out;
	bool paused, over;
	unsigned depth; /* inside callbacks */
	bool closed;
};

static void
dial_free(struct dial *dial)
{
	loop_watch_destroy(dial->watch);
	loop_timer_destroy(dial->again);
	if (dial->added)
		curl_multi_remove_handle(curl_loop_multi(dial->dialer->curl), dial->easy);
	curl_easy_cleanup(dial->easy);
	buf_finish(&dial->out);
	free(dial);
}

static void
enter(struct dial *dial)
{
	dial->depth++;
}

/* False when the owner closed it meanwhile: it is gone. */
static bool
leave(struct dial *dial)
{
	if (--dial->depth > 0 || !dial->closed)
		return !dial->closed;
	dial_free(dial);
	return false;
}

static bool
end(struct dial *dial, enum dial_end why, const char *words)
{
	if (dial->over)
		return true;
	dial->over = true;
	if (dial->watch)
		loop_watch_set(dial->watch, 0);
	loop_timer_stop(dial->again);
	enter(dial);
	dial->events.on_end(dial->data, why, words);
	return leave(dial);
}

static void
want(struct dial *dial)
{
	if (dial->watch && !dial->over)
		loop_watch_set(dial->watch,
			(dial->paused ? 0 : WATCH_READ) | (dial->out.len ? WATCH_WRITE : 0));
}

/* False when `dial` is gone. */
static bool
write_out(struct dial *dial)
{
	size_t sent = 0;
	CURLcode code = CURLE_OK;

	if (dial->out.len == 0)
		return true;
	code = curl_easy_send(dial->easy, dial->out.ptr, dial->out.len, &sent);
	if (code != CURLE_OK && code != CURLE_AGAIN)
		return end(dial, DIAL_CUT, curl_easy_strerror(code));
	buf_drop_front(&dial->out, sent);
	if (dial->out.len > 0)
		return true;
	if (dial->out.size > READ_BYTES) { /* a rare big one must not hold its memory for ever */
		buf_finish(&dial->out);
		buf_init(&dial->out, DIAL_QUEUE_MAX);
	}
	if (!dial->events.on_sent)
		return true;
	enter(dial);
	dial->events.on_sent(dial->data);
	return leave(dial);
}

/* False when `dial` is gone. */
static bool
read_in(struct dial *dial)
{
	for (int i = 0; i < READS_A_TURN && !dial->paused && !dial->over; i++) {
		size_t len = 0;
		CURLcode code = curl_easy_recv(dial->easy, dial->dialer->bytes, READ_BYTES, &len);

		if (code == CURLE_AGAIN)
			return true;
		if (code != CURLE_OK)
			return end(dial, DIAL_CUT, curl_easy_strerror(code));
		if (len == 0)
			return end(dial, DIAL_CUT, "the server ended the connection");
		enter(dial);
		dial->events.on_bytes(dial->data, dial->dialer->bytes, len);
		if (!leave(dial))
			return false;
	}
	if (!dial->paused && !dial->over)
		loop_timer_start(dial->again, 0, 0);
	return true;
}

static void
on_ready(void *data, int fd, int ready)
{
	struct dial *dial = data;

	(void)fd;
	if ((ready & WATCH_WRITE) && !write_out(dial))
		return;
	if ((ready & WATCH_READ) && !read_in(dial))
		return;
	want(dial);
}

static void
on_again(void *data)
{
	struct dial *dial = data;

	if (write_out(dial) && read_in(dial))
		want(dial);
}

static enum dial_end
end_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return DIAL_NO_NAME;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return DIAL_TLS;
	default:
		return DIAL_NO_CONNECT;
	}
}

/* curl has connected, or given up. */
static void
on_done(void *data, CURL *easy, CURLcode code)
{
	struct dial *dial = NULL;
	curl_socket_t fd = CURL_SOCKET_BAD;

	(void)data;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &dial);
	if (!dial || dial->over)
		return;
	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD) {
		end(dial, end_of(code), dial->error[0] ? dial->error : curl_easy_strerror(code));
		return;
	}
	dial->watch = loop_watch_create(dial->dialer->loop, fd, on_ready, dial);
	enter(dial);
	dial->events.on_connected(dial->data);
	if (leave(dial))
		want(dial);
}

struct dial *
dial_open(struct dialer *dialer, const char *url, const char *ca_file,
	const struct dial_events *events, void *data)
{
	struct dial *dial = xcalloc(1, sizeof(*dial));

	dial->dialer = dialer;
	dial->events = *events;
	dial->data = data;
	buf_init(&dial->out, DIAL_QUEUE_MAX);
	dial->again = loop_timer_create(dialer->loop, on_again, dial);
	dial->easy = curl_easy_init();
	REQUIRE(dial->easy != NULL);
	curl_easy_setopt(dial->easy, CURLOPT_PRIVATE, dial);
	curl_easy_setopt(dial->easy, CURLOPT_URL, url); /* copied */
	curl_easy_setopt(dial->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(dial->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(dial->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(dial->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(dial->easy, CURLOPT_ERRORBUFFER, dial->error);
	curl_easy_setopt(dial->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* curl_easy_recv gives at most this much, though curl's own buffer of that size is never touched. */
	curl_easy_setopt(dial->easy, CURLOPT_BUFFERSIZE, (long)READ_BYTES);
	curl_easy_setopt(dial->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	if (ca_file) {
		curl_easy_setopt(dial->easy, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(dial->easy, CURLOPT_CAPATH,
			NULL); /* else the system's are trusted as well */
	}
	dial->added = curl_multi_add_handle(curl_loop_multi(dialer->curl), dial->easy) == CURLM_OK;
	REQUIRE(dial->added);
	return dial;
}

bool
dial_send(struct dial *dial, struct str bytes)
{
	if (dial->over || !dial->watch || dial->out.len + bytes.len > DIAL_QUEUE_MAX)
		return false;
	buf_add_str(&dial->out, bytes);
	want(dial);
	return true;
}

size_t
dial_queued(const struct dial *dial)
{
	return dial->out.len;
}

void
dial_pause(struct dial *dial, bool paused)
{
	if (dial->paused == paused)
		return;
	dial->paused = paused;
	if (!paused && dial->watch && !dial->over)
		loop_timer_start(dial->again, 0, 0);
	want(dial);
}

void
dial_close(struct dial *dial)
{
	if (!dial)
		return;
	dial->closed = dial->over = true;
	if (dial->watch)
		loop_watch_set(dial->watch, 0);
	loop_timer_stop(dial->again);
	if (dial->depth == 0)
		dial_free(dial);
}

struct dialer *
dialer_create(struct loop *loop)
{
	static const struct curl_loop_events events = {.on_done = on_done};
	struct dialer *dialer = xcalloc(1, sizeof(*dialer));

	dialer->loop = loop;
	dialer->curl = curl_loop_create(loop, &events, dialer);
	dialer->bytes = xmalloc(READ_BYTES);
	/* A connection that only carries bytes counts as kept: none may be closed to make room. */
	curl_multi_setopt(
		curl_loop_multi(dialer->curl), CURLMOPT_MAXCONNECTS, (long)WS_CONNECTIONS_MAX + 16);
	return dialer;
}

void
dialer_destroy(struct dialer *dialer)
{
	if (!dialer)
		return;
	curl_loop_destroy(dialer->curl);
	free(dialer->bytes);
	free(dialer);
}
