/* SPDX-License-Identifier: MIT */
/* One job of a source: its pages are asked for within the budget, and go through the intake like what the stream brings. */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "decode.h"
#include "gapfill_private.h"
#include "limits.h"
#include "link.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "fill"

struct account_budget *
gapfill_budget(struct gapfill *gapfill, const struct account *account)
{
	struct account_budget *budget;
	LL_FOREACH(gapfill->budgets, budget) {
		if (budget->account == account)
			return budget;
	}
	budget = xmalloc(sizeof(*budget));
	*budget = (struct account_budget){.gapfill = gapfill, .account = account};
	budget_init(&budget->budget);
	LL_PREPEND(gapfill->budgets, budget);
	return budget;
}

/* The turn that follows flushes. */
static void
wake(struct source *source)
{
	loop_timer_start(source->gapfill->timer, 0, 0);
}

static void
forget_last(struct source *source)
{
	source->gapfill->pushed -= source->last != NULL;
	event_unhold(source->last);
	source->last = NULL;
}

void
job_start(struct source *source, enum job job, const struct fill_config *config)
{
	job_stop(source);
	source->job = job;
	source->fill = config ? fill_create(config) : NULL;
	source->ended = false;
	source->failing = false;
	source->not_before_ms = INT64_MIN;
	pace_init(&source->pace, FILL_RETRY_MS, FILL_RETRY_MAX_MS, INT64_MAX);
	wake(source);
}

void
job_stop(struct source *source)
{
	if (source->http) {
		http_cancel(source->gapfill->host->http, source->http);
		gapfill_budget(source->gapfill, source->account)->running--;
	}
	source->http = 0;
	fill_destroy(source->fill);
	source->fill = NULL;
	forget_last(source);
	source->took = source->ended = false;
	source->job = JOB_NONE;
}

/* ---- pages to the intake ---- */

static struct event *
make_event(struct source *source, enum event_kind kind, struct str payload)
{
	struct host *host = source->gapfill->host;
	const struct decode_context context = {
		.parser = host->parser,
		.stream = str_from(source->stream),
		.param = str_from(source->param),
		.account = str_from(source->account->name),
		.origin = source->job == JOB_POLL ? ORIGIN_LIVE : ORIGIN_FILL,
		.received_at_ms = gapfill_wall_ms(source->gapfill),
	};
	struct decode_output out;
	if (decode_entity(&context, kind, payload, &out) == DECODE_EVENT)
		return out.event;
	host->stats.broken++;
	log_warn(host->config.log, "%s: an entry of %s cannot be read: %s", source->account->name,
		source->from->name, out.error_text);
	return NULL;
}

static void
push(struct source *source, struct event *event)
{
	if (!event)
		return;
	forget_last(source);
	source->last = event_hold(event);
	source->gapfill->pushed++;
	intake_push(source->gapfill->host->intake, event);
}

static void settle(struct source *source, enum fill_result result);

/* The page's entities are handled before the next page is asked for. A post that was edited comes as an edit besides: for
 * those who had it before (route.c). */
static void
push_batch(struct source *source)
{
	size_t count;
	const struct page_item *items = fill_items(source->fill, &count);
	for (size_t i = 0; i < count; i++) {
		push(source, make_event(source, source->from->kind, items[i].payload));
		if (items[i].edited)
			push(source, make_event(source, EVENT_STATUS_UPDATE, items[i].payload));
	}
	if (!source->last) /* none could be read */
		settle(source, fill_took(source->fill));
	turn_pause_sockets(source->gapfill->host);
}

static void
settle(struct source *source, enum fill_result result)
{
	source->result = result;
	switch (result) {
	case FILL_ASK:
		wake(source);
		break;
	case FILL_BATCH:
		push_batch(source);
		break;
	case FILL_WAIT:
		source->not_before_ms =
			gapfill_now_ms(source->gapfill) + fill_wait_ms(source->fill);
		wake(source);
		break;
	case FILL_DONE:
	case FILL_LOST:
		source->ended = true;
		wake(source);
		break;
	case FILL_REFUSED: /* take_answer has it */
		break;
	}
}

