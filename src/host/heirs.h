/* SPDX-License-Identifier: MIT */
/* When a plugin's handlers have changed: which of the new ones take what waits for the old ones. Knows keys only. */
#pragma once

#include "buf.h"

/* Keys of handlers, borrowed. */
struct key_list {
	const char **list;
	unsigned count;
};

/* What becomes of a delivery key (see struct delivery) when a plugin with the handlers `before` is replaced by one with
 * `after`. A handler whose key is still there keeps its work. As many gone as new: the n-th new one takes the work of
 * the n-th gone one, else each new one is asked. An heir takes only what it matches: its key stands behind a "?".
 * Writes the key to use from now on. */
void heirs_map(const struct key_list *before, const struct key_list *after, struct str key,
	struct buf *out);
bool key_list_has(const struct key_list *keys, struct str key);
/* Takes the lines of `text` apart. Borrows; the caller frees list. */
struct key_list key_list_split(char *text);
