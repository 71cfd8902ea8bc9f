/* SPDX-License-Identifier: MIT */
/* Rules with the set of all literals answer as rules without it: with Vectorscan, with the plain engine, by the index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attr.h"
#include "buf.h"
#include "json_write.h"
#include "match_event.h"
#include "rng.h"
#include "rule.h"
#include "xmalloc.h"

enum { RULES = 24, EVENTS = 24 };

static struct json_parser *parser;

/* Small alphabets, so that random words meet random texts. */
static const char *const letters[] = {"a", "b", "ab", "K", "k", "\xe2\x84\xaa", "s", "ſ", "S", "é",
	"É", "e\xcc\x81", "и", "И", "Σ", "ς", "σ", "ß", "ẞ", "ı", "İ", "i", "猫", "か", "カ", "한",
	"ا", "ة", "न", "ी", "ก", "1", "_", "🍆", "$", "'", "’", "\xc2\xad", "\xe2\x80\x8b",
	"\xe2\x80\x8d", "ｋ", "𝓴", "-", ".", "as", "as", "a5", "a5", "@s", "@s"};
static const char *const gaps[] = {" ", " ", "  ", "\n", ", ", "\xc2\xa0", "/", "#", "@", ""};

static void
add_word(struct rng *rng, struct buf *out)
{
	size_t count = 1 + rng_below(rng, 3);

	for (size_t i = 0; i < count; i++)
		buf_add_text(out, letters[rng_below(rng, COUNT_OF(letters))]);
}

static void
add_words(struct rng *rng, struct buf *out, size_t most)
{
	size_t count = 1 + rng_below(rng, most);

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_text(out, gaps[rng_below(rng, COUNT_OF(gaps))]);
		add_word(rng, out);
	}
}

static void
add_pattern(struct rng *rng, struct buf *out)
{
	static const char *const before[] = {
		"", "", "\\b", "^", "(?:", "(?i)", "(?=.*", "(?<=a)", "[ab]", "(?-i)"};
	static const char *const behind[] = {
		"", "", "\\b", "$", "+", "?", "|ab", "{2}", ".*", "(?!b)", "\\w*"};
	size_t start = rng_below(rng, COUNT_OF(before));

	buf_add_text(out, before[start]);
	buf_add_text(out, "(?:");
	for (size_t i = rng_below(rng, 3); i < 3; i++)
		buf_add_text(out, letters[rng_below(rng, 28)]);
	buf_add_text(out, ")");
	if (before[start][0] == '(' && (before[start][2] == ':' || before[start][2] == '='))
		buf_add_text(out, ")");
	buf_add_text(out, behind[rng_below(rng, COUNT_OF(behind))]);
}

static void
put_random(
	struct rng *rng, struct buf *out, const char *key, void (*add)(struct rng *, struct buf *))
{
	struct buf text;

	buf_init(&text, 4096);
	add(rng, &text);
	if (key)
		json_put_key(out, key);
	else
		json_put_comma(out);
	json_put_str(out, buf_str(&text));
	buf_finish(&text);
}

static void
add_phrase(struct rng *rng, struct buf *out)
{
	add_words(rng, out, 3);
}

static void add_table(struct rng *rng, struct buf *out, int depth);

static void
add_tables(struct rng *rng, struct buf *out, const char *key, int depth)
{
	json_put_key(out, key);
	buf_add_char(out, '[');
	for (size_t i = rng_below(rng, 2); i < 3; i++) {
		json_put_comma(out);
		add_table(rng, out, depth + 1);
	}
	buf_add_char(out, ']');
}

static void
add_list(struct rng *rng, struct buf *out, const char *key, void (*add)(struct rng *, struct buf *))
{
	json_put_key(out, key);
	buf_add_char(out, '[');
	for (size_t i = rng_below(rng, 6); i < 6; i++)
		put_random(rng, out, NULL, add);
	buf_add_char(out, ']');
}

/* Words of which all, some or none are looked for in the leet form, too. */
static void
add_word_list(struct rng *rng, struct buf *out)
{
	uint64_t leet = rng_below(rng, 4);

	json_put_key(out, "words");
	if (leet == 0)
		buf_add_text(out, "{\"list\":");
	buf_add_char(out, '[');
	for (size_t i = rng_below(rng, 6); i < 6; i++) {
		json_put_comma(out);
		if (leet == 1 && i % 2) {
			buf_add_char(out, '{');
			put_random(rng, out, "list", add_phrase);
			buf_add_text(out, ",\"leet\":true}");
		} else {
			put_random(rng, out, NULL, add_phrase);
		}
	}
	if (leet == 1)
		buf_add_text(out, ",{\"list\":\"as\",\"leet\":true}");
	buf_add_text(out, leet == 0 ? ",\"as\"],\"leet\":true}" : "]");
}

