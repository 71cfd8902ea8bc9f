/* SPDX-License-Identifier: MIT */
/* Inside of the event layer: what the decoders of messages and of lines share. */
#pragma once

#include "decode.h"

/* An event on its way: what its envelope said. All borrowed. */
struct decode_parts {
	struct str name; /* the kind as written */
	struct str stream, param, account;
	struct str streams; /* of a line: as event.streams */
	int64_t received_at_ms;
	struct str payload; /* STR_NONE: absent */
	char number[32];    /* where `param` points when it was sent as a number */
};

/* Parts with what the connection knows. */
struct decode_parts decode_parts_init(const struct decode_context *context);
/* Overwrites stream and param when `value` names a stream (protocol.md 9.1). */
void decode_stream(struct decode_parts *parts, struct json_value value);
/* The payload as text: of a string its content, of any other value its JSON in `scratch`. */
struct str decode_payload_text(struct json_value value, struct buf *scratch);
/* Judges the payload by kind and makes the event; takes `doc`, which is the parsed payload or NULL. */
enum decode_result decode_finish(const struct decode_context *context, struct decode_parts *parts,
	struct json_doc *doc, struct decode_output *out);
/* A frame of a WebSocket that was parsed: its object, whose texts must outlive the next parse. */
enum decode_result decode_envelope(
	const struct decode_context *context, struct json_value root, struct decode_output *out);
/* Parses; what is no UTF-8 becomes U+FFFD first, in `scratch` (then *text points there). */
enum err decode_parse(const struct decode_context *context, struct str *text, struct buf *scratch,
	struct json_doc **doc, struct json_error *error);
/* Sets error_text; returns DECODE_BROKEN. */
enum decode_result decode_broken(struct decode_output *out, const char *format, ...)
	PRINTF_LIKE(2, 3);
/* The beginning of a text for an error message. */
struct str decode_shown(struct str text);
