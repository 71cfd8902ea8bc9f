/* SPDX-License-Identifier: MIT */
/* Tests of tusk.count, distinct, peek and once as handlers see them. */
#include "windows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin_bench.h"

#define TUSK   "local tusk = require 'moontusk'\n"
#define UPDATE TUSK "tusk.on('update', function(status, event) "
#define END    " end)\n"

/* What the host does with the effects of a call that ended. */
static void
apply(struct bench *bench)
{
	char message[MESSAGE_MAX];
	for (size_t i = 0; i < bench->effects.count; i++) {
		const struct effect *effect = &bench->effects.list[i];
		struct window_ask ask = {
			.kind = effect->window,
			.key = {effect->name, effect->name_len},
			.value = {effect->json, effect->json_len},
			.at_ms = effect->at_ms,
			.within_ms = effect->within_ms,
			.amount = effect->amount,
			.event = effect->event_number,
		};
		if (effect->type == EFFECT_WINDOW)
			assert_false(windows_add(bench->config.windows, NULL, &ask, message));
	}
}

/* An update that came `minutes` after noon. Returns whether the handlers ended well. */
static bool
deliver(struct bench *bench, const char *kind, int id, int minutes, const char *who)
{
	char line[512];
	snprintf(line, sizeof(line),
		"{\"kind\":\"%s\",\"stream\":[\"public\"],\"received_at\":\"2025-11-20T%02d:%02d:00.000Z\",\"payload\":"
		"{\"id\":\"%d\",\"content\":\"x\",\"edited_at\":\"2025-11-20T%02d:%02d:00.000Z\",\"account\":{\"acct\":\"%s\"}}}",
		kind, 12 + minutes / 60, minutes % 60, id, 12 + minutes / 60, minutes % 60, who);
	bool good = bench_deliver(bench, bench_event(bench, line)) >= 0;
	if (good)
		apply(bench);
	return good;
}

/* The log writes a tab as \t. */
static void
logged(struct bench *bench, const char *expected)
{
	char found[2048] = "";
	const char *at = bench->lines.ptr;
	while (at && (at = strstr(at, "info cats "))) {
		at += strlen("info cats ");
		size_t len = strcspn(at, "\n"), used = strlen(found);
		snprintf(found + used, sizeof(found) - used, "%.*s|", (int)len, at);
	}
	assert_string_equal(found, expected);
	buf_clear(&bench->lines);
}

static void
counts_over_event_time(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, UPDATE "print((tusk.count('all', { within = '10m' })))" END);
	const int minutes[] = {0, 3, 6, 9, 11};
	for (int i = 0; i < 5; i++)
		assert_true(deliver(bench, "update", i, minutes[i], "ann"));
	logged(bench, "1|2|3|4|4|");
}

static void
counts_an_event_once_for_all_its_handlers(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, UPDATE
		"print((tusk.count('all', { within = '10m' }))) print((tusk.count('all', { within = '10m' })))" END
		"tusk.on('update', function() print((tusk.count('all', { within = '10m' }))) end)");
	assert_true(deliver(bench, "update", 1, 0, "ann"));
	logged(bench, "1|1|1|");
	assert_true(
		deliver(bench, "update", 1, 0, "ann")); /* the same one again, as after a crash */
	logged(bench, "1|1|1|");
	assert_true(deliver(bench, "update", 2, 0, "ann"));
	logged(bench, "2|2|2|");
}

static void
an_edit_is_an_event_of_its_own(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"tusk.on('status', function(status)\n"
		"print((tusk.count('n', { within = '10m' })), (tusk.distinct('posts', status.id, { within = '10m' }))) end)");
	assert_true(deliver(bench, "update", 1, 0, "ann"));
	assert_true(deliver(bench, "status.update", 1, 1, "ann"));
	assert_true(deliver(bench, "status.update", 1, 2, "ann"));
	logged(bench, "1\\t1|2\\t1|3\\t1|");
}

static void
counts_different_values(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, UPDATE
		"print((tusk.distinct('who', status.account.acct, { within = '10m' })))" END);
	const char *who[] = {"ann", "bob", "ann", "carl", "ann"};
	const int minutes[] = {0, 3, 6, 11, 14};
	for (int i = 0; i < 5; i++)
		assert_true(deliver(bench, "update", i, minutes[i], who[i]));
	logged(bench, "1|2|2|3|2|");
}

static void
several_values_in_one_handler_count_together(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, UPDATE
		"local n for _, tag in ipairs { 'a', 'b', 'a', status.id } do n = tusk.distinct('tags', tag, { within = '10m' }) end\n"
		"print(n)" END);
	assert_true(deliver(bench, "update", 1, 0, "ann"));
	assert_true(deliver(bench, "update", 2, 1, "ann"));
	logged(bench, "3|4|");
}

static void
adds_more_than_one_with_by(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, UPDATE
		"print((tusk.count('n', { within = '10m', by = tonumber(status.id) })))" END);
	assert_true(deliver(bench, "update", 5, 0, "ann"));
	assert_true(deliver(bench, "update", 7, 1, "ann"));
	logged(bench, "5|12|");
}

