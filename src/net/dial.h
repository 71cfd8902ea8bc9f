/* SPDX-License-Identifier: MIT */
/* Private to net/: connected byte streams to servers, through TLS where wanted, dialled by libcurl. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"
#include "str.h"

struct dialer; /* one per client: shares the read buffer */
struct dial;   /* one connection */

enum dial_end {
	DIAL_NO_NAME,
	DIAL_NO_CONNECT,
	DIAL_TLS, /* certificate or handshake */
	DIAL_CUT, /* it stood, and ended */
};

/* Called from the loop, never from inside dial_open, dial_send or dial_pause. */
struct dial_events {
	void (*on_connected)(void *data);
	/* Bytes, valid and writable for the call. */
	void (*on_bytes)(void *data, char *bytes, size_t len);
	/* All that was given to dial_send has left; may be NULL. */
	void (*on_sent)(void *data);
	/* The last call; dial_close is still the owner's. `words` are borrowed. */
	void (*on_end)(void *data, enum dial_end end, const char *words);
};

struct dialer *dialer_create(struct loop *loop); /* new */
void dialer_destroy(struct dialer *dialer);      /* after all its connections are closed */
/* Starts connecting to host and port of an http or https address; names are resolved off the loop, one address after
 * the other is tried. TLS is always verified (against `ca_file`, NULL: the system's authorities), ALPN is http/1.1.
 * Copies texts, keeps events and data. */
struct dial *dial_open(struct dialer *dialer, const char *url, const char *ca_file,
	const struct dial_events *events, void *data);
/* Takes the bytes; what the socket does not take now leaves later. False past DIAL_QUEUE_MAX bytes, and before
 * on_connected. */
bool dial_send(struct dial *dial, struct str bytes);
size_t dial_queued(const struct dial *dial);     /* bytes that have not left */
void dial_pause(struct dial *dial, bool paused); /* stops and resumes reading */
/* Ends without any further callback; may be called from one. NULL is fine. */
void dial_close(struct dial *dial);
