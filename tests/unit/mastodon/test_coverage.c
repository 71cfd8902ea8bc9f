/* SPDX-License-Identifier: MIT */
/* How much of what REST lists came by a stream: what counts, and what is said about it. */
#include "coverage.h"

#include "decode.h"
#include "judging.h"

struct case_of {
	struct judging judging;
	struct checkup_stream stream;
	struct coverage *coverage;
};

static void
start(struct case_of *t, const char *stream, enum event_kind kind)
{
	*t = (struct case_of){.stream = {.info = stream_info(str_from(stream))}};
	judging_start(&t->judging);
	t->coverage = coverage_create(&t->stream, stream_source_of(str_from(stream), kind));
}

static void
finish(struct case_of *t)
{
	coverage_destroy(t->coverage);
	judging_finish(&t->judging);
}

static void
hear(struct case_of *t, const char *kind, const char *payload)
{
	struct event parts = {.kind = event_kind_from_name(str_from(kind)),
		.name = str_from(kind),
		.payload = str_from(payload)};
	if (payload[0] == '{')
		assert_int_equal(
			json_parse(t->judging.parser, parts.payload, &parts.doc, NULL), ERR_OK);
	struct event *event = event_create(&parts);
	coverage_heard(t->coverage, event);
	event_unref(event);
}

static bool
list(struct case_of *t, const char *page)
{
	struct json_doc *doc = NULL;
	assert_int_equal(json_parse(t->judging.parser, str_from(page), &doc, NULL), ERR_OK);
	bool more = coverage_listed(t->coverage, json_root(doc));
	json_doc_destroy(doc);
	return more;
}

static void
only_what_is_newer_than_the_beginning_counts(void **state)
{
	(void)state;
	struct case_of t;
	start(&t, "public", EVENT_UPDATE);
	coverage_begin(t.coverage, judging_json(&t.judging, "[{\"id\":\"100\"},{\"id\":\"99\"}]"));
	hear(&t, "update", "{\"id\":\"98\"}");
	hear(&t, "update", "{\"id\":\"101\"}");
	hear(&t, "update", "{\"id\":\"101\"}"); /* twice is once */
	hear(&t, "update", "{\"id\":\"103\"}");
	hear(&t, "delete", "7");
	hear(&t, "status.update", "{\"id\":\"102\"}"); /* an edit is not the post's coming */
	assert_true(list(&t, "[{\"id\":\"104\"},{\"id\":\"103\"},{\"id\":\"102\"}]"));
	assert_true(str_eq(coverage_oldest(t.coverage), STR("102")));
	assert_false(list(&t, "[{\"id\":\"101\"},{\"id\":\"100\"},{\"id\":\"99\"}]"));
	struct coverage_sums sums = coverage_sums(t.coverage);
	assert_int_equal(sums.listed, 4);
	assert_int_equal(sums.both, 2);
	assert_int_equal(sums.heard, 3);
	assert_int_equal(sums.updates, 4);
	assert_int_equal(sums.edits, 1);
	assert_int_equal(sums.deletes, 1);
	finish(&t);
}

static void
ids_are_compared_by_length_first(void **state)
{
	(void)state;
	struct case_of t;
	start(&t, "user", EVENT_NOTIFICATION);
	coverage_begin(t.coverage, judging_json(&t.judging, "[{\"id\":\"99\"}]"));
	assert_false(
		list(&t, "[{\"id\":\"101\"},{\"id\":\"100\"},{\"id\":\"99\"},{\"id\":\"9\"}]"));
	assert_int_equal(coverage_sums(t.coverage).listed, 2);
	finish(&t);
}

static void
an_empty_timeline_begins_with_nothing(void **state)
{
	(void)state;
	struct case_of t;
	start(&t, "public", EVENT_UPDATE);
	coverage_begin(t.coverage, judging_json(&t.judging, "[]"));
	coverage_begin(t.coverage, judging_json(&t.judging, NULL)); /* no answer */
	assert_true(list(&t, "[{\"id\":\"5\"}]"));
	assert_false(list(&t, "[]"));
	assert_int_equal(coverage_sums(t.coverage).listed, 1);
	finish(&t);
}

