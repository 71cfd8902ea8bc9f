/* SPDX-License-Identifier: MIT */
/* The table of actions, their keys, and the request that each becomes. */
#include "action.h"

#include <stdlib.h>
#include <string.h>

#include "json_write.h"
#include "limits.h"
#include "url.h"
#include "xmalloc.h"

static const struct action_info actions[] = {
	[ACTION_BOOST] = {.name = "boost",
		.path = "/api/v1/statuses/%s/reblog",
		.permission = "boost",
		.read_back = "reblogged",
		.read_back_value = true,
		.on_status = true,
		.is_default = true},
	[ACTION_UNBOOST] = {.name = "unboost",
		.path = "/api/v1/statuses/%s/unreblog",
		.permission = "boost",
		.read_back = "reblogged",
		.read_back_value = false,
		.on_status = true,
		.is_default = true},
	[ACTION_FAVOURITE] = {.name = "favourite",
		.path = "/api/v1/statuses/%s/favourite",
		.permission = "favourite",
		.read_back = "favourited",
		.read_back_value = true,
		.on_status = true,
		.is_default = true},
	[ACTION_BOOKMARK] = {.name = "bookmark",
		.path = "/api/v1/statuses/%s/bookmark",
		.permission = "bookmark",
		.read_back = "bookmarked",
		.read_back_value = true,
		.on_status = true,
		.is_default = true},
	[ACTION_REPLY] = {.name = "reply",
		.permission = "reply",
		.on_status = true,
		.is_default = true},
	[ACTION_POST] = {.name = "post", .permission = "post", .is_default = true},
	[ACTION_FORWARD] = {.name = "forward", .permission = "http"},
	[ACTION_UNFAVOURITE] = {.name = "unfavourite",
		.path = "/api/v1/statuses/%s/unfavourite",
		.permission = "favourite",
		.read_back = "favourited",
		.read_back_value = false,
		.on_status = true,
		.is_default = true},
	[ACTION_UNBOOKMARK] = {.name = "unbookmark",
		.path = "/api/v1/statuses/%s/unbookmark",
		.permission = "bookmark",
		.read_back = "bookmarked",
		.read_back_value = false,
		.on_status = true,
		.is_default = true},
	[ACTION_FOLLOW] = {.name = "follow",
		.path = "/api/v1/accounts/%s/follow",
		.permission = "follow",
		.read_back = "following",
		.read_back_value = true,
		.on_account = true},
	[ACTION_UNFOLLOW] = {.name = "unfollow",
		.path = "/api/v1/accounts/%s/unfollow",
		.permission = "follow",
		.read_back = "following",
		.read_back_value = false,
		.on_account = true},
	[ACTION_MUTE] = {.name = "mute",
		.path = "/api/v1/accounts/%s/mute",
		.permission = "mute",
		.read_back = "muting",
		.read_back_value = true,
		.on_account = true},
	[ACTION_UNMUTE] = {.name = "unmute",
		.path = "/api/v1/accounts/%s/unmute",
		.permission = "mute",
		.read_back = "muting",
		.read_back_value = false,
		.on_account = true},
	[ACTION_BLOCK] = {.name = "block",
		.path = "/api/v1/accounts/%s/block",
		.permission = "block",
		.read_back = "blocking",
		.read_back_value = true,
		.on_account = true},
	[ACTION_UNBLOCK] = {.name = "unblock",
		.path = "/api/v1/accounts/%s/unblock",
		.permission = "block",
		.read_back = "blocking",
		.read_back_value = false,
		.on_account = true},
	[ACTION_REPORT] = {.name = "report",
		.permission = "report",
		.on_account = true,
		.is_blind = true},
	[ACTION_API_POST] = {.name = "api.post", .permission = "api:write", .is_blind = true},
};
_Static_assert(COUNT_OF(actions) == ACTION_COUNT, "an action has no row");

const struct action_info *
action_info(enum action_kind kind)
{
	REQUIRE((size_t)kind < COUNT_OF(actions));
	return &actions[kind];
}

