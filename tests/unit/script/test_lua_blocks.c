/* SPDX-License-Identifier: MIT */
/* Memory for Lua states: nobody's bytes are anybody else's, and sizes may change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "lua_blocks.h"
#include "rng.h"

struct piece {
	unsigned char *ptr;
	size_t size;
	unsigned char mark;
};

static void
check(const struct piece *piece, size_t size)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(piece->ptr[i], piece->mark);
}

static void
keeps_what_was_written_while_others_come_and_go(void **state)
{
	struct lua_blocks blocks = {0};
	struct piece pieces[200] = {0};
	struct rng rng;
	(void)state;

	rng_seed(&rng, 3);
	for (int round = 0; round < 50000; round++) {
		struct piece *piece = &pieces[rng_below(&rng, COUNT_OF(pieces))];
		size_t size = rng_below(&rng, 8) == 0
				      ? 0
				      : rng_below(&rng, round % 2 ? 2 * LUA_BLOCK_LARGEST
								  : 2 * LUA_PIECE_LARGEST);
		void *fresh = lua_blocks_resize(&blocks, piece->ptr, piece->size, size);
		assert_true((fresh != NULL) == (size > 0));
		assert_int_equal((uintptr_t)fresh % _Alignof(max_align_t), 0);
		piece->ptr = fresh;
		check(piece, size < piece->size ? size : piece->size);
		piece->size = size;
		piece->mark = (unsigned char)round;
		if (size > 0)
			memset(fresh, piece->mark, size);
	}
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		check(&pieces[i], pieces[i].size);
		(void)lua_blocks_resize(&blocks, pieces[i].ptr, pieces[i].size, 0);
	}
	lua_blocks_finish(&blocks);
	assert_null(blocks.slabs);
	assert_int_equal(blocks.kept, 0);
}

/* As many as the events of a busy plugin need between two collections, and not all that it ever had. */
static void
keeps_some_larger_pieces_for_the_next_ones(void **state)
{
	struct lua_blocks blocks = {0};
	void *list[200];
	(void)state;

	for (size_t i = 0; i < COUNT_OF(list); i++)
		list[i] = lua_blocks_resize(&blocks, NULL, 0, 2800 + i);
	for (size_t i = 0; i < COUNT_OF(list); i++)
		(void)lua_blocks_resize(&blocks, list[i], 2800 + i, 0);
	assert_in_range(blocks.kept, 0, LUA_PIECES_MAX);
	if (blocks.kept > 0) { /* else the sanitizer looks after all of them */
		void *last = blocks.pieces[3072 / LUA_PIECE_STEP - 1];
		size_t kept = blocks.kept;
		assert_in_range(kept, LUA_PIECES_MAX - 3072, LUA_PIECES_MAX);
		assert_ptr_equal(lua_blocks_resize(&blocks, NULL, 0, 2600), last);
		assert_int_equal(blocks.kept, kept - 3072);
		/* It is large enough for more. */
		assert_ptr_equal(lua_blocks_resize(&blocks, last, 2600, 3072), last);
		(void)lua_blocks_resize(&blocks, last, 3072, 0);
	}
	lua_blocks_finish(&blocks);
}

/* What comes back is used again: no slab is needed for the same once more. */
static void
uses_memory_again(void **state)
{
	struct lua_blocks blocks = {0};
	void *list[100];
	struct lua_slab *newest = NULL;
	(void)state;

	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < COUNT_OF(list); i++)
			list[i] = lua_blocks_resize(&blocks, NULL, 0, 1 + i);
		if (round == 0)
			newest = blocks.slabs;
		assert_ptr_equal(blocks.slabs, newest);
		for (size_t i = 0; i < COUNT_OF(list); i++)
			(void)lua_blocks_resize(&blocks, list[i], 1 + i, 0);
	}
	lua_blocks_finish(&blocks);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_was_written_while_others_come_and_go),
		cmocka_unit_test(uses_memory_again),
		cmocka_unit_test(keeps_some_larger_pieces_for_the_next_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
