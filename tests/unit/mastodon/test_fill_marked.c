/* SPDX-License-Identifier: MIT */
/* Bookmarks and favourites: each new mark comes out once and in order, by the ids that only the Link header has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fill.h"

#define MARKS_MAX 400

enum paging {
	PAGING_GOOD,
	PAGING_SINCE, /* min_id gives the newest page above it */
	PAGING_DEAF,  /* min_id is not looked at */
};

/* Mark number n has the id 1000 + n, and marks the post 5000 - n: the older the post, the later it was marked. */
struct fake {
	enum paging paging;
	bool always_next; /* rel="next" also on the last page */
	bool no_link;
	int count; /* marks 1 to count */
	int taken; /* back: below that number there are none */
	int status;
	unsigned asked;
	struct json_parser *parser;
	int got[MARKS_MAX];
	size_t got_count;
};

static int
number_of(const char *url, const char *name, int otherwise)
{
	const char *at = strstr(url, name);
	return at ? (int)strtol(at + strlen(name), NULL, 10) : otherwise;
}

static void
answer(struct fake *fake, const char *url, struct buf *body, struct buf *link)
{
	int limit = number_of(url, "limit=", 20), listed = 0, low = 0, high = 0;
	int above = fake->paging == PAGING_DEAF ? 0 : number_of(url, "min_id=", 1000) - 1000;
	int below = number_of(url, "max_id=", 1000 + MARKS_MAX * 2) - 1000;
	int top = below - 1 < fake->count ? below - 1 : fake->count;
	int bottom = above + 1 > fake->taken ? above + 1 : fake->taken;
	bottom = bottom > 1 ? bottom : 1;
	if (strstr(url, "min_id=") && fake->paging == PAGING_GOOD && top > bottom + limit - 1)
		top = bottom + limit - 1;
	buf_add_char(body, '[');
	for (int n = top; n >= bottom && listed < limit; n--, listed++) {
		buf_printf(body, "%s{\"id\":\"%d\"}", listed ? "," : "", 5000 - n);
		high = high ? high : n;
		low = n;
	}
	buf_add_char(body, ']');
	if (listed == 0)
		return;
	if (listed == limit || fake->always_next)
		buf_printf(link, "<https://x.example/api?limit=40&max_id=%d>; rel=\"next\", ",
			1000 + low);
	buf_printf(link, "<https://x.example/api?limit=40&min_id=%d>; rel=\"prev\"", 1000 + high);
}

static enum fill_result
step(struct fake *fake, struct fill *fill)
{
	struct buf url, body, link;
	buf_init(&url, 1024);
	buf_init(&body, 1u << 20);
	buf_init(&link, 1024);
	fill_url(fill, &url);
	answer(fake, url.ptr, &body, &link);
	const struct http_header header = {"link", link.ptr};
	struct http_answer http = {.end = HTTP_DONE,
		.status = fake->status,
		.body = buf_str(&body),
		.headers = &header,
		.header_count = link.ptr && !fake->no_link ? 1 : 0};
	fake->asked++;
	enum fill_result result = fill_answer(fill, fake->parser, &http);
	buf_finish(&url);
	buf_finish(&body);
	buf_finish(&link);
	return result;
}

static void
collect(struct fake *fake, struct fill *fill)
{
	size_t count;
	const struct page_item *items = fill_items(fill, &count);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		assert_true(fake->got_count < MARKS_MAX);
		fake->got[fake->got_count++] =
			5000 - (int)strtol(items[i].payload.ptr + strlen("{\"id\":\""), NULL, 10);
	}
}

static enum fill_result
run(struct fake *fake, const struct fill_config *config, char *next)
{
	struct fill_config full = *config;
	full.source = stream_source_of(STR("bookmarks"), EVENT_BOOKMARK);
	struct fill *fill = fill_create(&full);
	enum fill_result result = FILL_ASK;
	fake->asked = 0;
	fake->got_count = 0;
	while (result == FILL_ASK || result == FILL_BATCH) {
		if (result == FILL_ASK) {
			assert_true(fake->asked < 100);
			result = step(fake, fill);
		} else {
			collect(fake, fill);
			result = fill_took(fill);
		}
	}
	struct fill_missing missing;
	bool gap = fill_missing(fill, &missing);
	assert_int_equal(gap, result == FILL_LOST);
	assert_true(!gap || missing.barred);
	snprintf(next, 16, "%.*s", STR_ARG(fill_next(fill)));
	fill_destroy(fill);
	return result;
}

static void
assert_got(const struct fake *fake, int first, int last)
{
	assert_int_equal(fake->got_count, last - first + 1);
	for (int n = first; n <= last; n++)
		assert_int_equal(fake->got[n - first], n);
}

static struct fake
fake_of(enum paging paging, int count)
{
	return (struct fake){
		.paging = paging, .count = count, .status = 200, .parser = json_parser_create()};
}

static void
begins_at_the_newest_mark(void **state)
{
	char next[16];
	(void)state;
	for (enum paging paging = PAGING_GOOD; paging <= PAGING_SINCE; paging++) {
		struct fake fake = fake_of(paging, 130);
		const struct fill_config config = {.first = true};
		assert_int_equal(run(&fake, &config, next), FILL_DONE);
		assert_int_equal(fake.got_count, 0);
		assert_string_equal(next, "1130");
		assert_int_equal(fake.asked, 2); /* the newest, and whether min_id is heeded */
		fake.count = 0;
		assert_int_equal(run(&fake, &config, next), FILL_DONE);
		assert_string_equal(next, "0");
		json_parser_destroy(fake.parser);
	}
}

