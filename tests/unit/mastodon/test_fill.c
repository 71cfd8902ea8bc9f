/* SPDX-License-Identifier: MIT */
/* A fill brings every post above its start once and in order, from servers that page in every way, or says what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "fill.h"
#include "limits.h"

#define POSTS_MAX 4000
#define START_MS  INT64_C(1795255200000) /* 2026-11-21T10:00:00Z; post n was made n seconds later */

enum paging {
	PAGING_GOOD,
	PAGING_SINCE,  /* min_id gives the newest page above it, as since_id does */
	PAGING_DEAF,   /* min_id is not looked at */
	PAGING_BROKEN, /* neither is max_id */
};

/* A server with posts 1000, 1001, ... */
struct fake {
	enum paging paging;
	int first, last; /* that it still has; last < first: none */
	int missing;     /* deleted; 0: none */
	unsigned pad;    /* bytes of each post */
	unsigned asked;
	struct json_parser *parser;
	int got[POSTS_MAX];
	size_t count;
};

static int
number_of(const char *url, const char *name, int otherwise)
{
	const char *at = strstr(url, name);
	return at ? (int)strtol(at + strlen(name), NULL, 10) : otherwise;
}

static void
put_post(struct buf *out, int number, unsigned pad)
{
	struct buf at;
	buf_init(&at, 64);
	time_format(&at, START_MS + (int64_t)(number - 1000) * 1000);
	buf_printf(out, "%s{\"id\":\"%d\",\"created_at\":\"%s\",\"content\":\"",
		out->len > 1 ? "," : "", number, at.ptr);
	char *letters = malloc(pad + 1);
	memset(letters, 'x', pad + 1);
	buf_add(out, letters, pad);
	free(letters);
	buf_add_text(out, "\"}");
	buf_finish(&at);
}

/* Newest first, as servers answer. */
static void
answer(struct fake *fake, const char *url, struct buf *out)
{
	int limit = number_of(url, "limit=", 20), count = 0;
	int above = fake->paging >= PAGING_DEAF ? -1 : number_of(url, "min_id=", -1);
	int below = fake->paging == PAGING_BROKEN ? POSTS_MAX * 2
						  : number_of(url, "max_id=", POSTS_MAX * 2);
	int top = below - 1 < fake->last ? below - 1 : fake->last;
	int bottom = above + 1 > fake->first ? above + 1 : fake->first;
	if (above >= 0 && fake->paging == PAGING_GOOD && top > bottom + limit - 1)
		top = bottom + limit - 1;
	fake->asked++;
	buf_add_char(out, '[');
	for (int n = top; n >= bottom && count < limit; n--) {
		if (n == fake->missing)
			continue;
		put_post(out, n, fake->pad);
		count++;
	}
	buf_add_char(out, ']');
}

static void
collect(struct fake *fake, struct fill *fill)
{
	size_t count;
	const struct page_item *items = fill_items(fill, &count);
	assert_true(count > 0);
	for (size_t i = 0; i < count && fake->count < POSTS_MAX; i++) {
		int64_t number = 0;
		assert_true(str_to_int(items[i].cursor, 0, POSTS_MAX * 2, &number));
		fake->got[fake->count++] = (int)number;
	}
}

static enum fill_result
step(struct fake *fake, struct fill *fill)
{
	struct buf url, body;
	buf_init(&url, 1024);
	buf_init(&body, 64u << 20);
	fill_url(fill, &url);
	answer(fake, url.ptr, &body);
	struct http_answer http = {.end = HTTP_DONE, .status = 200, .body = buf_str(&body)};
	enum fill_result result = fill_answer(fill, fake->parser, &http);
	buf_finish(&url);
	buf_finish(&body);
	return result;
}

static enum fill_result
run(struct fake *fake, struct fill *fill)
{
	enum fill_result result = FILL_ASK;
	while (result == FILL_ASK || result == FILL_BATCH) {
		if (result == FILL_ASK) {
			assert_true(fake->asked < 1000);
			result = step(fake, fill);
		} else {
			collect(fake, fill);
			result = fill_took(fill);
		}
	}
	return result;
}

/* Exactly these, in this order. */
static void
assert_got(const struct fake *fake, int first, int last)
{
	size_t at = 0;
	for (int n = first; n <= last; n++) {
		if (n == fake->missing)
			continue;
		assert_true(at < fake->count);
		assert_int_equal(fake->got[at++], n);
	}
	assert_int_equal(fake->count, at);
}

