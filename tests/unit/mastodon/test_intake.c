/* SPDX-License-Identifier: MIT */
/* Tests of the intake: who hears what, once, and when the sockets must wait. */
#include "intake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "limits.h"

#define ME      STR("bot")
#define FOREVER 1000000 /* references: the events of these tests live on the stack */

static struct event
make(enum event_kind kind, const char *stream, const char *param, const char *id)
{
	return (struct event){
		.refs = FOREVER,
		.holds = FOREVER,
		.kind = kind,
		.name = str_from(event_kind_info(kind)->name),
		.stream = str_from(stream),
		.param = str_from(param),
		.account = ME,
		.id = str_from(id),
	};
}

/* The instances as a text: "1 4". */
static const char *
route(struct intake *intake, const struct event *event, char *out, size_t size)
{
	unsigned instances[INTAKE_INSTANCES_MAX];
	size_t count = intake_route(intake, event, instances, INTAKE_INSTANCES_MAX);
	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(out);
		(void)snprintf(out + used, size - used, "%s%u", i == 0 ? "" : " ", instances[i]);
	}
	return out;
}

static void
expect_route(struct intake *intake, const struct event *event, const char *expected)
{
	char got[2000];
	assert_string_equal(route(intake, event, got, sizeof(got)), expected);
}

static struct intake *
create(void)
{
	struct intake *intake = intake_create();
	intake_set_host(intake, ME, STR("mastodon.example"));
	return intake;
}

static void
routes_to_those_who_subscribed(void **state)
{
	(void)state;
	struct intake *intake = create();
	intake_subscribe(intake, 1, ME, STR("public"), STR_NONE);
	intake_subscribe(intake, 255, ME, STR("public"), STR_NONE);
	intake_subscribe(intake, 2, ME, STR("hashtag"), STR("Caturday"));
	intake_subscribe(intake, 3, STR("other"), STR("public"), STR_NONE);
	intake_subscribe(intake, 4, ME, STR("public:media"), STR_NONE);
	struct event event = make(EVENT_UPDATE, "public", NULL, "1");
	expect_route(intake, &event, "1 255");
	event = make(EVENT_UPDATE, "hashtag", "caturday", "2");
	expect_route(intake, &event, "2");
	event = make(EVENT_UPDATE, "hashtag", "dogs", "3");
	expect_route(intake, &event, "");
	event = make(EVENT_UPDATE, "public:media", NULL, "4");
	expect_route(intake, &event, "4");
	event = make(EVENT_UPDATE, NULL, NULL, "5");
	expect_route(intake, &event, "");
	event = make(EVENT_UPDATE, "public", NULL, "6");
	event.account = STR("other");
	expect_route(intake, &event, "3");
	unsigned one[1];
	event = make(EVENT_UPDATE, "public", NULL, "7");
	assert_int_equal(intake_route(intake, &event, one, 1), 1);
	assert_int_equal(one[0], 1);
	intake_destroy(intake);
}

static void
routes_an_event_of_two_streams_once(void **state)
{
	(void)state;
	struct intake *intake = create();
	intake_subscribe(intake, 0, ME, STR("public"), STR_NONE);
	intake_subscribe(intake, 0, ME, STR("hashtag"), STR("cats"));
	intake_subscribe(intake, 1, ME, STR("hashtag"), STR("cats"));
	struct event first = make(EVENT_UPDATE, "public", NULL, "42");
	struct event second = make(EVENT_UPDATE, "hashtag", "cats", "42");
	expect_route(intake, &first, "0");
	intake_mark(intake, 0, &first);
	expect_route(intake, &first, "");
	expect_route(intake, &second, "1");
	intake_mark(intake, 1, &second);
	expect_route(intake, &second, "");
	/* The same id as another kind is another event. */
	struct event removed = make(EVENT_DELETE, "public", NULL, "42");
	expect_route(intake, &removed, "0");
	intake_destroy(intake);
}

