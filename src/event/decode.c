/* SPDX-License-Identifier: MIT */
/* From the messages of a server to events: envelopes, payloads and the oddities of each server. */
#include "decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "decode_parts.h"
#include "json_write.h"
#include "limits.h"

struct str
decode_shown(struct str text)
{
	if (text.len > EVENT_SHOWN_MAX) {
		text.len = EVENT_SHOWN_MAX;
		while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80) {
			text.len--;
		}
	}
	return text;
}

enum decode_result
decode_broken(struct decode_output *out, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(out->error_text, sizeof(out->error_text), format, args);
	va_end(args);
	return DECODE_BROKEN;
}

struct decode_parts
decode_parts_init(const struct decode_context *context)
{
	return (struct decode_parts){
		.stream = context->stream,
		.param = context->param,
		.account = context->account,
		.received_at_ms = context->received_at_ms,
	};
}

/* The bytes with each that is no UTF-8 replaced by U+FFFD, as the WHATWG decoder does. */
static struct str
clean_utf8(struct str text, struct buf *scratch)
{
	buf_clear(scratch);
	while (text.len > 0) {
		uint32_t code = 0;
		size_t len = str_utf8_next(text, &code);
		if (len > 0) {
			(void)buf_add(scratch, text.ptr, len);
		} else {
			(void)buf_add_text(scratch, "\xEF\xBF\xBD");
			len = 1;
		}
		text = (struct str){text.ptr + len, text.len - len};
	}
	return buf_str(scratch);
}

enum err
decode_parse(const struct decode_context *context, struct str *text, struct buf *scratch,
	struct json_doc **doc, struct json_error *error)
{
	enum err err = context->borrow ? json_parse_borrowed(context->parser, *text, doc, error)
				       : json_parse(context->parser, *text, doc, error);
	if (err == ERR_SYNTAX && !str_is_utf8(*text)) {
		struct str clean = clean_utf8(*text, scratch);
		if (clean.ptr != NULL) {
			*text = clean;
			err = json_parse(context->parser, clean, doc, error);
		}
	}
	return err;
}

/* ---- streams ---- */

/* Servers that send ["list:ID"] or ["hashtag:TAG"] as one string (protocol.md 9.1) are told from
 * names that have a colon of their own. */
static void
split_stream(struct str text, struct str *stream, struct str *param)
{
	static const char *const prefixes[] = {"list:", "hashtag:local:", "hashtag:"};
	*stream = text;
	*param = STR_NONE;
	if (str_eq_text(text, "hashtag:local")) {
		return;
	}
	for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
		if (str_starts(text, prefixes[i])) {
			size_t len = strlen(prefixes[i]);
			*stream = (struct str){text.ptr, len - 1};
			*param = (struct str){text.ptr + len, text.len - len};
			return;
		}
	}
	/* Akkoma: "user:ACCOUNT_ID" is the home stream, "user:notification:ACCOUNT_ID" and "direct:ACCOUNT_ID" likewise. */
	static const char *const own[] = {"user:notification", "direct", "user"};
	for (size_t i = 0; i < COUNT_OF(own) && !str_starts(text, "user:pleroma"); i++) {
		size_t len = strlen(own[i]);
		if (str_starts(text, own[i]) && (text.len == len || text.ptr[len] == ':')) {
			stream->len = len;
			return;
		}
	}
}

/* A number as the server wrote it: Mastodon sends back ["list",7] for a numeric list. */
static struct str
scalar_text(struct json_value value, char *number, size_t size)
{
	int64_t integer = 0;
	uint64_t natural = 0;
	if (json_get_int(value, &integer)) {
		int len = snprintf(number, size, "%lld", (long long)integer);
		return (struct str){number, (size_t)len};
	}
	if (json_get_uint(value, &natural)) {
		int len = snprintf(number, size, "%llu", (unsigned long long)natural);
		return (struct str){number, (size_t)len};
	}
	return json_str(value);
}

