/* SPDX-License-Identifier: MIT */
/* What may have been sent before is never sent blindly again. */
#include "sending.h"

#include <fcntl.h>
#include <unistd.h>

#include "outbox_private.h"

/* What the server remembers; read by the answers below. */
struct past {
	const char *status;   /* JSON of GET /api/v1/statuses/115; NULL: 404 */
	const char *statuses; /* JSON of our own posts */
	int status_code;      /* 0: 200 */
};

static const struct past *
past_of(const struct sending *sending)
{
	return sending->scripted.test;
}

static void
answers_from_the_past(struct sending *sending, server_conn conn, unsigned n)
{
	const struct past *past = past_of(sending);
	int code = past->status_code != 0 ? past->status_code : 200;
	const char *line = strrchr(sending->asked.ptr, ' ');
	bool get = line[-1] == 'T' && line[-2] == 'E';
	char made[64];
	(void)snprintf(made, sizeof(made), "{\"id\":\"%u\"}", 900 + n);
	if (!get) {
		answer_json(sending, conn, 200, made);
	} else if (strstr(line, "/accounts/") != NULL) {
		answer_json(sending, conn, code, past->statuses != NULL ? past->statuses : "[]");
	} else if (past->status == NULL) {
		answer_json(sending, conn, code == 200 ? 404 : code,
			"{\"error\":\"Record not found\"}");
	} else {
		answer_json(sending, conn, code, past->status);
	}
}

static void
init(struct sending *sending, struct past *past)
{
	sending_init(sending, answers_from_the_past);
	sending->scripted.test = past;
}

/* Stages, and forgets that it was staged by this process: it may have left before the crash. */
static void
stage_and_restart(struct sending *sending, struct action action)
{
	assert_int_equal(sending_stage(sending, action), OUTBOX_STAGED);
	sending_restart(sending);
}

static void
a_boost_that_happened_is_not_sent_again(void **state)
{
	(void)state;
	struct past past = {.status = "{\"id\":\"115\",\"reblogged\":true}"};
	struct sending sending;
	init(&sending, &past);
	stage_and_restart(&sending, boost_of("115"));
	sending_run(&sending);
	expect_asked(&sending, "GET /api/v1/statuses/115\n");
	expect_outcomes(&sending, "done 200 -\n");
	sending_finish(&sending);
}

static void
a_boost_that_did_not_happen_is_sent(void **state)
{
	(void)state;
	struct past past = {.status = "{\"id\":\"115\",\"reblogged\":false}"};
	struct sending sending;
	init(&sending, &past);
	stage_and_restart(&sending, boost_of("115"));
	sending_run(&sending);
	expect_asked(&sending, "GET /api/v1/statuses/115\nPOST /api/v1/statuses/115/reblog\n");
	expect_outcomes(&sending, "done 200 901\n");
	sending_finish(&sending);
}

static void
each_action_looks_at_its_own_field(void **state)
{
	(void)state;
	struct past past = {.status = "{\"id\":\"115\",\"reblogged\":true,\"favourited\":true,"
				      "\"bookmarked\":false}"};
	struct sending sending;
	init(&sending, &past);
	const enum action_kind kinds[] = {ACTION_UNBOOST, ACTION_FAVOURITE, ACTION_BOOKMARK};
	for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
		struct action action = boost_of("115");
		action.kind = kinds[i];
		assert_int_equal(sending_stage(&sending, action), OUTBOX_STAGED);
	}
	sending_restart(&sending);
	sending_run(&sending);
	expect_asked(&sending, "GET /api/v1/statuses/115\n"
			       "POST /api/v1/statuses/115/unreblog\n"
			       "GET /api/v1/statuses/115\n"
			       "GET /api/v1/statuses/115\n"
			       "POST /api/v1/statuses/115/bookmark\n");
	sending_finish(&sending);
}

static void
a_post_that_is_gone_cannot_be_boosted(void **state)
{
	(void)state;
	struct past past = {0};
	struct sending sending;
	init(&sending, &past);
	stage_and_restart(&sending, boost_of("115"));
	sending_run(&sending);
	expect_asked(&sending, "GET /api/v1/statuses/115\n");
	expect_outcomes(&sending, "failed 404 404 \"Record not found\"\n");
	sending_finish(&sending);
}

