/* SPDX-License-Identifier: MIT */
/* Tests of where a redirect may take the token (protocol.md 4.4). */
#include "redirect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "limits.h"

static char server[] = "https://social.example";
static char streaming[] = "https://streaming.social.example:4000";

static void
leads_only_to_servers_that_the_account_knows(void **state)
{
	(void)state;
	static const struct {
		const char *location, *to; /* NULL: nowhere */
	} rows[] = {
		{"/api/v1/streaming/", "https://streaming.social.example:4000/api/v1/streaming/"},
		{"/other?stream=user", "https://streaming.social.example:4000/other"},
		{"https://social.example/api/v1/streaming",
			"https://social.example/api/v1/streaming"},
		{"wss://SOCIAL.example:443/x", "https://social.example/x"},
		{"https://streaming.social.example:4000/y",
			"https://streaming.social.example:4000/y"},
		{"//social.example/z", "https://social.example/z"},
		/* Another scheme, port, host; what only looks like one of ours; nonsense. */
		{"http://social.example/api/v1/streaming", NULL},
		{"ws://social.example/api/v1/streaming", NULL},
		{"https://social.example:8443/", NULL},
		{"https://streaming.social.example/", NULL},
		{"https://evil.example/api/v1/streaming", NULL},
		{"//evil.example/", NULL},
		{"https://social.example.evil.example/", NULL},
		{"https://social.example@evil.example/", NULL},
		{"javascript:alert(1)", NULL},
		{"streaming", NULL},
		{"", NULL},
	};
	struct account account = {.server = server, .streaming = streaming};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out;
		buf_init(&out, URL_MAX);
		bool ok = redirect_resolve(&account, streaming, rows[i].location, true, &out);
		if (ok != (rows[i].to != NULL) || (ok && strcmp(out.ptr, rows[i].to) != 0)) {
			fail_msg("%s: %s", rows[i].location, ok ? out.ptr : "nowhere");
		}
		buf_finish(&out);
	}
}

static void
keeps_the_query_where_it_is_wanted(void **state)
{
	(void)state;
	struct account account = {.server = server};
	struct buf out;
	buf_init(&out, URL_MAX);
	assert_true(redirect_resolve(
		&account, server, "/api/v1/streaming/hashtag?tag=c%26ts", false, &out));
	assert_string_equal(out.ptr, "https://social.example/api/v1/streaming/hashtag?tag=c%26ts");
	buf_finish(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leads_only_to_servers_that_the_account_knows),
		cmocka_unit_test(keeps_the_query_where_it_is_wanted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
