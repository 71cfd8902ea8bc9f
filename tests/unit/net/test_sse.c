/* SPDX-License-Identifier: MIT */
/* Tests of the text/event-stream parser. */
#include "sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "limits.h"
#include "xmalloc.h"

/* Each event becomes "type|payload;" with LF shown as "\n". */
static void
note(void *data, struct str type, struct str payload)
{
	struct buf *seen = data;
	(void)buf_add_str(seen, type);
	(void)buf_add_char(seen, '|');
	for (size_t i = 0; i < payload.len; i++) {
		if (payload.ptr[i] == '\n') {
			(void)buf_add_text(seen, "\\n");
		} else {
			(void)buf_add_char(seen, payload.ptr[i]);
		}
	}
	(void)buf_add_char(seen, ';');
}

struct sse_case {
	struct str bytes;
	const char *events;
};

static const struct sse_case cases[] = {
	{STR("event: update\ndata: {}\n\n"), "update|{};"},
	{STR("event: update\rdata: {}\r\r"), "update|{};"},
	{STR("event: update\r\ndata: {}\r\n\r\n"), "update|{};"},
	{STR("event: a\r\ndata: 1\n\revent: b\rdata: 2\r\n\n"), "a|1;b|2;"},
	{STR("data: 1\r\n\r\ndata: 2\r\n\r\n"), "|1;|2;"},
	{STR("\xEF\xBB\xBF"
	     "event: a\ndata: 1\n\n"),
		"a|1;"},
	{STR("\xEF\xBB"
	     "event: a\ndata: 1\n\n"),
		"|1;"}, /* half a BOM spoils its line only */
	{STR("event: a\n\xEF\xBB\xBF"
	     "data: 1\ndata: 2\n\n"),
		"a|2;"}, /* a BOM elsewhere is a character */
	{STR("\xEF\xBB\xBF\xEF\xBB\xBF"
	     "data: 1\ndata: 2\n\n"),
		"|2;"},
	{STR("data: a\ndata: b\ndata:\ndata: c\n\n"), "|a\\nb\\n\\nc;"},
	{STR("data\n\ndata\ndata\n\ndata:"), "|;|\\n;"},
	{STR("data:x\ndata: y\ndata:  z\n\n"), "|x\\ny\\n z;"},
	{STR("data: a:b: c\n\n"), "|a:b: c;"},
	/* Mastodon up to 4.5 glues its heartbeat to the next event, 4.6 ends it with a blank line */
	{STR(":)\n:thump\n:thump\nevent: update\ndata: 1\n\n"), "update|1;"},
	{STR(":)\n\n:thump\n\nevent: update\ndata: 1\n\n:thump\n\n"), "update|1;"},
	{STR("event: a\n:thump\ndata: 1\n:thump\n\n"), "a|1;"},
	{STR("event: a\n\ndata: 1\n\n"), "|1;"}, /* a block without data forgets its type */
	{STR("event: a\nevent: b\ndata: 1\n\n"), "b|1;"},
	{STR("unknown: x\nnocolon\n data: 1\nData: 1\ndata: 2\n\n"), "|2;"},
	{STR("data: \xE2\x80\xA8\xE2\x80\xA9\xC2\x85\x0B\x0C\n\n"),
		"|\xE2\x80\xA8\xE2\x80\xA9\xC2\x85\x0B\x0C;"},
	{STR("event: delete\ndata: 115600000000002007\n\nevent: cut\ndata: off"),
		"delete|115600000000002007;"},
	{STR("\n\r\n\r\r\n\n"), ""},
	{STR(""), ""},
};

static void
check(const struct sse_case *c, const size_t *cuts, size_t count)
{
	struct buf seen;
	buf_init(&seen, 10000);
	struct sse sse;
	sse_init(&sse, note, &seen);
	size_t at = 0;
	for (size_t i = 0; i <= count; i++) {
		size_t end = i < count ? cuts[i] : c->bytes.len;
		/* In a block of its own, so that a read past the end is found by the sanitizer. */
		char *piece = xmemdup0(c->bytes.ptr + at, end - at);
		assert_int_equal(sse_feed(&sse, (struct str){piece, end - at}), ERR_OK);
		free(piece);
		at = end;
	}
	if (strcmp(buf_str(&seen).ptr, c->events) != 0) {
		fail_msg("%s: found %s, expected %s", c->bytes.ptr, seen.ptr, c->events);
	}
	sse_finish(&sse);
	buf_finish(&seen);
}

static void
events_are_the_same_wherever_the_bytes_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t len = cases[i].bytes.len;
		check(&cases[i], NULL, 0);
		for (size_t first = 0; first <= len; first++) {
			for (size_t second = first; second <= len; second++) {
				check(&cases[i], (size_t[]){first, second}, 2);
			}
		}
		size_t each[200];
		assert_true(len < COUNT_OF(each));
		for (size_t at = 0; at < len; at++) {
			each[at] = at;
		}
		check(&cases[i], each, len);
	}
}

