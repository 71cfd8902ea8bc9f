/* SPDX-License-Identifier: MIT */
/* Lanes of open intents: what is loaded, whose turn it is, and how news about them is written down. */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "outbox_private.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "outbox"

static int64_t
now_mono_ms(const struct outbox *outbox)
{
	return clock_mono_ms(&outbox->config.clock);
}

static void
item_destroy(struct item *item)
{
	struct outbox *outbox = item->lane->outbox;
	if (item->request != 0) {
		http_cancel(outbox->config.http, item->request);
		outbox->running--;
	}
	outbox->settled -= item->settled ? 1 : 0;
	outbox->loaded--;
	item->lane->count--;
	intent_finish(&item->intent);
	free(item->max_id);
	free(item);
}

static void
lane_destroy(struct lane *lane)
{
	struct item *item;
	struct item *next;
	DL_FOREACH_SAFE(lane->items, item, next) {
		DL_DELETE(lane->items, item);
		item_destroy(item);
	}
	free(lane->name);
	free(lane);
}

/* After a success the next failure waits shortly again. */
static void
lane_rest(struct lane *lane)
{
	pace_init(&lane->pace, OUTBOX_RETRY_BASE_MS, THROTTLE_WAIT_MAX_MS, INT64_MAX);
}

static struct lane *
lane_get(struct outbox *outbox, const char *name)
{
	struct lane *lane;
	DL_FOREACH(outbox->lanes, lane) {
		if (strcmp(lane->name, name) == 0) {
			return lane;
		}
	}
	lane = xmalloc(sizeof(*lane));
	*lane = (struct lane){.outbox = outbox, .name = xstrdup(name)};
	lane_rest(lane);
	DL_APPEND(outbox->lanes, lane);
	return lane;
}

static void
on_open_row(void *data, const struct intent *intent)
{
	struct lane *lane = data;
	struct outbox *outbox = lane->outbox;
	struct item *item = xmalloc(sizeof(*item));
	*item = (struct item){.lane = lane, .intent = *intent};
	/* The row's texts are borrowed. */
	struct intent *own = &item->intent;
	char **texts[] = {&own->key, &own->lane, &own->instance, &own->account, &own->action,
		&own->target, &own->method, &own->url, &own->headers, &own->body,
		&own->idempotency_key, &own->event_key, &own->summary, &own->outcome,
		&own->made_url};
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		*texts[i] = xstrdup(*texts[i]);
	}
	item->maybe_sent = own->row < outbox->first_row;
	lane->loaded_row = own->row;
	lane->count++;
	outbox->loaded++;
	DL_APPEND(lane->items, item);
}

/* Keeps a page of each lane in memory; past OUTBOX_LOAD_MAX only what is at work. */
static void
lane_load(struct lane *lane)
{
	struct outbox *outbox = lane->outbox;
	if (!lane->more || lane->count > 0) {
		return;
	}
	int limit = outbox->loaded < OUTBOX_LOAD_MAX ? OUTBOX_LANE_LOAD_MAX : 1;
	struct intent_page page = {
		.lane = lane->name, .after_row = lane->loaded_row, .limit = limit};
	intent_each_open(outbox->config.store, &page, on_open_row, lane);
	lane->more = lane->count == (size_t)limit;
}

static void
on_lane(void *data, const char *name)
{
	lane_get(data, name)->more = true;
}

static void pump(struct outbox *outbox);

/* The iteration that this starts runs the turn, too. */
static void
on_timer(void *data)
{
	struct outbox *outbox = data;
	if (!store_in_transaction(outbox->config.store)) {
		pump(outbox);
	}
}

struct outbox *
outbox_create(const struct outbox_config *config)
{
	struct outbox *outbox = xmalloc(sizeof(*outbox));
	*outbox = (struct outbox){
		.config = *config,
		.parser = json_parser_create(),
		.first_row = INT64_MAX,
	};
	if (!config->dry_run) {
		outbox->timer = loop_timer_create(config->loop, on_timer, outbox);
	}
	return outbox;
}

void
outbox_destroy(struct outbox *outbox)
{
	if (outbox == NULL) {
		return;
	}
	struct lane *lane;
	struct lane *next;
	DL_FOREACH_SAFE(outbox->lanes, lane, next) {
		DL_DELETE(outbox->lanes, lane);
		lane_destroy(lane);
	}
	loop_timer_destroy(outbox->timer);
	json_parser_destroy(outbox->parser);
	free(outbox);
}

