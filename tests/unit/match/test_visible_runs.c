/* SPDX-License-Identifier: MIT */
/* Text that is shown as it is, taken in runs: the same wherever in it something else stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "buf.h"
#include "visible.h"

/* Runs are read eight bytes at a time: each piece stands at each place of such eight once. */
static void
shows_what_stands_in_a_run_wherever_it_stands(void **state)
{
	static const struct {
		struct str html, shown;
	} rows[] = {
		{{"x", 1}, {"x", 1}},
		{{" x", 2}, {" x", 2}},
		{{"  x", 3}, {" x", 2}},
		{{" \n x", 4}, {" x", 2}},
		{{"\tx", 2}, {" x", 2}},
		{{"&amp;x", 6}, {"&x", 2}},
		{{" &amp; x", 8}, {" & x", 4}},
		{{"&x", 2}, {"&x", 2}},
		{{"&#32; x", 7}, {" x", 2}},
		{{"\0x", 2}, {"x", 1}},
		{{" \0 x", 4}, {" x", 2}},
		{{"\x01!x", 3}, {"\x01!x", 3}},
		{{" !\" x", 5}, {" !\" x", 5}},
		{{"\xc2\xa0x", 3}, {"\xc2\xa0x", 3}},
		{{" <b>x</b>", 9}, {" x", 2}},
		{{" <br> x", 7}, {"\nx", 2}},
	};
	static const char filler[] = "a bc def ghijkl mnopqrstuvw xyz";
	struct buf html, shown, out;
	(void)state;

	buf_init(&html, 256);
	buf_init(&shown, 256);
	buf_init(&out, 256);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t before = 1; before < sizeof(filler); before++) {
			if (filler[before - 1] == ' ')
				continue;
			buf_clear(&html);
			buf_clear(&shown);
			buf_clear(&out);
			buf_add(&html, filler, before);
			buf_add_str(&html, rows[i].html);
			buf_add_text(&html, filler);
			buf_add(&shown, filler, before);
			buf_add_str(&shown, rows[i].shown);
			buf_add_text(&shown, filler);
			visible_text(buf_str(&html), &out);
			if (!str_eq(buf_str(&out), buf_str(&shown)))
				fail_msg("row %zu behind %zu bytes: \"%s\"", i, before, out.ptr);
		}
	}
	buf_finish(&html);
	buf_finish(&shown);
	buf_finish(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_what_stands_in_a_run_wherever_it_stands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
