/* SPDX-License-Identifier: MIT */
/* The names of the values of enum err. */
#include "err.h"

#include "attr.h"

const char *
err_text(enum err err)
{
	static const char *const texts[] = {
		[ERR_OK] = "ok",
		[ERR_TOO_BIG] = "too big",
		[ERR_SYNTAX] = "not well-formed",
		[ERR_NOT_FOUND] = "not found",
		[ERR_EXISTS] = "exists already",
		[ERR_IO] = "input/output error",
		[ERR_FULL] = "full",
		[ERR_REFUSED] = "refused",
		[ERR_TIMEOUT] = "timeout",
		[ERR_CLOSED] = "closed",
		[ERR_LIMIT] = "limit reached",
	};
	if ((unsigned)err >= COUNT_OF(texts)) {
		return "unknown error";
	}
	return texts[err];
}
