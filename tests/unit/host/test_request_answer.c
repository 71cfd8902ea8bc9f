/* SPDX-License-Identifier: MIT */
/* Answers as waiting tasks read them: head, next page, body byte for byte, problems. */
#include "request_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ORIGIN "https://a.example"

static struct buf
put(const struct http_answer *answer, const char *origin)
{
	struct secrets *secrets = secrets_create();
	struct buf out;
	secrets_add(secrets, "hook", STR("very-secret-path"));
	buf_init(&out, 1 << 20);
	request_put_answer(answer, origin, secrets, &out);
	secrets_destroy(secrets);
	assert_int_equal(out.err, ERR_OK);
	return out;
}

static void
the_body_comes_as_it_is(void **state)
{
	(void)state;
	const struct http_header headers[] = {
		{"content-type", "text/x"}, {"set-cookie", "a=1"}, {"set-cookie", "b=2"}};
	struct http_answer answer = {
		.status = 201, .headers = headers, .header_count = 3, .body = {"a\0b\n\xff", 5}};
	static const char expected[] =
		"{\"ok\":{\"status\":201,\"headers\":{\"content-type\":\"text/x\",\"set-cookie\":\"a=1, b=2\"}}}\n"
		"a\0b\n\xff";
	struct buf out = put(&answer, NULL);
	assert_int_equal(out.len, sizeof(expected) - 1);
	assert_memory_equal(out.ptr, expected, out.len);
	buf_finish(&out);
}

static void
the_next_page_is_one_of_the_same_server(void **state)
{
	(void)state;
	static const struct {
		const char *link, *next; /* NULL: none */
	} cases[] = {
		{"<" ORIGIN "/api/v1/x?max_id=1>; rel=\"next\", <" ORIGIN
		 "/api/v1/x?min_id=2>; rel=\"prev\"",
			"/api/v1/x?max_id=1"},
		{"<" ORIGIN "/api/v1/x?min_id=2>; rel=\"prev\", <" ORIGIN
		 "/api/v1/x?max_id=1>; title=\"y\"; rel=next",
			"/api/v1/x?max_id=1"},
		{"</api/v1/x?max_id=1>; rel=\"next\"", "/api/v1/x?max_id=1"},
		{"<https://evil.example/api/v1/x>; rel=\"next\"", NULL},
		{"<" ORIGIN ".evil.example/api/v1/x>; rel=\"next\"", NULL},
		{"<" ORIGIN "@evil.example/api/v1/x>; rel=\"next\"", NULL},
		{"<" ORIGIN "/oauth/x>; rel=\"next\"", NULL},
		{"<" ORIGIN "/api/v1/x>; rel=\"prev\"", NULL},
		{"<" ORIGIN "/api/v1/x", NULL},
		{"nonsense", NULL},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct http_header header = {"link", cases[i].link};
		struct http_answer answer = {.status = 200, .headers = &header, .header_count = 1};
		char expected[200];
		struct buf out = put(&answer, ORIGIN);
		snprintf(expected, sizeof(expected), "\"next\":\"%s\"",
			cases[i].next ? cases[i].next : "");
		(void)buf_add_char(&out, '\0');
		if ((strstr(out.ptr, "\"next\":") != NULL) != (cases[i].next != NULL) ||
			(cases[i].next && !strstr(out.ptr, expected)))
			fail_msg("%s: %s", cases[i].link, out.ptr);
		buf_finish(&out);
	}
}

static void
many_headers_are_cut(void **state)
{
	(void)state;
	static struct http_header headers[20000];
	static char names[20000][8];
	for (unsigned i = 0; i < COUNT_OF(headers); i++) {
		snprintf(names[i], sizeof(names[i]), "h%u", i);
		headers[i] = (struct http_header){names[i], ""};
	}
	struct http_answer answer = {
		.status = 200, .headers = headers, .header_count = COUNT_OF(headers)};
	struct buf out = put(&answer, NULL);
	assert_in_range(out.len, 256 * 7, 256 * 16);
	buf_finish(&out);
}

static void
what_went_wrong_has_a_kind(void **state)
{
	(void)state;
	static const struct {
		enum http_end end;
		const char *kind;
	} cases[] = {
		{HTTP_NO_NAME, "no_name"},
		{HTTP_NO_CONNECT, "no_connection"},
		{HTTP_TLS, "tls"},
		{HTTP_SLOW, "timeout"},
		{HTTP_TRUNCATED, "truncated"},
		{HTTP_BROKEN, "broken"},
		{HTTP_FORBIDDEN, "forbidden"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_answer answer = {
			.end = cases[i].end, .error = "cannot reach very-secret-path"};
		char expected[200];
		struct buf out = put(&answer, NULL);
		snprintf(expected, sizeof(expected),
			"{\"problem\":{\"kind\":\"%s\",\"message\":\"cannot reach ***\"}}",
			cases[i].kind);
		(void)buf_add_char(&out, '\0');
		assert_string_equal(out.ptr, expected);
		buf_finish(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_body_comes_as_it_is),
		cmocka_unit_test(the_next_page_is_one_of_the_same_server),
		cmocka_unit_test(many_headers_are_cut),
		cmocka_unit_test(what_went_wrong_has_a_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