bool
action_from_name(struct str name, enum action_kind *kind)
{
	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		if (str_eq_text(name, actions[i].name)) {
			*kind = (enum action_kind)i;
			return true;
		}
	}
	return false;
}

void
action_finish(struct action *action)
{
	free(action->target);
	free(action->target_author);
	free(action->key);
	free(action->url);
	free(action->headers);
	free(action->body);
	free(action->summary);
	*action = (struct action){0};
}

/* One part of a key: '|' stands between parts, so inside of one it is written as %7C. */
static void
put_part(struct buf *out, const char *label, struct str value)
{
	if (out->len > 0) {
		(void)buf_add_char(out, '|');
	}
	(void)buf_add_text(out, label);
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '|' || value.ptr[i] == '%') {
			(void)buf_add_text(out, value.ptr[i] == '|' ? "%7C" : "%25");
		} else {
			(void)buf_add_char(out, value.ptr[i]);
		}
	}
}

/* What the action is about when it has no target: the event, or the schedule's due time. */
static void
put_cause(struct buf *out, const struct action_source *source)
{
	if (source->event_key != NULL) {
		put_part(out, "event:", str_from(source->event_key));
		if (source->handler != NULL) { /* two handlers of one event post both */
			put_part(out, "handler:", str_from(source->handler));
		}
	} else {
		put_part(out, "schedule:",
			source->schedule != NULL ? str_from(source->schedule) : STR(""));
	}
}

/* Hides secrets. NULL and ERR_TOO_BIG past `max`; STR_NONE stays NULL. */
static char *
hide(const struct secrets *secrets, const char *text, size_t max, enum err *err)
{
	if (text == NULL) {
		return NULL;
	}
	struct str in = str_from(text);
	struct buf out;
	buf_init(&out, 2 * max); /* the names of secrets may be longer than they are */
	if (in.len <= max) {
		secrets_hide(secrets, in, &out);
	}
	if (in.len > max || out.err != ERR_OK) {
		buf_finish(&out);
		*err = ERR_TOO_BIG;
		return NULL;
	}
	return buf_take(&out, NULL);
}

/* What the target is; a report names the account that it is about, or one of its posts. */
static const char *
target_label(const struct action *action)
{
	const struct action_info *info = action_info(action->kind);
	bool is_account = info->on_account && (action->kind != ACTION_REPORT ||
						      str_eq(str_from(action->target),
							      str_from(action->target_author)));
	return is_account ? "account:" : "status:";
}

bool
action_on_self(const struct action *action, const struct account *account)
{
	const struct action_info *info = action_info(action->kind);
	if (account == NULL || account->id == NULL || !(info->on_status || info->on_account)) {
		return false;
	}
	struct str self = str_from(account->id);
	return str_eq(self, str_from(action->target_author)) ||
	       (info->on_account && str_eq(self, str_from(action->target)) &&
		       target_label(action)[0] == 'a');
}

#define KEY_HOST_LABEL "at:"

char *
action_old_key(const char *key)
{
	const char *last = strrchr(key, '|');
	if (last == NULL || strncmp(last + 1, KEY_HOST_LABEL, strlen(KEY_HOST_LABEL)) != 0) {
		return NULL;
	}
	return xmemdup0(key, (size_t)(last - key));
}

/* The parts of the key but the host, see action_to_intent in the header. `url` is the hidden one. */
static char *
make_key(const struct action *action, const struct action_source *source,
	const struct secrets *secrets, const char *url)
{
	const struct action_info *info = action_info(action->kind);
	bool once_per_target = info->path != NULL && info->on_status;
	struct buf key;
	buf_init(&key, ACTION_KEY_MAX);
	put_part(&key, "", str_from(source->instance));
	put_part(&key, "", str_from(info->name));
	if (action->key != NULL && !once_per_target) {
		enum err err = ERR_OK;
		char *name = hide(secrets, action->key, ACTION_KEY_MAX, &err);
		put_part(&key, "key:", str_from(name));
		free(name);
		if (err != ERR_OK) {
			buf_finish(&key);
			return NULL;
		}
	} else if (info->on_status || info->on_account) {
		put_part(&key, target_label(action), str_from(action->target));
	} else if (action->kind == ACTION_FORWARD && action->target != NULL) {
		put_part(&key, "status:", str_from(action->target));
		(void)buf_printf(&key, "|to:%016llx", (unsigned long long)str_hash(str_from(url)));
	} else {
		put_cause(&key, source);
		(void)buf_printf(&key, "|%u", source->nth);
	}
	return buf_take(&key, NULL);
}

