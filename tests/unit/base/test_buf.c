/* SPDX-License-Identifier: MIT */
/* Tests of the byte buffer. */
#include "buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
grows_and_stays_nul_ended(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 100000);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(buf_add_char(&buf, 'a'), ERR_OK);
		assert_int_equal(buf.ptr[buf.len], '\0');
	}
	assert_int_equal(buf.len, 10000);
	buf_finish(&buf);
}

static void
fills_to_the_last_byte_and_fails_at_the_next(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 8);
	assert_int_equal(buf_add_text(&buf, "12345678"), ERR_OK);
	assert_int_equal(buf_add_char(&buf, '9'), ERR_TOO_BIG);
	assert_null(buf.ptr);
	assert_int_equal(buf_add_char(&buf, '1'), ERR_TOO_BIG);
	assert_null(buf_str(&buf).ptr);
	assert_null(buf_take(&buf, NULL));
	buf_clear(&buf);
	assert_int_equal(buf_add_char(&buf, '1'), ERR_OK);
	buf_finish(&buf);
}

static void
prints_short_and_long_texts(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 5000);
	assert_int_equal(buf_printf(&buf, "%d-%s", 42, "x"), ERR_OK);
	assert_string_equal(buf.ptr, "42-x");
	buf_clear(&buf);
	assert_int_equal(buf_printf(&buf, "%0300d|", 7), ERR_OK);
	assert_int_equal(buf.len, 301);
	assert_int_equal(buf.ptr[299], '7');
	assert_int_equal(buf_printf(&buf, "%05000d", 7), ERR_TOO_BIG);
	buf_finish(&buf);
}

static void
drops_and_cuts(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	(void)buf_add_text(&buf, "abcdef");
	buf_drop_front(&buf, 2);
	assert_string_equal(buf.ptr, "cdef");
	buf_truncate(&buf, 1);
	assert_string_equal(buf.ptr, "c");
	buf_drop_front(&buf, 1);
	assert_int_equal(buf.len, 0);
	buf_finish(&buf);
}

static void
gives_its_memory_away_and_starts_again(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	size_t len = 99;
	char *empty = buf_take(&buf, &len);
	assert_string_equal(empty, "");
	assert_int_equal(len, 0);
	free(empty);
	(void)buf_add(&buf, "a\0b", 3);
	char *text = buf_take(&buf, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b", 4);
	free(text);
	assert_non_null(buf_str(&buf).ptr);
	assert_int_equal(buf_str(&buf).len, 0);
	buf_finish(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_nul_ended),
		cmocka_unit_test(fills_to_the_last_byte_and_fails_at_the_next),
		cmocka_unit_test(prints_short_and_long_texts),
		cmocka_unit_test(drops_and_cuts),
		cmocka_unit_test(gives_its_memory_away_and_starts_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
