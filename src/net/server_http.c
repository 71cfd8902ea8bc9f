/* SPDX-License-Identifier: MIT */
/* A parser for HTTP/1.0 and 1.1 requests (RFC 9112), for the server on loopback.
 *
 * libwebsockets has one, but it hands out a decoded path, only the headers it knows, and sends headers of its
 * own; a stand-in for another server needs the request as it was sent. */
#include "server_http.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "xmalloc.h"

void
parser_init(struct parser *parser)
{
	*parser = (struct parser){0};
	buf_init(&parser->in, SERVER_WAITING_MAX);
	buf_init(&parser->body, SERVER_BODY_MAX);
}

void
parser_finish(struct parser *parser)
{
	buf_finish(&parser->in);
	buf_finish(&parser->body);
	free(parser->headers);
	free(parser->head);
	parser->headers = NULL;
	parser->head = NULL;
}

bool
parser_add(struct parser *parser, struct str bytes)
{
	return buf_add_str(&parser->in, bytes) == ERR_OK;
}

static enum parse
bad(struct parser *parser, int status)
{
	parser->status = status;
	return PARSE_BAD;
}

const char *
parser_header(const struct parser *parser, const char *name)
{
	for (unsigned i = 0; i < parser->request.header_count; i++) {
		if (strcmp(parser->headers[i].name, name) == 0)
			return parser->headers[i].value;
	}
	return NULL;
}

/* Whether a comma separated header value has `word` in it. */
static bool
has_word(const char *value, const char *word)
{
	struct str rest = str_from(value);

	while (rest.ptr) {
		struct str one;

		rest = str_split(rest, ',', &one);
		if (str_eq_nocase(str_trim(one), str_from(word)))
			return true;
	}
	return false;
}

static bool
is_token(const char *text)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
				      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return text[0] && strspn(text, allowed) == strlen(text);
}

/* "METHOD /path?query HTTP/1.1", NUL ended. */
static bool
take_request_line(struct parser *parser, char *line)
{
	struct server_request *request = &parser->request;
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return false;
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(line) || (target[0] != '/' && strcmp(target, "*") != 0))
		return false;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return false;
	request->method = line;
	request->http10 = version[7] == '0';
	request->query = str_split(str_from(target), '?', &request->path);
	return true;
}

