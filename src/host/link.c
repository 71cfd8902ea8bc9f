/* SPDX-License-Identifier: MIT */
/* Contacts the server of an account, keeps its streams, and looks once a day whether the token and the address still hold. */
#include "link.h"

#include <stdlib.h>
#include <string.h>

#include "discovery.h"
#include "pace.h"
#include "stream_name.h"
#include "xmalloc.h"

#define LOG_MODULE "account"
#define LOOK_MS    (24 * INT64_C(3600000))

struct wanted {
	char *stream, *param;
	struct wanted *next;
};

struct link {
	struct link_config config;
	struct link_events events;
	void *data;
	struct discovery *discovery; /* NULL: none runs */
	char *known;                 /* address of the streaming server when the last look began */
	struct streaming *streaming; /* NULL until discovery is done */
	struct loop_timer *retry;    /* of the first discovery; then until the next look */
	struct pace pace;
	struct wanted *wanted; /* list, wanted::next: asked for before the link was ready */
	bool paused;
	bool due;      /* the look that runs was planned, and is not one of a doubt */
	bool disabled; /* the token is no good: no further look */
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
	if (status->state == STREAM_DISABLED) {
		link->disabled = true;
		loop_timer_stop(link->retry);
	}
	link->events.on_state(link->data, link->config.account, status);
}

static void on_lost(void *data);
static void on_absent(void *data, const char *why);

static const struct streaming_events streaming_events = {
	.on_event = on_event,
	.on_broken = on_broken,
	.on_state = on_state,
	.on_lost = on_lost,
	.on_absent = on_absent,
};

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
		link->config.streaming.absent = true;
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
on_absent(void *data, const char *why)
{
	struct link *link = data;
	const struct account *account = link->config.account;
	char *text = xasprintf("%s has no streaming: %s", account->host, why);
	link->events.on_link(link->data, account, LINK_NO_STREAMING, text);
	free(text);
}

/* ---- the first contact ---- */

static void
plan_look(struct link *link, int64_t about_ms)
{
	struct rng *rng = link->config.streaming.rng;
	if (link->disabled)
		return;
	int64_t wait_ms = about_ms - (int64_t)rng_below(rng, (uint64_t)about_ms / 6 + 1);
	loop_timer_start(link->retry, wait_ms, 0);
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
			on_absent(link, "its instance document names none");
		plan_look(link, link->config.look_ms);
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

/* ---- later looks ---- */

/* The server was asked again; `link->known` is the address before. */
static void
on_looked(void *data, enum discovery_result result, const char *message)
{
	struct link *link = data;
	struct account *account = link->config.account;
	struct log *log = link->config.streaming.log;
	bool none = !account->streaming;
	bool due = link->due;
	link->discovery = NULL;
	link->due = false;
	if (none &&
		link->known) /* a slip of the server, or the end of its streaming: that shows by itself */
		account->streaming = xstrdup(link->known);
	if (result == DISCOVERY_REFUSED) {
		streaming_disable(link->streaming, message);
		return;
	}
	plan_look(
		link, result == DISCOVERY_DONE ? link->config.look_ms : link->config.look_ms / 24);
	if (result != DISCOVERY_DONE) {
		log_debug(log, "%s: %s", account->name, message);
	} else if (!none && link->known && strcmp(account->streaming, link->known) != 0) {
		log_info(log, "%s: the streaming server is %s now", account->name,
			account->streaming);
		streaming_moved(link->streaming);
	} else if (!none && !link->known) {
		log_info(log, "%s: the server names a streaming server now: %s", account->name,
			account->streaming);
	}
	if (result == DISCOVERY_DONE && !none && due)
		streaming_again(link->streaming);
}

static void
look_again(struct link *link)
{
	if (link->discovery || link->disabled)
		return;
	const char *streaming = link->config.account->streaming;
	free(link->known);
	link->known = streaming ? xstrdup(streaming) : NULL;
	link->discovery = discovery_start(link->config.streaming.http, link->config.account,
		link->config.streaming.log, on_looked, link);
	if (!link->discovery)
		plan_look(link, link->config.look_ms / 24);
}

static void
on_lost(void *data)
{
	look_again(data);
}

static void
on_retry(void *data)
{
	struct link *link = data;
	if (link->streaming) {
		link->due = true;
		look_again(link);
		return;
	}
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
	if (link->config.look_ms <= 0)
		link->config.look_ms = LOOK_MS;
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
	free(link->known);
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
	if (link->paused == paused)
		return;
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

enum stream_remedy
link_silent(struct link *link, struct str stream, struct str param, const char *reason)
{
	return link->streaming ? streaming_silent(link->streaming, stream, param, reason)
			       : STREAM_REMEDY_NONE;
}

void
link_polled(struct link *link, struct str stream, struct str param, enum stream_state state,
	int64_t retry_ms, const char *reason)
{
	if (link->streaming)
		streaming_polled(link->streaming, stream, param, state, retry_ms, reason);
}

void
link_doubt(struct link *link)
{
	if (link->streaming)
		look_again(link);
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
