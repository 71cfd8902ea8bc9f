/* SPDX-License-Identifier: MIT */
/* Compiles and runs PCRE2 patterns: what is refused, the limits, JIT with the interpreter behind it. */
#include "pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "limits.h"
#include "xmalloc.h"

/* The first block of a JIT stack; it grows up to PATTERN_JIT_STACK_MAX. */
#define JIT_STACK_START (32u << 10)

struct pattern {
	pcre2_code *code;
	char *text;
	size_t text_len;
	int flags;
	uint32_t captures;
	const char *names; /* inside code: entries of name_size bytes, two bytes of number first */
	uint32_t name_count, name_size;
};

struct pattern_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *jit_stack; /* NULL: PCRE2 was built without JIT */
	uint32_t match_limit;       /* what context holds now */
};

/* Option settings that PCRE2 takes at the start of a pattern. They could lift our limits or switch
 * off what the caller relies on (UTF). Verbs such as (*FAIL) or (*pla:...) are not among them. */
static const char *const refused_starts[] = {
	"(*LIMIT_",
	"(*UTF",
	"(*UCP",
	"(*NO_",
	"(*NOTEMPTY",
	"(*CR)",
	"(*LF)",
	"(*CRLF)",
	"(*ANY)",
	"(*ANYCRLF)",
	"(*NUL)",
	"(*BSR_",
};

static const char *
refused_start(struct str text)
{
	for (size_t i = 0; i < COUNT_OF(refused_starts); i++) {
		if (str_starts(text, refused_starts[i]))
			return refused_starts[i];
	}
	return NULL;
}

static uint32_t
compile_options(int flags)
{
	uint32_t options = PCRE2_UTF;

	if (!(flags & PATTERN_CASE))
		options |= PCRE2_CASELESS;
	if (flags & PATTERN_ANCHORED)
		options |= PCRE2_ANCHORED;
	/* PCRE2_LITERAL takes no other options than those above. */
	if (flags & PATTERN_LITERAL)
		return options | PCRE2_LITERAL;
	/* \C would cut characters in two. */
	options |= PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
	options |= (flags & PATTERN_ONE_LINE) ? PCRE2_DOLLAR_ENDONLY : PCRE2_MULTILINE;
	if (flags & PATTERN_DOTALL)
		options |= PCRE2_DOTALL;
	if (flags & PATTERN_EXTENDED)
		options |= PCRE2_EXTENDED;
	return options;
}

static pcre2_code *
compile_code(struct str text, int flags, struct pattern_error *error)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR words[sizeof(error->message)];
	PCRE2_SIZE offset = 0;
	int code = 0;

	if (!context)
		abort();
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
	pcre2_code *result = pcre2_compile((PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len,
		compile_options(flags), &code, &offset, context);
	pcre2_compile_context_free(context);
	if (!result) {
		pcre2_get_error_message(code, words, sizeof(words));
		error->offset = offset;
		snprintf(error->message, sizeof(error->message), "%s", (char *)words);
	}
	return result;
}

static void
read_names(struct pattern *pattern)
{
	PCRE2_SPTR table = NULL;

	pcre2_pattern_info(pattern->code, PCRE2_INFO_CAPTURECOUNT, &pattern->captures);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMECOUNT, &pattern->name_count);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMEENTRYSIZE, &pattern->name_size);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMETABLE, &table);
	pattern->names = (const char *)table;
}

struct pattern *
pattern_compile(struct str text, int flags, struct pattern_error *error)
{
	struct pattern_error unused;

	error = error ? error : &unused;
	*error = (struct pattern_error){0};
	if (text.len > PATTERN_TEXT_MAX) {
		snprintf(error->message, sizeof(error->message),
			"the pattern has %zu bytes, at most %u are allowed", text.len,
			PATTERN_TEXT_MAX);
		return NULL;
	}
	const char *start = (flags & PATTERN_LITERAL) ? NULL : refused_start(text);
	if (start) {
		snprintf(error->message, sizeof(error->message),
			"option settings at the start of a pattern are not allowed (found \"%s\")",
			start);
		return NULL;
	}
	pcre2_code *code = compile_code(text, flags, error);
	if (!code)
		return NULL;
	struct pattern *pattern = xmalloc(sizeof(*pattern));
	*pattern = (struct pattern){.code = code, .text_len = text.len, .flags = flags};
	pattern->text = xmemdup0(text.ptr ? text.ptr : "", text.len);
	read_names(pattern);
	if (pattern->captures > PATTERN_CAPTURES_MAX) {
		error->offset = text.len;
		snprintf(error->message, sizeof(error->message),
			"the pattern has %u groups, at most %u are allowed; write (?:...) where "
			"nothing is captured",
			pattern->captures, PATTERN_CAPTURES_MAX);
		pattern_destroy(pattern);
		return NULL;
	}
	/* Not fatal: without JIT code pcre2_match interprets, under the same limits. */
	if (!(flags & PATTERN_NO_JIT) && !getenv("MOONTUSK_NO_JIT"))
		(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	return pattern;
}

void
pattern_destroy(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_code_free(pattern->code);
	free(pattern->text);
	free(pattern);
}

size_t
pattern_memory(const struct pattern *pattern)
{
	size_t size = 0, jit_size = 0;

	pcre2_pattern_info(pattern->code, PCRE2_INFO_SIZE, &size);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_JITSIZE, &jit_size);
	return sizeof(*pattern) + pattern->text_len + size + jit_size;
}

struct str
pattern_text(const struct pattern *pattern)
{
	return (struct str){pattern->text, pattern->text_len};
}

