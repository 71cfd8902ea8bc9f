/* SPDX-License-Identifier: MIT */
/* Small things that the C modules share: scratch buffers that Lua owns, typed errors. */
#pragma once

#include <lua.h>

#include "attr.h"
#include "buf.h"
#include "url.h"

/* Pushes a userdata that owns an empty buffer: nothing leaks when something raises before it is done. */
struct buf *lua_push_buf(lua_State *L, size_t max);
/* Pushes the buffer's text, frees it, and takes the userdata at `index` no further into account. Raises when it
 * had grown past its maximum. */
void lua_buf_result(lua_State *L, struct buf *buf, const char *what);
struct str lua_check_str(lua_State *L, int index); /* an argument that is a text; numbers are not */
/* Raises an error object { kind =, message = } that reads as its message, which gets the plugin's file and line. */
int lua_raise(lua_State *L, const char *kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* "HOST[:PORT]" of an address, IPv6 in brackets, as it stands in permissions. */
void lua_host_text(const struct url *url, char *out, size_t size);
