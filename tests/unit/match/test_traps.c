/* SPDX-License-Identifier: MIT */
/* The words of tests/fixtures/traps: what hides must be found, what is innocent must not, what is spelled stays. */
#include "match_event.h"

#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "json_write.h"
#include "limits.h"
#include "rule.h"

static struct json_doc *
read_fixture(struct json_parser *parser, const char *name)
{
	char path[500];
	struct buf text;
	struct json_doc *doc = NULL;
	char piece[4096];
	size_t len;

	snprintf(path, sizeof(path), "%s/traps/%s", getenv("MOONTUSK_FIXTURES"), name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	buf_init(&text, 1u << 20);
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&text, piece, len);
	fclose(file);
	assert_int_equal(json_parse(parser, buf_str(&text), &doc, NULL), ERR_OK);
	buf_finish(&text);
	return doc;
}

static struct rule *
rule_of(struct json_parser *parser, struct json_value words)
{
	struct buf table;
	struct json_doc *doc = NULL;
	struct rule_error error;

	buf_init(&table, 1u << 16);
	buf_add_text(&table, "{\"words\":");
	json_put_value(&table, words);
	buf_add_char(&table, '}');
	assert_int_equal(json_parse(parser, buf_str(&table), &doc, NULL), ERR_OK);
	struct rule *rule = rule_compile(json_root(doc), NULL, &error);
	if (!rule)
		fail_msg("%s: %s", error.where, error.message);
	json_doc_destroy(doc);
	buf_finish(&table);
	return rule;
}

static struct event *
event_of(struct json_parser *parser, struct str content)
{
	struct buf payload;

	buf_init(&payload, 1u << 16);
	buf_add_text(&payload, "{\"id\":\"1\",\"content\":");
	json_put_str(&payload, content);
	buf_add_char(&payload, '}');
	struct event *event = event_from(parser, EVENT_UPDATE, payload.ptr);
	buf_finish(&payload);
	return event;
}

static void
words_are_found_where_they_hide_and_nowhere_else(void **state)
{
	struct json_doc *doc = read_fixture(*state, "words.json");
	struct views *views = views_create();
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct json_iter it = json_iter(json_root(doc));
	size_t count = 0;

	for (; json_next(&it); count++) {
		bool expected = false;
		struct str content = json_str(json_get(it.value, "content"));
		assert_true(json_get_bool(json_get(it.value, "hit"), &expected));
		struct rule *rule = rule_of(*state, json_get(it.value, "words"));
		struct event *event = event_of(*state, content);
		views_set_event(views, event);
		bool found = rule_match(rule, views, scratch, 0, NULL) == RULE_YES;
		if (found != expected)
			fail_msg("row %zu: \"%.*s\" was %s", count + 1, STR_ARG(content),
				found ? "found" : "not found");
		event_unref(event);
		rule_destroy(rule);
	}
	assert_true(count > 80);
	pattern_scratch_destroy(scratch);
	views_destroy(views);
	json_doc_destroy(doc);
}

int
main(void)
{
	struct json_parser *parser = json_parser_create();
	struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_where_they_hide_and_nowhere_else),
	};
	tests[0].initial_state = parser;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_parser_destroy(parser);
	return failed;
}
