/* SPDX-License-Identifier: MIT */
/* What rules are made of, and how their keys are read. Private to match/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "rule.h"
#include "scan.h"
#include "words.h"

struct compiler;
struct match;
struct cond;

/* Texts cost more than fields: conditions are tested in this order, then in that of the key tables. */
enum cost { COST_FIELD, COST_TEXT };

/* Which of a key's tables must hold for the key to hold. */
enum combines { COMBINES_NOTHING, COMBINES_ANY, COMBINES_ALL };

/* One key of a match table, or of its "account". */
struct key {
	const char *name;
	/* Reads the key's value into cond; false: told by compiler_fail. */
	bool (*read)(struct compiler *compiler, struct json_value value, struct cond *cond);
	enum rule_result (*test)(struct match *match, const struct cond *cond);
	enum cost cost;
	int view;          /* for keys that look at a text */
	const char *field; /* of the entity, for plain fields */
	enum combines combines;
};

struct range {
	int64_t min, max; /* both inside */
};

struct strings {
	char **list; /* owned */
	size_t count;
};

/* What a text or a list of words is called in the set of all literals (rule_scan.c). */
struct rule_term {
	struct scan_term term;
	bool known;          /* false: it has no literals, or the set does not know of it */
	unsigned generation; /* of the word list whose literals they are */
};
/* Of a rule's terms those of the set in use, and those of one that is being compiled. */
struct rule_terms {
	struct rule_term now, next;
};

/* How a pattern ran into its limits (rule_limits.c). */
struct pattern_health {
	uint64_t hits; /* times, in all */
	uint64_t events
		[PATTERN_LIMIT_HITS_MAX]; /* numbers of the last ones, hits % max is the oldest */
	bool off;                         /* not run any more: it always counts as limited */
};

/* What `name` is compared with, when there is no pattern. */
enum text_name { NAME_LINE, NAME_HOST, NAME_DOMAIN };

/* A pattern to search in a view, or a name that is equal to one of its lines or to the host of one. */
struct text {
	enum view view;
	struct pattern *pattern;
	char *name; /* without '#' or '@'; hosts in their one form (host.h); when pattern is NULL */
	enum text_name what;
	struct rule_terms terms;
	struct pattern_health *health; /* owned; NULL without pattern */
};

enum described { DESCRIBED_ANY, DESCRIBED_ALL, DESCRIBED_SOME, DESCRIBED_NONE };

struct table {
	struct table *next; /* in cond::tables */
	struct cond *conds; /* list, cond::next; all must hold; owned */
	enum cost cost;     /* the highest of conds */
};

/* One key of a table with its value. Only the fields that its key reads are used. */
struct cond {
	struct cond *next;
	const struct key *key;
	enum cost cost;
	bool want;
	struct range range;
	struct strings strings;
	struct text *texts;
	size_t text_count;
	struct words *words;
	struct word_file *file;
	struct rule_terms terms, leet_terms; /* of the words, in VIEW_FOLDED and in VIEW_LEET */
	enum described described;
	struct table *tables;
	struct cond *parts; /* of "account" */
};

/* What is still to be told of a list file. */
struct rule_file_news {
	enum rule_news what;
	char text[MESSAGE_MAX];
};

struct rule {
	struct table *table;
	struct word_file **files;    /* borrowed from conds */
	struct rule_file_news *news; /* one for each of files */
	size_t file_count;
	unsigned set,
		next_set; /* numbers of the sets that terms::now and terms::next belong to; 0: none */
	size_t memory;    /* of patterns and words */
};

/* State of one rule_compile. */
struct compiler {
	struct rule *rule;
	const struct rule_env *env;
	struct rule_error *error;
	size_t path_len; /* of error->where, which is the path while there is no error */
	unsigned nodes, depth;
};

/* State of one rule_match. */
struct match {
	const struct rule *rule;
	const struct rule_try *try;
	struct views *views;  /* of try */
	struct rule_hit *hit; /* may be NULL */
	bool has_hit;
	struct json_value status, actor, account;
};

/* rule_read.c: each false after an error that is set. */

/* Sets the error at the current path. Returns false. */
bool compiler_fail(struct compiler *compiler, const char *format, ...) PRINTF_LIKE(2, 3);
/* "expected WHAT, found ..." */
bool compiler_expected(struct compiler *compiler, const char *what, struct json_value found);
/* `unknown WORDS "given"`, with the nearest of `known` or all of them. */
bool compiler_unknown(struct compiler *compiler, const char *what, struct str given,
	const char *const *known, size_t count);
