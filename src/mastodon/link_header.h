/* SPDX-License-Identifier: MIT */
/* The Link header of a page: the ids that lead to the pages beside it (RFC 8288; protocol.md 5.3). */
#pragma once

#include "buf.h"
#include "str.h"

/* Adds the decoded value of the parameter `name` in the address that the header gives for the relation `rel` ("next", "prev"), as
 * "7" of <https://…/bookmarks?limit=40&max_id=7>; rel="next". False: there is none; `out` is as it was. NULL is an empty header. */
bool link_header_value(const char *header, const char *rel, const char *name, struct buf *out);
