/* SPDX-License-Identifier: MIT */
/* The incremental parser for text/event-stream. */
#include "sse.h"

#include <string.h>

#include "attr.h"
#include "limits.h"

#define BOM     "\xEF\xBB\xBF"
#define BOM_LEN 3

void
sse_init(struct sse *sse, sse_event_fn *on_event, void *data)
{
	*sse = (struct sse){.retry_ms = -1, .at_start = true, .on_event = on_event, .data = data};
	buf_init(&sse->line, SSE_LINE_MAX);
	buf_init(&sse->type, SSE_TYPE_MAX);
	buf_init(&sse->payload, SSE_EVENT_MAX);
	buf_init(&sse->last_id, SSE_ID_MAX);
}

void
sse_finish(struct sse *sse)
{
	buf_finish(&sse->line);
	buf_finish(&sse->type);
	buf_finish(&sse->payload);
	buf_finish(&sse->last_id);
}

static void
reset(struct buf *buf)
{
	if (buf->size > SSE_KEPT_MAX) {
		buf_finish(buf);
	} else {
		buf_clear(buf);
	}
}

/* A block without data is no event: since Mastodon 4.6 each heartbeat ends with one. */
static void
dispatch(struct sse *sse)
{
	if (sse->has_data) {
		sse->on_event(sse->data, buf_str(&sse->type), buf_str(&sse->payload));
	}
	sse->has_data = false;
	buf_clear(&sse->type);
	reset(&sse->payload);
}

static bool
is_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9') {
			return false;
		}
	}
	return s.len > 0;
}

static enum err
on_field(struct sse *sse, struct str name, struct str value)
{
	if (str_eq_text(name, "data")) {
		if (sse->has_data && buf_add_char(&sse->payload, '\n') != ERR_OK) {
			return ERR_TOO_BIG;
		}
		sse->has_data = true;
		return buf_add_str(&sse->payload, value);
	}
	if (str_eq_text(name, "event")) {
		buf_clear(&sse->type);
		value.len = value.len < SSE_TYPE_MAX ? value.len : SSE_TYPE_MAX;
		return buf_add_str(&sse->type, value);
	}
	if (str_eq_text(name, "id") && value.len <= SSE_ID_MAX &&
		memchr(value.ptr, '\0', value.len) == NULL) {
		buf_clear(&sse->last_id);
		return buf_add_str(&sse->last_id, value);
	}
	if (str_eq_text(name, "retry") && is_digits(value)) {
		(void)str_to_int(value, 0, INT64_MAX, &sse->retry_ms);
	}
	return ERR_OK;
}

static enum err
on_line(struct sse *sse, struct str line)
{
	if (line.len == 0) {
		dispatch(sse);
		return ERR_OK;
	}
	if (line.ptr[0] == ':') {
		sse->comments++;
		return ERR_OK;
	}
	struct str name;
	struct str value = str_split(line, ':', &name);
	if (value.ptr == NULL) {
		value = STR("");
	} else if (value.len > 0 && value.ptr[0] == ' ') {
		value = (struct str){value.ptr + 1, value.len - 1};
	}
	return on_field(sse, name, value);
}

/* Drops the byte order mark that may begin the stream, also when it comes in pieces. */
static void
skip_bom(struct sse *sse, struct str *bytes)
{
	while (sse->at_start && bytes->len > 0) {
		if (bytes->ptr[0] != BOM[sse->bom]) {
			sse->at_start = false;
			(void)buf_add(&sse->line, BOM, sse->bom);
			return;
		}
		bytes->ptr++;
		bytes->len--;
		sse->bom++;
		sse->at_start = sse->bom < BOM_LEN;
	}
}

/* The next `c` at or behind `at`, else `end`. `known` is the last answer: looking again only when
 * it was passed keeps the work linear when one of the two line ends never comes. */
static const char *
find(const char *known, const char *at, const char *end, char c)
{
	if (known != NULL && known >= at) {
		return known;
	}
	const char *found = memchr(at, c, (size_t)(end - at));
	return found != NULL ? found : end;
}

enum err
sse_feed(struct sse *sse, struct str bytes)
{
	skip_bom(sse, &bytes);
	enum err err = sse->line.err != ERR_OK ? sse->line.err : sse->payload.err;
	const char *at = bytes.ptr;
	const char *end = at + bytes.len;
	const char *lf = NULL;
	const char *cr = NULL;
	while (err == ERR_OK && at < end) {
		bool lf_of_cr = sse->skip_lf && *at == '\n';
		sse->skip_lf = false;
		if (lf_of_cr) {
			at++;
			continue;
		}
		lf = find(lf, at, end, '\n');
		cr = find(cr, at, end, '\r');
		const char *stop = lf < cr ? lf : cr;
		struct str line = {at, (size_t)(stop - at)};
		if (stop == end) {
			return buf_add_str(&sse->line, line);
		}
		if (sse->line.len > 0) {
			err = buf_add_str(&sse->line, line);
			line = buf_str(&sse->line);
		}
		if (err == ERR_OK) {
			sse->skip_lf = *stop == '\r';
			err = on_line(sse, line);
			reset(&sse->line);
		}
		at = stop + 1;
	}
	return err;
}
