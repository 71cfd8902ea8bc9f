/* SPDX-License-Identifier: MIT */
/* Any bytes as an event stream: cut into pieces they give the same events as whole. */
#include <stdlib.h>

#include "fuzz.h"
#include "limits.h"
#include "sse.h"
#include "xmalloc.h"

static void
note(void *data, struct str type, struct str payload)
{
	struct buf *seen = data;
	(void)buf_printf(seen, "%zu:%zu:", type.len, payload.len);
	(void)buf_add_str(seen, type);
	(void)buf_add_str(seen, payload);
}

static void
feed(struct buf *seen, struct str bytes, size_t piece)
{
	struct sse sse;
	sse_init(&sse, note, seen);
	enum err err = ERR_OK;
	while (bytes.len > 0 && err == ERR_OK) {
		size_t len = piece < bytes.len ? piece : bytes.len;
		char *copy = xmemdup0(bytes.ptr, len);
		err = sse_feed(&sse, (struct str){copy, len});
		free(copy);
		bytes = (struct str){bytes.ptr + len, bytes.len - len};
	}
	REQUIRE(err == ERR_OK); /* inputs are far below the caps */
	(void)buf_printf(
		seen, "%lld:%llu:", (long long)sse.retry_ms, (unsigned long long)sse.comments);
	(void)buf_add_str(seen, buf_str(&sse.last_id));
	sse_finish(&sse);
}

/* The first byte is the length of a piece. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	struct buf whole;
	struct buf pieces;
	buf_init(&whole, SSE_EVENT_MAX);
	buf_init(&pieces, SSE_EVENT_MAX);
	struct str bytes = {(const char *)data + 1, size - 1};
	feed(&whole, bytes, bytes.len);
	feed(&pieces, bytes, data[0] > 0 ? data[0] : 1);
	REQUIRE(str_eq(buf_str(&whole), buf_str(&pieces)));
	buf_finish(&whole);
	buf_finish(&pieces);
	return 0;
}
