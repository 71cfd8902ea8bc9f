/* SPDX-License-Identifier: MIT */
/* WebSocket frames: messages in pieces, control frames between them, and what no peer may send. */
#include "ws_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "limits.h"
#include "xmalloc.h"

/* Adds one frame of a server: `first` is the byte with FIN and opcode. */
static void
put(struct buf *out, unsigned char first, struct str payload)
{
	char head[2] = {(char)first, (char)payload.len};

	assert_true(payload.len <= WS_CONTROL_MAX);
	buf_add(out, head, 2);
	buf_add_str(out, payload);
}

/* What comes of `bytes` when they arrive `step` at a time: "message|ping payload|..." */
static void
read_all(struct str bytes, size_t step, struct buf *seen)
{
	struct frames frames;
	struct buf held;

	frames_init(&frames, true);
	buf_init(&held, 1 << 20);
	buf_clear(seen);
	for (size_t at = 0; at < bytes.len;) {
		size_t len = bytes.len - at < step ? bytes.len - at : step, used;

		buf_add(&held, bytes.ptr + at, len);
		at += len;
		do {
			struct str payload = STR("");
			/* In a block of its own, so that a read past the end is found by the sanitizer. */
			char *copy = xmemdup0(held.ptr, held.len);
			enum frame frame = frames_next(&frames, copy, held.len, &used, &payload);

			if (frame == FRAME_BAD) {
				buf_printf(seen, "bad %d|", frames.code);
				at = bytes.len;
				used = 0;
			} else if (frame != FRAME_MORE) {
				buf_add_text(seen, frame == FRAME_PING    ? "ping "
						   : frame == FRAME_PONG  ? "pong "
						   : frame == FRAME_CLOSE ? "close "
									  : "");
				buf_add_str(seen, payload);
				buf_add_char(seen, '|');
			}
			buf_drop_front(&held, used);
			free(copy);
		} while (used > 0 && held.len > 0);
	}
	buf_finish(&held);
	frames_finish(&frames);
}

static void
expect(const struct buf *bytes, const char *expected)
{
	struct buf seen;

	buf_init(&seen, 1 << 20);
	for (size_t step = 1; step <= bytes->len; step++) {
		read_all(buf_str(bytes), step, &seen);
		assert_string_equal(seen.ptr, expected);
	}
	buf_finish(&seen);
}

static void
a_message_in_pieces_is_one_wherever_the_bytes_are_cut(void **state)
{
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 10000);
	/* The elephant is cut between its bytes, by the frames and by the reads. */
	put(&bytes, WS_TEXT, STR("caf\xc3"));
	put(&bytes, 0, STR("\xa9 \xf0\x9f"));
	put(&bytes, 0, STR(""));
	put(&bytes, 0x80, STR("\x90\x98"));
	put(&bytes, 0x80 | WS_TEXT, STR("next"));
	expect(&bytes, "caf\xc3\xa9 \xf0\x9f\x90\x98|next|");
	buf_finish(&bytes);
}

static void
control_frames_may_stand_between_the_pieces(void **state)
{
	char long_payload[WS_CONTROL_MAX];
	struct buf bytes, expected;

	(void)state;
	memset(long_payload, 'p', sizeof(long_payload));
	buf_init(&bytes, 10000);
	buf_init(&expected, 10000);
	put(&bytes, WS_TEXT, STR("one "));
	put(&bytes, 0x80 | WS_PING, STR("ping!"));
	put(&bytes, 0, STR("two "));
	put(&bytes, 0x80 | WS_PONG, STR(""));
	put(&bytes, 0x80 | WS_PING, (struct str){long_payload, sizeof(long_payload)});
	put(&bytes, 0x80, STR("three"));
	put(&bytes, 0x80 | WS_CLOSE, STR(""));
	buf_add_text(&expected, "ping ping!|pong |ping ");
	buf_add(&expected, long_payload, sizeof(long_payload));
	buf_add_text(&expected, "|one two three|close |");
	expect(&bytes, expected.ptr);
	buf_finish(&bytes);
	buf_finish(&expected);
}

