/* SPDX-License-Identifier: MIT */
/* Tests of waiting: what passes through a plugin's own code, what cannot wait, and what a task keeps of its own. */
#include "plugin.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin_bench.h"

#define TUSK    "local tusk = require 'moontusk'\n"
#define HANDLER TUSK "tusk.on('update', function(status)\n"
#define END     "\nend)\n"

static const char post[] = "{\"id\":\"1\",\"visibility\":\"public\",\"content\":\"<p>cat</p>\","
			   "\"account\":{\"id\":\"9\",\"acct\":\"ann\"}}";

/* Starts handler `number`; its task is in `run`. */
static enum plugin_verdict
begin(struct bench *bench, unsigned number, struct plugin_run *run)
{
	struct event *event = bench_update(bench, post);
	struct plugin_delivery delivery = {.handler = number, .event = event, .matched = STR("{}")};
	plugin_run_init(run);
	enum plugin_verdict verdict = plugin_deliver(bench->plugin, &delivery, run);
	event_unref(event);
	return verdict;
}

static void
must_be(enum plugin_verdict expected, enum plugin_verdict verdict, const struct plugin_run *run)
{
	if (verdict == PLUGIN_RAISED && expected != PLUGIN_RAISED)
		fail_msg("%s", run->error.text);
	assert_int_equal(verdict, expected);
}

/* The text is a handler's body; it runs to its end, its waits are answered. */
static void
runs(struct bench *bench, const char *body)
{
	char source[4000];
	snprintf(source, sizeof(source), HANDLER "%s" END, body);
	bench_must_load(bench, source);
	if (bench_deliver(bench, bench_update(bench, post)) != 1)
		fail_msg("%s\n%s", body, bench->error.text);
}

static void
fails(struct bench *bench, const char *body, const char *expected)
{
	char source[4000];
	snprintf(source, sizeof(source), HANDLER "%s" END, body);
	bench_must_load(bench, source);
	if (bench_deliver(bench, bench_update(bench, post)) != -1)
		fail_msg("%s\nraised nothing", body);
	bench_assert_contains(bench->error.text, expected);
}

static void
an_action_is_waited_for_and_remembered(void **state)
{
	struct bench *bench = *state;
	struct plugin_run run;
	bench_must_load(bench, HANDLER "local handle = status:boost()\n"
				       "local result, problem = handle:await()\n"
				       "assert(result.id == '500' and problem == nil)\n"
				       "assert(handle:await() == result)\n"
				       "status:favourite()" END);
	must_be(PLUGIN_WAITS, begin(bench, 0, &run), &run);
	assert_int_equal(run.wait.kind, WAIT_ACTION);
	assert_int_equal(run.wait.action, 0);
	assert_int_equal(run.effects.count, 1);
	assert_int_equal(run.wait.until_ms, bench->now_ms + TASK_WAIT_MAX_MS);
	must_be(PLUGIN_ENDED, plugin_resume(bench->plugin, &run, STR("{\"ok\":{\"id\":\"500\"}}")),
		&run);
	assert_int_equal(run.effects.count, 2);
	plugin_run_finish(&run);
}

static void
a_problem_comes_as_a_value(void **state)
{
	struct bench *bench = *state;
	bench->answer =
		"{\"problem\":{\"kind\":\"refused\",\"status\":422,\"message\":\"too long\"}}";
	runs(bench,
		"local result, problem = tusk.post('hello'):await()\n"
		"assert(result == nil and problem.kind == 'refused' and problem.status == 422)\n"
		"assert(tostring(problem) == 'too long')");
	/* It may still end: the next await asks again. */
	bench->answer = "{\"problem\":{\"kind\":\"timeout\",\"message\":\"no\"}}";
	struct plugin_run run;
	bench_must_load(bench, HANDLER "local handle = status:boost()\n"
				       "local _, problem = handle:await { timeout = '30s' }\n"
				       "assert(problem.kind == 'timeout')\n"
				       "assert(handle:await { timeout = 5 }.id == '7')" END);
	must_be(PLUGIN_WAITS, begin(bench, 0, &run), &run);
	assert_int_equal(run.wait.until_ms, bench->now_ms + 30000);
	must_be(PLUGIN_WAITS, plugin_resume(bench->plugin, &run, str_from(bench->answer)), &run);
	assert_int_equal(run.wait.until_ms, bench->now_ms + 5000);
	must_be(PLUGIN_ENDED, plugin_resume(bench->plugin, &run, STR("{\"ok\":{\"id\":\"7\"}}")),
		&run);
	plugin_run_finish(&run);
}

