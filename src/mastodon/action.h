/* SPDX-License-Identifier: MIT */
/* Actions: what a plugin may ask for, and the request that each becomes (protocol.md 6). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "intents.h"
#include "secrets.h"

enum action_kind {
	ACTION_BOOST,
	ACTION_UNBOOST,
	ACTION_FAVOURITE,
	ACTION_BOOKMARK,
	ACTION_REPLY,
	ACTION_POST,
	ACTION_FORWARD,
	ACTION_UNFAVOURITE,
	ACTION_UNBOOKMARK,
	ACTION_FOLLOW,
	ACTION_UNFOLLOW,
	ACTION_MUTE,
	ACTION_UNMUTE,
	ACTION_BLOCK,
	ACTION_UNBLOCK,
	ACTION_REPORT,
	ACTION_API_POST, /* any POST below /api/ */
	ACTION_COUNT,
};

struct action_info {
	const char *name;
	const char *path;       /* "/api/v1/statuses/%s/reblog"; NULL where it is built otherwise */
	const char *permission; /* that the instance needs; "http" for forward: "http:HOST" */
	const char *
		read_back; /* field of the status or relationship that says it has happened ("reblogged"); NULL */
	bool read_back_value; /* what the field is then (unboost: false) */
	bool on_status;       /* needs a target status; never done to one's own post */
	bool on_account;      /* needs an account; never done to oneself */
	bool is_blind; /* nobody can find out whether it happened: never sent when it may have been */
	bool is_default; /* allowed without a declaration */
};
const struct action_info *action_info(enum action_kind kind);
bool action_from_name(struct str name, enum action_kind *kind);

/* What a handler asked for. Text is owned by the struct. */
struct action {
	enum action_kind kind;
	char *target; /* status id, account id; of a report either; NULL without */
	char *target_author; /* account id of its author, of a report: who is reported; NULL when unknown */
	char *key; /* named by the plugin; NULL: made from instance, action and target or event */
	char *url; /* forward; API_POST: the path */
	char *headers; /* forward: JSON object of strings; NULL without */
	char *body;    /* forward: what is sent; else JSON object of parameters; NULL without */
	char *summary; /* one line for people: 'boost of @a@b: "first words…"' */
	int64_t at_most, per_ms; /* rolling limit over (instance, action); per_ms 0: none */
};
void action_finish(struct action *action);

/* Where an action came from. */
struct action_source {
	const char *instance;
	const struct account *account; /* may be NULL for forwards */
	const char *event_key;         /* "update:ID"; NULL for a schedule */
	const char *schedule;          /* "NAME@DUE"; NULL for an event */
	const char *handler;           /* key of the handler of the event; NULL: the only one */
	unsigned nth; /* n-th of the same (instance, action, target) in this handler call, from 0 */
	int64_t now_ms;
};
/* The request, with its key; secrets hidden. The caller calls intent_finish, after an error too.
 * ERR_TOO_BIG past ACTION_BODY_MAX, URL_MAX or ACTION_KEY_MAX; ERR_SYNTAX for a missing target, an address that is
 * none, a body that is no JSON object; ERR_REFUSED without the account it needs.
 *
 * The key is (instance, action, ...), then what follows, and but for forwards the host of the account: ids are a server's
 * own. action_old_key gives it as versions before 0.2 wrote it.
 *   boost, favourite, bookmark and their opposites: the target. Once per target for all time, whatever brought it: a boost
 *     after an unboost is a duplicate of the first boost, and `key` changes nothing.
 *   reply, report, actions on accounts: `key`, else the target.
 *   forward: `key`, else the target and where it goes, else (without target) as post.
 *   post, API_POST: `key`, else the event and its handler, or the schedule, and nth.
 * The Idempotency-Key is 128 bits hashed from the server, the account's name and the key, so that the same decision
 * gives the same one after any restart; a forward's from the key alone. Posts, forwards and API_POST have one. A reply gets in_reply_to_id if it has none. */
enum err action_to_intent(const struct action *action, const struct action_source *source,
	const struct secrets *secrets, struct intent *out);
/* 32 hex digits that depend on the key, and on the account's server and name (NULL: on the key alone). New. */
char *action_hash_key(const char *key, const struct account *account);
/* New; NULL when there was no other form. */
char *action_old_key(const char *key);
/* Is it about ourselves, or a post of ours? False while it is not known who we are. */
bool action_on_self(const struct action *action, const struct account *account);
