/* SPDX-License-Identifier: MIT */
/* From an event to the handlers that it matches: who hears the stream, who has had it, which rules hold. */
#include <stdlib.h>

#include "attr.h"
#include "edits.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "seen.h"
#include "stream_name.h"

#define LOG_MODULE "route"

bool
route_hears(const struct plugin_handler *handler, const struct event *event)
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
			json_put_str(&out, views_seen(views, hit->view, hit->span));
			json_put_key(&out, "span");
			buf_printf(&out, "[%zu,%zu]", hit->span.start, hit->span.end);
			put_captures(&out, hit);
			put_sources(&out, views, hit);
		}
	}
	buf_add_char(&out, '}');
	return buf_take(&out, NULL);
}

static struct str
host_of(const struct host *host, const struct event *event)
{
	const struct account *account = NULL;
	if (event->account.ptr) {
		char *name = str_dup(event->account);
		account = host_account(host, name);
		free(name);
	}
	return str_from(account ? account->host : "replay");
}

void
host_scope(const struct host *host, const struct event *event, struct buf *scope)
{
	intake_scope(event, host_of(host, event), scope);
}

void
host_server_scope(const struct host *host, const struct event *event, struct buf *scope)
{
	struct event shared = *event;
	shared.stream = STR_NONE;
	intake_scope(&shared, host_of(host, event), scope);
}

/* True when the instance handled this very version before; writes the row when it did not, and `write`. */
static bool
seen_before(
	struct host *host, const struct instance *instance, const struct event *event, bool write)
{
	if (!event_kind_info(event->kind)->deduplicated || event->id.len == 0)
		return false;
	if (host_keeps_nothing(host))
		return !intake_first(host->intake, instance->number, event);
	struct buf scope, version;
	buf_init(&scope, MESSAGE_MAX);
	buf_init(&version, MESSAGE_MAX);
	host_scope(host, event, &scope);
	event_version(event, &version);
	struct seen_key key = {
		.instance = instance->name,
		.scope = buf_str(&scope),
		.kind = event->name,
		.id = event->id,
		.version = buf_str(&version),
	};
	/* One look at the index: the insert says whether the row was there. */
	bool seen = write && host_begin(host)
			    ? !seen_add(host->store, &key, clock_wall_ms(&host->config.clock))
			    : seen_has(host->store, &key);
	buf_finish(&scope);
	buf_finish(&version);
	return seen;
}

/* Whose rule is tried. */
struct trying {
	struct host *host;
	const struct instance *instance;
	const struct plugin_handler *handler;
	const struct event *event;
};

static void
journal_limit(const struct trying *trying, const struct rule_limit *limit)
{
	struct host *host = trying->host;
	struct buf key, detail;
	if (!host_begin(host))
		return;
	buf_init(&key, EVENT_LINE_MAX);
	buf_init(&detail, EVENT_LINE_MAX);
	host_event_key(trying->event, &key);
	buf_add_char(&detail, '{');
	json_put_key(&detail, "line");
	json_put_int(&detail, trying->handler->line);
	json_put_key(&detail, "rule");
	json_put_text(&detail, limit->key);
	json_put_key(&detail, "view");
	json_put_text(&detail, view_name(limit->view));
	json_put_key(&detail, "pattern");
	json_put_str(&detail, limit->pattern);
	json_put_key(&detail, "times");
	json_put_int(&detail, (int64_t)limit->hits);
	json_put_key(&detail, "off");
	buf_add_text(&detail, limit->off ? "true" : "false");
	buf_add_char(&detail, '}');
	host_journal(host, trying->instance, "pattern_limit", buf_str(&key), buf_str(&detail));
	buf_finish(&key);
	buf_finish(&detail);
}

static void
on_limit(void *data, const struct rule_limit *limit)
{
	const struct trying *trying = data;
	struct host *host = trying->host;
	const char *file = plugin_source_file(trying->instance->plugin);
	struct str shown = str_clip(limit->pattern, PATTERN_SHOWN_MAX);
	host->stats.limited++;
	host->stats.switched_off += limit->off;
	journal_limit(trying, limit);
	log_warn(host->config.log,
		"%s: the pattern \"%.*s\" (%s:%d) gave up on %.*s %.*s: it took too many steps. That is neither a match nor "
		"none: the handler is not called",
		trying->instance->name, STR_ARG(shown), file, trying->handler->line,
		STR_ARG(trying->event->name), STR_ARG(trying->event->id));
	if (limit->off)
		log_error(host->config.log,
			"%s: %s:%d: the pattern \"%.*s\" gave up %d times within %d events and is off until the plugin is "
			"loaded again: events that it would decide on do not reach the handler. Make it simpler: nested "
			"repeats such as (a+)+ cause this",
			trying->instance->name, file, trying->handler->line, STR_ARG(shown),
			PATTERN_LIMIT_HITS_MAX, PATTERN_LIMIT_EVENTS);
}

