/* SPDX-License-Identifier: MIT */
/* Tests of the table of streams. */
#include "stream_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "limits.h"

static struct str
text(const char *s)
{
	return str_from(s);
}

static void
knows_every_stream_with_its_path(void **state)
{
	(void)state;
	static const struct {
		const char *name, *path, *query, *parameter;
		bool personal;
	} rows[] = {
		{"user", "user", NULL, NULL, true},
		{"user:notification", "user/notification", NULL, NULL, true},
		{"public", "public", NULL, NULL, false},
		{"public:media", "public", "only_media=true", NULL, false},
		{"public:local", "public/local", NULL, NULL, false},
		{"public:local:media", "public/local", "only_media=true", NULL, false},
		{"public:remote", "public/remote", NULL, NULL, false},
		{"public:remote:media", "public/remote", "only_media=true", NULL, false},
		{"hashtag", "hashtag", NULL, "tag", false},
		{"hashtag:local", "hashtag/local", NULL, "tag", false},
		{"list", "list", NULL, "list", true},
		{"direct", "direct", NULL, NULL, true},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct stream_info *info = stream_info(text(rows[i].name));
		assert_non_null(info);
		assert_string_equal(info->path + strlen("/api/v1/streaming/"), rows[i].path);
		assert_int_equal(info->query == NULL, rows[i].query == NULL);
		if (rows[i].query != NULL) {
			assert_string_equal(info->query, rows[i].query);
		}
		assert_int_equal(info->parameter == NULL, rows[i].parameter == NULL);
		if (rows[i].parameter != NULL) {
			assert_string_equal(info->parameter, rows[i].parameter);
		}
		assert_int_equal(info->personal, rows[i].personal);
	}
	assert_null(stream_info(STR("Public")));
	assert_null(stream_info(STR("public:")));
	assert_null(stream_info(STR_NONE));
	assert_string_equal(stream_info(STR("user:notification"))->scope, "read:notifications");
}

static void
lists_the_names_in_the_order_of_the_table(void **state)
{
	(void)state;
	size_t count = 0;
	const char *const *names = stream_names(&count);
	assert_true(count >= 12);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(stream_info(text(names[i]))->name, names[i]);
	}
}

static void
says_what_is_wrong_and_what_to_do(void **state)
{
	(void)state;
	static const struct {
		const char *name, *param, *says;
	} rows[] = {
		{"hashtag", NULL,
			"stream \"hashtag\" needs a tag (--tag NAME, or "
			"tusk.subscribe(\"hashtag\", \"NAME\"))"},
		{"hashtag:local", "", "needs a tag (--tag NAME"},
		{"hashtag", "#", "needs a tag"},
		{"list", NULL, "stream \"list\" needs a list (--list ID"},
		{"hashtag", "two words", "without spaces"},
		{"hashtag", "...", "no letter or digit"},
		{"hashtag", "\xff", "bytes that are no text"},
		{"list", "1\n", "white space"},
		{"publik", NULL, "unknown stream \"publik\": did you mean \"public\"?"},
		{"public:locl", NULL, "did you mean \"public:local\"?"},
		{"firehose", NULL, "known are user, user:notification, public,"},
		{"#cats", NULL, "hashtag --tag cats"},
		{"hashtag:cats", NULL, "hashtag --tag cats"},
		{"list:12", NULL, "tusk.subscribe(\"list\", \"12\")"},
		{"public", "cats", "takes no tag"},
		{NULL, NULL, "unknown stream \"\""},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char error[MESSAGE_MAX] = "";
		assert_false(stream_check(text(rows[i].name), text(rows[i].param), error));
		if (strstr(error, rows[i].says) == NULL) {
			fail_msg("%s\nlacks\n%s", error, rows[i].says);
		}
	}
}

static void
cuts_long_texts_in_its_messages(void **state)
{
	(void)state;
	char name[5000];
	memset(name, 'x', sizeof(name));
	struct str longest = {name, sizeof(name)};
	char error[MESSAGE_MAX];
	assert_false(stream_check(longest, STR_NONE, error));
	assert_true(strlen(error) < 500);
	assert_false(stream_check(STR("public"), longest, error));
	assert_true(strlen(error) < 300);
	assert_false(stream_check(STR("hashtag"), longest, error));
	assert_non_null(strstr(error, "5000 bytes"));
	name[7] = ':';
	memcpy(name, "hashtag", 7);
	assert_false(stream_check(longest, STR_NONE, error));
	assert_true(strlen(error) < 600);
}

static void
accepts_what_servers_accept(void **state)
{
	(void)state;
	char error[MESSAGE_MAX] = "untouched";
	assert_true(stream_check(STR("user"), STR_NONE, error));
	assert_true(stream_check(STR("user"), STR(""), error));
	assert_true(stream_check(STR("hashtag"), STR("#Caturday"), error));
	assert_true(stream_check(STR("hashtag"), STR("写真"), error));
	assert_true(stream_check(STR("list"), STR("01HZX5Q4"), error));
	assert_string_equal(error, "untouched");
	const struct stream_info *hashtag = stream_info(STR("hashtag"));
	assert_true(str_eq_text(stream_param(hashtag, STR("#Caturday")), "Caturday"));
	assert_true(str_eq_text(stream_param(hashtag, STR("Caturday")), "Caturday"));
	assert_null(stream_param(stream_info(STR("user")), STR("")).ptr);
	assert_true(str_eq_text(stream_param(stream_info(STR("list")), STR("7")), "7"));
}

static void
tells_same_streams_as_the_server_does(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"caturday", "CatUrday", true},
		{"#Caturday", "caturday", true},
		{"CaF\xc3\x89", "caf\xc3\xa9", true},
		{"caf\xc3\xa9", "cafe", true},
		{"\xc5\x81\xc3\xb3"
		 "d\xc5\xba",
			"lodz", true},
		{"\xd0\x9a\xd0\xbe\xd1\x82", "\xd0\xba\xd0\xbe\xd1\x82", true},
		{"black-cat", "blackcat", true},
		{"black_cat", "blackcat", false},
		{"cat", "cats", false},
		{"\xc3\x86on", "\xc3\xa6on", true},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool same = stream_same(
			STR("hashtag"), text(rows[i].a), STR("hashtag"), text(rows[i].b));
		if (same != rows[i].same) {
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		}
	}
	assert_false(stream_same(STR("hashtag"), STR("a"), STR("hashtag:local"), STR("a")));
	assert_true(stream_same(STR("user"), STR_NONE, STR("user"), STR("")));
	assert_false(stream_same(STR("list"), STR("aB"), STR("list"), STR("Ab")));
	assert_true(stream_same(STR("list"), STR("7"), STR("list"), STR("7")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_every_stream_with_its_path),
		cmocka_unit_test(lists_the_names_in_the_order_of_the_table),
		cmocka_unit_test(says_what_is_wrong_and_what_to_do),
		cmocka_unit_test(cuts_long_texts_in_its_messages),
		cmocka_unit_test(accepts_what_servers_accept),
		cmocka_unit_test(tells_same_streams_as_the_server_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
