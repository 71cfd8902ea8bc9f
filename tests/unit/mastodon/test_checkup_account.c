/* SPDX-License-Identifier: MIT */
/* What the doctor makes of a token and its owner: good, scopes, disabled feeds, e-mails, refused streams. */
#include "checkup_account.h"

#include "judging.h"

static void
a_token_is_good_silent_or_bad(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum checkup_token token;
		enum finding_level level;
		const char *says;
	} rows[] = {
		{200, "{\"acct\":\"bot\"}", TOKEN_GOOD, FINDING_OK, "@bot"},
		{200, "{\"acct\":\"bot\",\"moved\":{\"acct\":\"new@b.example\"}}", TOKEN_GOOD,
			FINDING_WARNING, "new@b.example"},
		{200, "{\"acct\":\"bot\",\"limited\":true}", TOKEN_GOOD, FINDING_WARNING,
			"limited"},
		{200, "{\"acct\":\"bot\",\"suspended\":true}", TOKEN_GOOD, FINDING_ERROR,
			"suspended"},
		{200, "{\"hello\":1}", TOKEN_SILENT, FINDING_WARNING, "does not say whose"},
		{401, "{\"error\":\"The access token was revoked\"}", TOKEN_BAD, FINDING_ERROR,
			"revoked"},
		{403, "{\"error\":\"This action is outside the authorized scopes\"}", TOKEN_SILENT,
			FINDING_WARNING, "profile"},
		{403, "{\"error\":\"Your login is currently disabled\"}", TOKEN_BAD, FINDING_ERROR,
			"disabled"},
		{404, "{}", TOKEN_SILENT, FINDING_WARNING, "right address"},
		{422, "{\"error\":\"This method requires an authenticated user\"}", TOKEN_BAD,
			FINDING_ERROR, "token of an app"},
		{429, "{\"error\":\"Too many requests\"}", TOKEN_BAD, FINDING_ERROR, "wait"},
		{502, "{\"error\":\"x\"}", TOKEN_BAD, FINDING_ERROR, "later"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct judging judging;
		judging_start(&judging);
		struct http_answer answer = {
			.status = rows[i].status, .body = str_from(rows[i].body)};
		struct json_value document = judging_json(&judging, rows[i].body);
		assert_int_equal(
			checkup_token(&judging.findings, &answer, document), rows[i].token);
		assert_int_equal(judging_worst(&judging), rows[i].level);
		assert_true(judging_says(&judging, rows[i].level, rows[i].says));
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
}

static struct checkup_stream
stream(const char *name)
{
	struct checkup_stream wanted = {.info = stream_info(str_from(name))};
	assert_non_null(wanted.info);
	return wanted;
}

static void
scopes_are_held_against_the_wanted_streams(void **state)
{
	static const struct {
		const char *scopes, *stream;
		enum finding_level level;
		const char *says;
	} rows[] = {
		{"[\"read\",\"write\"]", "user", FINDING_OK, "read write"},
		{"\"read write\"", "user", FINDING_OK, "read write"},
		{"[\"read:statuses\"]", "public", FINDING_OK, "read:statuses"},
		{"[\"read:statuses\"]", "user", FINDING_WARNING, "notifications are left out"},
		{"[\"read:statuses\"]", "list", FINDING_WARNING, "read:lists"},
		{"[\"read:statuses\",\"read:lists\"]", "list", FINDING_OK, "read:lists"},
		{"[\"read:notifications\"]", "public", FINDING_ERROR, "needs read:statuses"},
		{"[\"read:statuses\"]", "user:notification", FINDING_ERROR,
			"needs read:notifications"},
		{"[\"write\",\"profile\"]", "public", FINDING_ERROR, "write profile"},
		{"[\"readings\"]", "public", FINDING_ERROR, "needs"},
		{"[]", "public", FINDING_ERROR, "nothing"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct checkup_stream wanted = stream(rows[i].stream);
		struct judging judging;
		judging_start(&judging);
		checkup_scopes(&judging.findings, judging_json(&judging, rows[i].scopes), true,
			&wanted, 1);
		assert_int_equal(judging_worst(&judging), rows[i].level);
		assert_true(judging_says(&judging, rows[i].level, rows[i].says));
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
}

static void
scopes_of_an_app_are_no_promise(void **state)
{
	(void)state;
	struct judging judging;
	judging_start(&judging);
	checkup_scopes(&judging.findings, judging_json(&judging, "[\"read\"]"), false, NULL, 0);
	assert_true(judging_says(&judging, FINDING_OK, "may have less"));
	judging_finish(&judging);
}

#define ACCESS(live_local, live_remote, tag_local, tag_remote)                                     \
	"{\"configuration\":{\"timelines_access\":{\"live_feeds\":{\"local\":\"" live_local        \
	"\",\"remote\":\"" live_remote "\"},\"hashtag_feeds\":{\"local\":\"" tag_local             \
	"\",\"remote\":\"" tag_remote "\"}}}}"

static void
disabled_feeds_are_errors_for_the_streams_behind_them(void **state)
{
	static const char *const nobody = "{\"acct\":\"bot\",\"role\":{\"permissions\":\"0\"}}";
	static const struct {
		const char *access, *credentials, *stream;
		enum finding_level level;
		const char *says;
	} rows[] = {
		{ACCESS("public", "disabled", "public", "public"), NULL, "public:remote",
			FINDING_ERROR, "live_feeds.remote = disabled"},
		{ACCESS("public", "disabled", "public", "public"), NULL, "public:remote:media",
			FINDING_ERROR, "only deletes come"},
		{ACCESS("public", "disabled", "public", "public"), NULL, "public", FINDING_WARNING,
			"posts of other servers do not come"},
		{ACCESS("disabled", "public", "public", "public"), NULL, "public", FINDING_WARNING,
			"posts of this server do not come"},
		{ACCESS("disabled", "disabled", "public", "public"), NULL, "public", FINDING_ERROR,
			"local and .remote"},
		{ACCESS("disabled", "public", "public", "public"), NULL, "public:local",
			FINDING_ERROR, "only deletes come"},
		{ACCESS("disabled", "disabled", "public", "public"), NULL, "hashtag", FINDING_OK,
			"no feed"},
		{ACCESS("public", "public", "public", "disabled"), NULL, "hashtag", FINDING_WARNING,
			"hashtag_feeds.remote"},
		{ACCESS("disabled", "disabled", "disabled", "disabled"), NULL, "user", FINDING_OK,
			"no feed"},
		{ACCESS("authenticated", "authenticated", "public", "public"), NULL, "public",
			FINDING_OK, "no feed"},
		/* a role with "view feeds" sees it; the owner's bit alone does not count in streaming */
		{ACCESS("public", "disabled", "public", "public"),
			"{\"role\":{\"permissions\":\"1048576\"}}", "public:remote", FINDING_OK,
			"no feed"},
		{ACCESS("public", "disabled", "public", "public"),
			"{\"role\":{\"permissions\":\"1\"}}", "public:remote", FINDING_ERROR,
			"exception for owners"},
		{"{\"configuration\":{}}", NULL, "public", FINDING_SKIPPED, "4.5"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct checkup_stream wanted = stream(rows[i].stream);
		struct judging judging;
		judging_start(&judging);
		checkup_feeds(&judging.findings, judging_json(&judging, rows[i].access),
			judging_json(&judging, rows[i].credentials ? rows[i].credentials : nobody),
			&wanted, 1);
		assert_int_equal(judging_worst(&judging), rows[i].level);
		assert_true(judging_says(&judging, rows[i].level, rows[i].says));
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
}

static void
a_person_who_listens_to_their_own_streams_gets_no_e_mails(void **state)
{
	static const struct {
		const char *credentials, *stream;
		enum finding_level level;
	} rows[] = {
		{"{\"acct\":\"mia\",\"bot\":false}", "user", FINDING_WARNING},
		{"{\"acct\":\"mia\"}", "user:notification", FINDING_WARNING},
		{"{\"acct\":\"mia\",\"bot\":true}", "user", FINDING_OK},
		{"{\"acct\":\"mia\",\"bot\":false}", "public", FINDING_OK},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct checkup_stream wanted = stream(rows[i].stream);
		struct judging judging;
		judging_start(&judging);
		checkup_presence(
			&judging.findings, judging_json(&judging, rows[i].credentials), &wanted, 1);
		assert_int_equal(judging_worst(&judging), rows[i].level);
		if (rows[i].level == FINDING_WARNING)
			assert_true(judging_says(&judging, FINDING_WARNING, "@mia"));
		judging_finish(&judging);
	}
}

static void
attempts_say_how_they_ended(void **state)
{
	static const struct {
		bool live, refused;
		const char *reason, *says;
		enum finding_level level;
	} rows[] = {
		{true, false, "", "live over WebSocket", FINDING_OK},
		{false, true, "401 \"Access token does not have the required scopes\"",
			"with the scope", FINDING_ERROR},
		{false, true, "401 \"Not authorized to stream this list\"", "another account",
			FINDING_ERROR},
		{false, true, "400 \"Unknown stream type\"", "no such stream", FINDING_ERROR},
		{false, false, "502, an HTML page", "502", FINDING_ERROR},
		{false, false, NULL, "no answer in time", FINDING_ERROR},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char cats[] = "cats";
		struct checkup_stream wanted = stream("hashtag");
		wanted.param = cats;
		struct checkup_attempt attempt = {.stream = &wanted,
			.live = rows[i].live,
			.refused = rows[i].refused,
			.reason = rows[i].reason,
			.transport = "ws"};
		struct judging judging;
		judging_start(&judging);
		checkup_attempt(&judging.findings, &attempt);
		assert_true(judging_says(&judging, rows[i].level, "hashtag cats"));
		assert_true(judging_says(&judging, rows[i].level, rows[i].says));
		assert_true(judging_advises(&judging));
		judging_finish(&judging);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_good_silent_or_bad),
		cmocka_unit_test(scopes_are_held_against_the_wanted_streams),
		cmocka_unit_test(scopes_of_an_app_are_no_promise),
		cmocka_unit_test(disabled_feeds_are_errors_for_the_streams_behind_them),
		cmocka_unit_test(a_person_who_listens_to_their_own_streams_gets_no_e_mails),
		cmocka_unit_test(attempts_say_how_they_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
