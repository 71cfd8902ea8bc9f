/* SPDX-License-Identifier: MIT */
/* The journal: read by event and whole, written in groups without losing order, taken back with its transaction. */
#include "scratch.h"

#include <string.h>

#include "buf.h"
#include "journal.h"

static void
on_entry(void *data, const struct journal_entry *entry)
{
	(void)buf_printf(data, "%lld %s %s %.*s %.*s\n", (long long)entry->at_ms,
		entry->instance != NULL ? entry->instance : "-", entry->what,
		STR_ARG(entry->event_key), STR_ARG(entry->detail));
}

static void
the_journal_is_read_by_event(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	journal_add(scratch->store,
		&(struct journal_entry){1, "cats", "handled", STR("update:1"), STR("{}")});
	journal_add(scratch->store, &(struct journal_entry){2, NULL, "loaded", STR_NONE, STR_NONE});
	journal_add(scratch->store,
		&(struct journal_entry){3, "cats", "action", STR("update:2"), STR("[1]")});
	commit(scratch);
	scratch_reopen(scratch);
	struct buf out;
	buf_init(&out, 1024);
	journal_each(scratch->store, STR("update:2"), on_entry, &out);
	assert_string_equal(out.ptr, "3 cats action update:2 [1]\n");
	buf_clear(&out);
	journal_each(scratch->store, STR_NONE, on_entry, &out);
	assert_string_equal(
		out.ptr, "1 cats handled update:1 {}\n2 - loaded  \n3 cats action update:2 [1]\n");
	begin(scratch);
	assert_int_equal(journal_prune(scratch->store, 3, 100), 2);
	commit(scratch);
	buf_clear(&out);
	journal_each(scratch->store, STR_NONE, on_entry, &out);
	assert_string_equal(out.ptr, "3 cats action update:2 [1]\n");
	buf_finish(&out);
}

static void
add(struct scratch *scratch, int64_t at_ms, struct str detail)
{
	journal_add(scratch->store,
		&(struct journal_entry){at_ms, "cats", "handled", STR("update:1"), detail});
}

struct order {
	int64_t next_ms;
	size_t longest;
};

static void
check_order(void *data, const struct journal_entry *entry)
{
	struct order *order = data;
	assert_int_equal(entry->at_ms, order->next_ms);
	order->next_ms++;
	order->longest = entry->detail.len > order->longest ? entry->detail.len : order->longest;
}

static void
any_number_of_rows_keeps_its_order(void **state)
{
	struct scratch *scratch = *state;
	size_t len = 100000;
	char *big = xmalloc(len);
	memset(big, 'x', len);
	int64_t now_ms = 0;
	begin(scratch);
	for (int i = 0; i < 100; i++) {
		/* Most are held back for a while; one with a whole event in it is not. */
		add(scratch, now_ms++, i % 30 == 7 ? (struct str){big, len} : STR("{\"line\":4}"));
	}
	struct order order = {0};
	journal_each(scratch->store, STR_NONE, check_order, &order); /* also before the commit */
	assert_int_equal(order.next_ms, now_ms);
	add(scratch, now_ms++, STR(""));
	commit(scratch);
	scratch_reopen(scratch);
	order = (struct order){0};
	journal_each(scratch->store, STR("update:1"), check_order, &order);
	assert_int_equal(order.next_ms, now_ms);
	assert_int_equal(order.longest, len);
	free(big);
}

static void
a_rollback_takes_back_what_was_held(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	add(scratch, 5, STR("{}"));
	store_rollback(scratch->store);
	begin(scratch);
	add(scratch, 0, STR("{}"));
	commit(scratch);
	struct order order = {0};
	journal_each(scratch->store, STR_NONE, check_order, &order);
	assert_int_equal(order.next_ms, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(the_journal_is_read_by_event),
		SCRATCH_TEST(any_number_of_rows_keeps_its_order),
		SCRATCH_TEST(a_rollback_takes_back_what_was_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
