/* SPDX-License-Identifier: MIT */
/* Compiles the literals of all rules into one set, swaps it in between two turns, and asks it for each event. */
#include "matching.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "host_private.h"
#include "limits.h"
#include "xmalloc.h"

#define LOG_MODULE "match"

/* One handler that needs a term. */
struct needer {
	unsigned term, instance, handler;
};

/* A rule with list files. */
struct filed {
	const struct instance *instance;
	struct rule *rule;
};

/* What is known of one instance's handlers. */
struct slot {
	unsigned *always; /* handlers that no literal decides about, ascending */
	unsigned always_count;
	uint64_t views
		[EVENT_KIND_COUNT]; /* bits of those in which the others' literals are looked for */
	uint64_t *marks;            /* of each handler: the event that it was found for */
	unsigned *candidates;       /* always, and what was found */
	unsigned candidate_count;
};

/* What is compiled off the loop. */
struct job {
	struct matching *matching; /* NULL: gone */
	struct scan_source *source;
	struct scan_set *set;
	char *cache_folder;
	unsigned number;
};

struct matching {
	struct host *host;
	bool lent; /* the set is another one's, and nothing changes */
	struct views *views;
	struct pattern_scratch *scratch;
	struct scan_set *set; /* in use; NULL: none yet */
	struct scan *scan;
	unsigned number, last_number; /* of the set in use; of the last that was begun */
	struct job *job;              /* that runs */
	bool outdated;                /* a new set is due */
	bool shuffled;                /* the index is due */
	/* By number, as they were indexed; NULL without a plugin. Plugins are compared by built, too: one that is gone
	 * and the next one may have the same address. */
	const struct plugin *plugins[INTAKE_INSTANCES_MAX];
	unsigned instance_count;
	uint64_t built;
	struct slot slots[INTAKE_INSTANCES_MAX];
	struct needer *needers; /* sorted by term */
	size_t needer_count, needer_size;
	struct filed *filed;
	size_t filed_count;
	uint64_t event; /* running number */
	int64_t now_ms;
	size_t found; /* terms of this event that were looked up */
};

struct matching *
matching_create(struct host *host)
{
	struct matching *matching = xcalloc(1, sizeof(*matching));

	matching->host = host;
	matching->views = host->views;
	matching->scratch = host->scratch;
	matching->outdated = matching->shuffled = true;
	return matching;
}

static void
slot_finish(struct slot *slot)
{
	free(slot->always);
	free(slot->marks);
	free(slot->candidates);
	*slot = (struct slot){0};
}

void
matching_destroy(struct matching *matching)
{
	if (!matching)
		return;
	if (matching->job)
		matching->job->matching = NULL;
	for (size_t i = 0; i < INTAKE_INSTANCES_MAX; i++)
		slot_finish(&matching->slots[i]);
	scan_destroy(matching->scan);
	if (!matching->lent)
		scan_set_destroy(matching->set);
	free(matching->needers);
	free(matching->filed);
	free(matching);
}

/* ---- the set ---- */

typedef void each_rule_fn(struct matching *matching, struct rule *rule);

static void
each_rule(struct matching *matching, each_rule_fn *fn)
{
	struct host *host = matching->host;

	for (unsigned i = 0; i < host->instance_count; i++) {
		unsigned count = 0;
		const struct plugin *plugin = host->instances[i]->plugin;
		const struct plugin_handler *handlers =
			plugin ? plugin_handlers(plugin, &count) : NULL;
		for (unsigned n = 0; n < count; n++) {
			if (handlers[n].rule)
				fn(matching, handlers[n].rule);
		}
	}
}

static void
collect(struct matching *matching, struct rule *rule)
{
	rule_collect(rule, matching->job->source, matching->job->number);
}

static void
adopt(struct matching *matching, struct rule *rule)
{
	rule_adopt(rule, matching->number);
}

/* On the thread pool: touches nothing but the job. */
static void
compile(void *data)
{
	struct job *job = data;
	struct scan_options options = {.cache_folder = job->cache_folder};

	job->set = scan_set_create(job->source, &options);
}

static void
on_compiled(void *data)
{
	struct job *job = data;
	struct matching *matching = job->matching;
	struct scan *scan = matching ? scan_create(job->set) : NULL;

	if (scan) {
		scan_destroy(matching->scan);
		scan_set_destroy(matching->set);
		matching->set = job->set;
		matching->scan = scan;
		matching->number = job->number;
		each_rule(matching, adopt);
		matching->shuffled = true;
		log_debug(matching->host->config.log, "looking for %zu literals at once with %s%s",
			scan_set_literals(job->set), scan_set_engine(job->set),
			scan_set_cached(job->set) ? ", from the cache" : "");
	} else {
		scan_set_destroy(job->set);
	}
	if (matching)
		matching->job = NULL;
	free(job->cache_folder);
	free(job);
}

