/* SPDX-License-Identifier: MIT */
/* Runs of a made text: appending and looking up. */
#include "source_map.h"

#include <stdbool.h>
#include <stdlib.h>

#include "xmalloc.h"

void
source_map_finish(struct source_map *map)
{
	free(map->runs);
	*map = (struct source_map){0};
}

void
source_map_clear(struct source_map *map)
{
	map->count = 0;
}

static bool
goes_on(const struct source_run *last, const struct source_run *run)
{
	return last->source == run->source && last->len == last->from_len &&
	       run->len == run->from_len && last->at + last->len == run->at &&
	       last->from + last->from_len == run->from;
}

void
source_map_add(struct source_map *map, const struct source_run *run)
{
	if (!map || run->len == 0)
		return;
	struct source_run *last = map->count > 0 ? &map->runs[map->count - 1] : NULL;
	if (last && goes_on(last, run)) {
		last->len += run->len;
		last->from_len += run->len;
		return;
	}
	if (!map->runs || map->count == map->size) {
		map->size = map->size > 0 ? 2 * map->size : 16;
		map->runs = xreallocarray(map->runs, map->size, sizeof(*map->runs));
	}
	map->runs[map->count++] = *run;
}

void
source_map_cut(struct source_map *map, size_t len)
{
	while (map->count > 0 && map->runs[map->count - 1].at >= len)
		map->count--;
	struct source_run *last = map->count > 0 ? &map->runs[map->count - 1] : NULL;
	if (!last || last->at + last->len <= len)
		return;
	if (last->len == last->from_len)
		last->from_len = (uint32_t)(len - last->at);
	last->len = (uint32_t)(len - last->at);
}

/* The part of `run` that lies in `of`. */
static struct source_run
cut(const struct source_run *run, struct span of)
{
	struct source_run part = *run;
	uint32_t end = run->at + run->len;

	if (part.at < of.start)
		part.at = (uint32_t)of.start;
	if (end > of.end)
		end = (uint32_t)of.end;
	part.len = end - part.at;
	if (run->len == run->from_len) {
		part.from += part.at - run->at;
		part.from_len = part.len;
	}
	return part;
}

/* The first run that ends behind `at`. */
static size_t
first_behind(const struct source_map *map, size_t at)
{
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if ((size_t)map->runs[middle].at + map->runs[middle].len <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
source_map_append(struct source_map *map, const struct source_map *part, struct span of, size_t at,
	unsigned source)
{
	if (!map)
		return;
	for (size_t i = first_behind(part, of.start); i < part->count; i++) {
		if (part->runs[i].at >= of.end)
			return;
		struct source_run run = cut(&part->runs[i], of);
		run.at = (uint32_t)(run.at - of.start + at);
		run.source += source;
		source_map_add(map, &run);
	}
}

/* Where in the sources the place `at` is that lies in no run, or an empty span. */
static size_t
find_place(const struct source_map *map, size_t at, struct source_piece *piece)
{
	size_t next = first_behind(map, at);

	if (next < map->count && map->runs[next].at <= at) {
		struct source_run run = cut(&map->runs[next], (struct span){at, at});
		*piece = (struct source_piece){run.source, {run.from, run.from}};
	} else if (next > 0) {
		const struct source_run *run = &map->runs[next - 1];
		size_t end = (size_t)run->from + run->from_len;
		*piece = (struct source_piece){run->source, {end, end}};
	} else if (next < map->count) {
		const struct source_run *run = &map->runs[next];
		*piece = (struct source_piece){run->source, {run->from, run->from}};
	} else {
		return 0;
	}
	return 1;
}

size_t
source_map_find(
	const struct source_map *map, struct span span, struct source_piece *pieces, size_t max)
{
	size_t count = 0;
	struct source_piece piece = {0};

	if (max == 0)
		return 0;
	for (size_t i = first_behind(map, span.start); i < map->count; i++) {
		if (map->runs[i].at >= span.end)
			break;
		struct source_run run = cut(&map->runs[i], span);
		struct span found = {run.from, (size_t)run.from + run.from_len};
		if (count > 0 && piece.source == run.source) {
			if (found.start < piece.span.start)
				piece.span.start = found.start;
			if (found.end > piece.span.end)
				piece.span.end = found.end;
		} else {
			piece = (struct source_piece){run.source, found};
			count++;
		}
		if (count <= max)
			pieces[count - 1] = piece;
	}
	return count > 0 ? count : find_place(map, span.start, pieces);
}
