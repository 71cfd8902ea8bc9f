/* SPDX-License-Identifier: MIT */
/* What tests of plugins need around one. */
#include "plugin_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "json_write.h"
#include "view.h"
#include "windows.h"

static int64_t
on_clock(void *data)
{
	const struct bench *bench = data;
	return bench->now_ms;
}

static void
on_line(void *data, enum log_level level, const char *module, const char *line)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	struct bench *bench = data;
	(void)buf_printf(&bench->lines, "%s %s %s\n", names[level], module, line);
}

void
bench_init(struct bench *bench)
{
	*bench = (struct bench){.parser = json_parser_create(),
		.secrets = secrets_create(),
		.views = views_create(),
		.scratch = pattern_scratch_create(),
		.now_ms = 1763640000000};
	bench->log = log_create(stderr, LOG_DEBUG, false, bench->secrets);
	buf_init(&bench->lines, 1u << 20);
	log_set_sink(bench->log, on_line, bench);
	effects_init(&bench->effects);
	bench->config = (struct plugin_config){.name = "cats",
		.file = "plugins/cats.lua",
		.account = "bot",
		.log = bench->log,
		.clock = {.wall_ms = on_clock, .mono_ms = on_clock, .data = bench},
		.parser = bench->parser,
		.secrets = bench->secrets,
		.windows = windows_create("cats")};
}

void
bench_finish(struct bench *bench)
{
	effects_finish(&bench->effects);
	plugin_destroy(bench->plugin);
	windows_destroy(bench->config.windows);
	views_destroy(bench->views);
	pattern_scratch_destroy(bench->scratch);
	log_destroy(bench->log);
	secrets_destroy(bench->secrets);
	json_parser_destroy(bench->parser);
	buf_finish(&bench->lines);
}

int
bench_set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	bench_init(bench);
	*state = bench;
	return 0;
}

int
bench_tear_down(void **state)
{
	bench_finish(*state);
	free(*state);
	return 0;
}

bool
bench_load(struct bench *bench, const char *source)
{
	plugin_destroy(bench->plugin);
	buf_clear(&bench->lines);
	bench->config.source = str_from(source);
	bench->plugin = plugin_create(&bench->config, &bench->error);
	return bench->plugin != NULL;
}

void
bench_must_load(struct bench *bench, const char *source)
{
	if (!bench_load(bench, source))
		fail_msg("%s", bench->error.text);
}

struct event *
bench_event(struct bench *bench, const char *line)
{
	struct decode_context context = {
		.parser = bench->parser, .account = STR("bot"), .received_at_ms = bench->now_ms};
	struct decode_output out = {0};
	if (decode_line(&context, str_from(line), &out) != DECODE_EVENT)
		fail_msg("no event: %s: %s", out.error_text, line);
	return out.event;
}

struct event *
bench_update(struct bench *bench, const char *status)
{
	struct buf line;
	buf_init(&line, 1u << 20);
	(void)buf_printf(&line,
		"{\"kind\":\"update\",\"stream\":[\"public\"],\"account\":\"bot\",\"origin\":\"live\","
		"\"received_at\":\"2025-11-20T12:00:00.250Z\",\"payload\":%s}",
		status);
	struct event *event = bench_event(bench, line.ptr);
	buf_finish(&line);
	return event;
}

/* What the host writes about a match, as far as handlers see it. */
static void
write_hit(struct buf *out, const struct rule_hit *hit)
{
	(void)buf_add_char(out, '{');
	json_put_key(out, "rule");
	json_put_text(out, hit->key);
	json_put_key(out, "view");
	json_put_text(out, view_name(hit->view));
	json_put_key(out, "captures");
	(void)buf_add_char(out, '[');
	for (unsigned i = 0; i < hit->capture_count; i++) {
		struct span span = hit->captures[i];
		json_put_comma(out);
		if (span.start > span.end)
			(void)buf_add_text(out, "null");
		else
			json_put_str(out,
				(struct str){hit->subject.ptr + span.start, span.end - span.start});
	}
	(void)buf_add_text(out, "]}");
}

static bool
matches(struct bench *bench, const struct plugin_handler *handler, const struct event *event,
	struct buf *matched)
{
	struct rule_hit hit = {0};
	if (handler->host_event || !handler->kinds[event->kind])
		return false;
	if (event->kind == EVENT_UNKNOWN && handler->name &&
		!str_eq_text(event->name, handler->name))
		return false;
	if (!handler->rule)
		return true;
	if (rule_match(handler->rule, bench->views, bench->scratch, bench->now_ms, &hit) !=
		RULE_YES)
		return false;
	write_hit(matched, &hit);
	return true;
}

bool
bench_ended(struct bench *bench, enum plugin_verdict verdict, struct plugin_run *run)
{
	while (verdict == PLUGIN_WAITS) {
		const char *usual = run->wait.kind == WAIT_REQUEST
					    ? "{\"ok\":{\"status\":200,\"headers\":{}}}\n[]"
					    : "{\"ok\":{\"id\":\"77\"}}";
		const char *answer = bench->answer ? bench->answer : usual;
		if (run->wait.kind == WAIT_SLEEP)
			bench->now_ms = run->wait.until_ms;
		verdict = plugin_resume(bench->plugin, run, str_from(answer));
	}
	for (size_t i = 0; i < run->effects.count; i++) {
		struct effect *effect = effects_add(&bench->effects, run->effects.list[i].type);
		assert_non_null(effect);
		*effect = run->effects.list[i];
	}
	run->effects.count = 0;
	bench->error = run->error;
	plugin_run_finish(run);
	return verdict == PLUGIN_ENDED;
}

bool
bench_tick(struct bench *bench, unsigned schedule, int64_t due_ms)
{
	struct plugin_run run;
	plugin_run_init(&run);
	effects_finish(&bench->effects);
	return bench_ended(bench, plugin_tick(bench->plugin, schedule, due_ms, &run), &run);
}

int
bench_deliver(struct bench *bench, struct event *event)
{
	unsigned count;
	int ran = 0;
	const struct plugin_handler *handlers = plugin_handlers(bench->plugin, &count);
	effects_finish(&bench->effects);
	effects_init(&bench->effects);
	views_set_event(bench->views, event);
	for (unsigned i = 0; i < count && ran >= 0; i++) {
		struct buf matched;
		buf_init(&matched, 1u << 20);
		if (matches(bench, &handlers[i], event, &matched)) {
			struct plugin_delivery delivery = {
				.handler = i, .event = event, .matched = buf_str(&matched)};
			struct plugin_run run;
			plugin_run_init(&run);
			bool ok = bench_ended(
				bench, plugin_deliver(bench->plugin, &delivery, &run), &run);
			ran = ok ? ran + 1 : -1;
		}
		buf_finish(&matched);
	}
	views_set_event(bench->views, NULL);
	event_unref(event);
	return ran;
}

void
bench_run(struct bench *bench, const char *source, const char *line)
{
	bench_must_load(bench, source);
	int ran = bench_deliver(bench, bench_event(bench, line));
	if (ran < 0)
		fail_msg("%s", bench->error.text);
	assert_int_equal(ran, 1);
}

struct effect *
bench_effect(struct bench *bench, size_t i, enum effect_type type)
{
	assert_in_range(i + 1, 1, bench->effects.count);
	assert_int_equal(bench->effects.list[i].type, type);
	return &bench->effects.list[i];
}

void
bench_assert_contains(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("found: %s\nexpected it to contain: %s", text ? text : "nothing", part);
}
