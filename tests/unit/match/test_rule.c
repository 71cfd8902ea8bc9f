/* SPDX-License-Identifier: MIT */
/* Match tables: what each key matches, and what a hit tells. Errors are in test_rule_errors.c. */
#include "match_event.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attr.h"
#include "clock.h"
#include "rule.h"
#include "xmalloc.h"

/* Ages are measured against this instant. */
#define NOW "2026-11-21T12:00:00Z"

/* One post that has something of everything: events are made of it by replacing "@@" marks. */
#define ACCOUNT(more)                                                                                 \
	"\"account\":{\"id\":\"7\",\"username\":\"ann\",\"acct\":\"ann@far.example\",\"url\":"        \
	"\"https://far.example/@ann\",\"display_name\":\"Ann Ärger\",\"bot\":false,\"locked\":true," \
	"\"discoverable\":null,\"created_at\":\"2026-11-11T12:00:00.000Z\",\"followers_count\":100,"  \
	"\"following_count\":0,\"statuses_count\":5,\"note\":\"<p>I love <b>ethno</b>botany</p>\","   \
	"\"fields\":[]" more "}"
#define POST                                                                                               \
	"{\"id\":\"1\",\"content\":\"<p class=\\\"viagra\\\">Buy <b>cheap</b> pills from Scunthorpe, "     \
	"it is a classic. <a href=\\\"https://shop.example/casino\\\">here</a></p>\",\"spoiler_text\":"    \
	"\"ad\",\"visibility\":\"public\",\"language\":\"de-AT\",\"sensitive\":true,\"edited_at\":null,"   \
	"\"in_reply_to_id\":\"9\",\"in_reply_to_account_id\":\"7\",\"reblog\":null,\"poll\":{\"options\":" \
	"[{\"title\":\"red\"},{\"title\":\"blue\"}]},\"media_attachments\":[{\"type\":\"image\","          \
	"\"description\":\"a grey cat\"},{\"type\":\"video\",\"description\":\"\"}],\"tags\":[{\"name\":"  \
	"\"Caturday\"},{\"name\":\"über\"}],\"mentions\":[{\"acct\":\"bob\",\"url\":"                     \
	"\"https://home.example/@bob\"},{\"acct\":\"eve@far.example\",\"url\":"                            \
	"\"https://far.example/@eve\"}]," ACCOUNT("") "}"
#define PLAIN                                                                                            \
	"{\"id\":\"2\",\"content\":\"<p>hello</p>\",\"visibility\":\"direct\",\"language\":null,"        \
	"\"edited_at\":\"2026-11-20T00:00:00Z\",\"in_reply_to_id\":null,\"media_attachments\":[],"       \
	"\"account\":{\"id\":\"8\",\"acct\":\"zoe\",\"url\":\"https://home.example/@zoe\",\"bot\":true," \
	"\"created_at\":\"2026-11-21T11:00:00.000Z\"}}"
#define BOOST                                                                                      \
	"{\"id\":\"3\",\"content\":\"\",\"visibility\":\"unlisted\","                              \
	"\"account\":{\"id\":\"8\",\"acct\":\"zoe\",\"display_name\":\"Zoe\"},\"reblog\":" POST    \
	"}"
#define MENTION                                                                                           \
	"{\"id\":\"4\",\"type\":\"mention\",\"account\":{\"id\":\"8\",\"acct\":\"zoe\"},\"status\":" POST \
	"}"
#define FOLLOW                                                                                     \
	"{\"id\":\"5\",\"type\":\"follow\",\"account\":{\"id\":\"8\",\"acct\":\"zoe\",\"bot\":true}}"

struct fixture {
	struct json_parser *parser;
	struct views *views;
	struct pattern_scratch *scratch;
	struct event *post, *plain, *boost, *mention, *follow, *deletion;
};

