/* SPDX-License-Identifier: MIT */
/* What the outbox takes, when it sends, and how it deals with refusals. */
#include "sending.h"

static void
says_done(struct sending *sending, server_conn conn, unsigned n)
{
	char body[64];
	(void)snprintf(body, sizeof(body), "{\"id\":\"%u\"}", 900 + n);
	answer_json(sending, conn, 200, body);
}

static void
sends_after_the_commit_and_keeps_the_id_of_what_was_made(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	assert_int_equal(outbox_pending(sending.outbox), 1);
	assert_int_equal(sending.count, 0);
	sending_run(&sending);
	expect_asked(&sending, "POST /api/v1/statuses/115/reblog\n");
	expect_outcomes(&sending, "done 200 900\n");
	assert_int_equal(sending.scripted.lines.len, 0); /* a success needs no line */
	sending_restart(&sending);
	sending_run(&sending);
	assert_int_equal(sending.count, 1);
	sending_finish(&sending);
}

static bool
never(void *data)
{
	(void)data;
	return false;
}

static void
sends_nothing_of_a_transaction_that_was_dropped(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	struct action_source source = sending_source(&sending);
	struct action action = boost_of("115");
	assert_true(store_begin(sending.store));
	assert_int_equal(outbox_stage(sending.outbox, &action, &source), OUTBOX_STAGED);
	store_rollback(sending.store);
	assert_false(scripted_run(&sending.scripted, never, NULL, 2000));
	assert_int_equal(sending.count, 0);
	action_finish(&action);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	sending_run(&sending);
	assert_int_equal(sending.count, 1);
	sending_finish(&sending);
}

static void
does_nothing_twice_to_one_post(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	sending_run(&sending);
	struct action_source source = sending_source(&sending);
	source.event_key = "notification:7";
	assert_int_equal(sending_stage_from(&sending, boost_of("115"), &source), OUTBOX_DUPLICATE);
	assert_int_equal(
		sending_stage_from(&sending, reply_to("115", "hi"), &source), OUTBOX_STAGED);
	assert_int_equal(
		sending_stage_from(&sending, reply_to("115", "ho"), &source), OUTBOX_DUPLICATE);
	struct action named = reply_to("115", "part 2");
	named.key = xstrdup("part 2");
	assert_int_equal(sending_stage_from(&sending, named, &source), OUTBOX_STAGED);
	source.instance = "dogs";
	assert_int_equal(sending_stage_from(&sending, boost_of("115"), &source), OUTBOX_STAGED);
	sending_run(&sending);
	assert_int_equal(sending.count, 4);
	sending_finish(&sending);
}

static void
never_acts_on_its_own_posts(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	struct action action = boost_of("115");
	action.target_author = xstrdup("42");
	assert_int_equal(sending_stage(&sending, action), OUTBOX_OWN_POST);
	action = reply_to("115", "hi");
	action.target_author = xstrdup("42");
	assert_int_equal(sending_stage(&sending, action), OUTBOX_OWN_POST);
	action = boost_of("115");
	action.target_author = xstrdup("43");
	assert_int_equal(sending_stage(&sending, action), OUTBOX_STAGED);
	sending_finish(&sending);
}

static void
refuses_what_it_cannot_send(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	struct action_source source = sending_source(&sending);
	source.account = NULL;
	assert_int_equal(sending_stage_from(&sending, boost_of("115"), &source), OUTBOX_BAD);
	assert_int_equal(sending_stage(&sending, boost_of(NULL)), OUTBOX_BAD);
	assert_int_equal(outbox_pending(sending.outbox), 0);
	sending_finish(&sending);
}

