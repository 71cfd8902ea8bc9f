/* SPDX-License-Identifier: MIT */
/* Asks the instance document where the streaming server is, then who we are. */
#define LOG_MODULE "discovery"
#include "discovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "attr.h"
#include "json.h"
#include "limits.h"
#include "url.h"
#include "xmalloc.h"

enum step { STEP_INSTANCE_V2, STEP_INSTANCE_V1, STEP_CREDENTIALS };

static const char *const paths[] = {
	[STEP_INSTANCE_V2] = "/api/v2/instance",
	[STEP_INSTANCE_V1] = "/api/v1/instance",
	[STEP_CREDENTIALS] = "/api/v1/accounts/verify_credentials",
};

struct discovery {
	struct http *http;
	struct account *account; /* kept */
	struct log *log;
	struct json_parser *parser;
	discovery_fn *done;
	void *data;
	enum step step;
	unsigned request;
	bool has_instance; /* an instance document came */
	bool has_version;  /* it says what software the server runs */
	bool has_address;  /* it names something as streaming address, be it none */
	char *streaming;   /* found; NULL: not yet */
};

static void
destroy(struct discovery *discovery)
{
	json_parser_destroy(discovery->parser);
	free(discovery->streaming);
	free(discovery);
}

static void
finish(struct discovery *discovery, enum discovery_result result, const char *message)
{
	discovery_fn *done = discovery->done;
	void *data = discovery->data;
	destroy(discovery);
	done(data, result, message);
}

static void
replace(char **where, struct str text)
{
	if (text.len > 0 && text.len <= EVENT_STREAM_MAX && !str_eq_text(text, *where)) {
		free(*where);
		*where = str_dup(text);
	}
}

static void on_done(void *data, const struct http_answer *answer);

static bool
start_step(struct discovery *discovery, enum step step)
{
	const struct account *account = discovery->account;
	char *url = xasprintf("%s%s", account->server, paths[step]);
	/* The instance document is public. Credentials are never followed elsewhere: behind a redirect the
	 * token would be missing, and the 401 for that would look like a bad token. */
	bool with_token = step == STEP_CREDENTIALS;
	struct http_request request = {
		.url = url,
		.bearer = with_token ? account->token : NULL,
		.ca_file = account->ca_file,
		.redirects = !with_token,
		.on_done = on_done,
		.data = discovery,
	};
	discovery->step = step;
	discovery->request = http_start(discovery->http, &request);
	free(url);
	return discovery->request != 0;
}

static void
next_step(struct discovery *discovery, enum step step)
{
	if (!start_step(discovery, step)) {
		finish(discovery, DISCOVERY_FAILED, "too many requests are running");
	}
}

/* A plain address of another host than this machine would show the token to everyone on the way. An
 * advertised wss address of a server that we reach by http cannot be right: GoToSocial always says wss. */
static char *
choose_origin(struct discovery *discovery, const struct url *found, const struct url *server)
{
	struct url url = *found; /* its path and query are not used */
	bool same_host = strcmp(url.host, server->host) == 0 ||
			 (account_is_loopback(url.host) && account_is_loopback(server->host));
	if (url.tls && !server->tls && same_host) {
		if (url.default_port) {
			return xstrdup(discovery->account->server);
		}
		url.tls = false;
	} else if (!url.tls && !account_is_loopback(url.host)) {
		log_warn(discovery->log,
			"%s names the unencrypted streaming address ws://%s; using wss",
			discovery->account->host, url.host);
		url.tls = true;
		url.port = url.default_port ? 443 : url.port;
	}
	struct buf origin;
	buf_init(&origin, URL_MAX);
	url_put_origin(&url, &origin);
	return buf_take(&origin, NULL);
}

static void
take_streaming(struct discovery *discovery, struct str text)
{
	if (text.len == 0 || discovery->streaming != NULL) {
		return;
	}
	struct url found;
	struct url server;
	discovery->has_address = true;
	if (!url_parse(text, &found)) {
		log_warn(discovery->log,
			"%s names the streaming address \"%.*s\", which is none; ignored",
			discovery->account->host, text.len > 200 ? 200 : (int)text.len, text.ptr);
		return;
	}
	REQUIRE(url_parse(str_from(discovery->account->server), &server));
	discovery->streaming = choose_origin(discovery, &found, &server);
	url_finish(&found);
	url_finish(&server);
}

static void
read_instance(struct discovery *discovery, struct json_value root)
{
	struct account *account = discovery->account;
	bool v2 = discovery->step == STEP_INSTANCE_V2;
	discovery->has_instance = true;
	take_streaming(discovery, json_str(json_path(root, v2 ? "configuration.urls.streaming"
							      : "urls.streaming_api")));
	struct str version = json_str(json_get(root, "version"));
	discovery->has_version = discovery->has_version || version.len > 0;
	replace(&account->version, version);
	int64_t max = 0;
	if (json_get_int(json_path(root, "configuration.statuses.max_characters"), &max) ||
		json_get_int(json_get(root, "max_toot_chars"), &max)) {
		if (max > 0 && max <= INT32_MAX) {
			account->max_characters = (int)max;
		}
	}
}