static struct rule *
compile(struct fixture *f, const char *table, const struct rule_env *env)
{
	struct json_doc *doc = NULL;
	struct rule_error error;

	if (json_parse(f->parser, str_from(table), &doc, NULL) != ERR_OK)
		fail_msg("no JSON: %s", table);
	struct rule *rule = rule_compile(json_root(doc), env, &error);
	json_doc_destroy(doc);
	if (!rule)
		fail_msg("%s: %s: %s", table, error.where, error.message);
	return rule;
}

static enum rule_result
match_hit(struct fixture *f, const char *table, const struct event *event, struct rule_hit *hit)
{
	struct rule *rule = compile(f, table, NULL);
	int64_t now_ms = 0;

	assert_true(time_parse(STR(NOW), &now_ms));
	views_set_event(f->views, event);
	enum rule_result result = rule_match(rule, f->views, f->scratch, now_ms, hit);
	rule_destroy(rule);
	return result;
}

struct row {
	const char *table;
	bool post, plain; /* whether each of the two posts is expected to match */
};

static void
check_rows(void **state, const struct row *rows, size_t count)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < count; i++) {
		if (match_hit(f, rows[i].table, f->post, NULL) !=
			(rows[i].post ? RULE_YES : RULE_NO))
			fail_msg("%s on the full post", rows[i].table);
		if (match_hit(f, rows[i].table, f->plain, NULL) !=
			(rows[i].plain ? RULE_YES : RULE_NO))
			fail_msg("%s on the plain post", rows[i].table);
	}
}

static void
text_keys_look_at_their_views(void **state)
{
	static const struct row rows[] = {
		{"{}", true, true},
		{"[]", true, true},
		{"{\"text\":\"cheap pills\"}", true, false},
		{"{\"text\":\"^grey|^a grey cat$\"}", true, false},
		{"{\"text\":\"^ad$\"}", true, false},
		{"{\"text\":\"^blue$\"}", true, false},
		{"{\"text\":\"viagra\"}", false, false},
		{"{\"text\":\"shop\\\\.example\"}", false, false},
		{"{\"text\":[\"nothing\",\"HELLO\"]}", false, true},
		{"{\"text\":{\"pattern\":\"HELLO\",\"case\":true}}", false, false},
		{"{\"text\":{\"pattern\":\"viagra\",\"view\":\"raw\"}}", true, false},
		{"{\"text\":[\"x\",{\"pattern\":\"^red\",\"view\":\"poll\"}]}", true, false},
		{"{\"body\":\"grey|^ad$\"}", false, false},
		{"{\"body\":\"classic\"}", true, false},
		{"{\"raw\":\"<b>cheap</b>\"}", true, false},
		{"{\"raw\":\"class=.viagra\"}", true, false},
		{"{\"links\":\"^https://shop\\\\.example/\"}", true, false},
		{"{\"links\":{\"host\":\"Shop.Example\"}}", true, false},
		{"{\"links\":{\"host\":[\"a.example\",\"*.shop.example\"]}}", true, false},
		{"{\"links\":[\"nothing\",{\"domain\":\"shop.example\"}]}", true, false},
		{"{\"links\":{\"host\":\"www.shop.example\"}}", false, false},
		{"{\"links\":{\"domain\":\"casino.example\"}}", false, false},
		{"{\"name\":\"ärger$\"}", true, false},
		{"{\"bio\":\"ETHNOBOTANY\"}", true, false},
		{"{\"bio\":\"\\\\bnobot\\\\b\"}", false, false},
		{"{\"text\":\"cheap\",\"bio\":\"love\"}", true, false},
		{"{\"text\":\"cheap\",\"bio\":\"hate\"}", false, false},
	};
	check_rows(state, rows, COUNT_OF(rows));
}

