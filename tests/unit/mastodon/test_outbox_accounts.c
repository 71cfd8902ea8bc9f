/* SPDX-License-Identifier: MIT */
/* Actions on accounts, reports, raw POSTs: looked up where that can be, never sent twice where not. */
#include "sending.h"

#include "outbox_private.h"

/* What the server says, by what is asked; read by the answers below. */
struct says {
	const char *relationships; /* NULL: [] */
	int post_code;             /* 0: 200 */
	const char *post_body;     /* NULL: {"id":"9"} */
	bool cut;                  /* the connection ends in place of the answer to a POST */
	unsigned throttle;         /* so many POSTs get 429 first */
};

static void
answers(struct sending *sending, server_conn conn, unsigned n)
{
	struct says *says = sending->scripted.test;
	const char *line = strstr(sending->asked.ptr, "GET /api/v1/accounts/relationships");
	bool get =
		line != NULL && strchr(line, '\n') + 1 == sending->asked.ptr + sending->asked.len;
	(void)n;
	if (get) {
		answer_json(sending, conn, 200,
			says->relationships != NULL ? says->relationships : "[]");
	} else if (says->cut) {
		(void)server_cut(sending->scripted.server, conn, false);
	} else if (says->throttle > 0) {
		says->throttle--;
		const struct http_header wait = {"Retry-After", "1"};
		server_respond(sending->scripted.server, conn, 429, &wait, 1,
			STR("{\"error\":\"Too many requests\"}"), false);
	} else {
		answer_json(sending, conn, says->post_code != 0 ? says->post_code : 200,
			says->post_body != NULL ? says->post_body : "{\"id\":\"9\"}");
	}
}

static void
init(struct sending *sending, struct says *says)
{
	sending_init(sending, answers);
	sending->scripted.test = says;
}

static struct action
on_account(enum action_kind kind)
{
	return (struct action){.kind = kind, .target = xstrdup("9")};
}

static struct action
report_of(const char *status)
{
	return (struct action){.kind = ACTION_REPORT,
		.target = xstrdup(status),
		.target_author = xstrdup("9"),
		.body = xasprintf("{\"account_id\":\"9\",\"status_ids\":[\"%s\"]}", status)};
}

#define LOOK "GET /api/v1/accounts/relationships?id[]=9\n"

static void
a_follow_is_looked_up_before_it_is_sent_again(void **state)
{
	(void)state;
	static const struct {
		enum action_kind kind;
		const char *relationship, *asked;
	} cases[] = {
		{ACTION_FOLLOW, "\"following\":true,\"requested\":false", LOOK},
		{ACTION_FOLLOW, "\"following\":false,\"requested\":true", LOOK},
		{ACTION_FOLLOW, "\"following\":false,\"requested\":false",
			LOOK "POST /api/v1/accounts/9/follow\n"},
		{ACTION_UNFOLLOW, "\"following\":false,\"requested\":false", LOOK},
		{ACTION_UNFOLLOW, "\"following\":false,\"requested\":true",
			LOOK "POST /api/v1/accounts/9/unfollow\n"},
		{ACTION_MUTE, "\"muting\":true", LOOK},
		{ACTION_UNMUTE, "\"muting\":true", LOOK "POST /api/v1/accounts/9/unmute\n"},
		{ACTION_BLOCK, "\"blocking\":false", LOOK "POST /api/v1/accounts/9/block\n"},
		{ACTION_UNBLOCK, "\"blocking\":false", LOOK},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[200];
		(void)snprintf(text, sizeof(text), "[{\"id\":\"9\",%s}]", cases[i].relationship);
		struct says says = {.relationships = text};
		struct sending sending;
		init(&sending, &says);
		assert_int_equal(sending_stage(&sending, on_account(cases[i].kind)), OUTBOX_STAGED);
		sending_restart(&sending);
		sending_run(&sending);
		expect_asked(&sending, cases[i].asked);
		assert_int_equal(strncmp(sending.outcomes.ptr, "done 200 ", 9), 0);
		sending_finish(&sending);
	}
}

static void
an_account_that_is_gone_stays_unknown(void **state)
{
	(void)state;
	struct says says = {0};
	struct sending sending;
	init(&sending, &says);
	assert_int_equal(sending_stage(&sending, on_account(ACTION_BLOCK)), OUTBOX_STAGED);
	sending_restart(&sending);
	sending_run(&sending);
	expect_asked(&sending, LOOK);
	assert_int_equal(strncmp(sending.outcomes.ptr, "unknown 200 ", 12), 0);
	sending_finish(&sending);
}

