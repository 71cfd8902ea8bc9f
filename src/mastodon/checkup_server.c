/* SPDX-License-Identifier: MIT */
/* What a server's answers say about the server: reached, certificate, clock, limits, streaming, health. Pure: no network. */
#include "checkup_server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "answer.h"
#include "clock.h"
#include "limits.h"
#include "throttle.h"
#include "url.h"
#include "xmalloc.h"

#define DAY_MS                INT64_C(86400000)
#define SKEW_WARNING_MS       INT64_C(10000)
#define SKEW_ERROR_MS         INT64_C(300000)
#define CERTIFICATE_NOTICE_MS (14 * DAY_MS)

/* ---- reaching it ---- */

/* What is wrong with a certificate, by the words of the TLS library, and what to do. */
static const struct {
	const char *words, *advice;
} tls_troubles[] = {
	{"has expired",
		"tell its administrator; if certificates of other servers look expired, too, set this machine's clock"},
	{"not yet valid", "this machine's clock is likely to be behind: set it"},
	{"self-signed",
		"if it is your own server, name its certificate authority: --ca-file FILE, or ca_file in the config"},
	{"self signed",
		"if it is your own server, name its certificate authority: --ca-file FILE, or ca_file in the config"},
	{"local issuer",
		"nobody whom this machine trusts has signed it: install ca-certificates, or name your authority with "
		"--ca-file FILE (ca_file in the config); a server that forgets its intermediate certificate looks the same"},
	{"no alternative certificate",
		"the certificate is for another name: is the address right? Use the name that stands in it"},
	{"error setting certificate verify locations",
		"the file of --ca-file (ca_file in the config) cannot be read as PEM"},
	{"error adding trust anchors",
		"the file of --ca-file (ca_file in the config) cannot be read as PEM"},
};

static const char *
tls_advice(const char *words)
{
	for (size_t i = 0; words && i < COUNT_OF(tls_troubles); i++) {
		if (strstr(words, tls_troubles[i].words))
			return tls_troubles[i].advice;
	}
	return "is it an https server at all, and is nothing in between? It must speak TLS 1.2 or newer";
}

bool
checkup_reached(struct findings *findings, const char *check, const char *host,
	const struct http_answer *answer)
{
	const char *words = answer->error ? answer->error : "";
	switch (answer->end) {
	case HTTP_DONE:
		return true;
	case HTTP_NO_NAME:
		findings_add(findings, FINDING_ERROR, check,
			"check the address for typing mistakes, and that this machine can resolve names at all",
			"the name %s does not resolve: %s", host, words);
		break;
	case HTTP_NO_CONNECT:
		findings_add(findings, FINDING_ERROR, check,
			"is the address right, does the server run, does a firewall or a missing proxy stand in the way?",
			"no connection to %s: %s", host, words);
		break;
	case HTTP_TLS:
		findings_add(findings, FINDING_ERROR, check, tls_advice(words),
			"no trusted connection to %s: %s", host, words);
		break;
	case HTTP_SLOW:
		findings_add(findings, FINDING_ERROR, check,
			"the server is overloaded or hangs: try again later, or ask its administrator",
			"%s takes the connection and does not answer: %s", host, words);
		break;
	case HTTP_TRUNCATED:
	case HTTP_BROKEN:
	case HTTP_REJECTED:
	case HTTP_FORBIDDEN:
		findings_add(findings, FINDING_ERROR, check,
			"something between here and there breaks answers, or it is no web server",
			"what %s answers cannot be read: %s", host, words);
		break;
	}
	return false;
}

static void
put_date(struct buf *out, int64_t at_ms)
{
	struct buf text;
	buf_init(&text, 64);
	time_format(&text, at_ms);
	buf_add_str(out, str_clip(buf_str(&text), strlen("2026-11-20")));
	buf_finish(&text);
}

void
checkup_certificate(struct findings *findings, const char *check, int64_t from_ms, int64_t until_ms,
	int64_t now_ms)
{
	if (until_ms <= 0)
		return;
	/* Certificates are renewed when a third of their time is left; some live for six days only. */
	int64_t notice = from_ms > 0 && until_ms > from_ms ? (until_ms - from_ms) / 6
							   : CERTIFICATE_NOTICE_MS;
	if (notice > CERTIFICATE_NOTICE_MS)
		notice = CERTIFICATE_NOTICE_MS;
	int64_t left = until_ms - now_ms;
	struct buf date;
	buf_init(&date, 64);
	put_date(&date, until_ms);
	if (left < notice)
		findings_add(findings, FINDING_WARNING, check,
			"it should have been renewed by now: tell the server's administrator before connections fail",
			"the TLS certificate ends on %s, in %" PRId64 " hours", date.ptr,
			left > 0 ? left / 3600000 : 0);
	else
		findings_add(findings, FINDING_OK, check, NULL,
			"the TLS certificate is good until %s", date.ptr);
	buf_finish(&date);
}

/* ---- the clock ---- */