static void
at_most_counts_in_a_rolling_window(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	struct action_source source = sending_source(&sending);
	const int64_t start_ms = source.now_ms;
	const char *ids[] = {"1", "2", "3", "4", "1"};
	const int64_t at[] = {0, 30, 59, 61, 61};
	const enum outbox_verdict verdicts[] = {
		OUTBOX_STAGED, OUTBOX_STAGED, OUTBOX_OVER, OUTBOX_STAGED, OUTBOX_DUPLICATE};
	for (unsigned i = 0; i < COUNT_OF(ids); i++) {
		struct action action = boost_of(ids[i]);
		action.at_most = 2;
		action.per_ms = 60000;
		source.now_ms = start_ms + at[i] * 1000;
		assert_int_equal(sending_stage_from(&sending, action, &source), verdicts[i]);
	}
	sending_finish(&sending);
}

static void
sends_the_rows_of_a_lane_in_order_and_more_than_a_page(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	struct buf wanted;
	buf_init(&wanted, 1 << 16);
	for (unsigned i = 0; i < OUTBOX_LANE_LOAD_MAX + 8; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "%u", 1000 + i);
		assert_int_equal(sending_stage(&sending, boost_of(id)), OUTBOX_STAGED);
		(void)buf_printf(&wanted, "POST /api/v1/statuses/%s/reblog\n", id);
	}
	sending_run(&sending);
	expect_asked(&sending, wanted.ptr);
	buf_finish(&wanted);
	sending_finish(&sending);
}

static void
says_what_is_wrong(struct sending *sending, server_conn conn, unsigned n)
{
	if (n == 0) {
		answer_json(sending, conn, 422,
			"{\"error\":\"Validation failed: too long, says " TOKEN "\"}");
	} else {
		says_done(sending, conn, n);
	}
}

static void
a_refusal_fails_with_the_words_of_the_server(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_what_is_wrong);
	struct action action = reply_to("115", "hi");
	action.summary = xstrdup("reply to @a@b");
	assert_int_equal(sending_stage(&sending, action), OUTBOX_STAGED);
	assert_int_equal(sending_stage(&sending, boost_of("116")), OUTBOX_STAGED);
	sending_run(&sending);
	expect_outcomes(&sending, "failed 422 422 \"Validation failed: too long, says ***\"\n"
				  "done 200 901\n");
	scripted_expect_line(&sending.scripted, "warn cats: reply to @a@b failed: 127.0.0.1:");
	scripted_expect_line(&sending.scripted, "422 \"Validation failed: too long");
	/* It happened not: the same reply may not be asked for again, but it counts for no limit. */
	assert_int_equal(sending_stage(&sending, reply_to("115", "hi")), OUTBOX_DUPLICATE);
	sending_finish(&sending);
}

static void
says_wait(struct sending *sending, server_conn conn, unsigned n)
{
	if (n > 0) {
		says_done(sending, conn, n);
		return;
	}
	struct buf reset;
	buf_init(&reset, 64);
	time_format(&reset, sending->at_ms[0] + 20000);
	struct http_header headers[] = {{"Content-Type", JSON}, {"X-RateLimit-Reset", reset.ptr}};
	(void)server_respond(sending->scripted.server, conn, 429, headers, 2,
		STR("{\"error\":\"Too many requests\"}"), false);
	buf_finish(&reset);
}

static void
waits_until_the_reset_of_a_429(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_wait);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	sending_run(&sending);
	expect_outcomes(&sending, "open 429 429 \"Too many requests\"\ndone 200 901\n");
	/* Nothing was done: no look is needed before it is sent again. */
	expect_asked(
		&sending, "POST /api/v1/statuses/115/reblog\nPOST /api/v1/statuses/115/reblog\n");
	int64_t waited_ms = sending.at_ms[1] - sending.at_ms[0];
	assert_in_range(waited_ms, 19000, 40000);
	scripted_expect_line(&sending.scripted, "trying again in ");
	sending_finish(&sending);
}

