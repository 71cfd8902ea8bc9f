/* SPDX-License-Identifier: MIT */
/* struct span: a stretch of bytes in some text. */
#pragma once

#include <stddef.h>

struct span {
	size_t start, end; /* bytes; start > end: did not take part */
};
#define SPAN_NONE ((struct span){1, 0})
