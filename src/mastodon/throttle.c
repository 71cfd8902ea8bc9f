/* SPDX-License-Identifier: MIT */
/* Reading Retry-After and X-RateLimit-Reset. */
#include "throttle.h"

#include <string.h>

#include "clock.h"
#include "limits.h"

/* Integers above are Unix time, in seconds or in milliseconds; below they count from now. */
#define UNIX_SECONDS_MIN INT64_C(1000000000)
#define UNIX_MS_MIN      INT64_C(1000000000000)

static const char months[][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool
throttle_http_date(struct str text, int64_t *unix_ms)
{
	if (text.len != 29 || !str_ends(text, " GMT")) {
		return false;
	}
	int month = 0;
	while (month < 12 && memcmp(text.ptr + 8, months[month], 3) != 0) {
		month++;
	}
	char iso[32];
	(void)snprintf(iso, sizeof(iso), "%.4s-%02d-%.2sT%.8sZ", text.ptr + 12, month + 1,
		text.ptr + 5, text.ptr + 17);
	return time_parse(str_from(iso), unix_ms);
}

static bool
parse_date(struct str text, int64_t *unix_ms)
{
	return throttle_http_date(text, unix_ms) || time_parse(text, unix_ms);
}

/* `text` as a wait in ms. */
static bool
parse_wait(struct str text, int64_t server_now_ms, int64_t *wait_ms)
{
	int64_t number = 0;
	if (parse_date(text, &number)) {
		*wait_ms = number - server_now_ms;
		return true;
	}
	struct str whole;
	struct str fraction = str_split(text, '.', &whole); /* some send "0.5" */
	if (!str_to_int(whole, 0, INT64_MAX / 1000 - 1, &number)) {
		return false;
	}
	number += fraction.len > 0 ? 1 : 0;
	if (number >= UNIX_MS_MIN) {
		*wait_ms = number - server_now_ms;
	} else if (number >= UNIX_SECONDS_MIN) {
		*wait_ms = number * 1000 - server_now_ms;
	} else {
		*wait_ms = number * 1000;
	}
	return true;
}

int64_t
throttle_wait_ms(const struct http_answer *answer, int64_t now_wall_ms)
{
	static const char *const names[] = {"retry-after", "x-ratelimit-reset"};
	int64_t server_now_ms = now_wall_ms;
	int64_t wait_ms = THROTTLE_WAIT_DEFAULT_MS;
	const char *date = http_header(answer, "date");
	if (date != NULL && !throttle_http_date(str_trim(str_from(date)), &server_now_ms)) {
		server_now_ms = now_wall_ms;
	}
	bool found = false;
	for (unsigned i = 0; i < COUNT_OF(names) && !found; i++) {
		const char *value = http_header(answer, names[i]);
		found = value != NULL &&
			parse_wait(str_trim(str_from(value)), server_now_ms, &wait_ms);
	}
	if (wait_ms < THROTTLE_WAIT_MIN_MS) {
		return THROTTLE_WAIT_MIN_MS;
	}
	return wait_ms > THROTTLE_WAIT_MAX_MS ? THROTTLE_WAIT_MAX_MS : wait_ms;
}

static bool
read_number(const struct http_answer *answer, const char *name, int64_t *number)
{
	const char *value = http_header(answer, name);
	return value != NULL &&
	       str_to_int(str_trim(str_from(value)), 0, INT64_MAX / 1000 - 1, number);
}

bool
throttle_is_low(const struct http_answer *answer, int64_t room)
{
	int64_t left = 0;
	int64_t limit = 0;
	if (!read_number(answer, "x-ratelimit-remaining", &left)) {
		return false;
	}
	/* A small limit (30 uploads) is told of in the same headers: a tenth of it is room enough. */
	if (read_number(answer, "x-ratelimit-limit", &limit) && limit / 10 < room) {
		room = limit / 10;
	}
	return left < room;
}