static void
begin_compile(struct matching *matching)
{
	struct host *host = matching->host;
	const char *folder = host->config.state_folder;
	struct job *job = xmalloc(sizeof(*job));

	*job = (struct job){.matching = matching,
		.source = scan_source_create(),
		.number = ++matching->last_number,
		.cache_folder = folder ? file_join(folder, "cache") : NULL};
	matching->job = job;
	matching->outdated = false;
	each_rule(matching, collect);
	if (host->config.offline) { /* no loop runs */
		compile(job);
		on_compiled(job);
	} else {
		loop_work(host->config.loop, compile, on_compiled, job);
	}
}

/* ---- the index ---- */

static void
add_needer(struct matching *matching, struct needer needer)
{
	if (matching->needer_count == matching->needer_size) {
		matching->needer_size = matching->needer_size ? 2 * matching->needer_size : 256;
		matching->needers = xreallocarray(
			matching->needers, matching->needer_size, sizeof(*matching->needers));
	}
	matching->needers[matching->needer_count++] = needer;
}

static int
by_term(const void *a, const void *b)
{
	const struct needer *x = a, *y = b;

	return x->term < y->term ? -1 : x->term > y->term;
}

static void
index_handler(struct matching *matching, const struct instance *instance, unsigned handler,
	const struct plugin_handler *about, unsigned *terms)
{
	struct slot *slot = &matching->slots[instance->number];
	uint64_t views = 0;
	size_t count = about->rule && matching->set ? rule_needs(about->rule, matching->number,
							      terms, RULE_NEEDS_MAX, &views)
						    : 0;

	if (about->rule && rule_has_files(about->rule)) {
		matching->filed = xreallocarray(
			matching->filed, matching->filed_count + 1, sizeof(*matching->filed));
		matching->filed[matching->filed_count++] = (struct filed){instance, about->rule};
	}
	if (about->host_event)
		return;
	if (count == 0) {
		slot->always[slot->always_count++] = handler;
		return;
	}
	for (size_t i = 0; i < count; i++)
		add_needer(matching, (struct needer){terms[i], instance->number, handler});
	for (size_t kind = 0; kind < EVENT_KIND_COUNT; kind++)
		slot->views[kind] |= about->kinds[kind] ? views : 0;
}

static void
index_instance(struct matching *matching, const struct instance *instance, unsigned *terms)
{
	struct slot *slot = &matching->slots[instance->number];
	unsigned count;
	const struct plugin_handler *handlers = plugin_handlers(instance->plugin, &count);

	matching->plugins[instance->number] = instance->plugin;
	slot->always = xcalloc(count + 1, sizeof(*slot->always));
	slot->marks = xcalloc(count + 1, sizeof(*slot->marks));
	slot->candidates = xcalloc(count + 1, sizeof(*slot->candidates));
	for (unsigned i = 0; i < count; i++)
		index_handler(matching, instance, i, &handlers[i], terms);
}

static void
index_all(struct matching *matching)
{
	struct host *host = matching->host;
	unsigned *terms = xreallocarray(NULL, RULE_NEEDS_MAX, sizeof(*terms));

	matching->needer_count = matching->filed_count = 0;
	matching->shuffled = false;
	matching->built = host->built;
	matching->instance_count = host->instance_count;
	for (size_t i = 0; i < INTAKE_INSTANCES_MAX; i++) {
		slot_finish(&matching->slots[i]);
		matching->plugins[i] = NULL;
		if (host->by_number[i] && host->by_number[i]->plugin)
			index_instance(matching, host->by_number[i], terms);
	}
	if (matching->needer_count > 0)
		qsort(matching->needers, matching->needer_count, sizeof(*matching->needers),
			by_term);
	free(terms);
}

struct matching *
matching_lend(const struct matching *from, struct views *views, struct pattern_scratch *scratch)
{
	struct matching *matching = xcalloc(1, sizeof(*matching));

	matching->host = from->host;
	matching->lent = true;
	matching->views = views;
	matching->scratch = scratch;
	matching->set = from->set;
	matching->number = from->number;
	matching->scan = from->set ? scan_create(from->set) : NULL;
	index_all(matching);
	return matching;
}

/* Plugins came or went. */
static bool
plugins_changed(const struct matching *matching)
{
	const struct host *host = matching->host;

	if (matching->built != host->built || matching->instance_count != host->instance_count)
		return true;
	for (unsigned i = 0; i < host->instance_count; i++) {
		const struct instance *instance = host->instances[i];
		if (instance->number != INSTANCE_NO_NUMBER &&
			matching->plugins[instance->number] != instance->plugin)
			return true;
	}
	return false;
}

void
matching_turn(struct matching *matching)
{
	if (plugins_changed(matching)) {
		matching->outdated = true;
		index_all(matching);
	}
	if (matching->outdated && !matching->job)
		begin_compile(matching);
}

/* ---- one event ---- */

