/* SPDX-License-Identifier: MIT */
/* Copying and checking requests, collecting answers. */
#include "http_message.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "xmalloc.h"

static bool
has_line_break(const char *text)
{
	return strpbrk(text, "\r\n") != NULL;
}

static bool
is_method(const char *method)
{
	return method[0] && strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(method);
}

static void
add_line(struct http_outgoing *out, char *line)
{
	out->lines = xreallocarray(out->lines, out->line_count + 1, sizeof(*out->lines));
	out->lines[out->line_count++] = line;
}

static bool
is_name(const char *name, const char *wanted)
{
	return str_eq_nocase(str_from(name), str_from(wanted));
}

/* A method that does nothing when it comes again, or a key by which the server knows it again. */
static bool
is_repeatable(const struct http_request *request, const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return true;
	for (unsigned i = 0; i < request->header_count; i++) {
		if (is_name(request->headers[i].name, "Idempotency-Key"))
			return true;
	}
	return false;
}

static void
copy_lines(struct http_outgoing *out, const struct http_request *request, const char **fault)
{
	for (unsigned i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];

		if (has_line_break(header->name) || has_line_break(header->value)) {
			*fault = "a request header holds a line break";
			continue;
		}
		add_line(out, header->value[0] ? xasprintf("%s: %s", header->name, header->value)
					       : xasprintf("%s;", header->name));
	}
	/* libcurl's own ideas: it would hold a big body back for a second, for servers that never answer
	 * "Expect", and call an empty body a form. */
	add_line(out, xstrdup("Expect:"));
	if (request->body.len == 0)
		add_line(out, xstrdup("Content-Type:"));
	if (request->on_data)
		add_line(out, xstrdup("Accept-Encoding: identity"));
}

bool
outgoing_init(struct http_outgoing *out, const struct http_request *request, const char **fault)
{
	*fault = NULL;
	*out = (struct http_outgoing){0};
	out->method = xstrdup(request->method ? request->method : "GET");
	out->bearer = xstrdup(request->bearer);
	out->repeatable = is_repeatable(request, out->method);
	out->reach = request->reach;
	out->allowed = HTTP_REACH_ANY;
	if (request->redirects &&
		(strcmp(out->method, "GET") == 0 || strcmp(out->method, "HEAD") == 0))
		out->redirects_left = HTTP_REDIRECTS_MAX;
	buf_init(&out->body, request->body.len);
	buf_add_str(&out->body, request->body);
	copy_lines(out, request, fault);
	if (!url_parse(str_from(request->url), &out->url))
		*fault = "not an http or https address";
	else if (!is_method(out->method))
		*fault = "not a request method";
	else if (out->bearer && has_line_break(out->bearer))
		*fault = "the token holds a line break";
	return !*fault;
}

void
outgoing_finish(struct http_outgoing *out)
{
	url_finish(&out->url);
	buf_finish(&out->body);
	for (unsigned i = 0; i < out->line_count; i++)
		free(out->lines[i]);
	free(out->lines);
	free(out->method);
	free(out->bearer);
	free(out->forbidden);
}

bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void
forbid(struct http_outgoing *out, char *words)
{
	free(out->forbidden);
	out->forbidden = words;
}

bool
outgoing_ask(struct http_outgoing *out, void *data)
{
	forbid(out, NULL);
	if (out->reach)
		out->allowed = out->reach(data, &out->url);
	if (out->allowed != HTTP_REACH_NONE)
		return true;
	forbid(out, out->url.default_port
			    ? xasprintf("requests to %s are not allowed", out->url.host)
			    : xasprintf("requests to %s:%u are not allowed", out->url.host,
				      out->url.port));
	return false;
}

bool
outgoing_may_reach(struct http_outgoing *out, const char *words)
{
	if (!words || out->allowed == HTTP_REACH_ANY)
		return true;
	forbid(out, xasprintf("%s leads to %s, which is not on the public network", out->url.host,
			    words));
	return false;
}