static void
names_are_equal_without_case_and_sign(void **state)
{
	static const struct row rows[] = {
		{"{\"tags\":\"caturday\"}", true, false},
		{"{\"tags\":\"#CATURDAY\"}", true, false},
		{"{\"tags\":\"ÜBER\"}", true, false},
		{"{\"tags\":\"cat\"}", false, false},
		{"{\"tags\":\"caturday2\"}", false, false},
		{"{\"tags\":[\"dog\",\"caturday\"]}", true, false},
		{"{\"tags\":{\"pattern\":\"^cat\"}}", true, false},
		{"{\"tags\":[\"dog\",{\"pattern\":\"day$\"}]}", true, false},
		{"{\"mentions\":\"bob\"}", true, false},
		{"{\"mentions\":\"@Bob\"}", true, false},
		{"{\"mentions\":\"bob@home.example\"}", true, false},
		{"{\"mentions\":\"bob@far.example\"}", false, false},
		{"{\"mentions\":\"@eve@FAR.example\"}", true, false},
		{"{\"mentions\":\"eve\"}", false, false},
		{"{\"mentions\":\"eve@home.example\"}", false, false},
		{"{\"mentions\":{\"pattern\":\"@far\\\\.example$\"}}", true, false},
	};
	check_rows(state, rows, COUNT_OF(rows));
}

static void
words_are_whole(void **state)
{
	static const struct row rows[] = {
		{"{\"words\":[\"CHEAP\"]}", true, false},
		{"{\"words\":[\"cheap pills\"]}", true, false},
		{"{\"words\":[\"cunt\",\"ass\",\"pill\",\"viagra\"]}", false, false},
		{"{\"words\":[\"grey\"]}", true, false},
		{"{\"words\":[\"x\",\"hello\"]}", false, true},
	};
	check_rows(state, rows, COUNT_OF(rows));
}

static void
fields_of_the_post(void **state)
{
	static const struct row rows[] = {
		{"{\"language\":\"de\"}", true, false},
		{"{\"language\":\"de-at\"}", true, false},
		{"{\"language\":\"de-CH\"}", false, false},
		{"{\"language\":\"none\"}", false, true},
		{"{\"language\":[\"en\",\"none\"]}", false, true},
		{"{\"visibility\":\"public\"}", true, false},
		{"{\"visibility\":[\"private\",\"direct\"]}", false, true},
		{"{\"reply\":true}", true, false},
		{"{\"reply\":false}", false, true},
		{"{\"reply\":\"self\"}", true, false},
		{"{\"reply\":\"other\"}", false, false},
		{"{\"boost\":false}", true, true},
		{"{\"boost\":true}", false, false},
		{"{\"edited\":true}", false, true},
		{"{\"edited\":false}", true, false},
		{"{\"sensitive\":true}", true, false},
		{"{\"sensitive\":false}", false, true},
		{"{\"poll\":true}", true, false},
		{"{\"poll\":false}", false, true},
		{"{\"type\":\"mention\"}", false, false},
		{"{\"media\":true}", true, false},
		{"{\"media\":false}", false, true},
		{"{\"media\":{\"min\":2}}", true, false},
		{"{\"media\":{\"min\":3}}", false, false},
		{"{\"media\":{\"max\":1}}", false, true},
		{"{\"media\":{\"min\":1,\"max\":2}}", true, false},
		{"{\"media\":{\"type\":\"image\"}}", true, false},
		{"{\"media\":{\"type\":[\"audio\",\"gifv\"]}}", false, false},
		{"{\"media\":{\"type\":\"image\",\"min\":2}}", false, false},
		{"{\"media\":{\"type\":\"image\",\"max\":0}}", false, true},
		{"{\"media\":{\"described\":\"all\"}}", false, false},
		{"{\"media\":{\"described\":\"some\"}}", true, false},
		{"{\"media\":{\"described\":\"none\"}}", false, false},
		{"{\"media\":{\"type\":\"image\",\"described\":\"all\"}}", true, false},
		{"{\"media\":{\"type\":\"video\",\"described\":\"none\"}}", true, false},
		{"{\"media\":{\"min\":0,\"described\":\"all\"}}", false, true},
	};
	check_rows(state, rows, COUNT_OF(rows));
}

