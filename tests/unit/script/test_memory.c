/* SPDX-License-Identifier: MIT */
/* Tests of memory: every failing allocation and every limit ends in an error, and everything that an instance holds is counted. */
#include "plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin_bench.h"
#include "xmalloc.h"

#define TUSK "local tusk = require 'moontusk'\n"

static const char status_json[] =
	"{\"id\":\"115600\",\"created_at\":\"2025-11-20T11:59:58.000Z\",\"visibility\":\"public\",\"language\":\"en\","
	"\"content\":\"<p>My cat sleeps <a href=\\\"https://cats.example/1\\\">here</a></p>\",\"tags\":[],"
	"\"url\":\"https://s.example/@ann/115600\",\"uri\":\"https://s.example/115600\",\"mentions\":[{\"id\":\"5\",\"acct\":\"bob\"}],"
	"\"account\":{\"id\":\"9\",\"acct\":\"ann@s.example\",\"url\":\"https://s.example/@ann\",\"display_name\":\"Ann\",\"note\":\"\"}}";

/* Every module, and every kind of effect. */
static const char everything[] = TUSK
	"tusk.plugin { name = 'all', version = '1', permissions = { 'report', 'http:hooks.example' } }\n"
	"local options = tusk.options { per_hour = { 3, help = 'x' }, name = { 'n', choices = { 'n', 'm' } } }\n"
	"tusk.subscribe('public') tusk.subscribe('hashtag', 'cats')\n"
	"tusk.every('15m', { name = 'tick' }, function() end)\n"
	"tusk.daily('09:00', { name = 'day', tz = 'UTC' }, function() end)\n"
	"tusk.hear([[hi (\\w+)]], function() end)\n"
	"tusk.on('notification', { type = 'mention', account = { bot = false } }, print)\n"
	"tusk.on('update', { text = { 'c(a)t', { 'dog', view = 'body' } }, any = { { words = { 'cat' } }, { language = 'de' } },\n"
	"  where = function(status) return status.id == '115600' end }, function(status, event)\n"
	"  local copy = tusk.json.decode(tusk.json.encode(status))\n"
	"  assert(copy.account.acct == 'ann@s.example' and tusk.json.encode({ 1, { a = true }, tusk.json.null }))\n"
	"  for key in pairs(status.account) do copy[key] = #key end\n"
	"  assert(event.raw and event.match.captures and #event.streams > 0)\n"
	"  assert(tusk.regex.gsub('a-b', '-', '+') == 'a+b' and tusk.regex.match(status.content, 'c(a)t') == 'a')\n"
	"  for word in tusk.regex.gmatch('a b', [[\\w]]) do assert(word) end\n"
	"  for part in tusk.regex.split('a,b', ',') do assert(part) end\n"
	"  assert(tusk.regex.new('x'):find('x') == 1)\n"
	"  assert(tusk.text.visible(status.content):find('cat') and #tusk.text.links(status.content) == 1)\n"
	"  assert(tusk.time.parse(status.created_at) and tusk.now() > 0 and os.date('!%Y', 0) == '1970')\n"
	"  tusk.log.info('%s %d', status.id, options.per_hour) print(status.id, {})\n"
	"  tusk.store.n = (tusk.store.n or 0) + 1 tusk.store.list = { 1, { x = 'y' } } tusk.store.gone = nil\n"
	"  assert(('x'):rep(20):gsub('x', '%0%0') and ('%s %5.1f'):format({}, 2) and #table.pack(('a b'):match('(%w) (%w)')) == 2)\n"
	"  local list = { 3, 1, 2 } table.sort(list) table.insert(list, 1, 0) assert(table.concat(list, ',') == '0,1,2,3')\n"
	"  assert(load('return 1')() == 1 and select(2, pcall(error, 'x')) == 'x' and not xpcall(error, tostring))\n"
	"  assert(coroutine.wrap(function() coroutine.yield(1) end)() == 1)\n"
	"  status:boost { at_most = { 3, per = '1h' } } status:favourite() status:bookmark()\n"
	"  status:archive('x') status:forward('https://hooks.example/x') tusk.post { text = 'hello' }\n"
	"  tusk.after('1m', function() end) tusk.spawn(function() end)\n"
	"  local posted = status:reply('hello'):await()\n"
	"  assert(posted.id == '77') tusk.sleep('1s') tusk.store.m = posted.id\n"
	"end)";

static int
set_up(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));
	bench_init(bench);
	bench->config.as_declared = true;
	bench->config.limits = (struct plugin_limits){.cpu_ms = 10000, .load_ms = 10000};
	*state = bench;
	return 0;
}

/* True: it went through. False: for want of memory, and nothing came of it. */
static bool
works(struct bench *bench)
{
	bool ok = bench_load(bench, everything) &&
		  bench_deliver(bench, bench_update(bench, status_json)) == 1;
	if (ok)
		return true;
	if (!strstr(bench->error.text, "out of memory"))
		fail_msg("%s", bench->error.text);
	return false;
}

