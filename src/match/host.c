/* SPDX-License-Identifier: MIT */
/* Hosts of addresses after the WHATWG URL standard, punycode (RFC 3492), and the Public Suffix List by libpsl. */
#include "host.h"

#include <stdint.h>
#include <string.h>

#include <libpsl.h>

#include "attr.h"
#include "letters.h"
#include "limits.h"

/* RFC 3492, section 5 */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 0x80 };

struct name {
	char *at; /* bytes, LINK_HOST_MAX at most */
	size_t len;
};

static bool
put(struct name *name, uint32_t c)
{
	char bytes[4];
	size_t len = letter_write(c, bytes);

	if (name->len + len > LINK_HOST_MAX)
		return false;
	memcpy(name->at + name->len, bytes, len);
	name->len += len;
	return true;
}

static uint32_t
adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > ((BASE - TMIN) * TMAX) / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* Reads one number of variable length; false when it is broken. */
static bool
read_delta(struct str *text, uint32_t bias, uint32_t *i)
{
	uint32_t weight = 1;

	for (uint32_t k = BASE;; k += BASE) {
		if (text->len == 0)
			return false;
		char c = *text->ptr++;
		text->len--;
		uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0') + 26
				 : c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a')
							: BASE;
		if (digit == BASE || digit > (UINT32_MAX - *i) / weight)
			return false;
		*i += digit * weight;
		uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		if (digit < t)
			return true;
		if (weight > UINT32_MAX / (BASE - t))
			return false;
		weight *= BASE - t;
	}
}

/* What stands behind "xn--", in small letters; how many characters it is, 0 when it is broken. */
static size_t
decode_punycode(struct str text, uint32_t out[HOST_LABEL_MAX])
{
	const char *dash = text.len > 0 ? memrchr(text.ptr, '-', text.len) : NULL;
	size_t count = dash ? (size_t)(dash - text.ptr) : 0;
	uint32_t n = FIRST, i = 0, bias = BIAS;

	if (count > HOST_LABEL_MAX)
		return 0;
	for (size_t k = 0; k < count; k++)
		out[k] = (unsigned char)text.ptr[k];
	if (dash) {
		text.len -= count + 1;
		text.ptr = dash + 1;
	}
	while (text.len > 0) {
		uint32_t before = i, points = (uint32_t)count + 1;
		if (count == HOST_LABEL_MAX || !read_delta(&text, bias, &i))
			return 0;
		bias = adapt(i - before, points, before == 0);
		n += i / points;
		i %= points;
		if (n < 0xa0 || n > 0x10ffff || (n >= 0xd800 && n < 0xe000))
			return 0;
		memmove(out + i + 1, out + i, (count - i) * sizeof(*out));
		out[i++] = n;
		count++;
	}
	return count;
}

/* Adds one label; what is no sound punycode stays as it is. */
static bool
put_label(struct name *name, struct str label)
{
	uint32_t decoded[HOST_LABEL_MAX];
	size_t count = 0;

	if (label.len > 4 && memcmp(label.ptr, "xn--", 4) == 0)
		count = decode_punycode((struct str){label.ptr + 4, label.len - 4}, decoded);
	for (size_t i = 0; i < count; i++) {
		if (!put(name, letter_fold(decoded[i])))
			return false;
	}
	if (count > 0)
		return true;
	if (name->len + label.len > LINK_HOST_MAX)
		return false;
	memcpy(name->at + name->len, label.ptr, label.len);
	name->len += label.len;
	return true;
}

/* Dots of other scripts that browsers read as dots. */
static bool
is_dot(uint32_t c)
{
	return c == 0x3002 || c == 0xff0e || c == 0xff61;
}

/* Small letters and plain dots; false when it is too long. */
static bool
put_small(struct name *name, struct str given)
{
	for (size_t i = 0; i < given.len;) {
		uint32_t c;
		size_t len = str_utf8_next((struct str){given.ptr + i, given.len - i}, &c);
		if (len == 0 || c == 0)
			return false;
		if (c != 0xad && !put(name, is_dot(c) ? '.' : letter_fold(c)))
			return false;
		i += len;
	}
	return true;
}

