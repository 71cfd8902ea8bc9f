/* SPDX-License-Identifier: MIT */
/* Requests that tasks wait for: started after the turn's commit, bounded, paced. */
#include "requests.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "pace.h"
#include "request_answer.h"
#include "throttle.h"
#include "url.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "request"

struct request {
	struct requests *requests;
	uint64_t task;
	char *instance;
	struct plugin *plugin;
	const struct account *account; /* is_api */
	struct plugin_request wanted;  /* owns its texts */
	char *url;                     /* whole */
	char *host;                    /* "HOST:PORT", for bounds */
	char *key;
	unsigned http; /* id while it runs; 0: it waits */
	unsigned attempts, throttled;
	int64_t not_before_ms; /* monotonic */
	struct pace pace;
	struct request *next, *prev;
};

/* What an account's server said about how much it takes. */
struct room {
	const struct account *account;
	int64_t not_before_ms; /* monotonic: reads wait until then */
	struct room *next;
};

struct requests {
	struct host *host;
	struct loop_timer *timer;
	struct request *list; /* oldest first, request::next */
	struct room *rooms;   /* room::next */
};

static int64_t
now_ms(const struct requests *requests)
{
	return clock_mono_ms(&requests->host->config.clock);
}

static bool
is_read(const struct plugin_request *wanted)
{
	return strcmp(wanted->method, "GET") == 0 || strcmp(wanted->method, "HEAD") == 0;
}

static void
request_destroy(struct request *request)
{
	struct requests *requests = request->requests;
	if (request->http)
		http_cancel(requests->host->http, request->http);
	DL_DELETE(requests->list, request);
	free(request->wanted.method);
	free(request->wanted.url);
	free(request->wanted.headers);
	free(request->wanted.body);
	free(request->instance);
	free(request->url);
	free(request->host);
	free(request->key);
	free(request);
}

static struct room *
room_of(struct requests *requests, const struct account *account)
{
	struct room *room;
	LL_FOREACH(requests->rooms, room) {
		if (room->account == account)
			return room;
	}
	room = xmalloc(sizeof(*room));
	*room = (struct room){.account = account, .not_before_ms = INT64_MIN};
	LL_PREPEND(requests->rooms, room);
	return room;
}

/* ---- answers ---- */

static void
finish(struct request *request, const char *text, size_t len)
{
	struct host *host = request->requests->host;
	uint64_t task = request->task;
	request_destroy(request);
	tasks_answer(host, task, (struct str){text, len});
}

static void
finish_with_problem(struct request *request, const char *kind, const char *words)
{
	char *text = outcome_problem(kind, 0, words);
	finish(request, text, strlen(text));
	free(text);
}

/* Waits and is sent again; false when that would take longer than the task waits. */
static bool
try_again(struct request *request, int64_t wait_ms)
{
	struct requests *requests = request->requests;
	if (wait_ms >= TASK_WAIT_MAX_MS)
		return false;
	request->not_before_ms = now_ms(requests) + wait_ms;
	loop_timer_start(requests->timer, 0, 0);
	return true;
}

/* A little more, so that not all who waited come at the same moment. */
static int64_t
jittered(struct requests *requests, int64_t wait_ms)
{
	return wait_ms + (int64_t)rng_below(&requests->host->rng, (uint64_t)wait_ms / 20 + 1);
}

static bool
is_trouble(const struct http_answer *answer)
{
	switch (answer->end) {
	case HTTP_DONE:
		return answer->status >= 500 && answer->status != 501;
	case HTTP_NO_NAME:
	case HTTP_NO_CONNECT:
	case HTTP_SLOW:
	case HTTP_TRUNCATED:
		return true;
	case HTTP_TLS:
	case HTTP_BROKEN:
	case HTTP_REJECTED:
	case HTTP_FORBIDDEN:
		break;
	}
	return false;
}

