/* SPDX-License-Identifier: MIT */
/* An outbox with a store in memory and a server on loopback, for the outbox's tests. */
#pragma once

#include "scripted.h"

#include "outbox.h"
#include "xmalloc.h"

#define TOKEN "token-that-nobody-may-see"
#define LIMIT 120000
#define JSON  "application/json; charset=utf-8"

struct sending;
/* Answers the n-th request (from 0). */
typedef void answer_fn(struct sending *sending, server_conn conn, unsigned n);

struct sending {
	struct scripted scripted;
	struct secrets *secrets;
	struct account *account;
	struct store *store;
	struct outbox *outbox;
	struct rng rng;
	answer_fn *answer;
	struct buf asked;    /* "METHOD PATH[?QUERY]\n" */
	struct buf outcomes; /* "STATE STATUS OUTCOME\n" */
	char *keys[64];      /* Idempotency-Key of each request, or NULL */
	char *bodies[64];
	int64_t at_ms[64]; /* wall clock of each request */
	unsigned count;
	bool dry_run, account_is_gone;
	enum http_reach reach; /* of forwards; HTTP_REACH_NONE: no limit */
	char error[MESSAGE_MAX];
};

static void
sending_on_request(void *data, server_conn conn, const struct server_request *request)
{
	struct sending *sending = data;
	unsigned n = sending->count++;
	const char *key = scripted_header(request, "idempotency-key");
	struct clock clock = loop_clock(sending->scripted.loop);
	assert_true(n < COUNT_OF(sending->keys));
	sending->keys[n] = xstrdup(key);
	sending->bodies[n] = str_dup(request->body);
	sending->at_ms[n] = clock_wall_ms(&clock);
	(void)buf_printf(&sending->asked, "%s %.*s%s%.*s\n", request->method,
		STR_ARG(request->path), request->query.len > 0 ? "?" : "", STR_ARG(request->query));
	sending->answer(sending, conn, n);
}

static void
sending_on_outcome(void *data, const struct intent *intent)
{
	static const char *const states[] = {"open", "done", "failed", "unknown", "dry"};
	struct sending *sending = data;
	(void)buf_printf(&sending->outcomes, "%s %d %s\n", states[intent->state], intent->status,
		intent->outcome != NULL ? intent->outcome : "-");
}

static const struct account *
sending_account(void *data, const char *name)
{
	struct sending *sending = data;
	return sending->account_is_gone || strcmp(name, "bot") != 0 ? NULL : sending->account;
}

static enum http_reach
sending_reach(void *data, const char *instance, const struct url *to)
{
	struct sending *sending = data;
	(void)to;
	assert_non_null(instance);
	return sending->reach == HTTP_REACH_NONE ? HTTP_REACH_ANY : sending->reach;
}

/* As the host's turn does it. */
static void
sending_on_turn(void *data)
{
	struct sending *sending = data;
	if (outbox_has_outcomes(sending->outbox)) {
		assert_true(store_begin(sending->store));
		assert_true(outbox_write_outcomes(sending->outbox));
		assert_true(store_commit(sending->store));
	}
	outbox_flush(sending->outbox);
	scripted_on_turn(&sending->scripted);
}

static void
sending_open_outbox(struct sending *sending)
{
	struct outbox_config config = {
		.loop = sending->scripted.loop,
		.http = sending->dry_run ? NULL : sending->scripted.http,
		.store = sending->store,
		.secrets = sending->secrets,
		.log = sending->scripted.log,
		.rng = &sending->rng,
		.clock = loop_clock(sending->scripted.loop),
		.dry_run = sending->dry_run,
		.account = sending_account,
		.reach = sending_reach,
		.on_outcome = sending_on_outcome,
		.data = sending,
	};
	sending->outbox = outbox_create(&config);
}

/* As after the process ended and began again. */
static UNUSED void
sending_restart(struct sending *sending)
{
	outbox_destroy(sending->outbox);
	sending_open_outbox(sending);
}

