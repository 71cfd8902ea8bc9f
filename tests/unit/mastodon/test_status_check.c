/* SPDX-License-Identifier: MIT */
/* Tests of asking which posts a server still shows, against a server on loopback. */
#include "status_check.h"

#include "scripted.h"
#include "xmalloc.h"

#define JSON "application/json; charset=utf-8"

struct fixture {
	struct scripted scripted;
	struct secrets *secrets;
	struct account *account;
	struct json_parser *parser;
	struct rng rng;
	struct status_check *check;
	const char *there;    /* " 1 2 ": ids that the server has */
	bool knows_lists;     /* GET /api/v1/statuses?id[]= works; else 404 */
	bool lists_are_empty; /* it answers [] to all */
	unsigned troubles;    /* answers of 503 to come */
	int refuses;          /* a status for everything; 0: none */
	const char *page;     /* its body; NULL: JSON */
	unsigned requests;
	struct buf asked;  /* paths with query, a line each */
	struct buf answer; /* "ID gone\n" */
	unsigned verdicts, wanted;
};

static bool
has(const struct fixture *fixture, struct str id)
{
	char *text = xasprintf(" %.*s ", STR_ARG(id));
	bool found = strstr(fixture->there, text) != NULL;
	free(text);
	return found;
}

static void
answer_list(struct fixture *fixture, server_conn conn, const char *query)
{
	struct buf body;
	buf_init(&body, 10000);
	(void)buf_add_char(&body, '[');
	for (const char *at = query; (at = strstr(at, "id[]=")) != NULL; at += 5) {
		if (at != query && at[-1] != '&')
			continue; /* ids[] */
		struct str id = {at + 5, strcspn(at + 5, "&")};
		if (!fixture->lists_are_empty && has(fixture, id))
			(void)buf_printf(
				&body, "%s{\"id\":\"%.*s\"}", body.len > 1 ? "," : "", STR_ARG(id));
	}
	(void)buf_add_char(&body, ']');
	scripted_answer(&fixture->scripted, conn, 200, JSON, body.ptr);
	buf_finish(&body);
}

static void
on_request(void *data, server_conn conn, const struct server_request *request)
{
	struct fixture *fixture = data;
	struct str path = request->path;
	char *query = request->query.ptr != NULL ? str_dup(request->query) : xstrdup("");
	fixture->requests++;
	(void)buf_printf(&fixture->asked, "%.*s?%s\n", STR_ARG(path), query);
	assert_string_equal(scripted_header(request, "authorization"), "Bearer test-token-1");
	if (fixture->refuses != 0) {
		scripted_answer(&fixture->scripted, conn, fixture->refuses, JSON,
			fixture->page != NULL ? fixture->page : "{}");
	} else if (fixture->troubles > 0) {
		fixture->troubles--;
		scripted_answer(&fixture->scripted, conn, 503, "text/html", "<html>");
	} else if (str_eq(path, STR("/api/v1/statuses"))) {
		if (fixture->knows_lists)
			answer_list(fixture, conn, query);
		else
			scripted_answer(&fixture->scripted, conn, 404, JSON, "{\"error\":\"x\"}");
	} else {
		struct str id = {path.ptr + strlen("/api/v1/statuses/"),
			path.len - strlen("/api/v1/statuses/")};
		bool found = has(fixture, id);
		scripted_answer(&fixture->scripted, conn, found ? 200 : 404, JSON,
			found ? "{\"id\":\"7\"}" : "{\"error\":\"Record not found\"}");
	}
	free(query);
}

static void
on_verdict(void *data, const char *id, enum status_verdict verdict)
{
	static const char *const words[] = {"gone", "there", "unknown"};
	struct fixture *fixture = data;
	(void)buf_printf(&fixture->answer, "%s %s\n", id, words[verdict]);
	fixture->verdicts++;
}

static bool
is_done(void *data)
{
	const struct fixture *fixture = data;
	return fixture->verdicts >= fixture->wanted;
}

static void
setup_as(struct fixture *fixture, bool strict)
{
	static const struct server_events events = {.on_request = on_request};
	char error[MESSAGE_MAX];
	*fixture = (struct fixture){.there = " ", .knows_lists = true};
	buf_init(&fixture->asked, 100000);
	buf_init(&fixture->answer, 100000);
	/* Waits of seconds take milliseconds. */
	scripted_init(&fixture->scripted, &events, fixture);
	fixture->secrets = secrets_create();
	struct account_config about = {
		.name = "bot", .server = fixture->scripted.origin, .token = "test-token-1"};
	fixture->account = account_create(&about, fixture->secrets, error);
	assert_non_null(fixture->account);
	fixture->parser = json_parser_create();
	rng_seed(&fixture->rng, 1);
	struct status_check_config config = {
		.loop = fixture->scripted.loop,
		.http = fixture->scripted.http,
		.parser = fixture->parser,
		.log = fixture->scripted.log,
		.rng = &fixture->rng,
		.account = fixture->account,
		.strict = strict,
		.on_verdict = on_verdict,
		.data = fixture,
	};
	fixture->check = status_check_create(&config);
}