static void
instance_is_over(struct discovery *discovery)
{
	struct account *account = discovery->account;
	bool names_none = discovery->has_version && !discovery->has_address;
	if (discovery->streaming == NULL && names_none) {
		/* Pixelfed, Friendica, Takahe: null, "" or no key (protocol.md 4.4). */
		free(account->streaming);
		account->streaming = NULL;
	} else if (discovery->streaming == NULL) {
		log_warn(discovery->log,
			discovery->has_instance
				? "%s names no streaming address that is one: trying its own"
				: "%s has no instance document: taking it for a bare streaming "
				  "server",
			account->host);
		discovery->streaming = xstrdup(account->server);
	}
	replace(&account->streaming, str_from(discovery->streaming));
	if (account->token != NULL) {
		next_step(discovery, STEP_CREDENTIALS);
	} else {
		finish(discovery, DISCOVERY_DONE, "");
	}
}

/* True when the server is there but not well: asking it again later is right, guessing is not. */
static bool
is_trouble(const struct http_answer *answer)
{
	switch (answer->end) {
	case HTTP_NO_NAME:
	case HTTP_NO_CONNECT:
	case HTTP_TLS:
	case HTTP_SLOW:
		return true;
	case HTTP_DONE:
		return answer->status >= 500 || answer->status == 429;
	case HTTP_TRUNCATED:
	case HTTP_BROKEN:
	case HTTP_REJECTED:
	case HTTP_FORBIDDEN:
		break;
	}
	return false;
}

static void
on_instance(struct discovery *discovery, const struct http_answer *answer)
{
	struct json_doc *doc = NULL;
	bool ok = answer->end == HTTP_DONE && answer->status == 200 &&
		  json_parse(discovery->parser, answer->body, &doc, NULL) == ERR_OK &&
		  json_type(json_root(doc)) == JSON_OBJECT;
	if (ok) {
		read_instance(discovery, json_root(doc));
	}
	json_doc_destroy(doc);
	/* 501 is what small servers say for what they do not have. */
	if (!ok && !discovery->has_instance && is_trouble(answer) && answer->status != 501) {
		char *words = answer_describe(answer, discovery->parser);
		char *message = xasprintf(answer->status != 0
						  ? "%s does not say where its streaming server "
						    "is: it says %s"
						  : "%s cannot be reached: %s",
			discovery->account->host, words);
		finish(discovery, DISCOVERY_FAILED, message);
		free(message);
		free(words);
		return;
	}
	if (discovery->step == STEP_INSTANCE_V2 && discovery->streaming == NULL) {
		next_step(discovery, STEP_INSTANCE_V1);
	} else {
		instance_is_over(discovery);
	}
}

static bool
read_credentials(struct discovery *discovery, const struct http_answer *answer)
{
	struct json_doc *doc = NULL;
	if (answer->end != HTTP_DONE || answer->status != 200 ||
		json_parse(discovery->parser, answer->body, &doc, NULL) != ERR_OK) {
		return false;
	}
	struct account *account = discovery->account;
	struct str id = json_str(json_get(json_root(doc), "id"));
	replace(&account->id, id);
	replace(&account->acct, json_str(json_get(json_root(doc), "username")));
	replace(&account->acct, json_str(json_get(json_root(doc), "acct")));
	json_doc_destroy(doc);
	return id.len > 0;
}

static void
on_credentials(struct discovery *discovery, const struct http_answer *answer)
{
	const struct account *account = discovery->account;
	if (read_credentials(discovery, answer)) {
		finish(discovery, DISCOVERY_DONE, "");
		return;
	}
	char *words = answer_describe(answer, discovery->parser);
	if (answer->end == HTTP_DONE && answer->status == 401) {
		char *message = xasprintf(
			"%s does not accept the token of account \"%s\": %s; "
			"make a new one there, and put it where this one came from (the config, or MOONTUSK_TOKEN)",
			account->host, account->name, words);
		finish(discovery, DISCOVERY_REFUSED, message);
		free(message);
	} else if (discovery->has_instance && is_trouble(answer)) {
		/* Going on without the own id would mean to act on own posts, for as long as the host runs. */
		char *message = xasprintf("%s does not say who the account \"%s\" is: %s",
			account->host, account->name, words);
		finish(discovery, DISCOVERY_FAILED, message);
		free(message);
	} else {
		bool moved = answer->status >= 300 && answer->status < 400;
		const char *place = moved ? http_header(answer, "location") : NULL;
		log_warn(discovery->log,
			"%s does not say who the account \"%s\" is: %s%s%s; going on, but nothing is done to posts and accounts, which could be its own",
			account->host, account->name, words, place != NULL ? ", it points to " : "",
			place != NULL ? place : "");
		finish(discovery, DISCOVERY_DONE, "");
	}
	free(words);
}

static void
on_done(void *data, const struct http_answer *answer)
{
	struct discovery *discovery = data;
	discovery->request = 0;
	if (discovery->step == STEP_CREDENTIALS) {
		on_credentials(discovery, answer);
	} else {
		on_instance(discovery, answer);
	}
}

struct discovery *
discovery_start(
	struct http *http, struct account *account, struct log *log, discovery_fn *done, void *data)
{
	struct discovery *discovery = xmalloc(sizeof(*discovery));
	*discovery = (struct discovery){
		.http = http,
		.account = account,
		.log = log,
		.parser = json_parser_create(),
		.done = done,
		.data = data,
	};
	if (!start_step(discovery, STEP_INSTANCE_V2)) {
		destroy(discovery);
		return NULL;
	}
	return discovery;
}

void
discovery_cancel(struct discovery *discovery)
{
	if (discovery != NULL) {
		http_cancel(discovery->http, discovery->request);
		destroy(discovery);
	}
}
