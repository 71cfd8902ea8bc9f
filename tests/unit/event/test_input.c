/* SPDX-License-Identifier: MIT */
/* Files of lines come out whole: any line ends, any length, packed or plain, broken off or damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include "buf.h"
#include "input.h"

struct seen {
	struct buf lines; /* each followed by '|' */
	unsigned too_long, count;
	uint64_t too_long_at;
	enum input_result end;
	char error[MESSAGE_MAX];
};

static void
read_all(struct seen *seen, const void *bytes, size_t len)
{
	char path[] = "/tmp/moontusk-input-XXXXXX", error[MESSAGE_MAX];
	int fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
	struct input *input = input_open(path, error);
	assert_non_null(input);
	*seen = (struct seen){.count = 0};
	buf_init(&seen->lines, 1u << 30);
	struct input_block block = {0};
	while ((seen->end = input_next(input, &block)) == INPUT_LINES) {
		struct str rest = {block.text, block.len}, line;
		assert_int_equal(block.first_line, seen->count + 1);
		seen->too_long += block.too_long;
		seen->count += block.too_long;
		seen->too_long_at = block.too_long ? block.first_line : seen->too_long_at;
		while (input_line(&rest, &line)) {
			buf_add_str(&seen->lines, line);
			buf_add_char(&seen->lines, '|');
			seen->count++;
		}
	}
	if (seen->end == INPUT_FAILED)
		snprintf(seen->error, sizeof(seen->error), "%s", input_error(input));
	else
		assert_int_equal(input_used(input), len);
	input_block_finish(&block);
	input_close(input);
	unlink(path);
}

static size_t
pack(char *out, size_t size, const char *text, size_t len)
{
	size_t packed = ZSTD_compress(out, size, text, len, 3);
	assert_false(ZSTD_isError(packed));
	return packed;
}

static void
takes_any_line_end_and_nul_bytes(void **state)
{
	(void)state;
	static const char text[] = "a\r\nb\0c\n\n\r\nlast";
	struct seen seen;
	read_all(&seen, text, sizeof(text) - 1);
	assert_int_equal(seen.end, INPUT_END);
	assert_int_equal(seen.lines.len, 13);
	assert_memory_equal(seen.lines.ptr, "a|b\0c|||last|", 13);
	buf_finish(&seen.lines);
	read_all(&seen, "", 0);
	assert_int_equal(seen.end, INPUT_END);
	assert_int_equal(seen.count, 0);
	buf_finish(&seen.lines);
}

static void
skips_a_line_that_is_too_long_and_goes_on(void **state)
{
	(void)state;
	struct buf text;
	struct seen seen;
	buf_init(&text, 1u << 30);
	buf_add_text(&text, "one\ntwo\n");
	for (unsigned i = 0; i < 2 * EVENT_LINE_MAX / 16; i++)
		buf_add_text(&text, "0123456789abcdef");
	buf_add_text(&text, "\nfour\nfive");
	read_all(&seen, text.ptr, text.len);
	assert_string_equal(seen.lines.ptr, "one|two|four|five|");
	assert_int_equal(seen.too_long, 1);
	assert_int_equal(seen.too_long_at, 3);
	buf_finish(&seen.lines);
	read_all(&seen, text.ptr, text.len - 11); /* it is the last one */
	assert_string_equal(seen.lines.ptr, "one|two|");
	assert_int_equal(seen.too_long, 1);
	buf_finish(&seen.lines);
	buf_finish(&text);
}

static void
keeps_lines_whole_over_many_blocks(void **state)
{
	(void)state;
	struct buf text, wanted;
	struct seen seen;
	buf_init(&text, 1u << 30);
	buf_init(&wanted, 1u << 30);
	for (unsigned i = 0; i < 3000; i++) {
		for (unsigned n = 0; n < (i % 100 ? i % 700 : 40000); n++) {
			buf_add_char(&text, "abcdef"[n % 6]);
			buf_add_char(&wanted, "abcdef"[n % 6]);
		}
		buf_add_char(&text, '\n');
		buf_add_char(&wanted, '|');
	}
	size_t size = ZSTD_compressBound(text.len) + 1024, len;
	char *packed = malloc(size);
	len = pack(packed, size, text.ptr, text.len);
	for (unsigned i = 0; i < 2; i++) {
		read_all(&seen, i ? packed : text.ptr, i ? len : text.len);
		assert_int_equal(seen.count, 3000);
		assert_string_equal(seen.lines.ptr, wanted.ptr);
		buf_finish(&seen.lines);
	}
	free(packed);
	buf_finish(&text);
	buf_finish(&wanted);
}

static void
unpacks_frame_after_frame(void **state)
{
	(void)state;
	static const char skippable[] = "\x50\x2a\x4d\x18\x03\0\0\0abc";
	char packed[1024];
	struct seen seen;
	size_t len = sizeof(skippable) - 1;
	memcpy(packed, skippable, len);
	len += pack(packed + len, sizeof(packed) - len, "one\ntw", 6);
	len += pack(packed + len, sizeof(packed) - len, "o\nthree\n", 8);
	read_all(&seen, packed, len);
	assert_int_equal(seen.end, INPUT_END);
	assert_string_equal(seen.lines.ptr, "one|two|three|");
	buf_finish(&seen.lines);
}

static void
says_where_packed_bytes_are_damaged_and_gives_what_came_before(void **state)
{
	(void)state;
	char packed[1024];
	struct seen seen;
	size_t first = pack(packed, sizeof(packed), "one\ntwo\n", 8);
	size_t second = pack(packed + first, sizeof(packed) - first, "three\nfour\n", 11);
	read_all(&seen, packed, first + second - 3);
	assert_int_equal(seen.end, INPUT_FAILED);
	assert_string_equal(seen.lines.ptr, "one|two|three|");
	assert_non_null(strstr(seen.error, "ends in the middle of a frame"));
	assert_non_null(strstr(seen.error, "byte "));
	buf_finish(&seen.lines);
	memset(packed + first, 'x', second);
	read_all(&seen, packed, first + second);
	assert_int_equal(seen.end, INPUT_FAILED);
	assert_string_equal(seen.lines.ptr, "one|two|");
	assert_non_null(strstr(seen.error, "byte "));
	buf_finish(&seen.lines);
	read_all(&seen, "\x1f\x8b\x08\0\0\0\0\0", 8);
	assert_int_equal(seen.end, INPUT_FAILED);
	assert_non_null(strstr(seen.error, "gzip"));
	buf_finish(&seen.lines);
}

static void
refuses_what_is_no_file(void **state)
{
	(void)state;
	char error[MESSAGE_MAX];
	assert_null(input_open("/nowhere/at/all", error));
	assert_non_null(strstr(error, "No such file"));
	assert_null(input_open("/tmp", error));
	assert_non_null(strstr(error, "directory"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_any_line_end_and_nul_bytes),
		cmocka_unit_test(skips_a_line_that_is_too_long_and_goes_on),
		cmocka_unit_test(keeps_lines_whole_over_many_blocks),
		cmocka_unit_test(unpacks_frame_after_frame),
		cmocka_unit_test(says_where_packed_bytes_are_damaged_and_gives_what_came_before),
		cmocka_unit_test(refuses_what_is_no_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
