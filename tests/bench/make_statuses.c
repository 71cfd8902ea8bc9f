/* SPDX-License-Identifier: MIT */
/* Prints made-up statuses, one a line: make_statuses COUNT [SEED] */
#include <stdio.h>

#include "statuses.h"

int
main(int argc, char **argv)
{
	int64_t count = 0, seed = 1;
	if (argc < 2 || !str_to_int(str_from(argv[1]), 1, 100000000, &count) ||
		(argc > 2 && !str_to_int(str_from(argv[2]), 0, INT64_MAX, &seed))) {
		fprintf(stderr, "usage: make_statuses COUNT [SEED]\n");
		return 2;
	}
	struct statuses statuses;
	struct buf line;
	statuses_init(&statuses, (uint64_t)seed);
	buf_init(&line, 1u << 20);
	for (int64_t i = 0; i < count; i++) {
		buf_clear(&line);
		statuses_put(&statuses, &line);
		buf_add_char(&line, '\n');
		if (fwrite(line.ptr, 1, line.len, stdout) != line.len)
			return 1;
	}
	buf_finish(&line);
	return fflush(stdout) == 0 ? 0 : 1;
}