static void
what_cannot_be_looked_up_stays_unknown(void **state)
{
	(void)state;
	struct past past = {.status_code = 403};
	struct sending sending;
	init(&sending, &past);
	stage_and_restart(&sending, boost_of("115"));
	sending_run(&sending);
	expect_asked(&sending, "GET /api/v1/statuses/115\n");
	assert_int_equal(strncmp(sending.outcomes.ptr, "unknown 403 ", 12), 0);
	scripted_expect_line(&sending.scripted, "error cats: boost of 115: it is not known");
	sending_finish(&sending);
}

static void
a_young_reply_goes_again_under_the_same_key(void **state)
{
	(void)state;
	struct past past = {0};
	struct sending sending;
	init(&sending, &past);
	assert_int_equal(sending_stage(&sending, reply_to("115", "hi")), OUTBOX_STAGED);
	struct intent intent = {0};
	char *row_key = xasprintf("cats|reply|status:115|at:%s", sending.account->host);
	assert_true(intent_get(sending.store, row_key, &intent));
	free(row_key);
	sending_restart(&sending);
	sending_run(&sending);
	expect_asked(&sending, "POST /api/v1/statuses\n");
	assert_string_equal(sending.keys[0], intent.idempotency_key);
	assert_string_equal(sending.bodies[0], "{\"in_reply_to_id\":\"115\",\"status\":\"hi\"}");
	intent_finish(&intent);
	sending_finish(&sending);
}

#define OWN_REPLY                                                                                  \
	"[{\"id\":\"7\",\"in_reply_to_id\":null,\"created_at\":\"2099-01-01T00:00:00Z\","          \
	"\"content\":\"<p>hi</p>\"},"                                                              \
	"{\"id\":\"8\",\"in_reply_to_id\":\"115\",\"created_at\":\"2099-01-01T00:00:00Z\","        \
	"\"content\":\"<p>ho</p>\"},"                                                              \
	"{\"id\":\"9\",\"in_reply_to_id\":\"115\",\"created_at\":\"2099-01-01T00:00:00.000Z\","    \
	"\"content\":\"<p><span class=\\\"h-card\\\"><a href=\\\"https://b.example/@bob\\\">"      \
	"@<span>bob</span></a></span> hi<br />you &amp; me</p>\"}]"

static struct action
reply_to_bob(void)
{
	return reply_to("115", "@bob@b.example hi\\nyou & me");
}

static void
a_server_that_forgets_keys_is_searched_first(void **state)
{
	(void)state;
	struct past past = {.statuses = OWN_REPLY};
	struct sending sending;
	init(&sending, &past);
	free(sending.account->version);
	sending.account->version = xstrdup("0.20.0+git-57cb4fe7");
	stage_and_restart(&sending, reply_to_bob());
	sending_run(&sending);
	expect_asked(&sending, "GET /api/v1/accounts/42/statuses?limit=40&exclude_reblogs=true\n");
	expect_outcomes(&sending, "done 200 9\n");
	sending_finish(&sending);
}

static void
an_old_reply_is_searched_and_sent_when_it_is_not_there(void **state)
{
	(void)state;
	struct past past = {.statuses = "[{\"id\":\"9\",\"in_reply_to_id\":\"115\",\"created_at\":"
					"\"2020-01-01T00:00:00Z\",\"content\":\"<p>hi</p>\"}]"};
	struct sending sending;
	init(&sending, &past);
	struct action_source source = sending_source(&sending);
	source.now_ms -= 2 * 3600000;
	assert_int_equal(
		sending_stage_from(&sending, reply_to("115", "hi"), &source), OUTBOX_STAGED);
	sending_restart(&sending);
	sending_run(&sending);
	expect_asked(&sending, "GET /api/v1/accounts/42/statuses?limit=40&exclude_reblogs=true\n"
			       "POST /api/v1/statuses\n");
	expect_outcomes(&sending, "done 200 901\n");
	sending_finish(&sending);
}

static void
the_result_of_another_row_is_not_taken_for_this_one(void **state)
{
	(void)state;
	struct past past = {.statuses = "[{\"id\":\"900\",\"in_reply_to_id\":null,\"created_at\":"
					"\"2099-01-01T00:00:00Z\",\"content\":\"<p>tick</p>\"}]"};
	struct sending sending;
	init(&sending, &past);
	free(sending.account->version);
	sending.account->version = xstrdup("4.2.0 (compatible; Other 1.0)");
	struct action_source source = sending_source(&sending);
	struct action tick = {.kind = ACTION_POST, .body = xstrdup("{\"status\":\"tick\"}")};
	assert_int_equal(sending_stage_from(&sending, tick, &source), OUTBOX_STAGED);
	sending_run(&sending); /* makes 900 */
	source.nth = 1;
	tick = (struct action){.kind = ACTION_POST, .body = xstrdup("{\"status\":\"tick\"}")};
	assert_int_equal(sending_stage_from(&sending, tick, &source), OUTBOX_STAGED);
	sending_restart(&sending);
	sending_run(&sending);
	expect_asked(&sending,
		"POST /api/v1/statuses\n"
		"GET /api/v1/accounts/42/statuses?limit=40&exclude_reblogs=true\n"
		"GET /api/v1/accounts/42/statuses?limit=40&exclude_reblogs=true&max_id=900\n"
		"POST /api/v1/statuses\n");
	sending_finish(&sending);
}

