/* SPDX-License-Identifier: MIT */
/* Requests that are waited for: the doctor asks one thing after the other. */
#pragma once

#include "account.h"
#include "http.h"
#include "json.h"

enum { FETCH_TOTAL_MS = 20000 };

/* An answer that is kept. Zeros: nothing was asked. */
struct fetched {
	struct http_answer answer; /* its texts are owned here */
	struct json_doc *doc;      /* NULL: the body is no JSON */
	int64_t sent_ms, came_ms;  /* our wall clock */
	int64_t took_ms;           /* by the clock that never steps */
};

struct fetch {
	struct loop *loop; /* must not be running */
	struct http *http;
	struct json_parser *parser;
};

/* Asks for `path` of an origin (both borrowed) and waits for the answer, at most FETCH_TOTAL_MS. `account` gives the
 * authorities and, with `as_owner`, the token. The caller calls fetched_finish. */
struct fetch_from {
	const struct account *account;
	const char *origin; /* NULL: account->server */
	bool as_owner;
	bool redirects;
	bool certificate;
};
void fetch_get(const struct fetch *fetch, const struct fetch_from *from, const char *path,
	struct fetched *fetched);
/* The address behind rel="next" of a Link header as a path of the account's server; NULL without one. New. */
char *fetched_next(const struct fetched *fetched, const struct account *account);
void fetched_finish(struct fetched *fetched);
/* A document with status 200; absent otherwise. */
struct json_value fetched_root(const struct fetched *fetched);
/* Resolves a name and waits. False: `error` (MESSAGE_MAX bytes) says why. */
bool fetch_name(const struct fetch *fetch, const char *host, char *error);
