/* SPDX-License-Identifier: MIT */
/* What looks for many literals in one text: the plain way, and Vectorscan's. Private to match/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

/* Literal `number` of the list ends at byte `end` of the text. */
typedef void scan_hit_fn(void *data, unsigned number, size_t end);

/* scan_plain.c: literals by their first bytes. */
struct plain;
/* Keeps the literals, none of which is empty. */
struct plain *plain_create(const struct str *literals, size_t count); /* new */
void plain_destroy(struct plain *plain);
void plain_run(const struct plain *plain, struct str text, scan_hit_fn *hit, void *data);

/* scan_vectorscan.c, where the feature is on. */
struct vectorscan;
struct vectorscan_scratch;
/* NULL: this processor or memory will not do; the plain way always does. `cache_folder` may be NULL. */
struct vectorscan *vectorscan_create(
	const struct str *literals, size_t count, const char *cache_folder, bool *cached);
void vectorscan_destroy(struct vectorscan *vectorscan);
/* Makes *scratch good for this one too; begin with NULL. False: no memory. */
bool vectorscan_scratch_add(
	const struct vectorscan *vectorscan, struct vectorscan_scratch **scratch);
void vectorscan_scratch_destroy(struct vectorscan_scratch *scratch);
void vectorscan_run(const struct vectorscan *vectorscan, struct vectorscan_scratch *scratch,
	struct str text, scan_hit_fn *hit, void *data);
const char *vectorscan_name(void); /* with its version */
