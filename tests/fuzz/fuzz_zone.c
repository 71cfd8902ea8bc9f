/* SPDX-License-Identifier: MIT */
/* Any bytes as a zone file: it is refused with a reason, or local times and instants agree with each other. */
#include "attr.h"
#include "civil.h"
#include "fuzz.h"
#include "limits.h"
#include "zone.h"

static void
check(const struct zone *zone, int64_t unix_s)
{
	struct local_time local;
	zone_local(zone, unix_s, &local);
	REQUIRE(local.month >= 1 && local.month <= 12 && local.day >= 1 && local.day <= 31);
	int64_t local_s = days_from_date(local.year, local.month, local.day) * DAY_SECONDS +
			  (local.hour * 60 + local.minute) * 60 + local.second;
	REQUIRE(local_s == unix_s + local.offset_s);
	int64_t first, last;
	enum zone_fit fit = zone_instant(zone, local_s, &first, &last);
	REQUIRE(fit != ZONE_GAP && first <= unix_s && unix_s <= last);
	/* Whatever the local time is, there is an answer near it. */
	(void)zone_instant(zone, unix_s, &first, &last);
	REQUIRE(first > unix_s - 2 * DAY_SECONDS && last < unix_s + 2 * DAY_SECONDS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[MESSAGE_MAX] = "";
	struct zone *zone = zone_read("fuzz", (struct str){(const char *)data, size}, error);
	if (!zone) {
		REQUIRE(error[0] != '\0');
		return 0;
	}
	for (int64_t unix_s = -5000000000; unix_s < 9000000000; unix_s += 123456789)
		check(zone, unix_s);
	check(zone, INT64_C(-100000000000000));
	check(zone, INT64_C(100000000000000));
	zone_destroy(zone);
	return 0;
}
