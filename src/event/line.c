/* SPDX-License-Identifier: MIT */
/* Events as lines of JSON: writing them, and reading lines, recorded frames and bare statuses. */
#include <string.h>

#include "clock.h"
#include "decode.h"
#include "decode_parts.h"
#include "json_write.h"
#include "limits.h"

/* What the host itself writes between events; no server sent it. */
static bool
is_host_kind(struct str kind)
{
	static const char *const kinds[] = {"gap", "connected", "disconnected"};
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (str_eq_text(kind, kinds[i])) {
			return true;
		}
	}
	return false;
}

/* ---- where the payload stands ---- */

static size_t
skip_space(struct str s, size_t at)
{
	while (at < s.len &&
		(s.ptr[at] == ' ' || s.ptr[at] == '\t' || s.ptr[at] == '\r' || s.ptr[at] == '\n')) {
		at++;
	}
	return at;
}

/* Index behind the string that begins at `at`; s.len when it does not end. */
static size_t
skip_string(struct str s, size_t at)
{
	for (at++; at < s.len; at++) {
		if (s.ptr[at] == '\\') {
			at++;
		} else if (s.ptr[at] == '"') {
			return at + 1;
		}
	}
	return s.len;
}

/* Index of the comma or bracket that ends the value at `at`. */
static size_t
skip_value(struct str s, size_t at)
{
	size_t depth = 0;
	while (at < s.len) {
		char c = s.ptr[at];
		if (c == '"') {
			at = skip_string(s, at);
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
			return at;
		}
		depth += c == '{' || c == '[' ? 1 : 0;
		depth -= c == '}' || c == ']' ? 1 : 0;
		at++;
	}
	return s.len;
}

/* Finds the member "payload" of the outermost object without parsing what comes before.
 * Nothing is checked: both pieces are parsed afterwards. */
static bool
find_payload(struct str line, size_t *key_at, size_t *value_at)
{
	size_t at = 1; /* behind the brace */
	while (at < line.len && at < EVENT_HEADER_MAX) {
		at = skip_space(line, at);
		size_t key = at;
		if (at >= line.len || line.ptr[at] != '"') {
			return false;
		}
		at = skip_string(line, at);
		bool found = str_eq_text((struct str){line.ptr + key, at - key}, "\"payload\"");
		at = skip_space(line, at);
		if (at >= line.len || line.ptr[at] != ':') {
			return false;
		}
		at = skip_space(line, at + 1);
		if (found) {
			*key_at = key;
			*value_at = at;
			return true;
		}
		at = skip_value(line, at) + 1;
	}
	return false;
}

/* ---- lines of our own ---- */

static void
read_time(struct decode_parts *parts, struct json_value value)
{
	int64_t ms = 0;
	if (json_get_int(value, &ms) || time_parse(json_str(value), &ms)) {
		parts->received_at_ms = ms;
	}
}

/* False when the header has no kind. The parts point into `streams`. */
static bool
read_header(struct decode_parts *parts, struct json_value root, struct buf *streams)
{
	parts->name = json_str(json_get(root, "kind"));
	decode_stream(parts, json_get(root, "stream"));
	struct json_value all = json_get(root, "streams");
	if (json_count(all) > 1) {
		json_put_value(streams, all);
		parts->streams = buf_str(streams); /* nothing when it is too long */
	}
	struct str account = json_str(json_get(root, "account"));
	if (account.len > 0) {
		parts->account = account;
	}
	read_time(parts, json_get(root, "received_at"));
	return parts->name.len > 0;
}

static bool
parse_payload(const struct decode_context *context, struct str payload, struct json_doc **doc)
{
	enum err err = context->borrow ? json_parse_borrowed(context->parser, payload, doc, NULL)
				       : json_parse(context->parser, payload, doc, NULL);
	return err == ERR_OK;
}

/* A line whose payload comes last: the payload is parsed once, by itself, and kept verbatim.
 * False when the line is not of that form: then it is parsed as a whole. */