static void
keeps_accounts_and_servers_apart(void **state)
{
	(void)state;
	struct intake *intake = create();
	intake_set_host(intake, STR("same"), STR("mastodon.example"));
	intake_set_host(intake, STR("far"), STR("far.example"));
	const struct str accounts[] = {ME, STR("same"), STR("far")};
	for (unsigned i = 0; i < 3; i++) {
		intake_subscribe(intake, 0, accounts[i], STR("public"), STR_NONE);
		intake_subscribe(intake, 0, accounts[i], STR("user"), STR_NONE);
	}
	struct event mine = make(EVENT_UPDATE, "public", NULL, "7");
	intake_mark(intake, 0, &mine);
	struct event event = mine;
	event.account = accounts[1];
	expect_route(intake, &event, "");
	struct event far = mine;
	far.account = accounts[2];
	expect_route(intake, &far, "0");
	/* A personal stream has keys of its account. */
	struct event home = make(EVENT_UPDATE, "user", NULL, "7");
	expect_route(intake, &home, "0");
	intake_mark(intake, 0, &home);
	struct event other_home = home;
	other_home.account = accounts[1];
	expect_route(intake, &other_home, "0");
	struct buf scope;
	buf_init(&scope, 200);
	intake_scope(&home, STR("mastodon.example"), &scope);
	assert_string_equal(scope.ptr, "account:bot");
	buf_clear(&scope);
	intake_scope(&mine, STR("mastodon.example"), &scope);
	assert_string_equal(scope.ptr, "server:mastodon.example");
	buf_finish(&scope);
	intake_destroy(intake);
}

static void
passes_what_is_never_deduplicated(void **state)
{
	(void)state;
	struct intake *intake = create();
	intake_subscribe(intake, 0, ME, STR("user"), STR_NONE);
	static const enum event_kind kinds[] = {EVENT_ANNOUNCEMENT_REACTION, EVENT_FILTERS_CHANGED,
		EVENT_NOTIFICATIONS_MERGED, EVENT_UNKNOWN};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct event event = make(kinds[i], "user", NULL, "9");
		intake_mark(intake, 0, &event);
		expect_route(intake, &event, "0");
	}
	struct event nameless = make(EVENT_UPDATE, "user", NULL, NULL);
	intake_mark(intake, 0, &nameless);
	expect_route(intake, &nameless, "0");
	intake_destroy(intake);
}

static void
remembers_the_newest_events_of_each_instance(void **state)
{
	(void)state;
	struct intake *intake = create();
	intake_subscribe(intake, 0, ME, STR("public"), STR_NONE);
	intake_subscribe(intake, 1, ME, STR("public"), STR_NONE);
	static char ids[RING_EVENTS_MAX + 1][12];
	static struct event events[RING_EVENTS_MAX + 1];
	for (size_t i = 0; i <= RING_EVENTS_MAX; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "%zu", i);
		events[i] = make(EVENT_UPDATE, "public", NULL, ids[i]);
	}
	intake_mark(intake, 1, &events[0]);
	for (size_t i = 0; i < RING_EVENTS_MAX; i++) {
		intake_mark(intake, 0, &events[i]);
		intake_mark(intake, 0, &events[i]); /* twice uses one place */
	}
	expect_route(intake, &events[0], "");
	intake_mark(intake, 0, &events[RING_EVENTS_MAX]);
	expect_route(intake, &events[0], "0"); /* the oldest went; instance 1 still has it */
	expect_route(intake, &events[1], "1");
	expect_route(intake, &events[RING_EVENTS_MAX], "1");
	intake_forget(intake, 0);
	expect_route(intake, &events[1], "1");
	intake_subscribe(intake, 0, ME, STR("public"), STR_NONE);
	expect_route(intake, &events[1], "0 1"); /* a new plugin under an old number */
	intake_destroy(intake);
}

