/* SPDX-License-Identifier: MIT */
/* HTML of a post to what people see, its links, and its hidden parts left out. */
#pragma once

#include "buf.h"
#include "str.h"

/* Adds the visible text of `html`: block ends and <br> become LF (never doubled by nesting, none at
 * the ends), entities are decoded once, tags vanish without leaving a space ("via<span>gra</span>"
 * is one word), comments, <script> and <style> vanish with their content. Mastodon's link spans:
 * class "invisible" is hidden, "ellipsis" gets "…" behind it. Never fails: broken markup is read as
 * browsers do, near enough. The output is never longer than 3 x the input. */
void visible_text(struct str html, struct buf *out);
/* Calls for each <a href> (decoded). Mentions and hashtags are told by their class. */
enum link_class { LINK_PLAIN, LINK_MENTION, LINK_HASHTAG };
typedef void link_fn(void *data, struct str href, enum link_class link_class);
void visible_links(struct str html, link_fn *fn, void *data);
