/* SPDX-License-Identifier: MIT */
/* Any bytes as a message or line: an event that comes out is sound and survives being written as a line. */
#include "decode.h"
#include "fuzz.h"
#include "limits.h"

/* Written and read again it is the same event. */
static void
check_line(const struct decode_context *context, const struct event *event)
{
	struct buf line;
	buf_init(&line, JSON_TEXT_MAX);
	event_write_line(event, &line);
	REQUIRE(line.err == ERR_OK);
	REQUIRE(str_is_utf8(buf_str(&line)));
	struct decode_output out;
	enum decode_result result = decode_line(context, buf_str(&line), &out);
	if (result == DECODE_EVENT) {
		REQUIRE(out.event->kind == event->kind);
		REQUIRE(str_eq(out.event->name, event->name));
		REQUIRE(str_eq(out.event->id, event->id));
		REQUIRE((out.event->doc != NULL) == (event->doc != NULL));
	} else {
		REQUIRE(result == DECODE_IGNORED); /* a server's event may be called "gap" */
	}
	event_unref(out.event);
	buf_finish(&line);
}

static void
check_event(const struct decode_context *context, const struct event *event)
{
	REQUIRE(event->refs == 1);
	REQUIRE(event->name.len > 0 && event->name.len <= EVENT_NAME_MAX);
	REQUIRE(str_is_utf8(event->payload) && str_is_utf8(event->name) &&
		str_is_utf8(event->stream));
	REQUIRE(event->id.ptr != NULL);
	REQUIRE(event->stream.len <= EVENT_STREAM_MAX && event->param.len <= EVENT_STREAM_MAX);
	REQUIRE(event->doc == NULL || json_type(json_root(event->doc)) == JSON_OBJECT);
	(void)event_status(event);
	(void)event_actor(event);
	struct buf version;
	buf_init(&version, JSON_TEXT_MAX);
	event_version(event, &version);
	buf_finish(&version);
	check_line(context, event);
}

static enum decode_result
decode(const struct decode_context *context, char form, struct str text, struct decode_output *out)
{
	struct str type;
	switch (form) {
	case 'w':
		return decode_ws(context, text, out);
	case 'l':
		return decode_line(context, text, out);
	case 'e':
		return decode_entity(
			context, (enum event_kind)(text.len % EVENT_UNKNOWN), text, out);
	default:
		text = str_split(text, '\n', &type);
		return decode_sse(context, type, text, out);
	}
}

/* The first byte says what the rest is: 'w', 'l', 'e', anything else an SSE type, LF, data. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	struct json_parser *parser = json_parser_create();
	struct decode_context context = {
		.parser = parser, .stream = STR("hashtag"), .param = STR("x")};
	struct decode_output out;
	struct str text = {(const char *)data + 1, size - 1};
	switch (decode(&context, (char)data[0], text, &out)) {
	case DECODE_EVENT:
		check_event(&context, out.event);
		break;
	case DECODE_BROKEN:
		REQUIRE(out.error_text[0] != '\0');
		/* fallthrough */
	default:
		REQUIRE(out.event == NULL);
	}
	event_unref(out.event);
	json_parser_destroy(parser);
	return 0;
}
