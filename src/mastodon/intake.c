/* SPDX-License-Identifier: MIT */
/* The queue of events, the routing table, and the ring of what each instance had. */
#include "intake.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "attr.h"
#include "limits.h"
#include "stream_name.h"
#include "xmalloc.h"

/* A replay keeps a key for each of its events, far apart in memory: the chains that are walked are to be short. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 4U

#define SET_WORDS (INTAKE_INSTANCES_MAX / 64)

/* Numbers of instances. */
struct set {
	uint64_t words[SET_WORDS];
};

struct route {
	struct set instances;
	UT_hash_handle hh;
	size_t len;
	char key[]; /* account, NUL, stream_key() */
};

/* 128 bits of the event's seen key stand for it: a clash would lose an event, a long key memory. */
struct event_key {
	uint64_t hash[2];
};

struct known {
	struct event_key key;
	struct set instances; /* that had it, and have it in their rings */
	unsigned count;       /* of them */
	bool is_kept;         /* intake_first was asked for it: it stays */
	struct set handled;   /* for these */
	UT_hash_handle hh;
};

struct ring {
	struct known **slots; /* RING_EVENTS_MAX, NULL until the first mark */
	size_t next;          /* the slot to be used next, which holds the oldest */
};

struct host {
	UT_hash_handle hh;
	char *account;
	char *host;
};

struct queued {
	struct event *event;
	size_t bytes;
	struct queued *prev, *next; /* utlist */
};

struct intake {
	struct route *routes; /* uthash */
	struct known *known;  /* uthash */
	struct host *hosts;   /* uthash */
	struct queued *queue; /* list, queued::next */
	struct queued *spare; /* for the next one; NULL: none */
	size_t queued_count, queued_bytes;
	bool full;
	struct set instances;                    /* that ever subscribed */
	struct ring rings[INTAKE_INSTANCES_MAX]; /* by instance */
	/* The key computed last: route and the marks that follow it ask for the same event. */
	struct event *keyed; /* reference */
	struct event_key key;
	struct buf key_text; /* memory for the next one */
	bool has_key;
	struct known *found; /* what is known of it; NULL: nothing, or nobody looked */
};

static void
set_add(struct set *set, unsigned number)
{
	set->words[number / 64] |= UINT64_C(1) << (number % 64);
}

static void
set_remove(struct set *set, unsigned number)
{
	set->words[number / 64] &= ~(UINT64_C(1) << (number % 64));
}

static bool
set_has(const struct set *set, unsigned number)
{
	return (set->words[number / 64] >> (number % 64) & 1) != 0;
}

static bool
set_is_empty(const struct set *set)
{
	uint64_t any = 0;
	for (unsigned i = 0; i < SET_WORDS; i++) {
		any |= set->words[i];
	}
	return any == 0;
}

struct intake *
intake_create(void)
{
	struct intake *intake = xcalloc(1, sizeof(*intake));
	buf_init(&intake->key_text, EVENT_LINE_MAX);
	return intake;
}

static void
forget_keyed(struct intake *intake)
{
	event_unhold(intake->keyed);
	intake->keyed = NULL;
	intake->found = NULL;
}

void
intake_destroy(struct intake *intake)
{
	if (intake == NULL) {
		return;
	}
	forget_keyed(intake);
	struct event *event;
	while ((event = intake_pop(intake)) != NULL) {
		event_unref(event);
	}
	free(intake->spare);
	buf_finish(&intake->key_text);
	struct route *route, *next_route;
	HASH_ITER(hh, intake->routes, route, next_route) {
		HASH_DEL(intake->routes, route);
		free(route);
	}
	/* There may be millions: all at once. */
	struct known *known = intake->known, *next_known;
	HASH_CLEAR(hh, intake->known);
	for (; known != NULL; known = next_known) {
		next_known = known->hh.next;
		free(known);
	}
	struct host *host, *next_host;
	HASH_ITER(hh, intake->hosts, host, next_host) {
		HASH_DEL(intake->hosts, host);
		free(host->account);
		free(host->host);
		free(host);
	}
	for (unsigned i = 0; i < INTAKE_INSTANCES_MAX; i++) {
		free(intake->rings[i].slots);
	}
	free(intake);
}

