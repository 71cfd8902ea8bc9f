/* SPDX-License-Identifier: MIT */
/* Asks for what the owner of a token hides, and for a public timeline with and without the token. */
#include "checkup_hidden.h"

#include <stdlib.h>
#include <string.h>

#include "doctor_parts.h"
#include "limits.h"
#include "xmalloc.h"

enum { TIMELINE_PAGES = 3 };

static const char *const lists[] = {
	[HIDDEN_BLOCK] = "/api/v1/blocks?limit=80",
	[HIDDEN_MUTE] = "/api/v1/mutes?limit=80",
	[HIDDEN_DOMAIN] = "/api/v1/domain_blocks?limit=200",
};

/* Pages of one address, each given to `take`. False when the first is refused. */
static bool
each_page(const struct patient *patient, const struct fetch_from *from, const char *first,
	unsigned pages, void (*take)(void *data, struct json_value page), void *data)
{
	char *path = xstrdup(first);
	bool good = false;
	for (unsigned i = 0; i < pages && path; i++) {
		struct fetched fetched;
		fetch_get(&patient->doctor->fetch, from, path, &fetched);
		free(path);
		path = NULL;
		struct json_value page = fetched_root(&fetched);
		if (json_type(page) == JSON_ARRAY) {
			good = true;
			take(data, page);
			path = json_count(page) > 0 ? fetched_next(&fetched, patient->account)
						    : NULL;
		}
		fetched_finish(&fetched);
	}
	free(path);
	return good;
}

struct taking {
	struct checkup_hidden *hidden;
	enum checkup_cause cause;
};

static void
take_list(void *data, struct json_value page)
{
	const struct taking *taking = data;
	checkup_hidden_add(taking->hidden, taking->cause, page);
}

static void
take_all(void *data, struct json_value page)
{
	checkup_hidden_all(data, page);
}

static void
take_own(void *data, struct json_value page)
{
	checkup_hidden_own(data, page);
}

/* Which timeline shows what the wanted streams may lack; NULL: none of them is public. */
static const char *
timeline_of(const struct patient *patient)
{
	const char *timeline = NULL;
	for (unsigned i = 0; i < patient->wanted_count; i++) {
		const char *name = patient->wanted[i].info->name;
		if (strncmp(name, "hashtag", 7) != 0 && strncmp(name, "public", 6) != 0)
			continue;
		if (!strstr(name, ":local"))
			return "/api/v1/timelines/public?limit=40";
		timeline = "/api/v1/timelines/public?local=true&limit=40";
	}
	return timeline;
}

void
doctor_hidden(struct patient *patient)
{
	const char *timeline = timeline_of(patient);
	struct fetch_from owner = {.account = patient->account, .as_owner = true},
			  anybody = {.account = patient->account};
	if (!timeline) {
		findings_add(&patient->findings, FINDING_SKIPPED, "hidden", NULL,
			"no public or hashtag stream is wanted");
		return;
	}
	struct checkup_hidden *hidden = checkup_hidden_create();
	for (unsigned i = 0; i < COUNT_OF(lists); i++) {
		struct taking taking = {hidden, (enum checkup_cause)i};
		if (!each_page(patient, &owner, lists[i], HIDDEN_PAGES_MAX, take_list, &taking))
			checkup_hidden_unread(hidden, taking.cause);
	}
	/* What the owner sees comes second, and reaches further back since there are gaps in it. */
	(void)each_page(patient, &anybody, timeline, TIMELINE_PAGES - 1, take_all, hidden);
	(void)each_page(patient, &owner, timeline, TIMELINE_PAGES, take_own, hidden);
	checkup_hidden_judge(hidden, &patient->findings);
	checkup_hidden_destroy(hidden);
}
