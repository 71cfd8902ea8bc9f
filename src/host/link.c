/* SPDX-License-Identifier: MIT */
/* An account with its connections: discovery, tried again until it works, then streaming. */
#include "link.h"

#include <stdlib.h>

#include "discovery.h"
#include "pace.h"
#include "stream_name.h"
#include "xmalloc.h"

#define LOG_MODULE "account"

struct wanted {
	char *stream, *param;
	struct wanted *next;
};

struct link {
	struct link_config config;
	struct link_events events;
	void *data;
	struct discovery *discovery;
	struct streaming *streaming; /* NULL until discovery is done */
	struct loop_timer *retry;
	struct pace pace;
	struct wanted *wanted; /* list, wanted::next: asked for before the link was ready */
	bool paused;
};

static void
on_event(void *data, struct event *event)
{
	struct link *link = data;
	link->events.on_event(link->data, event);
}

static void
on_broken(void *data, const char *what)
{
	struct link *link = data;
	link->events.on_broken(link->data, what);
}

static void
on_state(void *data, const struct stream_status *status)
{
	struct link *link = data;
	link->events.on_state(link->data, link->config.account, status);
}

static const struct streaming_events streaming_events = {on_event, on_broken, on_state};

static void
wanted_destroy(struct wanted *wanted)
{
	free(wanted->stream);
	free(wanted->param);
	free(wanted);
}

static void
start_streaming(struct link *link)
{
	link->config.streaming.account = link->config.account;
	if (!link->config.account->streaming)
		link->config.streaming.transport = TRANSPORT_POLL;
	link->streaming = streaming_create(&link->config.streaming, &streaming_events, link);
	streaming_pause(link->streaming, link->paused);
	while (link->wanted) {
		struct wanted *wanted = link->wanted;
		link->wanted = wanted->next;
		streaming_add(link->streaming, str_from(wanted->stream), str_from(wanted->param));
		wanted_destroy(wanted);
	}
}

static void
say_no_streaming(struct link *link)
{
	char *text = xasprintf("%s names no streaming server", link->config.account->host);
	link->events.on_link(link->data, link->config.account, LINK_NO_STREAMING, text);
	free(text);
}

static void
on_discovered(void *data, enum discovery_result result, const char *message)
{
	struct link *link = data;
	link->discovery = NULL;
	if (result == DISCOVERY_DONE) {
		start_streaming(link);
		link->events.on_link(link->data, link->config.account, LINK_READY, message);
		if (!link->config.account->streaming)
			say_no_streaming(link);
	} else if (result == DISCOVERY_REFUSED) {
		link->events.on_link(link->data, link->config.account, LINK_REFUSED, message);
	} else {
		struct loop *loop = link->config.streaming.loop;
		int64_t wait_ms =
			pace_down(&link->pace, link->config.streaming.rng, loop_now_ms(loop));
		loop_timer_start(link->retry, wait_ms, 0);
		link->events.on_link(link->data, link->config.account, LINK_RETRY, message);
	}
}

static void
on_retry(void *data)
{
	struct link *link = data;
	link->discovery = discovery_start(link->config.streaming.http, link->config.account,
		link->config.streaming.log, on_discovered, link);
	if (!link->discovery) /* too many requests are running */
		loop_timer_start(link->retry, 1000, 0);
}

struct link *
link_create(const struct link_config *config, const struct link_events *events, void *data)
{
	struct link *link = xmalloc(sizeof(*link));
	*link = (struct link){.config = *config, .events = *events, .data = data};
	pace_init(&link->pace, 1000, 300000, 60000);
	link->retry = loop_timer_create(config->streaming.loop, on_retry, link);
	on_retry(link);
	return link;
}

void
link_destroy(struct link *link)
{
	if (!link)
		return;
	discovery_cancel(link->discovery);
	streaming_destroy(link->streaming);
	loop_timer_destroy(link->retry);
	while (link->wanted) {
		struct wanted *wanted = link->wanted;
		link->wanted = wanted->next;
		wanted_destroy(wanted);
	}
	free(link);
}

void
link_add(struct link *link, struct str stream, struct str param)
{
	if (link->streaming) {
		streaming_add(link->streaming, stream, param);
		return;
	}
	struct wanted *wanted = xmalloc(sizeof(*wanted));
	*wanted = (struct wanted){str_dup(stream), str_dup(param), NULL};
	struct wanted **end = &link->wanted;
	while (*end)
		end = &(*end)->next;
	*end = wanted;
}

void
link_remove(struct link *link, struct str stream, struct str param)
{
	if (link->streaming) {
		streaming_remove(link->streaming, stream, param);
		return;
	}
	for (struct wanted **at = &link->wanted; *at; at = &(*at)->next) {
		struct wanted *wanted = *at;
		if (!stream_same(str_from(wanted->stream), str_from(wanted->param), stream, param))
			continue;
		*at = wanted->next;
		wanted_destroy(wanted);
		return;
	}
}

void
link_pause(struct link *link, bool paused)
{
	link->paused = paused;
	if (link->streaming)
		streaming_pause(link->streaming, paused);
}

void
link_filling(struct link *link, struct str stream, struct str param, bool filling)
{
	if (link->streaming)
		streaming_filling(link->streaming, stream, param, filling);
}

void
link_reconnect(struct link *link, const char *reason)
{
	if (link->streaming)
		streaming_reconnect(link->streaming, reason);
}

void
link_polled(struct link *link, struct str stream, struct str param, enum stream_state state,
	int64_t retry_ms, const char *reason)
{
	if (link->streaming)
		streaming_polled(link->streaming, stream, param, state, retry_ms, reason);
}

const struct account *
link_account(const struct link *link)
{
	return link->config.account;
}

void
link_each(const struct link *link, void (*fn)(void *data, const struct stream_status *status),
	void *data)
{
	if (link->streaming)
		streaming_each(link->streaming, fn, data);
}
