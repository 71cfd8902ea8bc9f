/* SPDX-License-Identifier: MIT */
/* Tasks of a host that replays: virtual time, order, restarts, plugins that go. */
#include "folder.h"

#include "decode.h"
#include "host_private.h"
#include "journal.h"

#define TUSK  "local tusk = require 'moontusk'\n"
#define START 1763640000000
#define LATER 1000 /* ms */

struct bench {
	const char *folder;
	struct config config;
	struct log *log;
	struct secrets *secrets;
	struct json_parser *parser;
	struct host *host;
	int64_t now_ms;
	struct buf did; /* what handlers logged and asked for, a line each */
	struct buf bad; /* errors */
};

static int64_t
on_clock(void *data)
{
	return ((struct bench *)data)->now_ms;
}

static void
on_line(void *data, enum log_level level, const char *module, const char *line)
{
	struct bench *bench = data;
	for (const char *at = line; level == LOG_INFO && strcmp(module, "bot") == 0; at++) {
		bool is_tab = at[0] == '\\' && at[1] == 't';
		buf_add_char(&bench->did, is_tab ? ' ' : *at ? *at : '\n');
		at += is_tab ? 1 : 0;
		if (!*at)
			break;
	}
	if (level == LOG_ERROR || level == LOG_WARN)
		buf_printf(&bench->bad, "%s\n", line);
}

static void
on_action(void *data, const struct intent *intent)
{
	struct bench *bench = data;
	buf_printf(&bench->did, "%s %s\n", intent->action, intent->target ? intent->target : "-");
}

static const struct host_events events = {.on_action = on_action};

static void
start_host(struct bench *bench)
{
	struct host_config config = {
		.clock = {on_clock, on_clock, bench},
		.log = bench->log,
		.secrets = bench->secrets,
		.config = &bench->config,
		.state_folder = bench->folder,
		.dry_run = true,
		.offline = true,
	};
	bench->host = host_create(&config, &events, bench);
	if (!bench->host)
		fail_msg("%s", bench->bad.ptr ? bench->bad.ptr : "no host");
}

static void
bench_start(struct bench *bench, const char *folder, const char *source, unsigned concurrency)
{
	*bench = (struct bench){.folder = folder, .now_ms = START};
	bench->secrets = secrets_create();
	bench->log = log_create(stderr, LOG_DEBUG, false, bench->secrets);
	bench->parser = json_parser_create();
	buf_init(&bench->did, 1u << 20);
	buf_init(&bench->bad, 1u << 20);
	log_set_sink(bench->log, on_line, bench);
	char *path = folder_write(folder, "bot.lua", source);
	struct config_plugin *about = config_add_plugin(&bench->config, path);
	about->concurrency = concurrency;
	about->as_declared = true;
	free(path);
	start_host(bench);
}

static void
bench_finish(struct bench *bench)
{
	host_destroy(bench->host);
	config_finish(&bench->config);
	log_destroy(bench->log);
	json_parser_destroy(bench->parser);
	secrets_destroy(bench->secrets);
	buf_finish(&bench->did);
	buf_finish(&bench->bad);
}

static void
send(struct bench *bench, const char *id)
{
	char *line =
		xasprintf("{\"kind\":\"update\",\"stream\":[\"public\"],\"payload\":{\"id\":\"%s\","
			  "\"content\":\"x\",\"account\":{\"id\":\"1\",\"acct\":\"ann\"}}}",
			id);
	struct decode_context context = {
		.parser = bench->parser, .origin = ORIGIN_REPLAY, .received_at_ms = bench->now_ms};
	struct decode_output out;
	assert_int_equal(decode_line(&context, str_from(line), &out), DECODE_EVENT);
	host_replay(bench->host, out.event);
	free(line);
}

/* Lets everything happen that falls due until `ms` from the start. */
static void
advance(struct bench *bench, int64_t ms)
{
	int64_t due_ms;
	while ((due_ms = host_next_due(bench->host)) <= START + ms) {
		assert_true(due_ms > bench->now_ms);
		bench->now_ms = due_ms;
		host_replay(bench->host, NULL);
	}
	bench->now_ms = START + ms;
}

static void
did(struct bench *bench, const char *expected)
{
	if (bench->bad.len)
		fail_msg("%s", bench->bad.ptr);
	assert_string_equal(bench->did.len ? bench->did.ptr : "", expected);
	buf_clear(&bench->did);
}