static struct fill_config
config_of(const char *from, const char *known)
{
	return (struct fill_config){
		.source = stream_source_of(STR("public"), EVENT_UPDATE),
		.from = str_from(from),
		.known = str_from(known),
	};
}

static void
assert_whole(struct fill *fill)
{
	struct fill_missing missing;
	assert_false(fill_missing(fill, &missing));
}

static int
setup(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	*fake = (struct fake){.first = 1000, .last = 1200, .parser = json_parser_create()};
	*state = fake;
	return 0;
}

static int
teardown(void **state)
{
	struct fake *fake = *state;
	json_parser_destroy(fake->parser);
	free(fake);
	return 0;
}

/* Scenario 14: more than one page, and more posts arrive while it runs. */
static void
brings_all_that_came_meanwhile_in_order(void **state)
{
	struct fake *fake = *state;
	struct fill_config config = config_of("1095", "1100");
	struct fill *fill = fill_create(&config);
	assert_int_equal(step(fake, fill), FILL_BATCH);
	collect(fake, fill);
	fake->last = 1210;
	assert_int_equal(fill_took(fill), FILL_ASK);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1096, 1210);
	assert_whole(fill);
	assert_true(str_eq(fill_next(fill), STR("1210")));
	assert_int_equal(fake->asked, 4); /* three pages and the empty one */
	assert_int_equal(fake->asked, 4);
	assert_int_equal(fill_count(fill), 115);
	fill_destroy(fill);
}

static void
ends_above_what_the_stream_has_brought(void **state)
{
	struct fake *fake = *state;
	struct fill_config config = config_of("1095", "1100");
	config.to = STR("1120");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1096, 1135); /* the page that reaches beyond */
	assert_int_equal(fake->asked, 1);
	fill_destroy(fill);
}

/* Detected by a page that is not adjacent to what is known (protocol.md 5.3). */
static void
pages_downward_where_min_id_is_taken_for_since_id(void **state)
{
	struct fake *fake = *state;
	fake->paging = PAGING_SINCE;
	struct fill_config config = config_of("1015", "1020");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1016, 1200);
	assert_whole(fill);
	assert_true(fill_goes_down(fill));
	fill_destroy(fill);
}

static void
pages_downward_where_min_id_is_not_looked_at(void **state)
{
	struct fake *fake = *state;
	fake->paging = PAGING_DEAF;
	struct fill_config config = config_of("1015", "1020");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1016, 1200);
	assert_whole(fill);
	fill_destroy(fill);
}

static void
a_server_that_does_not_page_ends_in_a_gap_and_not_in_a_loop(void **state)
{
	struct fake *fake = *state;
	fake->paging = PAGING_BROKEN;
	struct fill_config config = config_of("1015", "1020");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1161, 1200);
	struct fill_missing missing;
	assert_true(fill_missing(fill, &missing));
	assert_true(str_eq(missing.above, STR("1020")) && str_eq(missing.below, STR("1161")));
	assert_true(fake->asked <= 3);
	fill_destroy(fill);
}

/* Pages that do not fit into memory are asked for again on the way up. */
static void
holds_a_bounded_number_of_bytes_on_the_way_down(void **state)
{
	struct fake *fake = *state;
	fake->paging = PAGING_SINCE;
	fake->last = 1140;
	fake->pad = FILL_HELD_MAX / 60; /* 60 posts fit */
	struct fill_config config = config_of("1015", "1020");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1016, 1140);
	assert_whole(fill);
	fill_destroy(fill);
}

/* Scenario 15: home keeps only the newest entries. */
static void
says_what_the_server_keeps_no_more(void **state)
{
	struct fake *fake = *state;
	fake->first = 1100;
	struct fill_config config = config_of("1015", "1020");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1100, 1200);
	struct fill_missing missing;
	assert_true(fill_missing(fill, &missing));
	assert_true(str_eq(missing.above, STR("1020")) && str_eq(missing.below, STR("1100")));
	assert_int_equal(missing.below_ms, START_MS + 100000);
	assert_string_equal(missing.reason, "the server keeps no older ones");
	assert_false(missing.feed);
	fill_destroy(fill);
}

static void
says_so_on_the_way_down_too(void **state)
{
	struct fake *fake = *state;
	fake->first = 1100;
	fake->paging = PAGING_SINCE;
	struct fill_config config = config_of("1015", "1020");
	config.down = true;
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1100, 1200);
	struct fill_missing missing;
	assert_true(fill_missing(fill, &missing));
	assert_true(str_eq(missing.above, STR("1020")) && str_eq(missing.below, STR("1100")));
	fill_destroy(fill);
}