void
decode_stream(struct decode_parts *parts, struct json_value value)
{
	struct json_iter it = json_iter(value);
	bool array = json_type(value) == JSON_ARRAY && json_next(&it);
	struct str text = json_str(array ? it.value : value);
	if (text.len == 0) {
		return;
	}
	struct str stream;
	struct str param;
	split_stream(text, &stream, &param);
	if (array && json_next(&it)) {
		stream = text;
		param = scalar_text(it.value, parts->number, sizeof(parts->number));
	}
	/* Iceshrimp-JS names the stream and leaves its tag or list out. */
	if (param.ptr == NULL && str_eq(stream, parts->stream)) {
		param = parts->param;
	}
	parts->stream = stream;
	parts->param = param;
}

/* ---- payloads ---- */

struct str
decode_payload_text(struct json_value value, struct buf *scratch)
{
	if (json_type(value) == JSON_STRING) {
		return json_str(value);
	}
	if (json_type(value) == JSON_NULL) {
		return STR_NONE;
	}
	buf_clear(scratch);
	json_put_value(scratch, value);
	return buf_str(scratch);
}

static bool
is_id(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '"' ||
			text.ptr[i] == '{') {
			return false;
		}
	}
	return text.len > 0 && text.len <= EVENT_ID_MAX;
}

static enum decode_result
make_event(const struct decode_context *context, const struct decode_parts *parts, struct str id,
	struct json_doc *doc, struct decode_output *out)
{
	struct event event = {
		.kind = event_kind_from_name(parts->name),
		.origin = context->origin,
		.received_at_ms = parts->received_at_ms,
		.name = parts->name,
		.stream = parts->stream,
		.param = parts->param,
		.streams = parts->streams,
		.account = parts->account,
		.id = id.ptr != NULL ? id : STR(""),
		.payload = parts->payload,
		.doc = doc,
	};
	out->event = event_create(&event);
	return DECODE_EVENT;
}

static enum decode_result
finish_id(
	const struct decode_context *context, struct decode_parts *parts, struct decode_output *out)
{
	struct str id = str_trim(parts->payload);
	if (id.len >= 2 && id.ptr[0] == '"' &&
		id.ptr[id.len - 1] == '"') { /* encoded once too often */
		id = (struct str){id.ptr + 1, id.len - 2};
	}
	if (!is_id(id)) {
		struct str shown = decode_shown(parts->payload);
		return decode_broken(out, "event \"%.*s\": expected a bare id, found %s%.*s%s",
			STR_ARG(parts->name), id.len == 0 ? "nothing" : "\"", STR_ARG(shown),
			id.len == 0 ? "" : "\"");
	}
	parts->payload = id;
	return make_event(context, parts, id, NULL, out);
}

static const char *
type_name(struct json_value value)
{
	static const char *const names[] = {"null", "a boolean", "a number", "a number", "a number",
		"a string", "an array", "an object"};
	return names[json_type(value)];
}

static enum decode_result
finish_entity(const struct decode_context *context, struct decode_parts *parts,
	struct json_doc *doc, struct decode_output *out)
{
	struct json_value root = json_root(doc);
	struct str name = parts->name;
	if (json_type(root) != JSON_OBJECT) {
		struct str shown = decode_shown(parts->payload);
		(void)decode_broken(out, "event \"%.*s\": expected a JSON object, found %s: %.*s",
			STR_ARG(name), type_name(root), STR_ARG(shown));
		json_doc_destroy(doc);
		return DECODE_BROKEN;
	}
	char number[32];
	struct str id = scalar_text(json_get(root, "id"), number, sizeof(number));
	bool needs_id = event_kind_info(event_kind_from_name(name))->payload != PAYLOAD_REACTION;
	if (!needs_id) {
		id = STR("");
	} else if (!is_id(id)) {
		json_doc_destroy(doc);
		return decode_broken(out, "event \"%.*s\": expected an object with an id, found %s",
			STR_ARG(name),
			id.ptr == NULL ? "one without"
				       : "one whose id is empty, too long or holds spaces");
	}
	return make_event(context, parts, id, doc, out);
}

