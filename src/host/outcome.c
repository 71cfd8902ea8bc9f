/* SPDX-License-Identifier: MIT */
/* What became of an action, in the words that a handler which waits for it gets. */
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "json_write.h"
#include "limits.h"

char *
outcome_problem(const char *kind, int status, const char *words)
{
	struct buf out;
	buf_init(&out, OUTCOME_TEXT_MAX);
	buf_add_text(&out, "{\"problem\":{");
	json_put_key(&out, "kind");
	json_put_text(&out, kind);
	if (status) {
		json_put_key(&out, "status");
		json_put_int(&out, status);
	}
	json_put_key(&out, "message");
	json_put_text(&out, words ? words : kind);
	buf_add_text(&out, "}}");
	return buf_take(&out, NULL);
}

static char *
result(const struct intent *intent)
{
	struct buf out;
	buf_init(&out, OUTCOME_TEXT_MAX);
	buf_add_text(&out, "{\"ok\":{");
	if (intent->outcome) {
		json_put_key(&out, "id");
		json_put_text(&out, intent->outcome);
	}
	if (intent->made_url) {
		json_put_key(&out, "url");
		json_put_text(&out, intent->made_url);
	}
	if (intent->status) {
		json_put_key(&out, "status");
		json_put_int(&out, intent->status);
	}
	buf_add_text(&out, "}}");
	return buf_take(&out, NULL);
}

/* Nothing was sent: a result that a bot can go on with, and that nobody takes for a real one. */
static char *
dry_result(void)
{
	struct buf out;
	buf_init(&out, OUTCOME_TEXT_MAX);
	buf_add_text(&out,
		"{\"ok\":{\"dry_run\":true,\"id\":\"dry-run\",\"url\":\"https://dry-run.invalid/\"}}");
	return buf_take(&out, NULL);
}

char *
outcome_of_intent(const struct intent *intent)
{
	switch (intent->state) {
	case INTENT_OPEN:
		return NULL;
	case INTENT_DONE:
		return result(intent);
	case INTENT_DRY:
		return dry_result();
	case INTENT_UNKNOWN:
		return outcome_problem("unknown", intent->status,
			intent->outcome
				? intent->outcome
				: "it is not known whether it happened; it is not sent again");
	case INTENT_FAILED:
		break;
	}
	bool refused = intent->status >= 400 && intent->status < 500 && intent->status != 408 &&
		       intent->status != 425 && intent->status != 429;
	return outcome_problem(refused ? "refused" : "failed", intent->status, intent->outcome);
}

char *
outcome_of_action(const struct cause *cause, const struct effects *effects, size_t at, char **key)
{
	struct host *host = cause->host;
	const struct effect *effect = &effects->list[at];
	struct action_source source = perform_source(cause, effects, at);
	struct outbox *outbox = cause->instance->dry_run ? host->dry_outbox : host->outbox;
	struct intent intent = {0};
	/* The row comes first: what was done before, perhaps before a restart, is what counts. */
	*key = outbox_key(outbox, &effect->action, &source);
	if (*key && intent_get(host->store, *key, &intent)) {
		char *answer = outcome_of_intent(&intent);
		intent_finish(&intent);
		return answer;
	}
	return effect->name ? outcome_problem(effect->name, 0, effect->json)
			    : outcome_problem("failed", 0, "it was not written down");
}
