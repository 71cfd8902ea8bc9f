/* SPDX-License-Identifier: MIT */
/* Sending one intent, and what its answer means. */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "limits.h"
#include "outbox_private.h"
#include "throttle.h"
#include "url.h"
#include "xmalloc.h"

#define LOG_MODULE "outbox"

/* Discovery runs when the host starts, and so does the re-sending of what is open. */
#define DISCOVERY_WAIT_MS 250
#define DISCOVERY_WAITS   40
#define NO_ROOM_WAIT_MS   100

/* What a request borrows until http_start has copied it. */
struct call {
	struct http_header headers[OUTBOX_HEADERS_MAX + 2];
	unsigned header_count;
	char *texts[2 * OUTBOX_HEADERS_MAX + 4];
	unsigned text_count;
	bool has_type;
	const char *problem; /* NULL: none */
};

static const char *
keep(struct call *call, char *text)
{
	call->texts[call->text_count++] = text;
	return text;
}

static void
call_finish(struct call *call)
{
	for (unsigned i = 0; i < call->text_count; i++) {
		if (call->texts[i] != NULL) {
			explicit_bzero(call->texts[i], strlen(call->texts[i]));
		}
		free(call->texts[i]);
	}
}

/* The text with its secrets in place, kept by the call; NULL: see call->problem. */
static const char *
reveal(struct call *call, const struct item *item, struct str text, size_t max)
{
	struct buf out;
	buf_init(&out, max);
	enum err err = secrets_reveal(item->lane->outbox->config.secrets, text, &out);
	if (err == ERR_OK) {
		return keep(call, buf_take(&out, NULL));
	}
	buf_finish(&out);
	call->problem = err == ERR_NOT_FOUND ? "a secret that it needs is not configured any more"
					     : "it is too big";
	return NULL;
}

static bool
is_header_text(const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			return false;
		}
	}
	return text[0] != '\0';
}

static void
add_header(struct call *call, const char *name, const char *value)
{
	if (!is_header_text(name) || strchr(name, ':') != NULL || !is_header_text(value)) {
		call->problem = "one of its headers is empty or holds a line end";
		return;
	}
	call->headers[call->header_count++] = (struct http_header){name, value};
	call->has_type = call->has_type || strcasecmp(name, "content-type") == 0;
}

/* `headers` of the intent: a JSON object of strings. */
static void
add_own_headers(struct call *call, const struct item *item)
{
	struct json_doc *doc = NULL;
	struct str text = str_from(item->intent.headers);
	if (text.ptr == NULL) {
		return;
	}
	if (json_parse(item->lane->outbox->parser, text, &doc, NULL) != ERR_OK) {
		call->problem = "its headers are no JSON object";
		return;
	}
	struct json_iter it = json_iter(json_root(doc));
	while (call->problem == NULL && json_next(&it)) {
		struct str value = json_str(it.value);
		if (call->header_count == OUTBOX_HEADERS_MAX || it.key.ptr == NULL ||
			value.ptr == NULL) {
			call->problem = "its headers are too many, or no texts";
			break;
		}
		const char *name = keep(call, str_dup(it.key));
		const char *revealed = reveal(call, item, value, HTTP_HEADERS_MAX);
		if (revealed != NULL) {
			add_header(call, name, revealed);
		}
	}
	json_doc_destroy(doc);
}

static const char *
default_type(const char *body)
{
	return body[0] == '{' || body[0] == '[' ? "application/json" : "text/plain; charset=utf-8";
}

bool
item_is_post(const struct item *item)
{
	return item->kind == ACTION_POST || item->kind == ACTION_REPLY;
}

/* 201 and the like are answers as good as 200. */
static bool
is_success(const struct http_answer *answer)
{
	return answer->end == HTTP_DONE && answer->status >= 200 && answer->status < 300;
}

static bool
is_refusal(const struct http_answer *answer)
{
	return answer->end == HTTP_DONE && answer->status >= 300 && answer->status < 500 &&
	       answer->status != 408 && answer->status != 425;
}

