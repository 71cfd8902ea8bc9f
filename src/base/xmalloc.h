/* SPDX-License-Identifier: MIT */
/* Allocation that aborts with a message when memory runs out. Sizes that come
 * from the network are checked against limits.h before they get here. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "attr.h"

void *xmalloc(size_t size);               /* new */
void *xcalloc(size_t count, size_t size); /* new, zeroed */
void *xrealloc(void *ptr, size_t size);   /* takes ptr, new */
void *xreallocarray(void *ptr, size_t count, size_t size);
char *xstrdup(const char *text);                            /* new; NULL stays NULL */
char *xmemdup0(const void *bytes, size_t len);              /* new, NUL added */
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2); /* new */
char *xvasprintf(const char *format, va_list args) PRINTF_LIKE(1, 0);
