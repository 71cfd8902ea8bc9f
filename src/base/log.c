/* SPDX-License-Identifier: MIT */
/* The one sink for messages: formats, redacts, escapes and writes one line. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "limits.h"
#include "xmalloc.h"

#define CUT_MARK  "..."
/* Longest escape, "\u{10ffff}", and the cut mark have to fit. */
#define LINE_ROOM (LOG_LINE_MAX - 10 - (sizeof(CUT_MARK) - 1))

struct log {
	FILE *out;
	enum log_level level;
	bool color;
	const struct secrets *secrets;
	log_sink_fn *sink;
	void *sink_data;
	struct buf redacted; /* kept between lines, so that a usual line allocates nothing */
	struct buf line;
};

struct log *
log_create(FILE *out, enum log_level level, bool color, const struct secrets *secrets)
{
	struct log *log = xmalloc(sizeof(*log));
	*log = (struct log){.out = out, .level = level, .color = color, .secrets = secrets};
	buf_init(&log->redacted, SIZE_MAX / 2);
	buf_init(&log->line, LOG_LINE_MAX);
	return log;
}

void
log_destroy(struct log *log)
{
	if (log == NULL) {
		return;
	}
	buf_finish(&log->redacted);
	buf_finish(&log->line);
	free(log);
}

void
log_set_sink(struct log *log, log_sink_fn *sink, void *data)
{
	log->sink = sink;
	log->sink_data = data;
}

bool
log_enabled(const struct log *log, enum log_level level)
{
	return log != NULL && level >= log->level;
}

/* Control characters, and those that turn the reading direction or end a line. */
static bool
must_escape(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x2028 && code <= 0x202E) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F ||
	       code == 0x061C;
}

static void
add_escaped(struct buf *line, uint32_t code)
{
	if (code == '\n') {
		(void)buf_add_text(line, "\\n");
	} else if (code == '\t') {
		(void)buf_add_text(line, "\\t");
	} else if (code < 0x80) {
		(void)buf_printf(line, "\\x%02x", (unsigned)code);
	} else {
		(void)buf_printf(line, "\\u{%x}", (unsigned)code);
	}
}

static void
escape(struct buf *line, struct str text)
{
	while (text.len > 0) {
		if (line->len > LINE_ROOM) {
			(void)buf_add_text(line, CUT_MARK);
			return;
		}
		uint32_t code = 0;
		size_t len = str_utf8_next(text, &code);
		if (len == 0) {
			(void)buf_printf(line, "\\x%02x", (unsigned char)text.ptr[0]);
			len = 1;
		} else if (must_escape(code)) {
			add_escaped(line, code);
		} else {
			(void)buf_add(line, text.ptr, len);
		}
		text = (struct str){text.ptr + len, text.len - len};
	}
}

static void
write_line(const struct log *log, enum log_level level, const char *module)
{
	static const char *const names[] = {"debug", "info", "warning", "error"};
	static const char *const colors[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
	(void)fprintf(log->out, "moontusk: %s%s%s: %s: %s\n", log->color ? colors[level] : "",
		names[level], log->color ? "\033[0m" : "", module, log->line.ptr);
	(void)fflush(log->out);
}

void
log_write(struct log *log, enum log_level level, const char *module, const char *format, ...)
{
	if (!log_enabled(log, level)) {
		return;
	}
	int saved_errno = errno;
	char small[LOG_LINE_MAX];
	char *large = NULL;
	va_list args;
	va_start(args, format);
	int len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (len >= (int)sizeof(small)) {
		/* Redaction has to see the whole text: a secret cut in two is not found. */
		va_start(args, format);
		large = xvasprintf(format, args);
		va_end(args);
	}
	struct str text = {large != NULL ? large : small, len > 0 ? (size_t)len : 0};
	if (log->secrets != NULL) {
		buf_clear(&log->redacted);
		secrets_redact(log->secrets, text, &log->redacted);
		text = buf_str(&log->redacted);
	}
	buf_clear(&log->line);
	(void)buf_add(&log->line, "", 0);
	escape(&log->line, text);
	if (log->sink != NULL) {
		log->sink(log->sink_data, level, module, log->line.ptr);
	} else {
		write_line(log, level, module);
	}
	free(large);
	errno = saved_errno;
}
