/* SPDX-License-Identifier: MIT */
/* Tests of what plugins do to accounts, and of reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin_bench.h"

#define HEADER                                                                                     \
	"local tusk = require 'moontusk'\n"                                                        \
	"tusk.plugin { permissions = { 'follow', 'mute', 'block', 'report' } }\n"
#define UPDATE HEADER "tusk.on('update', function(status, event) "
#define END    " end)"

static const char status[] = "{\"id\":\"100\",\"visibility\":\"public\",\"content\":\"<p>x</p>\","
			     "\"account\":{\"id\":\"9\",\"acct\":\"ann@s.example\",\"note\":\"\"},"
			     "\"reblog\":null}";

static int
set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	bench_init(bench);
	bench->config.as_declared = true;
	*state = bench;
	return 0;
}

static void
run(struct bench *bench, const char *source)
{
	bench_must_load(bench, source);
	if (bench_deliver(bench, bench_update(bench, status)) != 1)
		fail_msg("%s", bench->error.text);
}

static void
expect(struct bench *bench, size_t i, enum action_kind kind, const char *body, const char *summary)
{
	const struct action *action = &bench_effect(bench, i, EFFECT_ACTION)->action;
	assert_int_equal(action->kind, kind);
	assert_string_equal(action->target_author, "9");
	if (body)
		assert_string_equal(action->body, body);
	else
		assert_null(action->body);
	assert_string_equal(action->summary, summary);
}

static void
acts_on_accounts(void **state)
{
	struct bench *bench = *state;
	run(bench, UPDATE
		"local who = status.account\n"
		"local handle = who:follow()\n"
		"assert(handle.action == 'follow' and handle.target == '9')\n"
		"who:follow { reblogs = false, notify = true, languages = { 'de' }, key = 'x' }\n"
		"who:unfollow() who:mute { duration = '1h', notifications = false, at_most = { 2, per = '1h' } }\n"
		"who:unmute() who:block() who:unblock() who:mute { duration = 90 }" END);
	assert_int_equal(bench->effects.count, 8);
	expect(bench, 0, ACTION_FOLLOW, NULL, "follow of @ann@s.example");
	expect(bench, 1, ACTION_FOLLOW,
		"{\"languages\":[\"de\"],\"notify\":true,\"reblogs\":false}",
		"follow of @ann@s.example");
	assert_string_equal(bench->effects.list[1].action.key, "x");
	expect(bench, 2, ACTION_UNFOLLOW, NULL, "unfollow of @ann@s.example");
	expect(bench, 3, ACTION_MUTE, "{\"duration\":3600,\"notifications\":false}",
		"mute of @ann@s.example");
	assert_int_equal(bench->effects.list[3].action.at_most, 2);
	expect(bench, 4, ACTION_UNMUTE, NULL, "unmute of @ann@s.example");
	expect(bench, 5, ACTION_BLOCK, NULL, "block of @ann@s.example");
	expect(bench, 6, ACTION_UNBLOCK, NULL, "unblock of @ann@s.example");
	expect(bench, 7, ACTION_MUTE, "{\"duration\":90}", "mute of @ann@s.example");
	assert_string_equal(bench->effects.list[7].action.target, "9");
}

static void
reports_posts_and_accounts(void **state)
{
	struct bench *bench = *state;
	run(bench, UPDATE
		"status:report()\n"
		"status:report { comment = 'a link that many post', category = 'spam', forward = true, key = 'k' }\n"
		"status:report { rules = { 3, '4', { id = '5' } } }\n"
		"status.account:report { statuses = { status, '101' }, comment = 'five links' }\n"
		"status.account:report()" END);
	assert_int_equal(bench->effects.count, 5);
	expect(bench, 0, ACTION_REPORT, "{\"account_id\":\"9\",\"status_ids\":[\"100\"]}",
		"report of @ann@s.example");
	assert_string_equal(bench->effects.list[0].action.target, "100");
	expect(bench, 1, ACTION_REPORT,
		"{\"account_id\":\"9\",\"category\":\"spam\",\"comment\":\"a link that many post\","
		"\"forward\":true,\"status_ids\":[\"100\"]}",
		"report of @ann@s.example: \"a link that many post\"");
	assert_string_equal(bench->effects.list[1].action.key, "k");
	expect(bench, 2, ACTION_REPORT,
		"{\"account_id\":\"9\",\"category\":\"violation\",\"rule_ids\":[\"3\",\"4\",\"5\"],"
		"\"status_ids\":[\"100\"]}",
		"report of @ann@s.example");
	expect(bench, 3, ACTION_REPORT,
		"{\"account_id\":\"9\",\"comment\":\"five links\",\"status_ids\":[\"100\",\"101\"]}",
		"report of @ann@s.example: \"five links\"");
	assert_string_equal(bench->effects.list[3].action.target, "9");
	expect(bench, 4, ACTION_REPORT, "{\"account_id\":\"9\"}", "report of @ann@s.example");
}

static void
accounts_of_filled_tables_act_too(void **state)
{
	struct bench *bench = *state;
	run(bench, UPDATE
		"for _ in pairs(status) do end\n"
		"for _ in pairs(status.account) do end\n"
		"status.account:mute() assert(status.account.boost == nil and status.mute == nil)" END);
	expect(bench, 0, ACTION_MUTE, NULL, "mute of @ann@s.example");
	bench_run(bench,
		HEADER
		"tusk.on('notification', function(n) n.account:follow() n.report.target_account:mute() end)",
		"{\"kind\":\"notification\",\"stream\":[\"user\"],\"payload\":{\"id\":\"1\",\"type\":\"admin.report\","
		"\"account\":{\"id\":\"9\",\"acct\":\"a\"},\"report\":{\"id\":\"2\",\"target_account\":{\"id\":\"8\","
		"\"acct\":\"b\"}}}}");
	assert_string_equal(bench->effects.list[1].action.target, "8");
}

static void
says_what_is_wrong(void **state)
{
	static const struct {
		const char *call, *words;
	} cases[] = {
		{"status.account.mute()",
			"mute: found nil, expected an account; write account:mute(...) with a colon"},
		{"status.account:mute { duraton = '1h' }",
			"unknown field \"duraton\"; did you mean \"duration\"?"},
		{"status.account:mute { duration = 'soon' }",
			"mute: duration: found \"soon\", expected a time such as"},
		{"status.account:mute { duration = -1 }", "mute: duration: found -1"},
		{"status:report { category = 'spma' }", "did you mean \"spam\"?"},
		{"status:report { category = 'spam', rules = { 1 } }",
			"rules go with the category \"violation\""},
		{"status:report { rules = {} }", "rules: found an empty list"},
		{"status:report { rules = { 1.5 } }",
			"rules[1]: found 1.5, expected the id of a rule"},
		{"status:report { comment = ('x'):rep(1001) }",
			"comment: found 1001 characters, servers take 1000"},
		{"status:report { comment = '\\xff' }", "not valid UTF-8"},
		{"status:report { statuses = {} }", "unknown field \"statuses\""},
		{"status.account:report { statuses = { 7 } }",
			"statuses[1]: found 7, expected a status or its id"},
		{"status.account:report { statuses = { table.unpack(setmetatable({}, { __index = function() return '1' end }), 1, 101) } }",
			"found 101 statuses, at most 100"},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char source[600];
		snprintf(source, sizeof(source), UPDATE "%s" END, cases[i].call);
		bench_must_load(bench, source);
		assert_int_equal(bench_deliver(bench, bench_update(bench, status)), -1);
		bench_assert_contains(bench->error.text, cases[i].words);
	}
}

static void
each_needs_its_permission(void **state)
{
	static const struct {
		const char *call, *permission;
	} cases[] = {
		{"status.account:follow()", "follow"},
		{"status.account:unfollow()", "follow"},
		{"status.account:mute()", "mute"},
		{"status.account:unmute()", "mute"},
		{"status.account:block()", "block"},
		{"status.account:unblock()", "block"},
		{"status.account:report()", "report"},
		{"status:report()", "report"},
	};
	struct bench *bench = *state;
	bench->config.as_declared = false;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char source[300], words[200], allow[60];
		snprintf(source, sizeof(source), UPDATE "%s" END, cases[i].call);
		snprintf(words, sizeof(words), "needs the permission \"%s\"", cases[i].permission);
		bench->config.allow = STR_NONE;
		bench_must_load(bench, source);
		assert_int_equal(bench_deliver(bench, bench_update(bench, status)), -1);
		bench_assert_contains(bench->error.text, words);
		snprintf(allow, sizeof(allow), "[\"%s\"]", cases[i].permission);
		bench->config.allow = str_from(allow);
		run(bench, source);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(acts_on_accounts),
		T(reports_posts_and_accounts),
		T(accounts_of_filled_tables_act_too),
		T(says_what_is_wrong),
		T(each_needs_its_permission),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