static bool
decode_split(const struct decode_context *context, struct str line, struct decode_output *out,
	enum decode_result *result)
{
	size_t key_at = 0;
	size_t value_at = 0;
	if (line.ptr[line.len - 1] != '}' || !find_payload(line, &key_at, &value_at) ||
		value_at >= line.len - 1) {
		return false;
	}
	struct str payload = str_trim((struct str){line.ptr + value_at, line.len - 1 - value_at});
	if (payload.len == 0 || payload.ptr[0] != '{') {
		return false;
	}
	struct buf header, streams;
	buf_init(&streams, EVENT_STREAMS_TEXT_MAX * 2);
	buf_init(&header, EVENT_HEADER_MAX + 8);
	(void)buf_add(&header, line.ptr, key_at);
	(void)buf_add_text(&header, "\"\":0}");
	struct json_doc *header_doc = NULL;
	struct json_doc *doc = NULL;
	bool ok = header.err == ERR_OK &&
		  json_parse(context->parser, buf_str(&header), &header_doc, NULL) == ERR_OK &&
		  parse_payload(context, payload, &doc);
	struct decode_parts parts = decode_parts_init(context);
	if (ok && read_header(&parts, json_root(header_doc), &streams)) {
		parts.payload = payload;
		*result = is_host_kind(parts.name) ? DECODE_IGNORED
						   : decode_finish(context, &parts, doc, out);
		doc = is_host_kind(parts.name) ? doc : NULL;
	} else {
		ok = false;
	}
	json_doc_destroy(doc);
	json_doc_destroy(header_doc);
	buf_finish(&header);
	buf_finish(&streams);
	return ok;
}

static enum decode_result
decode_whole(
	const struct decode_context *context, struct json_value root, struct decode_output *out)
{
	struct decode_parts parts = decode_parts_init(context);
	struct buf scratch, streams;
	buf_init(&streams, EVENT_STREAMS_TEXT_MAX * 2);
	(void)read_header(&parts, root, &streams);
	if (is_host_kind(parts.name)) {
		buf_finish(&streams);
		return DECODE_IGNORED;
	}
	buf_init(&scratch, JSON_TEXT_MAX);
	parts.payload = decode_payload_text(json_get(root, "payload"), &scratch);
	enum decode_result result = decode_finish(context, &parts, NULL, out);
	buf_finish(&scratch);
	buf_finish(&streams);
	return result;
}

/* ---- any line ---- */

enum { KEY_KIND, KEY_EVENT, KEY_ID, KEY_CONTENT, KEY_CREATED_AT, KEYS };

/* The members that tell what a line is. */
static void
find_keys(struct json_value root, struct json_value found[KEYS])
{
	static const struct str keys[KEYS] = {
		[KEY_KIND] = {"kind", 4},
		[KEY_EVENT] = {"event", 5},
		[KEY_ID] = {"id", 2},
		[KEY_CONTENT] = {"content", 7},
		[KEY_CREATED_AT] = {"created_at", 10},
	};
	json_get_each(root, keys, found, KEYS);
}

static bool
is_status(const struct json_value found[KEYS])
{
	return json_exists(found[KEY_ID]) && json_type(found[KEY_CONTENT]) == JSON_STRING;
}

