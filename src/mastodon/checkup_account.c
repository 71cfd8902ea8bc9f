/* SPDX-License-Identifier: MIT */
/* What answers say about a token and its owner: good, scopes for the wanted streams, disabled feeds, e-mails. Pure. */
#include "checkup_account.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "limits.h"
#include "xmalloc.h"

/* Bits of a role's permissions (Mastodon, models/user_role.rb). */
#define ROLE_OWNER      (INT64_C(1) << 0)
#define ROLE_VIEW_FEEDS (INT64_C(1) << 20)

void
checkup_put_stream(struct buf *out, const struct checkup_stream *stream)
{
	buf_printf(out, "%s%s%s", stream->info->name, stream->param ? " " : "",
		stream->param ? stream->param : "");
}

/* New. */
static char *
stream_text(const struct checkup_stream *stream)
{
	struct buf out;
	buf_init(&out, MESSAGE_MAX);
	checkup_put_stream(&out, stream);
	return buf_take(&out, NULL);
}

/* ---- the token ---- */

/* What a refusal of verify_credentials means (protocol.md 6.1). */
static const char *
refusal_advice(const struct http_answer *answer)
{
	switch (answer->status) {
	case 401:
		return "make a new token on the server and put it in (config, or MOONTUSK_TOKEN)";
	case 403:
		return "the account is disabled, not confirmed or not approved: the server's words say which";
	case 422:
		return "this is the token of an app, not of an account: make one as a user (Preferences, Development)";
	case 429:
		return "wait until the limit starts anew, and run doctor again";
	default:
		return "try again later, or ask the server's administrator";
	}
}

/* What stands in the way of an account of which the token is good. */
static void
check_owner(struct findings *findings, struct str acct, struct json_value credentials)
{
	bool suspended = false, limited = false;
	struct str moved = json_str(json_path(credentials, "moved.acct"));
	(void)json_get_bool(json_get(credentials, "suspended"), &suspended);
	(void)json_get_bool(json_get(credentials, "limited"), &limited);
	if (moved.len > 0)
		findings_add(findings, FINDING_WARNING, "token",
			"use a token of the new account; some servers stream nothing for one that moved",
			"the account @%.*s has moved to @%.*s", STR_ARG(acct),
			STR_ARG(str_clip(moved, ADDRESS_SHOWN_MAX)));
	if (suspended)
		findings_add(findings, FINDING_ERROR, "token", "ask the server's administrator",
			"the account @%.*s is suspended", STR_ARG(acct));
	if (limited)
		findings_add(findings, FINDING_WARNING, "token", "ask the server's administrator",
			"the account @%.*s is limited: what it posts is hidden from public timelines",
			STR_ARG(acct));
}

/* A refusal of verify_credentials. A token that only may not ask who it is can be good for streams. */
static enum checkup_token
refuse_token(struct findings *findings, const struct http_answer *answer)
{
	struct json_parser *parser = json_parser_create();
	char *words = answer_describe(answer, parser);
	bool scope = answer->status == 403 && strstr(words, "scope");
	bool answered = answer->status == 200 || answer->status == 404 || answer->status == 501;
	if (scope || answered)
		findings_add(findings, FINDING_WARNING, "token",
			scope ? "make a token that has profile (or read:accounts) as well"
			      : "is it the right address? Without knowing whose posts are its own, moontusk only listens",
			"the server does not say whose the token is, so moontusk acts on nothing: it says %s",
			words);
	else
		findings_add(findings, FINDING_ERROR, "token", refusal_advice(answer),
			"the server does not take the token: it says %s", words);
	free(words);
	json_parser_destroy(parser);
	return scope || answered ? TOKEN_SILENT : TOKEN_BAD;
}

enum checkup_token
checkup_token(
	struct findings *findings, const struct http_answer *answer, struct json_value credentials)
{
	struct str acct = str_clip(json_str(json_get(credentials, "acct")), ADDRESS_SHOWN_MAX);
	if (!checkup_reached(findings, "token", "the server", answer))
		return TOKEN_SILENT;
	if (answer->status != 200 || acct.len == 0)
		return refuse_token(findings, answer);
	findings_add(
		findings, FINDING_OK, "token", NULL, "good, of the account @%.*s", STR_ARG(acct));
	check_owner(findings, acct, credentials);
	return TOKEN_GOOD;
}

/* ---- scopes ---- */

/* Is `scope` ("read:statuses") among them, or the whole it is part of ("read")? */
static bool
has_scope(struct json_value scopes, const char *scope)
{
	struct str whole;
	(void)str_split(str_from(scope), ':', &whole);
	if (json_type(scopes) == JSON_STRING) {
		struct str rest = json_str(scopes), word;
		while (rest.ptr) {
			rest = str_split(rest, ' ', &word);
			if (str_eq_text(word, scope) || str_eq(word, whole))
				return true;
		}
	}
	struct json_iter it = json_iter(scopes);
	while (json_next(&it)) {
		struct str word = json_str(it.value);
		if (str_eq_text(word, scope) || str_eq(word, whole))
			return true;
	}
	return false;
}