void
intake_set_host(struct intake *intake, struct str account, struct str host)
{
	struct host *entry = NULL;
	HASH_FIND(hh, intake->hosts, account.ptr, account.len, entry);
	if (entry == NULL) {
		entry = xcalloc(1, sizeof(*entry));
		entry->account = str_dup(account);
		HASH_ADD_KEYPTR(hh, intake->hosts, entry->account, account.len, entry);
	}
	free(entry->host);
	entry->host = str_dup(host);
}

/* Without a known host the account's name stands for it: never two servers under one key. */
static struct str
host_of(const struct intake *intake, struct str account)
{
	struct host *entry = NULL;
	if (account.len > 0) {
		HASH_FIND(hh, intake->hosts, account.ptr, account.len, entry);
	}
	return entry != NULL ? str_from(entry->host) : account;
}

static void
put_route_key(struct buf *out, struct str account, struct str stream, struct str param)
{
	buf_init(out, EVENT_STREAM_MAX * 4);
	(void)buf_add_str(out, account);
	(void)buf_add_char(out, '\0');
	stream_key(stream, param, out);
}

static struct route *
find_route(const struct intake *intake, const struct buf *key)
{
	struct route *route = NULL;
	if (key->err == ERR_OK) {
		HASH_FIND(hh, intake->routes, key->ptr, key->len, route);
	}
	return route;
}

void
intake_subscribe(struct intake *intake, unsigned instance, struct str account, struct str stream,
	struct str param)
{
	REQUIRE(instance < INTAKE_INSTANCES_MAX);
	set_add(&intake->instances, instance);
	if (stream.len == 0) {
		return;
	}
	struct buf key;
	put_route_key(&key, account, stream, param);
	REQUIRE(key.err == ERR_OK); /* stream_check has passed */
	struct route *route = find_route(intake, &key);
	if (route == NULL) {
		route = xcalloc(1, sizeof(*route) + key.len);
		route->len = key.len;
		memcpy(route->key, key.ptr, key.len);
		HASH_ADD_KEYPTR(hh, intake->routes, route->key, route->len, route);
	}
	set_add(&route->instances, instance);
	buf_finish(&key);
}

bool
intake_unsubscribe(struct intake *intake, unsigned instance, struct str account, struct str stream,
	struct str param)
{
	REQUIRE(instance < INTAKE_INSTANCES_MAX);
	struct buf key;
	put_route_key(&key, account, stream, param);
	struct route *route = find_route(intake, &key);
	buf_finish(&key);
	if (route != NULL) {
		set_remove(&route->instances, instance);
	}
	return route == NULL || set_is_empty(&route->instances);
}

static void
forget_slot(struct intake *intake, struct known *known, unsigned instance)
{
	set_remove(&known->instances, instance);
	known->count--;
	if (known->count == 0 && !known->is_kept) {
		if (intake->found == known) {
			intake->found = NULL;
		}
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what uthash links is never NULL inside */
		HASH_DEL(intake->known, known);
		free(known);
	}
}

void
intake_forget(struct intake *intake, unsigned instance)
{
	REQUIRE(instance < INTAKE_INSTANCES_MAX);
	set_remove(&intake->instances, instance);
	/* A route that nobody uses stays: another plugin under the same number will ask for it again. */
	for (struct route *route = intake->routes; route != NULL; route = route->hh.next) {
		set_remove(&route->instances, instance);
	}
	for (struct known *known = intake->known; known != NULL; known = known->hh.next) {
		set_remove(&known->handled, instance);
	}
	struct ring *ring = &intake->rings[instance];
	for (size_t i = 0; ring->slots != NULL && i < RING_EVENTS_MAX; i++) {
		if (ring->slots[i] != NULL) {
			forget_slot(intake, ring->slots[i], instance);
		}
	}
	free(ring->slots);
	*ring = (struct ring){0};
}

