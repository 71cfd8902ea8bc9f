/* SPDX-License-Identifier: MIT */
/* Tests of what the ends of connections mean (protocol.md 1.4, 1.6, 2.1, 2.4, 10). */
#include "ending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "attr.h"

static void
every_close_code_has_a_meaning(void **state)
{
	(void)state;
	static const struct {
		int code;
		enum ending ending;
	} rows[] = {
		{1000, ENDING_TRANSIENT},
		{1001, ENDING_TRANSIENT},
		{1002, ENDING_TRANSIENT},
		{1003, ENDING_OURS},
		{1005, ENDING_TRANSIENT},
		{1007, ENDING_OURS},
		{1008, ENDING_OURS},
		{1009, ENDING_TRANSIENT},
		{1011, ENDING_TRANSIENT},
		{1012, ENDING_TRANSIENT},
		{1013, ENDING_TRANSIENT},
		{4000, ENDING_TRANSIENT},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ws_ended ended = {.end = WS_CLOSED, .code = rows[i].code, .error = ""};
		assert_int_equal(ending_of_ws(&ended, true), rows[i].ending);
	}
}

static void
a_server_that_is_not_there_is_down(void **state)
{
	(void)state;
	static const enum ws_end ends[] = {
		WS_NO_NAME, WS_NO_CONNECT, WS_TLS, WS_SLOW, WS_CUT, WS_BROKEN};
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct ws_ended ended = {.end = ends[i], .error = ""};
		assert_int_equal(ending_of_ws(&ended, false), ENDING_DOWN);
	}
	static const enum ws_end later[] = {WS_CUT, WS_TOO_BIG, WS_BROKEN};
	for (size_t i = 0; i < COUNT_OF(later); i++) {
		struct ws_ended ended = {.end = later[i], .error = ""};
		assert_int_equal(ending_of_ws(&ended, true), ENDING_TRANSIENT);
	}
	static const enum http_end http_ends[] = {
		HTTP_NO_NAME, HTTP_NO_CONNECT, HTTP_TLS, HTTP_SLOW, HTTP_TRUNCATED, HTTP_BROKEN};
	for (size_t i = 0; i < COUNT_OF(http_ends); i++) {
		struct http_answer answer = {.end = http_ends[i], .error = ""};
		assert_int_equal(ending_of_sse(&answer, ""), ENDING_DOWN);
	}
}

static void
every_status_means_the_same_on_both_transports(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *words;
		enum ending ending;
	} rows[] = {
		{301, "", ENDING_MOVED},
		{307, "", ENDING_MOVED},
		{400, "Unknown channel requested", ENDING_OURS},
		{401, "Invalid access token", ENDING_CREDENTIALS},
		{401, "Error: Access token does not cover required scopes", ENDING_REFUSED},
		{401, "Access token does not have the required scopes", ENDING_REFUSED},
		{401, "Not authorized to stream this list", ENDING_REFUSED},
		{401, "", ENDING_CREDENTIALS},
		{403, "", ENDING_FORBIDDEN},
		{404, "", ENDING_ABSENT},
		{405, "", ENDING_ABSENT},
		{418, "", ENDING_OURS},
		{429, "", ENDING_DOWN},
		{500, "", ENDING_DOWN},
		{501, "", ENDING_ABSENT},
		{502, "", ENDING_DOWN},
		{503, "", ENDING_DOWN},
		{504, "", ENDING_DOWN},
		{522, "", ENDING_DOWN},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ws_ended ended = {
			.end = WS_REFUSED, .http_status = rows[i].status, .error = rows[i].words};
		struct http_answer answer = {.end = HTTP_REJECTED, .status = rows[i].status};
		assert_int_equal(ending_of_ws(&ended, false), rows[i].ending);
		assert_int_equal(ending_of_sse(&answer, rows[i].words), rows[i].ending);
	}
}

static void
an_event_stream_that_ends_is_not_a_server_that_is_down(void **state)
{
	(void)state;
	static const enum http_end ends[] = {HTTP_DONE, HTTP_TRUNCATED, HTTP_BROKEN};
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct http_answer answer = {.end = ends[i], .status = 200, .error = ""};
		assert_int_equal(ending_of_sse(&answer, ""), ENDING_TRANSIENT);
	}
	/* A hotel's wifi page. */
	struct http_answer page = {.end = HTTP_REJECTED, .status = 200};
	assert_int_equal(ending_of_sse(&page, "an HTML page"), ENDING_DOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_close_code_has_a_meaning),
		cmocka_unit_test(a_server_that_is_not_there_is_down),
		cmocka_unit_test(every_status_means_the_same_on_both_transports),
		cmocka_unit_test(an_event_stream_that_ends_is_not_a_server_that_is_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
