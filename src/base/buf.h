/* SPDX-License-Identifier: MIT */
/* struct buf: a growing byte buffer with a maximum given at init. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "attr.h"
#include "err.h"
#include "str.h"

struct buf {
	char *ptr;    /* always NUL ended once anything was added; NULL before */
	size_t len;   /* without the NUL */
	size_t size;  /* allocated */
	size_t max;   /* most bytes that len may reach */
	enum err err; /* sticky: ERR_TOO_BIG once an append did not fit */
};

/* An append that does not fit returns ERR_TOO_BIG, frees what was held and makes
 * every later append fail too, so that a writer may append many times and look
 * once: at buf.err. */
void buf_init(struct buf *buf, size_t max);
void buf_finish(struct buf *buf);
void buf_clear(struct buf *buf); /* len = 0, err = ERR_OK, keeps the memory */
enum err buf_add(struct buf *buf, const void *bytes, size_t len);
enum err buf_add_str(struct buf *buf, struct str s);
enum err buf_add_text(struct buf *buf, const char *text);
enum err buf_add_char(struct buf *buf, char c);
enum err buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_drop_front(struct buf *buf, size_t len);
void buf_truncate(struct buf *buf, size_t len);
/* New, NUL ended, "" when nothing was added, NULL after an error; buf is empty after. `len` may be NULL. */
char *buf_take(struct buf *buf, size_t *len);
struct str buf_str(
	const struct buf *buf); /* empty when nothing was added, STR_NONE after an error */
