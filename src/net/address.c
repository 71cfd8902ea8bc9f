/* SPDX-License-Identifier: MIT */
/* Which addresses are not the public network. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "attr.h"

struct range4 {
	uint32_t net; /* host byte order */
	unsigned bits;
	const char *words;
};

static const struct range4 ranges4[] = {
	{0x00000000, 8, "an unspecified address"}, /* 0.0.0.0 is this machine on Linux */
	{0x0a000000, 8, "a private address"},
	{0x64400000, 10, "an address of a provider's inner network"}, /* RFC 6598 */
	{0x7f000000, 8, "a loopback address"},
	{0xa9fe0000, 16, "a link-local address"}, /* cloud metadata lives at 169.254.169.254 */
	{0xac100000, 12, "a private address"},
	{0xc0000000, 24, "a reserved address"}, /* RFC 6890 */
	{0xc0000200, 24, "an address for documentation"},
	{0xc0586300, 24, "a reserved address"}, /* 6to4 relays, RFC 7526 */
	{0xc0a80000, 16, "a private address"}, {0xc6120000, 15, "an address for benchmarks"},
	{0xc6336400, 24, "an address for documentation"},
	{0xcb007100, 24, "an address for documentation"}, {0xe0000000, 4, "a multicast address"},
	{0xf0000000, 4, "a reserved address"}, /* with 255.255.255.255 */
};

struct range6 {
	uint8_t net[16];
	unsigned bits;
	const char *words;
};

static const struct range6 ranges6[] = {
	{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "an address of an inner network"}, /* RFC 8215 */
	{{0x01, 0x00}, 64, "a reserved address"}, /* discard only, RFC 6666 */
	{{0x20, 0x01, 0x0d, 0xb8}, 32, "an address for documentation"},
	{{0x20, 0x01, 0x00, 0x00}, 23,
		"a reserved address"},                      /* protocol assignments, Teredo in it */
	{{0x3f, 0xff}, 20, "an address for documentation"}, /* RFC 9637 */
	{{0x5f, 0x00}, 16, "a reserved address"},           /* SRv6, RFC 9602 */
	{{0xfc}, 7, "a private address"},
	{{0xfe, 0x80}, 10, "a link-local address"},
	{{0xfe, 0xc0}, 10, "a private address"}, /* site-local, RFC 3879 */
	{{0xff}, 8, "a multicast address"},
};

static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static const char *
special4(uint32_t address)
{
	for (size_t i = 0; i < COUNT_OF(ranges4); i++) {
		if ((address ^ ranges4[i].net) >> (32 - ranges4[i].bits) == 0)
			return ranges4[i].words;
	}
	return NULL;
}

static uint32_t
read4(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static const char *
special6(const uint8_t *address)
{
	static const uint8_t zero[16], one[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t translated[12] = {[8] = 0xff, [9] = 0xff}; /* ::ffff:0:a.b.c.d, SIIT */
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	if (memcmp(address, zero, 16) == 0)
		return "an unspecified address";
	if (memcmp(address, one, 16) == 0)
		return "a loopback address";
	if (memcmp(address, mapped, 12) == 0 || memcmp(address, translated, 12) == 0 ||
		memcmp(address, nat64, 12) == 0)
		return special4(read4(address + 12));
	if (memcmp(address, zero, 12) == 0) { /* ::a.b.c.d, RFC 4291, 2.5.5.1 */
		const char *words = special4(read4(address + 12));
		return words ? words : "a reserved address";
	}
	if (address[0] == 0x20 && address[1] == 0x02) /* 6to4 */
		return special4(read4(address + 2));
	for (size_t i = 0; i < COUNT_OF(ranges6); i++) {
		if (same_bits(address, ranges6[i].net, ranges6[i].bits))
			return ranges6[i].words;
	}
	return NULL;
}

const char *
address_special(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof(in));
		return special4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof(in6));
		return special6(in6.sin6_addr.s6_addr);
	}
	return "no internet address";
}

const char *
address_special_text(const char *text)
{
	char bare[INET6_ADDRSTRLEN + 1];
	struct in_addr in;
	struct in6_addr in6;
	size_t len = strcspn(text, "%"); /* a scope follows */
	if (len >= sizeof(bare))
		return "no internet address";
	memcpy(bare, text, len);
	bare[len] = '\0';
	if (inet_pton(AF_INET, bare, &in) == 1)
		return special4(ntohl(in.s_addr));
	if (inet_pton(AF_INET6, bare, &in6) == 1)
		return special6(in6.s6_addr);
	return "no internet address";
}

bool
address_name_is_local(const char *host)
{
	static const char *const zones[] = {
		".localhost", ".local", ".internal", ".lan", ".home.arpa"};
	struct in_addr in;
	struct in6_addr in6;
	char bare[256];
	size_t len = strlen(host);
	if (len > 0 && host[len - 1] == '.')
		len--; /* "localhost." is the same name */
	if (len == 0 || len >= sizeof(bare))
		return false;
	memcpy(bare, host, len);
	bare[len] = '\0';
	if (inet_pton(AF_INET, bare, &in) == 1 || inet_pton(AF_INET6, bare, &in6) == 1)
		return address_special_text(bare) != NULL;
	if (strchr(bare, ':'))
		return false;
	if (!strchr(bare, '.')) /* "2130706433" and "0x7f000001" are numbers, no names */
		return strspn(bare, "0123456789abcdefx") != len || bare[0] > '9';
	for (size_t i = 0; i < COUNT_OF(zones); i++) {
		if (str_ends(str_from(bare), zones[i]))
			return true;
	}
	return false;
}