/* Spreads the bits (the finaliser of SplitMix64); FNV-1a alone leaves those of the last bytes close together. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* 128 bits of (where, who, key). Not a cryptographic hash: nobody gains by a collision but the
 * operator's own plugins could only hurt themselves. */
char *
action_hash_key(const char *key, const struct account *account)
{
	const char *server = account != NULL ? account->server : "";
	const char *name = account != NULL ? account->name : "";
	uint64_t half[2];
	for (unsigned i = 0; i < 2; i++) {
		char *text = xasprintf("moontusk/%u\n%s\n%s\n%s", i, server, name, key);
		half[i] = mix(str_hash(str_from(text)));
		free(text);
	}
	return xasprintf(
		"%016llx%016llx", (unsigned long long)half[0], (unsigned long long)half[1]);
}

/* Adds the parameters: an object, with in_reply_to_id for a reply. */
static enum err
put_parameters(const struct action *action, struct buf *out)
{
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	enum err err = json_parse(parser, str_from(action->body), &doc, NULL);
	struct json_value root = err == ERR_OK ? json_root(doc) : (struct json_value){0};
	if (err == ERR_OK && json_type(root) != JSON_OBJECT) {
		err = ERR_SYNTAX;
	}
	if (err == ERR_OK) {
		(void)buf_add_char(out, '{');
		if (action->kind == ACTION_REPLY &&
			!json_exists(json_get(root, "in_reply_to_id"))) {
			json_put_key(out, "in_reply_to_id");
			json_put_text(out, action->target);
		}
		struct json_iter it = json_iter(root);
		while (json_next(&it)) {
			json_put_comma(out);
			json_put_str(out, it.key);
			(void)buf_add_char(out, ':');
			json_put_value(out, it.value);
		}
		(void)buf_add_char(out, '}');
		err = out->err;
	}
	json_doc_destroy(doc);
	json_parser_destroy(parser);
	return err;
}

static enum err
set_forward(const struct action *action, const struct action_source *source,
	const struct secrets *secrets, struct intent *out)
{
	struct url url;
	enum err err = ERR_OK;
	if (action->url == NULL || !url_parse(str_from(action->url), &url)) {
		return ERR_SYNTAX;
	}
	struct buf origin;
	buf_init(&origin, URL_MAX);
	url_put_origin(&url, &origin);
	url_finish(&url);
	/* The lane needs the host only; origins of hosts hold no secret but are hidden all the same. */
	char *host = hide(secrets, strstr(origin.ptr, "://") + 3, URL_MAX, &err);
	buf_finish(&origin);
	out->lane = xasprintf("%s|%s", source->instance, host != NULL ? host : "");
	free(host);
	out->url = hide(secrets, action->url, URL_MAX, &err);
	out->headers = hide(secrets, action->headers, HTTP_HEADERS_MAX, &err);
	out->body = hide(secrets, action->body, ACTION_BODY_MAX, &err);
	return err;
}

/* The path that the action has of its own: the target stands in it. */
static enum err
set_path(const struct action *action, struct intent *out)
{
	const char *path = action_info(action->kind)->path;
	const char *slot = strstr(path, "%s");
	struct buf id;
	buf_init(&id, ACTION_KEY_MAX);
	url_encode(str_from(action->target), &id);
	enum err err = id.err;
	out->url = xasprintf(
		"%.*s%s%s", (int)(slot - path), path, err == ERR_OK ? id.ptr : "", slot + 2);
	buf_finish(&id);
	return err;
}

