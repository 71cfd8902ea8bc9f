/* SPDX-License-Identifier: MIT */
/* Inside of zones: what the reader of files, the reader of rules and the arithmetic share. */
#pragma once

#include "zone.h"

struct zone_type {
	int32_t offset_s;
	bool dst;
	char abbreviation[ZONE_ABBREVIATION_MAX];
};

enum zone_date_form {
	ZONE_DATE_WEEK,       /* Mm.w.d: the w-th weekday d of month m, 5: the last */
	ZONE_DATE_NO_LEAP,    /* Jn: day 1 to 365, February 29 is never counted */
	ZONE_DATE_ZERO_BASED, /* n: day 0 to 365 */
};

struct zone_date {
	enum zone_date_form form;
	int month, week, day;
	int32_t time_s; /* after midnight, local time before the change */
};

/* What holds after the last transition of a file. */
struct zone_rule {
	bool has_dst;
	struct zone_type standard, summer;
	struct zone_date start, end; /* of summer time */
};

struct zone {
	char *name;
	int64_t *times; /* transitions, ascending; type_of[i] holds from times[i] on */
	uint8_t *type_of;
	unsigned time_count;
	struct zone_type *types; /* the first holds before the first transition */
	unsigned type_count;
	bool has_rule;
	struct zone_rule rule;
};

/* A stretch with one offset. */
struct zone_span {
	int64_t start, end; /* [start, end); INT64_MIN, INT64_MAX: for ever */
	const struct zone_type *type;
};

struct zone *zone_new(const char *name); /* empty */
bool zone_rule_parse(struct str text, struct zone_rule *rule);
/* The span of a rule that `unix_s` lies in. */
struct zone_span zone_rule_span(const struct zone_rule *rule, int64_t unix_s);
