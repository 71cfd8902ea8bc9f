/* SPDX-License-Identifier: MIT */
/* What answers say about a token and its owner: good, scopes for the wanted streams, disabled feeds, e-mails. Pure. */
#pragma once

#include "checkup_server.h"
#include "checkup_software.h"
#include "http.h"

enum checkup_token {
	TOKEN_GOOD,
	TOKEN_SILENT, /* it may work; whose it is cannot be asked with it */
	TOKEN_BAD,
};
/* The answer of verify_credentials; `credentials` is its document, absent when it is none. */
enum checkup_token checkup_token(
	struct findings *findings, const struct http_answer *answer, struct json_value credentials);
/* The scopes of the token: "scope" of /oauth/token/info (list or text). `exact` false: those of its app, of which the token may
 * have fewer. An error for each wanted stream that it may not listen to. */
void checkup_scopes(struct findings *findings, struct json_value scopes, bool exact,
	const struct checkup_stream *wanted, unsigned wanted_count);
/* timelines_access of the instance document, version 2, and the role of the token's owner. */
void checkup_feeds(struct findings *findings, struct json_value instance,
	struct json_value credentials, const struct checkup_stream *wanted, unsigned wanted_count);
/* Adds "timelines_access.live_feeds.remote = disabled" when the feed behind the stream, or a part of it, is switched off. */
void checkup_put_disabled(
	struct buf *out, struct json_value instance, const struct stream_info *info);
/* Side effects of listening to one's own streams. */
void checkup_presence(struct findings *findings, struct json_value credentials,
	const struct checkup_stream *wanted, unsigned wanted_count);
/* How an attempt to listen ended. `reason` is what the server said; `transport` "ws", "sse" or "poll". */
struct checkup_attempt {
	const struct checkup_stream *stream;
	bool live, refused;
	int64_t took_ms;
	const char *reason, *transport;
};
void checkup_attempt(struct findings *findings, const struct checkup_attempt *attempt);
/* "public:local", "hashtag cats". Adds. */
void checkup_put_stream(struct buf *out, const struct checkup_stream *stream);