/* Counts one more part of the rule against RULE_NODES_MAX. */
bool compiler_count(struct compiler *compiler);
/* Goes down one key or index (from 1); the result is for compiler_leave. */
size_t compiler_enter(struct compiler *compiler, struct str key);
size_t compiler_enter_index(struct compiler *compiler, size_t index);
void compiler_leave(struct compiler *compiler, size_t path_len);

typedef bool check_string_fn(struct compiler *compiler, struct str value);
/* A string or a list of strings, each checked (NULL: not empty). */
bool read_strings(struct compiler *compiler, struct json_value value, const char *what,
	check_string_fn *check, struct strings *out);
/* true or false */
bool read_bool(struct compiler *compiler, struct json_value value, struct cond *cond);
/* ">100", "<=5", 3, {min =, max =} */
bool read_numbers(struct compiler *compiler, struct json_value value, struct cond *cond);
/* ">7d", "<24h", {min =, max =} */
bool read_age(struct compiler *compiler, struct json_value value, struct cond *cond);
/* One whole number >= 0. */
bool read_count(struct compiler *compiler, struct json_value value, int64_t *out);
/* The members of an object by a table of keys, sorted into a list; `what` names them in errors. */
bool read_conds(struct compiler *compiler, struct json_value object, const char *what,
	const struct key *keys, size_t key_count, struct cond **out);
void strings_finish(struct strings *strings);
void conds_destroy(struct cond *conds);

/* rule_texts.c */
bool read_texts(struct compiler *compiler, struct json_value value, struct cond *cond);
bool read_names(struct compiler *compiler, struct json_value value, struct cond *cond);
bool read_words(struct compiler *compiler, struct json_value value, struct cond *cond);
enum rule_result test_texts(struct match *match, const struct cond *cond);
enum rule_result test_words(struct match *match, const struct cond *cond);

/* Keeps the first hit of a rule: what is found in the view at `span`. */
void keep_hit(struct match *match, const struct cond *cond, enum view view, struct str pattern,
	struct span span);

/* rule_links.c: { host = ... } and { domain = ... } among the patterns of "links". */
bool read_hosts(struct compiler *compiler, struct json_value object, struct cond *cond);
enum rule_result test_host(struct match *match, const struct cond *cond, const struct text *text);

/* rule_fields.c: all keys but texts and any, all, none. */
bool read_language(struct compiler *compiler, struct json_value value, struct cond *cond);
bool read_visibility(struct compiler *compiler, struct json_value value, struct cond *cond);
bool read_type(struct compiler *compiler, struct json_value value, struct cond *cond);
bool read_reply(struct compiler *compiler, struct json_value value, struct cond *cond);
bool read_media(struct compiler *compiler, struct json_value value, struct cond *cond);
bool read_account(struct compiler *compiler, struct json_value value, struct cond *cond);
enum rule_result test_language(struct match *match, const struct cond *cond);
enum rule_result test_visibility(struct match *match, const struct cond *cond);
enum rule_result test_type(struct match *match, const struct cond *cond);
enum rule_result test_reply(struct match *match, const struct cond *cond);
enum rule_result test_boost(struct match *match, const struct cond *cond);
enum rule_result test_edited(struct match *match, const struct cond *cond);
enum rule_result test_flag(struct match *match, const struct cond *cond);
enum rule_result test_poll(struct match *match, const struct cond *cond);
enum rule_result test_media(struct match *match, const struct cond *cond);
enum rule_result test_account(struct match *match, const struct cond *cond);

/* rule_scan.c: false when the set knows that none of the term's literals is in the event. */
bool term_may_match(struct match *match, const struct rule_terms *terms, unsigned generation);
unsigned cond_generation(const struct cond *cond); /* of its words */

/* rule_limits.c: the pattern on the view's text, unless it has been switched off; counts and tells its limits. */
enum rule_result run_pattern(struct match *match, const struct cond *cond, const struct text *text,
	struct span *spans, unsigned count);

/* rule.c: all of a list; stops at the first that does not hold. */
enum rule_result test_conds(struct match *match, const struct cond *conds);

/* "host" of "https://host:port/path", or STR_NONE. */
struct str host_of(struct json_value url);
