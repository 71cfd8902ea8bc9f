/* SPDX-License-Identifier: MIT */
/* The escape suite: each trick of tests/lua/escape, in a handler and while loading, ends near its budget. */
#include "plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "plugin_bench.h"
#include "xmalloc.h"

#ifdef __SANITIZE_ADDRESS__
#define CPU_MS 20 /* budgets are ten times as long there, and so would be the suite */
#else
#define CPU_MS 100
#endif
#define SLACK_MS   300
#define CASES_MAX  400
#define SOURCE_MAX (256u << 10)

static const char status_json[] =
	"{\"id\":\"1\",\"content\":\"<p>cats</p>\",\"visibility\":\"public\",\"account\":{\"id\":\"9\",\"acct\":\"ann\"}}";

/* A trick and what has to come of it. */
struct trick {
	char *name, *ends, *code;
	int line;
};
static struct {
	struct trick list[CASES_MAX];
	unsigned count;
	int64_t worst_ms, worst_wall_ms;
	const char *worst_name;
	unsigned failed;
	int64_t scale; /* of times: sanitizers and loaded machines are slow */
} suite;

/* The thread never sleeps in a trick: where the wall clock has more than its CPU clock, other programs had the CPU. */
struct watch {
	int64_t cpu_ms, wall_ms;
};

static int64_t
read_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct watch
watch_start(void)
{
	return (struct watch){read_ms(CLOCK_THREAD_CPUTIME_ID), read_ms(CLOCK_MONOTONIC)};
}

/* "--- cpu: name" starts a trick; the lines up to the next one are its code. */
static void
read_tricks(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[4096];
	struct buf code;
	struct trick *trick = NULL;
	int number = 0;
	assert_non_null(file);
	buf_init(&code, SOURCE_MAX);
	while (fgets(line, sizeof(line), file)) {
		number++;
		if (strncmp(line, "--- ", 4) == 0) {
			if (trick)
				trick->code = str_dup(buf_str(&code));
			buf_clear(&code);
			assert_true(suite.count < CASES_MAX);
			trick = &suite.list[suite.count++];
			char *colon = strchr(line, ':');
			assert_non_null(colon);
			trick->ends = str_dup((struct str){line + 4, (size_t)(colon - line) - 4});
			trick->name = str_dup((struct str){colon + 2, strcspn(colon + 2, "\n")});
			trick->line = number;
		} else if (trick) {
			(void)buf_add_text(&code, line);
		}
	}
	if (trick)
		trick->code = str_dup(buf_str(&code));
	buf_finish(&code);
	fclose(file);
}

/* "cpu", "memory": that limit; "error": it raises by itself; "fine": nothing happens; several with "|". */
static bool
is_expected(const struct trick *trick, bool ok, enum plugin_limit limit)
{
	static const char *const names[] = {"error", "cpu", "memory", "output", "time"};
	return strstr(trick->ends, ok ? "fine" : names[limit]) != NULL;
}

/* All are told, not only the first. */
static void PRINTF_LIKE(1, 2) refuse(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vprint_error(format, args);
	va_end(args);
	print_error("\n");
	suite.failed++;
}

static void
note_time(const struct trick *trick, struct watch start, int64_t budget_ms, const char *where)
{
	struct watch now = watch_start();
	int64_t cpu = now.cpu_ms - start.cpu_ms - budget_ms * suite.scale;
	int64_t wall = now.wall_ms - start.wall_ms - budget_ms * suite.scale;
	if (getenv("ESCAPE_VERBOSE"))
		print_message("  %5lld ms, CPU %5lld ms %s: %s\n", (long long)wall, (long long)cpu,
			where, trick->name);
	if (wall > suite.worst_wall_ms)
		suite.worst_wall_ms = wall;
	if (cpu > suite.worst_ms) {
		suite.worst_ms = cpu;
		suite.worst_name = trick->name;
	}
	if (cpu > SLACK_MS * suite.scale)
		refuse("line %d: %s (%s): ended %lld ms after its budget", trick->line, trick->name,
			where, (long long)cpu);
}

/* Two handlers: the trick, and one that shows that the instance still works. */
static const char program[] =
	"local tusk = require 'moontusk'\n"
	"local function trick()\n%s\nend\n"
	"local runs = 0\n"
	"tusk.on('update', function() runs = runs + 1 if runs == 1 then trick() end end)\n"
	"tusk.on('update', function(status) assert(status.id == '1') print('works') end)\n";

