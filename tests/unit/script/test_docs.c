/* SPDX-License-Identifier: MIT */
/* Test that every Lua snippet of the documents loads and runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lua_file.h"
#include "plugin_bench.h"

/* A line before the fence says what a snippet is when it is no whole plugin: <!-- wrap: handler -->, plugin or config. */
#define WRAP "<!-- wrap: "

static const char post[] =
	"{\"id\":\"1\",\"created_at\":\"2025-11-20T11:59:58.000Z\",\"visibility\":\"public\",\"language\":\"en\","
	"\"content\":\"<p>A cat, a lighthouse, a storm, rust and Lua</p>\",\"spoiler_text\":\"\",\"sensitive\":false,"
	"\"url\":\"https://s.example/@ann/1\",\"mentions\":[],\"tags\":[{\"name\":\"caturday\"}],"
	"\"media_attachments\":[{\"id\":\"3\",\"type\":\"image\",\"description\":\"a cat\"}],"
	"\"account\":{\"id\":\"2\",\"acct\":\"ann@s.example\",\"display_name\":\"Ann\",\"bot\":false,"
	"\"created_at\":\"2020-01-01T00:00:00.000Z\",\"note\":\"\",\"fields\":[]}}";

static void
run_plugin(struct bench *bench, const char *source, const char *where)
{
	static const char *const notifications[] = {"mention", "follow", "admin.report"};
	char line[2000];
	bench->config.file = where;
	bench->config.as_declared = true;
	bench_must_load(bench, source);
	if (bench_deliver(bench, bench_update(bench, post)) < 0)
		fail_msg("%s", bench->error.text);
	for (size_t i = 0; i < COUNT_OF(notifications); i++) {
		snprintf(line, sizeof(line),
			"{\"kind\":\"notification\",\"stream\":[\"user\"],\"payload\":{\"id\":\"1\",\"type\":\"%s\","
			"\"account\":{\"id\":\"2\",\"acct\":\"ann\"},\"status\":%s}}",
			notifications[i], post);
		if (bench_deliver(bench, bench_event(bench, line)) < 0)
			fail_msg("%s", bench->error.text);
	}
	struct event *gone = bench_event(
		bench, "{\"kind\":\"delete\",\"stream\":[\"user\"],\"payload\":\"42\"}");
	if (bench_deliver(bench, gone) < 0)
		fail_msg("%s", bench->error.text);
	unsigned count;
	plugin_schedules(bench->plugin, &count);
	for (unsigned i = 0; i < count; i++) {
		if (!bench_tick(bench, i, bench->now_ms))
			fail_msg("%s", bench->error.text);
	}
}

static void
run_config(const char *source, const char *where)
{
	struct buf out;
	char error[PLUGIN_ERROR_MAX];
	buf_init(&out, 1u << 20);
	setenv("BOT_TOKEN", "a token of the test", 1);
	if (!lua_file_read(where, str_from(source), NULL, &out, error))
		fail_msg("%s", error);
	buf_finish(&out);
}

static void
run_snippet(const char *source, const char *wrap, const char *where)
{
	struct bench bench;
	struct buf text;
	if (strcmp(wrap, "config") == 0) {
		run_config(source, where);
		return;
	}
	bench_init(&bench);
	buf_init(&text, 1u << 20);
	if (*wrap)
		(void)buf_add_text(&text, "local tusk = require 'moontusk' ");
	if (strcmp(wrap, "handler") == 0)
		(void)buf_add_text(&text,
			"tusk.plugin { permissions = { 'http:hooks.example', 'report', 'follow', 'mute', "
			"'block', 'api:read', 'api:write' } } "
			"tusk.on('update', function(status, event) local _ = status, event\n");
	(void)buf_add_text(&text, source);
	if (strcmp(wrap, "handler") == 0)
		(void)buf_add_text(&text, "end)");
	run_plugin(&bench, text.ptr, where);
	buf_finish(&text);
	bench_finish(&bench);
}

/* Runs each ```lua block of the file; returns how many there were. */
static unsigned
run_document(const char *name)
{
	char path[4096], line[4096], wrap[32] = "", where[100];
	struct buf block;
	bool inside = false;
	unsigned count = 0, number = 0;
	snprintf(path, sizeof(path), "%s/%s", getenv("MOONTUSK_SOURCE"), name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	buf_init(&block, 1u << 20);
	while (fgets(line, sizeof(line), file)) {
		number++;
		if (!inside && strncmp(line, "```lua", 6) == 0) {
			inside = true;
			buf_clear(&block);
			snprintf(where, sizeof(where), "%s after line %u", name, number);
		} else if (inside && strncmp(line, "```", 3) == 0) {
			run_snippet(block.ptr, wrap, where);
			inside = false;
			wrap[0] = '\0';
			count++;
		} else if (inside) {
			(void)buf_add_text(&block, line);
		} else if (strncmp(line, WRAP, strlen(WRAP)) == 0) {
			snprintf(wrap, sizeof(wrap), "%.*s", (int)strcspn(line + strlen(WRAP), " "),
				line + strlen(WRAP));
		}
	}
	assert_false(inside);
	fclose(file);
	buf_finish(&block);
	return count;
}

static void
every_snippet_runs(void **state)
{
	(void)state;
	assert_int_equal(run_document("README.md"), 2);
	assert_int_equal(run_document("docs/plugins.md"), 17);
	assert_int_equal(run_document("docs/api.md"), 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_snippet_runs)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