void
job_took(struct source *source)
{
	forget_last(source);
	source->took = false;
	settle(source, fill_took(source->fill));
}

/* ---- answers ---- */

static bool
is_trouble(const struct http_answer *answer)
{
	return answer->end != HTTP_DONE || answer->status >= 500 || answer->status == 429 ||
	       answer->status == 408 ||
	       (answer->status == 200 && answer_is_html(answer)); /* a captive portal */
}

static void
try_again(struct source *source, const struct http_answer *answer, bool too_many)
{
	struct gapfill *gapfill = source->gapfill;
	struct host *host = gapfill->host;
	int64_t wait_ms =
		too_many ? 0 : pace_down(&source->pace, &host->rng, gapfill_now_ms(gapfill));
	source->not_before_ms = gapfill_now_ms(gapfill) + wait_ms;
	if (source->job == JOB_POLL) {
		char *words = answer_describe(answer, host->parser);
		job_stop(source);
		poll_failed(source, wait_ms ? wait_ms : FILL_RETRY_MS, words);
		free(words);
		return;
	}
	if (!source->failing) {
		char *name = source_name(source), *words = answer_describe(answer, host->parser);
		log_info(host->config.log, "%s: %s: what came meanwhile cannot be fetched yet (%s)",
			source->account->name, name, words);
		free(words);
		free(name);
	}
	source->failing = true;
	wake(source);
}

/* 401 may be a slip of the server: who we are is asked once more, and if that is refused as well the account ends. */
static void
take_answer(struct source *source, const struct http_answer *answer)
{
	struct link *link = source_link(source);
	enum fill_result result = fill_answer(source->fill, source->gapfill->host->parser, answer);
	if (result != FILL_REFUSED) {
		source->failing = false;
		settle(source, result);
		return;
	}
	try_again(source, answer, false);
	if (link)
		link_doubt(link);
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct source *source = data;
	struct gapfill *gapfill = source->gapfill;
	struct account_budget *budget = gapfill_budget(gapfill, source->account);
	source->http = 0;
	budget->running--;
	bool too_many = budget_answer(
		&budget->budget, answer, gapfill_now_ms(gapfill), gapfill_wall_ms(gapfill));
	if (is_trouble(answer)) {
		try_again(source, answer, too_many);
		return;
	}
	if (source->job == JOB_PROBE)
		probe_answer(source, answer);
	else
		take_answer(source, answer);
}

/* ---- asking ---- */

static void
put_url(const struct source *source, struct buf *out)
{
	const struct stream_range newest = {.limit = 0};
	buf_add_text(out, source->account->server);
	if (source->fill)
		fill_url(source->fill, out);
	else
		stream_source_url(source->from, str_from(source->param), &newest, out);
}

static bool
ask(struct source *source)
{
	struct host *host = source->gapfill->host;
	struct buf url;
	buf_init(&url, URL_MAX);
	put_url(source, &url);
	const struct http_request request = {
		.url = url.ptr ? url.ptr : "",
		.bearer = source->account->token,
		.ca_file = source->account->ca_file,
		.on_done = on_done,
		.data = source,
	};
	source->http = http_start(host->http, &request);
	buf_finish(&url);
	return source->http != 0;
}

int64_t
job_flush(struct source *source)
{
	struct gapfill *gapfill = source->gapfill;
	struct account_budget *budget = gapfill_budget(gapfill, source->account);
	int64_t now_ms = gapfill_now_ms(gapfill);
	if (source->job == JOB_NONE || source->http || source->last || source->ended)
		return -1;
	if (source->not_before_ms > now_ms)
		return source->not_before_ms - now_ms;
	if (budget->running >= FILL_RUNNING_MAX)
		return -1; /* the end of another one wakes us */
	bool spare = source->job == JOB_SWEEP || source->job == JOB_PROBE;
	int64_t wait_ms =
		budget_wait_ms(&budget->budget, spare ? BUDGET_SPARE : BUDGET_FILL, now_ms);
	if (wait_ms > 0)
		return wait_ms;
	if (!ask(source))
		return FILL_RETRY_MS; /* too many requests are running */
	budget->running++;
	budget_take(&budget->budget, now_ms);
	return -1;
}
