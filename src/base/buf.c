/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with a maximum and a sticky error. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define FIRST_SIZE 64

void
buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void
buf_finish(struct buf *buf)
{
	free(buf->ptr);
	*buf = (struct buf){.max = buf->max};
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->err = ERR_OK;
	if (buf->ptr != NULL) {
		buf->ptr[0] = '\0';
	}
}

static enum err
fail(struct buf *buf)
{
	buf_finish(buf);
	buf->err = ERR_TOO_BIG;
	return buf->err;
}

/* Makes room for `more` bytes and the NUL. */
static enum err
reserve(struct buf *buf, size_t more)
{
	if (buf->err != ERR_OK) {
		return buf->err;
	}
	if (more > buf->max - buf->len) {
		return fail(buf);
	}
	size_t need = buf->len + more + 1;
	if (buf->ptr == NULL || need > buf->size) {
		size_t size = buf->size > 0 ? buf->size : FIRST_SIZE;
		while (size < need) {
			size *= 2;
		}
		if (size > buf->max && buf->max + 1 >= need) {
			size = buf->max + 1;
		}
		buf->ptr = xrealloc(buf->ptr, size);
		buf->size = size;
	}
	return ERR_OK;
}

enum err
buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (reserve(buf, len) != ERR_OK) {
		return buf->err;
	}
	if (len > 0) {
		memcpy(buf->ptr + buf->len, bytes, len);
	}
	buf->len += len;
	buf->ptr[buf->len] = '\0';
	return ERR_OK;
}

enum err
buf_add_str(struct buf *buf, struct str s)
{
	return buf_add(buf, s.ptr, s.len);
}

enum err
buf_add_text(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

enum err
buf_add_char(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

enum err
buf_printf(struct buf *buf, const char *format, ...)
{
	char small[256];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	REQUIRE(len >= 0);
	if ((size_t)len < sizeof(small)) {
		return buf_add(buf, small, (size_t)len);
	}
	if (reserve(buf, (size_t)len) != ERR_OK) {
		return buf->err;
	}
	va_start(args, format);
	(void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
	return ERR_OK;
}

void
buf_drop_front(struct buf *buf, size_t len)
{
	REQUIRE(len <= buf->len);
	if (len > 0) {
		memmove(buf->ptr, buf->ptr + len, buf->len - len + 1);
		buf->len -= len;
	}
}

void
buf_truncate(struct buf *buf, size_t len)
{
	REQUIRE(len <= buf->len);
	buf->len = len;
	if (buf->ptr != NULL) {
		buf->ptr[len] = '\0';
	}
}

char *
buf_take(struct buf *buf, size_t *len)
{
	if (buf->err == ERR_OK && buf->ptr == NULL) {
		(void)buf_add(buf, NULL, 0);
	}
	char *ptr = buf->ptr;
	if (len != NULL) {
		*len = buf->len;
	}
	*buf = (struct buf){.max = buf->max, .err = buf->err};
	return ptr;
}

struct str
buf_str(const struct buf *buf)
{
	if (buf->err != ERR_OK) {
		return STR_NONE;
	}
	return (struct str){buf->ptr != NULL ? buf->ptr : "", buf->len};
}