static void
survives_each_failing_allocation_and_all_after_it(void **state)
{
	struct bench *bench = *state;
	const char *preload = getenv("LD_PRELOAD");
	unsigned long n = 1;
	unsigned long step =
		preload && strstr(preload, "vgpreload") ? 37 : 1; /* valgrind is slow */
	bool done = false;
	bench->config.fail_at = 0;
	if (!works(bench))
		fail_msg("without a limit: %s", bench->error.text);
	for (; n < 100000 && !done; n += step) {
		bench->config.fail_at = n;
		done = works(bench);
	}
	assert_true(done);
	print_message("%lu allocations\n", n);
	assert_in_range(n, 2000, 99999);
}

static void
survives_each_limit(void **state)
{
	struct bench *bench = *state;
	size_t bytes = 4096;
	bool done = false;
	for (; bytes < (4u << 20) && !done; bytes += 1024) {
		bench->config.limits.memory_bytes = bytes;
		done = works(bench);
		if (!done)
			assert_int_equal(bench->error.limit, LIMIT_MEMORY);
	}
	assert_true(done);
	print_message("it needs %zu KiB\n", bytes / 1024);
	assert_in_range(bytes, 100u << 10, 2u << 20);
}

static size_t
charged(const struct bench *bench)
{
	struct plugin_usage usage;
	plugin_usage(bench->plugin, &usage);
	assert_true(usage.bytes >= usage.charged && usage.peak >= usage.bytes);
	return usage.charged;
}

static size_t
used(const struct bench *bench)
{
	struct plugin_usage usage;
	plugin_usage(bench->plugin, &usage);
	return usage.bytes;
}

static void
deliver(struct bench *bench, int count)
{
	for (int i = 0; i < count; i++) {
		if (bench_deliver(bench, bench_update(bench, status_json)) < 0)
			fail_msg("%s", bench->error.text);
	}
}

static void
counts_documents_of_tables_that_nobody_reads(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"local kept = {}\n"
		"tusk.on('update', function(status) kept[#kept + 1] = status if #kept == 101 then kept = {} collectgarbage() end end)");
	size_t before = used(bench);
	deliver(bench, 100);
	assert_in_range(
		used(bench) - before, 100 * sizeof(status_json), 100 * 8 * sizeof(status_json));
	deliver(bench, 1);
	assert_in_range(used(bench), 0, before + 20 * sizeof(status_json));
}

static void
counts_documents_that_are_read_again(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"local kept = {}\n"
		"tusk.on('update', function(status)\n"
		"  kept[#kept + 1] = status\n"
		"  if #kept > 100 then for i = 1, 100 do assert(kept[i].id == '115600') end end\n"
		"  if #kept > 101 then kept = {} collectgarbage() end\n"
		"end)");
	size_t before = charged(bench);
	deliver(bench, 100);
	assert_int_equal(charged(bench), before);
	deliver(bench, 1);
	assert_in_range(
		charged(bench) - before, 100 * sizeof(status_json), 100 * 8 * sizeof(status_json));
	deliver(bench, 1);
	assert_int_equal(charged(bench), before);
}

static void
counts_the_event_of_a_handler_that_waits(void **state)
{
	struct bench *bench = *state;
	struct plugin_run run;
	bench_must_load(bench, TUSK "tusk.on('update', function() tusk.sleep('1m') end)");
	size_t before = charged(bench);
	struct event *event = bench_update(bench, status_json);
	struct plugin_delivery delivery = {.event = event, .matched = STR("{}")};
	plugin_run_init(&run);
	assert_int_equal(plugin_deliver(bench->plugin, &delivery, &run), PLUGIN_WAITS);
	assert_int_equal(charged(bench) - before, event_memory(event));
	assert_int_equal(plugin_resume(bench->plugin, &run, STR("")), PLUGIN_ENDED);
	assert_int_equal(charged(bench), before);
	plugin_run_finish(&run);
	event_unref(event);
}

static void
ends_the_call_that_keeps_too_many_documents(void **state)
{
	struct bench *bench = *state;
	bench->config.limits.memory_bytes = 1u << 20;
	bench_must_load(bench,
		TUSK "local kept = {}\n"
		     "tusk.on('update', function(status) kept[#kept + 1] = status end)");
	int calls = 0;
	while (calls < 4000 && bench_deliver(bench, bench_update(bench, status_json)) == 1)
		calls++;
	assert_in_range(calls, 50, 3000);
	assert_int_equal(bench->error.limit, LIMIT_MEMORY);
	bench_assert_contains(bench->error.text, "out of memory");
	/* And it stays so: it keeps them. */
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	assert_int_equal(bench->error.limit, LIMIT_MEMORY);
}

