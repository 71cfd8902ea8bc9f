/* SPDX-License-Identifier: MIT */
/* Bytes recorded from real Mastodon streaming servers give the events that the servers were told to send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "decode.h"
#include "sse.h"
#include "xmalloc.h"

#define FILE_MAX (4u << 20)

/* What each recording holds was read off its .txt file (its .bin file for 19 and 86, which
 * have none), in order. */
struct expected {
	const char *name, *id, *stream, *param;
	int payload_len;   /* -1: absent */
	const char *error; /* an error frame: then only this and its status count */
	int status;
};

struct recording {
	const char *file;
	const char *stream; /* of an SSE connection; NULL: a WebSocket */
	unsigned comments;
	const struct expected *expected;
	size_t count;
};

static const struct expected expected_02[] = {
	{"update", "115600000000001007", "user", NULL, 2641, NULL, 0},
	{"update", "115600000000002007", "user", NULL, 3793, NULL, 0},
	{"status.update", "115600000000002007", "user", NULL, 2382, NULL, 0},
	{"delete", "115600000000002007", "user", NULL, 18, NULL, 0},
	{"notification", "68739225", "user", NULL, 4280, NULL, 0},
	{"notification", "68739225", "user", NULL, 4298, NULL, 0},
	{"notification", "68739225", "user", NULL, 4292, NULL, 0},
	{"notification", "68739225", "user", NULL, 1705, NULL, 0},
	{"notification", "68739225", "user", NULL, 4277, NULL, 0},
	{"notification", "68739225", "user", NULL, 4279, NULL, 0},
	{"notification", "68739225", "user", NULL, 1712, NULL, 0},
	{"announcement", "1", "user", NULL, 302, NULL, 0},
	{"announcement.reaction", "", "user", NULL, 47, NULL, 0},
	{"announcement.delete", "1", "user", NULL, 1, NULL, 0},
	{"notifications_merged", "", "user", NULL, -1, NULL, 0},
	{"encrypted_message", "", "user", NULL, 165, NULL, 0},
};

static const struct expected expected_03[] = {
	{"update", "115600000000003007", "public", NULL, 2350, NULL, 0},
	{"update", "115600000000004007", "public", NULL, 2327, NULL, 0},
};

static const struct expected expected_10[] = {
	{"conversation", "819517", "direct", NULL, 4110, NULL, 0},
};

static const struct expected expected_12[] = {
	{"status.update", "115600000000014007", "public", NULL, 2371, NULL, 0},
	{"delete", "115600000000014007", "public", NULL, 18, NULL, 0},
};

static const struct expected expected_13[] = {
	{"delete", "115600000000015007", "public", NULL, 18, NULL, 0},
	{"update", "115600000000015007", "public", NULL, 2347, NULL, 0},
};

static const struct expected expected_14[] = {
	{"update", "115600000000016007", "user", NULL, 2399, NULL, 0},
};

static const struct expected expected_18[] = {
	{"update", "115600000000033007", "user", NULL, 2327, NULL, 0},
	{"update", "1", "user", NULL, 89, NULL, 0},
};

static const struct expected expected_19[] = {
	{"update", "115600000000034007", "user", NULL, 300016, NULL, 0},
};

static const struct expected expected_20[] = {
	{"made.up", "", "user", NULL, 9, NULL, 0},
	{"made.up", "", "user", NULL, 7, NULL, 0},
	{"made.up", "", "user", NULL, 10, NULL, 0},
	{"made.up", "", "user", NULL, 2, NULL, 0},
	{"made.up", "", "user", NULL, 4, NULL, 0},
};

