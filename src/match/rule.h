/* SPDX-License-Identifier: MIT */
/* A rule: the match table of one handler, compiled; told by JSON, which the Lua library writes. */
#pragma once

#include <stdint.h>

#include "json.h"
#include "limits.h"
#include "pattern.h"
#include "view.h"

struct rule;

struct rule_error {
	char where[256]; /* key path, e.g. "account.age" or "any.2.text"; "" for the table itself */
	char message[MESSAGE_MAX]; /* what was found, what was expected, a suggestion */
	char pattern[256]; /* the pattern's text when it is one that failed, shortened; else "" */
	long offset;       /* into the pattern, or -1 */
};

struct rule_env {
	const char
		*folder;   /* where list files are read from: the plugin's folder; NULL: no files */
	int pattern_flags; /* added to those of every pattern, e.g. PATTERN_NO_JIT */
};

/* Compiles the JSON form of a match table: an object with the keys of docs/reference (all ANDed, lists ORed,
 * "any"/"all"/"none" lists of such objects). An empty object matches everything. NULL on an error. */
struct rule *rule_compile(
	struct json_value table, const struct rule_env *env, struct rule_error *error);
void rule_destroy(struct rule *rule);

enum rule_result {
	RULE_NO,
	RULE_YES,
	RULE_LIMITED /* a pattern gave up; counts as no, is reported */
};

/* Why a rule matched: the first pattern or word that did. Text is borrowed from the views. */
struct rule_hit {
	const char *key; /* "text", "words", ...; "" when only conditions without text matched */
	enum view view;
	struct str pattern; /* the pattern or word; borrowed from the rule */
	struct str subject; /* the view's text */
	struct span span;   /* of the whole match in subject; SPAN_NONE without text */
	struct span captures[PATTERN_CAPTURES_MAX];
	unsigned capture_count;         /* groups; spans[i] is group i + 1 */
	const struct pattern *compiled; /* for group names; NULL for words */
};

/* `hit` may be NULL; what it borrows from the rule is good until the next rule_match of that rule, which may
 * read list files again. Cheap conditions first, then texts. `now_ms` (Unix time) is what ages are measured against. */
enum rule_result rule_match(const struct rule *rule, struct views *views,
	struct pattern_scratch *scratch, int64_t now_ms, struct rule_hit *hit);
/* What became of list files since the last call, one at a time: text for the log. */
enum rule_news { RULE_NEWS_NONE, RULE_NEWS_READ, RULE_NEWS_BROKEN /* the old words stay in use */ };
enum rule_news rule_take_news(struct rule *rule, char text[MESSAGE_MAX]);
/* All keys that a match table may have, for suggestions and `check`. */
const char *const *rule_keys(size_t *count);
