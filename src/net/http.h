/* SPDX-License-Identifier: MIT */
/* HTTP requests on the loop: whole answers for REST, pieces as they come for SSE. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "log.h"
#include "loop.h"
#include "str.h"

struct http;
struct url;

struct http_header {
	const char *name;
	const char *value;
};

enum http_end {
	HTTP_DONE,       /* the whole answer came; for a stream: its orderly end */
	HTTP_NO_NAME,    /* the host name does not resolve */
	HTTP_NO_CONNECT, /* refused, unreachable, or no connection within HTTP_CONNECT_MS */
	HTTP_TLS,        /* certificate or handshake */
	HTTP_SLOW,       /* connected, but no answer in time */
	HTTP_TRUNCATED,  /* the connection ended inside the answer */
	HTTP_BROKEN, /* what came is no HTTP, or a cap was reached; or the request cannot be sent */
	HTTP_REJECTED, /* on_head returned false */
	HTTP_FORBIDDEN, /* `reach` said no, or the address that the name leads to is not one it may reach */
};

/* How far a request may go. */
enum http_reach {
	HTTP_REACH_NONE,
	HTTP_REACH_PUBLIC, /* to addresses of the public network (address.h), and not through a proxy */
	HTTP_REACH_ANY,
};

/* An answer. All borrowed for the length of the callback. */
struct http_answer {
	enum http_end end;
	int status;                        /* 0 when no status line came */
	struct str body;                   /* empty for streams */
	const struct http_header *headers; /* names in lower case */
	unsigned header_count;
	const char
		*error; /* words for people when end != HTTP_DONE; never holds the token or query */
	bool sent;      /* bytes of the request may have reached the server */
	int64_t valid_from_ms,
		valid_until_ms; /* Unix time; of the certificate, when it was asked for; 0: unknown */
};

struct http_request {
	const char *method; /* "GET" when NULL */
	const char *url;    /* http or https; redirects are not followed unless `redirects` */
	const struct http_header *headers; /* "Content-Type" and the like */
	unsigned header_count;
	const char *bearer; /* sent as Authorization: Bearer; never to another host */
	struct str body;
	const char *ca_file; /* NULL: the system's authorities. TLS is always verified. */
	/* When set: asked before the request and before each redirected one is sent. What it says is checked against the
	 * address that is connected to, so that no name can lead elsewhere meanwhile. NULL: HTTP_REACH_ANY. */
	enum http_reach (*reach)(void *data, const struct url *to);
	size_t body_max; /* of the answer, unpacked; 0: HTTP_BODY_MAX */
	bool redirects; /* GET, HEAD: follow up to HTTP_REDIRECTS_MAX, without the bearer on another origin, never from https to http */
	bool certificate; /* tell how long the server's certificate is good; takes a new connection */
	int64_t total_ms; /* 0: HTTP_TOTAL_MS; -1: none (streams) */
	/* Streaming: when on_data is set, status and headers go to on_head (return false to end with
	 * HTTP_REJECTED; the body of a rejected answer is then in answer.body, capped), then bytes to on_data. */
	bool (*on_head)(void *data, const struct http_answer *head);
	void (*on_data)(void *data, struct str bytes);
	void (*on_done)(
		void *data, const struct http_answer *answer); /* once, from the loop, last */
	void *data;
};

/* `user_agent` is copied. */
struct http *http_create(struct loop *loop, struct log *log, const char *user_agent);
/* Ends all requests without calling back. */
void http_destroy(struct http *http);
/* Borrows the request and all it points to (copied). Returns an id > 0, or 0 when HTTP_RUNNING_MAX run, or HTTP_STREAMS_MAX
 * with on_data.
 * on_done runs once, later, from the loop; never from inside this call. */
unsigned http_start(struct http *http, const struct http_request *request);
/* Ends a request; none of its callbacks runs after. Unknown ids are ignored. */
void http_cancel(struct http *http, unsigned id);
/* Bytes of the answer's body that have come so far; 0 for unknown ids. */
size_t http_received(struct http *http, unsigned id);
/* Stops and resumes reading a stream (back-pressure). */
void http_pause(struct http *http, unsigned id, bool paused);
/* The header's value in an answer, or NULL. `name` in lower case. */
const char *http_header(const struct http_answer *answer, const char *name);
