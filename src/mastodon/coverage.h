/* SPDX-License-Identifier: MIT */
/* How much of what REST lists a stream brought as well, over the same stretch of time. Pure: no network. */
#pragma once

#include "checkup_software.h"
#include "event.h"
#include "stream_rest.h"

struct coverage;

/* One source of one stream. Keeps both. */
struct coverage *coverage_create(
	const struct checkup_stream *stream, const struct stream_source *source); /* new */
void coverage_destroy(struct coverage *coverage);                                 /* NULL is fine */
const struct checkup_stream *coverage_stream(const struct coverage *coverage);
const struct stream_source *coverage_source(const struct coverage *coverage);
/* From here on: what is newer than the newest entity of this page counts. The page may be empty. */
void coverage_begin(struct coverage *coverage, struct json_value page);
/* Something came by the stream. */
void coverage_heard(struct coverage *coverage, const struct event *event);
/* A page at the end of the sample, the newest first. True: there is more above the beginning; ask for what is older than
 * coverage_oldest. */
bool coverage_listed(struct coverage *coverage, struct json_value page);
struct str coverage_oldest(
	const struct coverage *coverage); /* borrowed; empty: nothing listed yet */

struct coverage_sums {
	unsigned listed,
		both;   /* entities of the source that REST has; of these the stream brought */
	unsigned heard; /* of the source's kind, by the stream */
	unsigned updates, edits, deletes; /* events of the stream */
};
struct coverage_sums coverage_sums(const struct coverage *coverage);
/* One finding. `disabled`: "timelines_access.live_feeds.remote = disabled" when the server says so of the stream's feed, or NULL. */
void coverage_judge(const struct coverage *coverage, int64_t sample_ms, const char *disabled,
	struct findings *findings);
/* "stream":…, "parameter":…, "what":…, "listed":…, "both":…, "heard":…, "share":…, "updates":…, "edits":…, "deletes":…, "missing":[…]
 * into an open object. */
void coverage_put(const struct coverage *coverage, struct buf *out);
