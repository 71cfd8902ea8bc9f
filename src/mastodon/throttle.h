/* SPDX-License-Identifier: MIT */
/* How long a server asks us to wait (protocol.md 7). */
#pragma once

#include <stdint.h>

#include "http.h"

/* Milliseconds until we may ask again, from Retry-After (seconds or a date) or X-RateLimit-Reset (RFC 3339, Unix
 * time, seconds from now), in that order; dates count from the server's own Date when it sends one. Between
 * THROTTLE_WAIT_MIN_MS and THROTTLE_WAIT_MAX_MS; without a readable header THROTTLE_WAIT_DEFAULT_MS. */
int64_t throttle_wait_ms(const struct http_answer *answer, int64_t now_wall_ms);
/* Unix ms of an HTTP date, "Sat, 21 Nov 2026 03:25:25 GMT" (RFC 9110, 5.6.7); the obsolete forms are not sent by anybody. */
bool throttle_http_date(struct str text, int64_t *unix_ms);
/* True when the server says that fewer than `room` calls are left until its limit starts anew (X-RateLimit-Remaining), or
 * less than a tenth of a small limit. Without a readable header: false. */
bool throttle_is_low(const struct http_answer *answer, int64_t room);
