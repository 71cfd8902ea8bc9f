/* SPDX-License-Identifier: MIT */
/* One PCRE2 regular expression with JIT and limits. The only file that knows pcre2.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"
#include "str.h"

struct pattern;

enum {
	PATTERN_CASE = 1 /* case matters */,
	PATTERN_LITERAL = 2,
	PATTERN_ANCHORED = 4,
	PATTERN_NO_JIT = 8,
	PATTERN_DOTALL = 16,
	PATTERN_EXTENDED = 32,
	PATTERN_ONE_LINE = 64 /* ^ and $ match at the ends only */
};

enum pattern_result {
	PATTERN_NO, /* does not match */
	PATTERN_YES,
	PATTERN_LIMITED, /* gave up: match, depth or heap limit. Never to be taken for PATTERN_NO. */
	PATTERN_INVALID, /* the subject is not valid UTF-8, or `start` is past its end */
};

struct pattern_error {
	size_t offset;     /* into the pattern's text, in bytes */
	char message[256]; /* PCRE2's words, or ours for what is refused */
};

/* Defaults: caseless, UTF, UCP, multi-line. Patterns that start with option settings such as (*LIMIT_, (*UTF,
 * (*NO_ are refused. NULL on an error. Compiled code is immutable: one per text is enough.
 * With MOONTUSK_NO_JIT in the environment all are interpreted: valgrind cannot look into compiled code. */
struct pattern *pattern_compile(struct str text, int flags, struct pattern_error *error); /* new */
void pattern_destroy(struct pattern *pattern);
size_t pattern_memory(const struct pattern *pattern); /* bytes, compiled code included */
struct str pattern_text(const struct pattern *pattern);
int pattern_flags(const struct pattern *pattern);         /* as they were given */
unsigned pattern_captures(const struct pattern *pattern); /* highest group number */
/* The group's number, or -1; and the name of group `number`, or NULL. */
int pattern_group(const struct pattern *pattern, const char *name);
const char *pattern_group_name(const struct pattern *pattern, unsigned number);

/* The major number of the Unicode version that this PCRE2 knows. */
int pattern_unicode(void);

/* Scratch for matching: match data, contexts, one JIT stack. One per thread. */
struct pattern_scratch;
struct pattern_scratch *pattern_scratch_create(void);
void pattern_scratch_destroy(struct pattern_scratch *scratch);

struct pattern_subject {
	struct str text;
	size_t start; /* byte to start at */
	/* About how many steps at most, over all bytes to start at; 0: PATTERN_WORK_MAX. */
	unsigned work_max;
	bool valid; /* the caller knows that text is valid UTF-8 (checked once at decode) */
};

/* Fills spans[0..count) (0 is the whole match); count 0 is fine. */
enum pattern_result pattern_match(const struct pattern *pattern, struct pattern_scratch *scratch,
	const struct pattern_subject *subject, struct span *spans, unsigned count);
