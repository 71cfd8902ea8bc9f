/* SPDX-License-Identifier: MIT */
/* Seen keys, tombstones and open deliveries survive what they must. */
#include "scratch.h"

#include "seen.h"

static const struct seen_key SEEN = {.instance = "cats",
	.scope = {"server:a.example", 16},
	.kind = {"update", 6},
	.id = {"115", 3}};

static void
a_key_differs_by_each_of_its_parts(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	assert_true(seen_add(scratch->store, &SEEN, 1000));
	assert_false(seen_add(scratch->store, &SEEN, 2000)); /* again is no error */
	commit(scratch);
	scratch_reopen(scratch);
	assert_true(seen_has(scratch->store, &SEEN));
	struct seen_key other[5] = {SEEN, SEEN, SEEN, SEEN, SEEN};
	other[0].instance = "dogs";
	other[1].scope = STR("server:b.example");
	other[2].kind = STR("status.update");
	other[3].id = STR("116");
	other[4].version = STR("v2");
	for (size_t i = 0; i < 5; i++) {
		assert_false(seen_has(scratch->store, &other[i]));
	}
	struct seen_key empty = SEEN;
	empty.version = STR(""); /* absent and empty are the same here */
	assert_true(seen_has(scratch->store, &empty));
}

static void
pruning_takes_the_oldest_first_and_no_more_than_asked(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	const char *ids = "0123456789";
	struct seen_key key = SEEN;
	for (int i = 0; i < 10; i++) {
		key.id = (struct str){ids + i, 1};
		seen_add(scratch->store, &key, 1000 + i);
	}
	assert_int_equal(seen_prune(scratch->store, 1008, 3), 3);
	assert_int_equal(seen_prune(scratch->store, 1008, 100), 5);
	assert_int_equal(seen_prune(scratch->store, 1008, 100), 0);
	key.id = STR("7");
	assert_false(seen_has(scratch->store, &key));
	key.id = STR("8");
	assert_true(seen_has(scratch->store, &key));
	commit(scratch);
}

struct posts {
	struct buf text;
	unsigned left;
};

static bool
note_post(void *data, const struct seen_post *post)
{
	struct posts *posts = data;
	if (posts->left == 0)
		return false;
	posts->left--;
	(void)buf_printf(&posts->text, "%s %.*s %.*s\n", post->instance, STR_ARG(post->scope),
		STR_ARG(post->id));
	return true;
}

static void
posts_are_walked_by_row_and_nothing_but_posts_that_are_old_enough(void **state)
{
	struct scratch *scratch = *state;
	static const char *const kinds[] = {
		"update", "notification", "status.update", "delete", "update", "update"};
	struct posts posts = {.left = 10};
	buf_init(&posts.text, 1000);
	assert_int_equal(seen_last_row(scratch->store), 0);
	begin(scratch);
	struct seen_key key = SEEN;
	for (size_t i = 0; i < 6; i++) {
		char id[2] = {(char)('0' + i), '\0'};
		key.id = str_from(id);
		key.kind = str_from(kinds[i]);
		seen_add(scratch->store, &key, 1000 + (int64_t)i);
	}
	commit(scratch);
	seen_each_post(scratch->store, 0, 1004, 10, note_post, &posts);
	assert_string_equal(posts.text.ptr,
		"cats server:a.example 0\ncats server:a.example 2\ncats server:a.example 4\n");
	buf_clear(&posts.text);
	seen_each_post(scratch->store, 1, 9999, 2, note_post, &posts);
	assert_string_equal(posts.text.ptr, "cats server:a.example 2\ncats server:a.example 4\n");
	assert_int_equal(seen_last_row(scratch->store), 6);
	buf_finish(&posts.text);
}

struct found {
	struct store *store;
	int64_t rows[8];
	unsigned count, wanted;
	char line[64];
};

static bool
on_delivery(void *data, const struct delivery *delivery)
{
	struct found *found = data;
	found->rows[found->count++] = delivery->row;
	snprintf(found->line, sizeof(found->line), "%.*s|%.*s|%.*s", STR_ARG(delivery->line),
		STR_ARG(delivery->matched), STR_ARG(delivery->key));
	return found->count < found->wanted;
}

