/* SPDX-License-Identifier: MIT */
/* Where the bytes of a made text came from: runs of it and of its sources. Private to match/. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "span.h"

/* A run with as many bytes as its source is the source byte for byte; of any other all bytes came from all of it. */
struct source_run {
	uint32_t at, len; /* in the made text */
	uint32_t from, from_len;
	unsigned source; /* which of the sources, by the owner's numbering */
};

struct source_map {
	struct source_run
		*runs; /* by `at`, without overlaps; bytes that came from nowhere are in none */
	size_t count, size;
};

struct source_piece {
	unsigned source;
	struct span span;
};

/* A zeroed map is empty. */
void source_map_finish(struct source_map *map);
void source_map_clear(struct source_map *map);
/* Appends; what goes on where the last run ended becomes part of it. Does nothing when map is NULL. */
void source_map_add(struct source_map *map, const struct source_run *run);
/* Forgets what is told of the bytes from `len` on. */
void source_map_cut(struct source_map *map, size_t len);
/* Appends what `part` tells of its bytes `of`, which stand at `at` in the text of map; `source` is added to the sources. */
void source_map_append(struct source_map *map, const struct source_map *part, struct span of,
	size_t at, unsigned source);
/* The pieces that the bytes of `span` came from, in order: one for each stretch of runs with the same source, from its
 * first to its last byte. An empty span, and one that came from nowhere, give the place where it stands. Returns how
 * many there are, of which at most `max` are written. */
size_t source_map_find(
	const struct source_map *map, struct span span, struct source_piece *pieces, size_t max);
