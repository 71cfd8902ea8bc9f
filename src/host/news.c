/* SPDX-License-Identifier: MIT */
/* Changes of streams, told to the handlers that want to hear of them. */
#include <stdlib.h>
#include <string.h>

#include "gapfill.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

/* What a gap says, beside where it is. */
static void
put_gap(struct host *host, struct buf *out, const char *gap)
{
	struct json_doc *doc = NULL;
	if (json_parse(host->parser, str_from(gap), &doc, NULL) != ERR_OK)
		return;
	struct json_iter member = json_iter(json_root(doc));
	while (json_next(&member)) {
		char *key = str_dup(member.key);
		json_put_key(out, key);
		json_put_value(out, member.value);
		free(key);
	}
	json_doc_destroy(doc);
}

/* { account, stream, parameter, state, reason } as handlers of host events get it; of a gap what gap_put_payload has in place
 * of the last two. */
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
	if (news->gap) {
		put_gap(host, &text, news->gap);
	} else {
		json_put_key(&text, "state");
		json_put_text(&text, news->state);
		json_put_key(&text, "reason");
		json_put_text(&text, news->reason);
	}
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
	free(news->gap);
	free(news);
}

void
news_add_gap(struct host *host, const struct account *account, const struct gap *gap)
{
	struct news *news = xmalloc(sizeof(*news));
	struct buf payload;
	buf_init(&payload, MESSAGE_MAX * 4);
	gap_put_payload(gap, &payload);
	*news = (struct news){
		.name = "gap",
		.account = account,
		.stream = str_dup(gap->stream),
		.param = gap->param.len ? str_dup(gap->param) : NULL,
		.gap = buf_take(&payload, NULL),
	};
	LL_APPEND(host->news, news);
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
