/* SPDX-License-Identifier: MIT */
/* From a recorded line to an event for the host, or to the certainty that none is needed: pure, for any thread. */
#include "replay_sift.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decode.h"
#include "json.h"
#include "limits.h"
#include "xmalloc.h"

struct sifter {
	struct json_parser *parser;
	struct scout *scout;
	struct sift_window window;
};

struct sifter *
sifter_create(struct host *host, const struct sift_window *window)
{
	struct sifter *sifter = xmalloc(sizeof(*sifter));

	*sifter = (struct sifter){
		.parser = json_parser_create(),
		.scout = scout_create(host),
		.window = *window,
	};
	return sifter;
}

void
sifter_destroy(struct sifter *sifter)
{
	if (!sifter)
		return;
	scout_destroy(sifter->scout);
	json_parser_destroy(sifter->parser);
	free(sifter);
}

const struct scout *
sifter_scout(const struct sifter *sifter)
{
	return sifter->scout;
}

bool
sift_window_has(const struct sift_window *window, int64_t at_ms)
{
	return at_ms >= window->since_ms && at_ms < window->until_ms;
}

/* The text of a member that comes before `end`, as our own lines and servers write it. */
static bool
peek_time(struct str line, const char *key, const char *end, int64_t *at_ms)
{
	size_t head = line.len < EVENT_HEADER_MAX ? line.len : EVENT_HEADER_MAX;
	const char *found = memmem(line.ptr, head, key, strlen(key));
	const char *stop = memmem(line.ptr, head, end, strlen(end));

	if (!found || !stop || stop < found)
		return false;
	struct str text = {found + strlen(key), (size_t)(stop - found) - strlen(key)};
	const char *quote = memchr(text.ptr, '"', text.len);
	if (!quote)
		return false;
	text.len = (size_t)(quote - text.ptr);
	return time_parse(text, at_ms);
}

/* True when the line's time can be read without parsing, and is outside. Nothing but a saving: what is not in the form
 * that archives and `tail --json` have is parsed first. */
static bool
is_outside(const struct sifter *sifter, struct str line)
{
	int64_t at_ms;

	if (sifter->window.since_ms == INT64_MIN && sifter->window.until_ms == INT64_MAX)
		return false;
	return str_starts(line, "{\"kind\":\"") &&
	       peek_time(line, ",\"received_at\":\"", ",\"payload\":", &at_ms) &&
	       !sift_window_has(&sifter->window, at_ms);
}

static struct decode_context
context_of(const struct sifter *sifter)
{
	return (struct decode_context){
		.parser = sifter->parser,
		.origin = ORIGIN_REPLAY,
		.borrow = true,
	};
}

static void
take_event(struct sifter *sifter, struct event *event, bool keep, struct sifted *out)
{
	out->at_ms = event->received_at_ms;
	if (out->at_ms != 0 && !sift_window_has(&sifter->window, out->at_ms)) {
		out->kind = SIFTED_OUTSIDE;
	} else if (!scout_event(sifter->scout, event)) {
		out->kind = SIFTED_PASS;
	} else {
		out->kind = SIFTED_EVENT;
		out->event = event_ref(event);
		if (keep)
			event_own(event);
	}
	event_unref(event);
}

void
sifter_line(struct sifter *sifter, struct str line, bool keep, struct sifted *out)
{
	struct decode_context context = context_of(sifter);
	struct decode_output decoded;

	*out = (struct sifted){.kind = SIFTED_BLANK, .line = line};
	line = str_trim(line);
	if (line.len == 0)
		return;
	if (is_outside(sifter, line)) {
		out->kind = SIFTED_OUTSIDE;
		return;
	}
	switch (decode_line(&context, line, &decoded)) {
	case DECODE_EVENT:
		take_event(sifter, decoded.event, keep, out);
		break;
	case DECODE_IGNORED:
		out->kind = SIFTED_IGNORED;
		break;
	case DECODE_ERROR:
	case DECODE_BROKEN:
		out->kind = SIFTED_BROKEN;
		out->problem = xstrdup(decoded.error_text);
		break;
	}
}

struct event *
sifter_again(struct sifter *sifter, struct str line)
{
	struct decode_context context = context_of(sifter);
	struct decode_output decoded;

	return decode_line(&context, line, &decoded) == DECODE_EVENT ? decoded.event : NULL;
}