/* Patterns in views that have no key of their own. */
static void
add_view_list(struct rng *rng, struct buf *out)
{
	static const char *const views[] = {
		"alt", "cw", "poll", "folded", "leet", "request", "hosts"};

	json_put_key(out, "text");
	buf_add_char(out, '[');
	for (size_t i = rng_below(rng, 3); i < 3; i++) {
		json_put_comma(out);
		buf_add_char(out, '{');
		put_random(rng, out, "pattern", add_pattern);
		json_put_key(out, "view");
		json_put_text(out, views[rng_below(rng, COUNT_OF(views))]);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void
add_hosts(struct rng *rng, struct buf *out)
{
	static const char *const hosts[] = {"evil.example", "*.evil.example", "www.evil.example",
		"b\u00fccher.example", "shop.co.uk", "1.2.3.4"};
	bool domain = rng_below(rng, 3) == 0;

	json_put_key(out, "links");
	buf_printf(out, "{\"%s\":\"%s\"}", domain ? "domain" : "host",
		domain ? "evil.example" : hosts[rng_below(rng, COUNT_OF(hosts))]);
}

static void
add_key(struct rng *rng, struct buf *out, uint64_t which, int depth)
{
	static const char *const patterns[] = {"text", "body", "name", "bio", "raw", "links"};

	switch (which) {
	case 0:
		add_word_list(rng, out);
		break;
	case 1:
		if (rng_below(rng, 4) == 0)
			add_hosts(rng, out);
		else if (rng_below(rng, 3))
			add_list(rng, out, patterns[rng_below(rng, COUNT_OF(patterns))],
				add_pattern);
		else
			add_view_list(rng, out);
		break;
	case 2:
		add_list(rng, out, "tags", add_word);
		break;
	case 3:
		add_list(rng, out, "mentions", add_word);
		break;
	case 4:
		json_put_key(out, "sensitive");
		buf_add_text(out, rng_below(rng, 2) ? "true" : "false");
		break;
	default:
		if (depth < 2)
			add_tables(rng, out,
				which == 5   ? "any"
				: which == 6 ? "all"
					     : "none",
				depth);
		else
			add_list(rng, out, "text", add_pattern);
	}
}

static void
add_table(struct rng *rng, struct buf *out, int depth)
{
	uint64_t first = rng_below(rng, 8), second = rng_below(rng, 8);

	buf_add_char(out, '{');
	add_key(rng, out, first, depth);
	if (first < second && !(first == 1 && second > 4) && rng_below(rng, 2))
		add_key(rng, out, second, depth);
	buf_add_char(out, '}');
}

static struct rule *
random_rule(struct rng *rng)
{
	struct rule *rule = NULL;

	while (!rule) {
		struct json_doc *doc = NULL;
		struct buf table;
		buf_init(&table, 1 << 20);
		add_table(rng, &table, 0);
		struct rule_env env = {.pattern_flags = PATTERN_NO_JIT};
		if (json_parse(parser, buf_str(&table), &doc, NULL) == ERR_OK)
			rule = rule_compile(json_root(doc), &env, NULL);
		json_doc_destroy(doc);
		buf_finish(&table);
	}
	return rule;
}

static void
add_text(struct rng *rng, struct buf *out)
{
	static const char *const links[] = {"https://evil.example/",
		"HTTPS://u@WWW.Evil.Example.:443", "//xn--bcher-kva.example?",
		"http://B%C3%BCcher.example", "ftp://my.shop.co.uk", "https://1.2.3.4",
		"https://notevil.example/", "https://evil.example.org/evil.example",
		"mailto:a@evil.example"};

	add_words(rng, out, 10);
	for (uint64_t left = rng_below(rng, 3); left > 0; left--)
		buf_printf(out, " <a href='%s'>x</a>", links[rng_below(rng, COUNT_OF(links))]);
}

static struct event *
random_event(struct rng *rng)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	buf_add_text(&out, "{\"id\":\"1\"");
	put_random(rng, &out, "content", add_text);
	put_random(rng, &out, "spoiler_text", add_phrase);
	buf_add_text(&out, rng_below(rng, 2) ? ",\"sensitive\":true" : ",\"sensitive\":false");
	buf_add_text(&out, ",\"media_attachments\":[{\"type\":\"image\"");
	put_random(rng, &out, "description", add_phrase);
	buf_add_text(&out, "}],\"poll\":{\"options\":[{");
	put_random(rng, &out, "title", add_phrase);
	buf_add_text(&out, "}]},\"tags\":[{");
	put_random(rng, &out, "name", add_word);
	buf_add_text(&out, "}],\"mentions\":[{");
	put_random(rng, &out, "acct", add_word);
	buf_add_text(&out, "}],\"account\":{\"id\":\"7\",\"acct\":\"a@b.example\"");
	put_random(rng, &out, "display_name", add_phrase);
	put_random(rng, &out, "note", add_text);
	buf_add_text(&out, "}}");
	struct event *event = event_from(parser, EVENT_UPDATE, out.ptr);
	buf_finish(&out);
	return event;
}

/* One set over all rules, tried on all events. */
struct trial {
	struct rule *rules[RULES];
	struct event *events[EVENTS];
	struct views *views;
	struct pattern_scratch *scratch;
	unsigned set; /* number of the last one */
	unsigned yes, leet, skipped;
};

static bool
is_seen(const struct scan *scan, const unsigned *terms, size_t count)
{
	size_t seen_count;
	const unsigned *seen = scan_seen(scan, &seen_count);

	for (size_t i = 0; i < seen_count; i++) {
		for (size_t n = 0; n < count; n++) {
			if (terms[n] == seen[i])
				return true;
		}
	}
	return false;
}

static void
compare_one(struct trial *trial, struct scan *scan, const struct rule *rule)
{
	struct rule_try rule_try = {
		.views = trial->views, .scratch = trial->scratch, .scan = scan, .set = trial->set};
	struct rule_hit plain, with;
	unsigned terms[RULE_NEEDS_MAX];
	uint64_t views;
	enum rule_result expected = rule_match(rule, trial->views, trial->scratch, 0, &plain);
	enum rule_result result = rule_test(rule, &rule_try, &with);
	size_t count = rule_needs(rule, trial->set, terms, COUNT_OF(terms), &views);

	if (result != expected)
		fail_msg("%d with the set, %d without: %s", result, expected,
			views_get(trial->views, VIEW_TEXT).ptr);
	trial->yes += result == RULE_YES;
	trial->leet += result == RULE_YES && with.view == VIEW_LEET && with.key[0] == 'w';
	if (result == RULE_YES) {
		assert_string_equal(plain.key, with.key);
		assert_int_equal(plain.view, with.view);
		assert_true(str_eq(plain.pattern, with.pattern));
		assert_int_equal(plain.span.start, with.span.start);
		assert_int_equal(plain.span.end, with.span.end);
	}
	for (unsigned view = 0; view < VIEW_COUNT; view++) {
		if (views >> view & 1)
			scan_text(scan, (enum view)view, views_get(trial->views, (enum view)view));
	}
	if (count > 0 && !is_seen(scan, terms, count)) {
		trial->skipped++;
		if (expected != RULE_NO)
			fail_msg("the index leaves out a rule that holds: %s",
				views_get(trial->views, VIEW_TEXT).ptr);
	}
}

static void
compare_all(struct trial *trial, bool plain)
{
	struct scan_source *source = scan_source_create();
	struct scan_options options = {.plain = plain};

	trial->set++;
	for (int i = 0; i < RULES; i++)
		rule_collect(trial->rules[i], source, trial->set);
	struct scan_set *set = scan_set_create(source, &options);
	struct scan *scan = scan_create(set);
	for (int i = 0; i < RULES; i++)
		rule_adopt(trial->rules[i], trial->set);
	for (int e = 0; e < EVENTS; e++) {
		views_set_event(trial->views, trial->events[e]);
		scan_begin(scan);
		for (int i = 0; i < RULES; i++)
			compare_one(trial, scan, trial->rules[i]);
	}
	views_set_event(trial->views, NULL);
	scan_destroy(scan);
	scan_set_destroy(set);
}

static void
answers_are_those_of_rules_alone(void **state)
{
	(void)state;
	int rounds = getenv("MOONTUSK_TEST_SLOW") ? 600 : 40;
	struct trial trial = {.views = views_create(), .scratch = pattern_scratch_create()};
	struct rng rng;

	rng_seed(&rng, 20261121);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < RULES; i++)
			trial.rules[i] = random_rule(&rng);
		for (int i = 0; i < EVENTS; i++)
			trial.events[i] = random_event(&rng);
		compare_all(&trial, false);
		compare_all(&trial, true);
		for (int i = 0; i < RULES; i++)
			rule_destroy(trial.rules[i]);
		for (int i = 0; i < EVENTS; i++)
			event_unref(trial.events[i]);
	}
	assert_true(trial.yes > (unsigned)rounds * 20);
	assert_true(trial.leet > (unsigned)rounds);
	assert_true(trial.skipped > (unsigned)rounds * 100);
	pattern_scratch_destroy(trial.scratch);
	views_destroy(trial.views);
}

