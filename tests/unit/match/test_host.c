/* SPDX-License-Identifier: MIT */
/* Hosts of addresses: one form for all ways to write one, and the registered part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attr.h"
#include "host.h"

static void
all_ways_to_write_a_host_are_one(void **state)
{
	static const struct {
		const char *address, *host;
	} rows[] = {
		{"https://evil.example", "evil.example"},
		{"HTTPS://WWW.Evil.Example:8443/path?q=a@b", "www.evil.example"},
		{"https://good.example@evil.example/", "evil.example"},
		{"https://a:b@evil.example:443#x", "evil.example"},
		{"https://evil.example./", "evil.example"},
		{"https:\\\\evil.example\\x", "evil.example"},
		{"https:/evil.example/x", "evil.example"},
		{"//evil.example/x", "evil.example"},
		{"https://ev%69l.example/", "evil.example"},
		{"https://xn--bcher-kva.example/", "b\u00fccher.example"},
		{"https://B\u00dcCHER.example/", "b\u00fccher.example"},
		{"https://b\u00fccher\u3002example/", "b\u00fccher.example"},
		{"https://XN--E1AFMKFD.example", "\u043f\u0440\u0438\u043c\u0435\u0440.example"},
		{"https://xn--\x80.example/", NULL},
		{"https://xn--a.example/", "xn--a.example"},
		{"https://xn--99999999999.example/", "xn--99999999999.example"},
		{"https://[2001:DB8::1]:80/", "[2001:db8::1]"},
		{"http://192.0.2.7/", "192.0.2.7"},
		{"mailto:bob@evil.example", NULL},
		{"gopher://evil.example/1", "evil.example"},
		{"/relative", NULL},
		{"https://", NULL},
		{"", NULL},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char host[LINK_HOST_MAX + 1];
		bool found = host_of_address(str_from(rows[i].address), host);
		if (found != (rows[i].host != NULL))
			fail_msg("%s gave %s", rows[i].address, found ? host : "nothing");
		if (found)
			assert_string_equal(host, rows[i].host);
	}
}

static void
knows_what_somebody_registered(void **state)
{
	static const struct {
		const char *host, *registrable;
	} rows[] = {
		{"www.evil.example", "evil.example"},
		{"evil.example", "evil.example"},
		{"example", NULL},
		{"a.b.shop.co.uk", "shop.co.uk"},
		{"co.uk", NULL},
		{"me.github.io", "me.github.io"},
		{"x.me.github.io", "me.github.io"},
		{"www.b\u00fccher.de", "b\u00fccher.de"},
		{"a.b.\u0441\u0430\u0439\u0442.\u0440\u0444",
			"\u0441\u0430\u0439\u0442.\u0440\u0444"},
		{"192.0.2.7", "192.0.2.7"},
		{"[::1]", "[::1]"},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *found = host_registrable(rows[i].host);
		if (!found || !rows[i].registrable)
			assert_true(!found && !rows[i].registrable);
		else
			assert_string_equal(found, rows[i].registrable);
	}
}

static void
a_star_stands_for_all_below(void **state)
{
	(void)state;
	assert_true(host_is("a.evil.example", "*.evil.example"));
	assert_true(host_is("evil.example", "*.evil.example"));
	assert_true(host_is("evil.example", "evil.example"));
	assert_false(host_is("a.evil.example", "evil.example"));
	assert_false(host_is("notevil.example", "*.evil.example"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_ways_to_write_a_host_are_one),
		cmocka_unit_test(knows_what_somebody_registered),
		cmocka_unit_test(a_star_stands_for_all_below),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