static void
a_429_holds_for_the_whole_account_and_for_nobody_else(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_wait);
	assert_int_equal(sending_stage(&sending, boost_of("1")), OUTBOX_STAGED);
	assert_false(scripted_run(&sending.scripted, never, NULL, 3000));
	assert_int_equal(sending.count, 1);
	struct action_source source = sending_source(&sending);
	source.instance = "dogs";
	assert_int_equal(sending_stage_from(&sending, boost_of("2"), &source), OUTBOX_STAGED);
	source.instance = "birds"; /* a lane of its own */
	assert_int_equal(sending_stage_from(&sending, forward_to(&sending, "/hook", "{}"), &source),
		OUTBOX_STAGED);
	sending_run(&sending);
	assert_int_equal(sending.count, 4);
	assert_non_null(strstr(sending.asked.ptr, "reblog\nPOST /hook\nPOST /api/v1/statuses/"));
	assert_true(sending.at_ms[1] - sending.at_ms[0] < 15000);
	assert_true(sending.at_ms[2] - sending.at_ms[0] >= 19000);
	assert_true(sending.at_ms[3] - sending.at_ms[0] >= 19000);
	sending_finish(&sending);
}

static void
says_sorry_twice(struct sending *sending, server_conn conn, unsigned n)
{
	if (n < 2) {
		scripted_answer(&sending->scripted, conn, n == 0 ? 500 : 502, "text/html",
			"<!DOCTYPE html><title>Sorry</title>");
	} else {
		says_done(sending, conn, n);
	}
}

static void
a_webhook_that_is_ill_is_asked_again_more_slowly(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_sorry_twice);
	assert_int_equal(sending_stage(&sending, forward_to(&sending, "/hook?a=b", "{\"x\":1}")),
		OUTBOX_STAGED);
	sending_run(&sending);
	expect_asked(&sending, "POST /hook?a=b\nPOST /hook?a=b\nPOST /hook?a=b\n");
	expect_outcomes(
		&sending, "open 500 500, an HTML page\nopen 502 502, an HTML page\ndone 200 -\n");
	assert_non_null(sending.keys[0]);
	assert_string_equal(sending.keys[0], sending.keys[1]);
	assert_string_equal(sending.keys[0], sending.keys[2]);
	assert_string_equal(sending.bodies[2], "{\"x\":1}");
	assert_true(sending.at_ms[1] - sending.at_ms[0] >= OUTBOX_RETRY_BASE_MS / 2);
	sending_finish(&sending);
}

static void
says_sorry(struct sending *sending, server_conn conn, unsigned n)
{
	(void)n;
	scripted_answer(&sending->scripted, conn, 500, "text/plain", "out of order");
}

static void
gives_up_when_the_attempts_are_used_up(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_sorry);
	assert_int_equal(
		sending_stage(&sending, forward_to(&sending, "/hook", "{}")), OUTBOX_STAGED);
	struct intent intent = {0};
	assert_true(store_begin(sending.store));
	/* As if all attempts but one had been made before. */
	intent.row = 1;
	intent.attempts = OUTBOX_ATTEMPTS_MAX - 1;
	intent_update(sending.store, &intent);
	assert_true(store_commit(sending.store));
	sending_run(&sending);
	expect_outcomes(&sending, "failed 500 500 \"out of order\"\n");
	assert_int_equal(sending.count, 1);
	sending_finish(&sending);
}

static void
waits_for_a_server_that_is_away(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	struct action action = forward_to(&sending, "/", "{}");
	free(action.url);
	action.url = xstrdup("http://127.0.0.1:1/hook"); /* nobody listens there */
	assert_int_equal(sending_stage(&sending, action), OUTBOX_STAGED);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	assert_false(scripted_run(&sending.scripted, never, NULL, 12000));
	assert_int_equal(outbox_pending(sending.outbox), 1);
	assert_int_equal(sending.count, 1); /* the other server is not held up */
	unsigned tries = scripted_count_lines(&sending.scripted, "trying again in ");
	assert_in_range(tries, 2, 8);
	sending_finish(&sending);
}