static void
fields_of_the_account(void **state)
{
	static const struct row rows[] = {
		{"{\"account\":{\"bot\":false}}", true, false},
		{"{\"account\":{\"bot\":true}}", false, true},
		{"{\"account\":{\"locked\":true}}", true, false},
		{"{\"account\":{\"discoverable\":false}}", true, true},
		{"{\"account\":{\"noindex\":true}}", false, false},
		{"{\"account\":{\"age\":\">7d\"}}", true, false},
		{"{\"account\":{\"age\":\">10d\"}}", false, false},
		{"{\"account\":{\"age\":\">=10d\"}}", true, false},
		{"{\"account\":{\"age\":\"<24h\"}}", false, true},
		{"{\"account\":{\"age\":\"<= 1h\"}}", false, true},
		{"{\"account\":{\"age\":\"<1h\"}}", false, false},
		{"{\"account\":{\"age\":{\"min\":\"1d\",\"max\":\"2w\"}}}", true, false},
		{"{\"account\":{\"followers\":\">99\"}}", true, false},
		{"{\"account\":{\"followers\":\">100\"}}", false, false},
		{"{\"account\":{\"followers\":\"<=100\"}}", true, false},
		{"{\"account\":{\"followers\":100}}", true, false},
		{"{\"account\":{\"followers\":\"100\"}}", true, false},
		{"{\"account\":{\"followers\":\"=99\"}}", false, false},
		{"{\"account\":{\"followers\":{\"min\":50}}}", true, false},
		{"{\"account\":{\"followers\":{\"min\":50,\"max\":99}}}", false, false},
		{"{\"account\":{\"following\":0}}", true, false},
		{"{\"account\":{\"statuses\":\"<6\"}}", true, false},
		{"{\"account\":{\"acct\":\"ann@far.example\"}}", true, false},
		{"{\"account\":{\"acct\":\"@ANN@far.example\"}}", true, false},
		{"{\"account\":{\"acct\":\"ann\"}}", false, false},
		{"{\"account\":{\"acct\":[\"x\",\"zoe\"]}}", false, true},
		{"{\"account\":{\"acct\":\"zoe@home.example\"}}", false, true},
		{"{\"account\":{\"domain\":\"far.example\"}}", true, false},
		{"{\"account\":{\"domain\":\"home.example\"}}", false, true},
		{"{\"account\":{\"domain\":[\"x.example\",\"FAR.example\"]}}", true, false},
		{"{\"account\":{\"domain\":\"*.far.example\"}}", true, false},
		{"{\"account\":{\"domain\":\"*.r.example\"}}", false, false},
		{"{\"account\":{\"domain\":\"*.example\"}}", true, true},
		{"{\"account\":{\"local\":true}}", false, true},
		{"{\"account\":{\"local\":false}}", true, false},
		{"{\"account\":{\"bot\":false,\"age\":\">7d\",\"local\":false}}", true, false},
		{"{\"account\":{\"bot\":false,\"age\":\"<7d\"}}", false, false},
	};
	check_rows(state, rows, COUNT_OF(rows));
}

static void
tables_combine(void **state)
{
	static const struct row rows[] = {
		{"{\"any\":[{\"text\":\"hello\"},{\"text\":\"cheap\"}]}", true, true},
		{"{\"any\":[{\"text\":\"x\"},{\"text\":\"cheap\",\"reply\":false}]}", false, false},
		{"{\"all\":[{\"text\":\"pills\"},{\"text\":\"cheap\"}]}", true, false},
		{"{\"all\":[{\"text\":\"pills\"},{\"text\":\"hello\"}]}", false, false},
		{"{\"none\":[{\"text\":\"hello\"},{\"text\":\"bye\"}]}", true, false},
		{"{\"none\":[{\"text\":\"cheap\"},{\"reply\":true}]}", false, true},
		{"{\"none\":{\"text\":\"hello\"}}", true, false},
		{"{\"text\":\"cheap\",\"none\":[{\"language\":\"de\"}]}", false, false},
		{"{\"any\":[{\"all\":[{\"none\":[{\"text\":\"cheap\"}]}]}]}", false, true},
	};
	check_rows(state, rows, COUNT_OF(rows));
}

