/* SPDX-License-Identifier: MIT */
/* Deletes wait here for their proof, and the ids of deleted posts are remembered, in memory and in the store. */
#include "deletes.h"

#include <stdlib.h>

#include "decode.h"
#include "host_private.h"
#include "json_write.h"
#include "status_check.h"
#include "stream_name.h"
#include "uthash.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "delete"

/* A delete that is not proven. */
struct suspect {
	struct event *event; /* a reference */
	const struct account *account;
	int64_t row; /* in the store; 0: none */
	bool saved;  /* the row is committed */
	bool has_verdict;
	enum status_verdict verdict;
	bool settled; /* by the turn that is not committed */
	struct suspect *prev, *next;
};

struct checker {
	const struct account *account;
	struct status_check *check;
	struct deletes *deletes;
	struct checker *next;
};

/* A deleted id in memory: a hash of scope and id stands for it. */
struct tomb {
	uint64_t hash;
	UT_hash_handle hh;
};

/* One that no transaction has written. */
struct unwritten {
	char *scope, *id;
	int64_t at_ms;
	struct unwritten *prev, *next;
};

struct deletes {
	struct host *host;
	struct suspect *suspects; /* oldest first */
	size_t suspect_count;
	struct checker *checkers;
	struct tomb *tombs; /* hash, oldest first; at most TOMBSTONES_RING_MAX */
	struct unwritten *unwritten;
	size_t unwritten_count;
};

/* ---- what is known to be deleted ---- */

static uint64_t
tomb_hash(struct str scope, struct str id)
{
	struct buf text;
	buf_init(&text, MESSAGE_MAX);
	buf_add_str(&text, scope);
	buf_add_char(&text, '\0');
	buf_add_str(&text, id);
	uint64_t hash = str_hash(buf_str(&text));
	buf_finish(&text);
	return hash;
}

static bool
is_buried(const struct deletes *deletes, struct str scope, const struct event *event)
{
	uint64_t hash = tomb_hash(scope, event->id);
	struct tomb *tomb = NULL;
	HASH_FIND(hh, deletes->tombs, &hash, sizeof(hash), tomb);
	/* What a stream brings follows its delete within seconds, what a fill brings perhaps after a restart. */
	return tomb || (event->origin == ORIGIN_FILL &&
			       tombstone_has(deletes->host->store, scope, event->id));
}

static void
bury(struct deletes *deletes, const struct event *event)
{
	struct buf scope;
	buf_init(&scope, MESSAGE_MAX);
	host_scope(deletes->host, event, &scope);
	struct tomb *tomb = NULL;
	uint64_t hash = tomb_hash(buf_str(&scope), event->id);
	HASH_FIND(hh, deletes->tombs, &hash, sizeof(hash), tomb);
	if (!tomb) {
		tomb = xmalloc(sizeof(*tomb));
		tomb->hash = hash;
		HASH_ADD(hh, deletes->tombs, hash, sizeof(tomb->hash), tomb);
		if (HASH_COUNT(deletes->tombs) > TOMBSTONES_RING_MAX) {
			struct tomb *oldest = deletes->tombs;
			HASH_DEL(deletes->tombs, oldest);
			free(oldest);
		}
	}
	if (deletes->unwritten_count < TOMBSTONES_RING_MAX) {
		struct unwritten *unwritten = xmalloc(sizeof(*unwritten));
		*unwritten = (struct unwritten){str_dup(buf_str(&scope)), str_dup(event->id),
			clock_wall_ms(&deletes->host->config.clock), NULL, NULL};
		DL_APPEND(deletes->unwritten, unwritten); /* of two the first row stays */
		deletes->unwritten_count++;
	}
	buf_finish(&scope);
}

static void
forget_unwritten(struct deletes *deletes)
{
	struct unwritten *unwritten, *next;
	DL_FOREACH_SAFE(deletes->unwritten, unwritten, next) {
		free(unwritten->scope);
		free(unwritten->id);
		free(unwritten);
	}
	deletes->unwritten = NULL;
	deletes->unwritten_count = 0;
}

/* A row that `why` finds under the id. */
static void
journal(struct deletes *deletes, const struct event *event, const char *what)
{
	struct host *host = deletes->host;
	struct buf key, detail;
	if (!host_begin(host))
		return;
	buf_init(&key, EVENT_LINE_MAX);
	buf_init(&detail, EVENT_LINE_MAX);
	host_event_key(event, &key);
	buf_add_char(&detail, '{');
	json_put_key(&detail, "stream");
	json_put_str(&detail, event->stream);
	buf_add_char(&detail, '}');
	host_journal(host, NULL, what, buf_str(&key), buf_str(&detail));
	buf_finish(&key);
	buf_finish(&detail);
}

