/* SPDX-License-Identifier: MIT */
/* Small sets of strings: joined, united, compared by worth. */
#include "literals.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "xmalloc.h"

/* A set that is larger may hold a string twice: whoever takes it sorts anyway. */
#define COMPARED 16

void
literals_finish(struct literals *set)
{
	for (size_t i = 0; i < set->count; i++)
		free((char *)(uintptr_t)set->list[i].ptr);
	free(set->list);
	*set = (struct literals){0};
}

static void
append(struct literals *set, struct str text)
{
	set->list = xreallocarray(set->list, set->count + 1, sizeof(*set->list));
	set->list[set->count++] = text;
}

void
literals_add(struct literals *set, struct str text)
{
	for (size_t i = 0; i < set->count && i < COMPARED; i++) {
		if (str_eq(set->list[i], text))
			return;
	}
	append(set, (struct str){xmemdup0(text.ptr, text.len), text.len});
}

static size_t
longest(const struct literals *set)
{
	size_t len = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (set->list[i].len > len)
			len = set->list[i].len;
	}
	return len;
}

bool
literals_join(struct literals *set, const struct literals *next)
{
	struct literals joined = {0};
	char bytes[LITERAL_LEN_MAX];

	if (set->count * next->count > LITERAL_JOINED_MAX ||
		longest(set) + longest(next) > LITERAL_LEN_MAX)
		return false;
	for (size_t i = 0; i < set->count; i++) {
		for (size_t j = 0; j < next->count; j++) {
			struct str a = set->list[i], b = next->list[j];
			memcpy(bytes, a.ptr, a.len);
			memcpy(bytes + a.len, b.ptr, b.len);
			literals_add(&joined, (struct str){bytes, a.len + b.len});
		}
	}
	literals_finish(set);
	*set = joined;
	return true;
}

bool
literals_unite(struct literals *set, struct literals *from)
{
	if (set->count + from->count > LITERAL_COUNT_MAX)
		return false;
	for (size_t i = 0; i < from->count; i++)
		append(set, from->list[i]);
	free(from->list);
	*from = (struct literals){0};
	return true;
}

unsigned
literals_worth(const struct literals *set)
{
	size_t shortest = 12; /* longer ones are not better */
	unsigned bits = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (set->list[i].len < shortest)
			shortest = set->list[i].len;
	}
	if (set->count == 0 || shortest < 2)
		return 0;
	while (set->count >> bits > 0)
		bits++;
	return 8 * (unsigned)shortest - bits;
}
