/* SPDX-License-Identifier: MIT */
/* Which of several streams an error frame was about: the same stream is asked for over SSE, where the answer has a status. */
#define LOG_MODULE "stream"
#include <stdlib.h>

#include <utlist.h>

#include "answer.h"
#include "streaming_private.h"
#include "xmalloc.h"

void
streaming_probe_cancel(struct streaming *streaming)
{
	if (streaming->probing != NULL) {
		http_cancel(streaming->config.http, streaming->probe_request);
		streaming->probing = NULL;
		streaming->probe_request = 0;
	}
}

/* Nothing came of it: the stream counts as live, with a warning. */
static void
shrug(struct sub *sub, const char *words)
{
	char label[SUB_LABEL_BYTES];
	log_warn(sub->streaming->config.log,
		"%s: the server refused one of several streams without saying which; %s may be "
		"silent (asked for over HTTP: %s)",
		sub->streaming->config.account->name, sub_label(sub, label, sizeof(label)), words);
	sub_prove(sub);
}

static void
end_probe(struct streaming *streaming, int status, const char *words)
{
	struct sub *sub = streaming->probing;
	streaming->probing = NULL;
	streaming->probe_request = 0;
	streaming_kick(streaming); /* for the next one */
	if (!sub_is_active(sub) || !sub->suspected) {
		return;
	}
	sub->suspected = false;
	char *reason = xasprintf("the server says %s", words);
	enum ending ending = ending_of_words(status, words);
	if (status == 200) {
		sub_prove(sub);
	} else if (ending == ENDING_REFUSED || ending == ENDING_OURS) {
		sub_refuse(sub, reason);
	} else if (ending == ENDING_CREDENTIALS) {
		streaming_stop(streaming, words);
	} else {
		shrug(sub, words);
	}
	free(reason);
}

static bool
on_probe_head(void *data, const struct http_answer *head)
{
	struct streaming *streaming = data;
	if (head->status != 200) {
		return false; /* the body says why */
	}
	streaming->probe_is_good = true;
	streaming_kick(streaming); /* which ends the request */
	return true;
}

static void
on_probe_data(void *data, struct str bytes)
{
	(void)data;
	(void)bytes;
}

static void
on_probe_done(void *data, const struct http_answer *answer)
{
	struct streaming *streaming = data;
	char *words = answer_describe(answer, streaming->config.parser);
	end_probe(streaming, answer->status, words);
	free(words);
}

void
streaming_probe_next(struct streaming *streaming)
{
	struct sub *sub;
	if (streaming->probing != NULL) {
		if (streaming->probe_is_good) {
			http_cancel(streaming->config.http, streaming->probe_request);
			end_probe(streaming, 200, "200");
		}
		return;
	}
	DL_FOREACH(streaming->subs, sub) {
		if (sub_is_active(sub) && sub->suspected) {
			struct http_request hooks = {
				.on_head = on_probe_head,
				.on_data = on_probe_data,
				.on_done = on_probe_done,
				.data = streaming,
			};
			streaming->probe_is_good = false;
			streaming->probe_request = streaming_sse_request(sub, &hooks);
			if (streaming->probe_request == 0) {
				sub->suspected = false;
				shrug(sub, "too many requests are running");
				continue;
			}
			streaming->probing = sub;
			return;
		}
	}
}