static const struct expected expected_98[] = {
	{"update", "115600000000001007", "user", NULL, 2407, NULL, 0},
	{"status.update", "115600000000001007", "user", NULL, 2426, NULL, 0},
	{"delete", "115600000000001007", "user", NULL, 18, NULL, 0},
	{"notification", "68739217", "user", NULL, 4280, NULL, 0},
	{"filters_changed", "", "user", NULL, -1, NULL, 0},
	{"announcement", "1", "user", NULL, 302, NULL, 0},
	{"announcement.reaction", "", "user", NULL, 47, NULL, 0},
	{"announcement.delete", "1", "user", NULL, 1, NULL, 0},
	{"notifications_merged", "", "user", NULL, -1, NULL, 0},
	{"encrypted_message", "", "user", NULL, 165, NULL, 0},
};

static const struct expected expected_110[] = {
	{"conversation", "819517", "direct", NULL, 4110, NULL, 0},
};

static const struct expected expected_111[] = {
	{"conversation", "819517", "direct", NULL, 4110, NULL, 0},
};

static const struct expected expected_112[] = {
	{"conversation", "819517", "direct", NULL, 4110, NULL, 0},
};

static const struct expected expected_113[] = {
	{"conversation", "819517", "direct", NULL, 4110, NULL, 0},
};

static const struct expected expected_71[] = {
	{"update", "115600000000002007", "user", NULL, 2404, NULL, 0},
	{"update", "115600000000003007", "public:local", NULL, 2350, NULL, 0},
	{"update", "115600000000004007", "hashtag", "foo", 2504, NULL, 0},
	{"update", "115600000000005007", "list", "1", 2404, NULL, 0},
	{"conversation", "819522", "direct", NULL, 4110, NULL, 0},
	{"delete", "115600000000003007", "public:local", NULL, 18, NULL, 0},
	{"delete", "115600000000005007", "list", "1", 18, NULL, 0},
};

static const struct expected expected_72[] = {
	{"update", "115600000000008007", "user", NULL, 2419, NULL, 0},
	{"status.update", "115600000000008007", "user", NULL, 2435, NULL, 0},
	{"delete", "115600000000008007", "user", NULL, 18, NULL, 0},
	{"notification", "68739224", "user", NULL, 4280, NULL, 0},
	{"notification", "68739224", "user", NULL, 1705, NULL, 0},
	{"announcement", "1", "user", NULL, 302, NULL, 0},
	{"announcement.reaction", "", "user", NULL, 47, NULL, 0},
	{"announcement.delete", "1", "user", NULL, 1, NULL, 0},
	{"notifications_merged", "", "user", NULL, -1, NULL, 0},
	{"encrypted_message", "", "user", NULL, 165, NULL, 0},
	{"made.up", "", "user", NULL, 10, NULL, 0},
	{"made.up", "", "user", NULL, 2, NULL, 0},
	{"made.up", "", "user", NULL, 4, NULL, 0},
};

static const struct expected expected_73[] = {
	{.error = "Unknown stream type", .status = 400},
	{.error = "Unknown stream type", .status = 400},
	{.error = "Missing tag name parameter", .status = 400},
	{.error = "Missing list name parameter", .status = 400},
	{.error = "Not authorized to stream this list", .status = 401},
	{.error = "Not authorized to stream this list", .status = 401},
	{.error = "An unexpected error occurred", .status = 500},
	{.error = "Error unsubscribing from channel", .status = 0},
	{"update", "115600000000010007", "public", NULL, 2345, NULL, 0},
};

static const struct expected expected_80[] = {
	{"delete", "115600000000001007", "user", NULL, 18, NULL, 0},
	{"notification", "68739217", "user", NULL, 1705, NULL, 0},
	{"notification", "68739217", "user:notification", NULL, 1705, NULL, 0},
	{"update", "115600000000003007", "hashtag", "#FooBar", 2508, NULL, 0},
	{"update", "115600000000004007", "hashtag", "baz", 2505, NULL, 0},
};

static const struct expected expected_81[] = {
	{"update", "115600000000006007", "user", NULL, 2606, NULL, 0},
	{"update", "115600000000006007", "public", NULL, 2506, NULL, 0},
	{"update", "115600000000006007", "public:local", NULL, 2504, NULL, 0},
	{"update", "115600000000006007", "hashtag", "weir", 2500, NULL, 0},
};