static void
without_our_own_id_an_old_post_stays_unknown(void **state)
{
	(void)state;
	struct past past = {0};
	struct sending sending;
	init(&sending, &past);
	struct action_source source = sending_source(&sending);
	source.now_ms -= 2 * 3600000;
	assert_int_equal(
		sending_stage_from(&sending, reply_to("115", "hi"), &source), OUTBOX_STAGED);
	free(sending.account->id);
	sending.account->id = NULL;
	sending_restart(&sending);
	sending_run(&sending);
	assert_int_equal(sending.count, 0);
	assert_int_equal(strncmp(sending.outcomes.ptr, "unknown 0 ", 10), 0);
	sending_finish(&sending);
}

/* The server keeps the post, and the connection ends before it says so. */
static void
cuts_after_the_commit(struct sending *sending, server_conn conn, unsigned n)
{
	if (n == 0) {
		(void)server_cut(sending->scripted.server, conn, false);
	} else if (n == 1 && sending->scripted.test != NULL) {
		answer_json(sending, conn, 500, "{\"error\":\"An unexpected error occurred\"}");
	} else if (n == 1) {
		answer_json(sending, conn, 200, "{\"id\":\"9\"}");
	} else {
		answer_json(sending, conn, 200, sending->scripted.test);
	}
}

static void
a_cut_connection_is_answered_by_the_same_key(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, cuts_after_the_commit);
	sending.scripted.test = NULL;
	assert_int_equal(sending_stage(&sending, reply_to_bob()), OUTBOX_STAGED);
	sending_run(&sending);
	expect_asked(&sending, "POST /api/v1/statuses\nPOST /api/v1/statuses\n");
	assert_string_equal(sending.keys[0], sending.keys[1]);
	assert_string_equal(sending.bodies[0], sending.bodies[1]);
	assert_non_null(strstr(sending.outcomes.ptr, "done 200 9\n"));
	sending_finish(&sending);
}

static void
a_500_to_a_known_key_is_looked_up(void **state)
{
	(void)state;
	struct sending sending;
	char own[] = OWN_REPLY;
	sending_init(&sending, cuts_after_the_commit);
	sending.scripted.test = own;
	assert_int_equal(sending_stage(&sending, reply_to_bob()), OUTBOX_STAGED);
	sending_run(&sending);
	expect_asked(&sending, "POST /api/v1/statuses\nPOST /api/v1/statuses\n"
			       "GET /api/v1/accounts/42/statuses?limit=40&exclude_reblogs=true\n");
	assert_non_null(strstr(sending.outcomes.ptr, "done 200 9\n"));
	sending_finish(&sending);
}

static void
shows_a_page_then_boosted(struct sending *sending, server_conn conn, unsigned n)
{
	if (n == 0) {
		scripted_answer(&sending->scripted, conn, 200, "text/html",
			"<html><title>Log in to the hotel</title></html>");
	} else {
		answer_json(sending, conn, 200, "{\"id\":\"115\",\"reblogged\":true}");
	}
}

static void
a_page_in_place_of_json_is_no_success(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, shows_a_page_then_boosted);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	sending_run(&sending);
	expect_asked(&sending, "POST /api/v1/statuses/115/reblog\nGET /api/v1/statuses/115\n");
	expect_outcomes(
		&sending, "open 200 200, an HTML page, where JSON was expected\ndone 200 -\n");
	sending_finish(&sending);
}

static void
fails_then_shows(struct sending *sending, server_conn conn, unsigned n)
{
	if (n == 0) {
		answer_json(sending, conn, 503, "{\"error\":\"try again\"}");
	} else {
		answer_json(sending, conn, 200, sending->scripted.test);
	}
}

