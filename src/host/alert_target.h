/* SPDX-License-Identifier: MIT */
/* Where alerts go: reads a target of the config, and makes the action that tells it something. Knows no host. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "action.h"
#include "str.h"

/* "ntfy:https://…", "discord:https://…", "slack:https://…", "https://…", "dm:@user@host". False: `error` (`size` bytes)
 * says what was found and expected, without the address, which may hold a secret. */
bool alert_target_check(struct str target, char *error, size_t size);
/* For people: "ntfy at ntfy.example", "a direct post to @you@your.example". New. */
char *alert_target_words(const char *target);
bool alert_target_is_post(const char *target); /* "dm:": it needs an account */

/* What there is to tell. `key` makes it once: the same key again is a duplicate. */
struct alert_message {
	const char *key, *title, *text;
};
/* The action, whose texts are new: action_finish. */
struct action alert_action(const char *target, const struct alert_message *message);