static void
waits_anywhere_in_a_plugins_code(void **state)
{
	struct bench *bench = *state;
	runs(bench, "local ok, result = pcall(function() return status:boost():await() end)\n"
		    "assert(ok and result.id == '77')");
	runs(bench,
		"local ok = xpcall(function() tusk.sleep(1) error('x') end, function(e) return e end)\n"
		"assert(not ok)");
	runs(bench,
		"local t = setmetatable({}, { __index = function(_, key) tusk.sleep(1) return key end })\n"
		"assert(t.a .. t.b == 'ab')");
	runs(bench,
		"local n = 0\n"
		"for i in (function() tusk.sleep(1) n = n + 1 return n < 4 and n or nil end) do end\n"
		"assert(n == 4)");
	runs(bench,
		"local before = tusk.now() tusk.sleep('90s') assert(tusk.now() == before + 90)\n"
		"tusk.sleep(0.5) assert(tusk.now() == before + 90.5)");
}

/* The plugin's own resume does not see a wait: it returns when the coroutine has gone on and yields or ends itself. */
static void
waits_in_a_plugins_own_coroutines(void **state)
{
	struct bench *bench = *state;
	runs(bench, "local each = coroutine.wrap(function(a)\n"
		    "  assert(a == 'first') local result = status:boost():await()\n"
		    "  local b = coroutine.yield(result.id) tusk.sleep(2) return b .. 'end'\n"
		    "end)\n"
		    "assert(each('first') == '77') assert(each('the ') == 'the end')");
	runs(bench, "local co = coroutine.create(function() tusk.sleep(1) error('no', 0) end)\n"
		    "local ok, problem = coroutine.resume(co)\n"
		    "assert(not ok and problem == 'no' and coroutine.status(co) == 'dead')");
	/* Two deep, and with a pcall between. */
	runs(bench,
		"local outer = coroutine.wrap(function()\n"
		"  local inner = coroutine.wrap(function() tusk.sleep(1) coroutine.yield(1) tusk.sleep(1) return 2 end)\n"
		"  local ok, one = pcall(inner) coroutine.yield(one) tusk.sleep(1) return inner()\n"
		"end)\n"
		"assert(outer() == 1) assert(outer() == 2)");
	runs(bench, "assert(not coroutine.isyieldable())\n"
		    "local _, main = coroutine.running() assert(main)\n"
		    "local ok, problem = pcall(coroutine.yield, 1)\n"
		    "assert(not ok and problem:find('outside a coroutine', 1, true))\n"
		    "coroutine.wrap(function() local _, main = coroutine.running()\n"
		    "  assert(not main and coroutine.isyieldable()) end)()");
}

/* Memory that no budget counts. */
static void
a_request_that_cannot_wait_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	bench->config.as_declared = true;
	bench_must_load(bench,
		TUSK "tusk.plugin { permissions = { 'http:hooks.example' } }\n"
		     "local body = ('x'):rep(100000)\n"
		     "tusk.on('update', function()\n"
		     "  for _ = 1, 100 do\n"
		     "    assert(not pcall(string.gsub, 'x', 'x', function()\n"
		     "      tusk.http.post('https://hooks.example/', { body = body }) end))\n"
		     "  end\n"
		     "end)\n");
	size_t before = mallinfo2().uordblks;
	if (bench_deliver(bench, bench_update(bench, post)) != 1)
		fail_msg("%s", bench->error.text);
	assert_true(mallinfo2().uordblks < before + 4000000);
}