static void
boosts_show_the_inner_post_and_the_booster(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *table;
		enum rule_result expected;
	} rows[] = {
		{"{\"boost\":true}", RULE_YES},
		{"{\"boost\":false}", RULE_NO},
		{"{\"text\":\"cheap\"}", RULE_YES},
		{"{\"visibility\":\"public\"}", RULE_YES},
		{"{\"visibility\":\"unlisted\"}", RULE_NO},
		{"{\"tags\":\"caturday\"}", RULE_YES},
		{"{\"reply\":\"self\"}", RULE_YES},
		{"{\"name\":\"^Zoe$\"}", RULE_YES},
		{"{\"account\":{\"acct\":\"zoe\"}}", RULE_YES},
		{"{\"bio\":\"love\"}", RULE_NO},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (match_hit(f, rows[i].table, f->boost, NULL) != rows[i].expected)
			fail_msg("%s", rows[i].table);
	}
}

static void
notifications_match_by_type_post_and_sender(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *table;
		bool mention, follow;
	} rows[] = {
		{"{\"type\":\"mention\"}", true, false},
		{"{\"type\":[\"follow\",\"mention\"]}", true, true},
		{"{\"type\":\"pleroma:emoji_reaction\"}", false, false},
		{"{\"text\":\"cheap\"}", true, false},
		{"{\"account\":{\"acct\":\"zoe\"}}", true, true},
		{"{\"account\":{\"bot\":true}}", false, true},
		{"{\"media\":false}", false, false},
		{"{\"boost\":false}", true, false},
		{"{\"text\":\"^$\"}", false, false},
		{"{\"poll\":false}", false, false},
		{"{\"none\":[{\"text\":\"cheap\"}]}", false, true},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if ((match_hit(f, rows[i].table, f->mention, NULL) == RULE_YES) != rows[i].mention)
			fail_msg("%s on a mention", rows[i].table);
		if ((match_hit(f, rows[i].table, f->follow, NULL) == RULE_YES) != rows[i].follow)
			fail_msg("%s on a follow", rows[i].table);
	}
}

static void
what_is_not_there_matches_no_key(void **state)
{
	struct fixture *f = *state;
	static const char *const rows[] = {"{\"text\":\"\"}", "{\"raw\":\"\"}", "{\"name\":\"\"}",
		"{\"bio\":\"\"}", "{\"tags\":{\"pattern\":\"\"}}", "{\"words\":[\"a\"]}",
		"{\"language\":\"none\"}", "{\"reply\":false}", "{\"boost\":false}",
		"{\"edited\":false}", "{\"sensitive\":false}", "{\"poll\":false}",
		"{\"media\":false}", "{\"media\":{\"max\":3}}", "{\"account\":{\"bot\":false}}",
		"{\"account\":{\"local\":true}}", "{\"type\":\"mention\"}",
		"{\"visibility\":\"public\"}"};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (match_hit(f, rows[i], f->deletion, NULL) != RULE_NO)
			fail_msg("%s on a delete", rows[i]);
		if (match_hit(f, rows[i], NULL, NULL) != RULE_NO)
			fail_msg("%s on no event", rows[i]);
	}
	assert_int_equal(match_hit(f, "{}", f->deletion, NULL), RULE_YES);
}