const char *
outbox_verdict_text(enum outbox_verdict verdict)
{
	switch (verdict) {
	case OUTBOX_STAGED:
		return "staged";
	case OUTBOX_DUPLICATE:
		return "done or asked for before";
	case OUTBOX_OWN_POST:
		return "it is our own post, or ourselves";
	case OUTBOX_NOBODY:
		return "it is not known who we are";
	case OUTBOX_OVER:
		return "at_most is reached";
	case OUTBOX_BAD:
		return "too big, incomplete, or without an account";
	}
	return "?";
}

/* Acting on posts and accounts without knowing which are ours would end in loops. */
static bool
is_unsafe(const struct outbox *outbox, const struct action *action,
	const struct action_source *source)
{
	const struct action_info *info = action_info(action->kind);
	const struct account *account = source->account;
	return !outbox->config.dry_run && (info->on_status || info->on_account) &&
	       account != NULL && account->id == NULL;
}

/* A dry run's keys are its own, so that it never stands in the way of the real thing. */
static void
make_dry(struct intent *intent)
{
	char *key = xasprintf("dry|%s", intent->key);
	free(intent->key);
	intent->key = key;
	intent->state = INTENT_DRY;
}

/* The key of the row when it has been asked for, else NULL. Rows of before 0.2 have a key without the server, which stands
 * in their lane. New. */
static char *
known_key(struct store *store, const struct intent *intent)
{
	struct intent row = {0};
	char *key = NULL;
	if (intent_get(store, intent->key, &row)) {
		key = xstrdup(intent->key);
	} else {
		char *old = action_old_key(intent->key);
		if (old != NULL && intent_get(store, old, &row) &&
			strcmp(row.lane, intent->lane) == 0) {
			key = xstrdup(old);
		}
		free(old);
	}
	intent_finish(&row);
	return key;
}

static enum outbox_verdict
stage(struct outbox *outbox, const struct action *action, const struct action_source *source,
	struct intent *intent)
{
	struct store *store = outbox->config.store;
	char *known = known_key(store, intent);
	if (known != NULL) {
		free(known);
		return OUTBOX_DUPLICATE;
	}
	if (action->per_ms > 0) {
		int64_t since_ms = source->now_ms - action->per_ms;
		if (intent_count(store, source->instance, intent->action, since_ms) >=
			action->at_most) {
			return OUTBOX_OVER;
		}
	}
	enum err err = intent_add(store, intent);
	if (err == ERR_EXISTS) {
		return OUTBOX_DUPLICATE;
	}
	/* After a failed write the transaction cannot be committed: nothing that is said here counts. */
	if (err == ERR_OK && !outbox->config.dry_run) {
		lane_get(outbox, intent->lane)->more = true;
		if (intent->row < outbox->first_row) {
			outbox->first_row = intent->row;
		}
	}
	return OUTBOX_STAGED;
}

enum outbox_verdict
outbox_stage(struct outbox *outbox, const struct action *action, const struct action_source *source)
{
	struct intent intent;
	enum outbox_verdict verdict = OUTBOX_BAD;
	enum err err = action_to_intent(action, source, outbox->config.secrets, &intent);
	if (action_on_self(action, source->account)) {
		verdict = OUTBOX_OWN_POST;
	} else if (is_unsafe(outbox, action, source)) {
		verdict = OUTBOX_NOBODY;
	} else if (err == ERR_OK) {
		if (outbox->config.dry_run) {
			make_dry(&intent);
		}
		verdict = stage(outbox, action, source, &intent);
	}
	if (verdict == OUTBOX_STAGED && outbox->config.dry_run) {
		outbox->config.on_outcome(outbox->config.data, &intent);
	}
	intent_finish(&intent);
	return verdict;
}

char *
outbox_key(const struct outbox *outbox, const struct action *action,
	const struct action_source *source)
{
	struct intent intent;
	char *key = NULL;
	if (action_to_intent(action, source, outbox->config.secrets, &intent) == ERR_OK) {
		if (outbox->config.dry_run) {
			make_dry(&intent);
		}
		key = known_key(outbox->config.store, &intent);
		key = key != NULL ? key : xstrdup(intent.key);
	}
	intent_finish(&intent);
	return key;
}