static void
conversations_are_known_by_their_last_status(void **state)
{
	(void)state;
	struct case_of t;
	start(&t, "direct", EVENT_CONVERSATION);
	coverage_begin(t.coverage,
		judging_json(&t.judging, "[{\"id\":\"8\",\"last_status\":{\"id\":\"50\"}}]"));
	hear(&t, "conversation", "{\"id\":\"8\",\"last_status\":{\"id\":\"60\"}}");
	(void)list(&t, "[{\"id\":\"8\",\"last_status\":{\"id\":\"60\"}}]");
	assert_int_equal(coverage_sums(t.coverage).both, 1);
	finish(&t);
}

static void
the_share_and_what_is_missing_are_told(void **state)
{
	static const struct {
		unsigned heard, listed;
		enum finding_level level;
		const char *says;
	} rows[] = {
		{4, 4, FINDING_OK, "100.0 % (4 of 4 posts"},
		{3, 4, FINDING_WARNING, "75.0 % (3 of 4 posts"},
		{1, 4, FINDING_ERROR, "25.0 % (1 of 4 posts"},
		{0, 8, FINDING_ERROR, "and 3 more"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct case_of t;
		char text[256];
		start(&t, "public:local", EVENT_UPDATE);
		for (unsigned k = 0; k < rows[i].listed; k++) {
			(void)snprintf(text, sizeof(text),
				"{\"id\":\"%u\",\"url\":\"https://a.example/%u\",\"language\":\"de\","
				"\"account\":{\"acct\":\"mia\"}}",
				10 + k, 10 + k);
			if (k < rows[i].heard)
				hear(&t, "update", text);
			char page[300];
			(void)snprintf(page, sizeof(page), "[%s]", text);
			(void)list(&t, page);
		}
		coverage_judge(t.coverage, 60000, NULL, &t.judging.findings);
		assert_true(judging_says(&t.judging, rows[i].level, rows[i].says));
		assert_true(judging_says(&t.judging, rows[i].level, "public:local"));
		if (rows[i].heard < rows[i].listed) {
			(void)snprintf(text, sizeof(text), "https://a.example/%u (de)",
				10 + rows[i].heard);
			assert_true(judging_says(&t.judging, rows[i].level, text));
		}
		assert_true(judging_advises(&t.judging));
		struct buf out;
		buf_init(&out, 10000);
		buf_add_char(&out, '{');
		coverage_put(t.coverage, &out);
		buf_add_char(&out, '}');
		struct json_value document = judging_json(&t.judging, out.ptr);
		double share = -1;
		assert_true(json_get_double(json_get(document, "share"), &share));
		assert_int_equal((int)(share * 100), (int)(100 * rows[i].heard / rows[i].listed));
		assert_int_equal(
			json_count(json_get(document, "missing")), rows[i].listed - rows[i].heard);
		buf_finish(&out);
		finish(&t);
	}
}

static void
a_stream_of_deletes_only_is_named_with_its_reason(void **state)
{
	static const char *const disabled = "timelines_access.live_feeds.remote = disabled";
	(void)state;
	struct case_of t;
	start(&t, "public:remote", EVENT_UPDATE);
	hear(&t, "delete", "5");
	hear(&t, "delete", "6");
	coverage_judge(t.coverage, 60000, disabled, &t.judging.findings);
	assert_true(judging_says(&t.judging, FINDING_ERROR, "0 updates in 1m, 2 deletes only"));
	assert_true(judging_says(&t.judging, FINDING_ERROR, disabled));
	finish(&t);
	start(&t, "public:remote", EVENT_UPDATE);
	hear(&t, "delete", "5");
	coverage_judge(t.coverage, 60000, NULL, &t.judging.findings);
	assert_true(judging_says(&t.judging, FINDING_WARNING, "1 deletes"));
	finish(&t);
	start(&t, "public:remote", EVENT_UPDATE);
	coverage_judge(t.coverage, 60000, NULL, &t.judging.findings);
	assert_true(judging_says(&t.judging, FINDING_SKIPPED, "sample longer"));
	finish(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_newer_than_the_beginning_counts),
		cmocka_unit_test(ids_are_compared_by_length_first),
		cmocka_unit_test(an_empty_timeline_begins_with_nothing),
		cmocka_unit_test(conversations_are_known_by_their_last_status),
		cmocka_unit_test(the_share_and_what_is_missing_are_told),
		cmocka_unit_test(a_stream_of_deletes_only_is_named_with_its_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