static void
begins_with_as_many_as_are_wanted(void **state)
{
	char next[16];
	(void)state;
	struct fake fake = fake_of(PAGING_GOOD, 130);
	struct fill_config config = {.first = true, .backlog = 5};
	assert_int_equal(run(&fake, &config, next), FILL_DONE);
	assert_got(&fake, 126, 130);
	assert_string_equal(next, "1130");
	config.backlog = 95;
	assert_int_equal(run(&fake, &config, next), FILL_DONE);
	assert_got(&fake, 36, 130);
	config.backlog = 1000;
	assert_int_equal(run(&fake, &config, next), FILL_DONE);
	assert_got(&fake, 1, 130);
	json_parser_destroy(fake.parser);
}

/* Whatever the server makes of min_id, and whether it says that a page is the last. */
static void
brings_each_new_mark_once_in_order(void **state)
{
	static const int counts[] = {100, 101, 139, 140, 141, 180, 181, 300};
	char next[16];
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		struct fake fake = fake_of(variant % 2 ? PAGING_SINCE : PAGING_GOOD, 0);
		fake.always_next = variant >= 2;
		for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
			const struct fill_config config = {
				.from = STR("1100"), .known = STR("1100")};
			fake.count = counts[i];
			assert_int_equal(run(&fake, &config, next), FILL_DONE);
			assert_got(&fake, 101, counts[i]);
			assert_int_equal(strtol(next, NULL, 10), 1000 + counts[i]);
		}
		json_parser_destroy(fake.parser);
	}
}

static void
a_look_at_what_is_known_costs_one_page(void **state)
{
	char next[16];
	(void)state;
	for (enum paging paging = PAGING_GOOD; paging <= PAGING_SINCE; paging++) {
		struct fake fake = fake_of(paging, 120);
		const struct fill_config config = {.from = STR("1120"), .known = STR("1120")};
		assert_int_equal(run(&fake, &config, next), FILL_DONE);
		assert_int_equal(fake.asked, 1);
		fake.count = 123;
		assert_int_equal(run(&fake, &config, next), FILL_DONE);
		assert_got(&fake, 121, 123);
		assert_int_equal(fake.asked, 1);
		json_parser_destroy(fake.parser);
	}
}

/* A list that was empty has no cursor to go up from. */
static void
everything_is_new_on_a_list_that_was_empty(void **state)
{
	char next[16];
	(void)state;
	for (enum paging paging = PAGING_GOOD; paging <= PAGING_SINCE; paging++) {
		struct fake fake = fake_of(paging, 95);
		const struct fill_config config = {.from = STR("0")};
		assert_int_equal(run(&fake, &config, next), FILL_DONE);
		assert_got(&fake, 1, 95);
		assert_string_equal(next, "1095");
		json_parser_destroy(fake.parser);
	}
}

/* Bookmarks go when people remove them: that is no hole. */
static void
marks_that_were_taken_back_are_not_missed(void **state)
{
	char next[16];
	(void)state;
	for (enum paging paging = PAGING_GOOD; paging <= PAGING_SINCE; paging++) {
		struct fake fake = fake_of(paging, 200);
		const struct fill_config config = {.from = STR("1100"), .known = STR("1100")};
		fake.taken = 110;
		assert_int_equal(run(&fake, &config, next), FILL_DONE);
		assert_got(&fake, 110, 200);
		fake.count = 0;
		assert_int_equal(run(&fake, &config, next), FILL_DONE);
		assert_int_equal(fake.got_count, 0);
		assert_string_equal(next, "1100");
		json_parser_destroy(fake.parser);
	}
}

/* Old marks must not come as new ones: better none, and said. */
static void
a_server_that_does_not_page_them_gives_none(void **state)
{
	char next[16];
	(void)state;
	struct fake fake = fake_of(PAGING_DEAF, 130);
	struct fill_config config = {.first = true};
	assert_int_equal(run(&fake, &config, next), FILL_LOST);
	assert_int_equal(fake.got_count, 0);
	config = (struct fill_config){.from = STR("1130"), .known = STR("1130")};
	assert_int_equal(run(&fake, &config, next), FILL_LOST);
	assert_int_equal(fake.got_count, 0);
	fake.paging = PAGING_GOOD;
	fake.count = 150;
	fake.no_link = true;
	assert_int_equal(run(&fake, &config, next), FILL_LOST);
	assert_int_equal(fake.got_count, 0);
	fake.status = 403;
	assert_int_equal(run(&fake, &config, next), FILL_LOST);
	json_parser_destroy(fake.parser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_at_the_newest_mark),
		cmocka_unit_test(begins_with_as_many_as_are_wanted),
		cmocka_unit_test(brings_each_new_mark_once_in_order),
		cmocka_unit_test(a_look_at_what_is_known_costs_one_page),
		cmocka_unit_test(everything_is_new_on_a_list_that_was_empty),
		cmocka_unit_test(marks_that_were_taken_back_are_not_missed),
		cmocka_unit_test(a_server_that_does_not_page_them_gives_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