static void
deliveries_come_back_in_order_and_in_pages(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	struct delivery delivery = {.instance = "cats",
		.key = STR("on update"),
		.line = STR("{\"kind\":1}"),
		.matched = STR("{}"),
		.created_ms = 5};
	int64_t rows[3];
	for (int i = 0; i < 3; i++) {
		delivery_add(scratch->store, &delivery);
		rows[i] = delivery.row;
	}
	delivery.instance = "dogs";
	delivery_add(scratch->store, &delivery);
	commit(scratch);
	scratch_reopen(scratch);
	struct found found = {.wanted = 2};
	delivery_each(scratch->store, "cats", 0, on_delivery, &found);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.rows[0], rows[0]);
	assert_string_equal(found.line, "{\"kind\":1}|{}|on update");
	delivery_each(scratch->store, "cats", found.rows[1], on_delivery, &found);
	assert_int_equal(found.count, 3);
	assert_int_equal(found.rows[2], rows[2]);
	begin(scratch);
	delivery_delete(scratch->store, rows[0]);
	commit(scratch);
	found = (struct found){.wanted = 8};
	delivery_each(scratch->store, "cats", 0, on_delivery, &found);
	assert_int_equal(found.count, 2);
}

static void
count_key(void *data, struct str key)
{
	int *count = data;
	assert_true(str_eq_text(key, "new") || str_eq_text(key, "kept"));
	++*count;
}

static void
deliveries_change_their_key_together(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	struct delivery delivery = {.instance = "cats", .key = STR("old"), .line = STR("x")};
	delivery_add(scratch->store, &delivery);
	delivery_add(scratch->store, &delivery);
	delivery.key = STR("kept");
	delivery_add(scratch->store, &delivery);
	delivery_rename(scratch->store, "cats", STR("old"), STR("new"));
	delivery_rename(scratch->store, "dogs", STR("kept"), STR("new"));
	commit(scratch);
	int count = 0;
	delivery_each_key(scratch->store, "cats", count_key, &count);
	assert_int_equal(count, 2);
}

static void
a_row_number_is_never_used_again(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	struct delivery delivery = {.instance = "cats", .line = STR("x")};
	delivery_add(scratch->store, &delivery);
	int64_t first = delivery.row;
	delivery_delete(scratch->store, first);
	commit(scratch);
	scratch_reopen(scratch);
	begin(scratch);
	delivery_add(scratch->store, &delivery);
	commit(scratch);
	assert_true(delivery.row > first);
}

static bool
on_outer(void *data, const struct delivery *delivery)
{
	struct found *inner = data;
	(void)delivery;
	delivery_each(inner->store, "cats", 0, on_delivery, inner);
	return true;
}

static void
a_callback_may_ask_the_same_question(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	struct delivery delivery = {.instance = "cats", .line = STR("x")};
	delivery_add(scratch->store, &delivery);
	delivery_add(scratch->store, &delivery);
	commit(scratch);
	struct found inner = {.store = scratch->store, .wanted = 8};
	delivery_each(scratch->store, "cats", 0, on_outer, &inner);
	assert_int_equal(inner.count, 4);
}

static void
remembers_what_was_deleted(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	tombstone_add(scratch->store, STR("server:a.example"), STR("100"), 1000);
	tombstone_add(scratch->store, STR("server:a.example"), STR("100"),
		5000); /* the first one stands */
	tombstone_add(scratch->store, STR("server:a.example"), STR("200"), 2000);
	commit(scratch);
	scratch_reopen(scratch);
	assert_true(tombstone_has(scratch->store, STR("server:a.example"), STR("100")));
	assert_false(tombstone_has(scratch->store, STR("server:b.example"), STR("100")));
	assert_false(tombstone_has(scratch->store, STR("server:a.example"), STR("1")));
	begin(scratch);
	assert_int_equal(tombstone_prune(scratch->store, 1500, 10), 1);
	commit(scratch);
	assert_false(tombstone_has(scratch->store, STR("server:a.example"), STR("100")));
	assert_true(tombstone_has(scratch->store, STR("server:a.example"), STR("200")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_key_differs_by_each_of_its_parts),
		SCRATCH_TEST(pruning_takes_the_oldest_first_and_no_more_than_asked),
		SCRATCH_TEST(posts_are_walked_by_row_and_nothing_but_posts_that_are_old_enough),
		SCRATCH_TEST(deliveries_come_back_in_order_and_in_pages),
		SCRATCH_TEST(deliveries_change_their_key_together),
		SCRATCH_TEST(a_row_number_is_never_used_again),
		SCRATCH_TEST(a_callback_may_ask_the_same_question),
		SCRATCH_TEST(remembers_what_was_deleted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