static void
put_scopes(struct buf *out, struct json_value scopes)
{
	if (json_type(scopes) == JSON_STRING)
		buf_add_str(out, str_clip(json_str(scopes), 500));
	struct json_iter it = json_iter(scopes);
	while (json_type(scopes) == JSON_ARRAY && json_next(&it) && out->len < 500)
		buf_printf(out, "%s%.*s", out->len ? " " : "",
			STR_ARG(str_clip(json_str(it.value), 60)));
}

/* What a stream needs besides the scope to listen, for all of it. */
static const struct {
	const char *stream, *scope, *text;
} extras[] = {
	{"user", "read:notifications",
		"notifications are left out of the stream user, without a word"},
	{"list", "read:lists", "what an outage of the stream list missed cannot be fetched"},
};

static void
check_extras(
	struct findings *findings, struct json_value scopes, const struct checkup_stream *stream)
{
	for (size_t i = 0; i < COUNT_OF(extras); i++) {
		if (strcmp(extras[i].stream, stream->info->name) != 0 ||
			has_scope(scopes, extras[i].scope))
			continue;
		char *advice = xasprintf("make a token that has %s as well", extras[i].scope);
		findings_add(findings, FINDING_WARNING, "scopes", advice, "without %s %s",
			extras[i].scope, extras[i].text);
		free(advice);
	}
}

void
checkup_scopes(struct findings *findings, struct json_value scopes, bool exact,
	const struct checkup_stream *wanted, unsigned wanted_count)
{
	unsigned lacking = 0;
	struct buf list;
	buf_init(&list, MESSAGE_MAX);
	put_scopes(&list, scopes);
	for (unsigned i = 0; i < wanted_count; i++) {
		const struct checkup_stream *stream = &wanted[i];
		if (has_scope(scopes, stream->info->scope)) {
			check_extras(findings, scopes, stream);
			continue;
		}
		char *name = stream_text(stream);
		char *advice = xasprintf(
			"make a token that has %s, or read, as well", stream->info->scope);
		findings_add(findings, FINDING_ERROR, "scopes", advice,
			"the stream %s%s%s%s needs %s, and the token%s has: %s", name,
			stream->wanted_by ? " (for " : "",
			stream->wanted_by ? stream->wanted_by : "", stream->wanted_by ? ")" : "",
			stream->info->scope, exact ? "" : "'s app",
			list.len ? list.ptr : "nothing");
		free(advice);
		free(name);
		lacking++;
	}
	if (lacking == 0)
		findings_add(findings, FINDING_OK, "scopes", NULL, "the token%s has %s%s",
			exact ? "" : "'s app", list.len ? list.ptr : "nothing",
			exact ? "" : "; the token itself may have less");
	buf_finish(&list);
}

/* ---- feeds that the server's administrator has switched off ---- */

/* Which halves of a stream are switched off; NULL `feeds`: it has none. */
struct switched {
	const char *feeds;
	bool here, away; /* posts of this server, of others */
	bool all;        /* nothing is left of it */
};

static bool
is_disabled(struct json_value instance, const char *feeds, const char *where)
{
	char path[96];
	(void)snprintf(path, sizeof(path), "configuration.timelines_access.%s.%s", feeds, where);
	return str_eq_text(json_str(json_path(instance, path)), "disabled");
}

static struct switched
switched_of(struct json_value instance, const struct stream_info *info)
{
	bool tag = strncmp(info->name, "hashtag", 7) == 0;
	bool only_here = strstr(info->name, ":local") != NULL;
	bool only_away = strstr(info->name, ":remote") != NULL;
	if (!tag && strncmp(info->name, "public", 6) != 0)
		return (struct switched){0};
	struct switched off = {.feeds = tag ? "hashtag_feeds" : "live_feeds"};
	off.here = !only_away && is_disabled(instance, off.feeds, "local");
	off.away = !only_here && is_disabled(instance, off.feeds, "remote");
	off.all = (off.here || only_away) && (off.away || only_here);
	return off;
}

void
checkup_put_disabled(struct buf *out, struct json_value instance, const struct stream_info *info)
{
	struct switched off = switched_of(instance, info);
	if (off.here || off.away)
		buf_printf(out, "timelines_access.%s.%s = disabled", off.feeds,
			off.here && off.away ? "local and .remote"
			: off.here           ? "local"
					     : "remote");
}

