/* SPDX-License-Identifier: MIT */
/* Where a redirect may take the token: to the servers that the account knows, and nowhere else (protocol.md 4.4). */
#pragma once

#include "account.h"
#include "buf.h"

/* Adds the address that `location` leads to from `from`, http or https, without a query when `bare`. False, and nothing is added, when
 * it is none, or of a host, port or scheme other than those of the account's server and of its streaming server. */
bool redirect_resolve(const struct account *account, const char *from, const char *location,
	bool bare, struct buf *out);
