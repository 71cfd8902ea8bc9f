/* SPDX-License-Identifier: MIT */
/* Addresses taken apart and percent encoding. */
#include "url.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "xmalloc.h"

static const struct {
	const char *prefix;
	bool tls;
} schemes[] = {
	{"http://", false},
	{"https://", true},
	{"ws://", false},
	{"wss://", true},
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Takes the scheme from the front of `*text`, in any case. */
static bool
take_scheme(struct str *text, bool *tls)
{
	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		size_t len = strlen(schemes[i].prefix);
		struct str head = {text->ptr, len};

		if (text->len < len || !str_eq_nocase(head, str_from(schemes[i].prefix)))
			continue;
		*tls = schemes[i].tls;
		*text = (struct str){text->ptr + len, text->len - len};
		return true;
	}
	return false;
}

/* What a host may hold; bytes from 128 on are names in UTF-8, which resolvers take apart. */
static bool
is_host_char(char c, bool bracketed)
{
	if (bracketed)
		return is_alnum(c) || c == ':' || c == '.';
	return is_alnum(c) || c == '.' || c == '-' || c == '_' || (unsigned char)c >= 128;
}

/* "host", "host:port", "[v6]", "[v6]:port". */
static bool
take_authority(struct str authority, struct url *url)
{
	bool bracketed = authority.len > 0 && authority.ptr[0] == '[';
	const char *at = authority.ptr + bracketed;
	const char *end = authority.ptr + authority.len;
	size_t len = 0;
	int64_t port;

	while (at < end && is_host_char(*at, bracketed) && len < sizeof(url->host) - 1)
		url->host[len++] = lower(*at++);
	url->host[len] = '\0';
	if (len == 0)
		return false;
	if (bracketed && (at == end || *at++ != ']'))
		return false;
	url->default_port = true;
	url->port = url->tls ? 443 : 80;
	if (at == end)
		return true;
	if (*at++ != ':')
		return false;
	if (at == end)
		return true; /* "host:" has the scheme's own port (RFC 3986, 3.2.3) */
	if (!str_to_int((struct str){at, (size_t)(end - at)}, 1, 65535, &port))
		return false;
	url->default_port = port == url->port;
	url->port = (uint16_t)port;
	return true;
}

bool
url_parse(struct str text, struct url *url)
{
	size_t cut = 0;
	struct str path, query;

	*url = (struct url){0};
	if (text.len > URL_MAX || !take_scheme(&text, &url->tls))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c <= ' ' || c == 127 || c == '#' || c == '\\')
			return false;
	}
	while (cut < text.len && text.ptr[cut] != '/' && text.ptr[cut] != '?')
		cut++;
	if (!take_authority((struct str){text.ptr, cut}, url))
		return false;
	query = str_split((struct str){text.ptr + cut, text.len - cut}, '?', &path);
	url->path = path.len ? xmemdup0(path.ptr, path.len) : xstrdup("/");
	url->query = str_dup(query);
	return true;
}

void
url_finish(struct url *url)
{
	free(url->path);
	free(url->query);
	url->path = NULL;
	url->query = NULL;
}

void
url_put_origin(const struct url *url, struct buf *out)
{
	bool v6 = strchr(url->host, ':') != NULL;

	buf_add_text(out, url->tls ? "https://" : "http://");
	buf_printf(out, v6 ? "[%s]" : "%s", url->host);
	if (!url->default_port)
		buf_printf(out, ":%u", (unsigned)url->port);
}

void
url_encode(struct str text, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (is_alnum((char)c) || c == '-' || c == '.' || c == '_' || c == '~') {
			buf_add_char(out, (char)c);
			continue;
		}
		buf_add_char(out, '%');
		buf_add_char(out, hex[c >> 4]);
		buf_add_char(out, hex[c & 15]);
	}
}

static int
hex_value(char c)
{
	c = lower(c);
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
url_decode(struct str text, bool form, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		int high, low;

		if (text.ptr[i] != '%') {
			buf_add_char(out, form && text.ptr[i] == '+' ? ' ' : text.ptr[i]);
			continue;
		}
		if (i + 2 >= text.len)
			return false;
		high = hex_value(text.ptr[i + 1]);
		low = hex_value(text.ptr[i + 2]);
		if (high < 0 || low < 0)
			return false;
		buf_add_char(out, (char)(high << 4 | low));
		i += 2;
	}
	return true;
}