/* What the event holds in memory, nearly: a parsed document is about as large as its text. */
static size_t
event_bytes(const struct event *event)
{
	return sizeof(*event) + event->payload.len * (event->doc != NULL ? 2 : 1);
}

void
intake_push(struct intake *intake, struct event *event)
{
	struct queued *queued = intake->spare != NULL ? intake->spare : xmalloc(sizeof(*queued));
	intake->spare = NULL;
	*queued = (struct queued){.event = event, .bytes = event_bytes(event)};
	DL_APPEND(intake->queue, queued);
	intake->queued_count++;
	intake->queued_bytes += queued->bytes;
	if (intake->queued_count > QUEUE_EVENTS_MAX || intake->queued_bytes > QUEUE_BYTES_MAX) {
		intake->full = true;
	}
}

struct event *
intake_pop(struct intake *intake)
{
	struct queued *queued = intake->queue;
	forget_keyed(intake);
	if (queued == NULL) {
		return NULL;
	}
	DL_DELETE(intake->queue, queued);
	intake->queued_count--;
	intake->queued_bytes -= queued->bytes;
	if (intake->queued_count < QUEUE_EVENTS_MAX / 2 &&
		intake->queued_bytes < QUEUE_BYTES_MAX / 2) {
		intake->full = false;
	}
	struct event *event = queued->event;
	free(intake->spare);
	intake->spare = queued;
	return event;
}

bool
intake_full(const struct intake *intake)
{
	return intake->full;
}

size_t
intake_count(const struct intake *intake)
{
	return intake->queued_count;
}

void
intake_scope(const struct event *event, struct str host, struct buf *out)
{
	const struct stream_info *info = stream_info(event->stream);
	if (info != NULL && info->personal) {
		(void)buf_add_text(out, "account:");
		(void)buf_add_str(out, event->account);
	} else {
		(void)buf_add_text(out, "server:");
		(void)buf_add_str(out, host);
	}
}

/* Two FNV-1a hashes from different beginnings, side by side: each byte waits for the one before it. */
static struct event_key
hash_key(struct str text)
{
	struct event_key key = {{0xCBF29CE484222325u, 0x9E3779B97F4A7C15u}};
	for (size_t i = 0; i < text.len; i++) {
		key.hash[0] = (key.hash[0] ^ (unsigned char)text.ptr[i]) * 0x100000001B3u;
		key.hash[1] = (key.hash[1] ^ (unsigned char)text.ptr[i]) * 0x100000001B3u;
	}
	return key;
}

/* False for events that are never deduplicated. */
static bool
find_key(struct intake *intake, const struct event *event)
{
	const struct event_kind_info *info = event_kind_info(event->kind);
	if (!info->deduplicated || event->id.len == 0) {
		return false;
	}
	if (intake->keyed != event) {
		struct buf *text = &intake->key_text;
		buf_clear(text);
		(void)buf_add_text(text, info->name);
		(void)buf_add_char(text, '\0');
		intake_scope(event, host_of(intake, event->account), text);
		(void)buf_add_char(text, '\0');
		(void)buf_add_str(text, event->id);
		(void)buf_add_char(text, '\0');
		event_version(event, text);
		intake->has_key = text->err == ERR_OK;
		if (intake->has_key) {
			intake->key = hash_key(buf_str(text));
		}
		if (text->size > EVENT_HEADER_MAX) {
			buf_finish(text);
			buf_init(text, EVENT_LINE_MAX);
		}
		forget_keyed(intake);
		/* The reference keeps the address from being used for another event. */
		intake->keyed = event_hold((struct event *)(uintptr_t)event);
	}
	return intake->has_key;
}

/* Of the key that find_key gave. */
static struct known *
find_known(struct intake *intake)
{
	if (intake->found == NULL) {
		HASH_FIND_BYHASHVALUE(hh, intake->known, &intake->key, sizeof(intake->key),
			(unsigned)intake->key.hash[0], intake->found);
	}
	return intake->found;
}

