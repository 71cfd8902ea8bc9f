/* SPDX-License-Identifier: MIT */
/* Local times of instants and back: looks spans up in the transitions of a zone and in its rule. */
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "limits.h"
#include "xmalloc.h"
#include "zone_parts.h"

#define OFFSET_BOUND_S (2 * DAY_SECONDS) /* no offset is as large */

struct zone *
zone_new(const char *name)
{
	struct zone *zone = xmalloc(sizeof(*zone));
	*zone = (struct zone){.name = xstrdup(name)};
	return zone;
}

void
zone_destroy(struct zone *zone)
{
	if (!zone)
		return;
	free(zone->name);
	free(zone->times);
	free(zone->type_of);
	free(zone->types);
	free(zone);
}

struct zone *
zone_from_rule(const char *name, struct str rule, char *error)
{
	struct zone *zone = zone_new(name);
	zone->has_rule = zone_rule_parse(rule, &zone->rule);
	if (zone->has_rule)
		return zone;
	snprintf(error, MESSAGE_MAX,
		"\"%s\" is no rule for a time zone; expected one such as \"CET-1CEST,M3.5.0,M10.5.0/3\"",
		name);
	zone_destroy(zone);
	return NULL;
}

const char *
zone_name(const struct zone *zone)
{
	return zone->name;
}

/* How many transitions have been by `unix_s`. */
static unsigned
count_until(const struct zone *zone, int64_t unix_s)
{
	unsigned low = 0, high = zone->time_count;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (zone->times[middle] <= unix_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct zone_span
span_at(const struct zone *zone, int64_t unix_s)
{
	unsigned before = count_until(zone, unix_s);
	bool is_last = before == zone->time_count;
	struct zone_span span = {INT64_MIN, INT64_MAX, NULL};
	if (is_last && zone->has_rule)
		span = zone_rule_span(&zone->rule, unix_s);
	else
		span.type = &zone->types[before > 0 ? zone->type_of[before - 1] : 0];
	if (before > 0 && span.start < zone->times[before - 1])
		span.start = zone->times[before - 1];
	if (!is_last)
		span.end = zone->times[before];
	return span;
}

void
zone_local(const struct zone *zone, int64_t unix_s, struct local_time *out)
{
	const struct zone_type *type = span_at(zone, unix_s).type;
	int64_t local_s = unix_s + type->offset_s;
	int64_t days = div_floor(local_s, DAY_SECONDS);
	int of_day = (int)mod_floor(local_s, DAY_SECONDS);
	struct date date = date_from_days(days);
	*out = (struct local_time){
		.year = date.year,
		.month = date.month,
		.day = date.day,
		.hour = of_day / 3600,
		.minute = of_day / 60 % 60,
		.second = of_day % 60,
		.weekday = weekday_of(days),
		.year_day = (int)(days - days_from_date(date.year, 1, 1)) + 1,
		.offset_s = type->offset_s,
		.dst = type->dst,
	};
	memcpy(out->abbreviation, type->abbreviation, sizeof(out->abbreviation));
}

enum zone_fit
zone_instant(const struct zone *zone, int64_t local_s, int64_t *first, int64_t *last)
{
	unsigned found = 0;
	int64_t gap = 0;
	struct zone_span span = span_at(zone, local_s - OFFSET_BOUND_S);
	for (;;) {
		int64_t instant = local_s - span.type->offset_s;
		if (instant >= span.start && instant < span.end) {
			if (found++ == 0)
				*first = instant;
			*last = instant;
		}
		if (span.end > local_s + OFFSET_BOUND_S)
			break;
		struct zone_span next = span_at(zone, span.end);
		if (instant >= span.end && local_s - next.type->offset_s < span.end)
			gap = span.end;
		span = next;
	}
	if (found == 0) {
		*first = *last = gap;
		return ZONE_GAP;
	}
	return found == 1 ? ZONE_ONCE : ZONE_TWICE;
}