static void
says_where_nothing_can_wait(void **state)
{
	struct bench *bench = *state;
	fails(bench, "table.sort({ 2, 1 }, function(a, b) tusk.sleep(1) return a < b end)",
		"tusk.sleep waits, which is not possible inside a function that table.sort");
	fails(bench, "local h = status:boost() ; ('x'):gsub('x', function() h:await() end)",
		"plugins/cats.lua:3: await waits, which is not possible");
	/* A coroutine does not get around that. */
	fails(bench,
		"('x'):gsub('x', function() coroutine.wrap(function() tusk.sleep(1) end)() end)",
		"tusk.sleep waits, which is not possible");
	bench_must_load(bench, TUSK
		"tusk.on('update', { where = function(s) return s:boost():await() end }, print)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, post)), -1);
	bench_assert_contains(bench->error.text, "boost does not work inside a where function");
	bench_must_load(
		bench, TUSK "tusk.on('update', { where = function() tusk.sleep(1) end }, print)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, post)), -1);
	bench_assert_contains(bench->error.text,
		"tusk.sleep does not work inside a where function, which only chooses");
	bench_assert_contains(bench->error.text, "plugins/cats.lua:2: in the where of line 2");
	static const char *const calls[] = {"tusk.sleep(1)", "tusk.after(1, print)",
		"tusk.spawn(print)", "tusk.post('x'):await()"};
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		char source[200];
		snprintf(source, sizeof(source), TUSK "%s", calls[i]);
		assert_false(bench_load(bench, source));
		bench_assert_contains(
			bench->error.text, "works only inside a handler or a schedule");
	}
}

static void
refuses_wrong_arguments(void **state)
{
	struct bench *bench = *state;
	fails(bench, "tusk.sleep('soon')", "tusk.sleep: found \"soon\", expected a time such as");
	fails(bench, "tusk.sleep(-1)", "tusk.sleep: found -1");
	fails(bench, "tusk.sleep('25h')", "at most 24 hours");
	fails(bench, "tusk.after('32d', print)", "at most 744 hours");
	fails(bench, "tusk.after('1h')", "what to run: found nil, expected a function");
	fails(bench, "tusk.spawn('x')", "what to run: found \"x\", expected a function");
	fails(bench, "status:boost().await()", "write handle:await() with a colon");
	fails(bench, "status:boost():await { timeout = '1h' }", "at most 10 minutes");
	fails(bench, "status:boost():await { time = 1 }", "unknown field \"time\"");
	fails(bench, "tusk.after(1, print).cancel()", "write timer:cancel() with a colon");
	fails(bench, "for i = 1, 2000 do tusk.spawn(print) end",
		"tusk.spawn: 1000 functions wait for their time already");
}

static void
another_tasks_handle_is_not_waited_for(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"local kept\n"
		"tusk.on('update', function(status) if kept then kept:await() end kept = status:boost() end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, post)), 1);
	assert_int_equal(bench_deliver(bench, bench_update(bench, post)), -1);
	bench_assert_contains(
		bench->error.text, "the boost was asked for by another call of a handler");
}

/* A coroutine in which one task waits is not another one's to touch. */
static void
a_waiting_coroutine_is_left_alone(void **state)
{
	struct bench *bench = *state;
	struct plugin_run first, second;
	bench_must_load(bench, TUSK
		"local co, task\n"
		"tusk.on('update', function()\n"
		"  task = coroutine.running()\n"
		"  co = coroutine.create(function() tusk.sleep(1) return 'done' end)\n"
		"  local ok, word = coroutine.resume(co) assert(ok and word == 'done') end)\n"
		"tusk.on('update', function()\n"
		"  for _, one in ipairs { co, task } do\n"
		"    local ok, problem = coroutine.resume(one)\n"
		"    assert(not ok and problem == 'cannot resume a coroutine in which a handler waits')\n"
		"    ok, problem = pcall(coroutine.close, one)\n"
		"    assert(not ok and problem:find('cannot close', 1, true))\n"
		"  end end)");
	must_be(PLUGIN_WAITS, begin(bench, 0, &first), &first);
	must_be(PLUGIN_ENDED, begin(bench, 1, &second), &second);
	must_be(PLUGIN_ENDED, plugin_resume(bench->plugin, &first, STR_NONE), &first);
	plugin_run_finish(&first);
	plugin_run_finish(&second);
}

static void
an_error_after_a_wait_drops_the_rest_and_names_the_lines(void **state)
{
	struct bench *bench = *state;
	struct plugin_run run;
	bench_must_load(bench, HANDLER
		"status:boost()\n"
		"tusk.store.n = 1\n"
		"local closed <close> = setmetatable({}, { __close = function() print('closed') end })\n"
		"local function deep() tusk.sleep(1) error('too late') end\n"
		"deep()\n"
		"print('never')" END);
	must_be(PLUGIN_WAITS, begin(bench, 0, &run), &run);
	must_be(PLUGIN_RAISED, plugin_resume(bench->plugin, &run, STR_NONE), &run);
	assert_int_equal(run.effects.count, 0);
	bench_assert_contains(run.error.text, "plugins/cats.lua:6: too late\n"
					      "  plugins/cats.lua:6: in local 'deep'\n"
					      "  plugins/cats.lua:7: in the handler of line 2");
	bench_assert_contains(bench->lines.ptr, "closed");
	assert_null(strstr(bench->lines.ptr, "never"));
	plugin_run_finish(&run);
}

static void
tasks_see_what_others_committed_but_not_what_they_do(void **state)
{
	struct bench *bench = *state;
	struct plugin_run first, second;
	bench_must_load(bench, TUSK
		"tusk.on('update', function()\n"
		"  local store = tusk.store\n"
		"  store.mine = 'first' store.list = { 1 }\n"
		"  local list = store.list\n"
		"  local read = store.read\n"
		"  assert(store.other == nil and store.count == 1)\n"
		"  tusk.sleep(1)\n"
		"  assert(store.other == 'second' and store.count == 2)\n" /* not touched: the newest */
		"  assert(store.mine == 'first')\n"
		"  list[2] = 2 assert(read[1] == 'old') end)\n"
		"tusk.on('update', function()\n"
		"  local store = tusk.store\n"
		"  assert(store.mine == nil and store.list == nil)\n"
		"  store.other = 'second' store.count = store.count + 1\n"
		"  store.read[1] = 'new' end)\n"
		"tusk.on('update', function()\n"
		"  local store = tusk.store\n"
		"  assert(store.mine == 'first' and store.list[2] == 2 and store.count == 2)\n"
		"  assert(store.read[1] == 'new') end)");
	plugin_restore(bench->plugin, STR("count"), STR("1"));
	plugin_restore(bench->plugin, STR("read"), STR("[\"old\"]"));
	must_be(PLUGIN_WAITS, begin(bench, 0, &first), &first);
	must_be(PLUGIN_ENDED, begin(bench, 1, &second), &second);
	assert_int_equal(second.effects.count, 3);
	plugin_run_finish(&second);
	must_be(PLUGIN_ENDED, plugin_resume(bench->plugin, &first, STR_NONE), &first);
	assert_int_equal(first.effects.count, 2); /* what was only read is not written back */
	plugin_run_finish(&first);
	must_be(PLUGIN_ENDED, begin(bench, 2, &first), &first);
	plugin_run_finish(&first);
}

static void
an_abandoned_task_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	struct plugin_run run;
	bench_must_load(bench, TUSK
		"tusk.on('update', function() tusk.store.n = 1 tusk.sleep(1) print('never') end)\n"
		"tusk.on('update', function() assert(tusk.store.n == nil) end)");
	for (int i = 0; i < 100; i++) {
		must_be(PLUGIN_WAITS, begin(bench, 0, &run), &run);
		plugin_abandon(bench->plugin, &run);
		plugin_run_finish(&run);
	}
	must_be(PLUGIN_ENDED, begin(bench, 1, &run), &run);
	plugin_run_finish(&run);
	assert_int_equal(bench->lines.len, 0);
	/* One more waits when the plugin goes. */
	must_be(PLUGIN_WAITS, begin(bench, 0, &run), &run);
	plugin_run_finish(&run);
}