static void
a_report_waits_in_the_file_and_is_sent_once(void **state)
{
	(void)state;
	struct says says = {0};
	struct sending sending;
	init(&sending, &says);
	assert_int_equal(sending_stage(&sending, report_of("115")), OUTBOX_STAGED);
	sending_restart(&sending); /* it had not begun: nobody need doubt */
	sending_run(&sending);
	expect_asked(&sending, "POST /api/v1/reports\n");
	assert_string_equal(sending.bodies[0], "{\"account_id\":\"9\",\"status_ids\":[\"115\"]}");
	assert_null(sending.keys[0]);
	expect_outcomes(&sending, "done 200 9\n");
	assert_int_equal(sending_stage(&sending, report_of("115")), OUTBOX_DUPLICATE);
	sending_finish(&sending);
}

static bool
was_asked(void *data)
{
	return ((struct sending *)data)->count > 0;
}

static void
answers_never(struct sending *sending, server_conn conn, unsigned n)
{
	(void)sending, (void)conn, (void)n;
}

static void
a_report_that_had_begun_is_never_sent_again(void **state)
{
	(void)state;
	struct says says = {0};
	struct sending sending;
	init(&sending, &says);
	sending.answer = answers_never;
	assert_int_equal(sending_stage(&sending, report_of("115")), OUTBOX_STAGED);
	assert_true(scripted_run(&sending.scripted, was_asked, &sending, LIMIT));
	sending_restart(&sending); /* as kill -9 between the request and its answer */
	sending_run(&sending);
	expect_asked(&sending, "POST /api/v1/reports\n");
	expect_outcomes(&sending, "unknown 0 moontusk ended while it was being sent\n");
	scripted_expect_line(&sending.scripted, "error cats: report of 115: it is not known");
	sending_finish(&sending);
}

static void
a_report_without_a_clear_answer_is_unknown(void **state)
{
	(void)state;
	struct says cases[] = {{.post_code = 500}, {.post_code = 502, .post_body = "<h1>Bad</h1>"},
		{.post_body = "<h1>Hello</h1>"}, {.cut = true}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sending sending;
		init(&sending, &cases[i]);
		assert_int_equal(sending_stage(&sending, report_of("115")), OUTBOX_STAGED);
		sending_run(&sending);
		expect_asked(&sending, "POST /api/v1/reports\n");
		assert_int_equal(strncmp(sending.outcomes.ptr, "unknown ", 8), 0);
		sending_finish(&sending);
	}
}

static void
a_report_that_was_not_taken_is_sent_later(void **state)
{
	(void)state;
	struct says says = {.throttle = 2};
	struct sending sending;
	init(&sending, &says);
	assert_int_equal(sending_stage(&sending, report_of("115")), OUTBOX_STAGED);
	sending_run(&sending);
	expect_asked(
		&sending, "POST /api/v1/reports\nPOST /api/v1/reports\nPOST /api/v1/reports\n");
	assert_non_null(strstr(sending.outcomes.ptr, "done 200 9\n"));
	sending_finish(&sending);
}

static void
a_refused_report_has_failed(void **state)
{
	(void)state;
	struct says says = {.post_code = 404, .post_body = "{\"error\":\"Record not found\"}"};
	struct sending sending;
	init(&sending, &says);
	assert_int_equal(sending_stage(&sending, report_of("115")), OUTBOX_STAGED);
	sending_run(&sending);
	expect_outcomes(&sending, "failed 404 404 \"Record not found\"\n");
	sending_finish(&sending);
}

static void
a_raw_post_may_answer_anything_that_is_json(void **state)
{
	(void)state;
	static const char *const bodies[] = {"{}", "[1,2]", "", "{\"id\":\"7\"}"};
	static const char *const outcomes[] = {
		"done 200 -\n", "done 200 -\n", "done 200 -\n", "done 200 7\n"};
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct says says = {.post_body = bodies[i]};
		struct sending sending;
		init(&sending, &says);
		struct action action = {.kind = ACTION_API_POST,
			.url = xstrdup("/api/v1/markers"),
			.body = xstrdup("{\"home\":{\"last_read_id\":\"1\"}}")};
		assert_int_equal(sending_stage(&sending, action), OUTBOX_STAGED);
		sending_run(&sending);
		expect_asked(&sending, "POST /api/v1/markers\n");
		expect_outcomes(&sending, outcomes[i]);
		sending_finish(&sending);
	}
}

