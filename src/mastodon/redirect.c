/* SPDX-License-Identifier: MIT */
/* Reads the Location of a redirect and compares its origin with those that may have the token. */
#include "redirect.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "url.h"
#include "xmalloc.h"

static bool
has_origin(const struct url *url, const char *origin)
{
	struct url known;
	if (origin == NULL || !url_parse(str_from(origin), &known)) {
		return false;
	}
	bool same = known.tls == url->tls && known.port == url->port &&
		    strcmp(known.host, url->host) == 0;
	url_finish(&known);
	return same;
}

/* New: the whole address of what may be a part of one. */
static char *
complete(const char *from, const char *location)
{
	struct url base;
	struct buf out;
	if (location[0] != '/' || !url_parse(str_from(from), &base)) {
		return xstrdup(location);
	}
	buf_init(&out, URL_MAX);
	if (location[1] == '/') {
		(void)buf_add_text(&out, base.tls ? "https:" : "http:");
	} else {
		url_put_origin(&base, &out);
	}
	(void)buf_add_text(&out, location);
	url_finish(&base);
	return buf_take(&out, NULL);
}

bool
redirect_resolve(const struct account *account, const char *from, const char *location, bool bare,
	struct buf *out)
{
	struct url url;
	char *whole = complete(from, location);
	bool ok = whole != NULL && url_parse(str_from(whole), &url);
	free(whole);
	if (!ok) {
		return false;
	}
	bool known = has_origin(&url, account->streaming) || has_origin(&url, account->server);
	if (known) {
		url_put_origin(&url, out);
		(void)buf_add_text(out, url.path);
		if (!bare && url.query != NULL) {
			(void)buf_printf(out, "?%s", url.query);
		}
	}
	url_finish(&url);
	return known && out->err == ERR_OK;
}