static enum plugin_verdict
fire(struct bench *bench, unsigned function, struct plugin_run *run)
{
	plugin_run_init(run);
	return plugin_fire(bench->plugin, function, NULL, run);
}

static void
started_functions_run_once_and_can_be_cancelled(void **state)
{
	struct bench *bench = *state;
	struct plugin_run run;
	bench_must_load(bench, TUSK
		"local timer\n"
		"tusk.on('update', function()\n"
		"  tusk.spawn(function() tusk.post('spawned') end)\n"
		"  timer = tusk.after('1h', function() tusk.post('later') end)\n"
		"  assert(tusk.after(5, print):cancel() == true)\n"
		"  end)\n"
		"tusk.on('update', function() assert(timer:cancel() and not timer:cancel()) end)");
	must_be(PLUGIN_ENDED, begin(bench, 0, &run), &run);
	assert_int_equal(run.effects.count, 4);
	assert_int_equal(run.effects.list[0].type, EFFECT_START);
	assert_int_equal(run.effects.list[0].at_ms, bench->now_ms + 1);
	assert_int_equal(run.effects.list[1].at_ms, bench->now_ms + 3600000);
	assert_int_equal(run.effects.list[3].type, EFFECT_STOP);
	assert_int_equal(run.effects.list[3].function, run.effects.list[2].function);
	unsigned spawned = run.effects.list[0].function, later = run.effects.list[1].function;
	plugin_run_finish(&run);
	must_be(PLUGIN_ENDED, fire(bench, spawned, &run), &run);
	assert_int_equal(run.effects.count, 1);
	assert_string_equal(run.effects.list[0].action.body, "{\"status\":\"spawned\"}");
	plugin_run_finish(&run);
	must_be(PLUGIN_ENDED, fire(bench, spawned, &run), &run); /* never twice */
	assert_int_equal(run.effects.count, 0);
	must_be(PLUGIN_ENDED, begin(bench, 1, &run), &run);
	plugin_run_finish(&run);
	must_be(PLUGIN_ENDED, fire(bench, later, &run), &run);
	assert_int_equal(run.effects.count, 0);
}