/* True when the read is tried again later. */
static bool
api_goes_on(struct request *request, const struct http_answer *answer)
{
	struct requests *requests = request->requests;
	struct host *host = requests->host;
	struct room *room = room_of(requests, request->account);
	int64_t wall_ms = clock_wall_ms(&host->config.clock);
	if (answer->end == HTTP_DONE && answer->status == 429) {
		int64_t wait_ms = throttle_wait_ms(answer, wall_ms);
		/* A reset in the past again and again must not become a tight loop. */
		int64_t floor_ms = (int64_t)THROTTLE_WAIT_MIN_MS << (2 * request->throttled);
		wait_ms = jittered(requests, wait_ms < floor_ms ? floor_ms : wait_ms);
		room->not_before_ms = now_ms(requests) + wait_ms;
		log_info(host->config.log,
			"%s: %s takes no more calls for now; reading goes on in %lld s",
			request->instance, request->account->host, (long long)wait_ms / 1000);
		return ++request->throttled <= REQUEST_THROTTLED_MAX && try_again(request, wait_ms);
	}
	if (answer->end == HTTP_DONE && throttle_is_low(answer, REQUEST_ROOM_MIN))
		room->not_before_ms =
			now_ms(requests) + jittered(requests, throttle_wait_ms(answer, wall_ms));
	if (!is_trouble(answer) || ++request->attempts >= REQUEST_ATTEMPTS_MAX)
		return false;
	return try_again(request, pace_down(&request->pace, &host->rng, now_ms(requests)));
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct request *request = data;
	struct host *host = request->requests->host;
	request->http = 0;
	if (request->wanted.is_api && api_goes_on(request, answer))
		return;
	struct buf out;
	buf_init(&out, REQUEST_BODY_MAX + 4 * HTTP_HEADERS_MAX);
	request_put_answer(answer, request->wanted.is_api ? request->account->server : NULL,
		host->config.secrets, &out);
	if (out.err == ERR_OK)
		finish(request, out.ptr, out.len);
	else
		finish_with_problem(request, "broken", "the answer is too big");
	buf_finish(&out);
}

/* ---- starting ---- */

static enum http_reach
on_reach(void *data, const struct url *to)
{
	const struct request *request = data;
	return request->wanted.is_api ? HTTP_REACH_ANY : plugin_reach(request->plugin, to);
}

struct lines {
	struct http_header headers[OUTBOX_HEADERS_MAX + 2];
	char *texts[2 * OUTBOX_HEADERS_MAX];
	unsigned count, text_count;
	bool has_key;
};

/* The JSON object of headers that the Lua side has checked. */
static void
read_headers(struct lines *lines, struct json_parser *parser, const char *headers)
{
	struct json_doc *doc = NULL;
	if (!headers || json_parse(parser, str_from(headers), &doc, NULL) != ERR_OK)
		return;
	struct json_iter it = json_iter(json_root(doc));
	while (lines->count < OUTBOX_HEADERS_MAX && json_next(&it)) {
		char *name = str_dup(it.key), *value = str_dup(json_str(it.value));
		lines->texts[lines->text_count++] = name;
		lines->texts[lines->text_count++] = value;
		if (!name || !value)
			continue;
		lines->has_key = lines->has_key || strcasecmp(name, "idempotency-key") == 0;
		lines->headers[lines->count++] = (struct http_header){name, value};
	}
	json_doc_destroy(doc);
}

static void
start(struct request *request)
{
	struct host *host = request->requests->host;
	const struct plugin_request *wanted = &request->wanted;
	struct lines lines = {0};
	read_headers(&lines, host->parser, wanted->headers);
	if (!is_read(wanted) && !lines.has_key && request->key)
		lines.headers[lines.count++] =
			(struct http_header){"Idempotency-Key", request->key};
	struct http_request about = {
		.method = wanted->method,
		.url = request->url,
		.headers = lines.headers,
		.header_count = lines.count,
		.bearer = wanted->is_api ? request->account->token : NULL,
		.body = {wanted->body, wanted->body_len},
		.ca_file = wanted->is_api ? request->account->ca_file : NULL,
		.total_ms = wanted->total_ms,
		.reach = on_reach,
		.body_max = REQUEST_BODY_MAX,
		.redirects = !wanted->is_api,
		.on_done = on_done,
		.data = request,
	};
	request->http = http_start(host->http, &about);
	for (unsigned i = 0; i < lines.text_count; i++)
		free(lines.texts[i]);
}

/* How long the request has to wait, ms; 0: it may start; -1: until another one ends. */
static int64_t
wait_of(struct request *request)
{
	struct requests *requests = request->requests;
	unsigned running = 0, of_instance = 0, of_host = 0;
	const struct request *other;
	DL_FOREACH(requests->list, other) {
		if (!other->http)
			continue;
		running++;
		of_instance += strcmp(other->instance, request->instance) == 0;
		of_host += strcmp(other->host, request->host) == 0;
	}
	if (running >= REQUEST_RUNNING_MAX || of_instance >= REQUEST_INSTANCE_MAX ||
		of_host >= REQUEST_HOST_MAX)
		return -1;
	int64_t until_ms = request->not_before_ms;
	if (request->wanted.is_api) {
		const struct room *room = room_of(requests, request->account);
		until_ms = room->not_before_ms > until_ms ? room->not_before_ms : until_ms;
	}
	int64_t now = now_ms(requests);
	return until_ms > now ? until_ms - now : 0;
}

