/* SPDX-License-Identifier: MIT */
/* All checks of one account: a table with one function each. They ask the server; the judging is done in checkup_*.h. */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "checkup_server.h"
#include "discovery.h"
#include "doctor_parts.h"
#include "limits.h"
#include "url.h"
#include "xmalloc.h"

static const struct fetch *
fetch_of(const struct patient *patient)
{
	return &patient->doctor->fetch;
}

/* ---- the server ---- */

static void
check_address(struct patient *patient)
{
	const struct config_account *from = patient->from;
	struct account_config about = {from->name, from->server, from->token, from->ca_file};
	char error[MESSAGE_MAX];
	patient->account = account_create(&about, patient->doctor->session.secrets, error);
	if (!patient->account)
		findings_add(&patient->findings, FINDING_ERROR, "address",
			"put the server's address right, such as https://mastodon.example", "%s",
			error);
}

/* Behind a proxy names are resolved there. */
static bool
has_proxy(void)
{
	static const char *const names[] = {
		"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return true;
	}
	return false;
}

/* False: an origin whose name does not resolve. */
static bool
check_name(struct patient *patient, const char *origin)
{
	struct url url;
	char error[MESSAGE_MAX];
	if (has_proxy() || !url_parse(str_from(origin), &url))
		return true;
	bool good = fetch_name(fetch_of(patient), url.host, error);
	if (good)
		findings_add(&patient->findings, FINDING_OK, "name", NULL, "%s resolves", url.host);
	else
		findings_add(&patient->findings, FINDING_ERROR, "name",
			"check the address for typing mistakes, and that this machine can resolve names at all",
			"the name %s does not resolve: %s", url.host, error);
	url_finish(&url);
	return good;
}

static bool
is_document(const struct fetched *fetched)
{
	return json_type(fetched_root(fetched)) == JSON_OBJECT;
}

/* The instance document of version 2, else 1. */
static void
check_server(struct patient *patient)
{
	struct findings *findings = &patient->findings;
	struct fetched *fetched = &patient->instance;
	const char *host = patient->account->host;
	struct fetch_from from = {
		.account = patient->account, .redirects = true, .certificate = true};
	if (!check_name(patient, patient->account->server))
		return;
	fetch_get(fetch_of(patient), &from, "/api/v2/instance", fetched);
	if (!checkup_reached(findings, "server", host, &fetched->answer))
		return;
	patient->reached = true;
	int64_t valid_from_ms = fetched->answer.valid_from_ms,
		valid_until_ms = fetched->answer.valid_until_ms, came_ms = fetched->came_ms;
	if (!is_document(fetched) && fetched->answer.status < 500 &&
		fetched->answer.status != 429) {
		fetched_finish(fetched);
		from.certificate = false;
		fetch_get(fetch_of(patient), &from, "/api/v1/instance", fetched);
	}
	if (is_document(fetched)) {
		findings_add(findings, FINDING_OK, "server", NULL, "%s answers within %d ms", host,
			(int)fetched->took_ms);
	} else {
		char *words = answer_describe(&fetched->answer, fetch_of(patient)->parser);
		bool trouble = fetched->answer.status >= 500 || fetched->answer.status == 429;
		findings_add(findings, trouble ? FINDING_ERROR : FINDING_WARNING, "server",
			trouble ? "the server has trouble of its own: try again later, or ask its administrator"
				: "is this the address of a Mastodon-compatible server? A web page means another server, or a "
				  "network that wants a login first",
			"%s has no instance document: it says %s", host, words);
		free(words);
	}
	checkup_certificate(findings, "certificate", valid_from_ms, valid_until_ms, came_ms);
}

static void
check_clock(struct patient *patient)
{
	const struct fetched *fetched = &patient->instance;
	checkup_clock(&patient->findings, http_header(&fetched->answer, "date"), fetched->sent_ms,
		fetched->came_ms);
}

static void
check_software(struct patient *patient)
{
	checkup_software(&patient->findings, fetched_root(&patient->instance), patient->wanted,
		patient->wanted_count);
}

/* ---- the streaming server ---- */

static void
on_discovered(void *data, enum discovery_result result, const char *message)
{
	(void)result;
	(void)message;
	loop_stop(data);
}

