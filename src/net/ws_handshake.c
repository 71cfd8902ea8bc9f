/* SPDX-License-Identifier: MIT */
/* The opening handshake of a WebSocket client: the request, and what its answer must say. */
#include "ws_handshake.h"

#include <stdio.h>
#include <string.h>

#include "limits.h"
#include "ws_frames.h"

void
handshake_put(const struct handshake *handshake, struct buf *out)
{
	buf_printf(out,
		"GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
		handshake->path, handshake->host, handshake->key);
	if (handshake->user_agent)
		buf_printf(out, "User-Agent: %s\r\n", handshake->user_agent);
	if (handshake->bearer)
		buf_printf(out, "Authorization: Bearer %s\r\n", handshake->bearer);
	if (handshake->bearer && !handshake->header_only)
		buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", handshake->bearer);
	buf_add_text(out, "\r\n");
}

/* Cuts one line off; bare LF ends one too (RFC 9112, 2.2). */
static struct str
take_line(struct str *head)
{
	struct str line;
	*head = str_split(*head, '\n', &line);
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Bytes up to and with the blank line; 0: not there yet. */
static size_t
head_length(struct str bytes)
{
	for (size_t at = 0; at < bytes.len; at++) {
		if (bytes.ptr[at] != '\n')
			continue;
		if (at + 1 < bytes.len && bytes.ptr[at + 1] == '\n')
			return at + 2;
		if (at + 2 < bytes.len && bytes.ptr[at + 1] == '\r' && bytes.ptr[at + 2] == '\n')
			return at + 3;
	}
	return 0;
}

/* "HTTP/1.1 101 Switching Protocols" -> 101; 0: no status line. */
static int
status_of(struct str line)
{
	int64_t status = 0;
	if (!str_starts(line, "HTTP/1.") || line.len < 12)
		return 0;
	if (!str_to_int((struct str){line.ptr + 9, 3}, 100, 999, &status))
		return 0;
	return (int)status;
}

static bool
has_token(struct str list, struct str word)
{
	while (list.ptr) {
		struct str one;
		list = str_split(list, ',', &one);
		if (str_eq_nocase(str_trim(one), word))
			return true;
	}
	return false;
}

/* What the headers of an answer say about the upgrade. */
struct said {
	bool upgrade, connection, proof, foreign;
	struct str words; /* X-Error-Message */
	struct str location, retry_after, limit_reset;
};

static void
read_header(
	const struct handshake *handshake, struct str line, const char *proof, struct said *said)
{
	struct str name;
	struct str value = str_trim(str_split(line, ':', &name));
	if (str_eq_nocase(name, STR("upgrade")))
		said->upgrade = has_token(value, STR("websocket"));
	else if (str_eq_nocase(name, STR("connection")))
		said->connection = said->connection || has_token(value, STR("upgrade"));
	else if (str_eq_nocase(name, STR("sec-websocket-accept")))
		said->proof = str_eq(value, str_from(proof));
	else if (str_eq_nocase(name, STR("sec-websocket-protocol")))
		said->foreign = said->foreign || !handshake->bearer ||
				!str_eq(value, str_from(handshake->bearer));
	else if (str_eq_nocase(name, STR("sec-websocket-extensions")))
		said->foreign = said->foreign || value.len > 0;
	else if (str_eq_nocase(name, STR("x-error-message")))
		said->words = value;
	else if (str_eq_nocase(name, STR("location")))
		said->location = value;
	else if (str_eq_nocase(name, STR("retry-after")))
		said->retry_after = value;
	else if (str_eq_nocase(name, STR("x-ratelimit-reset")))
		said->limit_reset = value;
}

/* What does not fit is no address and no time. */
static void
keep_hint(char *out, size_t size, struct str value)
{
	snprintf(out, size, "%.*s", value.len < size ? (int)value.len : 0,
		value.ptr ? value.ptr : "");
}

static enum handshake_result
bad(struct handshake_answer *answer, const char *text)
{
	snprintf(answer->error, sizeof(answer->error), "%s", text);
	return HANDSHAKE_BAD;
}

enum handshake_result
handshake_read(const struct handshake *handshake, struct str bytes, struct handshake_answer *answer)
{
	char proof[WS_ACCEPT_SIZE];
	struct said said = {0};
	*answer = (struct handshake_answer){.used = head_length(bytes)};
	if (bytes.len >= 5 && memcmp(bytes.ptr, "HTTP/", 5) != 0)
		return bad(answer, "the answer to the upgrade is no HTTP");
	if (answer->used == 0 || answer->used > WS_HANDSHAKE_MAX)
		return bytes.len > WS_HANDSHAKE_MAX
			       ? bad(answer, "the answer to the upgrade is too long")
			       : HANDSHAKE_MORE;
	struct str head = {bytes.ptr, answer->used};
	answer->status = status_of(take_line(&head));
	ws_accept(handshake->key, proof);
	while (head.ptr && head.len)
		read_header(handshake, take_line(&head), proof, &said);
	if (answer->status == 0)
		return bad(answer, "the answer to the upgrade is no HTTP");
	if (answer->status != 101) {
		struct handshake_hints *hints = &answer->hints;
		snprintf(answer->error, sizeof(answer->error), "%.*s", STR_ARG(said.words));
		keep_hint(hints->location, sizeof(hints->location), said.location);
		keep_hint(hints->retry_after, sizeof(hints->retry_after), said.retry_after);
		keep_hint(hints->limit_reset, sizeof(hints->limit_reset), said.limit_reset);
		return HANDSHAKE_REFUSED;
	}
	if (!said.upgrade || !said.connection || !said.proof)
		return bad(answer,
			"the server did not agree to a WebSocket (its 101 lacks Upgrade, Connection or the right Sec-WebSocket-Accept)");
	if (said.foreign)
		return bad(
			answer, "the server chose a subprotocol or extension that was not offered");
	return HANDSHAKE_OPEN;
}
