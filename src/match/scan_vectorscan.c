/* SPDX-License-Identifier: MIT */
/* Looks for many literals with Vectorscan, the only file that knows its header; compiled databases are kept on disk. */
#include <hs.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "limits.h"
#include "scan_cache.h"
#include "scan_engine.h"
#include "xmalloc.h"

struct vectorscan {
	hs_database_t *database;
};

struct vectorscan_scratch {
	hs_scratch_t *scratch;
};

const char *
vectorscan_name(void)
{
	return hs_version();
}

/* All that the compiled form depends on: a database is good for the same literals, library and processor. */
static bool
make_key(const struct str *literals, size_t count, struct buf *key)
{
	hs_platform_info_t platform;

	if (hs_populate_platform(&platform) != HS_SUCCESS)
		return false;
	buf_init(key, SCAN_CACHE_FILE_MAX);
	buf_printf(key, "%s\ntune %u features %llu\n%zu literals\n", hs_version(), platform.tune,
		(unsigned long long)platform.cpu_features, count);
	for (size_t i = 0; i < count; i++) {
		buf_printf(key, "%zu:", literals[i].len);
		buf_add_str(key, literals[i]);
	}
	return key->err == ERR_OK;
}

static hs_database_t *
compile(const struct str *literals, size_t count)
{
	const char **texts = xreallocarray(NULL, count, sizeof(*texts));
	size_t *lens = xreallocarray(NULL, count, sizeof(*lens));
	unsigned *numbers = xreallocarray(NULL, count, sizeof(*numbers));
	unsigned *flags = xcalloc(count, sizeof(*flags));
	hs_database_t *database = NULL;
	hs_compile_error_t *error = NULL;

	for (size_t i = 0; i < count; i++) {
		texts[i] = literals[i].ptr;
		lens[i] = literals[i].len;
		numbers[i] = (unsigned)i;
	}
	if (hs_compile_lit_multi(texts, flags, numbers, lens, (unsigned)count, HS_MODE_BLOCK, NULL,
		    &database, &error) != HS_SUCCESS) {
		hs_free_compile_error(error);
		database = NULL;
	}
	free(texts);
	free(lens);
	free(numbers);
	free(flags);
	return database;
}

static hs_database_t *
read_cached(const char *folder, struct str key)
{
	hs_database_t *database = NULL;
	struct buf bytes;

	buf_init(&bytes, SCAN_CACHE_FILE_MAX);
	if (scan_cache_read(folder, key, &bytes) &&
		hs_deserialize_database(bytes.ptr, bytes.len, &database) != HS_SUCCESS)
		database = NULL;
	buf_finish(&bytes);
	return database;
}

static void
write_cached(const char *folder, struct str key, const hs_database_t *database)
{
	char *bytes = NULL;
	size_t len = 0;

	if (hs_serialize_database(database, &bytes, &len) != HS_SUCCESS)
		return;
	/* without it the next start takes longer, that is all */
	(void)scan_cache_write(folder, key, (struct str){bytes, len});
	free(bytes);
}

struct vectorscan *
vectorscan_create(const struct str *literals, size_t count, const char *cache_folder, bool *cached)
{
	hs_database_t *database = NULL;
	struct buf key = {0};
	bool keep = cache_folder && count >= SCAN_CACHED_MIN && make_key(literals, count, &key);

	*cached = false;
	if (hs_valid_platform() == HS_SUCCESS) {
		database = keep ? read_cached(cache_folder, buf_str(&key)) : NULL;
		*cached = database != NULL;
		if (!database)
			database = compile(literals, count);
		if (database && keep && !*cached)
			write_cached(cache_folder, buf_str(&key), database);
	}
	buf_finish(&key);
	if (!database)
		return NULL;
	struct vectorscan *vectorscan = xmalloc(sizeof(*vectorscan));
	vectorscan->database = database;
	return vectorscan;
}

void
vectorscan_destroy(struct vectorscan *vectorscan)
{
	if (!vectorscan)
		return;
	hs_free_database(vectorscan->database);
	free(vectorscan);
}

bool
vectorscan_scratch_add(const struct vectorscan *vectorscan, struct vectorscan_scratch **scratch)
{
	if (!*scratch)
		*scratch = xcalloc(1, sizeof(**scratch));
	return hs_alloc_scratch(vectorscan->database, &(*scratch)->scratch) == HS_SUCCESS;
}

void
vectorscan_scratch_destroy(struct vectorscan_scratch *scratch)
{
	if (!scratch)
		return;
	hs_free_scratch(scratch->scratch);
	free(scratch);
}

struct hit {
	scan_hit_fn *fn;
	void *data;
};

static int
on_match(
	unsigned number, unsigned long long from, unsigned long long to, unsigned flags, void *data)
{
	const struct hit *hit = data;

	(void)from;
	(void)flags;
	hit->fn(hit->data, number, (size_t)to);
	return 0;
}

void
vectorscan_run(const struct vectorscan *vectorscan, struct vectorscan_scratch *scratch,
	struct str text, scan_hit_fn *hit, void *data)
{
	struct hit context = {hit, data};
	hs_error_t error = hs_scan(vectorscan->database, text.ptr, (unsigned)text.len, 0,
		scratch->scratch, on_match, &context);

	/* only a wrong argument can make it fail, and an error must not pass for "nothing there" */
	REQUIRE(error == HS_SUCCESS);
}
