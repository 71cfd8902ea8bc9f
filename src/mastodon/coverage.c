/* SPDX-License-Identifier: MIT */
/* How much of what REST lists a stream brought as well, over the same stretch of time. Pure: no network. */
#include "coverage.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "checkup_account.h"
#include "clock.h"
#include "json_write.h"
#include "xmalloc.h"

#define MISSING_SHOWN 5
#define SHARE_ERROR   50 /* per cent */

struct heard {
	char *cursor;
	UT_hash_handle hh;
};

/* What REST has and the stream did not bring. */
struct missing {
	char *id, *url, *acct, *language;
};

struct entry {
	char *cursor;
	struct missing about;
};

struct coverage {
	const struct checkup_stream *stream;
	const struct stream_source *source;
	char *from; /* cursor of the newest entity at the beginning; NULL: there was none */
	struct heard *heard;
	struct entry *listed;
	unsigned listed_count;
	unsigned updates, edits, deletes, others;
};

struct coverage *
coverage_create(const struct checkup_stream *stream, const struct stream_source *source)
{
	struct coverage *coverage = xcalloc(1, sizeof(*coverage));
	coverage->stream = stream;
	coverage->source = source;
	return coverage;
}

void
coverage_destroy(struct coverage *coverage)
{
	struct heard *heard, *next;
	if (!coverage)
		return;
	HASH_ITER(hh, coverage->heard, heard, next) {
		HASH_DEL(coverage->heard, heard);
		free(heard->cursor);
		free(heard);
	}
	for (unsigned i = 0; i < coverage->listed_count; i++) {
		struct entry *entry = &coverage->listed[i];
		free(entry->cursor);
		free(entry->about.id);
		free(entry->about.url);
		free(entry->about.acct);
		free(entry->about.language);
	}
	free(coverage->listed);
	free(coverage->from);
	free(coverage);
}

const struct checkup_stream *
coverage_stream(const struct coverage *coverage)
{
	return coverage->stream;
}

const struct stream_source *
coverage_source(const struct coverage *coverage)
{
	return coverage->source;
}

void
coverage_begin(struct coverage *coverage, struct json_value page)
{
	struct json_iter it = json_iter(page);
	while (json_type(page) == JSON_ARRAY && json_next(&it)) {
		struct str cursor = stream_cursor(coverage->source->kind, it.value);
		if (stream_cursor_compare(cursor, str_from(coverage->from)) > 0) {
			free(coverage->from);
			coverage->from = str_dup(cursor);
		}
	}
}

void
coverage_heard(struct coverage *coverage, const struct event *event)
{
	coverage->updates += event->kind == EVENT_UPDATE;
	coverage->edits += event->kind == EVENT_STATUS_UPDATE;
	coverage->deletes += event->kind == EVENT_DELETE;
	coverage->others += event->kind > EVENT_DELETE;
	if (event->kind != coverage->source->kind || !event->doc ||
		HASH_COUNT(coverage->heard) >= COVERAGE_HEARD_MAX)
		return;
	struct heard *heard;
	char *cursor = str_dup(stream_cursor(event->kind, json_root(event->doc)));
	if (cursor)
		HASH_FIND_STR(coverage->heard, cursor, heard);
	if (!cursor || heard) {
		free(cursor);
		return;
	}
	heard = xcalloc(1, sizeof(*heard));
	heard->cursor = cursor;
	HASH_ADD_KEYPTR(hh, coverage->heard, heard->cursor, strlen(heard->cursor), heard);
}

static bool
was_heard(const struct coverage *coverage, const char *cursor)
{
	struct heard *heard;
	HASH_FIND_STR(coverage->heard, cursor, heard);
	return heard != NULL;
}

static void
add_listed(struct coverage *coverage, struct str cursor, struct json_value entity)
{
	struct json_value status = json_get(entity, "last_status");
	if (json_type(status) != JSON_OBJECT)
		status = entity;
	coverage->listed = xreallocarray(
		coverage->listed, coverage->listed_count + 1, sizeof(coverage->listed[0]));
	coverage->listed[coverage->listed_count++] = (struct entry){.cursor = str_dup(cursor),
		.about = {.id = str_dup(json_str(json_get(entity, "id"))),
			.url = str_dup(json_str(json_get(status, "url"))),
			.acct = str_dup(json_str(json_path(status, "account.acct"))),
			.language = str_dup(json_str(json_get(status, "language")))}};
}

bool
coverage_listed(struct coverage *coverage, struct json_value page)
{
	struct json_iter it = json_iter(page);
	bool more = false;
	while (json_type(page) == JSON_ARRAY && json_next(&it)) {
		struct str cursor = stream_cursor(coverage->source->kind, it.value);
		bool fresh = cursor.len > 0 &&
			     stream_cursor_compare(cursor, str_from(coverage->from)) > 0;
		for (unsigned i = 0; fresh && i < coverage->listed_count; i++)
			fresh = !str_eq_text(cursor, coverage->listed[i].cursor);
		if (fresh)
			add_listed(coverage, cursor, it.value);
		more = fresh;
	}
	return more;
}

struct str
coverage_oldest(const struct coverage *coverage)
{
	struct str oldest = STR_NONE;
	for (unsigned i = 0; i < coverage->listed_count; i++) {
		struct str cursor = str_from(coverage->listed[i].cursor);
		if (!oldest.ptr || stream_cursor_compare(cursor, oldest) < 0)
			oldest = cursor;
	}
	return oldest;
}

