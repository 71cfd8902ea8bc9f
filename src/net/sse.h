/* SPDX-License-Identifier: MIT */
/* An incremental parser for text/event-stream (WHATWG HTML, "Server-sent events"; protocol.md 1.3). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "str.h"

/* One dispatched event: `type` is empty when the block had no event field. Borrowed. */
typedef void sse_event_fn(void *data, struct str type, struct str payload);

struct sse {
	struct buf line; /* the unfinished line */
	struct buf type;
	struct buf payload; /* data lines joined by LF */
	struct buf last_id;
	int64_t retry_ms;  /* -1: never sent */
	uint64_t comments; /* lines that start with ':' (heartbeats) */
	bool has_data, skip_lf, at_start;
	unsigned char bom; /* bytes of the initial BOM seen */
	sse_event_fn *on_event;
	void *data;
};

void sse_init(struct sse *sse, sse_event_fn *on_event, void *data);
void sse_finish(struct sse *sse);
/* Takes bytes as they come, cut anywhere. Lines end at LF, CR or CRLF and nothing else.
 * ERR_TOO_BIG when a line or event passes its cap: the connection should be ended then. */
enum err sse_feed(struct sse *sse, struct str bytes) MUST_USE;