static const struct expected expected_86[] = {
	{"update", "115600000000007007", "user", NULL, 1000012, NULL, 0},
};

static const struct expected expected_95[] = {
	{"update", "115600000000008007", "user", NULL, 2412, NULL, 0},
	{"delete", "115600000000008007", "user", NULL, 18, NULL, 0},
	{"filters_changed", "", "user", NULL, -1, NULL, 0},
	{"notification", "68739224", "user", NULL, 1705, NULL, 0},
	{"notifications_merged", "", "user", NULL, -1, NULL, 0},
};

static const struct expected expected_96[] = {
	{.error = "Unknown stream type", .status = 0},
	{.error = "No tag for stream provided", .status = 0},
	{.error = "Not authorized to stream this list", .status = 0},
	{.error = "Error unsubscribing from channel", .status = 0},
};

static const struct recording recordings[] = {
	{"02-sse-user-all-events", "user", 1, expected_02, COUNT_OF(expected_02)},
	{"03-sse-public-update", "public", 1, expected_03, COUNT_OF(expected_03)},
	{"10-sse-direct", "direct", 1, expected_10, COUNT_OF(expected_10)},
	{"12-sse-public-edit-delete", "public", 1, expected_12, COUNT_OF(expected_12)},
	{"13-sse-public-delete-overtakes", "public", 1, expected_13, COUNT_OF(expected_13)},
	{"14-sse-statuses-scope", "user", 1, expected_14, COUNT_OF(expected_14)},
	{"18-sse-unicode-edge", "user", 1, expected_18, COUNT_OF(expected_18)},
	{"19-sse-big-status", "user", 1, expected_19, COUNT_OF(expected_19)},
	{"20-sse-malformed-redis", "user", 1, expected_20, COUNT_OF(expected_20)},
	{"98-v420-sse-user-all-events", "user", 1, expected_98, COUNT_OF(expected_98)},
	{"110-v4515-sse-heartbeat", "direct", 4, expected_110, COUNT_OF(expected_110)},
	{"111-v465-sse-heartbeat", "direct", 4, expected_111, COUNT_OF(expected_111)},
	{"112-v420-sse-heartbeat", "direct", 4, expected_112, COUNT_OF(expected_112)},
	{"113-v430-sse-heartbeat", "direct", 4, expected_113, COUNT_OF(expected_113)},
	{"71-ws-multiplex", NULL, 0, expected_71, COUNT_OF(expected_71)},
	{"72-ws-all-events", NULL, 0, expected_72, COUNT_OF(expected_72)},
	{"73-ws-subscribe-errors", NULL, 0, expected_73, COUNT_OF(expected_73)},
	{"80-ws-duplicates-arrays", NULL, 0, expected_80, COUNT_OF(expected_80)},
	{"81-ws-one-message-two-streams", NULL, 0, expected_81, COUNT_OF(expected_81)},
	{"86-ws-big-frame", NULL, 0, expected_86, COUNT_OF(expected_86)},
	{"95-v420-ws-all-events", NULL, 0, expected_95, COUNT_OF(expected_95)},
	{"96-v420-ws-errors", NULL, 0, expected_96, COUNT_OF(expected_96)},
};

/* ---- reading what was recorded ---- */

static void
read_recording(const char *name, struct buf *out)
{
	char *path = xasprintf("%s/recordings/%s.s2c.bin", getenv("MOONTUSK_FIXTURES"), name);
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		fail_msg("%s: cannot be opened", path);
	}
	char block[65536];
	size_t len = 0;
	buf_init(out, FILE_MAX);
	while ((len = fread(block, 1, sizeof(block), file)) > 0) {
		assert_int_equal(buf_add(out, block, len), ERR_OK);
	}
	(void)fclose(file);
	free(path);
}

