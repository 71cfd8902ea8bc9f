/* SPDX-License-Identifier: MIT */
/* The one sink for messages: four levels, outside text escaped, secrets redacted. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "attr.h"
#include "secrets.h"

enum log_level {
	LOG_DEBUG, /* per event */
	LOG_INFO,  /* a state changed; a few per minute */
	LOG_WARN,  /* recovers by itself */
	LOG_ERROR, /* the operator must act */
};

struct log;

/* Each .c file that logs defines LOG_MODULE, e.g. #define LOG_MODULE "stream" */
#define log_error(log, ...) log_write(log, LOG_ERROR, LOG_MODULE, __VA_ARGS__)
#define log_warn(log, ...)  log_write(log, LOG_WARN, LOG_MODULE, __VA_ARGS__)
#define log_info(log, ...)  log_write(log, LOG_INFO, LOG_MODULE, __VA_ARGS__)
#define log_debug(log, ...) log_write(log, LOG_DEBUG, LOG_MODULE, __VA_ARGS__)

/* Where finished lines go: `line` has no line end. */
typedef void log_sink_fn(void *data, enum log_level level, const char *module, const char *line);

/* Writes to `out` (kept; usually stderr): "moontusk: LEVEL: MODULE: text". Colour only
 * when `color`. `secrets` is kept and may be NULL. */
struct log *log_create(FILE *out, enum log_level level, bool color, const struct secrets *secrets);
void log_destroy(struct log *log);
/* Sends lines to `sink` in place of the file (NULL: back to the file). For tests and the demo. */
void log_set_sink(struct log *log, log_sink_fn *sink, void *data);
bool log_enabled(const struct log *log, enum log_level level);
/* Formats one line. Control characters and invalid UTF-8 are escaped, secrets become "***".
 * Keeps errno. A NULL log drops the line. Lines are cut at LOG_LINE_MAX bytes. */
void log_write(struct log *log, enum log_level level, const char *module, const char *format, ...)
	PRINTF_LIKE(4, 5);
