/* SPDX-License-Identifier: MIT */
/* Which addresses are not the public network: this machine, private networks, and what leads there by another form. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "str.h"

/* NULL for an address of the public network, else what it is, in words: "a loopback address", "a private address",
 * ... The IANA special-purpose registries (RFC 6890), and IPv6 forms that hold an IPv4 address (mapped, NAT64,
 * 6to4, Teredo) by what they hold. Anything that is neither IPv4 nor IPv6 is "no internet address". */
const char *address_special(const struct sockaddr *address);
/* The same for the text of an address, as getnameinfo writes it ("127.0.0.1", "::1", "fe80::1%eth0"). A text that is no
 * address is "no internet address". */
const char *address_special_text(const char *text);
/* True when a host's name itself says that it is of this machine or network: localhost, a special address, a name without
 * a dot, a name below .localhost, .local, .internal, .lan, .home.arpa. `host` as struct url has it. */
bool address_name_is_local(const char *host);