/* Scenario 15: a feed that was switched off answers 200 with nothing (protocol.md 4.3). */
static void
a_timeline_that_gives_nothing_is_told(void **state)
{
	struct fake *fake = *state;
	fake->last = 0;
	struct fill_config config = config_of("1015", "1020");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_LOST);
	struct fill_missing missing;
	assert_true(fill_missing(fill, &missing));
	assert_true(missing.feed);
	assert_true(str_eq(missing.above, STR("1020")) && missing.below.ptr == NULL);
	assert_int_equal(fake->count, 0);
	fill_destroy(fill);
}

static void
a_quiet_stream_has_no_gap(void **state)
{
	struct fake *fake = *state;
	fake->last = 1020;
	struct fill_config config = config_of("1020", "1020");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_int_equal(fake->count, 0);
	assert_whole(fill);
	fill_destroy(fill);
}

static void
a_known_post_that_was_deleted_is_no_gap(void **state)
{
	struct fake *fake = *state;
	fake->missing = 1020;
	struct fill_config config = config_of("1019", "1020");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1020, 1200);
	assert_whole(fill);
	fill_destroy(fill);
}

/* Scenario 7. */
static void
the_first_run_brings_nothing_but_where_to_begin(void **state)
{
	struct fake *fake = *state;
	struct fill_config config = config_of(NULL, NULL);
	config.first = true;
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_int_equal(fake->count, 0);
	assert_true(str_eq(fill_next(fill), STR("1200")));
	assert_int_equal(fake->asked, 1);
	fill_destroy(fill);
}

static void
the_first_run_brings_the_newest_of_a_backlog_oldest_first(void **state)
{
	struct fake *fake = *state;
	const unsigned wanted[] = {5, 40, 100};
	for (size_t i = 0; i < 3; i++) {
		struct fill_config config = config_of(NULL, NULL);
		config.first = true;
		config.backlog = wanted[i];
		struct fill *fill = fill_create(&config);
		assert_int_equal(run(fake, fill), FILL_DONE);
		assert_got(fake, 1201 - (int)wanted[i], 1200);
		assert_whole(fill);
		fill_destroy(fill);
		fake->count = 0;
	}
	fake->first = 1198; /* fewer than wanted */
	struct fill_config config = config_of(NULL, NULL);
	config.first = true;
	config.backlog = 50;
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1198, 1200);
	assert_whole(fill);
	fill_destroy(fill);
}

static void
a_stream_that_began_empty_is_filled_from_its_start(void **state)
{
	struct fake *fake = *state;
	fake->last = 0;
	struct fill_config config = config_of(NULL, NULL);
	config.first = true;
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_true(str_eq(fill_next(fill), STR("0")));
	fill_destroy(fill);
	fake->last = 1090;
	config = config_of("0", NULL);
	fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1000, 1090);
	assert_whole(fill);
	fill_destroy(fill);
}

/* A stream that began empty goes down to the first post of all: that is no gap. */
static void
the_bottom_below_what_is_known_is_no_gap(void **state)
{
	struct fake *fake = *state;
	struct fill_config config = config_of("0", "1010");
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1000, 1200);
	assert_whole(fill);
	fill_destroy(fill);
}

static void
fetches_back_no_further_than_it_was_told(void **state)
{
	struct fake *fake = *state;
	struct fill_config config = config_of("1001", "1002");
	config.down = true;
	config.oldest_ms = START_MS + 130000;
	struct fill *fill = fill_create(&config);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_true(fake->got[0] <= 1130 && fake->got[0] > 1080);
	struct fill_missing missing;
	assert_true(fill_missing(fill, &missing));
	assert_true(str_eq(missing.above, STR("1002")));
	assert_non_null(strstr(missing.reason, "longer"));
	fill_destroy(fill);
}

static void
knows_where_a_second_pass_begins(void **state)
{
	struct fake *fake = *state;
	struct fill_config config = config_of("1050", "1060");
	config.late_ms = START_MS + 80000;
	struct fill *fill = fill_create(&config);
	assert_true(fill_late(fill).ptr == NULL);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_true(str_eq(fill_late(fill), STR("1080")));
	fill_destroy(fill);
}

