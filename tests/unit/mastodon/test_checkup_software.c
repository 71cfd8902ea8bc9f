/* SPDX-License-Identifier: MIT */
/* Which software the doctor recognises, and what it knows of its versions. */
#include "checkup_software.h"

#include "judging.h"

static void
software_is_recognised_by_its_version_and_source(void **state)
{
	static const struct {
		const char *document, *name;
		int major, minor, patch;
		bool is_mastodon, sends_nothing;
	} rows[] = {
		{"{\"version\":\"4.5.15\",\"source_url\":\"https://github.com/mastodon/mastodon\"}",
			"Mastodon", 4, 5, 15, true, false},
		{"{\"version\":\"4.6.0-beta.1\"}", "Mastodon", 4, 6, 0, true, false},
		{"{\"version\":\"4.7.0-alpha.2+glitch\"}", "glitch-soc", 4, 7, 0, true, false},
		{"{\"version\":\"4.0.2+hometown-1.1.1\"}", "Hometown", 4, 0, 2, true, false},
		{"{\"version\":\"0.20.0-rc1 git-57cb4fe\",\"source_url\":"
		 "\"https://codeberg.org/superseriousbusiness/gotosocial\"}",
			"GoToSocial", 0, 20, 0, false, false},
		{"{\"version\":\"2.7.2 (compatible; Akkoma 3.10.2-0-gabc)\"}", "Akkoma", 3, 10, 2,
			false, false},
		{"{\"version\":\"2.7.2 (compatible; Pleroma 2.6.0)\"}", "Pleroma", 2, 6, 0, false,
			false},
		{"{\"version\":\"4.2.1 (compatible; Iceshrimp.NET 2025.1)\"}", "Iceshrimp.NET", 0,
			0, 0, false, false},
		{"{\"version\":\"3.0.0 (compatible; Sharkey 2024.9.1)\"}", "Sharkey", 0, 0, 0,
			false, true},
		{"{\"version\":\"0.19.2+git-57cb4fe\"}", "GoToSocial", 0, 19, 2, false, false},
		{"{\"version\":\"takahe/0.11.0\"}", "Takahe", 0, 11, 0, false, true},
		{"{\"version\":\"3.5.3 (compatible; Pixelfed 0.12.1)\"}", "Pixelfed", 0, 12, 1,
			false, true},
		{"{\"version\":\"4.0.0 (compatible; Newcomer 1.0)\"}", "unknown software", 4, 0, 0,
			false, false},
		{"{}", "unknown software", 0, 0, 0, false, false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct judging judging;
		judging_start(&judging);
		struct checkup_software got =
			checkup_software_of(judging_json(&judging, rows[i].document));
		assert_string_equal(got.name, rows[i].name);
		assert_int_equal(got.is_mastodon, rows[i].is_mastodon);
		assert_int_equal(got.sends_nothing, rows[i].sends_nothing);
		if (rows[i].major || rows[i].minor) {
			assert_int_equal(got.major, rows[i].major);
			assert_int_equal(got.minor, rows[i].minor);
			assert_int_equal(got.patch, rows[i].patch);
		}
		judging_finish(&judging);
	}
}

static void
known_bugs_are_named_for_the_versions_that_have_them(void **state)
{
	static const struct {
		const char *version, *says; /* NULL: nothing to warn of */
	} rows[] = {
		{"3.2.2", "one WebSocket"},
		{"3.4.9", "edits"},
		{"4.0.15", "filters of one listener"},
		{"4.1.2", "heartbeats"},
		{"4.2.29", "revoked token"},
		{"4.3.13", "GHSA"},
		{"4.3.14", NULL},
		{"4.4.5", "GHSA"},
		{"4.4.22", NULL},
		{"4.5.15", NULL},
		{"4.6.0", "Idempotency-Key"},
		{"4.6.5+glitch", "Idempotency-Key"},
		{"4.6.6", NULL},
		{"4.7.0-alpha.2", NULL},
		{"2.7.2 (compatible; Akkoma 3.10.2)", NULL},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char document[128];
		struct judging judging;
		judging_start(&judging);
		(void)snprintf(document, sizeof(document), "{\"version\":\"%s\"}", rows[i].version);
		checkup_software(&judging.findings, judging_json(&judging, document), NULL, 0);
		assert_true(judging_says(&judging, FINDING_OK, rows[i].version));
		if (rows[i].says)
			assert_true(judging_says(&judging, FINDING_WARNING, rows[i].says));
		else
			assert_int_equal(judging_worst(&judging), FINDING_OK);
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
}

static void
streams_that_never_get_anything_are_errors_where_that_is_so(void **state)
{
	static const struct {
		const char *version, *stream;
		bool dead;
	} rows[] = {
		{"0.20.0 gotosocial", "hashtag", true},
		{"0.20.0 gotosocial", "hashtag:local", true},
		{"0.20.0 gotosocial", "public:remote:media", true},
		{"0.20.0 gotosocial", "public", false},
		{"0.19.2 gotosocial", "public", true},
		{"0.19.2 gotosocial", "public:local", true},
		{"0.19.2 gotosocial", "user", false},
		{"0.19.2 gotosocial", "list", false},
		{"4.2.0 (compatible; Firefish 1.0.5)", "hashtag", true},
		{"4.2.0 (compatible; Firefish 1.0.5)", "list", false},
		{"4.5.3", "hashtag", false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char document[128];
		struct checkup_stream wanted = {.info = stream_info(str_from(rows[i].stream))};
		struct judging judging;
		judging_start(&judging);
		assert_non_null(wanted.info);
		(void)snprintf(document, sizeof(document), "{\"version\":\"%s\"}", rows[i].version);
		checkup_software(&judging.findings, judging_json(&judging, document), &wanted, 1);
		assert_int_equal(
			findings_count(&judging.findings, FINDING_ERROR), rows[i].dead ? 1 : 0);
		if (rows[i].dead)
			assert_true(judging_says(&judging, FINDING_ERROR, rows[i].stream));
		judging_finish(&judging);
	}
}

static void
servers_without_streaming_are_polled_and_said_so(void **state)
{
	(void)state;
	struct judging judging;
	judging_start(&judging);
	checkup_software(&judging.findings,
		judging_json(&judging, "{\"version\":\"4.0.0 (compatible; Mitra 3.2.0)\"}"), NULL,
		0);
	assert_int_equal(judging_worst(&judging), FINDING_OK); /* checkup_streaming says it */
	checkup_software(&judging.findings,
		judging_json(&judging,
			"{\"version\":\"3.0.0 (compatible; Sharkey 2024.9.1)\",\"urls\":"
			"{\"streaming_api\":\"wss://x.example\"}}"),
		NULL, 0);
	assert_true(judging_says(&judging, FINDING_WARNING, "Sharkey has no streaming"));
	judging_finish(&judging);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(software_is_recognised_by_its_version_and_source),
		cmocka_unit_test(known_bugs_are_named_for_the_versions_that_have_them),
		cmocka_unit_test(streams_that_never_get_anything_are_errors_where_that_is_so),
		cmocka_unit_test(servers_without_streaming_are_polled_and_said_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