/* True when the post was deleted before it came. Who sees it on a personal stream would have heard of it on the public one
 * as well, so both count there. */
static bool
came_too_late(struct deletes *deletes, const struct event *event)
{
	struct host *host = deletes->host;
	if ((event->kind != EVENT_UPDATE && event->kind != EVENT_STATUS_UPDATE) || !event->id.len)
		return false;
	if (!deletes->tombs && event->origin != ORIGIN_FILL)
		return false;
	struct buf scope;
	buf_init(&scope, MESSAGE_MAX);
	host_scope(host, event, &scope);
	bool late = is_buried(deletes, buf_str(&scope), event);
	if (!late && str_starts(buf_str(&scope), "account:")) {
		buf_clear(&scope);
		host_server_scope(host, event, &scope);
		late = is_buried(deletes, buf_str(&scope), event);
	}
	buf_finish(&scope);
	return late;
}

/* ---- what is to be proven ---- */

static void
suspect_destroy(struct deletes *deletes, struct suspect *suspect)
{
	DL_DELETE(deletes->suspects, suspect);
	deletes->suspect_count--;
	event_unref(suspect->event);
	free(suspect);
}

static void
on_verdict(void *data, const char *id, enum status_verdict verdict)
{
	const struct checker *checker = data;
	struct suspect *suspect;
	DL_FOREACH(checker->deletes->suspects, suspect) {
		if (suspect->account == checker->account && str_eq_text(suspect->event->id, id)) {
			suspect->has_verdict = true;
			suspect->verdict = verdict;
		}
	}
	/* The turn that runs after this callback takes it from here. */
}

static struct status_check *
check_of(struct deletes *deletes, const struct account *account)
{
	struct host *host = deletes->host;
	struct checker *checker;
	LL_FOREACH(deletes->checkers, checker) {
		if (checker->account == account)
			return checker->check;
	}
	checker = xmalloc(sizeof(*checker));
	*checker = (struct checker){.account = account, .deletes = deletes};
	const struct status_check_config config = {
		.loop = host->config.loop,
		.http = host->http,
		.parser = host->parser,
		.log = host->config.log,
		.rng = &host->rng,
		.account = account,
		.on_verdict = on_verdict,
		.data = checker,
	};
	checker->check = status_check_create(&config);
	LL_PREPEND(deletes->checkers, checker);
	return checker->check;
}

/* References the event. */
static struct suspect *
suspect_add(struct deletes *deletes, struct event *event, const struct account *account)
{
	struct suspect *suspect = xmalloc(sizeof(*suspect));
	*suspect = (struct suspect){.event = event_ref(event), .account = account};
	DL_APPEND(deletes->suspects, suspect);
	deletes->suspect_count++;
	status_check_add(check_of(deletes, account), event->id);
	return suspect;
}

static const struct account *
account_of(const struct host *host, const struct event *event)
{
	char *name = str_dup(event->account);
	const struct account *account = name ? host_account(host, name) : NULL;
	free(name);
	return account;
}

/* Whether it must be proven before it counts. */
static bool
needs_proof(const struct deletes *deletes, const struct event *event)
{
	const struct host *host = deletes->host;
	const struct stream_info *info = stream_info(event->stream);
	return !host->config.offline && event->origin == ORIGIN_LIVE && info && info->personal &&
	       event->id.len <= STATUS_CHECK_ID_MAX && route_wanted(deletes->host, event);
}

bool
deletes_take(struct deletes *deletes, struct event *event)
{
	struct host *host = deletes->host;
	if (came_too_late(deletes, event)) {
		host->stats.late++;
		journal(deletes, event, "deleted_before");
		return false;
	}
	if (event->kind != EVENT_DELETE || !event->id.len)
		return true;
	const struct account *account = account_of(host, event);
	if (!account || !needs_proof(deletes, event)) {
		const struct stream_info *info = stream_info(event->stream);
		if (!info || !info->personal || host->config.offline)
			bury(deletes, event);
		return true;
	}
	if (deletes->suspect_count >= DELETES_WAITING_MAX) {
		journal(deletes, event, "delete_unproven");
		host->stats.unproven++;
		return false;
	}
	if (host_begin(host)) /* so that it is written down in this turn */
		(void)suspect_add(deletes, event, account);
	return false;
}