/* What proves who we are stays with the origin that it was meant for. Nobody knows which of a caller's own headers
 * are such a proof ("X-Api-Key"), so only those go on that are none. */
static bool
may_go_on(struct str name)
{
	static const char *const harmless[] = {
		"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Expect"};
	for (size_t i = 0; i < COUNT_OF(harmless); i++) {
		if (str_eq_nocase(name, str_from(harmless[i])))
			return true;
	}
	return false;
}

static void
drop_credentials(struct http_outgoing *out)
{
	unsigned kept = 0;

	free(out->bearer);
	out->bearer = NULL;
	for (unsigned i = 0; i < out->line_count; i++) {
		size_t len = strcspn(out->lines[i], ":;");

		if (may_go_on((struct str){out->lines[i], len}))
			out->lines[kept++] = out->lines[i];
		else
			free(out->lines[i]);
	}
	out->line_count = kept;
}

bool
outgoing_redirect(struct http_outgoing *out, const char *to)
{
	struct url url;

	if (!url_parse(str_from(to), &url))
		return false;
	if (out->url.tls && !url.tls) {
		url_finish(&url); /* whoever listens on the way could answer */
		return false;
	}
	if (out->url.tls != url.tls || out->url.port != url.port ||
		strcmp(out->url.host, url.host) != 0)
		drop_credentials(out);
	url_finish(&out->url);
	out->url = url;
	out->redirects_left--;
	return true;
}

void
incoming_init(struct http_incoming *in, size_t body_max)
{
	*in = (struct http_incoming){0};
	buf_init(&in->head, HTTP_HEADERS_MAX);
	buf_init(&in->body, body_max ? body_max : HTTP_BODY_MAX);
}

void
incoming_finish(struct http_incoming *in)
{
	buf_finish(&in->head);
	buf_finish(&in->body);
	free(in->headers);
	in->headers = NULL;
}

void
incoming_reset(struct http_incoming *in)
{
	buf_clear(&in->head);
	buf_clear(&in->body);
	in->header_count = 0;
	in->status = 0;
}

bool
incoming_add_header(struct http_incoming *in, struct str line)
{
	struct str name, value = str_split(line, ':', &name);

	if (!value.ptr || memchr(line.ptr, '\0', line.len))
		return true; /* no header; a NUL would shift all that follow */
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		buf_add_char(&in->head, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	buf_add_char(&in->head, '\0');
	buf_add_str(&in->head, str_trim(value));
	buf_add_char(&in->head, '\0');
	in->header_count++;
	return in->head.err == ERR_OK;
}

bool
incoming_has_header(const struct http_incoming *in, const char *name)
{
	const char *at = in->head.ptr;

	for (unsigned i = 0; i < in->header_count; i++) {
		if (strcmp(at, name) == 0)
			return true;
		at += strlen(at) + 1;
		at += strlen(at) + 1;
	}
	return false;
}

struct http_answer
incoming_answer(struct http_incoming *in, enum http_end end, const char *error)
{
	const char *at = in->head.ptr;
	unsigned count = in->head.err == ERR_OK ? in->header_count : 0;

	in->headers = xreallocarray(in->headers, count + 1, sizeof(*in->headers));
	for (unsigned i = 0; i < count; i++) {
		in->headers[i].name = at;
		at += strlen(at) + 1;
		in->headers[i].value = at;
		at += strlen(at) + 1;
	}
	return (struct http_answer){
		.end = end,
		.status = in->status,
		.body = in->body.ptr ? buf_str(&in->body) : STR(""),
		.headers = in->headers,
		.header_count = count,
		.error = error,
	};
}

const char *
http_header(const struct http_answer *answer, const char *name)
{
	for (unsigned i = 0; i < answer->header_count; i++) {
		if (strcmp(answer->headers[i].name, name) == 0)
			return answer->headers[i].value;
	}
	return NULL;
}
