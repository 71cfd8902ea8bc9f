/* SPDX-License-Identifier: MIT */
/* Inside of the json layer: makes parseable what servers send and simdjson refuses. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "str.h"

/* Copies `text` to `out`: a lone surrogate escape becomes \ufffd, a number that fits no
 * 64-bit type becomes a string with its text. True when anything was changed. */
bool json_repair(struct str text, struct buf *out);
