/* SPDX-License-Identifier: MIT */
/* Hosts of link targets: one form for all ways to write one, and the part that somebody registered. Private to match/. */
#pragma once

#include <stdbool.h>

#include "limits.h"
#include "str.h"

/* The host of an address such as "https://User@WWW.Example.org.:443/x" as browsers see it, in its one form: small
 * letters, punycode as Unicode, no dot at the end ("www.example.org"). False when it has none. */
bool host_of_address(struct str address, char host[LINK_HOST_MAX + 1]);
/* The one form of a host; false when it is empty or too long. */
bool host_normal(struct str given, char host[LINK_HOST_MAX + 1]);
/* What stands below the public suffix of a host in its one form ("shop.co.uk" of "www.shop.co.uk"), as a part of it;
 * an IP address is its own. NULL for a public suffix itself. */
const char *host_registrable(const char *host);
/* True when `host` is `wanted` or, of "*.example.org", that or something below it; both in their one form. */
bool host_is(const char *host, const char *wanted);