static enum fill_result
give(struct fake *fake, struct fill *fill, int status, const char *header)
{
	const struct http_header refresh = {"mastodon-async-refresh", header};
	struct http_answer http = {.end = HTTP_DONE,
		.status = status,
		.body = STR("[{\"id\":\"1300\"}]"),
		.headers = &refresh,
		.header_count = header ? 1 : 0};
	return fill_answer(fill, fake->parser, &http);
}

static void
waits_while_the_server_puts_home_together(void **state)
{
	struct fake *fake = *state;
	struct fill_config config = config_of("1095", "1100");
	struct fill *fill = fill_create(&config);
	assert_int_equal(
		give(fake, fill, 206, "id=\"ImhvbWU6MSI\", retry=7, result_count=3"), FILL_WAIT);
	assert_int_equal(fill_wait_ms(fill), 7000);
	assert_int_equal(give(fake, fill, 206, NULL), FILL_WAIT);
	assert_int_equal(fill_wait_ms(fill), FILL_WAIT_MS);
	assert_true(str_eq(fill_next(fill), STR("1095"))); /* nothing of it was taken */
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1096, 1200);
	assert_whole(fill);
	fill_destroy(fill);
	fill = fill_create(&config);
	enum fill_result result = FILL_WAIT;
	for (int i = 0; i <= FILL_WAITS_MAX && result == FILL_WAIT; i++)
		result = give(fake, fill, 206, NULL);
	assert_int_equal(result, FILL_LOST);
	fill_destroy(fill);
}

/* After its first page, while the budget makes it wait. */
static struct fill *
fill_after_a_page(struct fake *fake, bool trusted)
{
	struct fill_config config = config_of("1095", "1100");
	if (trusted) {
		config.trusted = true;
		config.known = STR_NONE;
	}
	struct fill *fill = fill_create(&config);
	assert_int_equal(step(fake, fill), FILL_BATCH);
	collect(fake, fill);
	assert_int_equal(fill_took(fill), FILL_ASK);
	return fill;
}

static void
what_falls_out_of_home_between_two_pages_is_missing(void **state)
{
	struct fake *fake = *state;
	struct fill_missing missing;
	for (int trusted = 0; trusted < 2; trusted++) {
		fake->first = 1000;
		fake->last = 1200;
		fake->count = 0;
		struct fill *fill = fill_after_a_page(fake, trusted == 1);
		int read = fake->got[fake->count - 1];
		fake->first = read + 21;
		assert_int_equal(run(fake, fill), FILL_DONE);
		assert_int_equal(fake->got[fake->count - 1], 1200);
		assert_int_equal(fake->count, 1200 - 1095 - 20);
		assert_true(fill_missing(fill, &missing));
		char above[16], below[16];
		(void)snprintf(above, sizeof(above), "%d", read);
		(void)snprintf(below, sizeof(below), "%d", read + 21);
		assert_true(str_eq_text(missing.above, above));
		assert_true(str_eq_text(missing.below, below));
		fill_destroy(fill);
	}
}

static void
several_holes_are_one_gap_over_all_of_them(void **state)
{
	struct fake *fake = *state;
	struct fill_missing missing;
	fake->first = 1000;
	fake->last = 1400;
	struct fill *fill = fill_after_a_page(fake, false);
	int read = fake->got[fake->count - 1];
	char above[16], below[16];
	(void)snprintf(above, sizeof(above), "%d", read);
	fake->first = read + 21;
	enum fill_result result = FILL_ASK;
	while (result == FILL_ASK)
		result = step(fake, fill);
	collect(fake, fill);
	assert_int_equal(fill_took(fill), FILL_ASK);
	fake->first = fake->got[fake->count - 1] + 31;
	(void)snprintf(below, sizeof(below), "%d", fake->first);
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_true(fill_missing(fill, &missing));
	assert_true(str_eq_text(missing.above, above));
	assert_true(str_eq_text(missing.below, below));
	fill_told(fill);
	assert_false(fill_missing(fill, &missing));
	fill_destroy(fill);
}

static void
a_server_that_changes_how_it_pages_loses_nothing(void **state)
{
	struct fake *fake = *state;
	fake->first = 1000;
	fake->last = 1200;
	struct fill *fill = fill_after_a_page(fake, false);
	fake->paging = PAGING_SINCE;
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_got(fake, 1096, 1200);
	assert_whole(fill);
	fill_destroy(fill);
}

