/* SPDX-License-Identifier: MIT */
/* What the end of a streaming connection means for what comes next (protocol.md 1.4, 1.6, 2.1, 2.4, 10). */
#pragma once

#include "http.h"
#include "ws.h"

enum ending {
	ENDING_TRANSIENT,   /* it stood, and ended: again, by its own pace */
	ENDING_DOWN,        /* nobody answers, or in trouble: all that goes to this server waits */
	ENDING_CREDENTIALS, /* 401: the token is no good. Stop. */
	ENDING_FORBIDDEN,   /* 403: the token is known, and not enough or at the wrong place */
	ENDING_OURS,        /* what we send is wrong: 1003, 1007, 1008, 400. Stop. */
	ENDING_REFUSED,     /* this one stream: scope, list */
	ENDING_ABSENT,      /* the server has no such thing */
	ENDING_MOVED,       /* 3xx */
};

/* Of a WebSocket, before or after its handshake was over. */
enum ending ending_of_ws(const struct ws_ended *ended, bool was_open);
/* Of a request for a stream over SSE. `words`: what the server said. */
enum ending ending_of_sse(const struct http_answer *answer, const char *words);
/* Of an error frame on a WebSocket, or of an answer with that status. */
enum ending ending_of_words(int status, const char *words);