/* A path of our own server and nothing else: what it or a proxy might read as another path ("..", "//", "%2e") is none. */
static bool
is_api_path(const char *path)
{
	if (path == NULL || !str_starts(str_from(path), "/api/") || strlen(path) >= URL_MAX ||
		strpbrk(path, "#\\ \t\r\n") != NULL) {
		return false;
	}
	size_t len = strcspn(path, "?");
	for (size_t i = 0; i + 1 < len; i++) {
		if ((path[i] == '.' && path[i + 1] == '.') ||
			(path[i] == '/' && path[i + 1] == '/') ||
			(path[i] == '%' && path[i + 1] <= '7')) {
			return false;
		}
	}
	return true;
}

static enum err
set_call(const struct action *action, const struct action_source *source,
	const struct secrets *secrets, struct intent *out)
{
	const struct action_info *info = action_info(action->kind);
	enum err err = ERR_OK;
	if (source->account == NULL) {
		return ERR_REFUSED;
	}
	if ((info->on_status || info->on_account) &&
		(action->target == NULL || action->target[0] == '\0')) {
		return ERR_SYNTAX;
	}
	out->account = xstrdup(source->account->name);
	out->lane = xasprintf("%s|%s", source->instance, source->account->host);
	if (action->kind == ACTION_API_POST) {
		if (!is_api_path(action->url)) {
			return ERR_SYNTAX;
		}
		out->url = hide(secrets, action->url, URL_MAX, &err);
	} else if (info->path != NULL) {
		err = set_path(action, out);
	} else {
		out->url = xstrdup(
			action->kind == ACTION_REPORT ? "/api/v1/reports" : "/api/v1/statuses");
	}
	if (err != ERR_OK || (action->body == NULL && info->path != NULL)) {
		return err;
	}
	struct buf body;
	buf_init(&body, ACTION_BODY_MAX);
	err = put_parameters(action, &body);
	if (err == ERR_OK) {
		out->body = hide(secrets, body.ptr, ACTION_BODY_MAX, &err);
	}
	buf_finish(&body);
	return err;
}

/* Adds the host of the account to a key. Takes `key`; NULL past ACTION_KEY_MAX. */
static char *
at_host(char *key, const struct account *account)
{
	struct buf out;
	buf_init(&out, ACTION_KEY_MAX);
	(void)buf_add_text(&out, key);
	put_part(&out, KEY_HOST_LABEL, str_from(account->host));
	free(key);
	return buf_take(&out, NULL);
}

enum err
action_to_intent(const struct action *action, const struct action_source *source,
	const struct secrets *secrets, struct intent *out)
{
	bool forward = action->kind == ACTION_FORWARD;
	*out = (struct intent){
		.state = INTENT_OPEN,
		.instance = xstrdup(source->instance),
		.action = xstrdup(action_info(action->kind)->name),
		.target = xstrdup(action->target),
		.method = xstrdup("POST"),
		.event_key = xstrdup(source->event_key),
		.created_ms = source->now_ms,
		.updated_ms = source->now_ms,
	};
	struct buf summary;
	buf_init(&summary, 2 * MESSAGE_MAX);
	secrets_redact(secrets, str_from(action->summary), &summary);
	out->summary = buf_take(&summary, NULL);
	enum err err = forward ? set_forward(action, source, secrets, out)
			       : set_call(action, source, secrets, out);
	if (err == ERR_OK) {
		out->key = make_key(action, source, secrets, out->url);
		err = out->key != NULL ? ERR_OK : ERR_TOO_BIG;
	}
	bool wants_key = forward || action->kind == ACTION_POST || action->kind == ACTION_REPLY ||
			 action->kind == ACTION_API_POST;
	if (err == ERR_OK && wants_key) {
		out->idempotency_key = action_hash_key(out->key, forward ? NULL : source->account);
	}
	if (err == ERR_OK && !forward) {
		out->key = at_host(out->key, source->account);
		err = out->key != NULL ? ERR_OK : ERR_TOO_BIG;
	}
	return err;
}
