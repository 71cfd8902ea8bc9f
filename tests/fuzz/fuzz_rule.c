/* SPDX-License-Identifier: MIT */
/* Any JSON as a match table: it is refused with a reason, or tested against a post without harm. */
#include <string.h>

#include "decode.h"
#include "fuzz.h"
#include "limits.h"
#include "rule.h"

#define POST                                                                                               \
	"{\"id\":\"1\",\"content\":\"<p>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab <b>cat</b> c++ 🍆 "            \
	"<a href=\\\"https://x.example/\\\">x</a></p>\",\"spoiler_text\":\"cw\",\"visibility\":"           \
	"\"public\",\"language\":\"de\",\"sensitive\":false,\"in_reply_to_id\":\"9\","                     \
	"\"in_reply_to_account_id\":\"7\",\"poll\":{\"options\":[{\"title\":\"yes\"}]},"                   \
	"\"media_attachments\":[{\"type\":\"image\",\"description\":\"alt\"}],\"tags\":[{\"name\":"        \
	"\"cat\"}],\"mentions\":[{\"acct\":\"bob\",\"url\":\"https://home.example/@bob\"}],"               \
	"\"account\":{\"id\":\"7\",\"acct\":\"a@b.example\",\"display_name\":\"A\",\"note\":\"<p>n</p>\"," \
	"\"created_at\":\"2026-11-11T12:00:00.000Z\",\"followers_count\":10,\"following_count\":3,"        \
	"\"statuses_count\":5,\"bot\":false}}"

static void
check_hit(const struct rule_hit *hit)
{
	REQUIRE(hit->key != NULL && hit->view < VIEW_COUNT);
	REQUIRE(hit->capture_count <= PATTERN_CAPTURES_MAX);
	if (hit->key[0] == '\0')
		return;
	REQUIRE(hit->span.start <= hit->span.end && hit->span.end <= hit->subject.len);
	for (unsigned i = 0; i < hit->capture_count; i++) {
		struct span span = hit->captures[i];
		REQUIRE(span.start > span.end || span.end <= hit->subject.len);
	}
}

static void
match_event(struct json_parser *parser, const struct rule *rule)
{
	struct decode_context context = {.parser = parser};
	struct decode_output out;
	struct views *views = views_create();
	struct pattern_scratch *scratch = pattern_scratch_create();
	struct rule_hit hit;

	REQUIRE(decode_entity(&context, EVENT_UPDATE, STR(POST), &out) == DECODE_EVENT);
	views_set_event(views, out.event);
	if (rule_match(rule, views, scratch, 1795262400000, &hit) == RULE_YES)
		check_hit(&hit);
	views_set_event(views, NULL);
	(void)rule_match(rule, views, scratch, 0, NULL);
	pattern_scratch_destroy(scratch);
	views_destroy(views);
	event_unref(out.event);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	struct rule_error error = {.offset = -2};

	if (json_parse(parser, (struct str){(const char *)data, size}, &doc, NULL) == ERR_OK) {
		struct rule *rule = rule_compile(json_root(doc), NULL, &error);
		json_doc_destroy(doc);
		if (rule)
			match_event(parser, rule);
		else
			REQUIRE(error.message[0] != '\0' && strlen(error.where) < 256 &&
				error.offset >= -1);
		rule_destroy(rule);
	}
	json_parser_destroy(parser);
	return 0;
}
