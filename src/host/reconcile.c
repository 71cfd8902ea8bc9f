/* SPDX-License-Identifier: MIT */
/* The sweep over seen posts: twenty at a time from spare budget, once in `reconcile`, going on after a restart. */
#include "reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "deletes.h"
#include "gapfill_private.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "seen.h"
#include "state.h"
#include "status_check.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "delete"
#define FACT       "reconcile" /* "ROW BEGAN_MS CHECKED GONE" of the present sweep */

/* One post that an instance has had. */
struct item {
	struct event *event; /* its deletion; a reference */
	bool has_verdict;
	enum status_verdict verdict;
};

struct asker {
	const struct account *account;
	struct status_check *check;
	struct reconcile *reconcile;
	struct asker *next;
};

struct reconcile {
	struct host *host;
	struct loop_timer *timer;
	struct asker *askers;
	int64_t due_ms; /* Unix ms: of the next step */
	/* The present sweep; began_ms 0: none yet. */
	int64_t row, began_ms, checked, gone;
	bool at_end;
	/* The step that runs. */
	bool running;
	bool settled; /* by the turn that is not committed */
	const struct account *account;
	struct item items[STATUS_CHECK_BATCH];
	unsigned count, most;
	int64_t last_row;
	unsigned looked; /* rows */
	bool more;       /* rows behind last_row */
};

static int64_t
wall_ms(const struct reconcile *reconcile)
{
	return clock_wall_ms(&reconcile->host->config.clock);
}

/* 0: switched off. */
static int64_t
every_ms(const struct reconcile *reconcile)
{
	int64_t ms = reconcile->host->config.config->reconcile_ms;
	return ms < 0 ? 0 : ms == 0 ? RECONCILE_MS : ms;
}

/* ---- asking ---- */

static void
on_verdict(void *data, const char *id, enum status_verdict verdict)
{
	const struct asker *asker = data;
	struct reconcile *reconcile = asker->reconcile;
	for (unsigned i = 0; i < reconcile->count; i++) {
		struct item *item = &reconcile->items[i];
		if (reconcile->account == asker->account && str_eq_text(item->event->id, id)) {
			item->has_verdict = true;
			item->verdict = verdict;
		}
	}
	/* The turn that runs after this callback takes it from here. */
}

static struct status_check *
check_of(struct reconcile *reconcile, const struct account *account)
{
	struct host *host = reconcile->host;
	struct asker *asker;
	LL_FOREACH(reconcile->askers, asker) {
		if (asker->account == account)
			return asker->check;
	}
	asker = xmalloc(sizeof(*asker));
	*asker = (struct asker){.account = account, .reconcile = reconcile};
	const struct status_check_config config = {
		.loop = host->config.loop,
		.http = host->http,
		.parser = host->parser,
		.log = host->config.log,
		.rng = &host->rng,
		.account = account,
		.strict = true,
		.on_verdict = on_verdict,
		.data = asker,
	};
	asker->check = status_check_create(&config);
	LL_PREPEND(reconcile->askers, asker);
	return asker->check;
}

/* ---- choosing ---- */

static const struct instance *
instance_of(const struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		const struct instance *instance = host->instances[i];
		if (strcmp(instance->name, name) == 0)
			return instance->plugin && !instance->leaving && !instance->guard.off
				       ? instance
				       : NULL;
	}
	return NULL;
}

static bool
may_ask(const struct host *host, const struct account *account)
{
	for (unsigned i = 0; i < host->account_count; i++) {
		if (host->accounts[i] == account)
			return host->known[i] && !host->lost[i];
	}
	return false;
}

/* The deletion of the post, as the instance would have heard it; NULL: it hears no such stream, or wants no deletes, or had
 * it. A new reference. */
static struct event *
deletion(struct reconcile *reconcile, const struct seen_post *post, const struct account **account)
{
	struct host *host = reconcile->host;
	const struct instance *instance = instance_of(host, post->instance);
	unsigned count = 0;
	const struct plugin_stream *streams =
		instance ? plugin_streams(instance->plugin, &count) : NULL;
	struct event *event = NULL;
	struct buf scope;
	buf_init(&scope, MESSAGE_MAX);
	for (unsigned i = 0; i < count && !event; i++) {
		*account = streams[i].account ? host_account(host, streams[i].account)
					      : instance->account;
		if (!*account || !may_ask(host, *account))
			continue;
		const struct event parts = {
			.kind = EVENT_DELETE,
			.origin = ORIGIN_FILL,
			.received_at_ms = wall_ms(reconcile),
			.name = str_from(event_kind_info(EVENT_DELETE)->name),
			.stream = str_from(streams[i].stream),
			.param = str_from(streams[i].param),
			.account = str_from((*account)->name),
			.id = post->id,
			.payload = post->id,
		};
		buf_clear(&scope);
		host_scope(host, &parts, &scope);
		if (str_eq(buf_str(&scope), post->scope))
			event = event_create(&parts);
	}
	struct seen_key had = {post->instance, post->scope,
		str_from(event_kind_info(EVENT_DELETE)->name), post->id, STR_NONE};
	if (event && (!route_wanted(host, event) || seen_has(host->store, &had))) {
		event_unref(event);
		event = NULL;
	}
	buf_finish(&scope);
	return event;
}

