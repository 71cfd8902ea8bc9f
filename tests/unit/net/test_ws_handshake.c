/* SPDX-License-Identifier: MIT */
/* ws_handshake: the request that goes out, and which answers open a WebSocket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "limits.h"
#include "ws_handshake.h"

/* The example of RFC 6455, section 1.3. */
#define KEY   "dGhlIHNhbXBsZSBub25jZQ=="
#define PROOF "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define HEAD                                                                                       \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"

static const struct handshake handshake = {.host = "social.example:8443",
	.path = "/api/v1/streaming?stream=user",
	.bearer = "t0ken",
	.key = KEY};

static void
the_request_names_host_path_key_and_token(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 4096);
	handshake_put(&handshake, &out);
	assert_true(str_starts(buf_str(&out),
		"GET /api/v1/streaming?stream=user HTTP/1.1\r\nHost: social.example:8443\r\n"));
	assert_non_null(strstr(out.ptr, "\r\nSec-WebSocket-Key: " KEY "\r\n"));
	assert_non_null(strstr(out.ptr, "\r\nSec-WebSocket-Version: 13\r\n"));
	assert_non_null(strstr(
		out.ptr, "\r\nAuthorization: Bearer t0ken\r\nSec-WebSocket-Protocol: t0ken\r\n"));
	assert_true(str_ends(buf_str(&out), "\r\n\r\n"));
	buf_finish(&out);
}

static void
answers_open_refuse_or_are_bad(void **state)
{
	static const struct {
		const char *answer;
		enum handshake_result result;
		int status;
		const char *words; /* part of the error */
	} rows[] = {
		{HEAD PROOF "\r\n", HANDSHAKE_OPEN, 101, ""},
		{HEAD PROOF "Sec-WebSocket-Protocol: t0ken\r\n\r\n", HANDSHAKE_OPEN, 101, ""},
		{"HTTP/1.1 101 x\nupgrade:websocket\nconnection:upgrade\n" PROOF "\n",
			HANDSHAKE_OPEN, 101, ""},
		{HEAD PROOF, HANDSHAKE_MORE, 0, ""},
		{"HTTP/1.1 401 Unauthorized\r\nX-Error-Message: Invalid access token\r\n\r\n{}",
			HANDSHAKE_REFUSED, 401, "Invalid access token"},
		{"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\n\r\n",
			HANDSHAKE_REFUSED, 302, ""},
		{HEAD "\r\n", HANDSHAKE_BAD, 101, "did not agree"},
		{HEAD "Sec-WebSocket-Accept: wrong\r\n\r\n", HANDSHAKE_BAD, 101, "did not agree"},
		{"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n" PROOF "\r\n", HANDSHAKE_BAD, 101,
			"did not agree"},
		{HEAD PROOF "Sec-WebSocket-Protocol: other\r\n\r\n", HANDSHAKE_BAD, 101,
			"not offered"},
		{HEAD PROOF "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", HANDSHAKE_BAD,
			101, "not offered"},
		{"SSH-2.0-OpenSSH\r\n", HANDSHAKE_BAD, 0, "no HTTP"},
		{"HTTP/2 101\r\n\r\n", HANDSHAKE_BAD, 0, "no HTTP"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct handshake_answer answer;
		assert_int_equal(handshake_read(&handshake, str_from(rows[i].answer), &answer),
			rows[i].result);
		assert_non_null(strstr(answer.error, rows[i].words));
		if (rows[i].result != HANDSHAKE_MORE)
			assert_int_equal(answer.status, rows[i].status);
	}
}

static void
frames_behind_the_head_are_left_alone(void **state)
{
	struct handshake_answer answer;
	(void)state;
	assert_int_equal(handshake_read(&handshake, STR(HEAD PROOF "\r\n\x81\x01x"), &answer),
		HANDSHAKE_OPEN);
	assert_int_equal(answer.used, sizeof(HEAD PROOF "\r\n") - 1);
}

static void
an_endless_head_is_given_up(void **state)
{
	static char text[WS_HANDSHAKE_MAX + 2];
	struct handshake_answer answer;
	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "HTTP/1.1 101 ", 13);
	assert_int_equal(handshake_read(&handshake, (struct str){text, WS_HANDSHAKE_MAX}, &answer),
		HANDSHAKE_MORE);
	assert_int_equal(
		handshake_read(&handshake, (struct str){text, WS_HANDSHAKE_MAX + 1}, &answer),
		HANDSHAKE_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_names_host_path_key_and_token),
		cmocka_unit_test(answers_open_refuse_or_are_bad),
		cmocka_unit_test(frames_behind_the_head_are_left_alone),
		cmocka_unit_test(an_endless_head_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