/* One handler's verdict; `hit` is good until its rule looks at another event. */
static bool
match_handler(struct host *host, const struct instance *instance,
	const struct plugin_handler *handler, const struct event *event, struct rule_hit *hit)
{
	*hit = (struct rule_hit){.key = "", .span = SPAN_NONE};
	if (!route_hears(handler, event))
		return false;
	if (!handler->rule)
		return true;
	struct trying trying = {host, instance, handler, event};
	struct rule_try rule_try = matching_try(host->matching);
	rule_try.on_limit = on_limit;
	rule_try.data = &trying;
	return rule_test(handler->rule, &rule_try, hit) == RULE_YES;
}

/* The time that ages are measured against. */
static int64_t
time_of(const struct host *host, const struct event *event)
{
	return event->received_at_ms ? event->received_at_ms : clock_wall_ms(&host->config.clock);
}

static void
set_event(struct host *host, const struct event *event)
{
	views_set_event(host->views, event);
	if (event)
		matching_begin(host->matching, time_of(host, event));
}

char *
route_match(struct host *host, const struct instance *instance,
	const struct plugin_handler *handler, struct event *event)
{
	struct rule_hit hit;
	set_event(host, event);
	char *matched = match_handler(host, instance, handler, event, &hit)
				? reason(host->views, &hit, handler->line)
				: NULL;
	set_event(host, NULL);
	return matched;
}

enum matched {
	MATCHED_NONE,
	MATCHED_NEW,
	MATCHED_BEFORE, /* it was handled already */
};

static enum matched
match_instance(struct host *host, struct instance *instance, struct event *event)
{
	size_t count;
	if (instance->guard.off) {
		instance->guard.missed++;
		return MATCHED_NONE;
	}
	const unsigned *candidates = matching_candidates(host->matching, instance, &count);
	const struct plugin_handler *handlers = plugin_handlers(instance->plugin, &(unsigned){0});
	struct event *carried = NULL;
	for (size_t c = 0; c < count; c++) {
		unsigned i = candidates[c];
		struct rule_hit hit;
		if (!match_handler(host, instance, &handlers[i], event, &hit))
			continue;
		if (!carried && seen_before(host, instance, event, true))
			return MATCHED_BEFORE;
		carried = carried ? carried : carriers_name(host, instance, event);
		char *matched = reason(host->views, &hit, handlers[i].line);
		host->stats.matched++;
		instance->matched++;
		if (host->events.on_hit)
			host->events.on_hit(host->data, instance->name, i, event);
		if (host->events.on_matched)
			host->events.on_matched(
				host->data, instance->name, event, str_from(matched));
		inbox_push(&instance->inbox, carried, handlers[i].key, matched);
	}
	event_unref(carried);
	return carried ? MATCHED_NEW : MATCHED_NONE;
}

/* What it had as an update a moment ago is no edit for it. */
static bool
is_no_edit(struct host *host, const struct instance *instance, const struct event *event)
{
	bool matched;
	if (!edits_had(host->edits, event, instance->number, &matched))
		return false;
	if (matched)
		seen_before(host, instance, event, true);
	return true;
}

static void
route_to(struct host *host, struct instance *instance, struct event *event)
{
	if (is_no_edit(host, instance, event))
		return;
	instance->heard++;
	enum matched matched = match_instance(host, instance, event);
	/* One that is in the store had it, even when its handlers would not take the edited post. */
	if (edits_open(host->edits) && event->kind == EVENT_UPDATE &&
		(matched == MATCHED_NEW ||
			(matched == MATCHED_NONE && !seen_before(host, instance, event, false))))
		edits_note(host->edits, instance->number, matched == MATCHED_NEW);
}

bool
route_wanted(struct host *host, const struct event *event)
{
	unsigned hearing[INTAKE_INSTANCES_MAX];
	size_t count = intake_route(host->intake, event, hearing, COUNT_OF(hearing));
	for (size_t i = 0; i < count; i++) {
		unsigned handlers;
		const struct plugin_handler *handler =
			plugin_handlers(host->by_number[hearing[i]]->plugin, &handlers);
		for (unsigned h = 0; h < handlers; h++) {
			if (route_hears(&handler[h], event))
				return true;
		}
	}
	return false;
}

void
route_event(struct host *host, struct event *event)
{
	unsigned hearing[INTAKE_INSTANCES_MAX];
	size_t count = intake_route(host->intake, event, hearing, COUNT_OF(hearing));
	edits_begin(host->edits, event);
	if (host->many_streams)
		carriers_copy(host, event, hearing, count);
	if (count == 0)
		return;
	set_event(host, event);
	matching_scan(host->matching, hearing, count);
	for (size_t i = 0; i < count && !host->stopped; i++) {
		route_to(host, host->by_number[hearing[i]], event);
		intake_mark(host->intake, hearing[i], event);
	}
	set_event(host, NULL);
}