bool
outbox_has_outcomes(const struct outbox *outbox)
{
	return outbox->settled > 0;
}

bool
outbox_write_outcomes(struct outbox *outbox)
{
	struct lane *lane;
	DL_FOREACH(outbox->lanes, lane) {
		if (lane->items != NULL && lane->items->settled) {
			intent_update(outbox->config.store, &lane->items->intent);
			lane->items->written = true;
			if (outbox->config.on_written != NULL) {
				outbox->config.on_written(
					outbox->config.data, &lane->items->intent);
			}
		}
	}
	return outbox->settled > 0;
}

void
outbox_roll_back(struct outbox *outbox)
{
	struct lane *lane;
	DL_FOREACH(outbox->lanes, lane) {
		if (lane->items != NULL) {
			lane->items->written = false;
		}
	}
}

/* Tells what was committed, and lets the next one of each lane move up. */
static void
tell_written(struct outbox *outbox)
{
	struct lane *lane;
	DL_FOREACH(outbox->lanes, lane) {
		struct item *item = lane->items;
		if (item == NULL || !item->written) {
			continue;
		}
		item->settled = false;
		item->written = false;
		outbox->settled--;
		if (!item->quiet) {
			outbox->config.on_outcome(outbox->config.data, &item->intent);
		}
		item->quiet = false;
		if (item->intent.state != INTENT_OPEN) {
			DL_DELETE(lane->items, item);
			item_destroy(item);
		}
	}
}

/* When the lane may go on: a 429 counts for all lanes of its account, or to its host. */
static int64_t
lane_not_before(const struct lane *lane)
{
	const struct outbox *outbox = lane->outbox;
	int64_t until_ms = lane->not_before_ms;
	if (outbox->throttled_until_ms <= until_ms) {
		return until_ms;
	}
	struct lane *other;
	DL_FOREACH(outbox->lanes, other) {
		if (other->throttled_until_ms > until_ms && other->items != NULL &&
			strcmp(lane_host(other), lane_host(lane)) == 0 &&
			str_eq(str_from(other->items->intent.account),
				str_from(lane->items->intent.account))) {
			until_ms = other->throttled_until_ms;
		}
	}
	return until_ms;
}

/* Begins the first item of a lane if it may; returns how long the lane has to wait, -1: for something else. */
static int64_t
serve(struct lane *lane)
{
	struct outbox *outbox = lane->outbox;
	lane_load(lane);
	struct item *item = lane->items;
	if (item == NULL || item->request != 0 || item->settled) {
		return -1;
	}
	int64_t wait_ms = lane_not_before(lane) - now_mono_ms(outbox);
	if (wait_ms > 0) {
		return wait_ms;
	}
	if (outbox->running >= OUTBOX_RUNNING_MAX) {
		return -1; /* the end of a request leads here again */
	}
	item_begin(item);
	if (item->request != 0) {
		DL_DELETE(outbox->lanes, lane);
		DL_APPEND(outbox->lanes, lane);
		return -1;
	}
	wait_ms = lane->not_before_ms - now_mono_ms(outbox);
	return item->settled || wait_ms < 0 ? 0 : wait_ms;
}

static void
pump(struct outbox *outbox)
{
	struct lane *lane;
	struct lane *next;
	size_t left = 0;
	int64_t soonest_ms = -1;
	/* Lanes that are served move to the end: counted, so that none is met twice. */
	DL_COUNT(outbox->lanes, lane, left);
	for (lane = outbox->lanes; left > 0; lane = next, left--) {
		next = lane->next;
		int64_t wait_ms = serve(lane);
		if (wait_ms >= 0 && (soonest_ms < 0 || wait_ms < soonest_ms)) {
			soonest_ms = wait_ms;
		}
		if (lane->items == NULL && !lane->more) {
			DL_DELETE(outbox->lanes, lane);
			lane_destroy(lane);
		}
	}
	if (soonest_ms >= 0) {
		loop_timer_start(outbox->timer, soonest_ms, 0);
	} else {
		loop_timer_stop(outbox->timer);
	}
}

void
outbox_flush(struct outbox *outbox)
{
	if (outbox->config.dry_run) {
		return;
	}
	REQUIRE(!store_in_transaction(outbox->config.store));
	if (!outbox->started) {
		intent_each_lane(outbox->config.store, on_lane, outbox);
		outbox->started = true;
	}
	tell_written(outbox);
	if (outbox->lanes != NULL) {
		pump(outbox);
	}
}

