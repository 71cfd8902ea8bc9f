/* SPDX-License-Identifier: MIT */
/* What a server's HTTP answer says, in words for people (protocol.md 1.4, 6.1). */
#pragma once

#include "buf.h"
#include "http.h"
#include "json.h"

/* Adds the server's own words, at most ERROR_BODY_SHOWN_MAX bytes: "error" and "error_description" of a JSON
 * object, "an HTML page", or the start of the text. Nothing for an empty body. */
void answer_put_words(
	const struct http_answer *answer, struct json_parser *parser, struct buf *out);
/* New: `401 "The access token is invalid"`, "502, an HTML page", "connection refused". Never NULL. */
char *answer_describe(const struct http_answer *answer, struct json_parser *parser);
bool answer_is_html(const struct http_answer *answer);
