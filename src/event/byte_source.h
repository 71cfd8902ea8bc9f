/* SPDX-License-Identifier: MIT */
/* Bytes of a file or of standard input, unpacked when they are zstd frames. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "limits.h"

struct byte_source;

/* Takes the descriptor. What is packed is told by the first bytes, whatever the name says. New. */
struct byte_source *byte_source_create(int fd);
void byte_source_destroy(struct byte_source *source); /* NULL is fine; closes */
/* At most `max` bytes, as soon as there are some. 0: the end. -1: byte_source_error says what is wrong and, of packed
 * bytes, where; everything before that was given out. */
ssize_t byte_source_read(struct byte_source *source, char *out, size_t max);
const char *byte_source_error(const struct byte_source *source);
/* True when a read will not wait. */
bool byte_source_ready(const struct byte_source *source);
/* Bytes of the file, packed ones where it is packed, that were used up. */
uint64_t byte_source_used(const struct byte_source *source);