static void
lets_all_instances_hear_a_replay_once(void **state)
{
	(void)state;
	struct intake *intake = create();
	intake_subscribe(intake, 0, ME, STR("public"), STR_NONE);
	intake_subscribe(intake, 3, STR_NONE, STR_NONE, STR_NONE);
	struct event event = make(EVENT_UPDATE, "list", "12", "1");
	event.origin = ORIGIN_REPLAY;
	event.account = STR_NONE;
	expect_route(intake, &event, "0 3");
	intake_mark(intake, 3, &event);
	expect_route(intake, &event, "0");
	intake_destroy(intake);
}

static void
gives_events_back_in_order(void **state)
{
	(void)state;
	struct intake *intake = create();
	struct event a = make(EVENT_UPDATE, "public", NULL, "1");
	struct event b = make(EVENT_UPDATE, "public", NULL, "2");
	assert_null(intake_pop(intake));
	intake_push(intake, &a);
	intake_push(intake, &b);
	assert_int_equal(intake_count(intake), 2);
	assert_ptr_equal(intake_pop(intake), &a);
	assert_ptr_equal(intake_pop(intake), &b);
	assert_null(intake_pop(intake));
	intake_destroy(intake);
	assert_int_equal(a.refs, FOREVER); /* pushed and popped as given */
	intake_destroy(NULL);
}

static void
is_full_past_its_limits_until_half_is_gone(void **state)
{
	(void)state;
	struct intake *intake = create();
	struct event event = make(EVENT_UPDATE, "public", NULL, "1");
	for (size_t i = 0; i < QUEUE_EVENTS_MAX; i++) {
		intake_push(intake, &event);
	}
	assert_false(intake_full(intake));
	intake_push(intake, &event);
	assert_true(intake_full(intake));
	while (intake_count(intake) >= QUEUE_EVENTS_MAX / 2) {
		assert_true(intake_full(intake));
		(void)intake_pop(intake);
	}
	assert_false(intake_full(intake));
	while (intake_pop(intake) != NULL) {
	}
	/* By bytes: only the length is looked at. */
	event.payload = (struct str){"", QUEUE_BYTES_MAX / 4};
	for (int i = 0; i < 4; i++) {
		assert_false(intake_full(intake));
		intake_push(intake, &event);
	}
	assert_true(intake_full(intake));
	(void)intake_pop(intake);
	assert_true(intake_full(intake));
	(void)intake_pop(intake);
	(void)intake_pop(intake);
	assert_false(intake_full(intake));
	while (intake_pop(intake) != NULL) {
	}
	intake_destroy(intake);
}

static void
knows_who_had_an_event_first_however_long_ago(void **state)
{
	(void)state;
	struct intake *intake = create();
	struct event filters = make(EVENT_FILTERS_CHANGED, "user", NULL, "");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2 * RING_EVENTS_MAX; i++) {
			char id[16];
			snprintf(id, sizeof(id), "%d", i);
			struct event event = make(EVENT_UPDATE, "public", NULL, id);
			struct event edit = make(EVENT_STATUS_UPDATE, "public", NULL, id);
			assert_int_equal(intake_first(intake, 1, &event), round == 0);
			assert_int_equal(intake_first(intake, 1, &edit), round == 0);
			assert_int_equal(intake_first(intake, 2, &event), round == 0);
			assert_null(intake_pop(intake)); /* forgets the event by its address */
		}
		assert_true(intake_first(intake, 1, &filters)); /* never deduplicated */
	}
	struct event event = make(EVENT_UPDATE, "public", NULL, "7");
	intake_forget(intake, 1);
	assert_true(intake_first(intake, 1, &event));
	assert_false(intake_first(intake, 2, &event));
	intake_destroy(intake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_to_those_who_subscribed),
		cmocka_unit_test(routes_an_event_of_two_streams_once),
		cmocka_unit_test(keeps_accounts_and_servers_apart),
		cmocka_unit_test(passes_what_is_never_deduplicated),
		cmocka_unit_test(remembers_the_newest_events_of_each_instance),
		cmocka_unit_test(lets_all_instances_hear_a_replay_once),
		cmocka_unit_test(gives_events_back_in_order),
		cmocka_unit_test(knows_who_had_an_event_first_however_long_ago),
		cmocka_unit_test(is_full_past_its_limits_until_half_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