struct coverage_sums
coverage_sums(const struct coverage *coverage)
{
	struct coverage_sums sums = {.listed = coverage->listed_count,
		.heard = HASH_COUNT(coverage->heard),
		.updates = coverage->updates,
		.edits = coverage->edits,
		.deletes = coverage->deletes};
	for (unsigned i = 0; i < coverage->listed_count; i++)
		sums.both += was_heard(coverage, coverage->listed[i].cursor);
	return sums;
}

/* "https://… (de), https://… (fr) and 3 more" */
static void
put_missing(const struct coverage *coverage, struct buf *out)
{
	unsigned shown = 0, more = 0;
	for (unsigned i = 0; i < coverage->listed_count; i++) {
		const struct entry *entry = &coverage->listed[i];
		const char *url = entry->about.url ? entry->about.url : entry->about.id;
		if (was_heard(coverage, entry->cursor))
			continue;
		if (shown >= MISSING_SHOWN) {
			more++;
			continue;
		}
		buf_printf(out, "%s%.*s", shown++ ? ", " : "",
			STR_ARG(str_clip(str_from(url), ADDRESS_SHOWN_MAX)));
		if (entry->about.language)
			buf_printf(out, " (%.*s)",
				STR_ARG(str_clip(str_from(entry->about.language), 20)));
	}
	if (more)
		buf_printf(out, " and %u more", more);
}

/* A stream on which nothing that REST lists could have come. */
static void
judge_silence(const struct coverage *coverage, const struct coverage_sums *sums, const char *time,
	const char *disabled, struct findings *findings)
{
	struct buf name;
	buf_init(&name, MESSAGE_MAX);
	checkup_put_stream(&name, coverage->stream);
	if (sums->heard > 0)
		findings_add(findings, FINDING_WARNING, "coverage",
			"look whether the timeline shows anything on the server's web page",
			"%s: %u %s came in %s, and REST lists none of them", name.ptr, sums->heard,
			coverage->source->name, time);
	else if (disabled)
		findings_add(findings, FINDING_ERROR, "coverage",
			"only the server's administrator can change that; listen to user, a list, or another server",
			"%s: 0 updates in %s, %u deletes only; %s", name.ptr, time, sums->deletes,
			disabled);
	else if (sums->deletes + sums->edits > 0)
		findings_add(findings, FINDING_WARNING, "coverage",
			"sample longer; when it stays so, the feed is likely to be switched off for this account",
			"%s: 0 updates in %s, %u deletes and %u edits only; REST lists nothing new either",
			name.ptr, time, sums->deletes, sums->edits);
	else
		findings_add(findings, FINDING_SKIPPED, "coverage", "sample longer: --coverage 10m",
			"%s: no %s in %s, neither by the stream nor by REST", name.ptr,
			coverage->source->name, time);
	buf_finish(&name);
}

void
coverage_judge(const struct coverage *coverage, int64_t sample_ms, const char *disabled,
	struct findings *findings)
{
	struct coverage_sums sums = coverage_sums(coverage);
	struct buf name, time, missing;
	buf_init(&name, MESSAGE_MAX);
	buf_init(&time, 64);
	buf_init(&missing, MESSAGE_MAX * 4);
	checkup_put_stream(&name, coverage->stream);
	duration_format(&time, sample_ms);
	put_missing(coverage, &missing);
	if (sums.listed == 0) {
		judge_silence(coverage, &sums, time.ptr, disabled, findings);
	} else {
		double share = 100.0 * sums.both / sums.listed;
		enum finding_level level = sums.both == sums.listed ? FINDING_OK
					   : share < SHARE_ERROR    ? FINDING_ERROR
								    : FINDING_WARNING;
		findings_add(findings, level, "coverage",
			level == FINDING_OK
				? NULL
				: "see what stands above about languages, blocks and feeds; what is lost for no such reason, "
				  "moontusk fetches when it connects anew and within the hour",
			"%s: %.1f %% (%u of %u %s that REST lists of %s; %u edits, %u deletes)%s%s",
			name.ptr, share, sums.both, sums.listed, coverage->source->name, time.ptr,
			sums.edits, sums.deletes, missing.len ? "; missing: " : "",
			missing.len ? missing.ptr : "");
	}
	buf_finish(&name);
	buf_finish(&time);
	buf_finish(&missing);
}

static void
put_number(struct buf *out, const char *key, unsigned number)
{
	json_put_key(out, key);
	json_put_int(out, number);
}

void
coverage_put(const struct coverage *coverage, struct buf *out)
{
	struct coverage_sums sums = coverage_sums(coverage);
	json_put_key(out, "stream");
	json_put_text(out, coverage->stream->info->name);
	json_put_key(out, "parameter");
	json_put_text(out, coverage->stream->param);
	json_put_key(out, "what");
	json_put_text(out, coverage->source->name);
	put_number(out, "listed", sums.listed);
	put_number(out, "both", sums.both);
	put_number(out, "heard", sums.heard);
	json_put_key(out, "share");
	if (sums.listed > 0)
		json_put_double(out, (double)sums.both / sums.listed);
	else
		json_put_text(out, NULL);
	put_number(out, "updates", sums.updates);
	put_number(out, "edits", sums.edits);
	put_number(out, "deletes", sums.deletes);
	json_put_key(out, "missing");
	buf_add_char(out, '[');
	for (unsigned i = 0; i < coverage->listed_count; i++) {
		const struct missing *about = &coverage->listed[i].about;
		if (was_heard(coverage, coverage->listed[i].cursor))
			continue;
		json_put_comma(out);
		buf_add_char(out, '{');
		json_put_key(out, "id");
		json_put_text(out, about->id);
		json_put_key(out, "url");
		json_put_text(out, about->url);
		json_put_key(out, "acct");
		json_put_text(out, about->acct);
		json_put_key(out, "language");
		json_put_text(out, about->language);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}
