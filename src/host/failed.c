/* SPDX-License-Identifier: MIT */
/* What becomes of a task that has failed: log, journal, and on_error: dead letter, skip, retry or stop. */
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "report_file.h"
#include "xmalloc.h"

#define LOG_MODULE "plugin"

static const char *
subject_of(const struct cause *cause)
{
	return cause->event_key ? cause->event_key : cause->schedule;
}

static void
log_error_lines(const struct failure *failure)
{
	const struct cause *cause = failure->cause;
	struct log *log = cause->host->config.log;
	const char *name = cause->instance->name;
	log_error(log, "%s: failed on %s:", name, subject_of(cause));
	for (const char *at = failure->error->text; *at;) {
		size_t len = strcspn(at, "\n");
		log_error(log, "%s:   %.*s", name, (int)len, at);
		at += len + (at[len] == '\n');
	}
}

/* A line for the report of a later one. */
static void
remember(const struct failure *failure)
{
	const struct cause *cause = failure->cause;
	struct guard *guard = &cause->instance->guard;
	char *said = secrets_redacted(cause->host->config.secrets, failure->error->text);
	struct buf line;
	buf_init(&line, 2 * MESSAGE_MAX);
	time_format(&line, clock_wall_ms(&cause->host->config.clock));
	size_t len = strcspn(said, "\n");
	buf_printf(&line, "  %.200s  %.*s", subject_of(cause),
		len < MESSAGE_MAX ? (int)len : MESSAGE_MAX, said);
	free(said);
	if (guard->recent_count == FAILURES_SHOWN_MAX) {
		free(guard->recent[0]);
		memmove(guard->recent, guard->recent + 1,
			(FAILURES_SHOWN_MAX - 1) * sizeof(char *));
		guard->recent_count--;
	}
	guard->recent = xreallocarray(guard->recent, FAILURES_SHOWN_MAX, sizeof(char *));
	guard->recent[guard->recent_count++] = buf_take(&line, NULL);
}

/* With the event, so that it can be run again: moontusk replay --dead-letters. */
static void
journal(const struct failure *failure, const char *what, bool with_event)
{
	const struct cause *cause = failure->cause;
	const char *limit = report_limit_words(failure->error->limit);
	struct buf detail;
	buf_init(&detail, EVENT_LINE_MAX);
	buf_add_char(&detail, '{');
	json_put_key(&detail, "error");
	json_put_text(&detail, failure->error->text);
	if (limit) {
		json_put_key(&detail, "limit");
		json_put_text(&detail, limit);
	}
	if (failure->work) {
		json_put_key(&detail, "handler");
		json_put_text(&detail, failure->work->key);
		json_put_key(&detail, "tries");
		json_put_int(&detail, failure->work->tries + 1);
	}
	if (with_event && cause->event) {
		struct buf line;
		buf_init(&line, EVENT_LINE_MAX);
		event_write_line(cause->event, &line);
		json_put_key(&detail, "event");
		buf_add_str(&detail, buf_str(&line));
		buf_finish(&line);
	}
	buf_add_char(&detail, '}');
	host_journal(
		cause->host, cause->instance, what, str_from(subject_of(cause)), buf_str(&detail));
	buf_finish(&detail);
}

static bool
try_again(const struct failure *failure)
{
	const struct cause *cause = failure->cause;
	struct work *work = failure->work;
	int64_t wait_ms = failures_wait_ms(work->tries + 1);
	if (wait_ms == 0)
		return false;
	struct buf wait;
	buf_init(&wait, 64);
	duration_format(&wait, wait_ms);
	log_warn(cause->host->config.log, "%s: %s is tried again in %s (try %d of %d has failed)",
		cause->instance->name, subject_of(cause), wait.ptr, work->tries + 1,
		RETRY_TRIES_MAX);
	buf_finish(&wait);
	journal(failure, "retry", false);
	inbox_retry(&cause->instance->inbox, cause->host->store, work,
		clock_wall_ms(&cause->host->config.clock) + wait_ms);
	return true;
}

/* A plugin that another one took the place of does not count against that. */
static void
count(const struct failure *failure)
{
	struct instance *instance = failure->cause->instance;
	struct guard *guard = &instance->guard;
	enum plugin_limit limit = failure->error->limit;
	bool killed = limit == LIMIT_CPU || limit == LIMIT_MEMORY;
	if (failure->plugin != instance->plugin || failure->cause->host->config.offline)
		return;
	if (!failures_failed(&guard->failures, killed ? FAILURE_KILL_WEIGHT : 1))
		return;
	char *why = xasprintf("it failed too often: %u failures within %u events%s",
		guard->failures.most, guard->failures.of,
		killed ? " (a call that was ended counts twice)" : "");
	quarantine_trip(failure->cause->host, instance, why, failure);
	free(why);
}

bool
failed_task(const struct failure *failure)
{
	const struct cause *cause = failure->cause;
	struct instance *instance = cause->instance;
	bool offline = cause->host->config.offline;
	enum on_error policy = instance->about.on_error;
	instance->raised++;
	cause->host->stats.raised++;
	log_error_lines(failure);
	remember(failure);
	if (policy == ON_ERROR_RETRY && failure->work && try_again(failure))
		return true;
	if (policy == ON_ERROR_STOP && !offline && failure->plugin == instance->plugin) {
		journal(failure, failure->work ? "stopped" : "dead_letter", true);
		quarantine_trip(cause->host, instance, "a handler failed, and on_error is \"stop\"",
			failure);
		if (failure->work)
			inbox_run(&instance->inbox, failure->work, false);
		return failure->work != NULL;
	}
	if (policy == ON_ERROR_SKIP)
		journal(failure, "skipped", false);
	else
		journal(failure, "dead_letter", true);
	count(failure);
	return false;
}
