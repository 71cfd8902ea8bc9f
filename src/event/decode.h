/* SPDX-License-Identifier: MIT */
/* From wire messages, recorded lines and entities to events, and from events to lines. */
#pragma once

#include "event.h"
#include "json.h"

/* What stays the same for all messages of one connection. */
struct decode_context {
	struct json_parser *parser; /* borrowed */
	struct str stream, param,
		account; /* for SSE: the one stream; for WebSocket: only if the frame names none */
	enum event_origin origin;
	int64_t received_at_ms;
	/* The event's document may lie in the parser's memory, and is copied when the event is still there at the parser's
	 * next parse. For whoever handles most events before the next one is decoded. */
	bool borrow;
};

enum decode_result {
	DECODE_EVENT, /* *event is new */
	DECODE_ERROR, /* an error frame of the server: error_text, error_status */
	DECODE_IGNORED, /* keep-alive text, pong, objects that are no events (protocol.md 9, 10 row 26) */
	DECODE_BROKEN, /* no JSON, or JSON that cannot be this kind: error_text says what was found */
};

struct decode_output {
	struct event *event; /* new, with DECODE_EVENT */
	int error_status;    /* 0 when the frame had none */
	bool is_answer; /* Pleroma's to a subscribe: one for each, in order; DECODE_ERROR or DECODE_IGNORED */
	char error_text[256];
};

/* One SSE event (type may be empty: then it is ignored) (protocol.md 1.3, 3.3). */
enum decode_result decode_sse(const struct decode_context *context, struct str type,
	struct str data, struct decode_output *out);
/* One WebSocket text message (protocol.md 2.3, 9). `stream` may be an array, a string, one
 * string with a colon ("list:ID"), or absent; `payload` a string, a decoded value, null or absent. */
enum decode_result decode_ws(
	const struct decode_context *context, struct str text, struct decode_output *out);
/* One line of `tail --json`, `record`, an archive, or a bare Status object (an update; in a replay of the time at which
 * it was posted). Lines of
 * kinds that are no wire events ("gap") are DECODE_IGNORED. */
enum decode_result decode_line(
	const struct decode_context *context, struct str line, struct decode_output *out);
/* An entity from REST: kind is EVENT_UPDATE, EVENT_NOTIFICATION, ...; `payload` its JSON text. */
enum decode_result decode_entity(const struct decode_context *context, enum event_kind kind,
	struct str payload, struct decode_output *out);

/* Adds {"kind":…,"stream":[…],["streams":[[…],…],]"account":…,"origin":…,"received_at":…,"payload":…} without a line
 * end ("stream" is [] and "account" null where unknown, "received_at" RFC 3339): payload last, its bytes verbatim where they are JSON, as a string otherwise, absent where
 * there is none. A payload with a raw LF or CR (only other servers send such) has them
 * replaced by spaces, so that one event is one line. */
void event_write_line(const struct event *event, struct buf *out);