void
item_throttled(struct item *item, const struct http_answer *answer, char *words)
{
	struct outbox *outbox = item->lane->outbox;
	int64_t wait_ms = throttle_wait_ms(answer, clock_wall_ms(&outbox->config.clock));
	/* A reset in the past again and again must not become a tight loop. */
	int64_t floor_ms = (int64_t)THROTTLE_WAIT_MIN_MS
			   << (item->throttled < 10 ? item->throttled : 10);
	item->throttled++;
	wait_ms = wait_ms < floor_ms ? floor_ms : wait_ms;
	wait_ms = wait_ms > THROTTLE_WAIT_MAX_MS ? THROTTLE_WAIT_MAX_MS : wait_ms;
	wait_ms += (int64_t)rng_below(outbox->config.rng, (uint64_t)wait_ms / 20 + 1);
	if (action_info(item->kind)->is_blind) {
		item->intent.attempts = 0; /* it was not taken: nothing has begun */
		item->begun = false;
	}
	if (item_age_ms(item) > OUTBOX_GIVE_UP_MS) {
		item_end(item, item->maybe_sent ? INTENT_UNKNOWN : INTENT_FAILED, answer->status,
			words);
		return;
	}
	item_again(item, wait_ms, answer->status, words);
	item->lane->throttled_until_ms = item->lane->not_before_ms;
	if (outbox->throttled_until_ms < item->lane->not_before_ms) {
		outbox->throttled_until_ms = item->lane->not_before_ms;
	}
}

void
item_failed(struct item *item, const struct http_answer *answer, char *words)
{
	struct outbox *outbox = item->lane->outbox;
	struct intent *intent = &item->intent;
	if (action_info(item->kind)->is_blind) {
		if (item->maybe_sent) {
			item_end(item, INTENT_UNKNOWN, answer->status, words);
			return;
		}
		intent->attempts = 0;
		item->begun = false;
	}
	int64_t now_ms = clock_mono_ms(&outbox->config.clock);
	int64_t wait_ms = pace_down(&item->lane->pace, outbox->config.rng, now_ms);
	/* A server that is away is waited for; one that answers, but badly, is not asked for ever. */
	intent->attempts += answer->sent || answer->status != 0 ? 1 : 0;
	bool spent =
		intent->attempts >= OUTBOX_ATTEMPTS_MAX || item_age_ms(item) > OUTBOX_GIVE_UP_MS;
	const struct account *account =
		intent->account != NULL
			? outbox->config.account(outbox->config.data, intent->account)
			: NULL;
	if (spent && item->maybe_sent && !item->last && item_can_look_up(item, account)) {
		item->last = true;
		item->looked_up = false;
		spent = false;
	}
	if (!spent) {
		item_again(item, wait_ms, answer->status, words);
	} else {
		bool unknown = item->maybe_sent && item->kind != ACTION_FORWARD;
		item_end(item, unknown ? INTENT_UNKNOWN : INTENT_FAILED, answer->status, words);
	}
}

static void
succeeded(struct item *item, const struct http_answer *answer)
{
	struct json_parser *parser = item->lane->outbox->parser;
	struct json_doc *doc = NULL;
	item->intent.attempts++;
	if (item->kind == ACTION_FORWARD) {
		item_end(item, INTENT_DONE, answer->status, NULL);
		return;
	}
	bool any_json = item->kind == ACTION_API_POST;
	if (any_json && str_trim(answer->body).len == 0) {
		item_end(item, INTENT_DONE, answer->status, NULL); /* 204 and the like */
	} else if (json_parse(parser, answer->body, &doc, NULL) != ERR_OK ||
		   (!any_json && json_type(json_root(doc)) != JSON_OBJECT)) {
		/* A proxy's page, not the server's answer: nobody knows what happened. */
		char *what = answer_describe(answer, parser);
		item->intent.attempts--;
		item->maybe_sent = true;
		item->looked_up = false;
		item_failed(item, answer, xasprintf("%s, where JSON was expected", what));
		free(what);
	} else {
		item_made(item, json_root(doc));
		item_end(item, INTENT_DONE, answer->status,
			str_dup(json_str(json_get(json_root(doc), "id"))));
	}
	json_doc_destroy(doc);
}

static char *
refusal_words(const struct item *item, const struct http_answer *answer)
{
	char *words = answer_describe(answer, item->lane->outbox->parser);
	const char *location = http_header(answer, "location");
	if (answer->status < 400 && location != NULL) {
		char *more = xasprintf("%s, moved to %.200s: use that address", words, location);
		free(words);
		return more;
	}
	return words;
}

