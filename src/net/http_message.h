/* SPDX-License-Identifier: MIT */
/* Private to net/: a copied request, and an answer as it collects. Knows no libcurl. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "http.h"
#include "url.h"

/* What an http_request said, copied. */
struct http_outgoing {
	struct url url;
	char *method;
	char *bearer; /* NULL: none */
	char **lines; /* "Name: value"; a line "Name;" has the empty value, "Name:" takes one away */
	unsigned line_count;
	struct buf body;
	unsigned redirects_left;
	bool repeatable; /* sending it twice does no harm */
	enum http_reach (*reach)(void *data, const struct url *to);
	enum http_reach allowed; /* of the present address */
	char *forbidden; /* words: an address that may not be reached was left out; NULL: none */
};

/* False when the request cannot be sent; `*fault` says why (static text). Finish it in both cases. */
bool outgoing_init(
	struct http_outgoing *out, const struct http_request *request, const char **fault);
void outgoing_finish(struct http_outgoing *out);
/* Turns to another address. Takes the proof of who we are away when that is another origin. False, and
 * nothing changes, when `to` is no place to go (from https to http, another scheme). */
bool outgoing_redirect(struct http_outgoing *out, const char *to);
bool is_redirect(int status);
/* Asks how far it may reach now; false, with `forbidden` set: nowhere. */
bool outgoing_ask(struct http_outgoing *out, void *data);
/* False, with `forbidden` set, when it may not reach an address that is special for `words` (address.h; NULL: it is
 * of the public network). */
bool outgoing_may_reach(struct http_outgoing *out, const char *words);

/* The answer's head and body. */
struct http_incoming {
	int status;
	struct buf head; /* "name\0value\0" ... */
	unsigned header_count;
	struct http_header *headers; /* points into head */
	struct buf body;
};

void incoming_init(struct http_incoming *in, size_t body_max);
void incoming_finish(struct http_incoming *in);
void incoming_reset(struct http_incoming *in); /* for the next answer of the same request */
/* Adds one header line; false when the head is too long. */
bool incoming_add_header(struct http_incoming *in, struct str line);
bool incoming_has_header(const struct http_incoming *in, const char *name); /* in lower case */
/* The answer for a callback; points into `in`. */
struct http_answer incoming_answer(struct http_incoming *in, enum http_end end, const char *error);
