/* SPDX-License-Identifier: MIT */
/* What the database keeps of an instance that is off: why, what it hears, and which files would switch it on again. */
#include <stdlib.h>

#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "quarantine.h"
#include "troubles.h"
#include "xmalloc.h"

void
quarantine_forget_source(struct guard *guard)
{
	for (unsigned i = 0; i < guard->stream_count; i++) {
		free(guard->streams[i].account);
		free(guard->streams[i].stream);
		free(guard->streams[i].param);
	}
	free(guard->streams);
	free(guard->files);
	guard->streams = NULL;
	guard->stream_count = 0;
	guard->files = NULL;
}

/* ---- writing ---- */

static void
put_file(void *data, const char *path, uint64_t content)
{
	char *number = xasprintf("%016llx", (unsigned long long)content);
	json_put_key(data, path);
	json_put_text(data, number);
	free(number);
}

void
quarantine_note_source(struct host *host, struct instance *instance)
{
	struct guard *guard = &instance->guard;
	unsigned count;
	const struct plugin_stream *streams = plugin_streams(instance->plugin, &count);
	struct buf files;
	quarantine_forget_source(guard);
	guard->streams = xcalloc(count + 1, sizeof(guard->streams[0]));
	guard->stream_count = count;
	for (unsigned i = 0; i < count; i++) {
		guard->streams[i] = streams[i];
		guard->streams[i].account = xstrdup(streams[i].account);
		guard->streams[i].stream = xstrdup(streams[i].stream);
		guard->streams[i].param = xstrdup(streams[i].param);
	}
	buf_init(&files, JSON_TEXT_MAX);
	buf_add_char(&files, '{');
	if (host->watch)
		watch_each(host->watch, instance->name, put_file, &files);
	buf_add_char(&files, '}');
	guard->files = buf_take(&files, NULL);
}

static void
put_streams(const struct guard *guard, struct buf *out)
{
	buf_add_char(out, '[');
	for (unsigned i = 0; i < guard->stream_count; i++) {
		const struct plugin_stream *stream = &guard->streams[i];
		json_put_comma(out);
		buf_add_char(out, '{');
		json_put_key(out, "stream");
		json_put_text(out, stream->stream);
		json_put_key(out, "parameter");
		json_put_text(out, stream->param);
		json_put_key(out, "account");
		json_put_text(out, stream->account);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

void
quarantine_put_row(struct host *host, struct instance *instance)
{
	struct guard *guard = &instance->guard;
	struct buf streams;
	buf_init(&streams, JSON_TEXT_MAX);
	put_streams(guard, &streams);
	struct quarantine row = {
		.instance = instance->name,
		.at_ms = guard->off_at_ms,
		.why = guard->why,
		.report = guard->report,
		.source = guard->source,
		.missed = (int64_t)guard->missed,
		.streams = streams.ptr,
		.files = guard->files,
	};
	quarantine_put(host->store, &row);
	guard->missed_put = guard->missed;
	buf_finish(&streams);
}

void
quarantine_write(struct host *host)
{
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = host->instances[i];
		if (instance->guard.off && instance->guard.missed != instance->guard.missed_put)
			quarantine_put_row(host, instance);
	}
}

/* ---- reading ---- */

static char *
text_of(struct json_value value)
{
	return json_type(value) == JSON_STRING ? str_dup(json_str(value)) : NULL;
}

static void
take_streams(struct host *host, struct guard *guard, const char *text)
{
	struct json_doc *doc = NULL;
	if (!text || json_parse(host->parser, str_from(text), &doc, NULL) != ERR_OK)
		return;
	struct json_iter it = json_iter(json_root(doc));
	while (json_next(&it)) {
		char *stream = text_of(json_get(it.value, "stream"));
		if (!stream)
			continue;
		guard->streams = xreallocarray(
			guard->streams, guard->stream_count + 1, sizeof(guard->streams[0]));
		guard->streams[guard->stream_count++] = (struct plugin_stream){
			.stream = stream,
			.param = text_of(json_get(it.value, "parameter")),
			.account = text_of(json_get(it.value, "account")),
		};
	}
	json_doc_destroy(doc);
}

/* True when one of the files is another than when it was switched off. They are watched from now on. */
static bool
files_differ(struct host *host, const struct instance *instance, const char *text)
{
	struct json_doc *doc = NULL;
	bool differ = false;
	if (!host->watch || !text || json_parse(host->parser, str_from(text), &doc, NULL) != ERR_OK)
		return false;
	struct json_iter it = json_iter(json_root(doc));
	while (json_next(&it)) {
		char *path = str_dup(it.key), *number = text_of(it.value);
		uint64_t content = number ? strtoull(number, NULL, 16) : 0;
		differ = watch_again(host->watch, instance->name, path, content) || differ;
		free(number);
		free(path);
	}
	json_doc_destroy(doc);
	return differ;
}

struct taking {
	struct host *host;
	struct instance *instance;
};

static void
take_row(void *data, const struct quarantine *row)
{
	const struct taking *taking = data;
	struct guard *guard = &taking->instance->guard;
	guard->off_at_ms = row->at_ms;
	guard->why = xstrdup(row->why ? row->why : "?");
	guard->report = xstrdup(row->report);
	guard->missed = guard->missed_put = (uint64_t)row->missed;
	guard->off = guard->source == row->source &&
		     !files_differ(taking->host, taking->instance, row->files);
	if (!guard->off)
		return;
	guard->files = xstrdup(row->files);
	take_streams(taking->host, guard, row->streams);
}

bool
quarantine_take_row(struct host *host, struct instance *instance)
{
	struct taking taking = {host, instance};
	return !host->config.offline &&
	       quarantine_get(host->store, instance->name, take_row, &taking) &&
	       instance->guard.off;
}
