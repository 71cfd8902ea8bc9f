/* SPDX-License-Identifier: MIT */
/* Changes of streams, told to the handlers that want to hear of them. */
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

/* { account, stream, parameter, state, reason } as handlers of host events get it. */
static struct json_doc *
news_subject(struct host *host, const struct news *news)
{
	struct buf text;
	buf_init(&text, MESSAGE_MAX * 8);
	buf_add_char(&text, '{');
	json_put_key(&text, "account");
	json_put_text(&text, news->account->name);
	json_put_key(&text, "stream");
	json_put_text(&text, news->stream);
	if (news->param) {
		json_put_key(&text, "parameter");
		json_put_text(&text, news->param);
	}
	json_put_key(&text, "state");
	json_put_text(&text, news->state);
	json_put_key(&text, "reason");
	json_put_text(&text, news->reason);
	buf_add_char(&text, '}');
	struct json_doc *doc = NULL;
	if (json_parse(host->parser, buf_str(&text), &doc, NULL) != ERR_OK)
		doc = NULL;
	buf_finish(&text);
	return doc;
}

static void
tell(struct host *host, const struct news *news)
{
	struct json_doc *doc = NULL;
	for (unsigned i = 0; i < host->instance_count; i++) {
		struct instance *instance = host->instances[i];
		unsigned count;
		const struct plugin_handler *handlers = plugin_handlers(instance->plugin, &count);
		for (unsigned h = 0; h < count; h++) {
			if (!handlers[h].host_event ||
				strcmp(handlers[h].host_event, news->name) != 0 ||
				instance->account != news->account || instance->guard.off)
				continue;
			if (!doc)
				doc = news_subject(host, news);
			if (host_begin(host))
				tasks_start_news(host, instance, h, json_root(doc));
		}
	}
	json_doc_destroy(doc);
}

static void
news_destroy(struct news *news)
{
	free(news->stream);
	free(news->param);
	free(news->reason);
	free(news);
}

void
news_tell(struct host *host)
{
	while (host->news) {
		struct news *news = host->news;
		LL_DELETE(host->news, news);
		tell(host, news);
		news_destroy(news);
	}
}

void
news_forget(struct host *host)
{
	struct news *news, *next;
	LL_FOREACH_SAFE(host->news, news, next)
		news_destroy(news);
}
