/* SPDX-License-Identifier: MIT */
/* The known word nearest to a mistyped one. */
#include "suggest.h"

#include <string.h>

#include "limits.h"

#define PREFIX_MIN 3

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
edit_distance(struct str a, struct str b, size_t limit)
{
	if (a.len > SUGGEST_WORD_MAX || b.len > SUGGEST_WORD_MAX) {
		return str_eq(a, b) ? 0 : limit + 1;
	}
	/* Three rows of the table: a swap of neighbours looks two rows back. */
	size_t rows[3][SUGGEST_WORD_MAX + 1];
	for (size_t j = 0; j <= b.len; j++) {
		rows[0][j] = j;
	}
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *two_above = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t replace = above[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1] ? 1 : 0);
			row[j] = least(replace, least(above[j], row[j - 1]) + 1);
			bool swapped = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
				       a.ptr[i - 2] == b.ptr[j - 1];
			if (swapped) {
				row[j] = least(row[j], two_above[j - 2] + 1);
			}
		}
	}
	return least(rows[a.len % 3][b.len], limit + 1);
}

const char *
suggest(struct str given, const char *const *known, size_t count)
{
	size_t limit = given.len <= 3 ? 1 : 2;
	size_t best = limit + 1;
	const char *nearest = NULL;
	const char *longer = NULL;
	for (size_t i = 0; i < count; i++) {
		struct str word = str_from(known[i]);
		size_t distance = edit_distance(given, word, limit);
		if (distance < best) {
			best = distance;
			nearest = known[i];
		}
		bool prefix = given.len >= PREFIX_MIN && word.len > given.len &&
			      memcmp(word.ptr, given.ptr, given.len) == 0;
		if (longer == NULL && prefix) {
			longer = known[i];
		}
	}
	return longer != NULL && best > 1 ? longer : nearest;
}
