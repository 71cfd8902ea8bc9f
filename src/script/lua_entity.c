/* SPDX-License-Identifier: MIT */
/* The entities of the protocol, as far as Lua has methods for them. */
#include "lua_entity.h"

#include <string.h>

#include "attr.h"
#include "lua_state.h"

/* Methods come from these modules; none may be the name of a field of that entity (a test looks). */
struct methods {
	const char *module;
	const char *const *names;
};
static const char *const status_methods[] = {"archive", "bookmark", "boost", "favourite", "forward",
	"reply", "report", "unbookmark", "unboost", "unfavourite", NULL};
static const char *const account_methods[] = {
	"block", "follow", "mute", "report", "unblock", "unfollow", "unmute", NULL};
static const char *const other_methods[] = {"archive", "forward", NULL};
static const struct methods methods[ENTITY_COUNT] = {
	[ENTITY_STATUS] = {"moontusk.actions", status_methods},
	[ENTITY_NOTIFICATION] = {"moontusk.actions", other_methods},
	[ENTITY_CONVERSATION] = {"moontusk.actions", other_methods},
	[ENTITY_ANNOUNCEMENT] = {"moontusk.actions", other_methods},
	[ENTITY_ACCOUNT] = {"moontusk.people", account_methods},
	[ENTITY_EVENT] = {"moontusk.actions", other_methods},
};

/* Which member of which entity is an entity itself. */
static const struct member {
	const char *key;
	enum entity parent, child;
} members[] = {
	{"reblog", ENTITY_STATUS, ENTITY_STATUS},
	{"quote", ENTITY_STATUS, ENTITY_QUOTE},
	{"quoted_status", ENTITY_QUOTE, ENTITY_STATUS},
	{"status", ENTITY_NOTIFICATION, ENTITY_STATUS},
	{"last_status", ENTITY_CONVERSATION, ENTITY_STATUS},
	{"account", ENTITY_STATUS, ENTITY_ACCOUNT},
	{"account", ENTITY_NOTIFICATION, ENTITY_ACCOUNT},
	{"report", ENTITY_NOTIFICATION, ENTITY_REPORT},
	{"target_account", ENTITY_REPORT, ENTITY_ACCOUNT},
};

enum entity
entity_of_payload(enum event_payload payload)
{
	switch (payload) {
	case PAYLOAD_STATUS:
		return ENTITY_STATUS;
	case PAYLOAD_NOTIFICATION:
		return ENTITY_NOTIFICATION;
	case PAYLOAD_CONVERSATION:
		return ENTITY_CONVERSATION;
	case PAYLOAD_ANNOUNCEMENT:
		return ENTITY_ANNOUNCEMENT;
	case PAYLOAD_NONE:
	case PAYLOAD_ID:
	case PAYLOAD_REACTION:
	case PAYLOAD_OTHER:
		break;
	}
	return ENTITY_PLAIN;
}

enum entity
entity_of_member(enum entity parent, struct str key, struct json_value value)
{
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		if (members[i].parent != parent || !str_eq_text(key, members[i].key))
			continue;
		/* Before Mastodon 4.5, other servers put the quoted post itself there. */
		if (members[i].child == ENTITY_QUOTE && json_exists(json_get(value, "account")))
			return ENTITY_STATUS;
		return members[i].child;
	}
	return ENTITY_PLAIN;
}

bool
entity_has_methods(enum entity entity)
{
	return methods[entity].names;
}

bool
entity_push_method(lua_State *L, enum entity entity, const char *key)
{
	for (const char *const *name = methods[entity].names; name && *name; name++) {
		if (strcmp(*name, key) == 0) {
			lua_state_require(L, methods[entity].module);
			lua_getfield(L, -1, key);
			lua_remove(L, -2);
			return true;
		}
	}
	return false;
}
