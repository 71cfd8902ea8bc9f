/* SPDX-License-Identifier: MIT */
/* HTML of a post to what people see, its links, and its hidden parts left out. */
#pragma once

#include "buf.h"
#include "source_map.h"
#include "str.h"

/* Adds the visible text of `html`: block ends and <br> become LF (never doubled by nesting, none at
 * the ends), entities are decoded once, tags vanish without leaving a space ("via<span>gra</span>"
 * is one word), comments, <script> and <style> vanish with their content. Mastodon's link spans:
 * class "invisible" is hidden, "ellipsis" gets "…" behind it. Never fails: broken markup is read as
 * browsers do, near enough. The output is never longer than 3 x the input. */
void visible_text(struct str html, struct buf *out);
/* The same, and tells `map` (may be NULL) where in `html` each byte of `out` came from: references and runs of blanks as
 * a whole, line ends and "…" from nowhere. Its `source` is 0. */
void visible_text_mapped(struct str html, struct buf *out, struct source_map *map);
/* Calls for each <a href> (decoded). Mentions and hashtags are told by their class. */
enum link_class { LINK_PLAIN, LINK_MENTION, LINK_HASHTAG };
typedef void link_fn(void *data, struct str href, enum link_class link_class);
void visible_links(struct str html, link_fn *fn, void *data);
/* The same; `map` (may be NULL) tells of each address, while fn is called, where in `html` it came from. */
void visible_links_mapped(struct str html, struct source_map *map, link_fn *fn, void *data);
