/* SPDX-License-Identifier: MIT */
/* struct account: a server, a token, and who we are there. */
#pragma once

#include <stdbool.h>

#include "secrets.h"
#include "str.h"

struct account {
	char *name;    /* in the config */
	char *server;  /* API origin, "https://mastodon.example"; never with a trailing slash */
	char *host;    /* of server, with port unless it is the scheme's own */
	char *token;   /* NULL: none */
	char *ca_file; /* NULL: the system's */
	/* From discovery: */
	char *streaming; /* origin of the streaming server, http(s) scheme; NULL until known, and when there is none */
	char *id;           /* own account id; NULL: unknown */
	char *acct;         /* own user name on the server; NULL: unknown */
	char *version;      /* of the server; NULL: unknown */
	int max_characters; /* of a post; 500 until known */
};

/* Checks and copies. `server` may lack the scheme (https then, http for this machine); http is refused for any
 * other host. The token is registered in `secrets` as "account/NAME". NULL when the server is no address:
 * `error` (MESSAGE_MAX). */
struct account_config {
	const char *name;
	const char *server;
	const char *token;   /* NULL: none */
	const char *ca_file; /* NULL: the system's */
};
struct account *account_create(
	const struct account_config *config, struct secrets *secrets, char *error);
void account_destroy(struct account *account);
/* localhost, 127.0.0.0/8 and ::1: where plain http may carry a token. `host` without port and brackets. */
bool account_is_loopback(const char *host);