static void
sleeps_in_virtual_time_and_holds_up_its_plugin(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK
		"tusk.on('update', function(status)\n"
		"  print('first', status.id) status:boost() tusk.sleep('10s') print('second', status.id) end)\n"
		"tusk.on('update', function(status) print('other', status.id) end)",
		0);
	send(&bench, "1");
	send(&bench, "2");
	did(&bench, "first 1\nboost 1\n");
	assert_int_equal(host_next_due(bench.host), START + 10000);
	assert_int_equal(tasks_count(bench.host, bench.host->instances[0]->plugin), 1);
	advance(&bench, 9999);
	did(&bench, "");
	advance(&bench, 10000);
	did(&bench, "second 1\nother 1\nfirst 2\nboost 2\n");
	advance(&bench, 30000);
	did(&bench, "second 2\nother 2\n");
	assert_int_equal(host_next_due(bench.host), INT64_MAX);
	bench_finish(&bench);
}

static void
works_on_several_events_when_it_may(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK
		"tusk.on('update', function(status)\n"
		"  print('in', status.id) tusk.sleep(tonumber(status.id)) print('out', status.id) end)",
		2);
	send(&bench, "3");
	send(&bench, "1");
	send(&bench, "2");
	did(&bench, "in 3\nin 1\n");
	advance(&bench, 10000);
	/* 2 begins at 1 s, and ends at 3 s, when 3 does. */
	did(&bench, "out 1\nin 2\nout 3\nout 2\n");
	bench_finish(&bench);
}

static void
a_dry_run_answers_at_once(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK
		"tusk.plugin { permissions = { 'http:hooks.example' } }\n"
		"tusk.on('update', function(status)\n"
		"  for _, handle in ipairs { status:boost(), tusk.post('x'), status:reply('y'),\n"
		"      status:archive('z') } do\n"
		"    local result, problem = handle:await()\n"
		"    print(handle.action, result.dry_run or result.archive, problem)\n"
		"  end\n"
		"  print(status:boost():await().id, select('#', status:boost():await()))\n" /* a duplicate */
		"  local _, problem = status:bookmark { at_most = { 0, per = '1h' } }:await()\n"
		"  print(problem.kind, problem) end)",
		0);
	send(&bench, "1");
	did(&bench, "boost 1\npost -\nreply 1\nboost true nil\npost true nil\nreply true nil\n"
		    "archive z nil\ndry-run 2\nover_limit at_most is reached\n");
	bench_finish(&bench);
}

static void
started_functions_act_in_their_time(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK
		"local late\n"
		"tusk.on('update', function(status)\n"
		"  tusk.after('5s', function() print('after') status:boost() status:archive('kept')\n"
		"    tusk.post('one') tusk.spawn(function() tusk.post('two') end) end)\n"
		"  late = late or tusk.after('20s', function() print('never') end)\n"
		"  tusk.spawn(function() print('spawned') tusk.sleep(1) print('slept') end)\n"
		"  print('end')\n"
		"end)\n"
		"tusk.on('update', function(status) if status.id == '2' then print(late:cancel()) end end)",
		0);
	send(&bench, "1");
	did(&bench, "end\n");
	advance(&bench, 4999);
	did(&bench, "spawned\nslept\n");
	advance(&bench, 6000);
	did(&bench, "after\nboost 1\npost -\npost -\n");
	send(&bench, "2");
	did(&bench, "end\ntrue\n");
	advance(&bench, 60000);
	did(&bench, "spawned\nslept\nafter\nboost 2\npost -\npost -\n"); /* keys of their own */
	bench_finish(&bench);
}

static void
a_handler_that_raises_takes_back_what_it_has_not_sent(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK "tusk.on('update', function(status)\n"
		     "  if status.id == '2' then print(tusk.store.n, tusk.store.m) return end\n"
		     "  tusk.store.m = 1 status:boost() tusk.sleep(1)\n"
		     "  tusk.store.n = 1 status:favourite() tusk.spawn(print) error('no') end)",
		0);
	send(&bench, "1");
	did(&bench, "boost 1\n"); /* staged when it began to wait */
	advance(&bench, 2000);
	bench.bad.ptr[bench.bad.len - 1] = '\0';
	assert_non_null(strstr(bench.bad.ptr, "bot.lua:5: no"));
	buf_clear(&bench.bad);
	send(&bench, "2");
	did(&bench, "nil nil\n");
	assert_int_equal(host_next_due(bench.host), INT64_MAX);
	bench_finish(&bench);
}

static void
runs_again_from_its_start_after_a_restart(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK
		"tusk.on('update', function(status)\n"
		"  tusk.store.n = (tusk.store.n or 0) + 1\n"
		"  print('in', status:boost():await().id, tusk.store.n) tusk.sleep(5) status:favourite() end)",
		0);
	send(&bench, "1");
	did(&bench, "boost 1\nin dry-run 1\n");
	host_destroy(bench.host);
	start_host(&bench);
	host_replay(bench.host, NULL);
	did(&bench, "in dry-run 1\n"); /* the boost was asked for before */
	bench.now_ms += 5000;
	host_replay(bench.host, NULL);
	did(&bench, "favourite 1\n");
	send(&bench, "2");
	did(&bench, "boost 2\nin dry-run 2\n");
	bench_finish(&bench);
}

