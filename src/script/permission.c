/* SPDX-License-Identifier: MIT */
/* The table of permissions. */
#include "permission.h"

#include <stdio.h>
#include <string.h>

#include "attr.h"
#include "suggest.h"

#define HTTP_PORT  80
#define HTTPS_PORT 443

static const struct permission permissions[] = {
	{"post", "post", .is_default = true},
	{"reply", "reply", .is_default = true},
	{"boost", "boost", .is_default = true},
	{"favourite", "favourite", .is_default = true},
	{"bookmark", "bookmark", .is_default = true},
	{"archive", "archive public posts", .is_default = true},
	{"report", "report posts and accounts", .is_default = false},
	{"follow", "follow and unfollow accounts", .is_default = false},
	{"mute", "mute and unmute accounts", .is_default = false},
	{"block", "block and unblock accounts", .is_default = false},
	{"api:read", "read all that the account's token can read", .is_default = false},
	{"api:write", "make any call that the account's token can make", .is_default = false},
	{"admin:read", "read what moderators see", .is_default = false},
	{"admin:write", "act as a moderator", .is_default = false},
	{"http:", "call", .has_host = true},
	{"archive:private", "archive private and direct posts", .is_operators = true},
	{"forward:private", "forward private and direct posts", .is_operators = true},
	{"private:", "reach, in the private network,", .is_operators = true, .has_host = true},
};

const struct permission *
permission_table(size_t *count)
{
	*count = COUNT_OF(permissions);
	return permissions;
}

/* Takes "[::1]:8080", "hooks.example" apart; port 0 without one. */
static bool
split_host(struct str text, struct str *host, unsigned *port)
{
	const char *colon = NULL;
	*port = 0;
	*host = text;
	if (text.len > 0 && text.ptr[0] == '[') {
		const char *end = memchr(text.ptr, ']', text.len);
		if (!end)
			return false;
		*host = (struct str){text.ptr + 1, (size_t)(end - text.ptr) - 1};
		colon = end + 1 < text.ptr + text.len ? end + 1 : NULL;
		if (colon && *colon != ':')
			return false;
	} else {
		colon = memchr(text.ptr, ':', text.len);
		if (colon)
			host->len = (size_t)(colon - text.ptr);
	}
	if (colon) {
		int64_t number;
		struct str digits = {colon + 1, (size_t)(text.ptr + text.len - colon) - 1};
		if (!str_to_int(digits, 1, UINT16_MAX, &number))
			return false;
		*port = (unsigned)number;
	}
	for (size_t i = 0; i < host->len; i++) {
		if (strchr("/?#@ \t\r\n*", host->ptr[i]))
			return false;
	}
	return host->len > 0;
}

const struct permission *
permission_find(struct str text)
{
	for (size_t i = 0; i < COUNT_OF(permissions); i++) {
		const struct permission *row = &permissions[i];
		size_t len = strlen(row->name);
		struct str host;
		unsigned port;
		if (!row->has_host && str_eq_text(text, row->name))
			return row;
		if (row->has_host && str_starts(text, row->name) &&
			split_host((struct str){text.ptr + len, text.len - len}, &host, &port))
			return row;
	}
	return NULL;
}

const char *
permission_suggest(struct str text)
{
	const char *names[COUNT_OF(permissions)];
	size_t count = 0;
	for (size_t i = 0; i < COUNT_OF(permissions); i++) {
		if (!permissions[i].has_host)
			names[count++] = permissions[i].name;
	}
	return suggest(text, names, count);
}

bool
permission_is_for(const char *text, const char *prefix, const char *host, unsigned port)
{
	struct str granted;
	unsigned granted_port;
	if (!str_starts(str_from(text), prefix) ||
		!split_host(str_from(text + strlen(prefix)), &granted, &granted_port))
		return false;
	if (!str_eq_nocase(granted, str_from(host)))
		return false;
	return granted_port ? granted_port == port : port == HTTP_PORT || port == HTTPS_PORT;
}
