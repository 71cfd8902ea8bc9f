/* SPDX-License-Identifier: MIT */
/* One big alternation of all words, as people write it, over the visible text of each status: alternation FILE WORDS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "limits.h"
#include "pattern.h"
#include "visible.h"

static struct pattern *
compile(const char *file)
{
	FILE *in = fopen(file, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	struct buf text;
	struct pattern_error error;
	buf_init(&text, 1u << 20);
	buf_add_text(&text, "\\b(?:");
	while (in && (len = getline(&line, &size, in)) > 0) {
		if (text.len > 5)
			buf_add_char(&text, '|');
		buf_add_str(&text, str_trim((struct str){line, (size_t)len}));
	}
	buf_add_text(&text, ")\\b");
	struct pattern *pattern = in ? pattern_compile(buf_str(&text), 0, &error) : NULL;
	if (in)
		fclose(in);
	free(line);
	buf_finish(&text);
	return pattern;
}

int
main(int argc, char **argv)
{
	FILE *in = argc == 3 ? fopen(argv[1], "re") : NULL;
	struct pattern *pattern = argc == 3 ? compile(argv[2]) : NULL;
	if (!in || !pattern) {
		fprintf(stderr, "usage: alternation FILE WORDS\n");
		return 2;
	}
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct json_parser *parser = json_parser_create();
	struct buf shown;
	buf_init(&shown, 1u << 20);
	char *line = NULL;
	size_t size = 0, hits = 0;
	ssize_t len;
	while ((len = getline(&line, &size, in)) > 0) {
		struct json_doc *doc = NULL;
		if (json_parse_borrowed(parser, (struct str){line, (size_t)len}, &doc, NULL) !=
			ERR_OK)
			continue;
		buf_clear(&shown);
		visible_text(json_str(json_get(json_root(doc), "content")), &shown);
		struct pattern_subject subject = {.text = buf_str(&shown), .valid = true};
		hits += pattern_match(pattern, scratch, &subject, NULL, 0) == PATTERN_YES;
	}
	printf("%zu\n", hits);
	free(line);
	buf_finish(&shown);
	json_parser_destroy(parser);
	pattern_scratch_destroy(scratch);
	pattern_destroy(pattern);
	fclose(in);
	return 0;
}
