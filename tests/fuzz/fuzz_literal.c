/* SPDX-License-Identifier: MIT */
/* FLAGS, a pattern, a line end, a text: where the pattern matches, one of its required literals stands. */
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "casefold.h"
#include "fuzz.h"
#include "lint.h"
#include "literal.h"
#include "pattern.h"
#include "xmalloc.h"

static bool
holds_one(const struct literals *literals, struct str text)
{
	char *folded = xmalloc(text.len + 1);
	size_t len = casefold_text(text, folded);
	bool found = false;

	REQUIRE(len <= text.len && str_is_utf8((struct str){folded, len}));
	for (size_t i = 0; i < literals->count && !found; i++)
		found = memmem(folded, len, literals->list[i].ptr, literals->list[i].len) != NULL;
	free(folded);
	return found;
}

static void
check_match(struct str given, int flags, const struct literals *literals, struct str text)
{
	struct pattern *pattern = pattern_compile(given, flags | PATTERN_NO_JIT, NULL);
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct pattern_subject subject = {.text = text};

	if (pattern && pattern_match(pattern, scratch, &subject, NULL, 0) == PATTERN_YES)
		REQUIRE(holds_one(literals, text));
	pattern_scratch_destroy(scratch);
	pattern_destroy(pattern);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str pattern, text, input = {(const char *)data + 1, size - 1};
	struct literals literals;

	if (size == 0)
		return 0;
	text = str_split(input, '\n', &pattern);
	(void)lint_nested_repeat(pattern);
	int flags = data[0] & 0x7f;
	if (literals_of_pattern(pattern, flags, &literals)) {
		REQUIRE(literals.count > 0 && literals_worth(&literals) > 0);
		check_match(pattern, flags, &literals, text.ptr ? text : STR(""));
	} else {
		REQUIRE(literals.count == 0);
	}
	literals_finish(&literals);
	return 0;
}
