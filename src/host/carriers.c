/* SPDX-License-Identifier: MIT */
/* An event comes once to an instance: which other of its streams carry it, by what it is or by a copy that came in time. */
#include <string.h>

#include "host_private.h"
#include "limits.h"
#include "stream_name.h"
#include "utlist.h"

/* Copies come close behind each other: so many of the inbox's newest are looked at. */
enum { COPIES_LOOKED_AT = 64 };

/* ---- what an event is ---- */

struct post {
	bool is_local, has_media, to_others;
	struct json_value tags;
};

static struct post
post_of(const struct event *event)
{
	struct json_value status = event_outer_status(event);
	struct json_value author = json_path(status, "account.id");
	struct json_value to = json_get(status, "in_reply_to_account_id");
	struct str acct = json_str(json_path(status, "account.acct"));
	bool reply = json_str(json_get(status, "in_reply_to_id")).len > 0;
	return (struct post){
		.is_local = acct.len > 0 && !memchr(acct.ptr, '@', acct.len),
		.has_media = json_count(json_get(status, "media_attachments")) > 0,
		.to_others = reply && !str_eq(json_str(to), json_str(author)),
		.tags = json_get(status, "tags"),
	};
}

static bool
has_tag(const struct post *post, struct str tag)
{
	struct json_iter it = json_iter(post->tags);
	while (json_next(&it)) {
		if (stream_same(STR("hashtag"), json_str(json_get(it.value, "name")),
			    STR("hashtag"), tag))
			return true;
	}
	return false;
}

/* Whether a post that is on some public stream is on that one (protocol.md 3.2): on those of its tags; on the public ones unless it
 * answers somebody else, on the half that its author's server says, on the media ones with attachments. */
static bool
is_public_on(const struct post *post, struct str stream, struct str param)
{
	bool is_tag = str_starts(stream, "hashtag");
	if (!is_tag && !str_starts(stream, "public"))
		return false;
	if (is_tag ? !has_tag(post, param) : post->to_others)
		return false;
	if (str_ends(stream, ":media") && !post->has_media)
		return false;
	if (str_starts(stream, "public:local") || str_eq_text(stream, "hashtag:local"))
		return post->is_local;
	return !str_starts(stream, "public:remote") || !post->is_local;
}

/* glitch-soc's posts that never leave the server are on that one alone. */
static bool
is_public_stream(struct str stream)
{
	return (str_starts(stream, "public") || str_starts(stream, "hashtag")) &&
	       !str_starts(stream, "public:allow_local_only");
}

/* ---- names ---- */

/* Whether the instance hears it on the event's account, and the list lacks it: *param is as it subscribed. */
static bool
is_named(struct host *host, struct str list, struct str stream, struct str param)
{
	struct json_doc *doc = NULL;
	bool named = false;
	if (json_parse(host->parser, list, &doc, NULL) != ERR_OK)
		return true;
	struct json_iter pair = json_iter(json_root(doc));
	while (!named && json_next(&pair))
		named = stream_same(json_str(json_path(pair.value, "0")),
			json_str(json_path(pair.value, "1")), stream, param);
	json_doc_destroy(doc);
	return named;
}

/* The event with another list of streams; a new reference. Takes what `list` holds. */
static struct event *
with_streams(struct host *host, struct event *event, struct buf *list)
{
	struct event parts = *event;
	struct event *made = NULL;
	parts.streams = buf_str(list);
	parts.doc = NULL;
	if (parts.streams.len > 0 &&
		json_parse(host->parser, event->payload, &parts.doc, NULL) == ERR_OK)
		made = event_create(&parts);
	buf_finish(list);
	return made ? made : event_ref(event);
}

struct event *
carriers_name(struct host *host, const struct instance *instance, struct event *event)
{
	unsigned count;
	const struct plugin_stream *streams = plugin_streams(instance->plugin, &count);
	if (count < 2 || event->origin == ORIGIN_REPLAY || !is_public_stream(event->stream) ||
		event_kind_info(event->kind)->payload != PAYLOAD_STATUS)
		return event_ref(event);
	struct post post = post_of(event);
	struct buf list;
	bool more = false;
	event_streams_begin(event, &list);
	for (unsigned i = 0; i < count; i++) {
		const char *account = streams[i].account  ? streams[i].account
				      : instance->account ? instance->account->name
							  : NULL;
		struct str stream = str_from(streams[i].stream), param = str_from(streams[i].param);
		if (!account || !str_eq_text(event->account, account) ||
			!is_public_on(&post, stream, param) ||
			is_named(host, buf_str(&list), stream, param))
			continue;
		event_streams_add(&list, stream, param);
		more = true;
	}
	if (more)
		return with_streams(host, event, &list);
	buf_finish(&list);
	return event_ref(event);
}

/* ---- copies ---- */

static bool
is_copy(const struct event *a, const struct event *b)
{
	if (a->kind != b->kind || !a->id.len || !str_eq(a->id, b->id) ||
		!str_eq(a->account, b->account))
		return false;
	struct buf left, right;
	buf_init(&left, MESSAGE_MAX);
	buf_init(&right, MESSAGE_MAX);
	event_version(a, &left);
	event_version(b, &right);
	bool same = str_eq(buf_str(&left), buf_str(&right));
	buf_finish(&left);
	buf_finish(&right);
	return same;
}

static void
add_stream(struct host *host, struct inbox *inbox, struct event *waits, const struct event *copy)
{
	struct buf list;
	event_streams_begin(waits, &list);
	if (is_named(host, buf_str(&list), copy->stream, copy->param)) {
		buf_finish(&list);
		return;
	}
	event_streams_add(&list, copy->stream, copy->param);
	struct event *told = with_streams(host, waits, &list);
	inbox_replace(inbox, waits, told);
	event_unref(told);
}

static void
note_copy(struct host *host, struct inbox *inbox, const struct event *copy)
{
	struct work *work = inbox->list ? inbox->list->prev : NULL;
	for (unsigned i = 0; work && i < COPIES_LOOKED_AT; i++) {
		if (work->event && work->event != copy && !work->running &&
			is_copy(work->event, copy)) {
			add_stream(host, inbox, work->event, copy);
			return;
		}
		work = work == inbox->list ? NULL : work->prev;
	}
}

void
carriers_copy(
	struct host *host, const struct event *event, const unsigned *routed, size_t routed_count)
{
	unsigned hearing[INTAKE_INSTANCES_MAX];
	if (event->origin == ORIGIN_REPLAY || !event_kind_info(event->kind)->deduplicated)
		return;
	size_t count = intake_hearing(host->intake, event->account, event->stream, event->param,
		hearing, COUNT_OF(hearing));
	for (size_t i = 0, next = 0; count > routed_count && i < count; i++) {
		struct instance *instance = host->by_number[hearing[i]];
		while (next < routed_count && routed[next] < hearing[i])
			next++;
		if (instance && (next == routed_count || routed[next] != hearing[i]))
			note_copy(host, &instance->inbox, event);
	}
}
