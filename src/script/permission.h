/* SPDX-License-Identifier: MIT */
/* The table of permissions: what a plugin may be allowed, and the words for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct permission {
	const char *name;  /* "follow"; "http:" and "private:" go on with a host */
	const char *words; /* "follow and unfollow accounts", behind "may" and "may not" */
	bool is_default;   /* without being declared */
	bool is_operators; /* the operator's word alone: a plugin need not know of it */
	bool has_host;
};

const struct permission *permission_table(size_t *count);
/* The row of a permission as plugins and configs write it; NULL when there is none, or its host is none ("http:",
 * "http:https://x"). */
const struct permission *permission_find(struct str text);
/* The known name nearest to a wrong one; NULL without. */
const char *permission_suggest(struct str text);
/* True when `text`, "http:HOST" or "http:HOST:PORT" (`prefix` "http:"), means that host and port. Without a port it means
 * the ports of http and https. `host` as struct url has it, IPv6 without brackets. */
bool permission_is_for(const char *text, const char *prefix, const char *host, unsigned port);