/* Runs one handler to its end; false: it raised, and bench->error says why. */
static bool
deliver(struct bench *bench, unsigned handler)
{
	struct plugin_delivery delivery = {
		.handler = handler, .event = bench_update(bench, status_json)};
	struct plugin_run run;
	plugin_run_init(&run);
	bool ok = bench_ended(bench, plugin_deliver(bench->plugin, &delivery, &run), &run);
	event_unref(delivery.event);
	effects_finish(&bench->effects);
	return ok;
}

static void
in_a_handler(struct bench *bench, const struct trick *trick)
{
	char *source = xasprintf(program, trick->code);
	if (!bench_load(bench, source)) {
		refuse("line %d: %s: %s", trick->line, trick->name, bench->error.text);
		free(source);
		return;
	}
	struct watch start = watch_start();
	bool ok = deliver(bench, 0);
	note_time(trick, start, CPU_MS, "in a handler");
	if (!is_expected(trick, ok, bench->error.limit))
		refuse("line %d: %s: ended with %s (limit %d), expected %s", trick->line,
			trick->name, ok ? "success" : bench->error.text,
			ok ? 0 : (int)bench->error.limit, trick->ends);
	buf_clear(&bench->lines);
	if (!deliver(bench, 1) || !strstr(bench->lines.ptr, "works"))
		refuse("line %d: %s: the next call failed: %s", trick->line, trick->name,
			bench->error.text);
	free(source);
}

static void
while_loading(struct bench *bench, const struct trick *trick)
{
	char *source = xasprintf(
		"local tusk = require 'moontusk'\nlocal function trick()\n%s\nend\ntrick()\n",
		trick->code);
	struct watch start = watch_start();
	bool ok = bench_load(bench, source);
	note_time(trick, start, CPU_MS, "while loading");
	if (!is_expected(trick, ok, bench->error.limit) && !strstr(trick->ends, "handler"))
		refuse("line %d: %s: ended while loading with %s (limit %d), expected %s",
			trick->line, trick->name, ok ? "success" : bench->error.text,
			ok ? 0 : (int)bench->error.limit, trick->ends);
	bench_must_load(bench, "local tusk = require 'moontusk' tusk.on('update', print)");
	free(source);
}

static void
run_all(struct bench *bench, void (*run)(struct bench *, const struct trick *))
{
	const char *only = getenv("ESCAPE_ONLY");
	suite.worst_ms = suite.worst_wall_ms = INT64_MIN;
	suite.failed = 0;
	for (unsigned i = 0; i < suite.count; i++) {
		if (!only || strstr(suite.list[i].name, only))
			run(bench, &suite.list[i]);
	}
	print_message(
		"%u tricks; the worst ended %lld ms after its budget: %s; by the wall clock %lld ms\n",
		suite.count, (long long)suite.worst_ms, suite.worst_name,
		(long long)suite.worst_wall_ms);
	assert_int_equal(suite.failed, 0);
}

static void
no_trick_outlives_its_budget_in_a_handler(void **state)
{
	run_all(*state, in_a_handler);
}

static void
no_trick_outlives_its_budget_while_loading(void **state)
{
	run_all(*state, while_loading);
}

static int
set_up(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));
	const char *scale = getenv("ESCAPE_SCALE");
	bench_init(bench);
	bench->config.limits = (struct plugin_limits){.cpu_ms = CPU_MS, .load_ms = CPU_MS};
	suite.scale = scale ? strtol(scale, NULL, 10) : 1;
#ifdef __SANITIZE_ADDRESS__
	suite.scale *= 10;
#endif
	*state = bench;
	return 0;
}

int
main(int argc, char **argv)
{
	const char *preload = getenv("LD_PRELOAD");
	if (preload && strstr(preload, "vgpreload"))
		return 77; /* budgets are off under valgrind, and the tricks would not end */
	for (int i = 1; i < argc; i++)
		read_tricks(argv[i]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			no_trick_outlives_its_budget_in_a_handler, set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(
			no_trick_outlives_its_budget_while_loading, set_up, bench_tear_down),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (unsigned i = 0; i < suite.count; i++) {
		free(suite.list[i].name);
		free(suite.list[i].ends);
		free(suite.list[i].code);
	}
	return failed;
}