/* What became of the list files that a match table names. */
static void
say_news(struct matching *matching, const struct filed *filed)
{
	char text[MESSAGE_MAX];
	enum rule_news news;

	while ((news = rule_take_news(filed->rule, text)) != RULE_NEWS_NONE)
		log_write(matching->host->config.log, news == RULE_NEWS_READ ? LOG_INFO : LOG_WARN,
			LOG_MODULE, "%s: %s", filed->instance->name, text);
}

void
matching_begin(struct matching *matching, int64_t now_ms)
{
	matching->event++;
	matching->now_ms = now_ms;
	matching->found = 0;
	if (matching->scan)
		scan_begin(matching->scan);
	if (matching->lent)
		return;
	/* Before their rules are touched: the last event may have switched a plugin off. */
	if (plugins_changed(matching)) {
		matching->outdated = true;
		index_all(matching);
	}
	/* A replay keeps the words that it began with: it must not matter how long it takes. */
	for (size_t i = 0; i < matching->filed_count && !matching->host->config.offline; i++) {
		if (rule_refresh(matching->filed[i].rule, now_ms))
			matching->outdated = matching->shuffled = true;
		say_news(matching, &matching->filed[i]);
	}
	if (matching->shuffled)
		index_all(matching);
}

void
matching_pass(struct matching *matching)
{
	matching->event++;
}

/* The handlers that need a term that was seen, into the candidates of their instances. */
static void
take_seen(struct matching *matching)
{
	size_t count;
	const unsigned *seen = scan_seen(matching->scan, &count);

	for (; matching->found < count; matching->found++) {
		size_t low = 0, high = matching->needer_count;
		unsigned term = seen[matching->found];
		while (low < high) {
			size_t middle = (low + high) / 2;
			if (matching->needers[middle].term < term)
				low = middle + 1;
			else
				high = middle;
		}
		for (; low < matching->needer_count && matching->needers[low].term == term; low++) {
			const struct needer *needer = &matching->needers[low];
			struct slot *slot = &matching->slots[needer->instance];
			if (slot->marks[needer->handler] == matching->event)
				continue;
			slot->marks[needer->handler] = matching->event;
			slot->candidates[slot->candidate_count++] = needer->handler;
		}
	}
}

static int
ascending(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void
matching_scan(struct matching *matching, const unsigned *hearing, size_t count)
{
	struct views *views = matching->views;
	const struct event *event = views_event(views);
	uint64_t wanted = 0;

	for (size_t i = 0; i < count; i++) {
		struct slot *slot = &matching->slots[hearing[i]];
		slot->candidate_count = 0;
		wanted |= slot->views[event->kind];
	}
	if (!matching->scan)
		return;
	for (unsigned view = 0; view < VIEW_COUNT; view++) {
		if ((wanted >> view & 1) && views_have(views, (enum view)view))
			scan_text(
				matching->scan, (enum view)view, views_get(views, (enum view)view));
	}
	take_seen(matching);
}

const unsigned *
matching_candidates(struct matching *matching, const struct instance *instance, size_t *count)
{
	struct slot *slot = &matching->slots[instance->number];
	unsigned found = slot->candidate_count;

	memcpy(slot->candidates + found, slot->always, slot->always_count * sizeof(*slot->always));
	*count = found + slot->always_count;
	if (found > 0)
		qsort(slot->candidates, *count, sizeof(*slot->candidates), ascending);
	slot->candidate_count = 0;
	return slot->candidates;
}

struct rule_try
matching_try(struct matching *matching)
{
	return (struct rule_try){
		.views = matching->views,
		.scratch = matching->scratch,
		.now_ms = matching->now_ms,
		.event = matching->event,
		.scan = matching->scan,
		.set = matching->number,
	};
}

/* ---- for status ---- */

struct listing {
	const struct plugin_handler *handler;
	struct host_limit limit;
	host_limit_fn *fn;
	void *data;
};

static void
list_limit(void *data, const struct rule_limit *limit)
{
	struct listing *listing = data;

	listing->limit.line = listing->handler->line;
	listing->limit.key = limit->key;
	listing->limit.view = view_name(limit->view);
	listing->limit.pattern = limit->pattern;
	listing->limit.hits = limit->hits;
	listing->limit.off = limit->off;
	listing->fn(listing->data, &listing->limit);
}

void
host_each_limit(const struct host *host, host_limit_fn *fn, void *data)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		const struct instance *instance = host->instances[i];
		unsigned count = 0;
		const struct plugin_handler *handlers =
			instance->plugin ? plugin_handlers(instance->plugin, &count) : NULL;
		for (unsigned n = 0; n < count; n++) {
			struct listing listing = {.handler = &handlers[n],
				.limit = {.instance = instance->name,
					.file = plugin_source_file(instance->plugin)},
				.fn = fn,
				.data = data};
			if (handlers[n].rule)
				rule_each_limit(handlers[n].rule, list_limit, &listing);
		}
	}
}
