/* SPDX-License-Identifier: MIT */
/* What tests of plugins need around one: parser, log, clock, events, a way to run every handler that matches. */
#pragma once

#include "buf.h"
#include "plugin.h"

struct bench {
	struct json_parser *parser;
	struct secrets *secrets;
	struct log *log;
	struct views *views;
	struct pattern_scratch *scratch;
	struct buf lines; /* what was logged: "LEVEL MODULE text" a line */
	int64_t now_ms;
	struct plugin_config config;
	struct plugin *plugin;
	struct plugin_error error;
	struct effects effects;
	const char *
		answer; /* to tasks that wait; NULL: { "ok": { "id": "77" } }, to requests 200 and []. Sleeping ones wake at once, later */
};

void bench_init(struct bench *bench);
void bench_finish(struct bench *bench);
/* For cmocka: a bench as the state of a test. */
int bench_set_up(void **state);
int bench_tear_down(void **state);
/* Creates the plugin "cats" from the text; options and allow stand in bench->config. Destroys an earlier one. */
bool bench_load(struct bench *bench, const char *source);
/* The same, and the test fails with the plugin's error. */
void bench_must_load(struct bench *bench, const char *source);
/* A new event from a JSON line as `tail --json` prints it. */
struct event *bench_event(struct bench *bench, const char *line);
/* An update with this JSON of a status. */
struct event *bench_update(struct bench *bench, const char *status);
/* What a step came to: its effects are added to bench->effects, an error is in bench->error. False: it raised. */
bool bench_ended(struct bench *bench, enum plugin_verdict verdict, struct plugin_run *run);
bool bench_tick(struct bench *bench, unsigned schedule, int64_t due_ms);
/* Gives the event (takes it) to each handler whose kind and rule match; effects are in bench->effects, which is emptied
 * before. Returns how many ran, -1 when one raised: bench->error has why. */
int bench_deliver(struct bench *bench, struct event *event);
/* Loads the text, delivers `line`, and the test fails unless exactly one handler ran without an error. */
void bench_run(struct bench *bench, const char *source, const char *line);
/* The i-th effect; the test fails when there is none of that type there. */
struct effect *bench_effect(struct bench *bench, size_t i, enum effect_type type);
void bench_assert_contains(const char *text, const char *part);