static struct str
behind_headers(const struct buf *bytes)
{
	const char *end = memmem(bytes->ptr, bytes->len, "\r\n\r\n", 4);
	assert_non_null(end);
	size_t at = (size_t)(end + 4 - bytes->ptr);
	return (struct str){bytes->ptr + at, bytes->len - at};
}

/* Cuts one HTTP chunk off *body; STR_NONE at the last one. */
static struct str
next_chunk(struct str *body)
{
	char *end = NULL;
	size_t len = body->len > 0 ? strtoul(body->ptr, &end, 16) : 0;
	if (len == 0) {
		return STR_NONE;
	}
	size_t head = (size_t)(end - body->ptr) + 2;
	assert_true(head + len + 2 <= body->len);
	struct str chunk = {body->ptr + head, len};
	*body = (struct str){body->ptr + head + len + 2, body->len - head - len - 2};
	return chunk;
}

/* Cuts one unmasked, unfragmented frame off *bytes (RFC 6455, section 5.2). */
static bool
next_frame(struct str *bytes, int *opcode, struct str *payload)
{
	if (bytes->len < 2) {
		return false;
	}
	const unsigned char *p = (const unsigned char *)bytes->ptr;
	assert_true((p[0] & 0x80) != 0 && (p[1] & 0x80) == 0);
	size_t len = p[1];
	size_t head = 2;
	size_t more = len == 126 ? 2 : len == 127 ? 8 : 0;
	for (len = more > 0 ? 0 : len; more > 0; more--) {
		len = len << 8 | p[head];
		head++;
	}
	assert_true(head + len <= bytes->len);
	*opcode = p[0] & 0x0F;
	*payload = (struct str){bytes->ptr + head, len};
	*bytes = (struct str){bytes->ptr + head + len, bytes->len - head - len};
	return true;
}

/* ---- comparing ---- */

struct run {
	const struct recording *recording;
	struct decode_context context;
	size_t seen;
};

static void
check_event(const struct event *event, const struct expected *expected)
{
	assert_non_null(expected->name);
	assert_true(str_eq_text(event->name, expected->name));
	assert_int_equal(event->kind, event_kind_from_name(str_from(expected->name)));
	assert_true(str_eq_text(event->id, expected->id));
	assert_true(str_eq_text(event->stream, expected->stream));
	assert_true(str_eq_text(event->param, expected->param));
	int len = event->payload.ptr != NULL ? (int)event->payload.len : -1;
	assert_int_equal(len, expected->payload_len);
	bool object = event->payload.len > 0 && event->payload.ptr[0] == '{';
	assert_int_equal(event->doc != NULL, object);
}

static void
check(struct run *run, enum decode_result result, struct decode_output *out)
{
	if (run->seen >= run->recording->count) {
		fail_msg("%s: more events than expected", run->recording->file);
	}
	const struct expected *expected = &run->recording->expected[run->seen];
	run->seen++;
	if (result == DECODE_EVENT) {
		check_event(out->event, expected);
		event_unref(out->event);
		return;
	}
	if (result != DECODE_ERROR || expected->error == NULL) {
		fail_msg("%s: message %zu: %s", run->recording->file, run->seen, out->error_text);
	}
	assert_string_equal(out->error_text, expected->error);
	assert_int_equal(out->error_status, expected->status);
}

static void
on_sse_event(void *data, struct str type, struct str payload)
{
	struct run *run = data;
	struct decode_output out;
	check(run, decode_sse(&run->context, type, payload, &out), &out);
}

