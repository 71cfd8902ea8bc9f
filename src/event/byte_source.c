/* SPDX-License-Identifier: MIT */
/* Bytes of a file or of standard input, unpacked when they are zstd frames. */
#include "byte_source.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "attr.h"
#include "xmalloc.h"

enum { READ_SIZE = 128 * 1024, MAGIC_SIZE = 4 };

enum packing { PACKING_UNKNOWN, PACKING_NONE, PACKING_ZSTD };

struct byte_source {
	int fd;
	enum packing packing;
	char *bytes;       /* READ_SIZE, read and not used yet */
	size_t start, end; /* of what is in there */
	uint64_t used;
	bool at_end;
	ZSTD_DCtx *zstd;
	bool in_frame, more; /* a frame has begun; it holds unpacked bytes back */
	bool failed;
	char error[MESSAGE_MAX];
};

struct byte_source *
byte_source_create(int fd)
{
	struct byte_source *source = xcalloc(1, sizeof(*source));

	source->fd = fd;
	source->bytes = xmalloc(READ_SIZE);
	return source;
}

void
byte_source_destroy(struct byte_source *source)
{
	if (!source)
		return;
	ZSTD_freeDCtx(source->zstd);
	if (source->fd >= 0)
		close(source->fd);
	free(source->bytes);
	free(source);
}

const char *
byte_source_error(const struct byte_source *source)
{
	return source->error;
}

uint64_t
byte_source_used(const struct byte_source *source)
{
	return source->used;
}

bool
byte_source_ready(const struct byte_source *source)
{
	struct pollfd wanted = {.fd = source->fd, .events = POLLIN};

	return source->start < source->end || source->more || source->at_end || source->failed ||
	       poll(&wanted, 1, 0) != 0;
}

static ssize_t
read_fd(struct byte_source *source, char *out, size_t max)
{
	ssize_t got;

	do
		got = read(source->fd, out, max);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		source->failed = true;
		snprintf(source->error, sizeof(source->error), "cannot be read: %s",
			strerror(errno));
	}
	source->at_end = got == 0;
	return got;
}

static bool
fill(struct byte_source *source)
{
	ssize_t got;

	if (source->start > 0)
		memmove(source->bytes, source->bytes + source->start, source->end - source->start);
	source->end -= source->start;
	source->start = 0;
	got = read_fd(source, source->bytes + source->end, READ_SIZE - source->end);
	source->end += got > 0 ? (size_t)got : 0;
	return got >= 0;
}

static uint32_t
magic_of(const char *bytes)
{
	const unsigned char *b = (const unsigned char *)bytes;

	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static bool
find_packing(struct byte_source *source)
{
	while (source->end < MAGIC_SIZE && !source->at_end) {
		if (!fill(source))
			return false;
	}
	source->packing = PACKING_NONE;
	uint32_t magic = source->end >= MAGIC_SIZE ? magic_of(source->bytes) : 0;
	if (magic == ZSTD_MAGICNUMBER ||
		(magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) {
		source->packing = PACKING_ZSTD;
		source->zstd = ZSTD_createDCtx();
		REQUIRE(source->zstd);
		ZSTD_DCtx_setParameter(source->zstd, ZSTD_d_windowLogMax, INPUT_WINDOW_LOG_MAX);
	} else if ((magic & 0xFFFF) == 0x8B1F) {
		source->failed = true;
		snprintf(source->error, sizeof(source->error),
			"is packed with gzip; expected lines of JSON or zstd: unpack it, as in zcat FILE | moontusk replay - …");
		return false;
	}
	return true;
}

/* Always false. */
static bool
fail_at(struct byte_source *source, const char *what)
{
	source->failed = true;
	snprintf(source->error, sizeof(source->error), "byte %" PRIu64 " of the zstd data: %s",
		source->used, what);
	return false;
}

/* False: failed. *len 0: more input is needed. */
static bool
unpack(struct byte_source *source, char *out, size_t max, size_t *len)
{
	ZSTD_inBuffer in = {source->bytes + source->start, source->end - source->start, 0};
	ZSTD_outBuffer got = {out, max, 0};
	size_t left = ZSTD_decompressStream(source->zstd, &got, &in);

	source->start += in.pos;
	source->used += in.pos;
	*len = got.pos;
	if (ZSTD_isError(left))
		return fail_at(source, ZSTD_getErrorName(left));
	source->in_frame = left != 0;
	source->more = got.pos == max;
	return true;
}

static ssize_t
read_packed(struct byte_source *source, char *out, size_t max)
{
	size_t len = 0;

	for (;;) {
		if (source->start == source->end && !source->more) {
			if (!fill(source))
				return -1;
			if (source->at_end && source->in_frame)
				(void)fail_at(source, "the file ends in the middle of a frame");
			if (source->at_end)
				return source->failed ? -1 : 0;
		}
		bool good = unpack(source, out, max, &len);
		if (len > 0)
			return (ssize_t)len; /* what was unpacked before the error counts */
		if (!good)
			return -1;
	}
}

ssize_t
byte_source_read(struct byte_source *source, char *out, size_t max)
{
	if (source->failed || (source->packing == PACKING_UNKNOWN && !find_packing(source)))
		return -1;
	if (source->packing == PACKING_ZSTD)
		return read_packed(source, out, max);
	size_t held = source->end - source->start;
	ssize_t got;
	if (held > 0) {
		held = held < max ? held : max;
		memcpy(out, source->bytes + source->start, held);
		source->start += held;
		got = (ssize_t)held;
	} else {
		got = source->at_end ? 0 : read_fd(source, out, max);
	}
	source->used += got > 0 ? (uint64_t)got : 0;
	return got;
}
