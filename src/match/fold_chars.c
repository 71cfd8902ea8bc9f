/* SPDX-License-Identifier: MIT */
/* Looks characters up in the table that tools/fold_table.c writes at build time. */
#include "fold_chars.h"

#include <stddef.h>

#include "attr.h"
#include "fold_table.h"

/* Hangul, Unicode 3.12 */
enum { L_FIRST = 0x1100, V_FIRST = 0x1161, T_BEFORE = 0x11a7, S_FIRST = 0xac00 };
enum { L_COUNT = 19, V_COUNT = 21, T_COUNT = 28, S_COUNT = 11172 };

#define REGION_FIRST 0x1f1e6

static uint32_t
compose_hangul(uint32_t first, uint32_t second)
{
	uint32_t l = first - L_FIRST, v = second - V_FIRST, s = first - S_FIRST,
		 t = second - T_BEFORE;

	if (l < L_COUNT && v < V_COUNT)
		return S_FIRST + (l * V_COUNT + v) * T_COUNT;
	if (s < S_COUNT && s % T_COUNT == 0 && t > 0 && t < T_COUNT)
		return first + t;
	return 0;
}

uint32_t
fold_compose(uint32_t first, uint32_t second)
{
	size_t low = 0, high = COUNT_OF(fold_pairs);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct fold_pair *pair = &fold_pairs[middle];
		if (pair->first == first && pair->second == second)
			return pair->composed;
		if (pair->first < first || (pair->first == first && pair->second < second))
			low = middle + 1;
		else
			high = middle;
	}
	return compose_hangul(first, second);
}

bool
fold_is_flag(uint32_t first, uint32_t second)
{
	return fold_regions[first - REGION_FIRST] >> (second - REGION_FIRST) & 1;
}
