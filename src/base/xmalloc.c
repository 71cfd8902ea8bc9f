/* SPDX-License-Identifier: MIT */
/* Allocation that ends the program with a message when memory runs out. */
#include "xmalloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void
out_of_memory(size_t size)
{
	(void)fprintf(stderr, "moontusk: out of memory (asked for %zu bytes)\n", size);
	abort();
}

void *
xmalloc(size_t size)
{
	void *ptr = malloc(size > 0 ? size : 1);
	if (ptr == NULL) {
		out_of_memory(size);
	}
	return ptr;
}

void *
xcalloc(size_t count, size_t size)
{
	void *ptr = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
	if (ptr == NULL) {
		out_of_memory(size);
	}
	return ptr;
}

void *
xrealloc(void *ptr, size_t size)
{
	void *bigger = realloc(ptr, size > 0 ? size : 1);
	if (bigger == NULL) {
		out_of_memory(size);
	}
	return bigger;
}

void *
xreallocarray(void *ptr, size_t count, size_t size)
{
	size_t total = 0;
	if (__builtin_mul_overflow(count, size, &total)) {
		out_of_memory(SIZE_MAX);
	}
	return xrealloc(ptr, total);
}

char *
xstrdup(const char *text)
{
	return text != NULL ? xmemdup0(text, strlen(text)) : NULL;
}

char *
xmemdup0(const void *bytes, size_t len)
{
	char *copy = xmalloc(len + 1);
	if (len > 0) {
		memcpy(copy, bytes, len);
	}
	copy[len] = '\0';
	return copy;
}

char *
xasprintf(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	return text;
}

char *
xvasprintf(const char *format, va_list args)
{
	char *text = NULL;
	if (vasprintf(&text, format, args) < 0) {
		out_of_memory(0);
	}
	return text;
}