void
checkup_clock(struct findings *findings, const char *date, int64_t sent_ms, int64_t came_ms)
{
	int64_t server_ms = 0;
	if (!date || !throttle_http_date(str_trim(str_from(date)), &server_ms)) {
		findings_add(findings, FINDING_SKIPPED, "clock", NULL,
			"the server's answer has no readable Date");
		return;
	}
	/* Whole seconds: the server's clock was between server_ms and server_ms + 999 while we waited. */
	int64_t ahead = sent_ms - (server_ms + 999), behind = server_ms - came_ms;
	int64_t skew = ahead > 0 ? ahead : behind > 0 ? behind : 0;
	const char *way = ahead > 0 ? "ahead of" : "behind";
	if (skew < SKEW_WARNING_MS) {
		findings_add(findings, FINDING_OK, "clock", NULL,
			"this machine's clock and the server's agree within %d s",
			(int)(skew / 1000) + 1);
		return;
	}
	struct buf words;
	buf_init(&words, 64);
	duration_format(&words, skew / 1000 * 1000);
	findings_add(findings, skew < SKEW_ERROR_MS ? FINDING_WARNING : FINDING_ERROR, "clock",
		"let the clock be set over the network (timedatectl set-ntp true); until then act_within, rolling windows and "
		"waits for rate limits are off by that much. If this clock is right, the server's is not",
		"this machine's clock is %s %s the server's", words.ptr, way);
	buf_finish(&words);
}

/* ---- rate limits ---- */

static bool
header_number(const struct http_answer *answer, const char *name, int64_t *number)
{
	const char *value = http_header(answer, name);
	return value && str_to_int(str_trim(str_from(value)), 0, INT64_MAX, number);
}

void
checkup_rate(struct findings *findings, const struct http_answer *answer, int64_t now_ms)
{
	int64_t limit, left;
	if (!header_number(answer, "x-ratelimit-remaining", &left) ||
		!header_number(answer, "x-ratelimit-limit", &limit)) {
		findings_add(findings, FINDING_SKIPPED, "rate limit", NULL,
			"the server does not say how many requests it allows");
		return;
	}
	struct buf wait;
	buf_init(&wait, 64);
	duration_format(&wait, throttle_wait_ms(answer, now_ms) / 1000 * 1000);
	if (left < limit / 5)
		findings_add(findings, left == 0 ? FINDING_ERROR : FINDING_WARNING, "rate limit",
			"another program uses up what this token (or address) may do: give it a token and account of its own, or "
			"let it ask less often. Fills and actions wait meanwhile",
			"%" PRId64 " of %" PRId64 " requests are left for the next %s", left, limit,
			wait.ptr);
	else
		findings_add(findings, FINDING_OK, "rate limit", NULL,
			"%" PRId64 " of %" PRId64 " requests are left for the next %s", left, limit,
			wait.ptr);
	buf_finish(&wait);
}

/* ---- streaming ---- */

bool
checkup_streaming(struct findings *findings, struct json_value instance)
{
	struct json_value v2 = json_path(instance, "configuration.urls.streaming"),
			  v1 = json_path(instance, "urls.streaming_api");
	struct json_value named = json_str(v2).len ? v2 : v1;
	struct str url = json_str(named);
	/* A server of which nothing is known may be a streaming server alone; one with a document and no address has none. */
	if (!json_exists(instance) || url.len > 0) {
		struct url parsed;
		bool known = url_parse(url, &parsed);
		if (known && !parsed.tls && !account_is_loopback(parsed.host))
			findings_add(findings, FINDING_WARNING, "streaming",
				"tell its administrator; moontusk uses encryption there all the same",
				"the server names an address without encryption for its streams: %.*s",
				STR_ARG(str_clip(url, ADDRESS_SHOWN_MAX)));
		if (known)
			url_finish(&parsed);
		return true;
	}
	findings_add(findings, FINDING_WARNING, "streaming",
		"plugins work all the same: moontusk asks the timelines now and then, so posts come later, and edits and "
		"deletes hardly ever",
		"the server has no streaming (its instance document names no address for it)");
	return false;
}

void
checkup_health(struct findings *findings, const char *host, const struct http_answer *answer)
{
	if (!checkup_reached(findings, "health", host, answer))
		return;
	if (answer->status == 200 && str_eq(str_trim(answer->body), STR("OK"))) {
		findings_add(findings, FINDING_OK, "health", NULL,
			"the streaming server %s says OK", host);
		return;
	}
	struct json_parser *parser = json_parser_create();
	char *words = answer_describe(answer, parser);
	if (answer->status >= 500 || answer->status == 429)
		findings_add(findings, FINDING_ERROR, "health",
			"the streaming server is down or overloaded: its administrator should look at it (on Mastodon the "
			"service mastodon-streaming); moontusk keeps trying",
			"the streaming server %s says %s", host, words);
	else
		/* Only Mastodon and its forks have this endpoint. */
		findings_add(findings, FINDING_SKIPPED, "health", NULL,
			"the streaming server %s has no health endpoint (%s)", host, words);
	free(words);
	json_parser_destroy(parser);
}