static bool
look_at(void *data, const struct seen_post *post)
{
	struct reconcile *reconcile = data;
	const struct account *account = NULL;
	struct event *event =
		post->id.len <= STATUS_CHECK_ID_MAX ? deletion(reconcile, post, &account) : NULL;
	if (event && (reconcile->count == reconcile->most ||
			     (reconcile->count > 0 && account != reconcile->account))) {
		event_unref(event);
		reconcile->more = true;
		return false;
	}
	reconcile->looked++;
	reconcile->last_row = post->row;
	if (!event)
		return true;
	if (reconcile->count == 0) {
		reconcile->account = account;
		/* Who knows no lists is asked one by one. */
		if (status_check_one_by_one(check_of(reconcile, account)))
			reconcile->most = 1;
	}
	reconcile->items[reconcile->count++] = (struct item){.event = event};
	return true;
}

static void
forget_items(struct reconcile *reconcile)
{
	for (unsigned i = 0; i < reconcile->count; i++)
		event_unref(reconcile->items[i].event);
	reconcile->count = 0;
	reconcile->running = reconcile->settled = false;
}

/* ---- the steps ---- */

/* So that a sweep is over in half of its time at the latest, where the bounds allow. */
static int64_t
pause_ms(const struct reconcile *reconcile)
{
	int64_t rows = seen_last_row(reconcile->host->store) - reconcile->row + 1;
	int64_t ms = every_ms(reconcile) / 2 * STATUS_CHECK_BATCH / (rows > 1 ? rows : 1);
	ms = ms < RECONCILE_LEAST_MS ? RECONCILE_LEAST_MS : ms;
	return ms > RECONCILE_MOST_MS ? RECONCILE_MOST_MS : ms;
}

static void
say_end(const struct reconcile *reconcile)
{
	log_write(reconcile->host->config.log, reconcile->gone > 0 ? LOG_INFO : LOG_DEBUG,
		LOG_MODULE, "%lld posts were asked for again: %lld were deleted unheard",
		(long long)reconcile->checked, (long long)reconcile->gone);
}

/* Which rows belong to a sweep is certain from its beginning, so that a restart changes nothing: what was younger than a
 * seventh of the time then is left to the next one. */
static void
step(struct reconcile *reconcile)
{
	struct host *host = reconcile->host;
	int64_t now_ms = wall_ms(reconcile);
	if (reconcile->began_ms == 0 ||
		(reconcile->at_end && now_ms - reconcile->began_ms >= every_ms(reconcile))) {
		reconcile->row = reconcile->checked = reconcile->gone = 0;
		reconcile->began_ms = now_ms;
		reconcile->at_end = false;
	} else if (reconcile->at_end) {
		reconcile->due_ms = reconcile->began_ms + every_ms(reconcile);
		return;
	}
	reconcile->last_row = reconcile->row;
	reconcile->looked = 0;
	reconcile->more = false;
	reconcile->most = STATUS_CHECK_BATCH;
	seen_each_post(host->store, reconcile->row, reconcile->began_ms - every_ms(reconcile) / 7,
		RECONCILE_ROWS_MAX, look_at, reconcile);
	reconcile->running = true; /* also without a question: how far it came is written down */
	for (unsigned i = 0; i < reconcile->count; i++)
		status_check_add(
			check_of(reconcile, reconcile->account), reconcile->items[i].event->id);
	if (reconcile->count > 0)
		budget_take(&gapfill_budget(host->gapfill, reconcile->account)->budget,
			gapfill_now_ms(host->gapfill));
}

/* The account of the last step is asked for room; with another one the answer of the server counts. */
static int64_t
budget_ms(const struct reconcile *reconcile)
{
	struct gapfill *gapfill = reconcile->host->gapfill;
	if (!reconcile->account || !may_ask(reconcile->host, reconcile->account))
		return 0;
	return budget_wait_ms(&gapfill_budget(gapfill, reconcile->account)->budget, BUDGET_SPARE,
		gapfill_now_ms(gapfill));
}

void
reconcile_flush(struct reconcile *reconcile)
{
	if (!reconcile || reconcile->running || !reconcile->host->gapfill ||
		reconcile->host->ending || reconcile->host->trouble || every_ms(reconcile) == 0)
		return;
	int64_t left_ms = reconcile->due_ms - wall_ms(reconcile);
	if (left_ms <= 0)
		left_ms = budget_ms(reconcile);
	if (left_ms <= 0) {
		step(reconcile);
		left_ms = reconcile->running ? 0 : reconcile->due_ms - wall_ms(reconcile);
	}
	left_ms = left_ms < RECONCILE_MOST_MS ? left_ms : RECONCILE_MOST_MS; /* clocks are set */
	loop_timer_start(reconcile->timer, left_ms > 0 ? left_ms : 0, 0);
}

