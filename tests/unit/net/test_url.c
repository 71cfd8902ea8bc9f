/* SPDX-License-Identifier: MIT */
/* url: what is taken apart, what is refused, and percent encoding both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "url.h"

struct row {
	const char *text;
	const char *host;
	const char *path;
	const char *query;
	const char *origin;
	uint16_t port;
	bool tls;
};

static const struct row good[] = {
	{"https://mastodon.example", "mastodon.example", "/", NULL, "https://mastodon.example", 443,
		true},
	{"https://Mastodon.EXAMPLE/Path", "mastodon.example", "/Path", NULL,
		"https://mastodon.example", 443, true},
	{"wss://s.example:443/api/v1/streaming?stream=user", "s.example", "/api/v1/streaming",
		"stream=user", "https://s.example", 443, true},
	{"WS://127.0.0.1:4000", "127.0.0.1", "/", NULL, "http://127.0.0.1:4000", 4000, false},
	{"http://[::1]:80/x?", "::1", "/x", "", "http://[::1]", 80, false},
	{"http://[2001:DB8::1]:8080", "2001:db8::1", "/", NULL, "http://[2001:db8::1]:8080", 8080,
		false},
	{"http://h?a=b?c", "h", "/", "a=b?c", "http://h", 80, false},
	{"http://h:/", "h", "/", NULL, "http://h", 80, false},
	{"http://b\xc3\xbc"
	 "cher.example/",
		"b\xc3\xbc"
		"cher.example",
		"/", NULL,
		"http://b\xc3\xbc"
		"cher.example",
		80, false},
};

static const char *const bad[] = {"", "mastodon.example", "ftp://h/", "http://", "http:///x",
	"https://user@h/", "https://user:pw@h/", "http://h/#top", "http://h/a b",
	"http://h/\r\nX: y", "http://h:0/", "http://h:65536/", "http://h:80x/", "http://h:-1/",
	"http://[::1", "http://[]/", "http://[::1]x/", "http://a%2fb/", "http://h\\@evil/",
	"http://h/\x7f", "https:/h", "http://?x"};

static void
takes_addresses_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct url url;
		struct buf origin;

		assert_true(url_parse(str_from(good[i].text), &url));
		assert_int_equal(url.tls, good[i].tls);
		assert_string_equal(url.host, good[i].host);
		assert_int_equal(url.port, good[i].port);
		assert_string_equal(url.path, good[i].path);
		if (good[i].query)
			assert_string_equal(url.query, good[i].query);
		else
			assert_null(url.query);
		buf_init(&origin, 1024);
		url_put_origin(&url, &origin);
		assert_string_equal(origin.ptr, good[i].origin);
		buf_finish(&origin);
		url_finish(&url);
	}
}

static void
refuses_what_is_no_address_of_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct url url;

		if (url_parse(str_from(bad[i]), &url))
			fail_msg("accepted: %s", bad[i]);
	}
}

static void
refuses_a_host_that_does_not_fit(void **state)
{
	char text[400] = "http://";
	struct url url;

	(void)state;
	for (size_t i = 7; i < sizeof(text) - 1; i++)
		text[i] = 'a';
	assert_false(url_parse(str_from(text), &url));
}

static void
encodes_all_but_unreserved_and_decodes_back(void **state)
{
	struct buf coded, plain;

	(void)state;
	buf_init(&coded, 1024);
	buf_init(&plain, 1024);
	url_encode(STR("a-._~9/ +&=%\xc3\xa9\n"), &coded);
	assert_string_equal(coded.ptr, "a-._~9%2F%20%2B%26%3D%25%C3%A9%0A");
	assert_true(url_decode(buf_str(&coded), false, &plain));
	assert_string_equal(plain.ptr, "a-._~9/ +&=%\xc3\xa9\n");
	buf_finish(&coded);
	buf_finish(&plain);
}

static void
plus_is_a_space_only_in_forms(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	assert_true(url_decode(STR("a+b"), true, &out));
	assert_true(url_decode(STR("a+b%2b"), false, &out));
	assert_string_equal(out.ptr, "a ba+b+");
	buf_finish(&out);
}

static void
refuses_broken_escapes(void **state)
{
	static const char *const broken[] = {"%", "%4", "a%4", "%zz", "%4g"};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct buf out;

		buf_init(&out, 64);
		assert_false(url_decode(str_from(broken[i]), false, &out));
		buf_finish(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_addresses_apart),
		cmocka_unit_test(refuses_what_is_no_address_of_ours),
		cmocka_unit_test(refuses_a_host_that_does_not_fit),
		cmocka_unit_test(encodes_all_but_unreserved_and_decodes_back),
		cmocka_unit_test(plus_is_a_space_only_in_forms),
		cmocka_unit_test(refuses_broken_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
