/* SPDX-License-Identifier: MIT */
/* What the doctor makes of a server's answers: unreachable, certificates, clocks, limits, streaming, health. */
#include "checkup_server.h"

#include "judging.h"

#define DAY INT64_C(86400000)
#define NOW INT64_C(1795254805000) /* 2026-11-21T09:53:25Z */

static void
what_does_not_answer_is_an_error_with_advice(void **state)
{
	static const struct {
		enum http_end end;
		const char *error, *says;
	} rows[] = {
		{HTTP_NO_NAME, "Could not resolve host", "typing mistakes"},
		{HTTP_NO_CONNECT, "Connection refused", "firewall"},
		{HTTP_SLOW, "no answer in time", "overloaded"},
		{HTTP_TLS, "SSL certificate problem: certificate has expired", "administrator"},
		{HTTP_TLS, "SSL certificate problem: unable to get local issuer certificate",
			"--ca-file"},
		{HTTP_TLS, "SSL certificate problem: self-signed certificate", "--ca-file"},
		{HTTP_TLS, "SSL certificate problem: certificate is not yet valid", "clock"},
		{HTTP_TLS,
			"SSL: no alternative certificate subject name matches target host name 'x'",
			"another name"},
		{HTTP_TLS, "wrong version number", "TLS 1.2"},
		{HTTP_BROKEN, "Received HTTP/0.9 when not allowed", "no web server"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct judging judging;
		judging_start(&judging);
		struct http_answer answer = {.end = rows[i].end, .error = rows[i].error};
		assert_false(checkup_reached(&judging.findings, "server", "cats.example", &answer));
		assert_true(judging_says(&judging, FINDING_ERROR, rows[i].error));
		assert_true(judging_says(&judging, FINDING_ERROR, rows[i].says));
		assert_true(judging_says(&judging, FINDING_ERROR, "cats.example"));
		judging_finish(&judging);
	}
}

static void
an_answer_of_any_status_was_reached(void **state)
{
	(void)state;
	struct judging judging;
	judging_start(&judging);
	struct http_answer answer = {.end = HTTP_DONE, .status = 503};
	assert_true(checkup_reached(&judging.findings, "server", "cats.example", &answer));
	assert_int_equal(judging.findings.count, 0);
	judging_finish(&judging);
}

static void
certificates_warn_when_they_should_have_been_renewed(void **state)
{
	static const struct {
		int64_t lifetime_days, left_days;
		enum finding_level level;
	} rows[] = {
		{90, 60, FINDING_OK},
		{90, 16, FINDING_OK},
		{90, 13, FINDING_WARNING},
		{6, 3, FINDING_OK}, /* short-lived ones are renewed every few days */
		{6, 0, FINDING_WARNING},
		{398, 30, FINDING_OK},
		{398, 13, FINDING_WARNING},
		{0, 13, FINDING_WARNING}, /* its beginning is unknown */
		{0, 20, FINDING_OK},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct judging judging;
		int64_t until = NOW + rows[i].left_days * DAY;
		judging_start(&judging);
		checkup_certificate(&judging.findings, "certificate",
			rows[i].lifetime_days ? until - rows[i].lifetime_days * DAY : 0, until,
			NOW);
		assert_int_equal(judging.findings.count, 1);
		assert_int_equal(judging_worst(&judging), rows[i].level);
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
	struct judging judging;
	judging_start(&judging);
	checkup_certificate(&judging.findings, "certificate", 0, 0, NOW);
	assert_int_equal(judging.findings.count, 0); /* plain http */
	judging_finish(&judging);
}

static void
clocks_are_compared_with_what_the_wait_and_whole_seconds_allow(void **state)
{
	static const char *const date = "Sat, 21 Nov 2026 09:53:25 GMT"; /* NOW */
	static const struct {
		int64_t sent_ms, came_ms; /* after NOW */
		enum finding_level level;
		const char *says;
	} rows[] = {
		{0, 100, FINDING_OK, "within 1 s"},
		{900, 990, FINDING_OK, "within 1 s"},
		{-25000, 25000, FINDING_OK, "within 1 s"}, /* a slow answer proves nothing */
		{5000, 5100, FINDING_OK, "within 5 s"},
		{30999, 31100, FINDING_WARNING, "30s ahead of"},
		{-31000, -30000, FINDING_WARNING, "30s behind"},
		{600999, 601100, FINDING_ERROR, "10m ahead of"},
		{-601000, -600000, FINDING_ERROR, "10m behind"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct judging judging;
		judging_start(&judging);
		checkup_clock(
			&judging.findings, date, NOW + rows[i].sent_ms, NOW + rows[i].came_ms);
		assert_true(judging_says(&judging, rows[i].level, rows[i].says));
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
	struct judging judging;
	judging_start(&judging);
	checkup_clock(&judging.findings, NULL, NOW, NOW);
	checkup_clock(&judging.findings, "yesterday", NOW, NOW);
	assert_int_equal(findings_count(&judging.findings, FINDING_SKIPPED), 2);
	judging_finish(&judging);
}

static void
little_room_below_the_rate_limit_is_said(void **state)
{
	static const struct {
		const char *left;
		enum finding_level level;
	} rows[] = {{"299", FINDING_OK}, {"60", FINDING_OK}, {"59", FINDING_WARNING},
		{"0", FINDING_ERROR}, {"many", FINDING_SKIPPED}};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct http_header headers[] = {{"x-ratelimit-limit", "300"},
			{"x-ratelimit-remaining", rows[i].left},
			{"x-ratelimit-reset", "2026-11-21T09:55:25.000000Z"}};
		struct http_answer answer = {
			.status = 200, .headers = headers, .header_count = COUNT_OF(headers)};
		struct judging judging;
		judging_start(&judging);
		checkup_rate(&judging.findings, &answer, NOW);
		assert_int_equal(judging_worst(&judging), rows[i].level);
		if (rows[i].level != FINDING_SKIPPED)
			assert_true(judging_says(&judging, rows[i].level, "for the next 2m"));
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
}

static void
a_server_without_streaming_is_recognised_by_its_document(void **state)
{
	static const struct {
		const char *document;
		bool has;
	} rows[] = {
		{"{\"configuration\":{\"urls\":{\"streaming\":\"wss://s.example\"}}}", true},
		{"{\"urls\":{\"streaming_api\":\"wss://s.example\"}}", true},
		{"{\"configuration\":{\"urls\":{\"streaming\":null}}}", false},
		{"{\"urls\":{\"streaming_api\":\"\"}}", false}, {"{\"urls\":{}}", false},
		{NULL, true}, /* without a document it may be a bare streaming server */
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct judging judging;
		judging_start(&judging);
		assert_int_equal(checkup_streaming(&judging.findings,
					 judging_json(&judging, rows[i].document)),
			rows[i].has);
		if (!rows[i].has)
			assert_true(judging_says(&judging, FINDING_WARNING, "no streaming"));
		judging_finish(&judging);
	}
}

static void
an_unencrypted_streaming_address_is_fine_on_this_machine_only(void **state)
{
	(void)state;
	struct judging judging;
	judging_start(&judging);
	assert_true(checkup_streaming(&judging.findings,
		judging_json(&judging, "{\"urls\":{\"streaming_api\":\"ws://127.0.0.1:4000\"}}")));
	assert_int_equal(judging.findings.count, 0);
	assert_true(checkup_streaming(&judging.findings,
		judging_json(&judging, "{\"urls\":{\"streaming_api\":\"ws://cats.example\"}}")));
	assert_true(judging_says(&judging, FINDING_WARNING, "ws://cats.example"));
	judging_finish(&judging);
}

static void
health_is_ok_down_or_not_offered(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum finding_level level;
	} rows[] = {{200, "OK", FINDING_OK}, {200, "<html>hello</html>", FINDING_SKIPPED},
		{404, "", FINDING_SKIPPED}, {502, "<html>bad gateway</html>", FINDING_ERROR},
		{503, "", FINDING_ERROR}};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http_answer answer = {
			.status = rows[i].status, .body = str_from(rows[i].body)};
		struct judging judging;
		judging_start(&judging);
		checkup_health(&judging.findings, "s.example", &answer);
		assert_int_equal(judging_worst(&judging), rows[i].level);
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_answer_is_an_error_with_advice),
		cmocka_unit_test(an_answer_of_any_status_was_reached),
		cmocka_unit_test(certificates_warn_when_they_should_have_been_renewed),
		cmocka_unit_test(clocks_are_compared_with_what_the_wait_and_whole_seconds_allow),
		cmocka_unit_test(little_room_below_the_rate_limit_is_said),
		cmocka_unit_test(a_server_without_streaming_is_recognised_by_its_document),
		cmocka_unit_test(an_unencrypted_streaming_address_is_fine_on_this_machine_only),
		cmocka_unit_test(health_is_ok_down_or_not_offered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
