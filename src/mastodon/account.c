/* SPDX-License-Identifier: MIT */
/* Accounts: the server's address checked, the token registered as a secret. */
#include "account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "url.h"
#include "xmalloc.h"

#define DEFAULT_CHARACTERS 500

bool
account_is_loopback(const char *host)
{
	struct str name = str_from(host);
	if (str_eq(name, STR("localhost")) || str_ends(name, ".localhost") ||
		str_eq(name, STR("::1"))) {
		return true;
	}
	unsigned parts = 0;
	struct str rest = name;
	struct str part;
	int64_t number = 0;
	while (rest.ptr != NULL) {
		rest = str_split(rest, '.', &part);
		if (!str_to_int(part, 0, 255, &number) || (parts == 0 && number != 127)) {
			return false;
		}
		parts++;
	}
	return parts == 4;
}

static bool
has_scheme(struct str text)
{
	for (size_t i = 0; i + 2 < text.len; i++) {
		if (memcmp(text.ptr + i, "://", 3) == 0) {
			return true;
		}
	}
	return false;
}

/* Parses with https, or with http when a host without scheme is this machine. */
static bool
parse_bare(struct str text, struct url *url)
{
	static const char *const schemes[] = {"https://", "http://"};
	for (unsigned i = 0; i < 2; i++) {
		char *full = xasprintf("%s%.*s", schemes[i], STR_ARG(text));
		bool ok = url_parse(str_from(full), url);
		free(full);
		if (!ok || i == 1 || !account_is_loopback(url->host)) {
			return ok;
		}
		url_finish(url);
	}
	return false;
}

static bool
parse_server(struct str text, struct url *url, char *error)
{
	struct str shown = text;
	shown.len = shown.len > ADDRESS_SHOWN_MAX ? ADDRESS_SHOWN_MAX : shown.len;
	bool bare = !has_scheme(text);
	/* Never repeat an address with user information: it may hold a password. */
	if (memchr(text.ptr, '@', text.len) != NULL) {
		(void)snprintf(error, MESSAGE_MAX,
			"the server is given as an address without a user, such as "
			"https://mastodon.example: take out what stands before and with the '@'");
		return false;
	}
	bool other = !bare && (text.ptr[0] | 0x20) == 'w'; /* ws, wss */
	if (other || text.len > ADDRESS_SHOWN_MAX ||
		!(bare ? parse_bare(text, url) : url_parse(text, url))) {
		(void)snprintf(error, MESSAGE_MAX,
			"server \"%.*s\" is no address: give the one you see in a browser, such "
			"as https://mastodon.example",
			STR_ARG(shown));
		return false;
	}
	if (strcmp(url->path, "/") != 0 || url->query != NULL) {
		/* People paste addresses with tokens in the query. */
		const char *query = memchr(shown.ptr, '?', shown.len);
		if (query != NULL) {
			shown.len = (size_t)(query - shown.ptr);
		}
		(void)snprintf(error, MESSAGE_MAX,
			"server \"%.*s\" has a path: give only the server, such as https://%s",
			STR_ARG(shown), url->host);
		url_finish(url);
		return false;
	}
	if (!url->tls && !account_is_loopback(url->host)) {
		(void)snprintf(error, MESSAGE_MAX,
			"server \"%.*s\" would get the token unencrypted: use https (http is for "
			"this machine only, such as http://127.0.0.1:4000)",
			STR_ARG(shown));
		url_finish(url);
		return false;
	}
	return true;
}

/* A header cannot carry anything else, and no server makes such tokens. */
static bool
check_token(struct str token, char *error)
{
	if (token.len > TOKEN_MAX) {
		(void)snprintf(error, MESSAGE_MAX,
			"the token has %zu bytes, which no server would take: put in just the token",
			token.len);
		return false;
	}
	for (size_t i = 0; i < token.len; i++) {
		unsigned char byte = (unsigned char)token.ptr[i];
		if (byte <= ' ' || byte >= 0x7f) {
			(void)snprintf(error, MESSAGE_MAX,
				"the token holds a space, a line break or another byte that no token has, at byte %zu of "
				"%zu: put in just the token",
				i + 1, token.len);
			return false;
		}
	}
	return true;
}

static bool
check_ca_file(const char *path, char *error)
{
	FILE *file = path != NULL ? fopen(path, "re") : NULL;
	/* A folder opens, and cannot be read. */
	bool good = path == NULL || (file != NULL && (fgetc(file) != EOF || !ferror(file)));
	if (!good) {
		(void)snprintf(error, MESSAGE_MAX,
			"the file of authorities %s cannot be read: %s; expected certificates in PEM form",
			path, strerror(errno));
	}
	if (file != NULL) {
		(void)fclose(file);
	}
	return good;
}

struct account *
account_create(const struct account_config *config, struct secrets *secrets, char *error)
{
	struct str text = str_trim(str_from(config->server));
	if (text.len == 0) {
		(void)snprintf(error, MESSAGE_MAX,
			"no server: give its address, such as https://mastodon.example");
		return NULL;
	}
	struct url url;
	struct str token = str_trim(str_from(config->token));
	if (!check_token(token, error) || !check_ca_file(config->ca_file, error) ||
		!parse_server(text, &url, error)) {
		return NULL;
	}
	struct buf origin;
	buf_init(&origin, URL_MAX);
	url_put_origin(&url, &origin);
	struct account *account = xmalloc(sizeof(*account));
	*account = (struct account){
		.name = xstrdup(config->name),
		.server = buf_take(&origin, NULL),
		.token = token.len > 0 ? str_dup(token) : NULL,
		.ca_file = xstrdup(config->ca_file),
		.max_characters = DEFAULT_CHARACTERS,
	};
	account->host = xstrdup(strstr(account->server, "://") + 3);
	url_finish(&url);
	if (account->token != NULL) {
		char *secret = xasprintf("account/%s", account->name);
		secrets_add(secrets, secret, str_from(account->token));
		free(secret);
	}
	return account;
}

void
account_destroy(struct account *account)
{
	if (account == NULL) {
		return;
	}
	free(account->name);
	free(account->server);
	free(account->host);
	free(account->token);
	free(account->ca_file);
	free(account->streaming);
	free(account->id);
	free(account->acct);
	free(account->version);
	free(account);
}
