/* SPDX-License-Identifier: MIT */
/* Finding out whether an intent has happened already, before it is sent again. */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "clock.h"
#include "limits.h"
#include "outbox_private.h"
#include "url.h"
#include "visible.h"
#include "xmalloc.h"

/* Servers keep an Idempotency-Key this long (protocol.md 6.3). */
#define KEY_KEPT_MS      INT64_C(3600000)
/* A post that seems this much older than its intent can still be its result: clocks differ. */
#define CLOCKS_DIFFER_MS INT64_C(120000)

/* Mastodon writes a bare number ("4.5.3", "4.5.3+glitch"); others name themselves behind a space, and
 * GoToSocial, which forgets keys, has major version 0 (protocol.md 9.2). */
static bool
server_keeps_keys(const struct account *account)
{
	const char *version = account->version;
	return version != NULL && version[0] >= '2' && version[0] <= '9' &&
	       strpbrk(version, " (") == NULL;
}

bool
item_can_look_up(const struct item *item, const struct account *account)
{
	if (action_info(item->kind)->read_back != NULL) {
		return account != NULL;
	}
	return item_is_post(item) && account != NULL && account->id != NULL;
}

bool
item_needs_lookup(const struct item *item, const struct account *account)
{
	if (!item->maybe_sent || item->looked_up) {
		return false;
	}
	if (!item_is_post(item)) {
		return action_info(item->kind)->read_back != NULL;
	}
	bool key_is_kept = item_age_ms(item) < KEY_KEPT_MS && !item->key_failed;
	if (account->version == NULL && account->id == NULL) {
		return !key_is_kept || item->last; /* a bare server; all we have is the key */
	}
	return !key_is_kept || item->last || !server_keeps_keys(account);
}

static struct str
next_word(struct str *rest)
{
	static const char spaces[] = " \t\r\n\v\f";
	*rest = str_trim(*rest);
	size_t len = 0;
	while (len < rest->len && memchr(spaces, rest->ptr[len], sizeof(spaces) - 1) == NULL) {
		len++;
	}
	struct str word = {rest->ptr, len};
	*rest = (struct str){rest->ptr + len, rest->len - len};
	return word;
}

/* "@user@host" stands as "@user" or as it is. */
static struct str
without_domain(struct str word)
{
	if (word.len > 1 && word.ptr[0] == '@') {
		const char *second = memchr(word.ptr + 1, '@', word.len - 1);
		if (second != NULL) {
			word.len = (size_t)(second - word.ptr);
		}
	}
	return word;
}

static bool
same_word(struct str source, struct str seen)
{
	if (str_eq(source, seen)) {
		return true;
	}
	if (source.len > 0 && source.ptr[0] == '@') {
		return str_eq(without_domain(source), without_domain(seen));
	}
	if (!str_starts(source, "http://") && !str_starts(source, "https://")) {
		return false;
	}
	/* A link is shown without its scheme and cut with an ellipsis. */
	if (str_ends(seen, "\xe2\x80\xa6")) {
		seen.len -= 3;
	}
	return seen.len > 0 && memmem(source.ptr, source.len, seen.ptr, seen.len) != NULL;
}

bool
lookup_same_text(struct str source, struct str visible)
{
	for (;;) {
		struct str a = next_word(&source);
		struct str b = next_word(&visible);
		if (a.len == 0 || b.len == 0) {
			return a.len == b.len;
		}
		if (!same_word(a, b)) {
			return false;
		}
	}
}

static int64_t
created_ms(struct json_value status)
{
	int64_t at = INT64_MAX; /* a time that cannot be read decides nothing */
	struct str text = json_str(json_get(status, "created_at"));
	return text.ptr != NULL && time_parse(text, &at) ? at : INT64_MAX;
}

/* Is `status`, one of our own, what this intent asked for? `body` holds the parameters. */
static bool
is_result(const struct item *item, struct json_value body, struct json_value status)
{
	struct str id = json_str(json_get(status, "id"));
	struct str wanted = json_str(json_get(body, "in_reply_to_id"));
	struct str found = json_str(json_get(status, "in_reply_to_id"));
	struct str text = json_str(json_get(body, "status"));
	struct str html = json_str(json_get(status, "content"));
	if (json_type(json_get(status, "reblog")) == JSON_OBJECT || id.len == 0 ||
		!str_eq(wanted, found) ||
		created_ms(status) < item->intent.created_ms - CLOCKS_DIFFER_MS) {
		return false;
	}
	struct buf visible;
	buf_init(&visible, VIEW_TEXT_MAX);
	visible_text(html.ptr != NULL ? html : STR(""), &visible);
	bool same =
		visible.err == ERR_OK && lookup_same_text(text.ptr != NULL ? text : STR(""),
						 visible.ptr != NULL ? buf_str(&visible) : STR(""));
	buf_finish(&visible);
	/* The same words posted twice on purpose: the other one has its own row. */
	return same && !intent_made(item->lane->outbox->config.store, &item->intent, id);
}

/* The server said that it has not happened. */
static void
absent(struct item *item)
{
	item->looked_up = true;
	item->pages = 0;
	free(item->max_id);
	item->max_id = NULL;
	if (item->last) {
		item_end(item, INTENT_FAILED, item->intent.status, xstrdup(item->intent.outcome));
	} else {
		item_wait(item, 0);
		outbox_wake(item->lane->outbox);
	}
}

