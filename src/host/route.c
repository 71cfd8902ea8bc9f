/* SPDX-License-Identifier: MIT */
/* From an event to the handlers that it matches: who hears the stream, who has had it, which rules hold. */
#include <stdlib.h>

#include "attr.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "seen.h"
#include "stream_name.h"

#define LOG_MODULE "route"

static bool
hears_kind(const struct plugin_handler *handler, const struct event *event)
{
	if (handler->host_event || !handler->kinds[event->kind])
		return false;
	if (event->kind != EVENT_UNKNOWN || !handler->name)
		return true;
	return str_eq_text(event->name, handler->name);
}

static void
put_captures(struct buf *out, const struct rule_hit *hit)
{
	json_put_key(out, "captures");
	buf_add_char(out, '[');
	for (unsigned i = 0; i < hit->capture_count; i++) {
		struct span span = hit->captures[i];
		json_put_comma(out);
		if (span.start > span.end)
			buf_add_text(out, "null");
		else
			json_put_str(out,
				(struct str){hit->subject.ptr + span.start, span.end - span.start});
	}
	buf_add_char(out, ']');
}

static void
put_source(struct buf *out, const struct view_source *source)
{
	buf_add_char(out, '{');
	json_put_key(out, "field");
	json_put_text(out, source->field);
	json_put_key(out, "start");
	json_put_int(out, (int64_t)source->span.start);
	json_put_key(out, "end");
	json_put_int(out, (int64_t)source->span.end);
	buf_add_char(out, '}');
}

/* Which bytes of the payload the match saw: the first field of them, and all when there are more. */
static void
put_sources(struct buf *out, struct views *views, const struct rule_hit *hit)
{
	struct view_source sources[VIEW_SOURCES_MAX];
	size_t count = views_source(views, hit->view, hit->span, sources, COUNT_OF(sources));

	if (count == 0)
		return;
	json_put_key(out, "source");
	put_source(out, &sources[0]);
	if (count == 1)
		return;
	json_put_key(out, "sources");
	buf_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		json_put_comma(out);
		put_source(out, &sources[i]);
	}
	buf_add_char(out, ']');
}

/* The reason as handlers, journal and people read it. New. */
static char *
reason(struct views *views, const struct rule_hit *hit, int line)
{
	struct buf out;
	buf_init(&out, VIEW_TEXT_MAX);
	buf_add_char(&out, '{');
	json_put_key(&out, "line");
	json_put_int(&out, line);
	if (hit && hit->key && *hit->key) {
		json_put_key(&out, "rule");
		json_put_text(&out, hit->key);
		json_put_key(&out, "view");
		json_put_text(&out, view_name(hit->view));
		json_put_key(&out, "pattern");
		json_put_str(&out, hit->pattern);
		if (hit->span.start <= hit->span.end) {
			json_put_key(&out, "text");
			json_put_str(&out, (struct str){hit->subject.ptr + hit->span.start,
						   hit->span.end - hit->span.start});
			json_put_key(&out, "span");
			buf_printf(&out, "[%zu,%zu]", hit->span.start, hit->span.end);
			put_captures(&out, hit);
			put_sources(&out, views, hit);
		}
	}
	buf_add_char(&out, '}');
	return buf_take(&out, NULL);
}

/* True when the instance handled this very version before; writes the row when it did not. */
static bool
seen_before(struct host *host, const struct instance *instance, const struct event *event)
{
	if (!event_kind_info(event->kind)->deduplicated || event->id.len == 0)
		return false;
	const struct account *account = NULL;
	if (event->account.ptr) {
		char *name = str_dup(event->account);
		account = host_account(host, name);
		free(name);
	}
	struct buf scope, version;
	buf_init(&scope, MESSAGE_MAX);
	buf_init(&version, MESSAGE_MAX);
	intake_scope(event, str_from(account ? account->host : "replay"), &scope);
	event_version(event, &version);
	struct seen_key key = {
		.instance = instance->name,
		.scope = buf_str(&scope),
		.kind = event->name,
		.id = event->id,
		.version = buf_str(&version),
	};
	bool seen = seen_has(host->store, &key);
	if (!seen && host_begin(host))
		seen_add(host->store, &key, clock_wall_ms(&host->config.clock));
	buf_finish(&scope);
	buf_finish(&version);
	return seen;
}

static void
say_limited(struct host *host, const struct instance *instance,
	const struct plugin_handler *handler, const struct event *event)
{
	log_warn(host->config.log,
		"%s: a pattern of the handler at line %d gave up on %.*s %.*s (too many steps): it counts as no match. "
		"Make the pattern simpler: nested repeats such as (a+)+ cause this.",
		instance->name, handler->line, STR_ARG(event->name), STR_ARG(event->id));
}

/* What became of the list files that the handler's match table names. */
static void
say_news(struct host *host, const struct instance *instance, const struct plugin_handler *handler)
{
	char text[MESSAGE_MAX];
	enum rule_news news;
	while ((news = rule_take_news(handler->rule, text)) != RULE_NEWS_NONE)
		log_write(host->config.log, news == RULE_NEWS_READ ? LOG_INFO : LOG_WARN,
			LOG_MODULE, "%s: %s", instance->name, text);
}

/* One handler's verdict; `hit` is good until its rule looks at another event. */
static bool
match_handler(struct host *host, const struct instance *instance,
	const struct plugin_handler *handler, const struct event *event, struct rule_hit *hit)
{
	*hit = (struct rule_hit){.key = "", .span = SPAN_NONE};
	if (!hears_kind(handler, event))
		return false;
	if (!handler->rule)
		return true;
	int64_t now_ms =
		event->received_at_ms ? event->received_at_ms : clock_wall_ms(&host->config.clock);
	enum rule_result result =
		rule_match(handler->rule, host->views, host->scratch, now_ms, hit);
	say_news(host, instance, handler);
	if (result == RULE_LIMITED)
		say_limited(host, instance, handler, event);
	return result == RULE_YES;
}

char *
route_match(struct host *host, const struct instance *instance,
	const struct plugin_handler *handler, struct event *event)
{
	struct rule_hit hit;
	views_set_event(host->views, event);
	char *matched = match_handler(host, instance, handler, event, &hit)
				? reason(host->views, &hit, handler->line)
				: NULL;
	views_set_event(host->views, NULL);
	return matched;
}

static void
match_instance(struct host *host, struct instance *instance, struct event *event)
{
	unsigned count;
	const struct plugin_handler *handlers = plugin_handlers(instance->plugin, &count);
	bool looked = false;
	for (unsigned i = 0; i < count; i++) {
		struct rule_hit hit;
		if (!match_handler(host, instance, &handlers[i], event, &hit))
			continue;
		if (!looked && seen_before(host, instance, event))
			return;
		looked = true;
		char *matched = reason(host->views, &hit, handlers[i].line);
		host->stats.matched++;
		if (host->events.on_matched)
			host->events.on_matched(
				host->data, instance->name, event, str_from(matched));
		inbox_push(&instance->inbox, event, handlers[i].key, matched);
	}
}

void
route_event(struct host *host, struct event *event)
{
	unsigned hearing[INTAKE_INSTANCES_MAX];
	size_t count = intake_route(host->intake, event, hearing, COUNT_OF(hearing));
	if (count == 0)
		return;
	views_set_event(host->views, event);
	for (size_t i = 0; i < count && !host->stopped; i++) {
		match_instance(host, host->by_number[hearing[i]], event);
		intake_mark(host->intake, hearing[i], event);
	}
	views_set_event(host->views, NULL);
}
