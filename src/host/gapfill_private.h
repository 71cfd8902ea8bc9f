/* SPDX-License-Identifier: MIT */
/* What the files of the host that fill gaps share: one source of one stream, and what is being asked about it. */
#pragma once

#include "budget.h"
#include "fill.h"
#include "gapfill.h"
#include "host_private.h"
#include "pace.h"

enum job {
	JOB_NONE,
	JOB_FILL,  /* the pass that its row says */
	JOB_SWEEP, /* the last six hours once more */
	JOB_POLL,  /* in place of a stream */
	JOB_PROBE, /* the newest page: is the stream alive? */
};

struct source {
	struct gapfill *gapfill;
	const struct account *account;
	char *stream, *param;
	const struct stream_source *from;
	bool live;
	bool connected;  /* since the last turn: its row is to be made */
	bool polled;     /* there is no stream */
	int64_t lost_ms; /* Unix ms: when the stream was last heard of; 0: before this run */
	/* The open fill; `row.key`'s texts are borrowed from above, `next` and `known` from below. */
	bool has_row;
	struct fill_row row;
	char *next, *known;
	/* What runs. */
	enum job job;
	struct fill *fill; /* but of a probe */
	unsigned http;
	int64_t not_before_ms; /* monotonic */
	struct pace pace;
	bool failing;       /* the last answer was none */
	struct event *last; /* of the page that is in the intake; a reference */
	bool took;          /* the intake has given it */
	bool ended;
	enum fill_result result;
	bool lacks; /* a gap was written down of what the open fill is to bring */
	int64_t sweep_at_ms, poll_at_ms; /* monotonic */
	struct pace poll_pace;           /* of polls that were answered with a no */
	int64_t polled_ms; /* Unix ms: of the last poll that came to its end; 0: none */
	/* Looking whether the stream is alive; probe.c. */
	int64_t probe_at_ms, probe_wait_ms;
	char *probe, *probe_live; /* the newest of REST and of the stream, at the first look */
	bool silent;              /* REST gives nothing of it */
	char *note;               /* for people; NULL: nothing to say */
	struct source *next_source;
};

struct account_budget {
	struct gapfill *gapfill;
	const struct account *account;
	struct budget budget;
	unsigned running;
	unsigned look; /* id of the request for timelines_access; 0: none */
	struct account_budget *next;
};

struct gapfill {
	struct host *host;
	struct loop_timer *timer;
	struct source *sources;         /* source::next_source */
	struct account_budget *budgets; /* account_budget::next */
	unsigned pushed;                /* sources with a page in the intake */
	int64_t seen_at_ms; /* monotonic: when it is next written down that streams live */
};

/* Monotonic. */
static inline int64_t
gapfill_now_ms(const struct gapfill *gapfill)
{
	return clock_mono_ms(&gapfill->host->config.clock);
}

/* Unix ms. */
static inline int64_t
gapfill_wall_ms(const struct gapfill *gapfill)
{
	return clock_wall_ms(&gapfill->host->config.clock);
}

struct source_key source_key(const struct source *source);
struct link *source_link(const struct source *source); /* NULL: the account is gone */
/* "user (notifications)", "hashtag cats": in messages. New. */
char *source_name(const struct source *source);
/* At random, from `ms` to twice as much: many sources must not ask at the same moment. */
int64_t gapfill_spread_ms(struct gapfill *gapfill, int64_t ms);

/* Appends the cursor of `back_ms` before `at_ms`, which is not `cursor` if there is any other. Initialises `out`. */
void source_overlap(const struct source *source, struct str cursor, int64_t at_ms, int64_t back_ms,
	struct buf *out);

/* source_due.c. False: nobody hears the stream any more; plugins come and go, and the config changes. */
bool source_is_heard(const struct source *source);
/* Starts what is due. Returns ms until something else is, -1: nothing. */
int64_t source_due(struct source *source);

/* source_job.c: one job of a source at a time. */
/* Begins; the first page is asked for by job_flush. */
void job_start(struct source *source, enum job job, const struct fill_config *config);
void job_stop(struct source *source); /* nothing of it goes on */
void job_took(struct source *source); /* the page was handled: on to the next one */
/* Asks when budget and room allow. Returns ms until it may, -1: something else has to happen first. */
int64_t job_flush(struct source *source);
struct account_budget *gapfill_budget(struct gapfill *gapfill, const struct account *account);

/* probe.c. As source_due. */
int64_t probe_due(struct source *source);
void probe_answer(struct source *source, const struct http_answer *answer);
/* The timeline gives nothing although entries of it are known (`silent`): asks whether the server has it switched off. Or it
 * gives some again. */
void probe_feed(struct source *source, bool silent);
/* What people should know about the source, said once in the log; NULL: nothing any more. */
void source_note(struct source *source, const char *note);

/* polls.c. As source_due. */
int64_t poll_due(struct source *source);
/* The server did not answer a poll: `words` say why. */
void poll_failed(struct source *source, int64_t wait_ms, const char *words);
/* The job of a polled source has come to its end: when the server would not give anything, the next one waits, and people are
 * told. */
void poll_ended(struct source *source);