static enum decode_result
decode_parsed(const struct decode_context *context, struct str line, struct json_doc *doc,
	struct decode_output *out)
{
	struct json_value root = json_root(doc);
	enum decode_result result = DECODE_BROKEN;
	struct json_value found[KEYS];
	find_keys(root, found);
	if (json_doc_is_borrowed(doc) && !is_status(found)) { /* a payload inside is parsed again */
		doc = json_doc_keep(doc);
		root = json_root(doc);
		find_keys(root, found);
	}
	if (json_str(found[KEY_KIND]).len > 0) {
		result = decode_whole(context, root, out);
	} else if (json_str(found[KEY_EVENT]).len > 0) {
		result = decode_envelope(context, root, out); /* a frame as a client saved it */
	} else if (is_status(found)) {
		struct decode_parts parts = decode_parts_init(context);
		parts.name = str_from(event_kind_info(EVENT_UPDATE)->name);
		parts.payload = line;
		if (context->origin == ORIGIN_REPLAY) { /* it was heard when it was posted, about */
			read_time(&parts, found[KEY_CREATED_AT]);
		}
		return decode_finish(context, &parts, doc, out);
	} else {
		struct str shown = decode_shown(line);
		(void)decode_broken(out, "expected an event with \"kind\" or a Status, found: %.*s",
			STR_ARG(shown));
	}
	json_doc_destroy(doc);
	return result;
}

enum decode_result
decode_line(const struct decode_context *context, struct str line, struct decode_output *out)
{
	*out = (struct decode_output){0};
	line = str_trim(line);
	if (line.len == 0) {
		return DECODE_IGNORED;
	}
	if (line.len > EVENT_LINE_MAX) {
		return decode_broken(
			out, "a line of %zu bytes, the limit is %u", line.len, EVENT_LINE_MAX);
	}
	enum decode_result result = DECODE_BROKEN;
	if (str_starts(line, "{\"kind\"") && decode_split(context, line, out, &result)) {
		return result;
	}
	struct buf scratch;
	buf_init(&scratch, JSON_TEXT_MAX);
	struct json_doc *doc = NULL;
	struct json_error error;
	if (decode_parse(context, &line, &scratch, &doc, &error) == ERR_OK) {
		result = decode_parsed(context, line, doc, out);
	} else {
		struct str shown = decode_shown(line);
		(void)decode_broken(
			out, "a line that is no JSON: %s: %.*s", error.message, STR_ARG(shown));
	}
	buf_finish(&scratch);
	return result;
}

/* ---- writing ---- */

/* Outside of JSON strings, where raw line ends may stand, a space means the same. */
static void
put_verbatim(struct buf *out, struct str json)
{
	size_t start = out->len;
	(void)buf_add_str(out, json);
	for (const char *end = "\n\r"; *end != '\0' && out->err == ERR_OK; end++) {
		char *at = out->ptr + start;
		while ((at = memchr(at, *end, (size_t)(out->ptr + out->len - at))) != NULL) {
			*at = ' ';
		}
	}
}

static void
put_stream(struct buf *out, const struct event *event)
{
	(void)buf_add_char(out, '[');
	if (event->stream.ptr != NULL) {
		json_put_str(out, event->stream);
	}
	if (event->stream.ptr != NULL && event->param.ptr != NULL) {
		(void)buf_add_char(out, ',');
		json_put_str(out, event->param);
	}
	(void)buf_add_char(out, ']');
}

void
event_write_line(const struct event *event, struct buf *out)
{
	(void)buf_add_text(out, "{\"kind\":");
	json_put_str(out, event->name);
	(void)buf_add_text(out, ",\"stream\":");
	put_stream(out, event);
	if (event->streams.len > 0) {
		(void)buf_add_text(out, ",\"streams\":");
		(void)buf_add_str(out, event->streams);
	}
	(void)buf_add_text(out, ",\"account\":");
	if (event->account.ptr != NULL) {
		json_put_str(out, event->account);
	} else {
		(void)buf_add_text(out, "null");
	}
	(void)buf_add_text(out, ",\"origin\":");
	json_put_text(out, event_origin_name(event->origin));
	(void)buf_add_text(out, ",\"received_at\":\"");
	time_format(out, event->received_at_ms);
	(void)buf_add_char(out, '"');
	if (event->payload.ptr != NULL) {
		(void)buf_add_text(out, ",\"payload\":");
		if (event->doc != NULL) {
			put_verbatim(out, event->payload);
		} else {
			json_put_str(out, event->payload);
		}
	}
	(void)buf_add_char(out, '}');
}