static void
hit_names_the_first_text_that_matched(void **state)
{
	struct fixture *f = *state;
	struct rule_hit hit;
	struct rule *rule = compile(f,
		"{\"account\":{\"bot\":false},\"links\":\"shop\",\"text\":[\"nothing\","
		"\"(?<what>pills) from (\\\\w+)(!)?\"]}",
		NULL);

	views_set_event(f->views, f->post);
	assert_int_equal(rule_match(rule, f->views, f->scratch, 0, &hit), RULE_YES);
	assert_string_equal(hit.key, "text");
	assert_int_equal(hit.view, VIEW_TEXT);
	assert_true(str_eq_text(hit.pattern, "(?<what>pills) from (\\w+)(!)?"));
	assert_true(str_starts(hit.subject, "ad\nBuy cheap pills"));
	assert_int_equal(hit.span.start, 13);
	assert_int_equal(hit.span.end, 34);
	assert_int_equal(hit.capture_count, 3);
	assert_int_equal(hit.captures[1].start, 24);
	assert_true(hit.captures[2].start > hit.captures[2].end);
	assert_string_equal(pattern_group_name(hit.compiled, 1), "what");
	rule_destroy(rule);
}

static void
hit_tells_words_names_and_nothing(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *table, *key, *pattern;
		enum view view;
		size_t start, end;
	} rows[] = {
		{"{\"words\":[\"x\",\"Cheap  Pills\"]}", "words", "Cheap  Pills", VIEW_FOLDED, 7,
			18},
		{"{\"tags\":\"#ÜBER\"}", "tags", "ÜBER", VIEW_TAGS, 9, 14},
		{"{\"mentions\":\"bob@home.example\"}", "mentions", "bob@home.example",
			VIEW_MENTIONS, 0, 3},
		{"{\"text\":{\"pattern\":\"cat\",\"view\":\"alt\"}}", "text", "cat", VIEW_ALT, 7,
			10},
		/* what matched in a table that did not hold, or must not, is no reason */
		{"{\"any\":[{\"text\":\"cheap\",\"raw\":\"zz\"},{\"text\":\"classic\"}]}", "text",
			"classic", VIEW_TEXT, 44, 51},
		{"{\"none\":[{\"text\":\"cheap\",\"raw\":\"zz\"}],\"any\":[{\"body\":\"from\"}]}",
			"body", "from", VIEW_BODY, 16, 20},
	};
	struct rule_hit hit;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rule *rule = compile(f, rows[i].table, NULL);
		views_set_event(f->views, f->post);
		assert_int_equal(rule_match(rule, f->views, f->scratch, 0, &hit), RULE_YES);
		if (strcmp(hit.key, rows[i].key) != 0 || hit.view != rows[i].view ||
			!str_eq_text(hit.pattern, rows[i].pattern) ||
			hit.span.start != rows[i].start || hit.span.end != rows[i].end)
			fail_msg("%s: %s %s %.*s %zu-%zu", rows[i].table, hit.key,
				view_name(hit.view), STR_ARG(hit.pattern), hit.span.start,
				hit.span.end);
		rule_destroy(rule);
	}
	assert_int_equal(
		match_hit(f, "{\"poll\":true,\"none\":[{\"text\":\"zz\"}]}", f->post, &hit),
		RULE_YES);
	assert_string_equal(hit.key, "");
	assert_true(hit.span.start > hit.span.end);
	assert_int_equal(
		match_hit(f, "{\"text\":\"cheap\",\"bio\":\"zz\"}", f->post, &hit), RULE_NO);
	assert_string_equal(hit.key, "");
}

/* A pattern that gave up is never taken for "does not match". */
static void
limits_are_told(void **state)
{
	struct fixture *f = *state;
	struct event *event = event_from(f->parser, EVENT_UPDATE,
		"{\"id\":\"6\",\"content\":\"<p>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab!</p>\"}");
	static const struct {
		const char *table;
		enum rule_result expected;
	} rows[] = {
		{"{\"text\":\"(a+)+$\"}", RULE_LIMITED},
		{"{\"text\":[\"(a+)+$\",\"b\"]}", RULE_YES},
		{"{\"text\":[\"(a+)+$\",\"c\"]}", RULE_LIMITED},
		{"{\"any\":[{\"text\":\"(a+)+$\"},{\"text\":\"c\"}]}", RULE_LIMITED},
		{"{\"any\":[{\"text\":\"(a+)+$\"},{\"text\":\"b\"}]}", RULE_YES},
		{"{\"none\":[{\"text\":\"(a+)+$\"}]}", RULE_LIMITED},
		{"{\"none\":[{\"text\":\"(a+)+$\"},{\"text\":\"b\"}]}", RULE_NO},
		{"{\"poll\":true,\"text\":\"(a+)+$\"}", RULE_NO},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (match_hit(f, rows[i].table, event, NULL) != rows[i].expected)
			fail_msg("%s", rows[i].table);
	}
	event_unref(event);
}