static void
check_streaming(struct patient *patient)
{
	struct findings *findings = &patient->findings;
	struct account *account = patient->account;
	patient->streams = checkup_streaming(findings, fetched_root(&patient->instance));
	if (!patient->streams)
		return;
	/* Finds the address as the host will. */
	struct loop *loop = fetch_of(patient)->loop;
	if (discovery_start(
		    fetch_of(patient)->http, account, patient->doctor->quiet, on_discovered, loop))
		loop_run(loop);
	if (!account->streaming || strcmp(account->streaming, account->server) == 0) {
		findings_add(findings, FINDING_OK, "streaming", NULL, "at the server itself");
		return;
	}
	findings_add(findings, FINDING_OK, "streaming", NULL, "at %s", account->streaming);
	patient->streams = check_name(patient, account->streaming);
}

static void
check_health(struct patient *patient)
{
	const struct account *account = patient->account;
	const char *origin = account->streaming ? account->streaming : account->server;
	struct fetched fetched;
	struct url url;
	struct fetch_from from = {.account = account, .origin = origin, .certificate = true};
	fetch_get(fetch_of(patient), &from, "/api/v1/streaming/health", &fetched);
	bool parsed = url_parse(str_from(origin), &url);
	checkup_health(&patient->findings, parsed ? url.host : origin, &fetched.answer);
	patient->streams = fetched.answer.end == HTTP_DONE;
	if (parsed)
		url_finish(&url);
	if (strcmp(origin, account->server) != 0)
		checkup_certificate(&patient->findings, "certificate", fetched.answer.valid_from_ms,
			fetched.answer.valid_until_ms, fetched.came_ms);
	fetched_finish(&fetched);
}

/* ---- the token ---- */

static void
check_token(struct patient *patient)
{
	struct fetched *fetched = &patient->credentials;
	if (!patient->account->token) {
		findings_add(&patient->findings, FINDING_WARNING, "token",
			"make one on the server (Preferences, Development) and set MOONTUSK_TOKEN, or token in the config",
			"there is no token; most servers refuse streams without one");
		return;
	}
	struct fetch_from from = {.account = patient->account, .as_owner = true};
	fetch_get(fetch_of(patient), &from, "/api/v1/accounts/verify_credentials", fetched);
	enum checkup_token token =
		checkup_token(&patient->findings, &fetched->answer, fetched_root(fetched));
	patient->has_token = token != TOKEN_BAD;
	patient->known = token == TOKEN_GOOD;
	patient->no_good = token == TOKEN_BAD;
}

static void
check_rate(struct patient *patient)
{
	checkup_rate(
		&patient->findings, &patient->credentials.answer, patient->credentials.came_ms);
}

static void
check_scopes(struct patient *patient)
{
	struct fetched token, app = {0};
	struct fetch_from from = {.account = patient->account, .as_owner = true};
	fetch_get(fetch_of(patient), &from, "/oauth/token/info", &token);
	struct json_value scopes = json_get(fetched_root(&token), "scope");
	if (!json_exists(scopes))
		scopes = json_get(fetched_root(&token), "scopes");
	bool exact = json_exists(scopes);
	if (!exact) {
		fetch_get(fetch_of(patient), &from, "/api/v1/apps/verify_credentials", &app);
		scopes = json_get(fetched_root(&app), "scopes");
	}
	if (json_exists(scopes))
		checkup_scopes(
			&patient->findings, scopes, exact, patient->wanted, patient->wanted_count);
	else
		findings_add(&patient->findings, FINDING_SKIPPED, "scopes", NULL,
			"the server does not say what the token may do; see how the streams answer");
	fetched_finish(&token);
	fetched_finish(&app);
}

static void
check_feeds(struct patient *patient)
{
	checkup_feeds(&patient->findings, fetched_root(&patient->instance),
		fetched_root(&patient->credentials), patient->wanted, patient->wanted_count);
}

static void
check_presence(struct patient *patient)
{
	checkup_presence(&patient->findings, fetched_root(&patient->credentials), patient->wanted,
		patient->wanted_count);
}

static bool
wants(const struct patient *patient, const char *stream)
{
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		if (strcmp(patient->wanted[i].info->name, stream) == 0)
			return true;
	}
	return false;
}