/* The last attempt ended in a 5xx: one look decides what is written down. */
static void
the_last_failure_is_looked_into(void **state)
{
	(void)state;
	char boosted[] = "{\"id\":\"115\",\"reblogged\":true}";
	char not_boosted[] = "{\"id\":\"115\",\"reblogged\":false}";
	for (int i = 0; i < 2; i++) {
		struct sending sending;
		sending_init(&sending, fails_then_shows);
		sending.scripted.test = i == 0 ? boosted : not_boosted;
		assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
		struct intent spent = {.row = 1, .attempts = OUTBOX_ATTEMPTS_MAX - 1};
		assert_true(store_begin(sending.store));
		intent_update(sending.store, &spent);
		assert_true(store_commit(sending.store));
		sending_run(&sending);
		expect_asked(
			&sending, "POST /api/v1/statuses/115/reblog\nGET /api/v1/statuses/115\n");
		assert_non_null(strstr(sending.outcomes.ptr,
			i == 0 ? "done 200 -\n" : "failed 503 503 \"try again\"\n"));
		sending_finish(&sending);
	}
}

static void
no_secret_reaches_the_file_or_the_log(void **state)
{
	(void)state;
	struct past past = {.status_code = 500};
	struct sending sending;
	init(&sending, &past);
	char path[] = "/tmp/moontusk-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(path), 0);
	store_close(sending.store);
	sending.store = store_open(path, NULL, sending.error);
	assert_non_null(sending.store);
	sending_restart(&sending);
	secrets_add(sending.secrets, "hook", STR("secret-path-of-the-hook"));
	struct action action =
		forward_to(&sending, "/secret-path-of-the-hook", "{\"a\":\"" TOKEN "\"}");
	action.headers = xstrdup("{\"Authorization\":\"Bearer " TOKEN "\"}");
	action.summary = xstrdup("forward to secret-path-of-the-hook");
	assert_int_equal(sending_stage(&sending, action), OUTBOX_STAGED);
	sending_run(&sending);
	outbox_destroy(sending.outbox);
	sending.outbox = NULL;
	store_close(sending.store); /* copies the WAL into the file */
	sending.store = NULL;
	static char bytes[1 << 20];
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, bytes, sizeof(bytes));
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_true(len > 0);
	assert_non_null(memmem(bytes, (size_t)len, "{{secret:hook}}", 15));
	assert_null(memmem(bytes, (size_t)len, "secret-path", 11));
	assert_null(memmem(bytes, (size_t)len, TOKEN, strlen(TOKEN)));
	assert_int_equal(scripted_count_lines(&sending.scripted, "secret-path"), 0);
	assert_int_equal(scripted_count_lines(&sending.scripted, TOKEN), 0);
	sending_finish(&sending);
}

static void
texts_are_compared_as_the_server_shows_them(void **state)
{
	(void)state;
	static const struct {
		const char *source, *visible;
		bool same;
	} cases[] = {
		{"hi  you", "hi\nyou", true},
		{"hi you", "hi you too", false},
		{"", "", true},
		{"", "x", false},
		{"@bob@b.example hi", "@bob hi", true},
		{"@bob hi", "@bob@b.example hi", true},
		{"@bob@b.example hi", "@ben hi", false},
		{"see https://a.example/very/long/path", "see a.example/very/lo…", true},
		{"see https://a.example/x", "see b.example/x", false},
		{"see https://a.example/x", "see …", false},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(
			lookup_same_text(str_from(cases[i].source), str_from(cases[i].visible)),
			cases[i].same);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_boost_that_happened_is_not_sent_again),
		cmocka_unit_test(a_boost_that_did_not_happen_is_sent),
		cmocka_unit_test(each_action_looks_at_its_own_field),
		cmocka_unit_test(a_post_that_is_gone_cannot_be_boosted),
		cmocka_unit_test(what_cannot_be_looked_up_stays_unknown),
		cmocka_unit_test(a_young_reply_goes_again_under_the_same_key),
		cmocka_unit_test(a_server_that_forgets_keys_is_searched_first),
		cmocka_unit_test(an_old_reply_is_searched_and_sent_when_it_is_not_there),
		cmocka_unit_test(the_result_of_another_row_is_not_taken_for_this_one),
		cmocka_unit_test(without_our_own_id_an_old_post_stays_unknown),
		cmocka_unit_test(a_cut_connection_is_answered_by_the_same_key),
		cmocka_unit_test(a_500_to_a_known_key_is_looked_up),
		cmocka_unit_test(a_page_in_place_of_json_is_no_success),
		cmocka_unit_test(the_last_failure_is_looked_into),
		cmocka_unit_test(no_secret_reaches_the_file_or_the_log),
		cmocka_unit_test(texts_are_compared_as_the_server_shows_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
