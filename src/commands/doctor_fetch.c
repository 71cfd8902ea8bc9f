/* SPDX-License-Identifier: MIT */
/* Requests that are waited for: the doctor asks one thing after the other. */
#include "doctor_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "xmalloc.h"

struct waiting {
	const struct fetch *fetch;
	struct fetched *fetched;
};

/* Copies what is borrowed for the callback only. */
static void
keep_answer(struct fetched *fetched, const struct http_answer *answer)
{
	struct http_header *headers = xcalloc(answer->header_count + 1, sizeof(headers[0]));
	for (unsigned i = 0; i < answer->header_count; i++) {
		headers[i].name = xstrdup(answer->headers[i].name);
		headers[i].value = xstrdup(answer->headers[i].value);
	}
	fetched->answer = *answer;
	fetched->answer.headers = headers;
	fetched->answer.error = xstrdup(answer->error);
	fetched->answer.body =
		(struct str){str_dup(answer->body.ptr ? answer->body : STR("")), answer->body.len};
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct waiting *waiting = data;
	struct clock clock = loop_clock(waiting->fetch->loop);
	waiting->fetched->came_ms = clock_wall_ms(&clock);
	waiting->fetched->took_ms = clock_mono_ms(&clock) - waiting->fetched->took_ms;
	keep_answer(waiting->fetched, answer);
	loop_stop(waiting->fetch->loop);
}

void
fetch_get(const struct fetch *fetch, const struct fetch_from *from, const char *path,
	struct fetched *fetched)
{
	struct waiting waiting = {fetch, fetched};
	struct clock clock = loop_clock(fetch->loop);
	char *url = xasprintf("%s%s", from->origin ? from->origin : from->account->server, path);
	struct http_request request = {
		.url = url,
		.bearer = from->as_owner ? from->account->token : NULL,
		.ca_file = from->account->ca_file,
		.redirects = from->redirects,
		.certificate = from->certificate,
		.total_ms = FETCH_TOTAL_MS,
		.on_done = on_done,
		.data = &waiting,
	};
	*fetched = (struct fetched){
		.sent_ms = clock_wall_ms(&clock), .took_ms = clock_mono_ms(&clock)};
	REQUIRE(http_start(fetch->http, &request) != 0); /* one at a time */
	loop_run(fetch->loop);
	free(url);
	if (fetched->answer.body.len > 0)
		(void)json_parse(fetch->parser, fetched->answer.body, &fetched->doc, NULL);
}

void
fetched_finish(struct fetched *fetched)
{
	for (unsigned i = 0; i < fetched->answer.header_count; i++) {
		free((char *)(uintptr_t)fetched->answer.headers[i].name);
		free((char *)(uintptr_t)fetched->answer.headers[i].value);
	}
	free((struct http_header *)(uintptr_t)fetched->answer.headers);
	free((char *)(uintptr_t)fetched->answer.error);
	free((char *)(uintptr_t)fetched->answer.body.ptr);
	json_doc_destroy(fetched->doc);
	*fetched = (struct fetched){0};
}

struct json_value
fetched_root(const struct fetched *fetched)
{
	bool good = fetched->doc && fetched->answer.end == HTTP_DONE &&
		    (fetched->answer.status == 200 || fetched->answer.status == 206);
	return good ? json_root(fetched->doc) : (struct json_value){0};
}

char *
fetched_next(const struct fetched *fetched, const struct account *account)
{
	const char *header = http_header(&fetched->answer, "link");
	struct str rest = str_from(header), link;
	while (rest.ptr) {
		rest = str_split(rest, ',', &link);
		struct str target, rel = str_split(str_trim(link), ';', &target);
		target = str_trim(target);
		if (!str_eq(str_trim(rel), STR("rel=\"next\"")) || target.len < 3)
			continue;
		struct str url = {target.ptr + 1, target.len - 2};
		/* Never elsewhere: the token goes along. */
		size_t len = strlen(account->server);
		if (str_starts(url, account->server) && url.len > len && url.ptr[len] == '/')
			return str_dup((struct str){url.ptr + len, url.len - len});
	}
	return NULL;
}

struct resolving {
	struct loop *loop;
	char *error;
	bool found;
};

static void
on_resolved(void *data, const char *const *addresses, unsigned count, const char *error)
{
	struct resolving *resolving = data;
	(void)addresses;
	resolving->found = count > 0;
	if (count == 0)
		(void)snprintf(resolving->error, MESSAGE_MAX, "%s", error ? error : "no address");
	loop_stop(resolving->loop);
}

bool
fetch_name(const struct fetch *fetch, const char *host, char *error)
{
	struct resolving resolving = {fetch->loop, error, false};
	REQUIRE(loop_resolve(fetch->loop, host, on_resolved, &resolving) != 0);
	loop_run(fetch->loop);
	return resolving.found;
}