bool
host_normal(struct str given, char host[LINK_HOST_MAX + 1])
{
	char text[LINK_HOST_MAX];
	struct name small = {.at = text}, name = {.at = host};

	host[0] = '\0';
	if (given.len == 0 || given.len > 3 * LINK_HOST_MAX || !put_small(&small, given))
		return false;
	struct str rest = {text, small.len}, label;
	if (rest.len > 0 && text[rest.len - 1] == '.')
		rest.len--;
	if (rest.len == 0)
		return false;
	while (rest.ptr) {
		rest = str_split(rest, '.', &label);
		if (!put_label(&name, label) || (rest.ptr && !put(&name, '.')))
			return false;
	}
	host[name.len] = '\0';
	return name.len > 0;
}

/* The bytes behind the scheme when it is one that names a host, else NULL. */
static const char *
behind_scheme(struct str address)
{
	static const char *const special[] = {"http", "https", "ftp", "ws", "wss"};
	struct str scheme, rest = str_split(address, ':', &scheme);

	if (str_starts(address, "//"))
		return address.ptr + 2;
	if (!rest.ptr)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(special); i++) {
		if (str_eq_nocase(scheme, str_from(special[i])))
			return rest.ptr;
	}
	return str_starts(rest, "//") ? rest.ptr : NULL;
}

static bool
is_slash(char c)
{
	return c == '/' || c == '\\';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Percent escapes undone; false when it gets too long. */
static bool
unescape(struct str text, char out[3 * LINK_HOST_MAX], size_t *len)
{
	*len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '%' && text.len - i > 2 && hex_digit(text.ptr[i + 1]) >= 0 &&
			hex_digit(text.ptr[i + 2]) >= 0) {
			c = (char)(hex_digit(text.ptr[i + 1]) << 4 | hex_digit(text.ptr[i + 2]));
			i += 2;
		}
		if (*len == (size_t)3 * LINK_HOST_MAX)
			return false;
		out[(*len)++] = c;
	}
	return true;
}

bool
host_of_address(struct str address, char host[LINK_HOST_MAX + 1])
{
	char text[3 * LINK_HOST_MAX];
	const char *end = address.ptr ? address.ptr + address.len : NULL;
	const char *at = address.ptr ? behind_scheme(address) : NULL;
	size_t len;

	host[0] = '\0';
	if (!at)
		return false;
	while (at < end && is_slash(*at))
		at++;
	const char *stop = at, *colon = NULL;
	for (; stop < end && !is_slash(*stop) && *stop != '?' && *stop != '#'; stop++) {
		if (*stop == '@') { /* what stood before it is a name and a password */
			at = stop + 1;
			colon = NULL;
		} else if (*stop == ':' && *at != '[') {
			colon = stop;
		} else if (*stop == ']') {
			colon = stop + 1; /* of "[::1]:80" */
		}
	}
	struct str given = {at, (size_t)((colon ? colon : stop) - at)};
	return unescape(given, text, &len) && host_normal((struct str){text, len}, host);
}

static bool
is_ip(const char *host)
{
	const char *last = strrchr(host, '.');

	last = last ? last + 1 : host;
	return host[0] == '[' || (*last && strspn(last, "0123456789") == strlen(last));
}

const char *
host_registrable(const char *host)
{
	return is_ip(host) ? host : psl_registrable_domain(psl_builtin(), host);
}

bool
host_is(const char *host, const char *wanted)
{
	if (strncmp(wanted, "*.", 2) != 0)
		return strcmp(host, wanted) == 0;
	wanted += 2;
	size_t len = strlen(host), tail = strlen(wanted);
	if (len < tail || strcmp(host + len - tail, wanted) != 0)
		return false;
	return len == tail || host[len - tail - 1] == '.';
}
