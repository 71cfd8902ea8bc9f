/* SPDX-License-Identifier: MIT */
/* Looks for many literals without a library: at each byte of the text, those that begin with the three bytes there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scan_engine.h"
#include "xmalloc.h"

#define BUCKET_BITS 16
#define BUCKETS     (1u << BUCKET_BITS)

struct plain {
	const struct str *literals; /* kept */
	unsigned *order;            /* their numbers, bucket by bucket */
	uint32_t *starts;           /* BUCKETS + 1: where each bucket starts in order */
	unsigned *shorts;           /* numbers of those of one or two bytes */
	size_t short_count;
};

static uint32_t
bucket_of(const char *bytes)
{
	uint32_t three = (uint32_t)(unsigned char)bytes[0] << 16 |
			 (uint32_t)(unsigned char)bytes[1] << 8 | (unsigned char)bytes[2];

	return three * UINT32_C(2654435769) >> (32 - BUCKET_BITS);
}

static void
fill(struct plain *plain, size_t count)
{
	uint32_t *next = xcalloc(BUCKETS + 1, sizeof(*next));

	for (size_t i = 0; i < count; i++) {
		if (plain->literals[i].len >= 3)
			plain->starts[bucket_of(plain->literals[i].ptr) + 1]++;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		plain->starts[i + 1] += plain->starts[i];
	memcpy(next, plain->starts, BUCKETS * sizeof(*next));
	for (size_t i = 0; i < count; i++) {
		if (plain->literals[i].len >= 3)
			plain->order[next[bucket_of(plain->literals[i].ptr)]++] = (unsigned)i;
		else
			plain->shorts[plain->short_count++] = (unsigned)i;
	}
	free(next);
}

struct plain *
plain_create(const struct str *literals, size_t count)
{
	struct plain *plain = xmalloc(sizeof(*plain));

	*plain = (struct plain){
		.literals = literals,
		.order = xcalloc(count + 1, sizeof(unsigned)),
		.starts = xcalloc(BUCKETS + 1, sizeof(uint32_t)),
		.shorts = xcalloc(count + 1, sizeof(unsigned)),
	};
	fill(plain, count);
	return plain;
}

void
plain_destroy(struct plain *plain)
{
	if (!plain)
		return;
	free(plain->order);
	free(plain->starts);
	free(plain->shorts);
	free(plain);
}

static void
try_at(const struct plain *plain, unsigned number, struct str text, size_t at, scan_hit_fn *hit,
	void *data)
{
	struct str literal = plain->literals[number];

	if (literal.len <= text.len - at && memcmp(text.ptr + at, literal.ptr, literal.len) == 0)
		hit(data, number, at + literal.len);
}

void
plain_run(const struct plain *plain, struct str text, scan_hit_fn *hit, void *data)
{
	for (size_t at = 0; at < text.len; at++) {
		for (size_t i = 0; i < plain->short_count; i++)
			try_at(plain, plain->shorts[i], text, at, hit, data);
		if (text.len - at < 3)
			continue;
		uint32_t bucket = bucket_of(text.ptr + at);
		for (uint32_t i = plain->starts[bucket]; i < plain->starts[bucket + 1]; i++)
			try_at(plain, plain->order[i], text, at, hit, data);
	}
}