static void
on_sent(void *data, const struct http_answer *answer)
{
	struct item *item = data;
	struct outbox *outbox = item->lane->outbox;
	item->request = 0;
	outbox->running--;
	if (is_success(answer)) {
		succeeded(item, answer);
	} else if (answer->end == HTTP_DONE && answer->status == 429) {
		item_throttled(item, answer, answer_describe(answer, outbox->parser));
	} else if (is_refusal(answer) || answer->end == HTTP_FORBIDDEN) {
		item->intent.attempts++;
		item_end(item, INTENT_FAILED, answer->status, refusal_words(item, answer));
	} else {
		item->key_failed = item->key_failed || (item->maybe_sent && answer->status == 500);
		item->maybe_sent = item->maybe_sent || answer->sent || answer->status != 0;
		item->looked_up = false;
		item_failed(item, answer, answer_describe(answer, outbox->parser));
	}
}

static enum http_reach
on_reach(void *data, const struct url *to)
{
	struct item *item = data;
	const struct outbox_config *config = &item->lane->outbox->config;
	if (item->kind != ACTION_FORWARD || config->reach == NULL) {
		return HTTP_REACH_ANY;
	}
	return config->reach(config->data, item->intent.instance, to);
}

static void
send_call(struct item *item, const struct account *account, struct call *call)
{
	struct outbox *outbox = item->lane->outbox;
	const struct intent *intent = &item->intent;
	const char *body = "";
	const char *url = reveal(call, item, str_from(intent->url), 2 * (size_t)URL_MAX);
	if (url != NULL && intent->body != NULL) {
		body = reveal(call, item, str_from(intent->body), 2 * (size_t)ACTION_BODY_MAX);
	}
	if (call->problem == NULL) {
		add_own_headers(call, item);
	}
	if (call->problem == NULL && intent->idempotency_key != NULL) {
		add_header(call, "Idempotency-Key", intent->idempotency_key);
	}
	if (call->problem == NULL && body[0] != '\0' && !call->has_type) {
		add_header(call, "Content-Type", default_type(body));
	}
	if (call->problem != NULL) {
		bool unknown = item->maybe_sent && item->kind != ACTION_FORWARD;
		item_end(item, unknown ? INTENT_UNKNOWN : INTENT_FAILED, 0, xstrdup(call->problem));
		return;
	}
	if (account != NULL) {
		url = keep(call, xasprintf("%s%s", account->server, url));
	}
	item->request = http_start(
		outbox->config.http, &(struct http_request){.method = intent->method,
					     .url = url,
					     .headers = call->headers,
					     .header_count = call->header_count,
					     .bearer = account != NULL ? account->token : NULL,
					     .body = str_from(body),
					     .ca_file = account != NULL ? account->ca_file : NULL,
					     .reach = on_reach,
					     .on_done = on_sent,
					     .data = item});
	if (item->request == 0) {
		item_wait(item, NO_ROOM_WAIT_MS);
	} else {
		outbox->running++;
	}
}

/* How a post is looked up depends on who we are and what the server is. */
static bool
waits_for_discovery(struct item *item, const struct account *account)
{
	bool known = account->id != NULL && account->version != NULL;
	if (!item_is_post(item) || !item->maybe_sent || known || item->waits >= DISCOVERY_WAITS) {
		return false;
	}
	item->waits++;
	item_wait(item, DISCOVERY_WAIT_MS);
	return true;
}

void
item_begin(struct item *item)
{
	struct outbox *outbox = item->lane->outbox;
	const struct intent *intent = &item->intent;
	const struct account *account = NULL;
	if (!action_from_name(str_from(intent->action), &item->kind)) {
		item_end(item, INTENT_FAILED, 0, xstrdup("this version knows no such action"));
		return;
	}
	bool blind = action_info(item->kind)->is_blind;
	if (blind && !item->begun) {
		if (intent->attempts > 0) {
			item_end(item, INTENT_UNKNOWN, intent->status,
				xstrdup("moontusk ended while it was being sent"));
			return;
		}
		item->maybe_sent = false; /* else it would have been written down */
	}
	if (intent->account != NULL) {
		account = outbox->config.account(outbox->config.data, intent->account);
		if (account == NULL) {
			item_end(item, item->maybe_sent ? INTENT_UNKNOWN : INTENT_FAILED, 0,
				xasprintf("account \"%s\" is not in the config any more",
					intent->account));
			return;
		}
		if (waits_for_discovery(item, account)) {
			return;
		}
		if (item_needs_lookup(item, account)) {
			item_look_up(item, account);
			return;
		}
	}
	if (blind && !item->begun) {
		item_mark_begun(item);
		return;
	}
	struct call call = {0};
	send_call(item, account, &call);
	call_finish(&call);
}