static enum decode_result
finish_other(const struct decode_context *context, struct decode_parts *parts, struct json_doc *doc,
	struct decode_output *out)
{
	struct buf clean;
	buf_init(&clean, JSON_TEXT_MAX);
	if (doc == NULL && parts->payload.ptr != NULL && !str_is_utf8(parts->payload)) {
		parts->payload = clean_utf8(parts->payload, &clean);
	}
	if (doc == NULL && parts->payload.ptr != NULL) {
		(void)json_parse(
			context->parser, parts->payload, &doc, NULL); /* a text is fine as well */
	}
	if (doc != NULL && json_type(json_root(doc)) != JSON_OBJECT) {
		json_doc_destroy(doc);
		doc = NULL;
	}
	enum decode_result result = make_event(context, parts, STR(""), doc, out);
	buf_finish(&clean);
	return result;
}

static bool
is_nothing(struct str payload)
{
	struct str trimmed = str_trim(payload);
	return trimmed.len == 0 || str_eq_text(trimmed, "undefined") ||
	       str_eq_text(trimmed, "null");
}

/* Iceshrimp.NET tells a list of a deletion by an edit to a bare id (protocol.md 9.4). */
static bool
is_list_delete(const struct decode_parts *parts)
{
	return str_eq_text(parts->name, "status.update") && str_eq_text(parts->stream, "list") &&
	       is_id(parts->payload);
}

static enum decode_result
check_envelope(const struct decode_parts *parts, struct decode_output *out)
{
	struct str shown = decode_shown(parts->name);
	if (parts->name.len > EVENT_NAME_MAX) {
		return decode_broken(out, "an event name of %zu bytes, the limit is %d: %.*s",
			parts->name.len, EVENT_NAME_MAX, STR_ARG(shown));
	}
	if (parts->stream.len > EVENT_STREAM_MAX || parts->param.len > EVENT_STREAM_MAX) {
		return decode_broken(out, "event \"%.*s\": a stream name of more than %d bytes",
			STR_ARG(shown), EVENT_STREAM_MAX);
	}
	return DECODE_EVENT;
}

static enum decode_result
finish_entity_text(
	const struct decode_context *context, struct decode_parts *parts, struct decode_output *out)
{
	if (parts->payload.ptr == NULL) {
		return decode_broken(out,
			"event \"%.*s\": expected a JSON object, found no payload",
			STR_ARG(parts->name));
	}
	struct buf clean;
	buf_init(&clean, JSON_TEXT_MAX);
	struct json_doc *doc = NULL;
	struct json_error error;
	enum decode_result result = DECODE_BROKEN;
	if (decode_parse(context, &parts->payload, &clean, &doc, &error) == ERR_OK) {
		result = finish_entity(context, parts, doc, out);
	} else {
		struct str shown = decode_shown(parts->payload);
		(void)decode_broken(out, "event \"%.*s\": the payload is no JSON: %s: %.*s",
			STR_ARG(parts->name), error.message, STR_ARG(shown));
	}
	buf_finish(&clean);
	return result;
}

enum decode_result
decode_finish(const struct decode_context *context, struct decode_parts *parts,
	struct json_doc *doc, struct decode_output *out)
{
	enum decode_result result = check_envelope(parts, out);
	if (result != DECODE_EVENT) {
		json_doc_destroy(doc);
		return result;
	}
	if (doc == NULL && parts->payload.ptr != NULL && is_nothing(parts->payload)) {
		parts->payload = STR_NONE;
	}
	if (doc == NULL && is_list_delete(parts)) {
		parts->name = str_from(event_kind_info(EVENT_DELETE)->name);
	}
	switch (event_kind_info(event_kind_from_name(parts->name))->payload) {
	case PAYLOAD_NONE:
		json_doc_destroy(doc);
		parts->payload = STR_NONE;
		return make_event(context, parts, STR(""), NULL, out);
	case PAYLOAD_ID:
		json_doc_destroy(doc);
		return finish_id(context, parts, out);
	case PAYLOAD_OTHER:
		return finish_other(context, parts, doc, out);
	default:
		break;
	}
	return doc != NULL ? finish_entity(context, parts, doc, out)
			   : finish_entity_text(context, parts, out);
}

/* ---- messages ---- */

enum decode_result
decode_sse(const struct decode_context *context, struct str type, struct str data,
	struct decode_output *out)
{
	*out = (struct decode_output){0};
	if (type.len == 0) {
		return DECODE_IGNORED;
	}
	struct decode_parts parts = decode_parts_init(context);
	parts.name = type;
	parts.payload = data.ptr != NULL ? data : STR_NONE;
	if (!str_is_utf8(type)) {
		return decode_broken(out, "an event name that is no UTF-8");
	}
	return decode_finish(context, &parts, NULL, out);
}