/* `status`: the status, or what stands between us and the account. */
static void
judge_status(struct item *item, struct json_value status)
{
	const struct action_info *info = action_info(item->kind);
	bool value = false;
	bool requested = false; /* a locked account was asked: as good as following */
	if (item->kind == ACTION_FOLLOW || item->kind == ACTION_UNFOLLOW) {
		(void)json_get_bool(json_get(status, "requested"), &requested);
	}
	if (!json_get_bool(json_get(status, info->read_back), &value)) {
		item_end(item, INTENT_UNKNOWN, 200,
			xasprintf("the server's answer has no \"%s\"", info->read_back));
	} else if ((value || requested) == info->read_back_value) {
		item_end(item, INTENT_DONE, 200, NULL);
	} else {
		absent(item);
	}
}

/* The page after `last`, or the end of the search. */
static void
search_on(struct item *item, struct json_value last)
{
	struct str id = json_str(json_get(last, "id"));
	bool older = created_ms(last) < item->intent.created_ms - CLOCKS_DIFFER_MS;
	bool stuck = item->max_id != NULL && str_eq_text(id, item->max_id);
	if (id.len == 0 || older || stuck) {
		absent(item);
		return;
	}
	item->pages++;
	free(item->max_id);
	item->max_id = str_dup(id);
	if (item->pages >= OUTBOX_SEARCH_PAGES) {
		item_end(item, INTENT_UNKNOWN, 200,
			xstrdup("it is not among our latest posts, and older ones are not searched"));
	} else {
		item_wait(item, 0);
		outbox_wake(item->lane->outbox);
	}
}

static void
judge_page(struct item *item, struct json_value page)
{
	struct outbox *outbox = item->lane->outbox;
	struct json_doc *doc = NULL;
	struct buf body;
	buf_init(&body, 2 * (size_t)ACTION_BODY_MAX);
	enum err err = secrets_reveal(outbox->config.secrets, str_from(item->intent.body), &body);
	if (err == ERR_OK) {
		err = json_parse(outbox->parser, buf_str(&body), &doc, NULL);
	}
	buf_finish(&body);
	if (err != ERR_OK) {
		item_end(item, INTENT_UNKNOWN, 200, xstrdup("its text cannot be read any more"));
		return;
	}
	struct json_value last = {0};
	struct str found = STR_NONE;
	struct json_iter it = json_iter(page);
	while (found.ptr == NULL && json_next(&it)) {
		last = it.value;
		if (is_result(item, json_root(doc), it.value)) {
			found = json_str(json_get(it.value, "id"));
			item_made(item, it.value);
		}
	}
	if (found.ptr != NULL) {
		item_end(item, INTENT_DONE, 200, str_dup(found));
	} else {
		search_on(item, last);
	}
	json_doc_destroy(doc);
}

static void
on_looked_up(void *data, const struct http_answer *answer)
{
	struct item *item = data;
	struct outbox *outbox = item->lane->outbox;
	struct json_doc *doc = NULL;
	bool whole = answer->end == HTTP_DONE;
	bool on_account = action_info(item->kind)->on_account;
	bool on_status = action_info(item->kind)->read_back != NULL && !on_account;
	char *words = answer_describe(answer, outbox->parser);
	item->request = 0;
	outbox->running--;
	if (whole && answer->status == 200 &&
		json_parse(outbox->parser, answer->body, &doc, NULL) == ERR_OK &&
		json_type(json_root(doc)) == (on_status ? JSON_OBJECT : JSON_ARRAY)) {
		free(words);
		if (on_account) {
			judge_status(item, json_path(json_root(doc), "0"));
		} else if (on_status) {
			judge_status(item, json_root(doc));
		} else {
			judge_page(item, json_root(doc));
		}
	} else if (whole && answer->status == 429) {
		item_throttled(item, answer, words);
	} else if (whole && on_status && (answer->status == 404 || answer->status == 410)) {
		item_end(item, INTENT_FAILED, answer->status, words);
	} else if (whole && answer->status >= 300 && answer->status < 500 &&
		   answer->status != 408) {
		item_end(item, INTENT_UNKNOWN, answer->status,
			xasprintf("it cannot be looked up: %s", words));
		free(words);
	} else {
		item_failed(item, answer, words);
	}
	json_doc_destroy(doc);
}

static char *
lookup_url(const struct item *item, const struct account *account)
{
	struct buf url;
	buf_init(&url, 2 * (size_t)URL_MAX);
	(void)buf_printf(&url, "%s/api/v1/", account->server);
	if (item_is_post(item)) {
		(void)buf_add_text(&url, "accounts/");
		url_encode(str_from(account->id), &url);
		(void)buf_add_text(&url, "/statuses?limit=40&exclude_reblogs=true");
		if (item->max_id != NULL) {
			(void)buf_add_text(&url, "&max_id=");
			url_encode(str_from(item->max_id), &url);
		}
	} else if (action_info(item->kind)->on_account) {
		(void)buf_add_text(&url, "accounts/relationships?id[]=");
		url_encode(str_from(item->intent.target), &url);
	} else {
		(void)buf_add_text(&url, "statuses/");
		url_encode(str_from(item->intent.target), &url);
	}
	return buf_take(&url, NULL);
}

void
item_look_up(struct item *item, const struct account *account)
{
	struct outbox *outbox = item->lane->outbox;
	if (!item_can_look_up(item, account)) {
		item_end(item, INTENT_UNKNOWN, item->intent.status,
			xstrdup("our account's id is not known, so our posts cannot be searched"));
		return;
	}
	char *url = lookup_url(item, account);
	item->request =
		url == NULL ? 0
			    : http_start(outbox->config.http, &(struct http_request){.url = url,
								      .bearer = account->token,
								      .ca_file = account->ca_file,
								      .on_done = on_looked_up,
								      .data = item});
	free(url);
	if (item->request == 0) {
		item_wait(item, 100);
	} else {
		outbox->running++;
	}
}