/* "Name: value", NUL ended: cut in place. */
static bool
take_header(struct parser *parser, char *line)
{
	unsigned count = parser->request.header_count;
	char *value = strchr(line, ':');
	char *end;

	if (!value || count >= SERVER_HEADERS_MAX)
		return false;
	*value++ = '\0';
	if (!is_token(line))
		return false; /* also a line that continues the one before: obsolete and refused */
	for (char *c = line; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	parser->headers = xreallocarray(parser->headers, count + 1, sizeof(*parser->headers));
	parser->headers[count] = (struct http_header){line, value};
	parser->request.header_count = count + 1;
	return true;
}

/* What the headers say about body and connection. */
static enum parse
read_headers(struct parser *parser)
{
	const char *connection = parser_header(parser, "connection");
	const char *upgrade = parser_header(parser, "upgrade");
	const char *length = parser_header(parser, "content-length");
	const char *coding = parser_header(parser, "transfer-encoding");
	int64_t number = 0;

	parser->close = parser->request.http10 || has_word(connection, "close");
	parser->upgrade = has_word(connection, "upgrade") && has_word(upgrade, "websocket");
	parser->expects = has_word(parser_header(parser, "expect"), "100-continue");
	parser->chunked = coding != NULL;
	if (coding && (!has_word(coding, "chunked") || length))
		return bad(parser, 400); /* both lengths at once is how requests are smuggled */
	if (length && !str_to_int(str_from(length), 0, INT64_MAX, &number))
		return bad(parser, 400);
	if (number > (int64_t)SERVER_BODY_MAX)
		return bad(parser, 413);
	parser->body_len = (uint64_t)number;
	return PARSE_DONE;
}

/* The length of the head with its blank line; 0 when that has not come. */
static size_t
find_head_end(const struct parser *parser)
{
	size_t len = parser->in.len - parser->at;
	const char *start, *end;

	if (len == 0)
		return 0;
	start = parser->in.ptr + parser->at;
	end = memmem(start, len, "\r\n\r\n", 4);
	return end ? (size_t)(end - start) + 4 : 0;
}

static enum parse
take_head(struct parser *parser)
{
	size_t len;
	char *at, *end;

	while (parser->at < parser->in.len && strchr("\r\n", parser->in.ptr[parser->at]))
		parser->at++; /* blank lines between requests (RFC 9112, 2.2) */
	len = find_head_end(parser);
	if (len > SERVER_HEAD_MAX || (len == 0 && parser->in.len - parser->at > SERVER_HEAD_MAX))
		return bad(parser, 431);
	if (len == 0)
		return PARSE_MORE;
	if (memchr(parser->in.ptr + parser->at, '\0', len))
		return bad(parser, 400);
	parser->head = xmemdup0(parser->in.ptr + parser->at, len);
	parser->at += len;
	at = parser->head;
	end = at + len - 2;
	parser->request.header_count = 0;
	for (bool first = true; at < end; first = false) {
		char *line = at;
		char *stop = memmem(at, (size_t)(end - at), "\r\n", 2);

		*stop = '\0';
		at = stop + 2;
		if (!(first ? take_request_line(parser, line) : take_header(parser, line)))
			return bad(parser, 400);
	}
	return read_headers(parser);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes whole chunks off `in` while there are any. */
static enum parse
take_chunks(struct parser *parser)
{
	for (;;) {
		const char *line = parser->in.ptr + parser->at;
		size_t have = parser->in.len - parser->at;
		const char *end = have ? memmem(line, have, "\r\n", 2) : NULL;
		size_t size = 0, digits = 0;

		if (!end)
			return have > 1024 ? bad(parser, 400) : PARSE_MORE;
		for (; hex_digit(line[digits]) >= 0 && digits < 8; digits++)
			size = size * 16 + (size_t)hex_digit(line[digits]);
		if (digits == 0 || size > SERVER_BODY_MAX)
			return bad(parser, digits ? 413 : 400);
		have -= (size_t)(end - line) + 2;
		if (have < size + 2)
			return PARSE_MORE; /* trailers are not taken: no client of ours sends them */
		if (memcmp(end + 2 + size, "\r\n", 2) != 0)
			return bad(parser, 400);
		if (buf_add(&parser->body, end + 2, size) != ERR_OK)
			return bad(parser, 413);
		parser->at += (size_t)(end - line) + 2 + size + 2;
		if (size == 0)
			return PARSE_DONE;
	}
}

enum parse
parser_next(struct parser *parser)
{
	enum parse result;

	if (!parser->head) {
		result = take_head(parser);
		if (result != PARSE_DONE)
			return result;
	}
	if (parser->chunked) {
		result = take_chunks(parser);
		if (result != PARSE_DONE)
			return result;
		parser->request.body = parser->body.ptr ? buf_str(&parser->body) : STR("");
	} else {
		if (parser->in.len - parser->at < parser->body_len)
			return PARSE_MORE;
		parser->request.body = (struct str){parser->in.ptr + parser->at, parser->body_len};
		parser->at += parser->body_len;
	}
	parser->request.headers = parser->headers;
	return PARSE_DONE;
}

void
parser_drop(struct parser *parser)
{
	buf_drop_front(&parser->in, parser->at);
	buf_finish(&parser->body);
	buf_init(&parser->body, SERVER_BODY_MAX);
	if (parser->in.len == 0 && parser->in.size > SERVER_HEAD_MAX) {
		buf_finish(&parser->in); /* gives the memory of a big body back */
		buf_init(&parser->in, SERVER_WAITING_MAX);
	}
	parser->at = 0;
	free(parser->head);
	parser->head = NULL;
	parser->body_len = 0;
	parser->chunked = false;
	parser->expects = false;
	parser->upgrade = false;
	parser->request = (struct server_request){0};
}

static const struct {
	int status;
	const char *text;
} statuses[] = {
	{100, "Continue"},
	{101, "Switching Protocols"},
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{206, "Partial Content"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{413, "Payload Too Large"},
	{415, "Unsupported Media Type"},
	{422, "Unprocessable Entity"},
	{426, "Upgrade Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

const char *
status_text(int status)
{
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		if (statuses[i].status == status)
			return statuses[i].text;
	}
	return "Unknown";
}

bool
http_has_header(const struct http_header *headers, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++) {
		if (str_eq_nocase(str_from(headers[i].name), str_from(name)))
			return true;
	}
	return false;
}

void
http_put_head(struct buf *out, int status, const struct http_header *headers, unsigned count)
{
	buf_printf(out, "HTTP/1.1 %d %s\r\n", status, status_text(status));
	for (unsigned i = 0; i < count; i++)
		buf_printf(out, "%s: %s\r\n", headers[i].name, headers[i].value);
}

void
http_put_chunk(struct buf *out, struct str chunk)
{
	if (chunk.len == 0)
		return; /* would be the last one */
	buf_printf(out, "%zx\r\n", chunk.len);
	buf_add_str(out, chunk);
	buf_add(out, "\r\n", 2);
}