static void
peek_only_reads_also_in_where(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"tusk.on('update', { where = function() return tusk.peek('n', { within = '10m' }) < 2 end }, function(status)\n"
		"print((tusk.peek('n', { within = '10m' })), (tusk.peek('who', { within = '10m' })))\n"
		"tusk.count('n', { within = '10m' }) tusk.distinct('who', status.id, { within = '10m' })\n"
		"print((tusk.peek('n', { within = '10m' })), (tusk.peek('who', { within = '10m' }))) end)");
	for (int i = 0; i < 3; i++)
		assert_true(deliver(bench, "update", i, i, "ann"));
	logged(bench, "0\\t0|1\\t1|1\\t1|2\\t2|");
	bench_must_load(bench, TUSK
		"tusk.on('update', { where = function() return tusk.count('n', { within = '1m' }) end }, function() end)");
	assert_false(deliver(bench, "update", 1, 0, "ann"));
	bench_assert_contains(bench->error.text, "where function");
}

static void
once_is_true_the_first_time(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, UPDATE
		"print(tusk.once('alert', { within = '1h' }), tusk.once('alert', { within = '1h' }), tusk.once('ever'))" END);
	for (int i = 0; i < 3; i++)
		assert_true(deliver(bench, "update", i, 30 * i, "ann"));
	logged(bench, "true\\tfalse\\ttrue|false\\tfalse\\tfalse|true\\tfalse\\tfalse|");
}

static void
what_a_handler_counted_is_dropped_when_it_raises(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench,
		UPDATE "print((tusk.count('n', { within = '10m' })), tusk.once('x'))\n"
		       "if status.id == '1' then error('no') end" END);
	assert_false(deliver(bench, "update", 1, 0, "ann"));
	assert_true(deliver(bench, "update", 2, 1, "ann"));
	char *lines = strdup(bench->lines.ptr);
	assert_non_null(strstr(lines, "1\\ttrue"));
	assert_non_null(strstr(strstr(lines, "1\\ttrue") + 6, "1\\ttrue"));
	free(lines);
}

static void
schedules_count_at_the_time_they_were_due(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"tusk.every('1h', function() print((tusk.count('ticks', { within = '2h' }))) end)");
	for (int i = 0; i < 4; i++) {
		effects_finish(&bench->effects);
		assert_true(bench_tick(bench, 0, 1763640000000 + i * INT64_C(3600000)));
		apply(bench);
	}
	effects_finish(&bench->effects);
	assert_true(bench_tick(
		bench, 0, 1763640000000 + 3 * INT64_C(3600000))); /* the last one again */
	logged(bench, "1|2|2|2|2|");
}

static void
says_what_is_wrong_with_an_argument(void **state)
{
	struct bench *bench = *state;
	static const char *const wrong[][2] = {
		{"tusk.count('n')", "expected { within = \"10m\" } behind the key"},
		{"tusk.count('n', { within = 600 })", "within: found 600, expected a time"},
		{"tusk.count('n', { within = '0s' })", "within: found \"0s\""},
		{"tusk.count('n', { within = '400d' })", "at most 366d"},
		{"tusk.count('n', { withn = '1m' })", "did you mean \"within\"?"},
		{"tusk.count({}, { within = '1m' })", "the key: found a table, expected a text"},
		{"tusk.count('n', { within = '1m', by = 0.5 })",
			"by: found 0.5, expected a whole number"},
		{"tusk.count('n', { within = '1m', by = 0 })", "by: found 0"},
		{"tusk.distinct('n', { within = '1m' })",
			"the value: found a table, expected a text"},
		{"tusk.distinct('n', nil, { within = '1m' })", "the value: found nil"},
		{"tusk.peek('n', { within = '1m', by = 2 })", "unknown field \"by\""},
		{"tusk.once('n', '1h')", "expected { within = \"10m\" }"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char source[512];
		snprintf(source, sizeof(source), UPDATE "%s" END, wrong[i][0]);
		bench_must_load(bench, source);
		assert_false(deliver(bench, "update", 1, 0, "ann"));
		bench_assert_contains(bench->error.text, wrong[i][1]);
		bench_assert_contains(bench->error.text, "cats.lua:2:");
	}
	assert_false(bench_load(bench, TUSK "tusk.count('n', { within = '1m' })"));
	bench_assert_contains(bench->error.text, "works only inside a handler or a schedule");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			counts_over_event_time, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			counts_an_event_once_for_all_its_handlers, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			an_edit_is_an_event_of_its_own, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			counts_different_values, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(several_values_in_one_handler_count_together,
			bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			adds_more_than_one_with_by, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			peek_only_reads_also_in_where, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			once_is_true_the_first_time, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(what_a_handler_counted_is_dropped_when_it_raises,
			bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			schedules_count_at_the_time_they_were_due, bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			says_what_is_wrong_with_an_argument, bench_set_up, bench_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