/* `piece`: bytes a read; 0: one HTTP chunk a read. */
static void
replay_sse(struct run *run, const struct buf *bytes, size_t piece)
{
	struct sse sse;
	sse_init(&sse, on_sse_event, run);
	struct str body = behind_headers(bytes);
	run->seen = 0;
	run->context.stream = str_from(run->recording->stream);
	for (struct str chunk = next_chunk(&body); chunk.ptr != NULL; chunk = next_chunk(&body)) {
		while (chunk.len > 0) {
			size_t len = piece > 0 && piece < chunk.len ? piece : chunk.len;
			assert_int_equal(sse_feed(&sse, (struct str){chunk.ptr, len}), ERR_OK);
			chunk = (struct str){chunk.ptr + len, chunk.len - len};
		}
	}
	assert_int_equal(sse.comments, run->recording->comments);
	sse_finish(&sse);
}

static void
replay_ws(struct run *run, const struct buf *bytes)
{
	struct str rest = behind_headers(bytes);
	int opcode = 0;
	struct str payload;
	while (next_frame(&rest, &opcode, &payload)) {
		struct decode_output out;
		if (opcode == 1) {
			check(run, decode_ws(&run->context, payload, &out), &out);
		}
	}
}

static void
every_recording_gives_its_events(void **state)
{
	(void)state;
	struct json_parser *parser = json_parser_create();
	for (size_t i = 0; i < COUNT_OF(recordings); i++) {
		struct run run = {.recording = &recordings[i], .context = {.parser = parser}};
		struct buf bytes;
		read_recording(recordings[i].file, &bytes);
		static const size_t pieces[] = {0, 1, 7, 1460};
		for (size_t j = 0; recordings[i].stream != NULL && j < COUNT_OF(pieces); j++) {
			replay_sse(&run, &bytes, pieces[j]);
			assert_int_equal(run.seen, recordings[i].count);
		}
		if (recordings[i].stream == NULL) {
			replay_ws(&run, &bytes);
			assert_int_equal(run.seen, recordings[i].count);
		}
		buf_finish(&bytes);
	}
	json_parser_destroy(parser);
}

/* ---- recording 18 ---- */

struct kept {
	struct json_parser *parser;
	struct event *events[2];
	size_t count;
};

static void
keep_event(void *data, struct str type, struct str payload)
{
	struct kept *kept = data;
	struct decode_context context = {.parser = kept->parser};
	struct decode_output out;
	assert_true(kept->count < COUNT_OF(kept->events));
	assert_int_equal(decode_sse(&context, type, payload, &out), DECODE_EVENT);
	kept->events[kept->count++] = out.event;
}

static void
lone_surrogates_and_line_separators_survive(void **state)
{
	(void)state;
	struct kept kept = {.parser = json_parser_create()};
	struct buf bytes;
	read_recording("18-sse-unicode-edge", &bytes);
	struct sse sse;
	sse_init(&sse, keep_event, &kept);
	struct str body = behind_headers(&bytes);
	for (struct str chunk = next_chunk(&body); chunk.ptr != NULL; chunk = next_chunk(&body)) {
		assert_int_equal(sse_feed(&sse, chunk), ERR_OK);
	}
	assert_int_equal(kept.count, 2);
	struct str content = json_str(json_get(event_status(kept.events[0]), "content"));
	assert_non_null(memmem(content.ptr, content.len, "\xE2\x80\xA8", 3));
	assert_non_null(memmem(content.ptr, content.len, "", 1)); /* a NUL */
	struct json_value second = event_status(kept.events[1]);
	assert_true(
		str_eq_text(json_str(json_get(second, "content")), "lone \xEF\xBF\xBD surrogate"));
	assert_non_null(
		memmem(kept.events[1]->payload.ptr, kept.events[1]->payload.len, "\\ud800", 6));
	uint64_t big = 0;
	assert_true(json_get_uint(json_get(second, "big"), &big));
	assert_true(big == 12345678901234567000u);
	event_unref(kept.events[0]);
	event_unref(kept.events[1]);
	sse_finish(&sse);
	buf_finish(&bytes);
	json_parser_destroy(kept.parser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recording_gives_its_events),
		cmocka_unit_test(lone_surrogates_and_line_separators_survive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
