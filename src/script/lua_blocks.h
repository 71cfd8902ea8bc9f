/* SPDX-License-Identifier: MIT */
/* Small pieces of memory for one Lua state, cut from larger ones and kept in lists by size. Knows no Lua. */
#pragma once

#include <stddef.h>

#include "limits.h"

/* Up to this size pieces are cut from slabs. */
#define LUA_BLOCK_LARGEST 256
#define LUA_BLOCK_STEP    16
#define LUA_BLOCK_SIZES   (LUA_BLOCK_LARGEST / LUA_BLOCK_STEP)
/* Up to this size they are malloc's, and some that came back (LUA_PIECES_MAX bytes) are kept for the next ones: each event needs one of about the size
 * of its payload. What is larger is malloc's alone. */
#define LUA_PIECE_LARGEST 8192
#define LUA_PIECE_STEP    512
#define LUA_PIECE_SIZES   (LUA_PIECE_LARGEST / LUA_PIECE_STEP)

struct lua_slab;

/* Zeroed: empty. */
struct lua_blocks {
	void *unused[LUA_BLOCK_SIZES]; /* lists, by size */
	void *pieces[LUA_PIECE_SIZES]; /* lists, by size */
	size_t kept;                   /* bytes in them */
	struct lua_slab *slabs;        /* list; they stay until the end */
	char *at;                      /* what is not cut yet, in the newest one */
	size_t left;
};

void lua_blocks_finish(struct lua_blocks *blocks);
/* As realloc, and free with a size of 0; `old_size` is what `ptr` was asked for with (0 when it is NULL). NULL: no memory, and
 * ptr is what it was. Shrinking never fails. */
void *lua_blocks_resize(struct lua_blocks *blocks, void *ptr, size_t old_size, size_t size);