/* Functions of a handler that raised never run, and do not count. */
static void
a_handler_that_raises_starts_nothing(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, HANDLER "for i = 1, 400 do tusk.spawn(print) end error('no')" END);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(bench_deliver(bench, bench_update(bench, post)), -1);
		bench_assert_contains(bench->error.text, "no\n");
	}
}

/* ... and of those that run, the waiting ones do. */
static void
started_functions_count_until_they_end(void **state)
{
	struct bench *bench = *state;
	struct plugin_run run, waiting[2];
	bench_must_load(bench, HANDLER
		"for i = 1, 999 do tusk.spawn(function() tusk.sleep(1) if i == 2 then error('x') end end) end" END
		"tusk.on('update', function() tusk.spawn(print) end)");
	must_be(PLUGIN_ENDED, begin(bench, 0, &run), &run);
	unsigned first = run.effects.list[0].function;
	plugin_run_finish(&run);
	must_be(PLUGIN_ENDED, begin(bench, 1, &run), &run);
	plugin_run_finish(&run);
	must_be(PLUGIN_WAITS, fire(bench, first, &waiting[0]), &waiting[0]);
	must_be(PLUGIN_WAITS, fire(bench, first + 1, &waiting[1]), &waiting[1]);
	must_be(PLUGIN_RAISED, begin(bench, 1, &run), &run);
	bench_assert_contains(run.error.text, "1000 functions wait");
	must_be(PLUGIN_ENDED, plugin_resume(bench->plugin, &waiting[0], STR_NONE), &waiting[0]);
	must_be(PLUGIN_RAISED, plugin_resume(bench->plugin, &waiting[1], STR_NONE), &waiting[1]);
	for (int i = 0; i < 2; i++) {
		plugin_run_finish(&waiting[i]);
		must_be(PLUGIN_ENDED, begin(bench, 1, &run), &run);
		plugin_run_finish(&run);
	}
}

/* The store refuses when the handler has ended, behind the functions that it started. */
static void
functions_of_handlers_whose_end_fails_leave_nothing_behind(void **state)
{
	struct bench *bench = *state;
	struct plugin_usage before, after;
	bench_must_load(bench, HANDLER "for _ = 1, 500 do tusk.after(1, print) end\n"
				       "tusk.store.t = tusk.store.t or {}\n"
				       "tusk.store.t.x = ('x'):rep(1200000)" END);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(bench_deliver(bench, bench_update(bench, post)), -1);
		bench_assert_contains(bench->error.text, "tusk.store.t");
		if (i == 20)
			plugin_usage(bench->plugin, &before);
	}
	plugin_usage(bench->plugin, &after);
	assert_in_range(after.bytes, 0, before.bytes + 500000);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		T(an_action_is_waited_for_and_remembered),
		T(a_problem_comes_as_a_value),
		T(waits_anywhere_in_a_plugins_code),
		T(waits_in_a_plugins_own_coroutines),
		T(a_request_that_cannot_wait_leaves_nothing),
		T(says_where_nothing_can_wait),
		T(refuses_wrong_arguments),
		T(another_tasks_handle_is_not_waited_for),
		T(a_waiting_coroutine_is_left_alone),
		T(an_error_after_a_wait_drops_the_rest_and_names_the_lines),
		T(tasks_see_what_others_committed_but_not_what_they_do),
		T(an_abandoned_task_leaves_nothing),
		T(started_functions_run_once_and_can_be_cancelled),
		T(a_handler_that_raises_starts_nothing),
		T(started_functions_count_until_they_end),
		T(functions_of_handlers_whose_end_fails_leave_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