static void
says_moved(struct sending *sending, server_conn conn, unsigned n)
{
	(void)n;
	struct http_header headers[] = {{"Location", "https://elsewhere.example/hook"}};
	(void)server_respond(sending->scripted.server, conn, 301, headers, 1, STR(""), false);
}

static void
follows_no_redirect_and_says_where_it_points(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_moved);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	sending_run(&sending);
	assert_non_null(strstr(sending.outcomes.ptr, "https://elsewhere.example/hook"));
	assert_int_equal(sending.count, 1);
	sending_finish(&sending);
}

static void
an_account_that_is_gone_fails_its_actions(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	sending.account_is_gone = true;
	sending_run(&sending);
	expect_outcomes(&sending, "failed 0 account \"bot\" is not in the config any more\n");
	assert_int_equal(sending.count, 0);
	sending_finish(&sending);
}

static void
a_dry_run_sends_nothing_and_is_not_in_the_way_later(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	sending.dry_run = true;
	sending_restart(&sending);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	expect_outcomes(&sending, "dry 0 -\n");
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_DUPLICATE);
	outbox_flush(sending.outbox);
	assert_int_equal(outbox_pending(sending.outbox), 0);
	sending.dry_run = false;
	sending_restart(&sending);
	sending_run(&sending);
	assert_int_equal(sending.count, 0);
	assert_int_equal(sending_stage(&sending, boost_of("115")), OUTBOX_STAGED);
	sending_run(&sending);
	assert_int_equal(sending.count, 1);
	sending_finish(&sending);
}

static void
secrets_are_put_in_when_it_is_sent(void **state)
{
	(void)state;
	struct sending sending;
	sending_init(&sending, says_done);
	secrets_add(sending.secrets, "hook", STR("secret-path-of-the-hook"));
	struct action action =
		forward_to(&sending, "/in/secret-path-of-the-hook", "{\"t\":\"" TOKEN "\"}");
	action.headers = xstrdup("{\"X-Key\":\"secret-path-of-the-hook\"}");
	assert_int_equal(sending_stage(&sending, action), OUTBOX_STAGED);
	struct intent intent = {0};
	assert_true(intent_get(sending.store, "cats|forward|event:update:115|0", &intent));
	assert_null(strstr(intent.url, "secret-path"));
	assert_null(strstr(intent.headers, "secret-path"));
	assert_null(strstr(intent.body, TOKEN));
	intent_finish(&intent);
	sending_run(&sending);
	expect_asked(&sending, "POST /in/secret-path-of-the-hook\n");
	assert_string_equal(sending.bodies[0], "{\"t\":\"" TOKEN "\"}");
	sending_finish(&sending);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_after_the_commit_and_keeps_the_id_of_what_was_made),
		cmocka_unit_test(sends_nothing_of_a_transaction_that_was_dropped),
		cmocka_unit_test(does_nothing_twice_to_one_post),
		cmocka_unit_test(never_acts_on_its_own_posts),
		cmocka_unit_test(refuses_what_it_cannot_send),
		cmocka_unit_test(at_most_counts_in_a_rolling_window),
		cmocka_unit_test(sends_the_rows_of_a_lane_in_order_and_more_than_a_page),
		cmocka_unit_test(a_refusal_fails_with_the_words_of_the_server),
		cmocka_unit_test(waits_until_the_reset_of_a_429),
		cmocka_unit_test(a_429_holds_for_the_whole_account_and_for_nobody_else),
		cmocka_unit_test(a_webhook_that_is_ill_is_asked_again_more_slowly),
		cmocka_unit_test(gives_up_when_the_attempts_are_used_up),
		cmocka_unit_test(waits_for_a_server_that_is_away),
		cmocka_unit_test(follows_no_redirect_and_says_where_it_points),
		cmocka_unit_test(an_account_that_is_gone_fails_its_actions),
		cmocka_unit_test(a_dry_run_sends_nothing_and_is_not_in_the_way_later),
		cmocka_unit_test(secrets_are_put_in_when_it_is_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