void
requests_flush(struct requests *requests)
{
	if (!requests || !requests->list || requests->host->ending)
		return;
	int64_t soonest_ms = -1;
	struct request *request;
	DL_FOREACH(requests->list, request) {
		int64_t wait_ms = request->http ? -1 : wait_of(request);
		if (wait_ms == 0) {
			start(request);
			wait_ms = request->http ? -1 : REQUEST_RETRY_BASE_MS; /* no room in http */
		}
		if (wait_ms > 0 && (soonest_ms < 0 || wait_ms < soonest_ms))
			soonest_ms = wait_ms;
	}
	if (soonest_ms > 0)
		loop_timer_start(requests->timer, soonest_ms, 0);
}

/* The turn that follows flushes. */
static void
on_timer(void *data)
{
	(void)data;
}

/* ---- from outside ---- */

static bool
is_crowded(const struct requests *requests, const char *instance, size_t more)
{
	unsigned count = 0;
	size_t bytes = more;
	const struct request *request;
	DL_FOREACH(requests->list, request) {
		if (strcmp(request->instance, instance) != 0)
			continue;
		count++;
		bytes += request->wanted.body_len;
	}
	return count >= REQUEST_QUEUE_MAX || (count > 0 && bytes > REQUEST_BODY_MAX);
}

/* Words why nothing is sent; NULL: it may be. */
static char *
refuse(const struct requests *requests, const struct request_source *source,
	const struct plugin_request *wanted)
{
	if (!requests)
		return outcome_problem("offline", 0, "nothing is asked in a replay");
	if (wanted->is_api && !source->account)
		return outcome_problem("failed", 0, "the plugin has no account");
	if (source->dry_run && !is_read(wanted))
		return outcome_problem("dry_run", 0, "a dry run sends nothing that writes");
	if (is_crowded(requests, source->instance, wanted->body_len))
		return outcome_problem("busy", 0, "too many requests of this plugin wait already");
	return NULL;
}

char *
requests_add(struct requests *requests, const struct request_source *source,
	struct plugin_request *wanted)
{
	char *problem = refuse(requests, source, wanted);
	if (problem)
		return problem;
	struct request *request = xmalloc(sizeof(*request));
	*request = (struct request){
		.requests = requests,
		.task = source->task,
		.instance = xstrdup(source->instance),
		.plugin = source->plugin,
		.account = wanted->is_api ? source->account : NULL,
		.wanted = *wanted,
		.key = xstrdup(source->key),
		.not_before_ms = INT64_MIN,
	};
	*wanted = (struct plugin_request){0};
	pace_init(&request->pace, REQUEST_RETRY_BASE_MS, THROTTLE_WAIT_DEFAULT_MS, INT64_MAX);
	request->url = request->account
			       ? xasprintf("%s%s", request->account->server, request->wanted.url)
			       : xstrdup(request->wanted.url);
	struct url url;
	if (url_parse(str_from(request->url), &url)) {
		request->host = xasprintf("%s:%u", url.host, url.port);
		url_finish(&url);
	} else {
		request->host = xstrdup("");
	}
	DL_APPEND(requests->list, request);
	return NULL;
}

void
requests_drop(struct requests *requests, uint64_t task)
{
	struct request *request, *next;
	if (!requests)
		return;
	DL_FOREACH_SAFE(requests->list, request, next) {
		if (request->task == task)
			request_destroy(request);
	}
}

void
requests_charge(const struct requests *requests)
{
	const struct request *request;
	if (!requests)
		return;
	DL_FOREACH(requests->list, request)
		plugin_add_outside(request->plugin,
			(ptrdiff_t)(request->wanted.body_len +
				    http_received(requests->host->http, request->http)));
}

struct requests *
requests_create(struct host *host)
{
	struct requests *requests = xmalloc(sizeof(*requests));
	*requests = (struct requests){.host = host};
	requests->timer = loop_timer_create(host->config.loop, on_timer, requests);
	return requests;
}

void
requests_destroy(struct requests *requests)
{
	if (!requests)
		return;
	while (requests->list)
		request_destroy(requests->list);
	while (requests->rooms) {
		struct room *room = requests->rooms;
		LL_DELETE(requests->rooms, room);
		free(room);
	}
	loop_timer_destroy(requests->timer);
	free(requests);
}
