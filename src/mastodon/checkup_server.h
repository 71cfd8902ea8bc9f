/* SPDX-License-Identifier: MIT */
/* What a server's answers say about the server: reached, certificate, clock, limits, streaming, health. Pure: no network. */
#pragma once

#include "findings.h"
#include "http.h"
#include "json.h"

/* How a request ended that did not come to an answer: an error with what to do. Nothing and true when an answer came. */
bool checkup_reached(struct findings *findings, const char *check, const char *host,
	const struct http_answer *answer);
/* How long the certificate is good; Unix ms. Nothing when it is unknown. */
void checkup_certificate(struct findings *findings, const char *check, int64_t from_ms,
	int64_t until_ms, int64_t now_ms);
/* Our clock against the Date of an answer that was asked for at `sent_ms` and came at `came_ms` of our clock. */
void checkup_clock(struct findings *findings, const char *date, int64_t sent_ms, int64_t came_ms);
/* X-RateLimit-… of an answer that was asked for with the token. */
void checkup_rate(struct findings *findings, const struct http_answer *answer, int64_t now_ms);
/* What the instance document names as the address of the streams. `instance` is that of version 2 or 1. False: it says that
 * there is none. */
bool checkup_streaming(struct findings *findings, struct json_value instance);
/* The answer of /api/v1/streaming/health. */
void checkup_health(struct findings *findings, const char *host, const struct http_answer *answer);