int
pattern_flags(const struct pattern *pattern)
{
	return pattern->flags;
}

unsigned
pattern_captures(const struct pattern *pattern)
{
	return pattern->captures;
}

static unsigned
name_entry(const struct pattern *pattern, uint32_t index, const char **name)
{
	const char *entry = pattern->names + (size_t)index * pattern->name_size;

	*name = entry + 2;
	return (unsigned)(unsigned char)entry[0] << 8 | (unsigned char)entry[1];
}

int
pattern_group(const struct pattern *pattern, const char *name)
{
	for (uint32_t i = 0; i < pattern->name_count; i++) {
		const char *found = NULL;
		unsigned number = name_entry(pattern, i, &found);
		if (strcmp(found, name) == 0)
			return (int)number;
	}
	return -1;
}

const char *
pattern_group_name(const struct pattern *pattern, unsigned number)
{
	for (uint32_t i = 0; i < pattern->name_count; i++) {
		const char *found = NULL;
		if (name_entry(pattern, i, &found) == number)
			return found;
	}
	return NULL;
}

int
pattern_unicode(void)
{
	char version[64] = ""; /* "14.0.0" */

	if (pcre2_config(PCRE2_CONFIG_UNICODE_VERSION, NULL) <= (int)sizeof(version))
		(void)pcre2_config(PCRE2_CONFIG_UNICODE_VERSION, version);
	return (int)strtol(version, NULL, 10);
}

static pcre2_match_data *
create_match_data(void)
{
	pcre2_match_data *data = pcre2_match_data_create(PATTERN_CAPTURES_MAX + 1, NULL);

	if (!data)
		abort();
	return data;
}

struct pattern_scratch *
pattern_scratch_create(void)
{
	struct pattern_scratch *scratch = xmalloc(sizeof(*scratch));

	*scratch = (struct pattern_scratch){
		.data = create_match_data(),
		.context = pcre2_match_context_create(NULL),
		.jit_stack = pcre2_jit_stack_create(JIT_STACK_START, PATTERN_JIT_STACK_MAX, NULL),
		.match_limit = PATTERN_MATCH_LIMIT,
	};
	if (!scratch->context)
		abort();
	pcre2_set_match_limit(scratch->context, PATTERN_MATCH_LIMIT);
	pcre2_set_depth_limit(scratch->context, PATTERN_DEPTH_LIMIT);
	pcre2_set_heap_limit(scratch->context, PATTERN_HEAP_KIB);
	if (scratch->jit_stack)
		pcre2_jit_stack_assign(scratch->context, NULL, scratch->jit_stack);
	return scratch;
}

void
pattern_scratch_destroy(struct pattern_scratch *scratch)
{
	if (!scratch)
		return;
	pcre2_match_data_free(scratch->data);
	pcre2_match_context_free(scratch->context);
	pcre2_jit_stack_free(scratch->jit_stack);
	free(scratch);
}

/* PCRE2 counts its match limit anew from each byte it starts at, so that a text of n bytes may take
 * n times the limit: `\s+$` on 100 KB of blanks would run for many seconds. The product is bounded. */
static void
set_limit_for(struct pattern_scratch *scratch, size_t len, unsigned work_max)
{
	uint64_t limit = PATTERN_MATCH_LIMIT, work = work_max ? work_max : PATTERN_WORK_MAX;
	uint64_t least = work_max ? 1 : PATTERN_MATCH_LIMIT_MIN;

	if (len > work / PATTERN_MATCH_LIMIT)
		limit = work / len;
	if (limit < least)
		limit = least;
	if (scratch->match_limit == limit)
		return;
	scratch->match_limit = (uint32_t)limit;
	pcre2_set_match_limit(scratch->context, scratch->match_limit);
}

static enum pattern_result
result_of(struct pattern_scratch *scratch, int rc)
{
	if (rc >= 0)
		return PATTERN_YES;
	if (rc == PCRE2_ERROR_NOMATCH)
		return PATTERN_NO;
	/* A limit, or an error that must not pass for "no". The match data may hold megabytes of
	 * frames by now, which it would keep. */
	pcre2_match_data_free(scratch->data);
	scratch->data = create_match_data();
	return PATTERN_LIMITED;
}

static void
fill_spans(struct pattern_scratch *scratch, int rc, struct span *spans, unsigned count)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(scratch->data);

	for (unsigned i = 0; i < count; i++) {
		if ((int)i < rc && ends[2 * i] != PCRE2_UNSET)
			spans[i] = (struct span){ends[2 * i], ends[2 * i + 1]};
		else
			spans[i] = SPAN_NONE;
	}
}

enum pattern_result
pattern_match(const struct pattern *pattern, struct pattern_scratch *scratch,
	const struct pattern_subject *subject, struct span *spans, unsigned count)
{
	struct str text = subject->text;

	if (!text.ptr)
		text = STR("");
	if (subject->start > text.len || (!subject->valid && !str_is_utf8(text)))
		return PATTERN_INVALID;
	/* Without PCRE2's own check a start inside a character would be undefined. */
	if (subject->start < text.len && ((unsigned char)text.ptr[subject->start] & 0xc0) == 0x80)
		return PATTERN_INVALID;
	set_limit_for(scratch, text.len - subject->start, subject->work_max);
	int rc = pcre2_match(pattern->code, (PCRE2_SPTR)text.ptr, text.len, subject->start,
		PCRE2_NO_UTF_CHECK, scratch->data, scratch->context);
	enum pattern_result result = result_of(scratch, rc);
	if (result == PATTERN_YES)
		fill_spans(scratch, rc, spans, count);
	return result;
}
