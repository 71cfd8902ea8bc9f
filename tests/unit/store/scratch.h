/* SPDX-License-Identifier: MIT */
/* A folder for one test's database, and short names for common steps. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "limits.h"
#include "store.h"
#include "xmalloc.h"

struct scratch {
	char folder[64];
	char path[96];
	char error[MESSAGE_MAX];
	struct store *store;
};

static inline void
scratch_open(struct scratch *scratch)
{
	scratch->store = store_open(scratch->path, NULL, scratch->error);
	assert_non_null(scratch->store);
}

/* As after a restart. */
static inline void
scratch_reopen(struct scratch *scratch)
{
	store_close(scratch->store);
	scratch_open(scratch);
}

static inline int
scratch_setup(void **state)
{
	struct scratch *scratch = xcalloc(1, sizeof(*scratch));
	*state = scratch;
	snprintf(scratch->folder, sizeof(scratch->folder), "/tmp/moontusk-test-XXXXXX");
	assert_non_null(mkdtemp(scratch->folder));
	snprintf(scratch->path, sizeof(scratch->path), "%s/moontusk.db", scratch->folder);
	scratch_open(scratch);
	return 0;
}

static inline int
scratch_teardown(void **state)
{
	struct scratch *scratch = *state;
	store_close(scratch->store);
	const char *endings[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < 3; i++) {
		char file[128];
		snprintf(file, sizeof(file), "%s%s", scratch->path, endings[i]);
		(void)unlink(file);
	}
	(void)rmdir(scratch->folder);
	free(scratch);
	return 0;
}

static inline void
begin(struct scratch *scratch)
{
	assert_true(store_begin(scratch->store));
}

static inline void
commit(struct scratch *scratch)
{
	assert_true(store_commit(scratch->store));
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