size_t
outbox_pending(const struct outbox *outbox)
{
	return outbox->config.dry_run ? 0 : (size_t)intent_count_open(outbox->config.store);
}

char *
item_name(const struct item *item)
{
	const struct intent *intent = &item->intent;
	if (intent->summary != NULL && intent->summary[0] != '\0') {
		return xstrdup(intent->summary);
	}
	return xasprintf("%s%s%s", intent->action, intent->target != NULL ? " of " : "",
		intent->target != NULL ? intent->target : "");
}

const char *
lane_host(const struct lane *lane)
{
	const char *bar = strrchr(lane->name, '|');
	return bar != NULL ? bar + 1 : lane->name;
}

int64_t
item_age_ms(const struct item *item)
{
	return clock_wall_ms(&item->lane->outbox->config.clock) - item->intent.created_ms;
}

/* Takes `words`; what goes to the database holds no secret that a server echoed. */
static void
settle(struct item *item, enum intent_state state, int status, char *words)
{
	struct outbox *outbox = item->lane->outbox;
	struct intent *intent = &item->intent;
	free(intent->outcome);
	intent->outcome = NULL;
	if (words != NULL) {
		struct buf out;
		buf_init(&out, 4 * MESSAGE_MAX);
		secrets_redact(outbox->config.secrets, str_from(words), &out);
		intent->outcome = buf_take(&out, NULL);
	}
	free(words);
	intent->state = state;
	intent->status = status;
	intent->updated_ms = clock_wall_ms(&outbox->config.clock);
	outbox->settled += item->settled ? 0 : 1;
	item->settled = true;
	item->written = false;
}

void
item_end(struct item *item, enum intent_state state, int status, char *words)
{
	struct outbox *outbox = item->lane->outbox;
	char *name = item_name(item);
	settle(item, state, status, words);
	const char *said = item->intent.outcome != NULL ? item->intent.outcome : "no words";
	const char *host = lane_host(item->lane);
	if (state == INTENT_DONE) {
		lane_rest(item->lane);
		log_debug(outbox->config.log, "%s: %s: done", item->intent.instance, name);
	} else if (state == INTENT_UNKNOWN) {
		log_error(outbox->config.log,
			"%s: %s: it is not known whether it happened, and it will not be sent "
			"again: look at the account. %s: %s",
			item->intent.instance, name, host, said);
	} else {
		log_warn(outbox->config.log, "%s: %s failed: %s: %s", item->intent.instance, name,
			host, said);
	}
	free(name);
}

void
item_made(struct item *item, struct json_value entity)
{
	struct str url = json_str(json_get(entity, "url"));
	if (url.len == 0 || url.len > URL_MAX || !str_starts(url, "http")) {
		return;
	}
	struct buf safe;
	buf_init(&safe, 2 * URL_MAX);
	secrets_redact(item->lane->outbox->config.secrets, url, &safe);
	free(item->intent.made_url);
	item->intent.made_url = buf_take(&safe, NULL);
}

void
item_again(struct item *item, int64_t wait_ms, int status, char *words)
{
	struct outbox *outbox = item->lane->outbox;
	char *name = item_name(item);
	settle(item, INTENT_OPEN, status, words);
	struct buf wait;
	buf_init(&wait, MESSAGE_MAX);
	duration_format(&wait, wait_ms < 1000 ? wait_ms : wait_ms / 1000 * 1000);
	log_warn(outbox->config.log, "%s: %s: %s: %s; trying again in %s", item->intent.instance,
		name, lane_host(item->lane),
		item->intent.outcome != NULL ? item->intent.outcome : "no answer", wait.ptr);
	buf_finish(&wait);
	free(name);
	item_wait(item, wait_ms);
}

void
item_mark_begun(struct item *item)
{
	item->begun = true;
	item->intent.attempts = 1;
	settle(item, INTENT_OPEN, item->intent.status, NULL);
	item->quiet = true;
}

void
outbox_wake(struct outbox *outbox)
{
	loop_timer_start(outbox->timer, 0, 0);
}

void
item_wait(struct item *item, int64_t wait_ms)
{
	item->lane->not_before_ms = now_mono_ms(item->lane->outbox) + wait_ms;
}
