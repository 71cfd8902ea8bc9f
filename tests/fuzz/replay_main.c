/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over every file of a corpus folder, for compilers without libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "fuzz.h"
#include "xmalloc.h"

#define INPUT_MAX (1u << 20)

static bool
run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return false;
	}
	struct buf input;
	buf_init(&input, INPUT_MAX);
	char block[4096];
	size_t len = 0;
	while ((len = fread(block, 1, sizeof(block), file)) > 0) {
		(void)buf_add(&input, block, len);
	}
	(void)fclose(file);
	struct str bytes = buf_str(&input);
	if (bytes.ptr == NULL) {
		(void)fprintf(stderr, "%s: longer than %u bytes\n", path, INPUT_MAX);
		return false;
	}
	/* A copy of just its size, so that a sanitizer sees a read past the end. */
	uint8_t *exact = xmalloc(bytes.len);
	for (size_t i = 0; i < bytes.len; i++) {
		exact[i] = (uint8_t)bytes.ptr[i];
	}
	(void)LLVMFuzzerTestOneInput(exact, bytes.len);
	free(exact);
	buf_finish(&input);
	return true;
}

int
main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	if (folder == NULL) {
		(void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	unsigned count = 0;
	bool ok = true;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] == '.') {
			continue;
		}
		char *path = xasprintf("%s/%s", argv[1], entry->d_name);
		ok = run_file(path) && ok;
		free(path);
		count++;
	}
	(void)closedir(folder);
	(void)printf("%u inputs\n", count);
	return ok && count > 0 ? 0 : 1;
}