static void
put_fact(const struct reconcile *reconcile, unsigned gone)
{
	struct buf text;
	int64_t checked = reconcile->checked + reconcile->count;
	int64_t all_gone = reconcile->gone + gone;
	buf_init(&text, 200);
	(void)buf_printf(&text, "%lld %lld %lld %lld", (long long)reconcile->last_row,
		(long long)reconcile->began_ms, (long long)checked, (long long)all_gone);
	fact_put(reconcile->host->store, FACT, buf_str(&text));
	buf_finish(&text);
}

static unsigned
count_gone(const struct reconcile *reconcile)
{
	unsigned gone = 0;
	for (unsigned i = 0; i < reconcile->count; i++)
		gone += reconcile->items[i].verdict == STATUS_GONE;
	return gone;
}

void
reconcile_run(struct reconcile *reconcile)
{
	if (!reconcile || !reconcile->running || reconcile->settled)
		return;
	for (unsigned i = 0; i < reconcile->count; i++) {
		if (!reconcile->items[i].has_verdict)
			return;
	}
	if (!host_begin(reconcile->host))
		return;
	for (unsigned i = 0; i < reconcile->count; i++) {
		if (reconcile->items[i].verdict == STATUS_GONE)
			deletes_missed(reconcile->host->deletes, reconcile->items[i].event);
	}
	put_fact(reconcile, count_gone(reconcile));
	reconcile->settled = true;
}

void
reconcile_committed(struct reconcile *reconcile)
{
	if (!reconcile || !reconcile->settled)
		return;
	bool asked = reconcile->count > 0;
	reconcile->checked += reconcile->count;
	reconcile->gone += count_gone(reconcile);
	reconcile->row = reconcile->last_row;
	reconcile->at_end = !reconcile->more && reconcile->looked < RECONCILE_ROWS_MAX;
	forget_items(reconcile);
	if (reconcile->at_end)
		say_end(reconcile);
	reconcile->due_ms = reconcile->at_end ? reconcile->began_ms + every_ms(reconcile)
			    : asked           ? wall_ms(reconcile) + pause_ms(reconcile)
					      : wall_ms(reconcile) + 1000;
}

void
reconcile_taken_back(struct reconcile *reconcile)
{
	if (reconcile)
		reconcile->settled = false;
}

void
reconcile_status(const struct reconcile *reconcile, struct buf *out)
{
	json_put_key(out, "reconcile");
	if (!reconcile || every_ms(reconcile) == 0) {
		buf_add_text(out, "null");
		return;
	}
	buf_add_char(out, '{');
	json_put_key(out, "every_ms");
	json_put_int(out, every_ms(reconcile));
	json_put_key(out, "asked");
	json_put_int(out, reconcile->checked);
	json_put_key(out, "gone");
	json_put_int(out, reconcile->gone);
	json_put_key(out, "sweep_at");
	if (reconcile->began_ms) {
		struct buf time;
		buf_init(&time, 100);
		time_format(&time, reconcile->began_ms);
		json_put_text(out, time.ptr);
		buf_finish(&time);
	} else {
		buf_add_text(out, "null");
	}
	buf_add_char(out, '}');
}

/* ---- beginning and end ---- */

static void
on_timer(void *data)
{
	(void)data; /* the turn runs after every callback */
}

static void
read_fact(struct reconcile *reconcile)
{
	int64_t *const numbers[] = {
		&reconcile->row, &reconcile->began_ms, &reconcile->checked, &reconcile->gone};
	char *text = fact_get(reconcile->host->store, FACT);
	struct str rest = str_from(text), part;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		rest = str_split(rest, ' ', &part);
		if (!str_to_int(part, 0, INT64_MAX, numbers[i]))
			*numbers[i] = 0;
	}
	free(text);
}

struct reconcile *
reconcile_create(struct host *host)
{
	if (host->config.offline)
		return NULL;
	struct reconcile *reconcile = xcalloc(1, sizeof(*reconcile));
	reconcile->host = host;
	reconcile->timer = loop_timer_create(host->config.loop, on_timer, reconcile);
	reconcile->due_ms = wall_ms(reconcile) + RECONCILE_FIRST_MS;
	read_fact(reconcile);
	return reconcile;
}

void
reconcile_destroy(struct reconcile *reconcile)
{
	if (!reconcile)
		return;
	struct asker *asker, *next;
	LL_FOREACH_SAFE(reconcile->askers, asker, next) {
		status_check_destroy(asker->check);
		free(asker);
	}
	forget_items(reconcile);
	loop_timer_destroy(reconcile->timer);
	free(reconcile);
}
