/* SPDX-License-Identifier: MIT */
/* Private to net/: takes HTTP/1.x requests from bytes, and knows the words for status codes. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "server.h"

enum parse {
	PARSE_MORE, /* the request is not whole yet */
	PARSE_DONE, /* parser.request is whole */
	PARSE_BAD,  /* no request: answer with parser.status and close */
};

struct parser {
	struct buf in; /* bytes as they came */
	size_t at;     /* of `in`: all before is taken */
	char *head;    /* the request's head, cut into texts; NULL: not whole yet */
	bool close;    /* the client wants the connection closed after the answer */
	bool upgrade;  /* to a WebSocket */
	bool chunked;  /* the body comes in chunks */
	bool expects;  /* the client waits for "100 Continue"; whoever sends it sets this false */
	uint64_t body_len; /* of a body that is not chunked */
	struct buf body;   /* of a chunked one */
	int status;
	struct server_request request; /* valid until the next call */
	struct http_header *headers;
};

void parser_init(struct parser *parser);
void parser_finish(struct parser *parser);
/* Adds bytes; false when more wait than any request may have. */
bool parser_add(struct parser *parser, struct str bytes);
enum parse parser_next(struct parser *parser);
/* Forgets the request that parser_next found. */
void parser_drop(struct parser *parser);
/* The value of a header of the request, or NULL. `name` in lower case. */
const char *parser_header(const struct parser *parser, const char *name);

/* "Not Found" for 404; never NULL. */
const char *status_text(int status);
bool http_has_header(const struct http_header *headers, unsigned count, const char *name);
/* Adds the status line and the headers as given; lines may follow, then the blank one. */
void http_put_head(struct buf *out, int status, const struct http_header *headers, unsigned count);
void http_put_chunk(struct buf *out, struct str chunk); /* nothing for an empty one */