static void
feed_is_off(struct findings *findings, const struct checkup_stream *stream,
	struct json_value instance, bool owner)
{
	struct switched off = switched_of(instance, stream->info);
	struct buf name, disabled;
	buf_init(&name, MESSAGE_MAX);
	buf_init(&disabled, MESSAGE_MAX);
	checkup_put_stream(&name, stream);
	checkup_put_disabled(&disabled, instance, stream->info);
	findings_add(findings, off.all ? FINDING_ERROR : FINDING_WARNING, "feeds",
		owner ? "streaming does not make an exception for owners: give the role the permission to view feeds, or "
			"switch the feed on (Administration, Discovery)"
		      : "only the server's administrator can change that (Administration, Discovery), or give the account a "
			"role that may view feeds; otherwise listen to user, a list, or another server",
		"the server has switched off the feed behind the stream %s (%s): %s", name.ptr,
		disabled.ptr,
		off.all    ? "only deletes come, no posts"
		: off.here ? "posts of this server do not come"
			   : "posts of other servers do not come");
	buf_finish(&name);
	buf_finish(&disabled);
}

void
checkup_feeds(struct findings *findings, struct json_value instance, struct json_value credentials,
	const struct checkup_stream *wanted, unsigned wanted_count)
{
	struct json_value access = json_path(instance, "configuration.timelines_access");
	struct str permissions = json_str(json_path(credentials, "role.permissions"));
	int64_t role = 0;
	unsigned found = 0;
	if (json_type(access) != JSON_OBJECT) {
		findings_add(findings, FINDING_SKIPPED, "feeds", NULL,
			"the server does not say which feeds it has switched off (Mastodon 4.5 and newer do)");
		return;
	}
	if (!str_to_int(permissions, 0, INT64_MAX, &role))
		role = 0;
	for (unsigned i = 0; i < wanted_count && !(role & ROLE_VIEW_FEEDS); i++) {
		struct switched off = switched_of(instance, wanted[i].info);
		if (!off.here && !off.away)
			continue;
		feed_is_off(findings, &wanted[i], instance, (role & ROLE_OWNER) != 0);
		found++;
	}
	if (found == 0)
		findings_add(findings, FINDING_OK, "feeds", NULL,
			"the server has switched off no feed that is wanted");
}

/* ---- side effects ---- */

void
checkup_presence(struct findings *findings, struct json_value credentials,
	const struct checkup_stream *wanted, unsigned wanted_count)
{
	bool bot = false, user = false, feed = false;
	(void)json_get_bool(json_get(credentials, "bot"), &bot);
	for (unsigned i = 0; i < wanted_count; i++) {
		const char *name = wanted[i].info->name;
		user = user || strncmp(name, "user", 4) == 0;
		feed = feed || strcmp(name, "user") == 0 || strcmp(name, "list") == 0;
	}
	if (user && !bot)
		findings_add(findings, FINDING_WARNING, "presence",
			"when this is a bot, mark the account as automated in its profile; when it is a person, give the plugin an "
			"account of its own, or choose to always get e-mails in the account's preferences",
			"while moontusk listens, the server takes @%.*s for online and sends it no e-mails about notifications",
			STR_ARG(str_clip(
				json_str(json_get(credentials, "acct")), ADDRESS_SHOWN_MAX)));
	else if (user)
		findings_add(findings, FINDING_OK, "presence", NULL,
			"the account is marked as automated: nobody waits for its e-mails");
	if (feed)
		findings_add(findings, FINDING_OK, "sign-in", NULL,
			"home and lists fall silent a week after the last request of their owner; moontusk asks once a day");
}

/* ---- trying ---- */

static const char *
refused_advice(const char *reason)
{
	if (strstr(reason, "scope"))
		return "make a token with the scope that the stream needs";
	if (strstr(reason, "this list"))
		return "the list belongs to another account, or is gone: moontusk can only listen to lists of the token's owner";
	if (strstr(reason, "Unknown"))
		return "this server has no such stream";
	return "the server's words say why";
}

void
checkup_attempt(struct findings *findings, const struct checkup_attempt *attempt)
{
	char *name = stream_text(attempt->stream);
	const char *said = attempt->reason && *attempt->reason ? attempt->reason : "";
	bool polled = strcmp(attempt->transport, "poll") == 0;
	if (attempt->live && polled)
		findings_add(findings, FINDING_OK, "stream", NULL,
			"%s can be read: nobody streams it, REST is asked for it every minute",
			name);
	else if (attempt->live)
		findings_add(findings, FINDING_OK, "stream", NULL,
			"%s is live over %s after %" PRId64 " ms", name,
			strcmp(attempt->transport, "ws") == 0 ? "WebSocket" : "server-sent events",
			attempt->took_ms);
	else if (attempt->refused)
		findings_add(findings, FINDING_ERROR, "stream", refused_advice(said),
			"%s is refused: %s", name, *said ? said : "without a reason");
	else if (polled)
		findings_add(findings, FINDING_ERROR, "stream",
			"see what stands above about the server", "%s cannot be read: %s", name,
			*said ? said : "no answer in time");
	else
		findings_add(findings, FINDING_ERROR, "stream",
			"see what stands above about the server; a proxy that does not pass WebSockets on may be in between: try "
			"--transport sse",
			"%s does not get live: %s", name, *said ? said : "no answer in time");
	free(name);
}