static void
settle(struct deletes *deletes, struct suspect *suspect)
{
	struct host *host = deletes->host;
	if (!host_begin(host))
		return;
	switch (suspect->verdict) {
	case STATUS_GONE:
		bury(deletes, suspect->event);
		route_event(host, suspect->event);
		break;
	case STATUS_THERE:
		host->stats.kept++;
		journal(deletes, suspect->event, "left_the_feed");
		break;
	case STATUS_UNKNOWN:
		host->stats.unproven++;
		journal(deletes, suspect->event, "delete_unproven");
		log_warn(host->config.log,
			"%s: whether the post %.*s was deleted is not known: %s does not let us read posts. Handlers do not get "
			"the delete",
			suspect->account->name, STR_ARG(suspect->event->id),
			suspect->account->host);
		break;
	}
	if (suspect->row)
		unproven_delete(host->store, suspect->row);
	suspect->settled = true;
}

void
deletes_missed(struct deletes *deletes, struct event *event)
{
	deletes->host->stats.missed++;
	journal(deletes, event, "delete_missed");
	bury(deletes, event);
	route_event(deletes->host, event);
}

void
deletes_run(struct deletes *deletes)
{
	struct suspect *suspect;
	DL_FOREACH(deletes->suspects, suspect) {
		if (suspect->has_verdict && !suspect->settled)
			settle(deletes, suspect);
	}
}

/* ---- the store ---- */

void
deletes_write(struct deletes *deletes)
{
	struct host *host = deletes->host;
	struct unwritten *unwritten;
	struct suspect *suspect;
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	DL_FOREACH(deletes->unwritten, unwritten)
		tombstone_add(host->store, str_from(unwritten->scope), str_from(unwritten->id),
			unwritten->at_ms);
	DL_FOREACH(deletes->suspects, suspect) {
		if (suspect->row || suspect->settled)
			continue;
		struct buf line;
		buf_init(&line, EVENT_LINE_MAX);
		event_write_line(suspect->event, &line);
		suspect->row = unproven_add(host->store, buf_str(&line), now_ms);
		buf_finish(&line);
	}
}

void
deletes_committed(struct deletes *deletes)
{
	struct suspect *suspect, *next;
	forget_unwritten(deletes);
	DL_FOREACH_SAFE(deletes->suspects, suspect, next) {
		suspect->saved = suspect->row != 0;
		if (suspect->settled)
			suspect_destroy(deletes, suspect);
	}
}

void
deletes_taken_back(struct deletes *deletes)
{
	struct suspect *suspect, *next;
	DL_FOREACH_SAFE(deletes->suspects, suspect, next) {
		suspect->settled = false;
		if (!suspect->saved) /* its event comes again */
			suspect_destroy(deletes, suspect);
	}
}

static bool
load_one(void *data, int64_t row, struct str line)
{
	struct deletes *deletes = data;
	struct host *host = deletes->host;
	struct decode_context context = {.parser = host->parser, .origin = ORIGIN_LIVE};
	struct decode_output out;
	if (decode_line(&context, line, &out) != DECODE_EVENT)
		return true;
	const struct account *account = account_of(host, out.event);
	if (account && deletes->suspect_count < DELETES_WAITING_MAX) {
		struct suspect *suspect = suspect_add(deletes, out.event, account);
		suspect->row = row;
		suspect->saved = true;
	} /* else: its account may come back with another config */
	event_unref(out.event);
	return true;
}

void
deletes_start(struct deletes *deletes)
{
	unproven_each(deletes->host->store, load_one, deletes);
}

size_t
deletes_waiting(const struct deletes *deletes)
{
	return deletes->suspect_count;
}

struct deletes *
deletes_create(struct host *host)
{
	struct deletes *deletes = xcalloc(1, sizeof(*deletes));
	deletes->host = host;
	return deletes;
}

void
deletes_destroy(struct deletes *deletes)
{
	if (!deletes)
		return;
	struct suspect *suspect, *next_suspect;
	DL_FOREACH_SAFE(deletes->suspects, suspect, next_suspect)
		suspect_destroy(deletes, suspect);
	struct checker *checker, *next_checker;
	LL_FOREACH_SAFE(deletes->checkers, checker, next_checker) {
		status_check_destroy(checker->check);
		free(checker);
	}
	struct tomb *tomb, *next_tomb;
	HASH_ITER(hh, deletes->tombs, tomb, next_tomb) {
		HASH_DEL(deletes->tombs, tomb);
		free(tomb);
	}
	forget_unwritten(deletes);
	free(deletes);
}
