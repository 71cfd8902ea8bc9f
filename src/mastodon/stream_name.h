/* SPDX-License-Identifier: MIT */
/* The table of streams: names on the WebSocket, paths for SSE, parameters (protocol.md 1.1, 2). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "str.h"

struct stream_info {
	const char *name; /* "public:local:media" */
	const char *
		path; /* "/api/v1/streaming/public/local"; NULL: no server streams it, REST is asked for it */
	const char *query;     /* fixed part, "only_media=true"; NULL without */
	const char *parameter; /* "tag", "list"; NULL without */
	const char *scope;     /* the narrowest token scope that is enough, "read:statuses" */
	bool personal; /* user, user:notification, direct, list, bookmarks, favourites: seen per account, else per server */
};

const struct stream_info *stream_info(struct str name); /* NULL when unknown */
const char *const *stream_names(size_t *count);
/* True when name and parameter go together. Else `error` (MESSAGE_MAX bytes) says what is wrong, with a suggestion
 * or the flag to add. A leading '#' of a tag is accepted; an empty tag is not. */
bool stream_check(struct str name, struct str param, char *error);
/* The parameter as it is subscribed: a tag without '#'. Borrowed from `param`. */
struct str stream_param(const struct stream_info *info, struct str param);
/* Adds one text per stream: equal for two spellings of the same stream (a tag without case and
 * diacritics, as the server folds it: Latin, Greek and Cyrillic letters). */
void stream_key(struct str name, struct str param, struct buf *out);
/* Same stream: equal keys. */
bool stream_same(struct str name_a, struct str param_a, struct str name_b, struct str param_b);
