/* SPDX-License-Identifier: MIT */
/* Outbox rows under their keys, and the journal. */
#include "scratch.h"

#include <string.h>

#include "buf.h"
#include "intents.h"

/* Borrowed literals in a struct that owns: never given to intent_finish. */
static struct intent
boost(const char *key, const char *lane, int64_t at)
{
	union {
		const char *in;
		char *out;
	} texts[] = {{key}, {lane}, {"cats"}, {"bot"}, {"boost"}, {"POST"}, {"/api"}};
	return (struct intent){.key = texts[0].out,
		.lane = texts[1].out,
		.instance = texts[2].out,
		.account = texts[3].out,
		.action = texts[4].out,
		.method = texts[5].out,
		.url = texts[6].out,
		.created_ms = at,
		.updated_ms = at};
}

static void
a_key_is_taken_once_for_all_time(void **state)
{
	struct scratch *scratch = *state;
	struct intent intent = boost("k1", "cats|a", 10);
	begin(scratch);
	assert_int_equal(intent_add(scratch->store, &intent), ERR_OK);
	assert_true(intent.row > 0);
	commit(scratch);
	scratch_reopen(scratch);
	struct intent again = boost("k1", "cats|a", 99);
	begin(scratch);
	assert_int_equal(intent_add(scratch->store, &again), ERR_EXISTS);
	commit(scratch); /* a taken key does not spoil the transaction */
	struct intent found = {0};
	assert_true(intent_get(scratch->store, "k1", &found));
	assert_int_equal(found.created_ms, 10);
	assert_string_equal(found.lane, "cats|a");
	assert_string_equal(found.action, "boost");
	assert_null(found.body);
	intent_finish(&found);
	assert_false(intent_get(scratch->store, "k2", &found));
}

static void
a_key_of_a_dropped_transaction_is_free_again(void **state)
{
	struct scratch *scratch = *state;
	struct intent intent = boost("k1", "cats|a", 10);
	begin(scratch);
	assert_int_equal(intent_add(scratch->store, &intent), ERR_OK);
	store_rollback(scratch->store);
	begin(scratch);
	assert_int_equal(intent_add(scratch->store, &intent), ERR_OK);
	commit(scratch);
}

static void
on_key(void *data, const struct intent *intent)
{
	(void)buf_printf(data, "%s ", intent->key);
}

static void
on_lane(void *data, const char *lane)
{
	(void)buf_printf(data, "%s ", lane);
}

static void
open_rows_come_in_order_by_lane_and_page(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	const char *keys[] = {"k0", "k1", "k2", "k3", "k4", "k5"};
	struct intent intents[6];
	for (int i = 0; i < 6; i++) {
		intents[i] = boost(keys[i], i % 2 == 0 ? "cats|a" : "cats|b", i);
		assert_int_equal(intent_add(scratch->store, &intents[i]), ERR_OK);
	}
	intents[2].state = INTENT_DONE;
	intent_update(scratch->store, &intents[2]);
	commit(scratch);
	struct buf out;
	buf_init(&out, 256);
	struct intent_page page = {.limit = 3};
	intent_each_open(scratch->store, &page, on_key, &out);
	assert_string_equal(out.ptr, "k0 k1 k3 ");
	buf_clear(&out);
	page = (struct intent_page){.after_row = intents[0].row, .limit = 9, .lane = "cats|a"};
	intent_each_open(scratch->store, &page, on_key, &out);
	assert_string_equal(out.ptr, "k4 ");
	buf_clear(&out);
	intent_each_lane(scratch->store, on_lane, &out);
	assert_string_equal(out.ptr, "cats|a cats|b ");
	assert_int_equal(intent_count_open(scratch->store), 5);
	buf_finish(&out);
}

static void
an_outcome_is_kept(void **state)
{
	struct scratch *scratch = *state;
	struct intent intent = boost("k1", "cats|a", 10);
	char words[] = "Record not found", url[] = "https://s.example/@bot/1";
	begin(scratch);
	assert_int_equal(intent_add(scratch->store, &intent), ERR_OK);
	intent.state = INTENT_FAILED;
	intent.attempts = 2;
	intent.status = 404;
	intent.outcome = words;
	intent.made_url = url;
	intent.updated_ms = 20;
	intent_update(scratch->store, &intent);
	commit(scratch);
	scratch_reopen(scratch);
	struct intent found = {0};
	assert_true(intent_get(scratch->store, "k1", &found));
	assert_int_equal(found.state, INTENT_FAILED);
	assert_int_equal(found.attempts, 2);
	assert_int_equal(found.status, 404);
	assert_string_equal(found.outcome, "Record not found");
	assert_string_equal(found.made_url, "https://s.example/@bot/1");
	assert_int_equal(found.updated_ms, 20);
	intent_finish(&found);
}

static void
counts_what_did_not_fail_in_a_rolling_window(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	const char *keys[] = {"k0", "k1", "k2", "k3"};
	for (int i = 0; i < 4; i++) {
		struct intent intent = boost(keys[i], "cats|a", i * 10);
		intent.state = i == 3 ? INTENT_FAILED : INTENT_OPEN;
		assert_int_equal(intent_add(scratch->store, &intent), ERR_OK);
	}
	assert_int_equal(intent_count(scratch->store, "cats", "boost", -1), 3);
	assert_int_equal(intent_count(scratch->store, "cats", "boost", 0), 2);
	assert_int_equal(intent_count(scratch->store, "cats", "boost", 20), 0);
	assert_int_equal(intent_count(scratch->store, "cats", "reply", -1), 0);
	assert_int_equal(intent_count(scratch->store, "dogs", "boost", -1), 0);
	commit(scratch);
}

static void
knows_what_another_row_made(void **state)
{
	struct scratch *scratch = *state;
	struct intent done = boost("k1", "cats|a", INTENT_MADE_SPAN_MS);
	char made[] = "991";
	done.state = INTENT_DONE;
	done.outcome = made;
	begin(scratch);
	assert_int_equal(intent_add(scratch->store, &done), ERR_OK);
	commit(scratch);
	struct intent like = boost("k2", "cats|a", INTENT_MADE_SPAN_MS + 5);
	assert_true(intent_made(scratch->store, &like, STR("991")));
	assert_false(intent_made(scratch->store, &like, STR("992")));
	like.created_ms = 3 * (int64_t)INTENT_MADE_SPAN_MS;
	assert_false(intent_made(scratch->store, &like, STR("991")));
}

static void
pruning_never_takes_open_rows(void **state)
{
	struct scratch *scratch = *state;
	struct intent open = boost("k1", "cats|a", 1);
	struct intent ended = boost("k2", "cats|a", 1);
	ended.state = INTENT_DONE;
	begin(scratch);
	assert_int_equal(intent_add(scratch->store, &open), ERR_OK);
	assert_int_equal(intent_add(scratch->store, &ended), ERR_OK);
	assert_int_equal(intent_prune(scratch->store, 1, 10), 0);
	assert_int_equal(intent_prune(scratch->store, 100, 10), 1);
	commit(scratch);
	assert_int_equal(intent_count_open(scratch->store), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_key_is_taken_once_for_all_time),
		SCRATCH_TEST(a_key_of_a_dropped_transaction_is_free_again),
		SCRATCH_TEST(open_rows_come_in_order_by_lane_and_page),
		SCRATCH_TEST(an_outcome_is_kept),
		SCRATCH_TEST(counts_what_did_not_fail_in_a_rolling_window),
		SCRATCH_TEST(knows_what_another_row_made),
		SCRATCH_TEST(pruning_never_takes_open_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