static void
a_post_that_is_deleted_between_two_pages_is_no_hole(void **state)
{
	struct fake *fake = *state;
	fake->first = 1000;
	fake->last = 1200;
	struct fill *fill = fill_after_a_page(fake, false);
	int gone = fake->got[fake->count - 1];
	fake->missing = gone;
	assert_int_equal(run(fake, fill), FILL_DONE);
	assert_int_equal(fake->count, 105); /* that one was there before */
	assert_whole(fill);
	fill_destroy(fill);
}

static void
refusals_are_told_apart(void **state)
{
	struct fake *fake = *state;
	struct fill_missing missing;
	struct fill_config config = config_of("1095", "1100");
	struct fill *fill = fill_create(&config);
	for (int i = 0; i < FILL_REFUSALS_MAX; i++)
		assert_int_equal(give(fake, fill, 401, NULL), FILL_REFUSED);
	assert_int_equal(give(fake, fill, 401, NULL), FILL_LOST); /* the token is good elsewhere */
	assert_true(fill_missing(fill, &missing));
	assert_non_null(strstr(missing.reason, "401"));
	fill_destroy(fill);
	fill = fill_create(&config);
	assert_int_equal(give(fake, fill, 403, NULL), FILL_LOST);
	assert_true(fill_missing(fill, &missing));
	assert_non_null(strstr(missing.reason, "read:statuses"));
	fill_destroy(fill);
	/* Of `user`, notifications come only to a token that may read them: nothing is missing. */
	config.source = stream_source_of(STR("user"), EVENT_NOTIFICATION);
	fill = fill_create(&config);
	assert_int_equal(give(fake, fill, 403, NULL), FILL_DONE);
	assert_whole(fill);
	fill_destroy(fill);
}

static void
what_has_no_pages_comes_at_once(void **state)
{
	struct fake *fake = *state;
	struct fill_config config = config_of("2026-11-20T10:00:00.000Z", NULL);
	config.source = stream_source_of(STR("user"), EVENT_ANNOUNCEMENT);
	struct fill *fill = fill_create(&config);
	struct http_answer http = {.end = HTTP_DONE,
		.status = 200,
		.body = STR("[{\"id\":\"1\",\"updated_at\":\"2026-11-21T10:00:00.000Z\"},"
			    "{\"id\":\"2\",\"updated_at\":\"2026-11-19T10:00:00.000Z\"}]")};
	assert_int_equal(fill_answer(fill, fake->parser, &http), FILL_BATCH);
	size_t count;
	const struct page_item *items = fill_items(fill, &count);
	assert_int_equal(count, 1);
	assert_true(str_starts(items[0].payload, "{\"id\":\"1\""));
	assert_int_equal(fill_took(fill), FILL_DONE);
	assert_true(str_eq(fill_next(fill), STR("2026-11-21T10:00:00.000Z")));
	fill_destroy(fill);
}

#define FILL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILL_TEST(brings_all_that_came_meanwhile_in_order),
		FILL_TEST(ends_above_what_the_stream_has_brought),
		FILL_TEST(pages_downward_where_min_id_is_taken_for_since_id),
		FILL_TEST(pages_downward_where_min_id_is_not_looked_at),
		FILL_TEST(a_server_that_does_not_page_ends_in_a_gap_and_not_in_a_loop),
		FILL_TEST(holds_a_bounded_number_of_bytes_on_the_way_down),
		FILL_TEST(says_what_the_server_keeps_no_more),
		FILL_TEST(says_so_on_the_way_down_too),
		FILL_TEST(a_timeline_that_gives_nothing_is_told),
		FILL_TEST(a_quiet_stream_has_no_gap),
		FILL_TEST(a_known_post_that_was_deleted_is_no_gap),
		FILL_TEST(the_first_run_brings_nothing_but_where_to_begin),
		FILL_TEST(the_first_run_brings_the_newest_of_a_backlog_oldest_first),
		FILL_TEST(a_stream_that_began_empty_is_filled_from_its_start),
		FILL_TEST(the_bottom_below_what_is_known_is_no_gap),
		FILL_TEST(fetches_back_no_further_than_it_was_told),
		FILL_TEST(knows_where_a_second_pass_begins),
		FILL_TEST(waits_while_the_server_puts_home_together),
		FILL_TEST(what_falls_out_of_home_between_two_pages_is_missing),
		FILL_TEST(several_holes_are_one_gap_over_all_of_them),
		FILL_TEST(a_server_that_changes_how_it_pages_loses_nothing),
		FILL_TEST(a_post_that_is_deleted_between_two_pages_is_no_hole),
		FILL_TEST(refusals_are_told_apart),
		FILL_TEST(what_has_no_pages_comes_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