static struct rule *
rule_of(const char *table, const char *folder)
{
	struct json_doc *doc = NULL;
	struct rule_env env = {.folder = folder};
	struct rule_error error;

	assert_int_equal(json_parse(parser, str_from(table), &doc, NULL), ERR_OK);
	struct rule *rule = rule_compile(json_root(doc), &env, &error);
	if (!rule)
		fail_msg("%s: %s", table, error.message);
	json_doc_destroy(doc);
	return rule;
}

static void
write_file(const char *folder, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/list.txt", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* The set knows the old words; what the list says now counts all the same. */
static void
a_list_that_was_read_again_is_not_asked_of_an_older_set(void **state)
{
	(void)state;
	char folder[] = "/tmp/moontusk-list-XXXXXX", path[256];
	unsigned terms[4];
	uint64_t views_of;

	assert_non_null(mkdtemp(folder));
	write_file(folder, "one\n");
	struct rule *rule = rule_of("{\"words\":\"list.txt\"}", folder);
	struct scan_source *source = scan_source_create();
	rule_collect(rule, source, 1);
	struct scan_set *set = scan_set_create(source, NULL);
	rule_adopt(rule, 1);
	struct scan *scan = scan_create(set);
	struct views *views = views_create();
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct event *event =
		event_from(parser, EVENT_UPDATE, "{\"id\":\"1\",\"content\":\"three two\"}");
	struct rule_try rule_try = {.views = views, .scratch = scratch, .scan = scan, .set = 1};
	views_set_event(views, event);
	scan_begin(scan);
	assert_false(rule_refresh(rule, 1000));
	assert_int_equal(rule_test(rule, &rule_try, NULL), RULE_NO);
	assert_int_equal(rule_needs(rule, 1, terms, 4, &views_of), 1);
	assert_int_equal(rule_needs(rule, 2, terms, 4, &views_of), 0);
	write_file(folder, "two\nfour\n");
	assert_true(rule_refresh(rule, 9000));
	assert_int_equal(rule_test(rule, &rule_try, NULL), RULE_YES);
	assert_int_equal(rule_needs(rule, 1, terms, 4, &views_of), 0);
	views_set_event(views, NULL);
	event_unref(event);
	pattern_scratch_destroy(scratch);
	views_destroy(views);
	scan_destroy(scan);
	scan_set_destroy(set);
	rule_destroy(rule);
	snprintf(path, sizeof(path), "%s/list.txt", folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* ---- what gave up ---- */

#define BOMB    "{\"text\":\"(a+)+$\"}"
#define NO_BOMB "{\"text\":\"zzz\"}"
#define TRUE    "{\"text\":\"b\"}"

static enum rule_result
result_on_bomb(const char *table)
{
	struct rule *rule = rule_of(table, NULL);
	struct views *views = views_create();
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct event *event = event_from(parser, EVENT_UPDATE,
		"{\"id\":\"1\",\"content\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}");

	views_set_event(views, event);
	enum rule_result result = rule_match(rule, views, scratch, 0, NULL);
	views_set_event(views, NULL);
	event_unref(event);
	pattern_scratch_destroy(scratch);
	views_destroy(views);
	rule_destroy(rule);
	return result;
}

static void
a_limit_is_neither_yes_nor_no(void **state)
{
	(void)state;
	static const struct {
		const char *table;
		enum rule_result expected;
	} rows[] = {
		{BOMB, RULE_LIMITED},
		{"{\"none\":[" BOMB "]}", RULE_LIMITED},
		{"{\"none\":[" BOMB "," TRUE "]}", RULE_NO},
		{"{\"none\":[" BOMB "," NO_BOMB "]}", RULE_LIMITED},
		{"{\"any\":[" BOMB "," NO_BOMB "]}", RULE_LIMITED},
		{"{\"any\":[" BOMB "," TRUE "]}", RULE_YES},
		{"{\"all\":[" BOMB "," TRUE "]}", RULE_LIMITED},
		{"{\"all\":[" BOMB "," NO_BOMB "]}", RULE_NO},
		{"{\"all\":[" NO_BOMB "," BOMB "]}", RULE_NO},
		{"{\"text\":\"(a+)+$\",\"raw\":\"zzz\"}", RULE_NO},
		{"{\"text\":\"(a+)+$\",\"raw\":\"b\"}", RULE_LIMITED},
		{"{\"text\":[\"(a+)+$\",\"b\"]}", RULE_YES},
		{"{\"text\":[\"(a+)+$\",\"zzz\"]}", RULE_LIMITED},
		{"{\"none\":[{\"all\":[" BOMB "," NO_BOMB "]}]}", RULE_YES},
		{"{\"none\":[{\"text\":\"(a+)+$\",\"raw\":\"b\"}]}", RULE_LIMITED},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum rule_result result = result_on_bomb(rows[i].table);
		if (result != rows[i].expected)
			fail_msg("%s: %d", rows[i].table, result);
	}
}

struct told {
	unsigned times, off_at;
	uint64_t hits;
};

static void
on_limit(void *data, const struct rule_limit *limit)
{
	struct told *told = data;

	told->times++;
	told->hits = limit->hits;
	if (limit->off)
		told->off_at = told->times;
	assert_string_equal(limit->key, "text");
	assert_true(str_eq_text(limit->pattern, "(a+)+$"));
}

/* How often a pattern that gives up on each event was run, when `gap` events lie between two of them. */
static struct told
give_up(uint64_t gap, unsigned events, enum rule_result expected)
{
	struct rule *rule = rule_of("{\"none\":[" BOMB "]}", NULL);
	struct told told = {0};
	struct rule_try rule_try = {.views = views_create(),
		.scratch = pattern_scratch_create(),
		.on_limit = on_limit,
		.data = &told};
	struct event *event = event_from(parser, EVENT_UPDATE,
		"{\"id\":\"1\",\"content\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}");

	views_set_event(rule_try.views, event);
	for (unsigned i = 0; i < events; i++) {
		rule_try.event = 1 + i * gap;
		assert_int_equal(rule_test(rule, &rule_try, NULL), expected);
	}
	struct told listed = {0};
	rule_each_limit(rule, on_limit, &listed);
	assert_int_equal(listed.hits, told.hits);
	views_set_event(rule_try.views, NULL);
	event_unref(event);
	pattern_scratch_destroy(rule_try.scratch);
	views_destroy(rule_try.views);
	rule_destroy(rule);
	return told;
}

static void
a_pattern_that_gives_up_too_often_is_not_run_any_more(void **state)
{
	(void)state;
	struct told often = give_up(1, 40, RULE_LIMITED);
	assert_int_equal(often.times, PATTERN_LIMIT_HITS_MAX);
	assert_int_equal(often.off_at, PATTERN_LIMIT_HITS_MAX);
	struct told seldom =
		give_up(PATTERN_LIMIT_EVENTS / (PATTERN_LIMIT_HITS_MAX - 1), 40, RULE_LIMITED);
	assert_int_equal(seldom.times, 40);
	assert_int_equal(seldom.off_at, 0);
	struct told just =
		give_up(PATTERN_LIMIT_EVENTS / (PATTERN_LIMIT_HITS_MAX - 1) - 1, 40, RULE_LIMITED);
	assert_int_equal(just.times, PATTERN_LIMIT_HITS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_those_of_rules_alone),
		cmocka_unit_test(a_list_that_was_read_again_is_not_asked_of_an_older_set),
		cmocka_unit_test(a_limit_is_neither_yes_nor_no),
		cmocka_unit_test(a_pattern_that_gives_up_too_often_is_not_run_any_more),
	};
	parser = json_parser_create();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_parser_destroy(parser);
	return failed;
}
