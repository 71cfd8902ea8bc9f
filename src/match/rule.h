/* SPDX-License-Identifier: MIT */
/* A rule: the match table of one handler, compiled; told by JSON, which the Lua library writes. */
#pragma once

#include <stdint.h>

#include "json.h"
#include "limits.h"
#include "pattern.h"
#include "scan.h"
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
	bool (*must_end)(
		void *data); /* asked between two patterns: true ends it, as an error; NULL: never */
	void *data;
};

/* Compiles the JSON form of a match table: an object with the keys of docs/reference (all ANDed, lists ORed,
 * "any"/"all"/"none" lists of such objects). An empty object matches everything. NULL on an error. */
struct rule *rule_compile(
	struct json_value table, const struct rule_env *env, struct rule_error *error);
void rule_destroy(struct rule *rule);
size_t rule_memory(const struct rule *rule); /* bytes of its patterns and words, about */

enum rule_result {
	RULE_NO,
	RULE_YES,
	RULE_LIMITED /* unknown, because a pattern gave up: the handler is not called, but no `none` holds by it */
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

/* A pattern that gave up. Borrowed until the callback returns. */
struct rule_limit {
	const char *key;
	enum view view;
	struct str pattern;
	uint64_t hits; /* times, in all */
	bool off; /* from now on it is not run: PATTERN_LIMIT_HITS_MAX times in PATTERN_LIMIT_EVENTS events */
};
typedef void rule_limit_fn(void *data, const struct rule_limit *limit);

/* One event as rules try it. */
struct rule_try {
	struct views *views;
	struct pattern_scratch *scratch;
	int64_t now_ms; /* Unix time that ages are measured against */
	uint64_t
		event; /* running number; 0: limits are not counted, and no pattern is switched off */
	struct scan *scan; /* of this event; NULL: everything is tried. The answer is the same */
	unsigned set;      /* the number that the scan's set was given by rule_collect */
	rule_limit_fn *on_limit; /* may be NULL; runs inside of rule_test */
	/* NULL, or: the rule stays as it is, so that several threads may try it, each with views, scratch and scan of its
	 * own; on_limit is not called; set to true when a pattern gave up or is off. */
	bool *gave_up;
	void *data;
};

/* `hit` may be NULL; what it borrows from the rule is good until the rule's files are read again. The cheap conditions
 * are tested first. Answers follow the logic of three values: what is decided without the pattern that gave up is
 * decided. */
enum rule_result rule_test(
	const struct rule *rule, const struct rule_try *rule_try, struct rule_hit *hit);
/* The same without a set, after rule_refresh. */
enum rule_result rule_match(const struct rule *rule, struct views *views,
	struct pattern_scratch *scratch, int64_t now_ms, struct rule_hit *hit);
/* Looks, at most once a second of now_ms, whether list files changed, and reads those that did. True: the words of the
 * rule are others now. */
bool rule_refresh(const struct rule *rule, int64_t now_ms);
bool rule_has_files(const struct rule *rule);
bool rule_has_texts(
	const struct rule *rule); /* patterns, names or words; else it looks at fields only */

/* Adds what the rule looks for to the set that is being compiled as number `set` (not 0, another one each time). */
void rule_collect(struct rule *rule, struct scan_source *source, unsigned set);
/* That set is in use from now on, if it was the last that the rule was collected for. */
void rule_adopt(struct rule *rule, unsigned set);
/* The numbers of terms of which one must be seen (scan_seen) where the rule can hold, and the bits of the views that
 * they are looked for in. At most `max`; 0: the rule has to be tried on every event. */
size_t rule_needs(
	const struct rule *rule, unsigned set, unsigned *terms, size_t max, uint64_t *views);
/* The patterns that gave up at least once. */
void rule_each_limit(const struct rule *rule, rule_limit_fn *fn, void *data);

/* What became of list files since the last call, one at a time: text for the log. */
enum rule_news { RULE_NEWS_NONE, RULE_NEWS_READ, RULE_NEWS_BROKEN /* the old words stay in use */ };
enum rule_news rule_take_news(struct rule *rule, char text[MESSAGE_MAX]);
/* All keys that a match table may have, for suggestions and `check`. */
const char *const *rule_keys(size_t *count);
