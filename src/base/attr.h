/* SPDX-License-Identifier: MIT */
/* Compiler attributes and the check for the programmer's own errors. */
#pragma once

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED            __attribute__((unused))
#define COUNT_OF(array)   (sizeof(array) / sizeof((array)[0]))

/* Stays on in releases. For the programmer's errors only, never for data from
 * the network, a file or a plugin. Prints file, line and text, then aborts. */
#define REQUIRE(cond) ((cond) ? (void)0 : require_failed(__FILE__, __LINE__, #cond))
__attribute__((noreturn)) void require_failed(const char *file, int line, const char *text);