static void
write_file(const char *path, const char *text, time_t second)
{
	FILE *file = fopen(path, "w");
	struct timespec times[2] = {{.tv_sec = second}, {.tv_sec = second}};

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
list_files_are_followed_and_told(void **state)
{
	struct fixture *f = *state;
	char folder[] = "/tmp/moontusk-rule-XXXXXX", text[MESSAGE_MAX];
	struct rule_hit hit;

	assert_non_null(mkdtemp(folder));
	char *path = xasprintf("%s/bad.txt", folder);
	write_file(path, "casino\n", 1000);
	struct rule_env env = {.folder = folder, .pattern_flags = PATTERN_NO_JIT};
	struct rule *rule =
		compile(f, "{\"any\":[{\"words\":\"bad.txt\"},{\"text\":\"zz\"}]}", &env);
	views_set_event(f->views, f->post);
	assert_int_equal(rule_match(rule, f->views, f->scratch, 1000, &hit), RULE_NO);
	assert_int_equal(rule_take_news(rule, text), RULE_NEWS_NONE);
	write_file(path, "cheap\n", 2000);
	assert_int_equal(rule_match(rule, f->views, f->scratch, 2000, &hit), RULE_YES);
	assert_true(str_eq_text(hit.pattern, "cheap"));
	assert_int_equal(rule_take_news(rule, text), RULE_NEWS_READ);
	assert_int_equal(rule_take_news(rule, text), RULE_NEWS_NONE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rule_match(rule, f->views, f->scratch, 3000, &hit), RULE_YES);
	assert_int_equal(rule_take_news(rule, text), RULE_NEWS_BROKEN);
	assert_non_null(strstr(text, "bad.txt"));
	rule_destroy(rule);
	assert_int_equal(rmdir(folder), 0);
	free(path);
}

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->parser = json_parser_create();
	f->views = views_create();
	f->scratch = pattern_scratch_create();
	f->post = event_from(f->parser, EVENT_UPDATE, POST);
	f->plain = event_from(f->parser, EVENT_UPDATE, PLAIN);
	f->boost = event_from(f->parser, EVENT_UPDATE, BOOST);
	f->mention = event_from(f->parser, EVENT_NOTIFICATION, MENTION);
	f->follow = event_from(f->parser, EVENT_NOTIFICATION, FOLLOW);
	struct decode_context context = {.parser = f->parser};
	struct decode_output out;
	assert_int_equal(decode_sse(&context, STR("delete"), STR("123"), &out), DECODE_EVENT);
	f->deletion = out.event;
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	event_unref(f->post);
	event_unref(f->plain);
	event_unref(f->boost);
	event_unref(f->mention);
	event_unref(f->follow);
	event_unref(f->deletion);
	views_destroy(f->views);
	pattern_scratch_destroy(f->scratch);
	json_parser_destroy(f->parser);
	free(f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_keys_look_at_their_views),
		cmocka_unit_test(names_are_equal_without_case_and_sign),
		cmocka_unit_test(words_are_whole),
		cmocka_unit_test(fields_of_the_post),
		cmocka_unit_test(fields_of_the_account),
		cmocka_unit_test(tables_combine),
		cmocka_unit_test(boosts_show_the_inner_post_and_the_booster),
		cmocka_unit_test(notifications_match_by_type_post_and_sender),
		cmocka_unit_test(what_is_not_there_matches_no_key),
		cmocka_unit_test(hit_names_the_first_text_that_matched),
		cmocka_unit_test(hit_tells_words_names_and_nothing),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(list_files_are_followed_and_told),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
