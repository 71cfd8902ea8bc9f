/* SPDX-License-Identifier: MIT */
/* Private to net/: WebSocket frames (RFC 6455, 5) of the server's side. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "str.h"

enum frame {
	FRAME_MORE,    /* no whole frame yet, or part of a message */
	FRAME_MESSAGE, /* payload: one whole message */
	FRAME_PING,
	FRAME_PONG,
	FRAME_CLOSE, /* payload: code and reason, or empty */
	FRAME_BAD,   /* close with frames.code */
};

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 }; /* opcodes */

struct frames {
	struct buf message; /* fragments so far */
	int opcode;         /* of the message under way; 0: none */
	bool binary;        /* of the last FRAME_MESSAGE */
	int code;
};

void frames_init(struct frames *frames);
void frames_finish(struct frames *frames);
/* Takes one frame from the front of `bytes`, which is unmasked in place; `*used` gets its length (0: not whole).
 * `*payload` is valid until the next call. FRAME_MORE with `*used` > 0: go on. */
enum frame frames_next(
	struct frames *frames, char *bytes, size_t len, size_t *used, struct str *payload);
/* Adds one whole frame as a server sends it: final and unmasked. */
void frames_put(struct buf *out, int opcode, struct str payload);
/* Adds a close frame; code 0: without one. */
void frames_put_close(struct buf *out, int code, struct str reason);
/* Adds the header line that proves that `key` was understood (RFC 6455, 4.2.2). */
void ws_put_accept(struct buf *out, const char *key);