static void
keeps_id_retry_and_counts_comments(void **state)
{
	(void)state;
	struct buf seen;
	buf_init(&seen, 10000);
	struct sse sse;
	sse_init(&sse, note, &seen);
	assert_int_equal(sse.retry_ms, -1);
	assert_int_equal(
		sse_feed(&sse,
			STR(":)\n:thump\nid: 7\nretry: 1500\nretry: x\nretry: 1 \nretry:\n\n")),
		ERR_OK);
	assert_int_equal(sse.comments, 2);
	assert_int_equal(sse.retry_ms, 1500);
	assert_true(str_eq_text(buf_str(&sse.last_id), "7"));
	assert_int_equal(sse_feed(&sse, STR("id: a\0b\n\ndata: 1\n\n")), ERR_OK);
	assert_true(str_eq_text(buf_str(&sse.last_id), "7"));
	assert_int_equal(sse_feed(&sse, STR("id\n")), ERR_OK);
	assert_int_equal(sse.last_id.len, 0);
	assert_string_equal(seen.ptr, "|1;");
	sse_finish(&sse);
	buf_finish(&seen);
}

static enum err
feed_many(struct sse *sse, struct str piece, size_t total)
{
	enum err err = ERR_OK;
	for (size_t fed = 0; fed < total && err == ERR_OK; fed += piece.len) {
		err = sse_feed(sse, piece);
	}
	return err;
}

static void
endless_lines_and_events_end_at_their_caps(void **state)
{
	(void)state;
	char text[65536];
	memset(text, 'x', sizeof(text));
	struct buf seen;
	buf_init(&seen, 10);
	struct sse sse;
	sse_init(&sse, note, &seen);
	struct str piece = {text, sizeof(text)};
	assert_int_equal(feed_many(&sse, piece, SSE_LINE_MAX), ERR_OK);
	assert_int_equal(sse_feed(&sse, STR("x")), ERR_TOO_BIG);
	assert_int_equal(sse_feed(&sse, STR("\ndata: 1\n\n")), ERR_TOO_BIG); /* and stays so */
	assert_int_equal(seen.len, 0);
	sse_finish(&sse);

	sse_init(&sse, note, &seen);
	memcpy(text, "data: ", 6);
	text[sizeof(text) - 1] = '\n';
	assert_int_equal(feed_many(&sse, piece, SSE_EVENT_MAX - sizeof(text)), ERR_OK);
	assert_int_equal(feed_many(&sse, piece, 4 * sizeof(text)), ERR_TOO_BIG);
	assert_int_equal(sse_feed(&sse, STR("\n")), ERR_TOO_BIG);
	assert_int_equal(seen.len, 0);
	sse_finish(&sse);
	buf_finish(&seen);
}

static void
an_endless_name_is_cut_and_the_stream_goes_on(void **state)
{
	(void)state;
	char text[3000] = "event: ";
	memset(text + 7, 'n', sizeof(text) - 7);
	struct buf seen;
	buf_init(&seen, 10000);
	struct sse sse;
	sse_init(&sse, note, &seen);
	assert_int_equal(sse_feed(&sse, (struct str){text, sizeof(text)}), ERR_OK);
	assert_int_equal(sse_feed(&sse, STR("\ndata: 1\n\nid: 5\nevent: b\ndata: 2\n\n")), ERR_OK);
	assert_int_equal(seen.len, EVENT_NAME_MAX + 1 + strlen("|1;b|2;"));
	memcpy(text, "id: ", 4);
	assert_int_equal(sse_feed(&sse, (struct str){text, sizeof(text)}), ERR_OK);
	assert_int_equal(sse_feed(&sse, STR("\n\n")), ERR_OK);
	assert_true(str_eq_text(buf_str(&sse.last_id), "5"));
	sse_finish(&sse);
	buf_finish(&seen);
}

static void
memory_of_a_huge_event_is_given_back(void **state)
{
	(void)state;
	char *text = xmalloc(4u << 20);
	memset(text, 'x', 4u << 20);
	struct buf seen;
	buf_init(&seen, 5u << 20);
	struct sse sse;
	sse_init(&sse, note, &seen);
	assert_int_equal(sse_feed(&sse, STR("data: ")), ERR_OK);
	assert_int_equal(sse_feed(&sse, (struct str){text, 4u << 20}), ERR_OK);
	assert_int_equal(sse_feed(&sse, STR("\n\n")), ERR_OK);
	assert_int_equal(seen.len, (4u << 20) + 2);
	assert_true(sse.payload.size < (1u << 20) && sse.line.size < (1u << 20));
	sse_finish(&sse);
	buf_finish(&seen);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_the_same_wherever_the_bytes_are_cut),
		cmocka_unit_test(keeps_id_retry_and_counts_comments),
		cmocka_unit_test(endless_lines_and_events_end_at_their_caps),
		cmocka_unit_test(an_endless_name_is_cut_and_the_stream_goes_on),
		cmocka_unit_test(memory_of_a_huge_event_is_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
