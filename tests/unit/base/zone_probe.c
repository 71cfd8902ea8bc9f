/* SPDX-License-Identifier: MIT */
/* Answers questions about time zones, one a line: "NAME at UNIX_SECONDS" or "NAME is LOCAL_SECONDS". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "limits.h"
#include "zone.h"

static void
answer(const struct zone *zone, struct str verb, int64_t seconds)
{
	if (str_eq_text(verb, "is")) {
		static const char *const fits[] = {"once", "gap", "twice"};
		int64_t first, last;
		enum zone_fit fit = zone_instant(zone, seconds, &first, &last);
		printf("%s %" PRId64 " %" PRId64 "\n", fits[fit], first, last);
		return;
	}
	struct local_time local;
	zone_local(zone, seconds, &local);
	printf("%04d-%02d-%02d %02d:%02d:%02d %d %d %d %d %s\n", (int)local.year, local.month,
		local.day, local.hour, local.minute, local.second, local.weekday, local.year_day,
		(int)local.offset_s, local.dst, local.abbreviation);
}

int
main(void)
{
	char line[256], error[MESSAGE_MAX];
	struct zone *zone = NULL;
	while (fgets(line, sizeof(line), stdin)) {
		struct str name, verb;
		struct str rest = str_split(str_trim(str_from(line)), ' ', &name);
		rest = str_split(rest, ' ', &verb);
		int64_t seconds;
		if (!str_to_int(rest, INT64_MIN / 1000, INT64_MAX / 1000, &seconds))
			return 2;
		if (!zone || !str_eq_text(name, zone_name(zone))) {
			zone_destroy(zone);
			zone = zone_open(name, zone_folder(), error);
			if (!zone) {
				fprintf(stderr, "%s\n", error);
				return 1;
			}
		}
		answer(zone, verb, seconds);
	}
	zone_destroy(zone);
	return 0;
}
