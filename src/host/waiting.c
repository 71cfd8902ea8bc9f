/* SPDX-License-Identifier: MIT */
/* Work that waited longer than its plugin stayed the same: its handler is found by key, or its heirs are. */
#include <stdlib.h>
#include <string.h>

#include "heirs.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "seen.h"
#include "state.h"
#include "xmalloc.h"

#define LOG_MODULE "plugin"

/* A line that nobody can read: it must not come back for ever, and not vanish either. */
static void
bury(struct host *host, const struct instance *instance, const struct work *work)
{
	struct buf detail;
	buf_init(&detail, 2 * EVENT_LINE_MAX);
	buf_add_char(&detail, '{');
	json_put_key(&detail, "error");
	json_put_text(&detail, "the stored event cannot be read back");
	json_put_key(&detail, "line");
	json_put_text(&detail, work->matched ? work->matched : "");
	buf_add_char(&detail, '}');
	host_journal(host, instance, "dead_letter", STR_NONE, buf_str(&detail));
	buf_finish(&detail);
	log_warn(host->config.log,
		"%s: an event that waited in the database (row %lld) cannot be read back: it is in the journal as a "
		"dead letter and will not be tried again",
		instance->name, (long long)work->row);
}

static void
drop(struct host *host, const struct instance *instance, const struct work *work)
{
	struct buf key;
	buf_init(&key, EVENT_LINE_MAX);
	host_event_key(work->event, &key);
	host_journal(host, instance, "dropped", buf_str(&key),
		STR("{\"why\":\"the handler that it waited for is gone, and none that took its place matches\"}"));
	log_info(host->config.log,
		"%s: the handler that waited for %s is gone, and none that took its place matches it",
		instance->name, key.ptr);
	buf_finish(&key);
}

/* True when `handler` is one of those that `key` ("?" and keys by line) asks. */
static bool
is_heir(const char *key, const struct plugin_handler *handler)
{
	struct str rest = {key + 1, strlen(key) - 1}, line;
	while (rest.ptr) {
		rest = str_split(rest, '\n', &line);
		if (str_eq_text(line, handler->key))
			return true;
	}
	return false;
}

/* Gives the work to the first heir that matches, and makes work of its own for each further one. */
static bool
ask_heirs(struct host *host, struct instance *instance, struct work *work)
{
	unsigned count, found = 0;
	const struct plugin_handler *handlers = plugin_handlers(instance->plugin, &count);
	char *asked = work->key;
	for (unsigned i = 0; i < count; i++) {
		if (!is_heir(asked, &handlers[i]) ||
			inbox_has(&instance->inbox, work->event, handlers[i].key))
			continue;
		char *matched = route_match(host, instance, &handlers[i], work->event);
		if (!matched)
			continue;
		if (found++ > 0) {
			inbox_push(&instance->inbox, work->event, handlers[i].key, matched);
			continue;
		}
		work->key = xstrdup(handlers[i].key);
		work->handler = i;
		free(work->matched);
		work->matched = matched;
	}
	if (found == 0)
		drop(host, instance, work);
	else
		free(asked);
	return found > 0;
}

bool
waiting_resolve(struct host *host, struct instance *instance, struct work *work)
{
	unsigned count;
	const struct plugin_handler *handlers = plugin_handlers(instance->plugin, &count);
	if (!work->event) {
		bury(host, instance, work);
		return false;
	}
	if (work->key[0] == '?')
		return ask_heirs(host, instance, work);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(handlers[i].key, work->key) == 0) {
			work->handler = i;
			return true;
		}
	}
	drop(host, instance, work);
	return false;
}

/* ---- when the handlers have changed ---- */

struct adopting {
	struct host *host;
	struct instance *instance;
	struct key_list before, after;
	char **from; /* keys that wait under another name from now on, and those names */
	char **to;
	unsigned count;
};

/* Rows of the first schema name a handler by its number: "#0". */
static bool
from_number(const struct adopting *adopting, struct str key, struct buf *out)
{
	int64_t number;
	struct str digits = {key.ptr + 1, key.len - 1};
	if (key.len < 2 || key.ptr[0] != '#' || !str_to_int(digits, 0, UINT_MAX, &number))
		return false;
	if (number < adopting->after.count) {
		buf_add_text(out, adopting->after.list[number]);
		return true;
	}
	heirs_map(&(struct key_list){0}, &adopting->after, key, out);
	return true;
}

static void
map_key(void *data, struct str key)
{
	struct adopting *adopting = data;
	struct buf out;
	buf_init(&out, HANDLER_KEYS_MAX);
	if (!from_number(adopting, key, &out))
		heirs_map(&adopting->before, &adopting->after, key, &out);
	if (out.err == ERR_OK && !str_eq(buf_str(&out), key)) {
		unsigned n = adopting->count++;
		adopting->from = xreallocarray(adopting->from, n + 1, sizeof(char *));
		adopting->to = xreallocarray(adopting->to, n + 1, sizeof(char *));
		adopting->from[n] = str_dup(key);
		adopting->to[n] = buf_take(&out, NULL);
	}
	buf_finish(&out);
}

/* Keys of work that is not in the database yet are asked for, too. */
static void
map_waiting(struct adopting *adopting)
{
	struct instance *instance = adopting->instance;
	delivery_each_key(adopting->host->store, instance->name, map_key, adopting);
	for (const struct work *work = instance->inbox.list; work; work = work->next) {
		bool known = false;
		for (unsigned i = 0; i < adopting->count && !known; i++)
			known = strcmp(adopting->from[i], work->key) == 0;
		if (!known)
			map_key(adopting, str_from(work->key));
	}
}

static void
rename_waiting(struct adopting *adopting)
{
	struct instance *instance = adopting->instance;
	for (unsigned i = 0; i < adopting->count; i++) {
		delivery_rename(adopting->host->store, instance->name, str_from(adopting->from[i]),
			str_from(adopting->to[i]));
		inbox_rename(&instance->inbox, adopting->from[i], adopting->to[i]);
		free(adopting->from[i]);
		free(adopting->to[i]);
	}
	free(adopting->from);
	free(adopting->to);
}

void
waiting_adopt(struct host *host, struct instance *instance)
{
	unsigned count;
	const struct plugin_handler *handlers = plugin_handlers(instance->plugin, &count);
	struct buf now;
	buf_init(&now, HANDLER_KEYS_MAX);
	for (unsigned i = 0; i < count; i++)
		buf_printf(&now, "%s%s", i ? "\n" : "", handlers[i].key);
	char *text = buf_take(&now, NULL), *fact = xasprintf("handlers:%s", instance->name);
	char *known = fact_get(host->store, fact);
	if (text && (!known || strcmp(known, text) != 0)) {
		fact_put(host->store, fact, str_from(text));
		struct adopting adopting = {.host = host, .instance = instance};
		adopting.before = key_list_split(known);
		adopting.after = key_list_split(text);
		map_waiting(&adopting);
		rename_waiting(&adopting);
		free(adopting.before.list);
		free(adopting.after.list);
	}
	free(text);
	free(known);
	free(fact);
}