static void
documents_that_nobody_keeps_cost_nothing(void **state)
{
	struct bench *bench = *state;
	bench->config.limits.memory_bytes = 1u << 20;
	bench_must_load(bench, TUSK "tusk.on('update', function(status) local _ = status.id end)");
	deliver(bench, 3000);
}

static void
counts_compiled_patterns(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"local kept = {}\n"
		"tusk.on('update', function(status)\n"
		"  if #kept == 0 then for i = 1, 200 do kept[i] = tusk.regex.new('(a|b)+' .. i) end\n"
		"  else kept = {} collectgarbage() end\n"
		"end)");
	size_t before = charged(bench);
	deliver(bench, 1);
	assert_in_range(charged(bench) - before, 200 * 100, 200 * 10000);
	deliver(bench, 1);
	assert_in_range(charged(bench), 0, before + 200 * 100);
	bench_must_load(
		bench, TUSK "tusk.on('update', { text = { 'aaa(x|y)+', 'b', 'c' } }, print)");
	assert_in_range(charged(bench), 300, 100000);
}

static void
goes_on_after_a_call_that_wanted_too_much(void **state)
{
	struct bench *bench = *state;
	bench->config.limits.memory_bytes = 2u << 20;
	bench_must_load(bench, TUSK
		"local n = 0\n"
		"tusk.on('update', function() n = n + 1 if n == 1 then local t = {} while true do t[#t + 1] = {} end end end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	assert_int_equal(bench->error.limit, LIMIT_MEMORY);
	bench_assert_contains(bench->error.text, "the limit is 2048 KiB");
	bench_assert_contains(bench->error.text, "plugins/cats.lua:3: in ");
	deliver(bench, 3);
}

static void
an_instance_that_keeps_too_much_fails_at_once(void **state)
{
	struct bench *bench = *state;
	bench->config.limits.memory_bytes = 2u << 20;
	bench_must_load(bench, TUSK
		"kept = {}\n" /* a list grows to twice its size at once, and stays */
		"tusk.on('update', function() print('runs') while true do kept[#kept + 1] = 1 end end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	buf_clear(&bench->lines);
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	bench_assert_contains(bench->error.text,
		"in use after the last call, the limit is 2048 KiB; nothing more is run");
	assert_int_equal(bench->error.limit, LIMIT_MEMORY);
	assert_int_equal(bench->lines.len, 0);
}

static void
types_what_ended_a_call(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"tusk.on('update', function() for i = 1, 2000 do tusk.post { text = 'x' .. i } end end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	assert_int_equal(bench->error.limit, LIMIT_OUTPUT);
	bench_must_load(bench, TUSK
		"local s = ('x'):rep(900000)\n"
		"tusk.on('update', function() for i = 1, 20 do tusk.post { text = s, key = 'k' .. i } end end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	bench_assert_contains(bench->error.text, "more than 8388608 bytes of text");
	assert_int_equal(bench->error.limit, LIMIT_OUTPUT);
	bench_must_load(bench, TUSK "tusk.on('update', function() error('x') end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	assert_int_equal(bench->error.limit, LIMIT_NONE);
}

/* Rolling windows, requests and their answers. */
static void
what_the_host_holds_for_a_plugin_counts_as_its_memory(void **state)
{
	struct bench *bench = *state;
	struct plugin_usage usage;
	bench->config.limits.memory_bytes = 4u << 20;
	bench_must_load(bench,
		"local tusk = require 'moontusk'\n"
		"tusk.on('update', function() local t = {} for i = 1, 100 do t[i] = ('x'):rep(i) end end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), 1);
	plugin_set_outside(bench->plugin, 1u << 20);
	plugin_add_outside(bench->plugin, 4 << 20);
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	assert_int_equal(bench->error.limit, LIMIT_MEMORY);
	bench_assert_contains(
		bench->error.text, "5120 KiB of them in rolling windows, requests and answers");
	plugin_usage(bench->plugin, &usage);
	assert_true(usage.bytes > 5u << 20 && usage.peak >= usage.bytes);
	plugin_add_outside(bench->plugin, -(4 << 20));
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		T(survives_each_failing_allocation_and_all_after_it),
		T(survives_each_limit),
		T(counts_documents_of_tables_that_nobody_reads),
		T(counts_documents_that_are_read_again),
		T(counts_the_event_of_a_handler_that_waits),
		T(ends_the_call_that_keeps_too_many_documents),
		T(documents_that_nobody_keeps_cost_nothing),
		T(counts_compiled_patterns),
		T(goes_on_after_a_call_that_wanted_too_much),
		T(an_instance_that_keeps_too_much_fails_at_once),
		T(types_what_ended_a_call),
		T(what_the_host_holds_for_a_plugin_counts_as_its_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