static struct known *
add_known(struct intake *intake)
{
	struct known *known = find_known(intake);
	if (known == NULL) {
		known = xcalloc(1, sizeof(*known));
		known->key = intake->key;
		HASH_ADD_BYHASHVALUE(hh, intake->known, key, sizeof(known->key),
			(unsigned)known->key.hash[0], known);
		intake->found = known;
	}
	return known;
}

static size_t
list_set(const struct set *set, unsigned *instances, size_t max)
{
	size_t count = 0;
	for (unsigned i = 0; i < SET_WORDS; i++) {
		for (uint64_t left = set->words[i]; left != 0 && count < max; left &= left - 1) {
			instances[count++] = i * 64 + (unsigned)__builtin_ctzll(left);
		}
	}
	return count;
}

size_t
intake_hearing(const struct intake *intake, struct str account, struct str stream, struct str param,
	unsigned *instances, size_t max)
{
	struct buf text;
	put_route_key(&text, account, stream, param);
	const struct route *route = find_route(intake, &text);
	buf_finish(&text);
	return route != NULL ? list_set(&route->instances, instances, max) : 0;
}

size_t
intake_route(struct intake *intake, const struct event *event, unsigned *instances, size_t max)
{
	struct set hears = {{0}};
	if (event->origin == ORIGIN_REPLAY) {
		hears = intake->instances;
	} else {
		struct buf text;
		put_route_key(&text, event->account, event->stream, event->param);
		const struct route *route = find_route(intake, &text);
		buf_finish(&text);
		if (route != NULL) {
			hears = route->instances;
		}
	}
	if (set_is_empty(&hears)) {
		return 0;
	}
	if (find_key(intake, event)) {
		const struct known *known = find_known(intake);
		for (unsigned i = 0; known != NULL && i < SET_WORDS; i++) {
			hears.words[i] &= ~known->instances.words[i];
		}
	}
	return list_set(&hears, instances, max);
}

void
intake_mark(struct intake *intake, unsigned instance, const struct event *event)
{
	REQUIRE(instance < INTAKE_INSTANCES_MAX);
	if (!find_key(intake, event)) {
		return;
	}
	struct known *known = add_known(intake);
	if (set_has(&known->instances, instance)) {
		return;
	}
	set_add(&known->instances, instance);
	known->count++;
	struct ring *ring = &intake->rings[instance];
	if (ring->slots == NULL) {
		ring->slots = xcalloc(RING_EVENTS_MAX, sizeof(struct known *));
	}
	struct known *oldest = ring->slots[ring->next];
	ring->slots[ring->next] = known;
	ring->next = (ring->next + 1) % RING_EVENTS_MAX;
	if (oldest != NULL) {
		forget_slot(intake, oldest, instance);
	}
}

bool
intake_first(struct intake *intake, unsigned instance, const struct event *event)
{
	REQUIRE(instance < INTAKE_INSTANCES_MAX);
	if (!find_key(intake, event)) {
		return true;
	}
	struct known *known = add_known(intake);
	known->is_kept = true;
	if (set_has(&known->handled, instance)) {
		return false;
	}
	set_add(&known->handled, instance);
	return true;
}

/* Nobody has had the event. */
static void
unmark(struct intake *intake, struct known *known)
{
	unsigned left = known->count;
	for (unsigned i = 0; i < INTAKE_INSTANCES_MAX && left > 0; i++) {
		struct ring *ring = &intake->rings[i];
		for (size_t s = 0; ring->slots != NULL && left > 0 && s < RING_EVENTS_MAX; s++) {
			if (ring->slots[s] == known) {
				ring->slots[s] = NULL;
				forget_slot(intake, known, i);
				left--;
			}
		}
	}
}

void
intake_return(struct intake *intake, struct event *event)
{
	struct known *known = find_key(intake, event) ? find_known(intake) : NULL;
	if (known != NULL) {
		unmark(intake, known);
	}
	forget_keyed(intake);
	struct queued *queued = xmalloc(sizeof(*queued));
	*queued = (struct queued){.event = event, .bytes = event_bytes(event)};
	DL_PREPEND(intake->queue, queued);
	intake->queued_count++;
	intake->queued_bytes += queued->bytes;
}