static void
nothing_is_done_while_nobody_knows_who_we_are(void **state)
{
	(void)state;
	struct says says = {0};
	struct sending sending;
	init(&sending, &says);
	free(sending.account->id);
	sending.account->id = NULL;
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_NOBODY);
	assert_int_equal(sending_stage(&sending, on_account(ACTION_FOLLOW)), OUTBOX_NOBODY);
	assert_int_equal(sending_stage(&sending, report_of("115")), OUTBOX_NOBODY);
	struct action post = {.kind = ACTION_POST, .body = xstrdup("{\"status\":\"hi\"}")};
	assert_int_equal(sending_stage(&sending, post), OUTBOX_STAGED); /* that is about nobody */
	assert_int_equal(
		sending_stage(&sending, forward_to(&sending, "/hook", "{}")), OUTBOX_STAGED);
	sending_finish(&sending);
}

static void
what_older_versions_did_counts(void **state)
{
	(void)state;
	struct says says = {0};
	struct sending sending;
	init(&sending, &says);
	struct intent old = {.state = INTENT_DONE,
		.key = xstrdup("cats|boost|status:115"),
		.lane = xasprintf("cats|%s", sending.account->host),
		.instance = xstrdup("cats"),
		.action = xstrdup("boost"),
		.method = xstrdup("POST"),
		.url = xstrdup("/api/v1/statuses/115/reblog")};
	struct intent elsewhere = {.state = INTENT_DONE,
		.key = xstrdup("cats|boost|status:116"),
		.lane = xstrdup("cats|other.example"),
		.instance = xstrdup("cats"),
		.action = xstrdup("boost"),
		.method = xstrdup("POST"),
		.url = xstrdup("/api/v1/statuses/116/reblog")};
	assert_true(store_begin(sending.store));
	assert_int_equal(intent_add(sending.store, &old), ERR_OK);
	assert_int_equal(intent_add(sending.store, &elsewhere), ERR_OK);
	assert_true(store_commit(sending.store));
	intent_finish(&old);
	intent_finish(&elsewhere);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_DUPLICATE);
	struct action_source source = sending_source(&sending);
	struct action boost = boost_of("115");
	char *key = outbox_key(sending.outbox, &boost, &source);
	assert_string_equal(key, "cats|boost|status:115"); /* whose outcome counts */
	free(key);
	action_finish(&boost);
	assert_int_equal(sending_stage(&sending, boost_of("116")), OUTBOX_STAGED);
	sending_run(&sending);
	expect_asked(&sending, "POST /api/v1/statuses/116/reblog\n");
	sending_finish(&sending);
}

static void
a_forward_goes_only_as_far_as_it_may(void **state)
{
	(void)state;
	struct says says = {0};
	struct sending sending;
	init(&sending, &says);
	sending.reach = HTTP_REACH_PUBLIC;
	assert_int_equal(
		sending_stage(&sending, forward_to(&sending, "/hook", "{}")), OUTBOX_STAGED);
	sending_run(&sending);
	expect_asked(&sending, "");
	assert_int_equal(strncmp(sending.outcomes.ptr, "failed 0 ", 9), 0);
	assert_non_null(strstr(sending.outcomes.ptr, "a loopback address"));
	sending.reach = HTTP_REACH_ANY;
	assert_int_equal(
		sending_stage(&sending, forward_to(&sending, "/hook2", "{}")), OUTBOX_DUPLICATE);
	struct action again = forward_to(&sending, "/hook2", "{}");
	again.key = xstrdup("again");
	assert_int_equal(sending_stage(&sending, again), OUTBOX_STAGED);
	sending_run(&sending);
	expect_asked(&sending, "POST /hook2\n");
	sending_finish(&sending);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_follow_is_looked_up_before_it_is_sent_again),
		cmocka_unit_test(an_account_that_is_gone_stays_unknown),
		cmocka_unit_test(a_report_waits_in_the_file_and_is_sent_once),
		cmocka_unit_test(a_report_that_had_begun_is_never_sent_again),
		cmocka_unit_test(a_report_without_a_clear_answer_is_unknown),
		cmocka_unit_test(a_report_that_was_not_taken_is_sent_later),
		cmocka_unit_test(a_refused_report_has_failed),
		cmocka_unit_test(a_raw_post_may_answer_anything_that_is_json),
		cmocka_unit_test(nothing_is_done_while_nobody_knows_who_we_are),
		cmocka_unit_test(what_older_versions_did_counts),
		cmocka_unit_test(a_forward_goes_only_as_far_as_it_may),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
