/* SPDX-License-Identifier: MIT */
/* Remembers who had the last edited post as an update, until its twin has come. */
#include "edits.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "xmalloc.h"

enum had { HAD_NOT, HAD_IT, HAD_AND_MATCHED };

struct edits {
	char *id, *version; /* of the post; NULL: none */
	unsigned char had[INTAKE_INSTANCES_MAX];
};

struct edits *
edits_create(void)
{
	return xcalloc(1, sizeof(struct edits));
}

void
edits_destroy(struct edits *edits)
{
	if (!edits)
		return;
	free(edits->id);
	free(edits->version);
	free(edits);
}

/* As that of the status.update with the same content. New. */
static char *
version_of(const struct event *event)
{
	struct event twin = *event;
	struct buf version;
	twin.kind = EVENT_STATUS_UPDATE;
	buf_init(&version, MESSAGE_MAX);
	event_version(&twin, &version);
	return buf_take(&version, NULL);
}

void
edits_begin(struct edits *edits, const struct event *event)
{
	if (!edits->id && event->kind != EVENT_UPDATE)
		return;
	bool edited = event->kind == EVENT_UPDATE && event->origin != ORIGIN_REPLAY &&
		      json_str(json_get(json_root(event->doc), "edited_at")).len > 0;
	if (event->kind == EVENT_STATUS_UPDATE)
		return; /* it may be the twin */
	free(edits->id);
	free(edits->version);
	edits->id = edited ? str_dup(event->id) : NULL;
	edits->version = edited ? version_of(event) : NULL;
	if (edited)
		memset(edits->had, HAD_NOT, sizeof(edits->had));
}

bool
edits_open(const struct edits *edits)
{
	return edits->id != NULL;
}

void
edits_note(struct edits *edits, unsigned instance, bool matched)
{
	if (edits->id)
		edits->had[instance] = matched ? HAD_AND_MATCHED : HAD_IT;
}

bool
edits_had(const struct edits *edits, const struct event *event, unsigned instance, bool *matched)
{
	if (!edits->id || event->kind != EVENT_STATUS_UPDATE || edits->had[instance] == HAD_NOT ||
		!str_eq_text(event->id, edits->id))
		return false;
	char *version = version_of(event);
	bool same = version && edits->version && strcmp(version, edits->version) == 0;
	free(version);
	*matched = edits->had[instance] == HAD_AND_MATCHED;
	return same;
}