static void
setup(struct fixture *fixture)
{
	setup_as(fixture, false);
}

static void
teardown(struct fixture *fixture)
{
	status_check_destroy(fixture->check);
	json_parser_destroy(fixture->parser);
	account_destroy(fixture->account);
	secrets_destroy(fixture->secrets);
	scripted_finish(&fixture->scripted);
	buf_finish(&fixture->asked);
	buf_finish(&fixture->answer);
}

static void
ask(struct fixture *fixture, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "%u", i);
		status_check_add(fixture->check, str_from(id));
		status_check_add(fixture->check, str_from(id));
	}
	fixture->wanted += to - from + 1;
	assert_true(scripted_run(&fixture->scripted, is_done, fixture, 600000));
}

static void
expect(const struct fixture *fixture, const char *line)
{
	if (strstr(fixture->answer.ptr, line) == NULL)
		fail_msg("no %s in %s", line, fixture->answer.ptr);
}

static void
test_one_post_is_asked_for_by_its_address(void **state)
{
	struct fixture fixture;
	(void)state;
	setup(&fixture);
	ask(&fixture, 7, 7);
	assert_string_equal(fixture.answer.ptr, "7 gone\n");
	assert_string_equal(fixture.asked.ptr, "/api/v1/statuses/7?\n");
	teardown(&fixture);
}

static void
test_many_are_asked_for_in_batches_of_twenty(void **state)
{
	struct fixture fixture;
	(void)state;
	setup(&fixture);
	fixture.there = " 3 25 ";
	ask(&fixture, 1, 30);
	assert_int_equal(fixture.verdicts, 30);
	expect(&fixture, "3 there\n");
	expect(&fixture, "\n25 there\n");
	expect(&fixture, "\n26 gone\n");
	/* A list of 20, one alone to see that lists can be trusted, then lists. */
	assert_true(fixture.requests <= 5);
	teardown(&fixture);
}

static void
test_a_server_without_lists_is_asked_one_by_one(void **state)
{
	struct fixture fixture;
	(void)state;
	setup(&fixture);
	fixture.knows_lists = false;
	fixture.there = " 2 ";
	ask(&fixture, 1, 3);
	assert_string_equal(fixture.answer.ptr, "1 gone\n2 there\n3 gone\n");
	assert_int_equal(fixture.requests, 4);
	teardown(&fixture);
}

static void
test_a_list_that_leaves_out_what_is_there_is_not_trusted(void **state)
{
	struct fixture fixture;
	(void)state;
	setup(&fixture);
	fixture.lists_are_empty = true;
	fixture.there = " 1 2 3 ";
	ask(&fixture, 1, 4);
	assert_string_equal(fixture.answer.ptr, "1 there\n2 there\n3 there\n4 gone\n");
	teardown(&fixture);
}

static void
test_trouble_is_no_verdict(void **state)
{
	struct fixture fixture;
	(void)state;
	setup(&fixture);
	fixture.troubles = 4;
	fixture.there = " 1 ";
	ask(&fixture, 1, 2);
	expect(&fixture, "1 there\n");
	expect(&fixture, "2 gone\n");
	teardown(&fixture);
}

static void
test_a_bad_token_gives_no_verdict_and_is_not_tried_again(void **state)
{
	struct fixture fixture;
	(void)state;
	setup(&fixture);
	fixture.refuses = 401;
	ask(&fixture, 1, 3);
	assert_string_equal(fixture.answer.ptr, "1 unknown\n2 unknown\n3 unknown\n");
	assert_int_equal(fixture.requests, 1);
	teardown(&fixture);
}

static void
test_a_page_in_place_of_an_answer_deletes_nothing_where_it_matters(void **state)
{
	(void)state;
	for (unsigned strict = 0; strict < 2; strict++) {
		struct fixture fixture;
		setup_as(&fixture, strict);
		fixture.refuses = 404;
		fixture.page = "<html>nothing here";
		ask(&fixture, 1, 3);
		expect(&fixture, strict ? "1 unknown\n" : "1 gone\n");
		expect(&fixture, strict ? "3 unknown\n" : "3 gone\n");
		assert_true(status_check_one_by_one(fixture.check));
		fixture.page = "{\"error\":\"Record not found\"}";
		ask(&fixture, 4, 4);
		expect(&fixture, "4 gone\n");
		teardown(&fixture);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_post_is_asked_for_by_its_address),
		cmocka_unit_test(test_many_are_asked_for_in_batches_of_twenty),
		cmocka_unit_test(test_a_server_without_lists_is_asked_one_by_one),
		cmocka_unit_test(test_a_list_that_leaves_out_what_is_there_is_not_trusted),
		cmocka_unit_test(test_trouble_is_no_verdict),
		cmocka_unit_test(
			test_a_page_in_place_of_an_answer_deletes_nothing_where_it_matters),
		cmocka_unit_test(test_a_bad_token_gives_no_verdict_and_is_not_tried_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
