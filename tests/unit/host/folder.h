/* SPDX-License-Identifier: MIT */
/* A folder of a test's own, gone after it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "xmalloc.h"

static inline int
folder_remove_entry(const char *path, const struct stat *about, int type, struct FTW *where)
{
	(void)about;
	(void)type;
	(void)where;
	return remove(path);
}

/* setup and teardown of cmocka: *state is the folder's path. */
static inline int
folder_setup(void **state)
{
	char *path = xstrdup("/tmp/moontusk-test-XXXXXX");
	*state = mkdtemp(path);
	return *state ? 0 : -1;
}

static inline int
folder_teardown(void **state)
{
	nftw(*state, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

/* Writes `text` to `name` in the folder; the path is new. */
static inline char *
folder_write(const char *folder, const char *name, const char *text)
{
	char *path = file_join(folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	fclose(file);
	return path;
}

/* Compares the whole content of a file. */
static inline void
folder_expect(const char *path, const char *text)
{
	struct buf content;
	buf_init(&content, 1u << 20);
	assert_true(file_read(path, &content));
	assert_string_equal(content.len ? content.ptr : "", text);
	buf_finish(&content);
}
