/* SPDX-License-Identifier: MIT */
/* Time zones: the local time of an instant and back, from the system's TZif files (RFC 8536). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "str.h"

struct zone;

struct local_time {
	int64_t year;
	int month, day;           /* from 1 */
	int hour, minute, second; /* from 0 */
	int weekday;              /* 0: Sunday */
	int year_day;             /* from 1 */
	int32_t offset_s;         /* local time is UTC plus this */
	bool dst;
	char abbreviation[ZONE_ABBREVIATION_MAX]; /* "CET", "+0545" */
};

/* How often a local time happens. */
enum zone_fit { ZONE_ONCE, ZONE_GAP, ZONE_TWICE };

/* The folder of the zone files: $TZDIR, else /usr/share/zoneinfo. Borrowed. */
const char *zone_folder(void);
/* "UTC", a fixed offset ("+02:00", "-03:30"), a name of the IANA database ("Europe/Berlin") that is looked up in
 * `folder`, or "local": what TZ says, else /etc/localtime. New; NULL: `error` (MESSAGE_MAX bytes) says what is wrong, with
 * the nearest name when there is one. Never leaves the folder, whatever the name. */
struct zone *zone_open(struct str name, const char *folder, char *error);
/* The zone of this machine: `tz` is the variable TZ (a name, ":name", a path, a POSIX rule such as "CET-1CEST,M3.5.0,M10.5.0/3";
 * empty: UTC), NULL: the file `local_file`; UTC when there is none. New; NULL and `error` as above. */
struct zone *zone_open_local(
	const char *tz, const char *local_file, const char *folder, char *error);
/* From the bytes of a TZif file, version 1 to 4, not kept. NULL: `error` says what is wrong with them. */
struct zone *zone_read(const char *name, struct str bytes, char *error);
/* From a POSIX rule: "CET-1CEST,M3.5.0,M10.5.0/3", with RFC 8536's hours up to 167. */
struct zone *zone_from_rule(const char *name, struct str rule, char *error);
void zone_destroy(struct zone *zone);

const char *zone_name(const struct zone *zone); /* as it was asked for */
/* Instants are Unix seconds within 10^14 of 1970. */
void zone_local(const struct zone *zone, int64_t unix_s, struct local_time *out);
/* The instant of a local time; `local_s` counts its seconds since 1970 as if it were UTC (days_from_date * 86400 + …).
 * ZONE_GAP: the clocks skip it; *first is the instant after the gap. ZONE_TWICE: *first and *last are the two. */
enum zone_fit zone_instant(const struct zone *zone, int64_t local_s, int64_t *first, int64_t *last);
