/* SPDX-License-Identifier: MIT */
/* Private to net/: the opening handshake of a WebSocket client (RFC 6455, section 4.1). */
#pragma once

#include "buf.h"
#include "str.h"

#define WS_KEY_SIZE 25 /* 16 random bytes in base64 */

struct handshake {
	const char *host; /* for the Host header, with the port where it is not the default */
	const char *path; /* with the query */
	const char *bearer, *user_agent; /* NULL: none */
	bool header_only;                /* the token is not sent as Sec-WebSocket-Protocol */
	const char *key;                 /* of this connection */
};

enum handshake_result {
	HANDSHAKE_MORE, /* the answer's head is not whole yet */
	HANDSHAKE_OPEN,
	HANDSHAKE_REFUSED, /* the server answered with another status than 101 */
	HANDSHAKE_BAD,     /* no HTTP, or an upgrade to something else */
};

/* Headers of a refusal that say what to do; "" without. */
struct handshake_hints {
	char location[1024], retry_after[64], limit_reset[64];
};

struct handshake_answer {
	size_t used; /* bytes of the head; what follows are frames */
	int status;
	struct handshake_hints hints; /* REFUSED */
	char error[256]; /* REFUSED: the server's X-Error-Message, or ""; BAD: what is wrong */
};

/* Adds the request. The token stands in Authorization and in Sec-WebSocket-Protocol: servers read one or the other. */
void handshake_put(const struct handshake *handshake, struct buf *out);
/* Looks at what the server sent so far. */
enum handshake_result handshake_read(
	const struct handshake *handshake, struct str bytes, struct handshake_answer *answer);
