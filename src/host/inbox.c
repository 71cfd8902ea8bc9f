/* SPDX-License-Identifier: MIT */
/* Matched handlers that wait to run, in order, of one instance: in memory, and in the store past a turn. */
#include "inbox.h"

#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

void
inbox_init(struct inbox *inbox, const char *instance)
{
	*inbox = (struct inbox){.instance = instance, .more = true};
}

static void
drop(struct inbox *inbox, struct work *work)
{
	DL_DELETE(inbox->list, work);
	inbox->count--;
	inbox->running -= work->running ? 1 : 0;
	inbox->retrying -= work->due_ms ? 1 : 0;
	event_unref(work->event);
	free(work->key);
	free(work->matched);
	free(work);
}

void
inbox_finish(struct inbox *inbox)
{
	while (inbox->list)
		drop(inbox, inbox->list);
}

void
inbox_recount(struct inbox *inbox, struct store *store)
{
	inbox->waiting = (size_t)delivery_count(store, inbox->instance);
}

static void
add(struct inbox *inbox, struct event *event, const char *key, char *matched)
{
	struct work *work = xmalloc(sizeof(*work));
	*work = (struct work){
		.event = event ? event_ref(event) : NULL,
		.key = xstrdup(key),
		.matched = matched,
	};
	DL_APPEND(inbox->list, work);
	inbox->count++;
}

void
inbox_push(struct inbox *inbox, struct event *event, const char *key, char *matched)
{
	add(inbox, event, key, matched);
	inbox->waiting++;
}

/* An event that was read back from two rows is two objects. */
static bool
same_event(const struct event *a, const struct event *b)
{
	return a == b ||
	       (a && b && a->received_at_ms == b->received_at_ms && str_eq(a->name, b->name) &&
		       str_eq(a->id, b->id) && str_eq(a->payload, b->payload));
}

void
inbox_replace(struct inbox *inbox, const struct event *event, struct event *by)
{
	struct work *work;
	struct event *old =
		event_ref((struct event *)(uintptr_t)event); /* to compare with to the end */
	DL_FOREACH(inbox->list, work) {
		if (work->event != old)
			continue;
		event_unref(work->event);
		work->event = event_ref(by);
	}
	event_unref(old);
}

bool
inbox_has(const struct inbox *inbox, const struct event *event, const char *key)
{
	const struct work *work;
	DL_FOREACH(inbox->list, work) {
		if (same_event(work->event, event) && strcmp(work->key, key) == 0)
			return true;
	}
	return false;
}

bool
inbox_unsaved(const struct inbox *inbox)
{
	const struct work *work;
	DL_FOREACH(inbox->list, work) {
		if (!work->row)
			return true;
	}
	return false;
}

void
inbox_rename(struct inbox *inbox, const char *from, const char *to)
{
	struct work *work;
	DL_FOREACH(inbox->list, work) {
		if (strcmp(work->key, from) != 0)
			continue;
		free(work->key);
		work->key = xstrdup(to);
	}
}

struct work *
inbox_first(struct inbox *inbox, unsigned concurrency, int64_t now_ms)
{
	const struct work *before = NULL;
	struct work *work;
	unsigned events = 0;
	DL_FOREACH(inbox->list, work) {
		if (before && same_event(before->event, work->event))
			continue; /* after the first of its event */
		before = work;
		if (++events > concurrency)
			return NULL;
		if (work->running || work->due_ms > now_ms)
			continue;
		/* What is new may not overtake older rows that are not in memory. */
		return inbox->more && !work->row ? NULL : work;
	}
	return NULL;
}

int64_t
inbox_next_due(const struct inbox *inbox)
{
	int64_t next_ms = INT64_MAX;
	const struct work *work;
	if (inbox->retrying == 0)
		return next_ms;
	DL_FOREACH(inbox->list, work) {
		if (work->due_ms && !work->running && work->due_ms < next_ms)
			next_ms = work->due_ms;
	}
	return next_ms;
}

void
inbox_retry(struct inbox *inbox, struct store *store, struct work *work, int64_t due_ms)
{
	inbox_run(inbox, work, false);
	inbox->retrying += work->due_ms ? 0 : 1;
	work->tries++;
	work->due_ms = due_ms;
	if (work->row)
		delivery_retry(store, work->row, work->tries, due_ms);
}

void
inbox_run(struct inbox *inbox, struct work *work, bool running)
{
	if (running && !work->running)
		inbox->running++;
	else if (!running && work->running)
		inbox->running--;
	work->running = running;
	if (running && work->due_ms) {
		work->due_ms = 0;
		inbox->retrying--;
	}
}

void
inbox_done(struct inbox *inbox, struct store *store, struct work *work)
{
	if (work->row)
		delivery_delete(store, work->row);
	drop(inbox, work);
	inbox->waiting -= inbox->waiting > 0 ? 1 : 0;
}

/* Lets go of what was written down but is past the cap, and of what came behind rows that are not in
 * memory: it is read back in its turn. */
static void
trim(struct inbox *inbox, bool overtakes)
{
	while (inbox->list && !inbox->list->prev->running &&
		(inbox->count > INBOX_LOAD_MAX ||
			(overtakes && inbox->list->prev->row > inbox->last_row))) {
		drop(inbox, inbox->list->prev);
		inbox->more = true;
	}
}

void
inbox_save(struct inbox *inbox, struct store *store, int64_t now_ms)
{
	bool overtakes = inbox->more;
	struct work *work;
	DL_FOREACH(inbox->list, work) {
		if (work->row)
			continue;
		struct buf line;
		buf_init(&line, EVENT_LINE_MAX);
		event_write_line(work->event, &line);
		struct delivery delivery = {
			.instance = inbox->instance,
			.key = str_from(work->key),
			.line = buf_str(&line),
			.matched = str_from(work->matched),
			.created_ms = now_ms,
			.tries = work->tries,
			.due_ms = work->due_ms,
		};
		delivery_add(store, &delivery);
		work->row = delivery.row;
		buf_finish(&line);
	}
	trim(inbox, overtakes);
	if (inbox->list)
		inbox->last_row = inbox->list->prev->row;
}

struct loading {
	struct inbox *inbox;
	struct json_parser *parser;
};

static bool
load_one(void *data, const struct delivery *delivery)
{
	struct loading *loading = data;
	struct inbox *inbox = loading->inbox;
	if (inbox->count >= INBOX_LOAD_MAX) {
		inbox->more = true;
		return false;
	}
	struct decode_context context = {.parser = loading->parser, .origin = ORIGIN_LIVE};
	struct decode_output out;
	inbox->last_row = delivery->row;
	char *key = str_dup(delivery->key);
	bool good = decode_line(&context, delivery->line, &out) == DECODE_EVENT;
	add(inbox, good ? out.event : NULL, key,
		str_dup(good ? delivery->matched : delivery->line));
	struct work *work = inbox->list->prev;
	work->row = delivery->row;
	work->tries = delivery->tries;
	work->due_ms = delivery->due_ms;
	inbox->retrying += work->due_ms ? 1 : 0;
	if (good)
		event_unref(out.event);
	free(key);
	return true;
}

void
inbox_load(struct inbox *inbox, struct store *store, struct json_parser *parser)
{
	/* What is to be tried again later must not keep others from a free place; without one they are not needed. */
	if (inbox->count > inbox->running + inbox->retrying || inbox->count >= INBOX_LOAD_MAX ||
		!inbox->more)
		return;
	struct loading loading = {.inbox = inbox, .parser = parser};
	inbox->more = false;
	delivery_each(store, inbox->instance, inbox->last_row, load_one, &loading);
}
