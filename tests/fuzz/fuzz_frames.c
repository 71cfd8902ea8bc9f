/* SPDX-License-Identifier: MIT */
/* Any bytes as WebSocket frames, from either side, and as the answer to an upgrade: lengths stay inside, bad ones end it. */
#include <stdlib.h>

#include "fuzz.h"
#include "limits.h"
#include "ws_frames.h"
#include "ws_handshake.h"
#include "xmalloc.h"

static void
read_frames(char *bytes, size_t len, bool from_server)
{
	struct frames frames;
	frames_init(&frames, from_server);
	size_t at = 0;
	while (at < len) {
		struct str payload = STR_NONE;
		size_t used;
		uint64_t whole = frames_length(bytes + at, len - at);
		enum frame frame = frames_next(&frames, bytes + at, len - at, &used, &payload);
		if (frame == FRAME_BAD)
			break;
		if (used == 0) {
			REQUIRE(frame == FRAME_MORE && (whole == 0 || whole > len - at));
			break;
		}
		REQUIRE(used == whole && used <= len - at);
		REQUIRE(frame == FRAME_MORE || payload.len <= WS_MESSAGE_MAX);
		at += used;
	}
	frames_finish(&frames);
}

static void
read_answer(struct str bytes)
{
	struct handshake handshake = {.host = "h", .path = "/", .key = "dGhlIHNhbXBsZSBub25jZQ=="};
	struct handshake_answer answer;
	enum handshake_result result = handshake_read(&handshake, bytes, &answer);
	REQUIRE(answer.used <= bytes.len);
	REQUIRE(result != HANDSHAKE_OPEN || answer.status == 101);
}

/* The first byte says which. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t len = size - 1;
	char *copy = xmemdup0((const char *)data + 1, len);
	if (data[0] % 3 == 2)
		read_answer((struct str){copy, len});
	else
		read_frames(copy, len, data[0] % 3 == 0);
	free(copy);
	return 0;
}
