/* SPDX-License-Identifier: MIT */
/* Work that a turn did not finish comes back after a restart, in order, once. */
#include "folder.h"

#include "decode.h"
#include "inbox.h"
#include "limits.h"

static const char *const keys[] = {"on update", "on update #2", "=cats"};

struct bench {
	struct store *store;
	struct json_parser *parser;
	struct inbox inbox;
};

static struct bench
bench_open(const char *folder)
{
	char error[1024];
	char *path = file_join(folder, "moontusk.db");
	struct bench bench = {
		.store = store_open(path, NULL, error), .parser = json_parser_create()};
	free(path);
	assert_non_null(bench.store);
	inbox_init(&bench.inbox, "cats");
	inbox_recount(&bench.inbox, bench.store);
	inbox_load(&bench.inbox, bench.store, bench.parser);
	return bench;
}

static void
bench_close(struct bench *bench)
{
	inbox_finish(&bench->inbox);
	store_close(bench->store);
	json_parser_destroy(bench->parser);
}

static void
push(struct bench *bench, unsigned number)
{
	char *line = xasprintf(
		"{\"kind\":\"update\",\"stream\":[\"public\"],\"origin\":\"live\","
		"\"received_at\":\"2026-11-20T12:00:00.000Z\",\"payload\":{\"id\":\"%u\",\"content\":\"x\"}}",
		number);
	struct decode_context context = {.parser = bench->parser};
	struct decode_output out;
	assert_int_equal(decode_line(&context, str_from(line), &out), DECODE_EVENT);
	inbox_push(&bench->inbox, out.event, keys[number % 3], xstrdup("{\"line\":1}"));
	event_unref(out.event);
	free(line);
}

static void
save(struct bench *bench)
{
	assert_true(store_begin(bench->store));
	inbox_save(&bench->inbox, bench->store, 1);
	assert_true(store_commit(bench->store));
}

/* Takes the first work, which must be `number`, and ends it. */
static void
expect(struct bench *bench, unsigned number)
{
	struct work *work = inbox_first(&bench->inbox, 1, 1);
	assert_non_null(work);
	char *id = str_dup(work->event->id);
	char *wanted = xasprintf("%u", number);
	assert_string_equal(id, wanted);
	assert_string_equal(work->key, keys[number % 3]);
	assert_string_equal(work->matched, "{\"line\":1}");
	free(id);
	free(wanted);
	assert_true(store_begin(bench->store));
	inbox_done(&bench->inbox, bench->store, work);
	assert_true(store_commit(bench->store));
}

static void
saved_work_comes_back_in_order_and_only_once(void **state)
{
	struct bench bench = bench_open(*state);
	for (unsigned i = 0; i < 5; i++)
		push(&bench, i);
	save(&bench);
	expect(&bench, 0);
	expect(&bench, 1);
	bench_close(&bench);
	bench = bench_open(*state);
	assert_int_equal(bench.inbox.waiting, 3);
	for (unsigned i = 2; i < 5; i++)
		expect(&bench, i);
	assert_int_equal(bench.inbox.waiting, 0);
	assert_null(inbox_first(&bench.inbox, 1, 1));
	bench_close(&bench);
	bench = bench_open(*state);
	assert_null(inbox_first(&bench.inbox, 1, 1));
	bench_close(&bench);
}

static void
a_long_queue_waits_in_the_store_and_loses_nothing(void **state)
{
	struct bench bench = bench_open(*state);
	const unsigned all = 2 * INBOX_LOAD_MAX + 7;
	for (unsigned i = 0; i < all; i++)
		push(&bench, i);
	save(&bench);
	assert_int_equal(bench.inbox.count, INBOX_LOAD_MAX);
	assert_int_equal(bench.inbox.waiting, all);
	for (unsigned i = 0; i < all; i++) {
		inbox_load(&bench.inbox, bench.store, bench.parser);
		expect(&bench, i);
	}
	inbox_load(&bench.inbox, bench.store, bench.parser);
	assert_null(inbox_first(&bench.inbox, 1, 1));
	bench_close(&bench);
}

/* What is pushed while older rows wait in the store must not overtake them. */
static void
new_work_does_not_overtake_what_waits_in_the_store(void **state)
{
	struct bench bench = bench_open(*state);
	const unsigned first = INBOX_LOAD_MAX + 3;
	for (unsigned i = 0; i < first; i++)
		push(&bench, i);
	save(&bench);
	expect(&bench, 0);
	push(&bench, first);
	save(&bench);
	for (unsigned i = 1; i <= first; i++) {
		inbox_load(&bench.inbox, bench.store, bench.parser);
		expect(&bench, i);
	}
	inbox_load(&bench.inbox, bench.store, bench.parser);
	assert_null(inbox_first(&bench.inbox, 1, 1));
	bench_close(&bench);
}

