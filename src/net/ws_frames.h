/* SPDX-License-Identifier: MIT */
/* Private to net/: WebSocket frames (RFC 6455, section 5), as both sides read and write them. */
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
	bool from_server;   /* the peer is a server: its frames are not masked, ours are (5.1) */
	struct buf message; /* fragments so far */
	int opcode;         /* of the message under way; 0: none */
	bool binary;        /* of the last FRAME_MESSAGE */
	int code;
};

void frames_init(struct frames *frames, bool from_server);
void frames_finish(struct frames *frames);
/* Takes one frame from the front of `bytes`, which is unmasked in place when it is masked; `*used` gets its length (0: not
 * whole). `*payload` is valid until the next call. FRAME_MORE with `*used` > 0: go on. The text of a server's messages
 * is not checked for UTF-8: whoever decodes it does. */
enum frame frames_next(
	struct frames *frames, char *bytes, size_t len, size_t *used, struct str *payload);
/* Bytes of the frame that starts at `bytes`, its head included; 0: the head is not whole (it has up to WS_HEAD_MAX). */
uint64_t frames_length(const char *bytes, size_t len);
/* Adds one whole frame as a server sends it: final and unmasked. */
void frames_put(struct buf *out, int opcode, struct str payload);
/* As a client sends it: masked with 4 bytes that nobody can guess. */
void frames_put_masked(
	struct buf *out, int opcode, struct str payload, const unsigned char mask[4]);
/* The payload of a close frame in `out` (WS_CONTROL_MAX bytes); code 0: an empty one. */
struct str frames_close_payload(char *out, int code, struct str reason);
/* The proof that `key` was understood (RFC 6455, 4.2.2). */
#define WS_ACCEPT_SIZE 32
void ws_accept(const char *key, char out[WS_ACCEPT_SIZE]);
