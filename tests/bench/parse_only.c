/* SPDX-License-Identifier: MIT */
/* What the JSON library alone takes: parses each line of a file, and looks at nothing. parse_only FILE */
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

int
main(int argc, char **argv)
{
	FILE *in = argc == 2 ? fopen(argv[1], "re") : NULL;
	if (!in) {
		fprintf(stderr, "usage: parse_only FILE\n");
		return 2;
	}
	struct json_parser *parser = json_parser_create();
	char *line = NULL;
	size_t size = 0, lines = 0;
	ssize_t len;
	while ((len = getline(&line, &size, in)) > 0) {
		struct json_doc *doc = NULL;
		if (json_parse_borrowed(parser, (struct str){line, (size_t)len}, &doc, NULL) ==
			ERR_OK)
			lines++;
		json_doc_destroy(doc);
	}
	printf("%zu\n", lines);
	free(line);
	fclose(in);
	json_parser_destroy(parser);
	return 0;
}
