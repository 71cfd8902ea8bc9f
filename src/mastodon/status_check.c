/* SPDX-License-Identifier: MIT */
/* GET /api/v1/statuses?id[]=… for what waits, GET /api/v1/statuses/:id where that is not known (protocol.md 3.2, 5.5). */
#define LOG_MODULE "delete"
#include "status_check.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "clock.h"
#include "limits.h"
#include "pace.h"
#include "throttle.h"
#include "url.h"
#include "xmalloc.h"

/* So long more ids may come before the first of them is asked for: blocking somebody takes all of his posts from a feed. */
#define GATHER_MS 500

struct wanted {
	bool asked; /* by the request that runs */
	UT_hash_handle hh;
	size_t len;
	char id[];
};

struct status_check {
	struct status_check_config config;
	struct wanted *wanted; /* hash, in the order of coming */
	struct loop_timer *timer;
	struct pace pace;
	unsigned request; /* 0: none runs */
	bool single;      /* it asks for one post by its address */
	bool one_by_one;  /* this server knows no lists, or gives others than were asked for */
	bool trusted;     /* what a list of this server left out was gone indeed */
	bool doubts;      /* a list left something out, and it is asked for alone */
};

static void
start_soon(struct status_check *check, int64_t wait_ms)
{
	if (check->request == 0 && !loop_timer_active(check->timer))
		loop_timer_start(check->timer, wait_ms, 0);
}

static void
tell(struct status_check *check, struct wanted *wanted, enum status_verdict verdict)
{
	HASH_DEL(check->wanted, wanted);
	check->config.on_verdict(check->config.data, wanted->id, verdict);
	free(wanted);
}

static void
tell_asked(struct status_check *check, enum status_verdict verdict)
{
	struct wanted *wanted, *next;
	HASH_ITER(hh, check->wanted, wanted, next) {
		if (wanted->asked)
			tell(check, wanted, verdict);
	}
}

/* Nothing is known of those that were asked for: they are asked for again. */
static void
again(struct status_check *check, int64_t wait_ms)
{
	for (struct wanted *wanted = check->wanted; wanted; wanted = wanted->hh.next)
		wanted->asked = false;
	loop_timer_start(check->timer, wait_ms, 0);
}

/* Posts that the list has are there; what it leaves out is gone, on a server whose lists are known to be what was asked
 * for: one that knows nothing of ids may well answer [] to all. False: it is no list of posts. */
static bool
read_list(struct status_check *check, struct str body)
{
	struct json_doc *doc = NULL;
	if (json_parse(check->config.parser, body, &doc, NULL) != ERR_OK)
		return false;
	struct json_value root = json_root(doc);
	bool good = json_type(root) == JSON_ARRAY;
	struct json_iter it = json_iter(root);
	while (good && json_next(&it))
		good = json_str(json_get(it.value, "id")).len > 0;
	it = json_iter(root);
	while (good && json_next(&it)) {
		struct str id = json_str(json_get(it.value, "id"));
		struct wanted *wanted = NULL;
		HASH_FIND(hh, check->wanted, id.ptr, id.len, wanted);
		if (wanted && wanted->asked)
			tell(check, wanted, STATUS_THERE);
	}
	json_doc_destroy(doc);
	if (good && check->trusted) {
		tell_asked(check, STATUS_GONE);
	} else if (good && check->wanted) {
		check->doubts = true;
		again(check, 0);
	}
	return good;
}

/* 404 also for who may not see it (protocol.md 5.5). */
static bool
read_one(struct status_check *check, const struct http_answer *answer)
{
	bool gone = answer->status == 404 || answer->status == 410;
	bool there =
		answer->status / 100 == 2 && answer->body.len > 0 && answer->body.ptr[0] == '{';
	if (!gone && !there)
		return false;
	if (gone && check->config.strict && (answer->body.len == 0 || answer->body.ptr[0] != '{')) {
		check->doubts = false;
		tell_asked(check, STATUS_UNKNOWN);
		return true;
	}
	if (check->doubts) {
		check->doubts = false;
		check->trusted = gone;
		check->one_by_one = there;
	}
	tell_asked(check, gone ? STATUS_GONE : STATUS_THERE);
	return true;
}