static void
what_no_server_may_send_is_bad(void **state)
{
	static const struct {
		struct str bytes;
		const char *seen;
	} cases[] = {
		{STR("\x81\x80maskx"), "bad 1002|"},    /* masked by a server */
		{STR("\xc1\x01x"), "bad 1002|"},        /* compressed, though nothing was agreed */
		{STR("\x83\x01x"), "bad 1002|"},        /* no such opcode */
		{STR("\x8b\x01x"), "bad 1002|"},        /* no such control frame */
		{STR("\x09\x01x"), "bad 1002|"},        /* a ping in pieces */
		{STR("\x89\x7e\x00\x7e"), "bad 1002|"}, /* a ping of 126 bytes */
		{STR("\x80\x01x"), "bad 1002|"},        /* goes on with nothing */
		{STR("\x01\x01x\x81\x01y"), "bad 1002|"},   /* a message inside another */
		{STR("\x88\x01x"), "bad 1002|"},            /* half a close code */
		{STR("\x88\x02\x03\xec"), "bad 1002|"},     /* 1004 */
		{STR("\x88\x02\x03\xee"), "bad 1002|"},     /* 1006 is never sent */
		{STR("\x88\x03\x03\xe8\xff"), "bad 1007|"}, /* a reason that is no UTF-8 */
		{STR("\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff"), "bad 1009|"}, /* 2 GiB */
	};
	struct buf seen;

	(void)state;
	buf_init(&seen, 10000);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		read_all(cases[i].bytes, cases[i].bytes.len, &seen);
		assert_string_equal(seen.ptr, cases[i].seen);
	}
	buf_finish(&seen);
}

static void
every_close_code_in_use_is_taken(void **state)
{
	static const int codes[] = {
		1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		struct buf bytes, seen;
		char payload[WS_CONTROL_MAX];

		buf_init(&bytes, 1000);
		buf_init(&seen, 1000);
		frames_put(&bytes, WS_CLOSE, frames_close_payload(payload, codes[i], STR("bye")));
		read_all(buf_str(&bytes), bytes.len, &seen);
		assert_int_equal(seen.len, strlen("close ..bye|"));
		assert_int_equal(
			(unsigned char)seen.ptr[6] << 8 | (unsigned char)seen.ptr[7], codes[i]);
		buf_finish(&bytes);
		buf_finish(&seen);
	}
}

static void
pieces_may_not_grow_past_the_cap(void **state)
{
	struct frames frames;
	size_t piece = 1 << 20, used = 0;
	char *bytes = xmalloc(piece + 10);
	struct str payload;
	enum frame frame = FRAME_MORE;

	(void)state;
	memset(bytes, 'x', piece + 10);
	frames_init(&frames, true);
	for (unsigned i = 0; i <= WS_MESSAGE_MAX / piece && frame == FRAME_MORE; i++) {
		struct buf head;
		buf_init(&head, piece * 2);
		frames_put(&head, i == 0 ? WS_TEXT : 0, (struct str){bytes, piece});
		head.ptr[0] = (char)(head.ptr[0] & 0x7f);
		frame = frames_next(&frames, head.ptr, head.len, &used, &payload);
		buf_finish(&head);
	}
	assert_int_equal(frame, FRAME_BAD);
	assert_int_equal(frames.code, 1009);
	frames_finish(&frames);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_in_pieces_is_one_wherever_the_bytes_are_cut),
		cmocka_unit_test(control_frames_may_stand_between_the_pieces),
		cmocka_unit_test(what_no_server_may_send_is_bad),
		cmocka_unit_test(every_close_code_in_use_is_taken),
		cmocka_unit_test(pieces_may_not_grow_past_the_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
