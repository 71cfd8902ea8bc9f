/* SPDX-License-Identifier: MIT */
/* What each rule found in a replay: how often, on which domains, at what cost, and some samples. */
#include "replay_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_write.h"
#include "plugin.h"
#include "show.h"
#include "url.h"
#include "uthash.h"
#include "xmalloc.h"

enum { SAMPLE_WIDTH = 80 };

struct domain {
	char *name;
	uint64_t count;
	UT_hash_handle hh;
};

struct sample {
	char *id, *who, *text;
};

struct line {
	char *rule;
	const char *instance; /* borrowed */
	unsigned instance_number, handler;
	uint64_t matches;
	struct scout_tally tally;
	struct domain *domains; /* hash */
	uint64_t other_domains; /* matches on those that are not in the hash */
	struct sample samples[REPLAY_SAMPLES_MAX];
	unsigned sample_count;
};

struct table {
	struct views *views;
	struct line *lines;
	unsigned count;
};

static bool
is_taken(const struct table *table, const char *rule)
{
	for (unsigned i = 0; i < table->count; i++) {
		if (strcmp(table->lines[i].rule, rule) == 0)
			return true;
	}
	return false;
}

/* Handlers that a loop registers stand on the same line: "plugin:12#2". */
static char *
rule_name(const struct table *table, const char *instance, const struct plugin_handler *handler)
{
	char *base = handler->key[0] == '=' ? xasprintf("%s:%s", instance, handler->key + 1)
					    : xasprintf("%s:%d", instance, handler->line);
	char *name = xstrdup(base);

	for (unsigned n = 2; is_taken(table, name); n++) {
		free(name);
		name = xasprintf("%s#%u", base, n);
	}
	free(base);
	return name;
}

struct table *
table_create(const struct host *host)
{
	struct table *table = xcalloc(1, sizeof(*table));

	table->views = views_create();
	for (unsigned i = 0; i < host_instance_count(host); i++) {
		const struct plugin *plugin = host_plugin(host, i);
		unsigned count = 0;
		const struct plugin_handler *handlers =
			plugin ? plugin_handlers(plugin, &count) : NULL;
		table->lines = xreallocarray(
			table->lines, table->count + count + 1, sizeof(*table->lines));
		for (unsigned n = 0; n < count; n++) {
			if (handlers[n].host_event)
				continue;
			struct line line = {
				.instance = plugin_name(plugin),
				.rule = rule_name(table, plugin_name(plugin), &handlers[n]),
				.instance_number = i,
				.handler = n,
			};
			table->lines[table->count++] = line;
		}
	}
	return table;
}

void
table_destroy(struct table *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < table->count; i++) {
		struct line *line = &table->lines[i];
		struct domain *domain, *next;
		HASH_ITER(hh, line->domains, domain, next) {
			HASH_DEL(line->domains, domain);
			free(domain->name);
			free(domain);
		}
		for (unsigned n = 0; n < line->sample_count; n++) {
			free(line->samples[n].id);
			free(line->samples[n].who);
			free(line->samples[n].text);
		}
		free(line->rule);
	}
	views_destroy(table->views);
	free(table->lines);
	free(table);
}

/* Of whoever caused the event; who is on the recording's own server has no domain but in the address of the profile. */
static void
count_domain(struct line *line, const struct event *event)
{
	struct json_value actor = event_actor(event);
	struct str acct = json_str(json_get(actor, "acct")), name = STR("(none)");
	char host[LINK_HOST_MAX + 1];
	struct url url = {0};

	const char *at = acct.len > 0 ? memchr(acct.ptr, '@', acct.len) : NULL;
	if (at && at + 1 < acct.ptr + acct.len)
		name = (struct str){at + 1, (size_t)(acct.ptr + acct.len - at) - 1};
	else if (url_parse(json_str(json_get(actor, "url")), &url))
		name = str_from(url.host);
	size_t len = 0;
	for (; len < name.len && len < LINK_HOST_MAX && name.ptr[len]; len++) {
		char c = name.ptr[len]; /* it goes to the terminal */
		host[len] = c > ' ' && c < 127 ? c : '?';
	}
	url_finish(&url);
	struct domain *domain;
	HASH_FIND(hh, line->domains, host, len, domain);
	if (!domain && HASH_COUNT(line->domains) >= REPLAY_DOMAINS_MAX) {
		line->other_domains++;
		return;
	}
	if (!domain) {
		domain = xmalloc(sizeof(*domain));
		*domain = (struct domain){.name = xmemdup0(host, len)};
		HASH_ADD_KEYPTR(hh, line->domains, domain->name, len, domain);
	}
	domain->count++;
}

static void
add_sample(struct table *table, struct line *line, const struct event *event)
{
	struct buf who, text;

	buf_init(&who, MESSAGE_MAX);
	buf_init(&text, MESSAGE_MAX);
	show_clean(&who, json_str(json_get(event_actor(event), "acct")), SAMPLE_WIDTH);
	views_set_event(table->views, event);
	show_clean(&text, views_get(table->views, VIEW_TEXT), SAMPLE_WIDTH);
	views_set_event(table->views, NULL);
	line->samples[line->sample_count++] =
		(struct sample){str_dup(event->id), buf_take(&who, NULL), buf_take(&text, NULL)};
}

