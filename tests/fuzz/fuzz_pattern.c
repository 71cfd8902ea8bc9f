/* SPDX-License-Identifier: MIT */
/* FLAGS, a pattern, a line end, a text: compiled code and the interpreter find the same place unless one of them gave up. */
#include <string.h>

#include "attr.h"
#include "fuzz.h"
#include "limits.h"
#include "pattern.h"

enum { SPANS = 8 };

/* Unset, or within the text. */
static void
check_group(struct span span, size_t len)
{
	REQUIRE(span.start > span.end || span.end <= len);
}

static void
compare(struct pattern *with, struct pattern *without, struct str text)
{
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct pattern_subject subject = {.text = text};
	struct span a[SPANS], b[SPANS];
	enum pattern_result first = pattern_match(with, scratch, &subject, a, SPANS);
	enum pattern_result second = pattern_match(without, scratch, &subject, b, SPANS);

	if (first != PATTERN_LIMITED && second != PATTERN_LIMITED) {
		REQUIRE(first == second);
		REQUIRE((first == PATTERN_INVALID) == !str_is_utf8(text));
		/* Groups may differ: of (a+)*+$ compiled code keeps what was captured in an attempt that failed (PCRE2 10.42). */
		if (first == PATTERN_YES)
			REQUIRE(a[0].start == b[0].start && a[0].end == b[0].end);
		for (int i = 1; i < SPANS && first == PATTERN_YES; i++) {
			check_group(a[i], text.len);
			check_group(b[i], text.len);
		}
	}
	if (first == PATTERN_YES && a[0].start <= a[0].end)
		REQUIRE(a[0].end <= text.len);
	pattern_scratch_destroy(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str pattern, text, input = {(const char *)data + 1, size - 1};
	struct pattern_error error;

	if (size == 0)
		return 0;
	text = str_split(input, '\n', &pattern);
	int flags = data[0] & ~PATTERN_NO_JIT & 0x7f;
	struct pattern *with = pattern_compile(pattern, flags, &error);
	if (!with)
		REQUIRE(error.message[0] != '\0' && error.offset <= pattern.len);
	struct pattern *without = pattern_compile(pattern, flags | PATTERN_NO_JIT, NULL);
	REQUIRE((with == NULL) == (without == NULL));
	if (with) {
		REQUIRE(pattern_captures(with) <= PATTERN_CAPTURES_MAX);
		compare(with, without, text.ptr ? text : STR(""));
	}
	pattern_destroy(with);
	pattern_destroy(without);
	return 0;
}
