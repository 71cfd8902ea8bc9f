/* SPDX-License-Identifier: MIT */
/* WebSocket frames (RFC 6455, section 5), as both sides read and write them. Our own, because libwebsockets hides pings,
 * changes close codes, and takes a frame apart byte by byte. */
#include "ws_frames.h"

#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

#include "limits.h"
#include "xmalloc.h"

struct head {
	bool final;
	int opcode;
	bool masked;
	uint64_t len;    /* of the payload */
	size_t head_len; /* with the mask */
	const char *mask;
};

void
frames_init(struct frames *frames, bool from_server)
{
	*frames = (struct frames){.from_server = from_server};
	buf_init(&frames->message, WS_MESSAGE_MAX);
}

void
frames_finish(struct frames *frames)
{
	buf_finish(&frames->message);
}

static bool
read_head(const char *bytes, size_t len, struct head *head)
{
	const unsigned char *at = (const unsigned char *)bytes;
	size_t extra = 0;

	if (len < 2)
		return false;
	head->final = at[0] & 0x80;
	head->opcode = at[0] & 0x0f;
	head->masked = at[1] & 0x80;
	head->len = at[1] & 0x7f;
	if (head->len >= 126)
		extra = head->len == 126 ? 2 : 8;
	head->head_len = 2 + extra + (head->masked ? 4 : 0);
	if (len < head->head_len)
		return false;
	if (extra)
		head->len = 0;
	for (size_t i = 0; i < extra; i++)
		head->len = head->len << 8 | at[2 + i];
	head->mask = bytes + 2 + extra;
	return true;
}

static enum frame
bad(struct frames *frames, int code)
{
	frames->code = code;
	return FRAME_BAD;
}

static enum frame
check_head(struct frames *frames, const struct head *head, unsigned char first)
{
	bool control = head->opcode >= 8;

	if ((first & 0x70) || head->masked == frames->from_server) /* no extension was agreed */
		return bad(frames, 1002);
	if (control && (head->opcode > WS_PONG || !head->final || head->len > WS_CONTROL_MAX))
		return bad(frames, 1002);
	if (!control && head->opcode > WS_BINARY)
		return bad(frames, 1002);
	if (!control && (head->opcode == 0) != (frames->opcode != 0))
		return bad(
			frames, 1002); /* a continuation of nothing, or a message inside another */
	if (!control && head->len + (head->opcode ? 0 : frames->message.len) > WS_MESSAGE_MAX)
		return bad(frames, 1009);
	return FRAME_MORE;
}

static bool
is_close_code(int code)
{
	if (code >= 3000 && code <= 4999)
		return true;
	return (code >= 1000 && code <= 1014) && code != 1004 && code != 1005 && code != 1006;
}

static enum frame
control_frame(struct frames *frames, const struct head *head, struct str payload)
{
	if (head->opcode == WS_PING)
		return FRAME_PING;
	if (head->opcode == WS_PONG)
		return FRAME_PONG;
	if (payload.len == 1)
		return bad(frames, 1002);
	if (payload.len >= 2) {
		int code = (unsigned char)payload.ptr[0] << 8 | (unsigned char)payload.ptr[1];

		if (!is_close_code(code))
			return bad(frames, 1002);
		if (!str_is_utf8((struct str){payload.ptr + 2, payload.len - 2}))
			return bad(frames, 1007);
	}
	return FRAME_CLOSE;
}

static enum frame
data_frame(struct frames *frames, const struct head *head, struct str *payload)
{
	if (head->opcode) {
		buf_clear(&frames->message);
		frames->opcode = head->opcode;
	}
	if (!head->final || head->opcode == 0) {
		if (buf_add_str(&frames->message, *payload) != ERR_OK)
			return bad(frames, 1009);
		if (!head->final)
			return FRAME_MORE;
		*payload = frames->message.ptr ? buf_str(&frames->message) : STR("");
	}
	frames->binary = frames->opcode == WS_BINARY;
	frames->opcode = 0;
	if (!frames->binary && !frames->from_server && !str_is_utf8(*payload))
		return bad(frames, 1007);
	return FRAME_MESSAGE;
}

enum frame
frames_next(struct frames *frames, char *bytes, size_t len, size_t *used, struct str *payload)
{
	struct head head;
	enum frame result;
	char *data;

	*used = 0;
	if (!read_head(bytes, len, &head))
		return FRAME_MORE;
	result = check_head(frames, &head, (unsigned char)bytes[0]);
	if (result == FRAME_BAD || len - head.head_len < head.len)
		return result;
	*used = head.head_len + (size_t)head.len;
	data = bytes + head.head_len;
	for (size_t i = 0; head.masked && i < head.len; i++)
		data[i] = (char)(data[i] ^ head.mask[i & 3]);
	*payload = (struct str){data, (size_t)head.len};
	if (head.opcode >= 8)
		return control_frame(frames, &head, *payload);
	return data_frame(frames, &head, payload);
}

uint64_t
frames_length(const char *bytes, size_t len)
{
	struct head head;

	if (!read_head(bytes, len, &head))
		return 0;
	return head.len > WS_MESSAGE_MAX ? head.head_len : head.head_len + head.len;
}

static void
put_head(struct buf *out, int opcode, size_t len, bool masked)
{
	char head[10] = {(char)(0x80 | opcode)};
	size_t extra = 0;

	if (len <= WS_CONTROL_MAX) {
		head[1] = (char)len;
	} else {
		extra = len <= 0xffff ? 2 : 8;
		head[1] = extra == 2 ? 126 : 127;
		for (size_t i = 0; i < extra; i++)
			head[2 + i] = (char)(len >> 8 * (extra - 1 - i));
	}
	if (masked)
		head[1] = (char)(head[1] | 0x80);
	buf_add(out, head, 2 + extra);
}

void
frames_put(struct buf *out, int opcode, struct str payload)
{
	put_head(out, opcode, payload.len, false);
	buf_add_str(out, payload);
}

void
frames_put_masked(struct buf *out, int opcode, struct str payload, const unsigned char mask[4])
{
	put_head(out, opcode, payload.len, true);
	buf_add(out, mask, 4);
	size_t start = out->len;
	if (buf_add_str(out, payload) != ERR_OK)
		return;
	for (size_t i = 0; i < payload.len; i++)
		out->ptr[start + i] = (char)(out->ptr[start + i] ^ mask[i & 3]);
}

struct str
frames_close_payload(char *out, int code, struct str reason)
{
	size_t len = reason.len < WS_CONTROL_MAX - 2 ? reason.len : WS_CONTROL_MAX - 2;

	if (code == 0)
		return STR("");
	out[0] = (char)(code >> 8);
	out[1] = (char)code;
	if (len)
		memcpy(out + 2, reason.ptr, len);
	return (struct str){out, len + 2};
}

void
ws_accept(const char *key, char out[WS_ACCEPT_SIZE])
{
	unsigned char hash[20];
	char *both = xasprintf("%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key); /* RFC 6455, 4.2.2 */

	lws_SHA1((const unsigned char *)both, strlen(both), hash);
	lws_b64_encode_string((const char *)hash, sizeof(hash), out, WS_ACCEPT_SIZE);
	free(both);
}
