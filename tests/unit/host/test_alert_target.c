/* SPDX-License-Identifier: MIT */
/* Targets of alerts are checked without showing them, and each gets the form that it expects. */
#include "folder.h"

#include "alert_target.h"
#include "limits.h"

static const struct alert_message message = {
	"k", "moontusk: cats is off", "it raised <!channel> @you@there.example"};

static void
takes_each_kind_of_target(void **state)
{
	(void)state;
	static const char *const good[] = {"ntfy:https://ntfy.example/bots",
		"discord:https://d.example/x", "slack:https://s.example/y",
		"https://hook.example/z", "http://127.0.0.1:8080/", "json:https://hook.example/z",
		"dm:@admin@far.example"};
	char error[MESSAGE_MAX];
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(alert_target_check(str_from(good[i]), error, sizeof(error)));
}

static void
says_what_is_wrong_without_the_address(void **state)
{
	(void)state;
	char error[MESSAGE_MAX];
	assert_false(alert_target_check(
		STR("nfty:https://n.example/secrettopic"), error, sizeof(error)));
	assert_non_null(strstr(error, "did you mean \"ntfy:\""));
	assert_null(strstr(error, "secrettopic"));
	assert_false(alert_target_check(STR("discord:secrettopic"), error, sizeof(error)));
	assert_null(strstr(error, "secrettopic"));
	static const char *const people[] = {
		"dm:admin", "dm:@admin", "dm:@a@", "dm:@a@b c", "dm:@a@b@c", "dm:"};
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
		assert_false(alert_target_check(str_from(people[i]), error, sizeof(error)));
		assert_non_null(strstr(error, "dm:@you@your.example"));
	}
	assert_false(alert_target_check(STR(""), error, sizeof(error)));
}

static void
body_is(const char *target, const char *body)
{
	struct action action = alert_action(target, &message);
	assert_string_equal(action.body, body);
	action_finish(&action);
}

static void
writes_what_the_other_side_expects(void **state)
{
	(void)state;
	body_is("https://h.example/",
		"{\"title\":\"moontusk: cats is off\",\"text\":\"it raised <!channel> @you@there.example\"}");
	body_is("ntfy:https://h.example/t", "it raised <!channel> @you@there.example");
	body_is("slack:https://h.example/",
		"{\"text\":\"moontusk: cats is off\\nit raised &lt;!channel&gt; @you@there.example\"}");
	body_is("discord:https://h.example/",
		"{\"content\":\"**moontusk: cats is off**\\nit raised <!channel> @you@there.example\",\"allowed_mentions\":{\"parse\":[]}}");
	body_is("dm:@admin@far.example",
		"{\"status\":\"@admin@far.example moontusk: cats is off\\nit raised <!channel> "
		"@\xe2\x80\x8byou@\xe2\x80\x8bthere.example\",\"visibility\":\"direct\"}");
}

static void
cuts_a_long_text_between_characters(void **state)
{
	(void)state;
	char text[4 * ALERT_DM_MAX];
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "ä", 3);
	struct alert_message longer = {"k", "t", text};
	struct action action = alert_action("dm:@a@b.example", &longer);
	const char *cut = strstr(action.body, "ä…\"");
	assert_non_null(cut);
	assert_true(strlen(action.body) < 2 * ALERT_DM_MAX + 100);
	action_finish(&action);
}

static void
names_a_target_without_what_is_secret(void **state)
{
	(void)state;
	char *words = alert_target_words("ntfy:https://ntfy.example/secrettopic");
	assert_string_equal(words, "ntfy at ntfy.example");
	free(words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_each_kind_of_target),
		cmocka_unit_test(says_what_is_wrong_without_the_address),
		cmocka_unit_test(writes_what_the_other_side_expects),
		cmocka_unit_test(cuts_a_long_text_between_characters),
		cmocka_unit_test(names_a_target_without_what_is_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
