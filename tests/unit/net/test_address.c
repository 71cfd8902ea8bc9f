/* SPDX-License-Identifier: MIT */
/* address: the table of addresses that are not the public network. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "attr.h"

static const struct {
	const char *text, *words; /* NULL: public */
} table[] = {
	{"0.0.0.0", "unspecified"},
	{"0.1.2.3", "unspecified"},
	{"9.255.255.255", NULL},
	{"10.0.0.0", "private"},
	{"10.255.255.255", "private"},
	{"11.0.0.0", NULL},
	{"100.63.255.255", NULL},
	{"100.64.0.0", "provider"},
	{"100.127.255.255", "provider"},
	{"100.128.0.0", NULL},
	{"126.255.255.255", NULL},
	{"127.0.0.1", "loopback"},
	{"127.255.255.254", "loopback"},
	{"128.0.0.0", NULL},
	{"169.253.255.255", NULL},
	{"169.254.169.254", "link-local"},
	{"169.255.0.0", NULL},
	{"172.15.255.255", NULL},
	{"172.16.0.0", "private"},
	{"172.31.255.255", "private"},
	{"172.32.0.0", NULL},
	{"192.0.0.8", "reserved"},
	{"192.0.1.1", NULL},
	{"192.0.2.1", "documentation"},
	{"192.88.99.1", "reserved"},
	{"192.167.255.255", NULL},
	{"192.168.0.1", "private"},
	{"192.168.255.255", "private"},
	{"192.169.0.0", NULL},
	{"198.17.255.255", NULL},
	{"198.18.0.1", "benchmarks"},
	{"198.19.255.255", "benchmarks"},
	{"198.20.0.0", NULL},
	{"198.51.100.7", "documentation"},
	{"203.0.113.7", "documentation"},
	{"223.255.255.255", NULL},
	{"224.0.0.1", "multicast"},
	{"239.255.255.255", "multicast"},
	{"240.0.0.1", "reserved"},
	{"255.255.255.255", "reserved"},
	{"1.1.1.1", NULL},
	{"::", "unspecified"},
	{"::1", "loopback"},
	{"::2", "unspecified"},
	{"::127.0.0.1", "loopback"},
	{"::8.8.8.8", "reserved"},
	{"::ffff:127.0.0.1", "loopback"},
	{"::ffff:10.1.2.3", "private"},
	{"::ffff:8.8.8.8", NULL},
	{"::ffff:0:127.0.0.1", "loopback"},
	{"64:ff9b::7f00:1", "loopback"},
	{"64:ff9b::192.168.1.1", "private"},
	{"64:ff9b::8.8.8.8", NULL},
	{"64:ff9b:1::8.8.8.8", "inner network"},
	{"100::1", "reserved"},
	{"2001::1", "reserved"},
	{"2001:0:53aa:64c::1", "reserved"},
	{"2001:200::1", NULL},
	{"2001:db8::1", "documentation"},
	{"2001:4860:4860::8888", NULL},
	{"2002:7f00:1::1", "loopback"},
	{"2002:c0a8:101::", "private"},
	{"2002:808:808::1", NULL},
	{"2606:4700::1111", NULL},
	{"3fff:0:1::1", "documentation"},
	{"5f00::1", "reserved"},
	{"fbff::1", NULL},
	{"fc00::1", "private"},
	{"fdff:ffff::1", "private"},
	{"fe80::1", "link-local"},
	{"febf::1", "link-local"},
	{"fec0::1", "private"},
	{"ff02::1", "multicast"},
};

static void
assert_words(const char *found, size_t row)
{
	const char *wanted = table[row].words;
	if (!wanted ? found != NULL : !found || !strstr(found, wanted))
		fail_msg("%s: found %s, expected %s", table[row].text, found ? found : "public",
			wanted ? wanted : "public");
}

static void
knows_what_is_not_public(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct sockaddr_in in = {.sin_family = AF_INET};
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
		bool four = inet_pton(AF_INET, table[i].text, &in.sin_addr) == 1;
		if (!four)
			assert_int_equal(inet_pton(AF_INET6, table[i].text, &in6.sin6_addr), 1);
		assert_words(address_special(four ? (const struct sockaddr *)&in
						  : (const struct sockaddr *)&in6),
			i);
		assert_words(address_special_text(table[i].text), i);
	}
}

static void
what_is_no_internet_address_is_not_public(void **state)
{
	(void)state;
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	static const char *const texts[] = {"", "example.org", "1.2.3", "0x7f.1", "::1::2",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"};
	assert_non_null(address_special((const struct sockaddr *)&local));
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_non_null(address_special_text(texts[i]));
	assert_string_equal(address_special_text("fe80::1%eth0"), "a link-local address");
}

static void
a_name_says_whether_it_is_local(void **state)
{
	(void)state;
	static const char *const local[] = {"localhost", "localhost.", "app.localhost", "127.0.0.1",
		"10.1.2.3", "::1", "fd00::1", "printer", "nas.local", "db.internal", "router.lan",
		"box.home.arpa"};
	static const char *const others[] = {"", "hooks.example", "localhost.example",
		"local.example", "8.8.8.8", "2606:4700::1111", "2130706433", "0x7f000001", "0x7f.1",
		"127.1", "mylan.example", "notlocal.example"};
	for (size_t i = 0; i < COUNT_OF(local); i++) {
		if (!address_name_is_local(local[i]))
			fail_msg("%s is not local", local[i]);
	}
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (address_name_is_local(others[i]))
			fail_msg("%s is local", others[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_is_not_public),
		cmocka_unit_test(what_is_no_internet_address_is_not_public),
		cmocka_unit_test(a_name_says_whether_it_is_local),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
