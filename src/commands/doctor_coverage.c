/* SPDX-License-Identifier: MIT */
/* doctor --coverage: listens for a while, on all accounts at once, and holds what came against what REST lists. */
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "doctor_parts.h"
#include "json_write.h"
#include "limits.h"
#include "link.h"
#include "stream_name.h"
#include "version.h"
#include "xmalloc.h"

#define LIVE_MS       INT64_C(30000) /* until all streams are live */
#define STRAGGLERS_MS INT64_C(5000)  /* REST may list a post before its event comes */
#define LOOK_MS       INT64_C(250)

/* One account that is sampled. */
struct sample {
	struct patient *patient;
	struct sampling *sampling;
	struct link *link;
	struct coverage **list; /* one for each source of each stream */
	bool *live;             /* as list: the stream is live */
	unsigned count;
};

struct sampling {
	struct doctor *doctor;
	struct sample *samples;
	unsigned count;
	bool waits_for_live; /* the loop stops when all are */
};

/* ---- what comes ---- */

static bool
is_of(const struct coverage *coverage, struct str stream, struct str param)
{
	const struct checkup_stream *wanted = coverage_stream(coverage);
	return stream_same(str_from(wanted->info->name), str_from(wanted->param), stream, param);
}

static void
on_event(void *data, struct event *event)
{
	struct sample *sample = data;
	for (unsigned i = 0; i < sample->count; i++) {
		if (is_of(sample->list[i], event->stream, event->param))
			coverage_heard(sample->list[i], event);
	}
	event_unref(event);
}

static void
on_broken(void *data, const char *what)
{
	(void)data;
	(void)what;
}

static bool
all_live(const struct sampling *sampling)
{
	for (unsigned i = 0; i < sampling->count; i++) {
		const struct sample *sample = &sampling->samples[i];
		for (unsigned k = 0; k < sample->count; k++) {
			if (!sample->live[k])
				return false;
		}
	}
	return true;
}

static void
on_state(void *data, const struct account *account, const struct stream_status *status)
{
	struct sample *sample = data;
	(void)account;
	for (unsigned i = 0; i < sample->count; i++) {
		if (status->state == STREAM_LIVE &&
			is_of(sample->list[i], status->stream, status->param))
			sample->live[i] = true;
	}
	if (sample->sampling->waits_for_live && all_live(sample->sampling))
		loop_stop(sample->sampling->doctor->session.loop);
}

static void
on_link(void *data, const struct account *account, enum link_event what, const char *message)
{
	(void)data;
	(void)account;
	(void)what;
	(void)message;
}

/* ---- setting up ---- */

static void
add_stream(struct sample *sample, const struct checkup_stream *stream)
{
	const struct stream_source *sources;
	size_t count = stream_sources(str_from(stream->info->name), &sources);
	for (size_t i = 0; i < count; i++) {
		if (sources[i].limit == 0) /* announcements: rare, and listed all at once */
			continue;
		sample->list =
			xreallocarray(sample->list, sample->count + 1, sizeof(sample->list[0]));
		sample->live =
			xreallocarray(sample->live, sample->count + 1, sizeof(sample->live[0]));
		sample->live[sample->count] = false;
		sample->list[sample->count++] = coverage_create(stream, &sources[i]);
	}
}

static void
start_sample(struct sample *sample)
{
	static const struct link_events events = {on_event, on_broken, on_state, on_link};
	const struct patient *patient = sample->patient;
	struct doctor *doctor = patient->doctor;
	struct link_config config = {
		.streaming =
			{
				.loop = doctor->session.loop,
				.http = doctor->fetch.http,
				.ws = doctor->ws,
				.log = doctor->quiet,
				.rng = &doctor->rng,
				.parser = doctor->fetch.parser,
				.transport = patient->from->transport,
				.user_agent = "moontusk/" MOONTUSK_VERSION,
			},
		.account = patient->account,
	};
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		if (patient->live[i])
			add_stream(sample, &patient->wanted[i]);
	}
	if (sample->count == 0)
		return;
	sample->link = link_create(&config, &events, sample);
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		if (patient->live[i])
			link_add(sample->link, str_from(patient->wanted[i].info->name),
				str_from(patient->wanted[i].param));
	}
}

static void
finish_sample(struct sample *sample)
{
	link_destroy(sample->link);
	for (unsigned i = 0; i < sample->count; i++)
		coverage_destroy(sample->list[i]);
	free(sample->list);
	free(sample->live);
}

static void
on_time_up(void *data)
{
	loop_stop(data);
}

/* The streams go on meanwhile. */
static void
let_pass(struct sampling *sampling, int64_t ms)
{
	struct loop *loop = sampling->doctor->session.loop;
	struct loop_timer *timer = loop_timer_create(loop, on_time_up, loop);
	loop_timer_start(timer, ms, 0);
	loop_run(loop);
	loop_timer_destroy(timer);
}

/* ---- REST ---- */

static void
get_page(struct sample *sample, unsigned at, struct str max_id, struct fetched *fetched)
{
	const struct coverage *coverage = sample->list[at];
	struct fetch_from owner = {.account = sample->patient->account, .as_owner = true};
	struct stream_range range = {.max_id = max_id};
	struct buf path;
	buf_init(&path, URL_MAX);
	stream_source_url(coverage_source(coverage), str_from(coverage_stream(coverage)->param),
		&range, &path);
	fetch_get(&sample->patient->doctor->fetch, &owner, path.ptr ? path.ptr : "/", fetched);
	buf_finish(&path);
}

