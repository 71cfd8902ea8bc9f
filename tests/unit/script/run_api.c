/* SPDX-License-Identifier: MIT */
/* Runs a Lua test of the plugins' API: a plugin whose "update" handler asserts, given one post. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugin_bench.h"

static const char post[] = "{\"id\":\"1\",\"visibility\":\"public\",\"content\":\"<p>hi</p>\","
			   "\"account\":{\"id\":\"2\",\"acct\":\"ann\"}}";

int
main(int argc, char **argv)
{
	struct bench bench;
	struct buf source;
	char chunk[4096];
	size_t got;
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (!file) {
		fprintf(stderr, "usage: run_api FILE.lua\n");
		return 2;
	}
	buf_init(&source, PLUGIN_SOURCE_MAX);
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		(void)buf_add(&source, chunk, got);
	fclose(file);
	bench_init(&bench);
	bench.config.file = argv[1];
	bench.config.limits = (struct plugin_limits){.cpu_ms = 10000, .load_ms = 10000};
	bool ok = bench_load(&bench, source.ptr) &&
		  bench_deliver(&bench, bench_update(&bench, post)) == 1;
	if (!ok)
		fprintf(stderr, "%s\n", bench.error.text);
	bench_finish(&bench);
	buf_finish(&source);
	return ok ? 0 : 1;
}
