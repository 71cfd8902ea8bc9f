/* SPDX-License-Identifier: MIT */
/* What a running host does, told on the log and, for a dry run, on standard output. */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json.h"
#include "limits.h"

#define LOG_MODULE "run"

static void
on_matched(void *data, const char *instance, const struct event *event, struct str matched)
{
	struct report *report = data;
	log_debug(report->log, "%s: %.*s %.*s matched %.*s", instance, STR_ARG(event->name),
		STR_ARG(event->id), STR_ARG(matched));
}

static void
on_archived(void *data, const char *instance, const struct event *event, const char *path)
{
	struct report *report = data;
	log_debug(report->log, "%s: archived %.*s %.*s in %s", instance, STR_ARG(event->name),
		STR_ARG(event->id), path);
}

static void
print_dry(struct report *report, const struct intent *intent)
{
	struct buf line;
	buf_init(&line, ACTION_BODY_MAX);
	buf_printf(&line, "would %s [%s] ", intent->action, intent->instance);
	show_clean(&line, str_from(intent->summary), report->show.width);
	buf_printf(&line, " — %s ", intent->method);
	show_clean(&line, str_from(intent->url), 200);
	if (intent->body) {
		buf_add_char(&line, ' ');
		show_clean(&line, str_from(intent->body), 2000);
	}
	fprintf(report->show.out, "%s\n", line.ptr);
	bool written = fflush(report->show.out) == 0 && !ferror(report->show.out);
	if (!written && errno != EPIPE)
		log_error(report->log, "cannot write: %s", strerror(errno));
	buf_finish(&line);
	if (!written && report->reader)
		loop_stop(report->reader);
}

static void
on_action(void *data, const struct intent *intent)
{
	struct report *report = data;
	switch (intent->state) {
	case INTENT_DRY:
		report->dry++;
		if (report->print_dry)
			print_dry(report, intent);
		break;
	case INTENT_DONE:
		report->done++;
		log_info(report->log, "%s: %s done: %s", intent->instance, intent->action,
			intent->summary ? intent->summary : intent->key);
		break;
	case INTENT_FAILED:
	case INTENT_UNKNOWN:
		report->failed++; /* the outbox says why */
		break;
	case INTENT_OPEN:
		break;
	}
}

const struct host_events report_events = {
	.on_matched = on_matched,
	.on_archived = on_archived,
	.on_action = on_action,
};

void
report_summary(const struct report *report, const struct host *host)
{
	const struct host_stats *stats = host_stats(host);
	log_info(report->log,
		"%" PRIu64 " events, %" PRIu64 " matches, %" PRIu64 " archived, %" PRIu64
		" actions (%" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
		" dry, %zu open), %" PRIu64 " handler errors",
		stats->received, stats->matched, stats->archived, stats->actions, report->done,
		report->failed, report->dry, host_pending(host), stats->raised);
}