/* After a week without requests the server stops writing the home timeline, and takes a while to make it anew. */
static void
check_home(struct patient *patient)
{
	struct fetched home;
	struct fetch_from from = {.account = patient->account, .as_owner = true};
	if (!wants(patient, "user"))
		return;
	fetch_get(fetch_of(patient), &from, "/api/v1/timelines/home?limit=1", &home);
	if (home.answer.status == 206)
		findings_add(&patient->findings, FINDING_WARNING, "home",
			"wait a minute and try again; from then on moontusk keeps it awake by a request a day",
			"the server is making the home timeline anew, since the account was not active for long");
	else if (home.answer.end == HTTP_DONE && home.answer.status == 200)
		findings_add(&patient->findings, FINDING_OK, "home", NULL,
			"the home timeline can be read, so outages can be filled");
	fetched_finish(&home);
}

/* ---- the table ---- */

enum needs {
	NEEDS_ACCOUNT = 1,
	NEEDS_SERVER = 2,
	NEEDS_STREAMS = 4,
	NEEDS_TOKEN = 8,
	NEEDS_OWNER = 16,
	NEEDS_NO_REFUSAL = 32, /* of the token; none at all will do */
};

/* To add a check: a function that asks, a pure one that judges what came (with its unit tests), and a line here. */
static const struct {
	const char *name;
	unsigned needs;
	void (*run)(struct patient *patient);
} checks[] = {
	{"address", 0, check_address},
	{"server", NEEDS_ACCOUNT, check_server},
	{"clock", NEEDS_SERVER, check_clock},
	{"software", NEEDS_SERVER, check_software},
	{"streaming", NEEDS_SERVER, check_streaming},
	{"health", NEEDS_STREAMS, check_health},
	{"token", NEEDS_SERVER, check_token},
	{"rate limit", NEEDS_TOKEN, check_rate},
	{"scopes", NEEDS_TOKEN, check_scopes},
	{"feeds", NEEDS_SERVER, check_feeds},
	{"hidden", NEEDS_TOKEN, doctor_hidden},
	{"presence", NEEDS_OWNER, check_presence},
	{"home", NEEDS_OWNER, check_home},
	{"stream", NEEDS_STREAMS | NEEDS_NO_REFUSAL, doctor_streams},
	{"stream", NEEDS_TOKEN | NEEDS_NO_REFUSAL, doctor_lists},
};

static unsigned
has(const struct patient *patient)
{
	return (patient->account ? NEEDS_ACCOUNT : 0) | (patient->reached ? NEEDS_SERVER : 0) |
	       (patient->streams ? NEEDS_STREAMS : 0) | (patient->has_token ? NEEDS_TOKEN : 0) |
	       (patient->known ? NEEDS_OWNER : 0) | (patient->no_good ? 0 : NEEDS_NO_REFUSAL);
}

/* Streams that nobody asked for may be out of reach without anything being wrong. */
static void
soften(struct patient *patient, unsigned from)
{
	for (unsigned i = from; patient->made_up && i < patient->findings.count; i++) {
		struct finding *finding = &patient->findings.list[i];
		bool about_streams = strcmp(finding->check, "scopes") == 0 ||
				     strcmp(finding->check, "feeds") == 0 ||
				     strcmp(finding->check, "software") == 0;
		if (about_streams && finding->level == FINDING_ERROR)
			finding->level = FINDING_WARNING;
	}
}

void
doctor_account(struct patient *patient)
{
	char *heading = xasprintf("account %s, %s", patient->from->name, patient->from->server);
	struct doctor_subject subject = {patient->from->name, heading};
	struct buf left;
	buf_init(&left, MESSAGE_MAX);
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		unsigned from = patient->findings.count;
		if ((checks[i].needs & ~has(patient)) != 0) {
			buf_printf(&left, "%s%s", left.len ? ", " : "", checks[i].name);
			continue;
		}
		checks[i].run(patient);
		soften(patient, from);
		doctor_tell(patient->doctor, &subject, &patient->findings, &patient->told);
	}
	if (left.len > 0)
		findings_add(&patient->findings, FINDING_SKIPPED, "the rest", NULL,
			"not looked at, since what they need is missing: %s", left.ptr);
	doctor_tell(patient->doctor, &subject, &patient->findings, &patient->told);
	buf_finish(&left);
	free(heading);
}