static void
begin(struct sample *sample)
{
	for (unsigned i = 0; i < sample->count; i++) {
		struct fetched fetched;
		get_page(sample, i, STR_NONE, &fetched);
		coverage_begin(sample->list[i], fetched_root(&fetched));
		fetched_finish(&fetched);
	}
}

/* `older`: the pages behind the first one. */
static void
list(struct sample *sample, bool *more, bool older)
{
	for (unsigned i = 0; i < sample->count; i++) {
		for (unsigned page = 0;
			page < (older ? COVERAGE_PAGES_MAX - 1 : 1) && (!older || more[i]);
			page++) {
			struct fetched fetched;
			char *max_id = older ? str_dup(coverage_oldest(sample->list[i])) : NULL;
			get_page(sample, i, str_from(max_id), &fetched);
			more[i] = coverage_listed(sample->list[i], fetched_root(&fetched));
			fetched_finish(&fetched);
			free(max_id);
		}
	}
}

/* ---- the whole ---- */

static void
tell(struct sample *sample)
{
	struct patient *patient = sample->patient;
	struct doctor *doctor = patient->doctor;
	struct buf *out = &doctor->coverage_report;
	for (unsigned i = 0; i < sample->count; i++) {
		const struct coverage *coverage = sample->list[i];
		struct buf disabled;
		buf_init(&disabled, MESSAGE_MAX);
		checkup_put_disabled(&disabled, fetched_root(&patient->instance),
			coverage_stream(coverage)->info);
		coverage_judge(coverage, doctor->coverage_ms, disabled.len ? disabled.ptr : NULL,
			&patient->findings);
		buf_finish(&disabled);
		json_put_comma(out);
		buf_add_char(out, '{');
		json_put_key(out, "account");
		json_put_text(out, patient->from->name);
		json_put_key(out, "seconds");
		json_put_double(out, (double)doctor->coverage_ms / 1000.0);
		coverage_put(coverage, out);
		buf_add_char(out, '}');
	}
	char *heading = xasprintf("coverage of account %s", patient->from->name);
	struct doctor_subject subject = {patient->from->name, heading};
	if (!doctor->json)
		doctor_print(doctor, "%s\n", heading);
	doctor_tell(doctor, &subject, &patient->findings, &patient->told);
	free(heading);
}

static void
tell_nothing(struct patient *patient)
{
	struct doctor_subject subject = {patient->from->name, patient->from->name};
	findings_add(&patient->findings, FINDING_SKIPPED, "coverage", NULL,
		"no stream of the account %s is live: there is nothing to sample",
		patient->from->name);
	doctor_tell(patient->doctor, &subject, &patient->findings, &patient->told);
}

/* Nothing is missing that could still come. */
static bool
all_came(const struct sampling *sampling)
{
	for (unsigned i = 0; i < sampling->count; i++) {
		const struct sample *sample = &sampling->samples[i];
		for (unsigned k = 0; k < sample->count; k++) {
			struct coverage_sums sums = coverage_sums(sample->list[k]);
			if (sums.both < sums.listed)
				return false;
		}
	}
	return true;
}

static void
sample_all(struct sampling *sampling)
{
	bool **more = xcalloc(sampling->count, sizeof(more[0]));
	if (!all_live(sampling)) {
		sampling->waits_for_live = true;
		let_pass(sampling, LIVE_MS);
		sampling->waits_for_live = false;
	}
	for (unsigned i = 0; i < sampling->count; i++)
		begin(&sampling->samples[i]);
	let_pass(sampling, sampling->doctor->coverage_ms);
	/* First where each timeline ends now, then the rest. */
	for (unsigned i = 0; i < sampling->count; i++) {
		more[i] = xcalloc(sampling->samples[i].count + 1, sizeof(more[i][0]));
		list(&sampling->samples[i], more[i], false);
	}
	for (unsigned i = 0; i < sampling->count; i++)
		list(&sampling->samples[i], more[i], true);
	for (int64_t ms = 0; ms < STRAGGLERS_MS && !all_came(sampling); ms += LOOK_MS)
		let_pass(sampling, LOOK_MS);
	for (unsigned i = 0; i < sampling->count; i++) {
		tell(&sampling->samples[i]);
		free(more[i]);
	}
	free(more);
}

void
doctor_coverage(struct doctor *doctor, struct patient *patients, unsigned count)
{
	struct sampling sampling = {
		.doctor = doctor, .samples = xcalloc(count + 1, sizeof(sampling.samples[0]))};
	for (unsigned i = 0; i < count; i++) {
		struct sample *sample = &sampling.samples[sampling.count];
		*sample = (struct sample){.patient = &patients[i], .sampling = &sampling};
		if (patients[i].live)
			start_sample(sample);
		if (sample->count > 0)
			sampling.count++;
		else
			tell_nothing(&patients[i]);
	}
	if (sampling.count > 0)
		sample_all(&sampling);
	for (unsigned i = 0; i < sampling.count; i++)
		finish_sample(&sampling.samples[i]);
	free(sampling.samples);
}
