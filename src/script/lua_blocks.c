/* SPDX-License-Identifier: MIT */
/* Slabs of memory, and lists of the pieces of each size that came back. */
#include "lua_blocks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ALL_FROM_MALLOC 1 /* the sanitizer knows no other memory */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ALL_FROM_MALLOC 1
#endif
#endif

/* Of a slab: small enough that a plugin that does little holds little. */
#define SLAB_SIZE 4032

struct lua_slab {
	struct lua_slab *next;
	size_t unused; /* aligns what follows */
	char bytes[SLAB_SIZE];
};

void
lua_blocks_finish(struct lua_blocks *blocks)
{
	while (blocks->slabs) {
		struct lua_slab *slab = blocks->slabs;
		blocks->slabs = slab->next;
		free(slab);
	}
	for (size_t i = 0; i < LUA_PIECE_SIZES; i++) {
		while (blocks->pieces[i]) {
			void *piece = blocks->pieces[i];
			memcpy(&blocks->pieces[i], piece, sizeof(piece));
			free(piece);
		}
	}
	*blocks = (struct lua_blocks){0};
}

/* 0: malloc's alone. */
static size_t
rounded(size_t size)
{
#ifdef ALL_FROM_MALLOC
	(void)size;
	return 0;
#else
	size_t step = size > LUA_BLOCK_LARGEST ? LUA_PIECE_STEP : LUA_BLOCK_STEP;
	return size > LUA_PIECE_LARGEST ? 0 : (size + step - 1) & ~(step - 1);
#endif
}

static void **
list_of(struct lua_blocks *blocks, size_t whole)
{
	return whole > LUA_BLOCK_LARGEST ? &blocks->pieces[whole / LUA_PIECE_STEP - 1]
					 : &blocks->unused[whole / LUA_BLOCK_STEP - 1];
}

/* The first bytes of a piece that nobody has are the address of the next one. */
static void
give(struct lua_blocks *blocks, void *ptr, size_t whole)
{
	void **list = list_of(blocks, whole);

	memcpy(ptr, list, sizeof(*list));
	*list = ptr;
}

static void *
cut(struct lua_blocks *blocks, size_t whole)
{
	if (blocks->left < whole) {
		struct lua_slab *slab = malloc(sizeof(*slab));
		if (!slab)
			return NULL;
		if (blocks->left > 0)
			give(blocks, blocks->at, blocks->left);
		slab->next = blocks->slabs;
		blocks->slabs = slab;
		blocks->at = slab->bytes;
		blocks->left = SLAB_SIZE;
	}
	void *ptr = blocks->at;
	blocks->at += whole;
	blocks->left -= whole;
	return ptr;
}

static void *
take(struct lua_blocks *blocks, size_t size)
{
	size_t whole = rounded(size);

	if (whole == 0)
		return malloc(size);
	void **list = list_of(blocks, whole), *ptr = *list;
	bool is_piece = whole > LUA_BLOCK_LARGEST;
	if (!ptr)
		return is_piece ? malloc(whole) : cut(blocks, whole);
	memcpy(list, ptr, sizeof(*list));
	blocks->kept -= is_piece ? whole : 0;
	return ptr;
}

static void
put_back(struct lua_blocks *blocks, void *ptr, size_t size)
{
	size_t whole = rounded(size);

	if (whole == 0 || (whole > LUA_BLOCK_LARGEST && blocks->kept + whole > LUA_PIECES_MAX)) {
		free(ptr);
		return;
	}
	blocks->kept += whole > LUA_BLOCK_LARGEST ? whole : 0;
	give(blocks, ptr, whole);
}

void *
lua_blocks_resize(struct lua_blocks *blocks, void *ptr, size_t old_size, size_t size)
{
	if (!ptr)
		return size > 0 ? take(blocks, size) : NULL;
	if (size == 0) {
		put_back(blocks, ptr, old_size);
		return NULL;
	}
	size_t old_whole = rounded(old_size), whole = rounded(size);
	if (old_whole == 0 && whole == 0) {
		void *fresh = realloc(ptr, size);
		return fresh || size > old_size ? fresh : ptr;
	}
	if (old_whole == whole)
		return ptr;
	void *fresh = take(blocks, size);
	if (!fresh) /* a piece that is too large for its list does no harm; one of malloc's is lost */
		return size > old_size ? NULL : ptr;
	memcpy(fresh, ptr, size < old_size ? size : old_size);
	put_back(blocks, ptr, old_size);
	return fresh;
}
