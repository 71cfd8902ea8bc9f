/* SPDX-License-Identifier: MIT */
/* Any valid text folded: the result is sound, folding it again changes nothing, and its map stays in the text. */
#include "attr.h"
#include "fold.h"
#include "fuzz.h"
#include "limits.h"

static void
check_map(const struct source_map *map, size_t len, size_t from_len, size_t text_len)
{
	size_t at = 0, from = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct source_run *run = &map->runs[i];
		REQUIRE(run->len > 0 && run->at >= at && run->at + run->len <= len);
		REQUIRE(run->from + run->from_len <= from_len);
		/* only the other ways to read a part, behind the text, go back */
		REQUIRE(run->at >= text_len || run->from >= from);
		at = run->at + run->len;
		from = run->from;
	}
}

/* Without a map words may go another way (fold_quick.c), to the same end. */
static void
check_same(const struct fold *a, const struct fold *b)
{
	REQUIRE(str_eq(fold_str(a), fold_str(b)) && a->text_len == b->text_len);
	REQUIRE(a->mark_count == b->mark_count);
	for (size_t i = 0; i < a->mark_count; i++)
		REQUIRE(a->marks[i].at == b->marks[i].at && a->marks[i].marks == b->marks[i].marks);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct fold once = {0}, twice = {0}, leet = {0};
	struct source_map map = {0};

	if (!str_is_utf8(text) || size > 4096)
		return 0;
	fold_text(&once, text, VIEW_TEXT_MAX, &map);
	struct str folded = {once.ptr, once.text_len};
	REQUIRE(once.text_len <= once.len && str_is_utf8(fold_str(&once)));
	check_map(&map, once.len, size, once.text_len);
	fold_text(&twice, text, VIEW_TEXT_MAX, NULL);
	check_same(&once, &twice);
	fold_text(&twice, folded, VIEW_TEXT_MAX, NULL);
	REQUIRE(str_eq(folded, (struct str){twice.ptr, twice.text_len}));
	for (size_t at = 0; at < once.len;) {
		size_t end = fold_next_boundary(&once, at);
		REQUIRE(end > at && end <= once.len && fold_is_boundary(&once, end));
		at = end;
	}
	fold_leet(&leet, &once);
	REQUIRE(leet.len == once.len && str_is_utf8(fold_str(&leet)));
	fold_text(&twice, text, 7, NULL);
	REQUIRE(twice.len <= 7 && str_is_utf8(fold_str(&twice)));
	source_map_finish(&map);
	fold_finish(&once);
	fold_finish(&twice);
	fold_finish(&leet);
	return 0;
}