static void
sending_init(struct sending *sending, answer_fn *answer)
{
	static const struct server_events events = {.on_request = sending_on_request};
	*sending = (struct sending){.answer = answer};
	buf_init(&sending->asked, 1 << 16);
	buf_init(&sending->outcomes, 1 << 16);
	(void)buf_add_text(&sending->asked, "");
	(void)buf_add_text(&sending->outcomes, "");
	rng_seed(&sending->rng, 7);
	scripted_init(&sending->scripted, &events, sending);
	loop_set_turn(sending->scripted.loop, sending_on_turn, sending);
	sending->secrets = secrets_create();
	struct account_config config = {
		.name = "bot", .server = sending->scripted.origin, .token = TOKEN};
	sending->account = account_create(&config, sending->secrets, sending->error);
	assert_non_null(sending->account);
	sending->account->id = xstrdup("42");
	sending->account->version = xstrdup("4.5.3");
	sending->store = store_open(NULL, sending->scripted.log, sending->error);
	assert_non_null(sending->store);
	sending_open_outbox(sending);
}

static void
sending_finish(struct sending *sending)
{
	outbox_destroy(sending->outbox);
	scripted_finish(&sending->scripted);
	store_close(sending->store);
	account_destroy(sending->account);
	secrets_destroy(sending->secrets);
	buf_finish(&sending->asked);
	buf_finish(&sending->outcomes);
	for (unsigned i = 0; i < COUNT_OF(sending->keys); i++) {
		free(sending->keys[i]);
		free(sending->bodies[i]);
	}
}

static UNUSED struct action_source
sending_source(struct sending *sending)
{
	struct clock clock = loop_clock(sending->scripted.loop);
	return (struct action_source){.instance = "cats",
		.account = sending->account,
		.event_key = "update:115",
		.now_ms = clock_wall_ms(&clock)};
}

/* Stages inside a transaction of its own; takes the action. */
static UNUSED enum outbox_verdict
sending_stage_from(
	struct sending *sending, struct action action, const struct action_source *source)
{
	assert_true(store_begin(sending->store));
	enum outbox_verdict verdict = outbox_stage(sending->outbox, &action, source);
	assert_true(store_commit(sending->store));
	action_finish(&action);
	return verdict;
}

static UNUSED enum outbox_verdict
sending_stage(struct sending *sending, struct action action)
{
	struct action_source source = sending_source(sending);
	return sending_stage_from(sending, action, &source);
}

static UNUSED struct action
boost_of(const char *id)
{
	return (struct action){.kind = ACTION_BOOST, .target = xstrdup(id)};
}

static UNUSED struct action
reply_to(const char *id, const char *text)
{
	return (struct action){.kind = ACTION_REPLY,
		.target = xstrdup(id),
		.body = xasprintf("{\"status\":\"%s\"}", text)};
}

static UNUSED struct action
forward_to(struct sending *sending, const char *path, const char *body)
{
	return (struct action){.kind = ACTION_FORWARD,
		.url = xasprintf("%s%s", sending->scripted.origin, path),
		.body = xstrdup(body)};
}

static bool
sending_is_idle(void *data)
{
	struct sending *sending = data;
	return outbox_pending(sending->outbox) == 0;
}

/* Runs until no row is open. */
static UNUSED void
sending_run(struct sending *sending)
{
	if (!scripted_run(&sending->scripted, sending_is_idle, sending, LIMIT)) {
		fail_msg("not idle in time; asked:\n%slogged:\n%s", sending->asked.ptr,
			sending->scripted.lines.ptr != NULL ? sending->scripted.lines.ptr : "");
	}
}

static UNUSED void
expect_asked(const struct sending *sending, const char *text)
{
	assert_string_equal(sending->asked.ptr, text);
}

static UNUSED void
expect_outcomes(const struct sending *sending, const char *text)
{
	assert_string_equal(sending->outcomes.ptr, text);
}

static UNUSED void
answer_json(struct sending *sending, server_conn conn, int status, const char *body)
{
	scripted_answer(&sending->scripted, conn, status, JSON, body);
}
