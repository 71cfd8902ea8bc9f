/* SPDX-License-Identifier: MIT */
/* Taking http, https, ws and wss addresses apart, and percent encoding (RFC 3986). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

struct url {
	bool tls;       /* https, wss */
	char host[256]; /* lower case, without brackets for IPv6 */
	uint16_t port;  /* the scheme's own when the text has none */
	bool default_port;
	char *path;  /* with the leading '/', without query; "/" when empty */
	char *query; /* behind '?'; NULL without */
};

/* False for another scheme, user info, a fragment, an empty host, control characters. On true
 * the caller calls url_finish. */
bool url_parse(struct str text, struct url *url);
void url_finish(struct url *url);
/* Adds "https://host[:port]" (or http), brackets around IPv6, no path. */
void url_put_origin(const struct url *url, struct buf *out);
void url_encode(struct str text, struct buf *out); /* all but unreserved characters */
/* Adds the decoded text ('+' is a space when `form`); false when an escape is broken. */
bool url_decode(struct str text, bool form, struct buf *out);
