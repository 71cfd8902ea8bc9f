/* SPDX-License-Identifier: MIT */
/* Tries to listen to what is wanted, by the connections that the host uses. */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "doctor_parts.h"
#include "limits.h"
#include "link.h"
#include "page.h"
#include "stream_name.h"
#include "version.h"
#include "xmalloc.h"

/* Longer than the two handshakes after which another transport is tried. */
#define TRY_MS INT64_C(30000)

struct trial {
	const struct checkup_stream *stream;
	bool live, over;
	struct checkup_attempt attempt;
	char *reason;
};

struct trials {
	struct patient *patient;
	struct trial *list;
	unsigned open;
	int64_t began_ms;
	char *link_message; /* why nothing works at all; NULL */
};

static void
on_event(void *data, struct event *event)
{
	(void)data;
	event_unref(event);
}

static void
on_broken(void *data, const char *what)
{
	(void)data;
	(void)what;
}

static void
end_trial(struct trials *trials, struct trial *trial)
{
	if (trial->over)
		return;
	trial->over = true;
	if (--trials->open == 0)
		loop_stop(trials->patient->doctor->session.loop);
}

static void
on_state(void *data, const struct account *account, const struct stream_status *status)
{
	struct trials *trials = data;
	struct loop *loop = trials->patient->doctor->session.loop;
	(void)account;
	for (unsigned i = 0; i < trials->patient->wanted_count; i++) {
		struct trial *trial = &trials->list[i];
		if (trial->over ||
			!stream_same(str_from(trial->stream->info->name),
				str_from(trial->stream->param), status->stream, status->param))
			continue;
		struct checkup_attempt *attempt = &trial->attempt;
		free(trial->reason);
		trial->reason = xstrdup(status->reason);
		attempt->reason = trial->reason;
		attempt->live = status->state == STREAM_LIVE || status->state == STREAM_FILLING;
		attempt->refused =
			status->state == STREAM_REFUSED || status->state == STREAM_DISABLED;
		attempt->transport = strcmp(status->transport, "ws") == 0 ? "ws" : "sse";
		attempt->took_ms = loop_now_ms(loop) - trials->began_ms;
		if (attempt->live || attempt->refused)
			end_trial(trials, trial);
	}
}

static void
on_link(void *data, const struct account *account, enum link_event what, const char *message)
{
	struct trials *trials = data;
	(void)account;
	if (what == LINK_READY)
		return;
	free(trials->link_message);
	trials->link_message = xstrdup(message);
	if (what != LINK_RETRY)
		loop_stop(trials->patient->doctor->session.loop);
}

static void
on_time_up(void *data)
{
	loop_stop(data);
}

static void
listen(struct trials *trials)
{
	static const struct link_events events = {on_event, on_broken, on_state, on_link};
	const struct patient *patient = trials->patient;
	struct doctor *doctor = patient->doctor;
	struct loop *loop = doctor->session.loop;
	struct link_config config = {
		.streaming =
			{
				.loop = loop,
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
	struct loop_timer *end = loop_timer_create(loop, on_time_up, loop);
	loop_timer_start(end, TRY_MS, 0);
	trials->began_ms = loop_now_ms(loop);
	struct link *link = link_create(&config, &events, trials);
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		if (!trials->list[i].over)
			link_add(link, str_from(patient->wanted[i].info->name),
				str_from(patient->wanted[i].param));
	}
	loop_run(loop);
	link_destroy(link);
	loop_timer_destroy(end);
}

static void
judge(struct trials *trials)
{
	struct patient *patient = trials->patient;
	bool fallback = false;
	patient->live = xcalloc(patient->wanted_count, sizeof(patient->live[0]));
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		struct checkup_attempt *attempt = &trials->list[i].attempt;
		if (!patient->wanted[i].info->path)
			continue;
		if (!trials->list[i].over && trials->link_message)
			attempt->reason = trials->link_message;
		checkup_attempt(&patient->findings, attempt);
		patient->live[i] = attempt->live;
		fallback = fallback || (attempt->live && strcmp(attempt->transport, "sse") == 0 &&
					       patient->from->transport == TRANSPORT_AUTO);
	}
	if (fallback)
		findings_add(&patient->findings, FINDING_WARNING, "transport",
			"it works, with one connection a stream; a proxy that does not pass WebSockets on is the usual reason",
			"the server refuses WebSockets, so server-sent events are used");
}

static void
ask_rest(struct patient *patient, const struct checkup_stream *stream)
{
	const struct stream_source *sources;
	const struct stream_range newest = {.limit = 1};
	const struct fetch_from from = {.account = patient->account, .as_owner = true};
	struct fetch *fetch = &patient->doctor->fetch;
	struct checkup_attempt attempt = {.stream = stream, .transport = "poll"};
	struct fetched fetched;
	struct page page;
	struct buf path;
	if (stream_sources(str_from(stream->info->name), &sources) == 0)
		return;
	buf_init(&path, URL_MAX);
	stream_source_url(&sources[0], str_from(stream->param), &newest, &path);
	fetch_get(fetch, &from, path.ptr, &fetched);
	const struct http_answer *answer = &fetched.answer;
	attempt.took_ms = fetched.took_ms;
	attempt.refused = answer->end == HTTP_DONE && answer->status < 500;
	attempt.live = attempt.refused && answer->status == 200 &&
		       page_read(&page, fetch->parser, &sources[0], answer);
	char *reason =
		answer->end == HTTP_DONE && answer->status == 200
			? xstrdup("the list comes without a Link header, so that nobody can tell what is new in it")
			: answer_describe(answer, fetch->parser);
	attempt.reason = reason;
	checkup_attempt(&patient->findings, &attempt);
	if (attempt.live)
		page_finish(&page);
	free(reason);
	fetched_finish(&fetched);
	buf_finish(&path);
}

void
doctor_lists(struct patient *patient)
{
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		if (!patient->wanted[i].info->path)
			ask_rest(patient, &patient->wanted[i]);
	}
}

void
doctor_streams(struct patient *patient)
{
	if (patient->wanted_count == 0) {
		findings_add(&patient->findings, FINDING_SKIPPED, "stream", NULL,
			"no plugin wants a stream of this account");
		return;
	}
	struct trials trials = {
		.patient = patient,
		.list = xcalloc(patient->wanted_count, sizeof(trials.list[0])),
	};
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		trials.list[i].stream = &patient->wanted[i];
		trials.list[i].attempt = (struct checkup_attempt){
			.stream = &patient->wanted[i], .reason = "", .transport = "ws"};
		/* What nobody streams is looked at by doctor_lists. */
		trials.list[i].over = !patient->wanted[i].info->path;
		trials.open += !trials.list[i].over;
	}
	if (trials.open > 0)
		listen(&trials);
	judge(&trials);
	for (unsigned i = 0; i < patient->wanted_count; i++)
		free(trials.list[i].reason);
	free(trials.list);
	free(trials.link_message);
}
