/* SPDX-License-Identifier: MIT */
/* Which tables of an event are entities: by kind of event and by member; and the methods that each entity has. */
#pragma once

#include <lua.h>

#include "event.h"

enum entity {
	ENTITY_PLAIN, /* media, lists: tables without methods */
	ENTITY_STATUS,
	ENTITY_NOTIFICATION,
	ENTITY_CONVERSATION,
	ENTITY_ANNOUNCEMENT,
	ENTITY_QUOTE,
	ENTITY_ACCOUNT,
	ENTITY_REPORT, /* of a notification for moderators */
	ENTITY_EVENT,  /* the event itself: its fields come from the struct */
	ENTITY_COUNT,
};

/* What the document of such an event is. */
enum entity entity_of_payload(enum event_payload payload);
/* What the member `key`, which has the value `value`, of a `parent` is. */
enum entity entity_of_member(enum entity parent, struct str key, struct json_value value);
bool entity_has_methods(enum entity entity);
/* Pushes the method of that name; false: there is none, and nothing was pushed. May raise. */
bool entity_push_method(lua_State *L, enum entity entity, const char *key);
