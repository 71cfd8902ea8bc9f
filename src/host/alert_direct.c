/* SPDX-License-Identifier: MIT */
/* Alerts that leave past the outbox, because nothing can be written down. */
#include <stdlib.h>

#include "alert.h"
#include "alert_target.h"
#include "host_private.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "alert"

/* One on its way. */
struct alert_call {
	struct host *host;
	unsigned id;
	struct alert_call *next;
};

static void
on_done(void *data, const struct http_answer *answer)
{
	struct alert_call *call = data;
	struct host *host = call->host;
	if (answer->end != HTTP_DONE)
		log_warn(host->config.log, "an alert could not be sent: %s",
			answer->error ? answer->error : "no answer");
	else if (answer->status < 200 || answer->status > 299)
		log_warn(host->config.log, "an alert was answered %d", answer->status);
	LL_DELETE(host->alert_calls, call);
	free(call);
	if (host->closing)
		loop_keep_awake(host->config.loop, true);
}

static void
send(struct host *host, const struct action *action)
{
	struct http_header headers[ALERT_HEADERS_MAX];
	char *texts[2 * ALERT_HEADERS_MAX];
	unsigned count = 0;
	struct json_doc *doc = NULL;
	if (json_parse(host->parser, str_from(action->headers), &doc, NULL) == ERR_OK) {
		struct json_iter it = json_iter(json_root(doc));
		while (json_next(&it) && count < ALERT_HEADERS_MAX) {
			texts[2 * count] = str_dup(it.key);
			texts[2 * count + 1] = str_dup(json_str(it.value));
			headers[count] =
				(struct http_header){texts[2 * count], texts[2 * count + 1]};
			count++;
		}
	}
	json_doc_destroy(doc);
	struct alert_call *call = xmalloc(sizeof(*call));
	struct http_request request = {
		.method = "POST",
		.url = action->url,
		.headers = headers,
		.header_count = count,
		.body = str_from(action->body),
		.on_done = on_done,
		.data = call,
	};
	*call = (struct alert_call){.host = host, .id = http_start(host->http, &request)};
	if (call->id)
		LL_PREPEND(host->alert_calls, call);
	else
		free(call);
	for (unsigned i = 0; i < 2 * count; i++)
		free(texts[i]);
}

void
alert_direct(struct host *host, const struct alert_message *message)
{
	const struct config *config = host->config.config;
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	if (!host->http || host->config.offline || config->alert_count == 0)
		return;
	if (host->alert_direct_at_ms && now_ms - host->alert_direct_at_ms < ALERT_EVERY_MS)
		return;
	host->alert_direct_at_ms = now_ms;
	for (unsigned i = 0; i < config->alert_count; i++) {
		struct action action = alert_action(config->alerts[i], message);
		if (alert_target_is_post(config->alerts[i]))
			log_info(host->config.log,
				"%s: a direct post has to be written down first; it is told when it can be",
				message->title);
		else if (host->config.dry_run)
			log_info(host->config.log, "would tell: %s", message->title);
		else
			send(host, &action);
		action_finish(&action);
	}
}

void
alert_direct_forget(struct host *host)
{
	while (host->alert_calls) {
		struct alert_call *call = host->alert_calls;
		LL_DELETE(host->alert_calls, call);
		http_cancel(host->http, call->id);
		free(call);
	}
}