static unsigned
id_of(const struct work *work)
{
	int64_t number = -1;
	assert_non_null(work);
	assert_true(str_to_int(work->event->id, 0, INT64_MAX, &number));
	return (unsigned)number;
}

static void
done(struct bench *bench, struct work *work)
{
	assert_true(store_begin(bench->store));
	inbox_done(&bench->inbox, bench->store, work);
	assert_true(store_commit(bench->store));
}

static void
several_events_are_in_work_but_one_handler_of_each(void **state)
{
	struct bench bench = bench_open(*state);
	struct inbox *inbox = &bench.inbox;
	for (unsigned i = 0; i < 4; i++)
		push(&bench, i);
	/* Event 0 has a second handler. */
	struct work *first = inbox_first(inbox, 2, 1), *second = first->next;
	event_unref(second->event);
	second->event = event_ref(first->event);
	inbox_run(inbox, first, true);
	assert_null(inbox_first(inbox, 1, 1));
	struct work *other = inbox_first(inbox, 2, 1);
	assert_int_equal(id_of(other), 2);
	inbox_run(inbox, other, true);
	assert_null(inbox_first(inbox, 2, 1));
	assert_int_equal(id_of(inbox_first(inbox, 3, 1)), 3);
	done(&bench, first);
	assert_ptr_equal(inbox_first(inbox, 2, 1), second);
	done(&bench, second);
	assert_int_equal(id_of(inbox_first(inbox, 2, 1)), 3);
	inbox_run(inbox, other, false); /* to be run again */
	assert_ptr_equal(inbox_first(inbox, 1, 1), other);
	bench_close(&bench);
}

static void
what_waits_in_the_store_comes_while_a_handler_waits(void **state)
{
	struct bench bench = bench_open(*state);
	struct inbox *inbox = &bench.inbox;
	push(&bench, 1);
	struct work *slow = inbox_first(inbox, 2, 1);
	inbox_run(inbox, slow, true);
	for (unsigned i = 2; i <= INBOX_LOAD_MAX + 50; i++)
		push(&bench, i);
	save(&bench);
	for (unsigned i = 2; i <= INBOX_LOAD_MAX + 50; i++) {
		inbox_load(inbox, bench.store, bench.parser);
		struct work *work = inbox_first(inbox, 2, 1);
		assert_int_equal(id_of(work), i);
		done(&bench, work);
		if (i % 100 == 0)
			save(&bench);
	}
	inbox_load(inbox, bench.store, bench.parser);
	assert_null(inbox_first(inbox, 2, 1));
	assert_int_equal(inbox->count, 1);
	done(&bench, slow);
	assert_int_equal(inbox->running, 0);
	bench_close(&bench);
}

static void
what_failed_waits_for_its_time_in_its_place_over_a_restart(void **state)
{
	struct bench bench = bench_open(*state);
	push(&bench, 1);
	push(&bench, 2);
	push(&bench, 3);
	save(&bench);
	struct work *work = inbox_first(&bench.inbox, 1, 1000);
	assert_int_equal(id_of(work), 1);
	assert_true(store_begin(bench.store));
	inbox_retry(&bench.inbox, bench.store, work, 5000);
	assert_true(store_commit(bench.store));
	assert_null(inbox_first(&bench.inbox, 1, 4999)); /* nothing overtakes it */
	assert_int_equal(
		id_of(inbox_first(&bench.inbox, 2, 4999)), 2); /* but where several are at work */
	bench_close(&bench);
	bench = bench_open(*state);
	assert_int_equal(inbox_next_due(&bench.inbox), 5000);
	assert_null(inbox_first(&bench.inbox, 1, 4999));
	work = inbox_first(&bench.inbox, 1, 5000);
	assert_int_equal(id_of(work), 1);
	assert_int_equal(work->tries, 1);
	inbox_run(&bench.inbox, work, true);
	assert_int_equal(bench.inbox.retrying, 0);
	done(&bench, work);
	assert_int_equal(inbox_next_due(&bench.inbox), INT64_MAX);
	assert_int_equal(id_of(inbox_first(&bench.inbox, 1, 5000)), 2);
	bench_close(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(saved_work_comes_back_in_order_and_only_once,
			folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_long_queue_waits_in_the_store_and_loses_nothing,
			folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(new_work_does_not_overtake_what_waits_in_the_store,
			folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(several_events_are_in_work_but_one_handler_of_each,
			folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(what_waits_in_the_store_comes_while_a_handler_waits,
			folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			what_failed_waits_for_its_time_in_its_place_over_a_restart, folder_setup,
			folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
