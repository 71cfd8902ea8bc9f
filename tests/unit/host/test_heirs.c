/* SPDX-License-Identifier: MIT */
/* Who takes what waits for a handler when the plugin's handlers have changed. */
#include "heirs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "xmalloc.h"

static void
expect(const char *before, const char *after, const char *key, const char *expected)
{
	char *old_text = xstrdup(before), *new_text = xstrdup(after);
	struct key_list old_keys = key_list_split(old_text), new_keys = key_list_split(new_text);
	struct buf out;
	buf_init(&out, 4096);
	heirs_map(&old_keys, &new_keys, str_from(key), &out);
	assert_string_equal(out.ptr, expected);
	buf_finish(&out);
	free(old_keys.list);
	free(new_keys.list);
	free(old_text);
	free(new_text);
}

static void
a_handler_that_is_still_there_keeps_its_work(void **state)
{
	(void)state;
	expect("a\nb", "b\na", "a", "a");
	expect("a\nb", "c\na", "a", "a");
	expect("", "a", "a", "a");
}

static void
as_many_gone_as_new_are_pairs_in_order(void **state)
{
	(void)state;
	expect("a\nb", "x\ny", "a", "?x");
	expect("a\nb", "x\ny", "b", "?y");
	expect("a\nkept\nb", "x\nkept\ny", "b", "?y");
}

static void
a_handler_that_was_split_is_asked_for_in_all_parts(void **state)
{
	(void)state;
	expect("a\nkept", "x\ny\nkept", "a", "?x\ny");
}

static void
a_handler_that_was_taken_out_has_no_heir(void **state)
{
	(void)state;
	expect("a\nkept", "kept", "a", "?");
	expect("a", "", "a", "?");
}

static void
work_that_waits_over_two_changes_finds_the_heirs_of_heirs(void **state)
{
	(void)state;
	expect("x\ny", "x\nz", "?x\ny", "?x\nz");
	expect("x\ny", "z", "?x\ny", "?z");
	expect("x", "x", "?", "?");
}

static void
a_key_that_nobody_knew_goes_to_those_who_are_new(void **state)
{
	(void)state;
	expect("a", "a\nb", "lost", "?b");
	expect("", "a\nb", "lost", "?a\nb");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handler_that_is_still_there_keeps_its_work),
		cmocka_unit_test(as_many_gone_as_new_are_pairs_in_order),
		cmocka_unit_test(a_handler_that_was_split_is_asked_for_in_all_parts),
		cmocka_unit_test(a_handler_that_was_taken_out_has_no_heir),
		cmocka_unit_test(work_that_waits_over_two_changes_finds_the_heirs_of_heirs),
		cmocka_unit_test(a_key_that_nobody_knew_goes_to_those_who_are_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
