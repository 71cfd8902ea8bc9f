/* SPDX-License-Identifier: MIT */
/* A loop, a log that is kept as text, and a server on loopback that does what a test tells it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "buf.h"
#include "http.h"
#include "limits.h"
#include "log.h"
#include "loop.h"
#include "server.h"

struct scripted {
	struct loop *loop;
	struct log *log;
	struct buf lines; /* what was logged, "LEVEL text\n" */
	struct http *http;
	struct server *server;
	char origin[64];
	struct loop_timer *deadline;
	bool (*is_done)(void *data);
	void *is_done_data;
	bool in_time;
	void *test; /* the test's own */
};

static void
scripted_on_line(void *data, enum log_level level, const char *module, const char *line)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	struct scripted *scripted = data;
	(void)module;
	if (level > LOG_DEBUG) {
		(void)buf_printf(&scripted->lines, "%s %s\n", levels[level], line);
	}
	if (getenv("SCRIPTED_VERBOSE") != NULL) {
		(void)fprintf(stderr, "%s %s\n", levels[level], line);
	}
}

static void
scripted_on_deadline(void *data)
{
	struct scripted *scripted = data;
	scripted->in_time = false;
	loop_stop(scripted->loop);
}

static void
scripted_on_turn(void *data)
{
	struct scripted *scripted = data;
	if (scripted->is_done != NULL && scripted->is_done(scripted->is_done_data)) {
		loop_stop(scripted->loop);
	}
}

/* So long the clocks jump at most where nothing happens for a millisecond: a bound of seconds is many of them. */
#define SKIP_STEP_MS 500

/* Waiting takes no real time. `test` is handed to the server's callbacks and kept in scripted->test. */
static void
scripted_init(struct scripted *scripted, const struct server_events *events, void *test)
{
	char error[MESSAGE_MAX] = "";
	struct server_config config = {.port = 0};
	*scripted = (struct scripted){.test = test};
	buf_init(&scripted->lines, 16 << 20);
	scripted->loop = loop_create(1.0);
	loop_skip_idle(scripted->loop, SKIP_STEP_MS);
	scripted->log = log_create(stderr, LOG_DEBUG, false, NULL);
	log_set_sink(scripted->log, scripted_on_line, scripted);
	scripted->http = http_create(scripted->loop, scripted->log, "moontusk-test");
	scripted->server =
		server_create(scripted->loop, scripted->log, &config, events, test, error);
	if (scripted->server == NULL) {
		fail_msg("%s", error);
	}
	(void)snprintf(scripted->origin, sizeof(scripted->origin), "http://127.0.0.1:%d",
		server_port(scripted->server));
	scripted->deadline = loop_timer_create(scripted->loop, scripted_on_deadline, scripted);
	loop_set_turn(scripted->loop, scripted_on_turn, scripted);
}

static void
scripted_finish(struct scripted *scripted)
{
	loop_timer_destroy(scripted->deadline);
	http_destroy(scripted->http);
	server_destroy(scripted->server);
	loop_destroy(scripted->loop);
	log_destroy(scripted->log);
	buf_finish(&scripted->lines);
}

/* Runs until `is_done` says so; false when `limit_ms` of the loop's time passed before. */
static UNUSED bool
scripted_run(struct scripted *scripted, bool (*is_done)(void *data), void *data, int64_t limit_ms)
{
	scripted->is_done = is_done;
	scripted->is_done_data = data;
	scripted->in_time = true;
	loop_timer_start(scripted->deadline, limit_ms, 0);
	loop_run(scripted->loop);
	loop_timer_stop(scripted->deadline);
	scripted->is_done = NULL;
	return scripted->in_time;
}

static UNUSED unsigned
scripted_count_lines(const struct scripted *scripted, const char *text)
{
	unsigned count = 0;
	for (const char *at = scripted->lines.ptr; at != NULL && (at = strstr(at, text)) != NULL;
		at++) {
		count++;
	}
	return count;
}

static UNUSED void
scripted_expect_line(const struct scripted *scripted, const char *text)
{
	if (scripted_count_lines(scripted, text) == 0) {
		fail_msg("no line has \"%s\":\n%s", text,
			scripted->lines.ptr != NULL ? scripted->lines.ptr : "");
	}
}

static UNUSED const char *
scripted_header(const struct server_request *request, const char *name)
{
	for (unsigned i = 0; i < request->header_count; i++) {
		if (strcmp(request->headers[i].name, name) == 0) {
			return request->headers[i].value;
		}
	}
	return NULL;
}

static UNUSED void
scripted_answer(
	struct scripted *scripted, server_conn conn, int status, const char *type, const char *body)
{
	struct http_header headers[] = {{"Content-Type", type}};
	(void)server_respond(scripted->server, conn, status, headers, 1, str_from(body), false);
}
