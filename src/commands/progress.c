/* SPDX-License-Identifier: MIT */
/* A progress bar on standard error, where that is a terminal. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

enum { DRAW_EVERY_MS = 200, BAR_WIDTH = 24 };

static int64_t
now_ms(void)
{
	struct clock machine = clock_system();

	return clock_mono_ms(&machine);
}

void
progress_clear(struct progress *progress)
{
	if (!progress->on_screen)
		return;
	fputs("\r\033[K", stderr);
	progress->on_screen = false;
}

static void
on_line(void *data, enum log_level level, const char *module, const char *line)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};

	progress_clear(data);
	fprintf(stderr, "moontusk: %s: %s: %s\n", levels[level], module, line);
}

void
progress_start(struct progress *progress, struct log *log, uint64_t total, bool wanted)
{
	*progress = (struct progress){.log = log, .total = total, .start_ms = now_ms()};
	progress->shown = wanted && isatty(STDERR_FILENO);
	if (progress->shown)
		log_set_sink(log, on_line, progress);
}

void
progress_show(struct progress *progress, uint64_t bytes, uint64_t events)
{
	if (!progress->shown)
		return;
	int64_t now = now_ms(), passed_ms = now - progress->start_ms;
	if (now - progress->drawn_ms < DRAW_EVERY_MS || passed_ms == 0)
		return;
	progress->drawn_ms = now;
	double rate = (double)events * 1000 / (double)passed_ms;
	double mb_rate = (double)bytes / 1000 / (double)passed_ms;
	if (progress->total == 0 || bytes == 0) {
		fprintf(stderr, "\r\033[K%" PRIu64 " events  %.0f/s  %.1f MB/s", events, rate,
			mb_rate);
	} else {
		uint64_t done = bytes < progress->total ? bytes : progress->total;
		int filled = (int)(BAR_WIDTH * done / progress->total);
		int64_t left_s = (int64_t)((double)(progress->total - done) / (double)done *
					   (double)passed_ms / 1000);
		fprintf(stderr, "\r\033[K[%.*s%*s] %3d %%  %.0f events/s  %.1f MB/s  ", filled,
			"########################", BAR_WIDTH - filled, "",
			(int)(100 * done / progress->total), rate, mb_rate);
		fprintf(stderr, "%" PRId64 ":%02" PRId64 ":%02" PRId64 " left", left_s / 3600,
			left_s / 60 % 60, left_s % 60);
	}
	fflush(stderr);
	progress->on_screen = true;
}

void
progress_end(struct progress *progress)
{
	progress_clear(progress);
	if (progress->shown)
		log_set_sink(progress->log, NULL, NULL);
	progress->shown = false;
}
