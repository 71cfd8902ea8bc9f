/* SPDX-License-Identifier: MIT */
/* An HTTP answer in the form in which a waiting task reads it. */
#pragma once

#include "http.h"
#include "secrets.h"

/* Adds { "ok": { "status", "headers", "next" } }, a line end and the body; or { "problem": … } when no answer came. `next` is
 * the path of Link rel="next" below `origin` (NULL: none is looked for); pages of other origins are left out.
 * Secrets that an error text names are hidden. */
void request_put_answer(const struct http_answer *answer, const char *origin,
	const struct secrets *secrets, struct buf *out);