enum decode_result
decode_entity(const struct decode_context *context, enum event_kind kind, struct str payload,
	struct decode_output *out)
{
	*out = (struct decode_output){0};
	struct decode_parts parts = decode_parts_init(context);
	parts.name = str_from(event_kind_info(kind)->name);
	parts.payload = payload;
	return decode_finish(context, &parts, NULL, out);
}

static void
set_error(struct decode_output *out, struct str text, struct json_value status)
{
	int64_t number = 0;
	(void)snprintf(out->error_text, sizeof(out->error_text), "%.*s",
		text.len < sizeof(out->error_text) ? (int)text.len
						   : (int)sizeof(out->error_text) - 1,
		text.ptr != NULL ? text.ptr : "");
	if (json_get_int(status, &number) && number >= 0 && number <= 999) {
		out->error_status = (int)number;
	}
}

/* Pleroma acknowledges each subscribe: {"type":…,"result":"success"|"ignored"|"error","error":…}. */
static enum decode_result
decode_respond(const struct decode_context *context, struct str payload, struct decode_output *out)
{
	struct json_doc *doc = NULL;
	enum decode_result result = DECODE_IGNORED;
	out->is_answer = true;
	if (payload.ptr == NULL || json_parse(context->parser, payload, &doc, NULL) != ERR_OK) {
		return DECODE_IGNORED;
	}
	struct json_value root = json_root(doc);
	if (str_eq_text(json_str(json_get(root, "result")), "error")) {
		struct str text = json_str(json_get(root, "error"));
		set_error(out, text.len > 0 ? text : STR("error"), (struct json_value){0});
		result = DECODE_ERROR;
	}
	json_doc_destroy(doc);
	return result;
}

enum decode_result
decode_envelope(
	const struct decode_context *context, struct json_value root, struct decode_output *out)
{
	struct str name = json_str(json_get(root, "event"));
	struct str error = json_str(json_get(root, "error"));
	if (name.len == 0 && error.ptr != NULL) {
		set_error(out, error, json_get(root, "status"));
		return DECODE_ERROR;
	}
	if (name.len == 0) {
		return DECODE_IGNORED; /* Misskey's own objects (protocol.md 9.4) */
	}
	struct buf scratch;
	buf_init(&scratch, JSON_TEXT_MAX);
	struct decode_parts parts = decode_parts_init(context);
	parts.name = name;
	parts.payload = decode_payload_text(json_get(root, "payload"), &scratch);
	decode_stream(&parts, json_get(root, "stream"));
	enum decode_result result = str_eq_text(name, "pleroma:respond")
					    ? decode_respond(context, parts.payload, out)
					    : decode_finish(context, &parts, NULL, out);
	buf_finish(&scratch);
	return result;
}

enum decode_result
decode_ws(const struct decode_context *context, struct str text, struct decode_output *out)
{
	*out = (struct decode_output){0};
	struct str trimmed = str_trim(text);
	if (trimmed.len == 0 || str_eq_text(trimmed, "pong")) {
		return DECODE_IGNORED;
	}
	struct buf scratch;
	buf_init(&scratch, JSON_TEXT_MAX);
	struct json_doc *doc = NULL;
	struct json_error error;
	enum decode_result result = DECODE_BROKEN;
	struct decode_context envelope = *context;
	envelope.borrow = false; /* the payload is parsed while the envelope's strings are in use */
	if (decode_parse(&envelope, &text, &scratch, &doc, &error) != ERR_OK) {
		struct str shown = decode_shown(text);
		(void)decode_broken(
			out, "a message that is no JSON: %s: %.*s", error.message, STR_ARG(shown));
	} else if (json_type(json_root(doc)) != JSON_OBJECT) {
		struct str shown = decode_shown(text);
		(void)decode_broken(out, "expected a JSON object, found %s: %.*s",
			type_name(json_root(doc)), STR_ARG(shown));
	} else {
		result = decode_envelope(context, json_root(doc), out);
	}
	json_doc_destroy(doc);
	buf_finish(&scratch);
	return result;
}