/* True when the answer says something about those that were asked for, or about how to ask. */
static bool
understand(struct status_check *check, const struct http_answer *answer)
{
	if (answer->end != HTTP_DONE)
		return false;
	if (answer->status == 401 || answer->status == 403) {
		tell_asked(check, STATUS_UNKNOWN);
		return true;
	}
	if (check->single)
		return read_one(check, answer);
	if (answer->status / 100 == 2 && read_list(check, answer->body))
		return true;
	if (answer->status == 429 || answer->status >= 500)
		return false;
	check->one_by_one = true;
	log_debug(check->config.log,
		"%s: %s answers no list of posts; they are asked for one by one",
		check->config.account->name, check->config.account->host);
	again(check, 0);
	return true;
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct status_check *check = data;
	struct clock clock = loop_clock(check->config.loop);
	int64_t now_ms = loop_now_ms(check->config.loop);
	check->request = 0;
	if (understand(check, answer)) {
		pace_up(&check->pace, now_ms);
		if (check->wanted)
			start_soon(check, 0);
		return;
	}
	int64_t wait_ms = pace_down(&check->pace, check->config.rng, now_ms);
	if (answer->end == HTTP_DONE && answer->status == 429) {
		int64_t asked_ms = throttle_wait_ms(answer, clock_wall_ms(&clock));
		wait_ms = asked_ms > wait_ms ? asked_ms : wait_ms;
	}
	again(check, wait_ms);
}

static void
put_url(struct status_check *check, struct buf *url)
{
	unsigned count = 0;
	check->single = check->one_by_one || check->doubts || HASH_COUNT(check->wanted) == 1;
	buf_add_text(url, check->config.account->server);
	buf_add_text(url, "/api/v1/statuses");
	for (struct wanted *wanted = check->wanted; wanted; wanted = wanted->hh.next) {
		struct str id = {wanted->id, wanted->len};
		wanted->asked = true;
		if (check->single) {
			buf_add_char(url, '/');
			url_encode(id, url);
			return;
		}
		/* ids[] besides: Pleroma and Akkoma call it so, others pass over it (protocol.md 9.3). */
		buf_add_text(url, count == 0 ? "?id[]=" : "&id[]=");
		url_encode(id, url);
		buf_add_text(url, "&ids[]=");
		url_encode(id, url);
		if (++count == STATUS_CHECK_BATCH)
			return;
	}
}

static void
on_timer(void *data)
{
	struct status_check *check = data;
	struct buf url;
	if (check->request != 0 || !check->wanted)
		return;
	buf_init(&url, STATUS_CHECK_BATCH * STATUS_CHECK_ID_MAX * 8 + 1024);
	put_url(check, &url);
	struct http_request request = {
		.url = url.ptr,
		.bearer = check->config.account->token,
		.ca_file = check->config.account->ca_file,
		.on_done = on_done,
		.data = check,
	};
	check->request = url.err == ERR_OK ? http_start(check->config.http, &request) : 0;
	if (check->request == 0) /* too many requests are running */
		again(check, 1000);
	buf_finish(&url);
}

struct status_check *
status_check_create(const struct status_check_config *config)
{
	struct status_check *check = xcalloc(1, sizeof(*check));
	check->config = *config;
	check->timer = loop_timer_create(config->loop, on_timer, check);
	pace_init(&check->pace, 1000, 300000, 60000);
	return check;
}

void
status_check_destroy(struct status_check *check)
{
	if (!check)
		return;
	if (check->request != 0)
		http_cancel(check->config.http, check->request);
	loop_timer_destroy(check->timer);
	struct wanted *wanted, *next;
	HASH_ITER(hh, check->wanted, wanted, next) {
		HASH_DEL(check->wanted, wanted);
		free(wanted);
	}
	free(check);
}

bool
status_check_one_by_one(const struct status_check *check)
{
	return check->one_by_one;
}

void
status_check_add(struct status_check *check, struct str id)
{
	struct wanted *wanted = NULL;
	HASH_FIND(hh, check->wanted, id.ptr, id.len, wanted);
	if (wanted || id.len == 0 || id.len > STATUS_CHECK_ID_MAX)
		return;
	wanted = xcalloc(1, sizeof(*wanted) + id.len + 1);
	wanted->len = id.len;
	memcpy(wanted->id, id.ptr, id.len);
	HASH_ADD_KEYPTR(hh, check->wanted, wanted->id, wanted->len, wanted);
	start_soon(check, GATHER_MS);
}