void
table_hit(struct table *table, const char *instance, unsigned handler, struct event *event)
{
	for (unsigned i = 0; i < table->count; i++) {
		struct line *line = &table->lines[i];
		if (line->handler != handler || strcmp(line->instance, instance) != 0)
			continue;
		line->matches++;
		count_domain(line, event);
		if (line->sample_count < REPLAY_SAMPLES_MAX)
			add_sample(table, line, event);
		return;
	}
}

void
table_measure(struct table *table, table_tally_fn *tally, const void *data)
{
	for (unsigned i = 0; i < table->count; i++)
		table->lines[i].tally =
			tally(data, table->lines[i].instance_number, table->lines[i].handler);
}

const char *
table_rule(const struct table *table, unsigned number)
{
	return number < table->count ? table->lines[number].rule : NULL;
}

uint64_t
table_matches(const struct table *table, unsigned number)
{
	return table->lines[number].matches;
}

uint64_t
table_total(const struct table *table)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < table->count; i++)
		total += table->lines[i].matches;
	return total;
}

/* ---- printing ---- */

static int
more_first(const void *a, const void *b)
{
	const struct domain *const *x = a, *const *y = b;

	if ((*x)->count != (*y)->count)
		return (*x)->count < (*y)->count ? 1 : -1;
	return strcmp((*x)->name, (*y)->name);
}

/* All of them, the most frequent ones first. New. */
static struct domain **
sorted(const struct line *line, unsigned *count)
{
	struct domain **list = xcalloc(HASH_COUNT(line->domains) + 1, sizeof(struct domain *)), *at;

	*count = 0;
	for (at = line->domains; at; at = at->hh.next)
		list[(*count)++] = at;
	qsort(list, *count, sizeof(struct domain *), more_first);
	return list;
}

static double
cost_ns(const struct line *line)
{
	return line->tally.sampled ? (double)line->tally.ns / (double)line->tally.sampled : 0;
}

static void
print_domains(const struct line *line, FILE *out)
{
	unsigned count;
	struct domain **list = sorted(line, &count);
	uint64_t others = line->other_domains;

	fputs("    domains:", out);
	for (unsigned i = 0; i < count; i++) {
		if (i < REPLAY_DOMAINS_SHOWN_MAX)
			fprintf(out, "%s %s %" PRIu64, i ? "," : "", list[i]->name, list[i]->count);
		else
			others += list[i]->count;
	}
	if (others > 0)
		fprintf(out, ", others %" PRIu64, others);
	fputc('\n', out);
	free(list);
}

void
table_print(const struct table *table, FILE *out)
{
	fprintf(out, "%-32s %10s %10s %9s %12s\n", "rule", "matches", "events", "share",
		"ns an event");
	for (unsigned i = 0; i < table->count; i++) {
		const struct line *line = &table->lines[i];
		double share = line->tally.heard
				       ? 100 * (double)line->matches / (double)line->tally.heard
				       : 0;
		fprintf(out, "%-32s %10" PRIu64 " %10" PRIu64 " %7.3f %% %12.0f\n", line->rule,
			line->matches, line->tally.heard, share, cost_ns(line));
		if (line->matches == 0)
			continue;
		print_domains(line, out);
		for (unsigned n = 0; n < line->sample_count; n++)
			fprintf(out, "    %s  %s  %s\n", line->samples[n].id, line->samples[n].who,
				line->samples[n].text);
	}
}

static void
line_json(const struct line *line, struct buf *out)
{
	unsigned count;
	struct domain **list = sorted(line, &count);

	json_put_key(out, "rule");
	json_put_text(out, line->rule);
	json_put_key(out, "matches");
	json_put_int(out, (int64_t)line->matches);
	json_put_key(out, "events");
	json_put_int(out, (int64_t)line->tally.heard);
	json_put_key(out, "cost_ns");
	json_put_double(out, cost_ns(line));
	json_put_key(out, "domains");
	buf_add_char(out, '{');
	for (unsigned i = 0; i < count; i++) {
		json_put_key(out, list[i]->name);
		json_put_int(out, (int64_t)list[i]->count);
	}
	buf_add_text(out, "}");
	json_put_key(out, "other_domains");
	json_put_int(out, (int64_t)line->other_domains);
	json_put_key(out, "samples");
	buf_add_char(out, '[');
	for (unsigned n = 0; n < line->sample_count; n++) {
		json_put_comma(out);
		buf_add_char(out, '{');
		json_put_key(out, "id");
		json_put_text(out, line->samples[n].id);
		json_put_key(out, "account");
		json_put_text(out, line->samples[n].who);
		json_put_key(out, "text");
		json_put_text(out, line->samples[n].text);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
	free(list);
}

void
table_json(const struct table *table, struct buf *out)
{
	buf_add_char(out, '[');
	for (unsigned i = 0; i < table->count; i++) {
		json_put_comma(out);
		buf_add_char(out, '{');
		line_json(&table->lines[i], out);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}