static void
a_plugin_that_goes_takes_its_tasks_along(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK
		"tusk.on('update', function(status)\n"
		"  tusk.spawn(function() tusk.after(1, print) tusk.sleep(9) print('never') end)\n"
		"  print('in', status.id) end)\n"
		"tusk.on('update', function(status) tusk.sleep(5) print('out', status.id) end)\n"
		"tusk.every('3s', function() print('tick') tusk.sleep('7s') print('tock') end)",
		0);
	send(&bench, "1");
	did(&bench, "in 1\n");
	advance(&bench, 3500);
	did(&bench, "tick\n");
	struct host *host = bench.host;
	struct instance *instance = host->instances[0];
	struct plugin *old = instance->plugin;
	assert_int_equal(tasks_count(host, old), 3);
	assert_true(tasks_schedule_waits(host, instance, 0));
	struct plugin_error error;
	instance->plugin = instance_build(host, instance, &instance->about, &error);
	assert_non_null(instance->plugin);
	assert_int_equal(tasks_count(host, instance->plugin), 0);
	assert_false(tasks_schedule_waits(host, instance, 0));
	/* A late answer for a task that is gone, or waits for something else, is dropped. */
	uint64_t task = host->last_task;
	tasks_answer(host, task, STR("{\"ok\":1}"));
	tasks_drop_plugin(host, old);
	plugin_destroy(old);
	tasks_answer(host, task, STR("{\"ok\":1}"));
	assert_int_equal(tasks_count(host, old), 0);
	/* The work that it had begun is run again, by the new one. */
	host_replay(host, NULL);
	advance(&bench, 30000);
	assert_int_equal(bench.bad.len, 0);
	assert_non_null(strstr(bench.did.ptr, "out 1\n"));
	assert_null(strstr(bench.did.ptr, "never"));
	bench_finish(&bench);
}

static void
a_schedule_is_passed_over_while_it_waits(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK
		"tusk.every('2s', { name = 'slow' }, function() print('tick') tusk.sleep('3s') print('tock') end)",
		0);
	send(&bench, "1");
	advance(&bench, 9500);
	buf_clear(&bench.bad);
	char *text = buf_take(&bench.did, NULL);
	buf_init(&bench.did, 1u << 20);
	assert_null(strstr(text, "tick\ntick"));
	assert_non_null(strstr(text, "tick\ntock\ntick\n"));
	assert_in_range(bench.host->instances[0]->schedules[0].row.skipped, 1, 3);
	free(text);
	bench_finish(&bench);
}

static void
answers_that_come_at_once_hold_up_nobody(void **state)
{
	struct bench bench;
	bench_start(&bench, *state,
		TUSK
		"tusk.plugin { permissions = { 'api:read' } }\n"
		"tusk.on('update', function(status)\n"
		"  tusk.spawn(function()\n"
		"    for _ = 1, 500 do tusk.api.get('/api/v1/markers') end print('read') end)\n"
		"  tusk.spawn(function()\n"
		"    for _ = 1, 200 do status:boost { key = 'k' }:await() end print('acted') end)\n"
		"  tusk.spawn(function() print('other') end) end)",
		0);
	send(&bench, "1");
	advance(&bench, 10000);
	did(&bench, "boost 1\nother\nacted\nread\n");
	bench_finish(&bench);
}

static void
note_longest(void *data, const struct journal_entry *entry)
{
	size_t *longest = data;
	*longest = entry->event_key.len > *longest ? entry->event_key.len : *longest;
}

static void
a_function_may_start_itself_again_for_ever(void **state)
{
	struct bench bench;
	size_t longest = 0;
	bench_start(&bench, *state,
		TUSK "local n = 0\n"
		     "local function again() n = n + 1 tusk.post('x') tusk.after(1, again) end\n"
		     "tusk.on('update', again)",
		0);
	send(&bench, "1");
	advance(&bench, 400500);
	assert_int_equal(bench.bad.len, 0);
	assert_int_equal(bench.did.len, 401 * strlen("post -\n")); /* each has a key of its own */
	journal_each(bench.host->store, STR_NONE, note_longest, &longest);
	assert_in_range(longest, 1, 200);
	bench_finish(&bench);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
	const struct CMUnitTest tests[] = {
		T(sleeps_in_virtual_time_and_holds_up_its_plugin),
		T(works_on_several_events_when_it_may),
		T(a_dry_run_answers_at_once),
		T(started_functions_act_in_their_time),
		T(a_handler_that_raises_takes_back_what_it_has_not_sent),
		T(runs_again_from_its_start_after_a_restart),
		T(a_plugin_that_goes_takes_its_tasks_along),
		T(a_schedule_is_passed_over_while_it_waits),
		T(answers_that_come_at_once_hold_up_nobody),
		T(a_function_may_start_itself_again_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
