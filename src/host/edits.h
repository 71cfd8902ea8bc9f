/* SPDX-License-Identifier: MIT */
/* A post that comes edited already: for who has not had it, it is an update; for who has, an edit (design section 5). */
#pragma once

#include "event.h"

struct edits;
struct host;
struct instance;

/* A fill brings such a post twice: as an update, and right behind it as a status.update. */
struct edits *edits_create(void);
void edits_destroy(struct edits *edits); /* NULL is fine */
/* The update is being routed. Forgets the one before. */
void edits_begin(struct edits *edits, const struct event *event);
bool edits_open(const struct edits *edits); /* the update that is being routed was edited */
/* This instance has had the update for the first time; `matched`: a handler of it runs. */
void edits_note(struct edits *edits, unsigned instance, bool matched);
/* True when the instance has just had this very version of the post as its update; *matched as noted. */
bool edits_had(
	const struct edits *edits, const struct event *event, unsigned instance, bool *matched);
