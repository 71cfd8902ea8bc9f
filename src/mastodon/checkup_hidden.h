/* SPDX-License-Identifier: MIT */
/* Which public posts the owner of a token does not get, and why: languages, blocks, mutes, domain blocks. Pure. */
#pragma once

#include "findings.h"
#include "json.h"

/* Gathers pages, then judges. Servers apply all of these to public and hashtag streams (protocol.md 4.1). Chosen languages can be
 * read nowhere: they show in what is missing beside what anybody sees. */
struct checkup_hidden;

enum checkup_cause { HIDDEN_BLOCK, HIDDEN_MUTE, HIDDEN_DOMAIN, HIDDEN_CAUSES };

struct checkup_hidden *checkup_hidden_create(void);         /* new */
void checkup_hidden_destroy(struct checkup_hidden *hidden); /* NULL is fine */
/* A page of /api/v1/blocks, mutes (accounts) or domain_blocks (texts). */
void checkup_hidden_add(
	struct checkup_hidden *hidden, enum checkup_cause cause, struct json_value page);
/* That list cannot be read with the token. */
void checkup_hidden_unread(struct checkup_hidden *hidden, enum checkup_cause cause);
/* A page of a public timeline as anybody sees it, without token. */
void checkup_hidden_all(struct checkup_hidden *hidden, struct json_value page);
/* A page of the same as the owner sees it. To be asked for later than the other. */
void checkup_hidden_own(struct checkup_hidden *hidden, struct json_value page);
void checkup_hidden_judge(struct checkup_hidden *hidden, struct findings *findings);
