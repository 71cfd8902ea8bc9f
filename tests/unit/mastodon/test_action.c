/* SPDX-License-Identifier: MIT */
/* Keys and requests of actions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "limits.h"
#include "xmalloc.h"

#define TOKEN "token-that-nobody-may-see"
#define HOOK  "https://hooks.example/services/T0/secretpathsecret"

struct made {
	struct secrets *secrets;
	struct account *account;
	struct action_source source;
};

static int
setup(void **state)
{
	struct made *made = xcalloc(1, sizeof(*made));
	char error[MESSAGE_MAX];
	made->secrets = secrets_create();
	secrets_add(made->secrets, "hook", STR(HOOK));
	made->account = account_create(
		&(struct account_config){
			.name = "bot", .server = "https://a.example", .token = TOKEN},
		made->secrets, error);
	assert_non_null(made->account);
	made->source = (struct action_source){.instance = "cats",
		.account = made->account,
		.event_key = "update:115",
		.now_ms = 1000};
	*state = made;
	return 0;
}

static int
teardown(void **state)
{
	struct made *made = *state;
	account_destroy(made->account);
	secrets_destroy(made->secrets);
	free(made);
	return 0;
}

static struct action
make(enum action_kind kind, const char *target, const char *body)
{
	return (struct action){.kind = kind, .target = xstrdup(target), .body = xstrdup(body)};
}

/* The key of the intent; takes the action. New. */
static char *
key_of(struct made *made, struct action action)
{
	struct intent intent;
	assert_int_equal(action_to_intent(&action, &made->source, made->secrets, &intent), ERR_OK);
	char *key = xstrdup(intent.key);
	intent_finish(&intent);
	action_finish(&action);
	return key;
}

static void
expect_same(char *a, char *b, bool same)
{
	if (same) {
		assert_string_equal(a, b);
	} else {
		assert_string_not_equal(a, b);
	}
	free(a);
	free(b);
}

static void
the_table_names_every_action(void **state)
{
	(void)state;
	for (int i = 0; i < ACTION_COUNT; i++) {
		enum action_kind kind = ACTION_BOOST;
		const struct action_info *info = action_info((enum action_kind)i);
		assert_true(action_from_name(str_from(info->name), &kind));
		assert_int_equal(kind, i);
		bool declared = i == ACTION_FORWARD || i == ACTION_API_POST || info->on_account;
		assert_int_equal(info->is_default, !declared);
		assert_non_null(info->permission);
	}
	enum action_kind kind;
	assert_false(action_from_name(STR("boos"), &kind));
}

static void
the_same_status_by_another_event_is_the_same_boost(void **state)
{
	struct made *made = *state;
	char *first = key_of(made, make(ACTION_BOOST, "115", NULL));
	made->source.event_key = "notification:7";
	made->source.nth = 3;
	struct action named = make(ACTION_BOOST, "115", NULL);
	named.key = xstrdup("mine");
	expect_same(first, key_of(made, named), true);
	expect_same(key_of(made, make(ACTION_BOOST, "115", NULL)),
		key_of(made, make(ACTION_BOOST, "116", NULL)), false);
	expect_same(key_of(made, make(ACTION_BOOST, "115", NULL)),
		key_of(made, make(ACTION_UNBOOST, "115", NULL)), false);
	char *cats = key_of(made, make(ACTION_BOOST, "115", NULL));
	made->source.instance = "dogs";
	expect_same(cats, key_of(made, make(ACTION_BOOST, "115", NULL)), false);
}

static void
a_reply_is_one_per_status_unless_it_has_a_key(void **state)
{
	struct made *made = *state;
	const char *body = "{\"status\":\"hi\"}";
	char *first = key_of(made, make(ACTION_REPLY, "115", body));
	made->source.event_key = "status.update:115";
	made->source.nth = 1;
	expect_same(xstrdup(first), key_of(made, make(ACTION_REPLY, "115", body)), true);
	struct action named = make(ACTION_REPLY, "115", body);
	named.key = xstrdup("part 2");
	expect_same(first, key_of(made, named), false);
}

static void
posts_differ_by_event_and_number(void **state)
{
	struct made *made = *state;
	const char *body = "{\"status\":\"hi\"}";
	char *first = key_of(made, make(ACTION_POST, NULL, body));
	expect_same(xstrdup(first), key_of(made, make(ACTION_POST, NULL, body)), true);
	made->source.nth = 1;
	expect_same(xstrdup(first), key_of(made, make(ACTION_POST, NULL, body)), false);
	made->source.nth = 0;
	made->source.event_key = "update:116";
	expect_same(xstrdup(first), key_of(made, make(ACTION_POST, NULL, body)), false);
	made->source.event_key = "update:115";
	made->source.handler = "update a";
	char *handled = key_of(made, make(ACTION_POST, NULL, body));
	made->source.handler = "update b"; /* of the same plugin */
	expect_same(handled, key_of(made, make(ACTION_POST, NULL, body)), false);
	expect_same(first, key_of(made, make(ACTION_POST, NULL, body)), false);
	made->source.handler = NULL;
	made->source.event_key = NULL;
	made->source.schedule = "tick@5";
	char *tick = key_of(made, make(ACTION_POST, NULL, body));
	made->source.schedule = "tick@6";
	expect_same(tick, key_of(made, make(ACTION_POST, NULL, body)), false);
}

static struct action
forward(const char *target, const char *url)
{
	struct action action = make(ACTION_FORWARD, target, "{}");
	action.url = xstrdup(url);
	return action;
}

static void
a_forward_goes_once_to_each_address(void **state)
{
	struct made *made = *state;
	char *first = key_of(made, forward("115", HOOK));
	made->source.event_key = "status.update:115";
	made->source.nth = 1;
	expect_same(xstrdup(first), key_of(made, forward("115", HOOK)), true);
	expect_same(first, key_of(made, forward("115", "https://b.example/")), false);
	expect_same(key_of(made, forward(NULL, HOOK)), key_of(made, forward("115", HOOK)), false);
}

static void
parts_of_a_key_cannot_be_mistaken(void **state)
{
	struct made *made = *state;
	made->source.instance = "a|boost";
	char *one = key_of(made, make(ACTION_BOOST, "1", NULL));
	made->source.instance = "a";
	expect_same(one, key_of(made, make(ACTION_BOOST, "boost|1", NULL)), false);
	expect_same(key_of(made, make(ACTION_BOOST, "%7C", NULL)),
		key_of(made, make(ACTION_BOOST, "|", NULL)), false);
}

static void
a_boost_is_a_request_on_the_status(void **state)
{
	struct made *made = *state;
	struct action action = make(ACTION_BOOST, "1/../2?x", NULL);
	action.summary = xstrdup("boost with " TOKEN);
	struct intent intent;
	assert_int_equal(action_to_intent(&action, &made->source, made->secrets, &intent), ERR_OK);
	assert_string_equal(intent.method, "POST");
	assert_string_equal(intent.url, "/api/v1/statuses/1%2F..%2F2%3Fx/reblog");
	assert_string_equal(intent.account, "bot");
	assert_string_equal(intent.lane, "cats|a.example");
	assert_string_equal(intent.summary, "boost with ***");
	assert_string_equal(intent.event_key, "update:115");
	assert_null(intent.body);
	assert_null(intent.idempotency_key);
	assert_int_equal(intent.created_ms, 1000);
	intent_finish(&intent);
	action_finish(&action);
}

static void
a_reply_names_its_target_and_keeps_other_parameters(void **state)
{
	struct made *made = *state;
	struct action action = make(ACTION_REPLY, "115",
		"{\"status\":\"hi @x\",\"allowed_mentions\":[\"7\"],\"n\":1.5}");
	struct intent intent;
	assert_int_equal(action_to_intent(&action, &made->source, made->secrets, &intent), ERR_OK);
	assert_string_equal(intent.url, "/api/v1/statuses");
	assert_string_equal(intent.body,
		"{\"in_reply_to_id\":\"115\",\"status\":\"hi @x\",\"allowed_mentions\":[\"7\"],"
		"\"n\":1.5}");
	assert_int_equal(strlen(intent.idempotency_key), 32);
	intent_finish(&intent);
	free(action.body);
	action.body = xstrdup("{\"in_reply_to_id\":\"9\"}");
	assert_int_equal(action_to_intent(&action, &made->source, made->secrets, &intent), ERR_OK);
	assert_string_equal(intent.body, "{\"in_reply_to_id\":\"9\"}");
	intent_finish(&intent);
	action_finish(&action);
}

static char *
idempotency_key(struct made *made)
{
	struct action action = make(ACTION_POST, NULL, "{\"status\":\"hi\"}");
	struct intent intent;
	assert_int_equal(action_to_intent(&action, &made->source, made->secrets, &intent), ERR_OK);
	char *key = xstrdup(intent.idempotency_key);
	intent_finish(&intent);
	action_finish(&action);
	return key;
}

static void
an_idempotency_key_depends_on_nothing_but_the_decision(void **state)
{
	struct made *made = *state;
	char *first = idempotency_key(made);
	/* Written down: another value after an update would post again what is open. */
	assert_string_equal(first, "794ac8e1b38bd0a20c6e5c9728608e68");
	made->source.now_ms = 99999;
	expect_same(xstrdup(first), idempotency_key(made), true);
	made->source.nth = 1;
	expect_same(xstrdup(first), idempotency_key(made), false);
	made->source.nth = 0;
	free(made->account->server);
	made->account->server = xstrdup("https://b.example");
	expect_same(first, idempotency_key(made), false);
}

static void
secrets_do_not_reach_the_row(void **state)
{
	struct made *made = *state;
	struct action action = forward("115", HOOK);
	free(action.body);
	action.body = xstrdup("{\"text\":\"see " HOOK "\"}");
	action.headers = xstrdup("{\"Authorization\":\"Bearer " TOKEN "\"}");
	action.key = xstrdup("k " TOKEN);
	struct intent intent;
	assert_int_equal(action_to_intent(&action, &made->source, made->secrets, &intent), ERR_OK);
	assert_string_equal(intent.url, "{{secret:hook}}");
	assert_string_equal(intent.body, "{\"text\":\"see {{secret:hook}}\"}");
	assert_string_equal(
		intent.headers, "{\"Authorization\":\"Bearer {{secret:account/bot}}\"}");
	assert_null(strstr(intent.key, TOKEN));
	assert_string_equal(intent.lane, "cats|hooks.example");
	assert_null(intent.account);
	assert_non_null(intent.idempotency_key);
	intent_finish(&intent);
	action_finish(&action);
}

static enum err
refusal(struct made *made, struct action action)
{
	struct intent intent;
	enum err err = action_to_intent(&action, &made->source, made->secrets, &intent);
	intent_finish(&intent);
	action_finish(&action);
	return err;
}

static void
refuses_what_cannot_become_a_request(void **state)
{
	struct made *made = *state;
	assert_int_equal(refusal(made, make(ACTION_BOOST, NULL, NULL)), ERR_SYNTAX);
	assert_int_equal(refusal(made, make(ACTION_REPLY, NULL, "{}")), ERR_SYNTAX);
	assert_int_equal(refusal(made, make(ACTION_POST, NULL, "[]")), ERR_SYNTAX);
	assert_int_equal(refusal(made, make(ACTION_POST, NULL, "{")), ERR_SYNTAX);
	assert_int_equal(refusal(made, forward(NULL, "gopher://x")), ERR_SYNTAX);
	assert_int_equal(refusal(made, make(ACTION_FORWARD, NULL, "{}")), ERR_SYNTAX);
	struct action big = make(ACTION_POST, NULL, NULL);
	big.body = xmalloc(ACTION_BODY_MAX + 64);
	memset(big.body, 'x', ACTION_BODY_MAX + 63);
	memcpy(big.body, "{\"status\":\"", 11);
	memcpy(big.body + ACTION_BODY_MAX + 61, "\"}", 3);
	assert_int_equal(refusal(made, big), ERR_TOO_BIG);
	struct action named = make(ACTION_POST, NULL, "{}");
	named.key = xmalloc(ACTION_KEY_MAX + 2);
	memset(named.key, 'k', ACTION_KEY_MAX + 1);
	named.key[ACTION_KEY_MAX + 1] = '\0';
	assert_int_equal(refusal(made, named), ERR_TOO_BIG);
	made->source.account = NULL;
	assert_int_equal(refusal(made, make(ACTION_BOOST, "1", NULL)), ERR_REFUSED);
	assert_int_equal(refusal(made, forward(NULL, HOOK)), ERR_OK);
}

static struct intent
intent_of(struct made *made, struct action action)
{
	struct intent intent;
	assert_int_equal(action_to_intent(&action, &made->source, made->secrets, &intent), ERR_OK);
	action_finish(&action);
	return intent;
}

static void
actions_on_accounts_are_requests_with_their_parameters(void **state)
{
	struct made *made = *state;
	struct intent mute = intent_of(made, make(ACTION_MUTE, "9/1", "{\"duration\":60}"));
	assert_string_equal(mute.url, "/api/v1/accounts/9%2F1/mute");
	assert_string_equal(mute.body, "{\"duration\":60}");
	assert_string_equal(mute.key, "cats|mute|account:9/1|at:a.example");
	assert_null(mute.idempotency_key);
	intent_finish(&mute);
	struct intent follow = intent_of(made, make(ACTION_FOLLOW, "9", NULL));
	assert_string_equal(follow.url, "/api/v1/accounts/9/follow");
	assert_null(follow.body);
	intent_finish(&follow);
	struct intent boost =
		intent_of(made, make(ACTION_BOOST, "7", "{\"visibility\":\"unlisted\"}"));
	assert_string_equal(boost.body, "{\"visibility\":\"unlisted\"}");
	intent_finish(&boost);
	struct action named = make(ACTION_MUTE, "9", NULL);
	named.key = xstrdup("again");
	expect_same(key_of(made, make(ACTION_MUTE, "9", NULL)), key_of(made, named), false);
	assert_int_equal(refusal(made, make(ACTION_FOLLOW, NULL, NULL)), ERR_SYNTAX);
}

static struct action
report(const char *target)
{
	struct action action = make(ACTION_REPORT, target, "{\"account_id\":\"9\"}");
	action.target_author = xstrdup("9");
	return action;
}

static void
a_report_is_about_an_account_or_about_a_post(void **state)
{
	struct made *made = *state;
	struct intent post = intent_of(made, report("115"));
	assert_string_equal(post.url, "/api/v1/reports");
	assert_string_equal(post.key, "cats|report|status:115|at:a.example");
	assert_null(post.idempotency_key);
	intent_finish(&post);
	struct intent account = intent_of(made, report("9"));
	assert_string_equal(account.key, "cats|report|account:9|at:a.example");
	intent_finish(&account);
}

static void
nothing_is_done_to_ourselves(void **state)
{
	struct made *made = *state;
	made->account->id = xstrdup("9");
	struct action post = report("115"), account = report("9");
	struct action follow = make(ACTION_FOLLOW, "9", NULL),
		      other = make(ACTION_FOLLOW, "8", NULL);
	struct action boost =
		make(ACTION_BOOST, "9", NULL); /* a post with our number is no account */
	assert_true(action_on_self(&post, made->account));
	assert_true(action_on_self(&account, made->account));
	assert_true(action_on_self(&follow, made->account));
	assert_false(action_on_self(&other, made->account));
	assert_false(action_on_self(&boost, made->account));
	action_finish(&post);
	action_finish(&account);
	action_finish(&follow);
	action_finish(&other);
	action_finish(&boost);
}

static struct action
api_post(const char *path)
{
	struct action action = make(ACTION_API_POST, NULL, "{\"a\":1}");
	action.url = xstrdup(path);
	return action;
}

static void
a_raw_post_stays_below_the_api(void **state)
{
	struct made *made = *state;
	static const char *const bad[] = {"/oauth/revoke", "api/v1/x", "/api/../oauth",
		"//x.example/api/", "https://x.example/api/v1", "/api/v1/x#y", "/api/v1/x y",
		"/api/\r\nHost: x"};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(refusal(made, api_post(bad[i])), ERR_SYNTAX);
	}
	struct intent emoji = intent_of(made, api_post("/api/v1/a/%F0%9F%98%80?x=%20..//"));
	intent_finish(&emoji);
	struct intent intent = intent_of(made, api_post("/api/v1/lists?x=1"));
	assert_string_equal(intent.url, "/api/v1/lists?x=1");
	assert_string_equal(intent.key, "cats|api.post|event:update:115|0|at:a.example");
	assert_int_equal(strlen(intent.idempotency_key), 32);
	intent_finish(&intent);
}

static void
a_key_names_the_server_and_its_old_form_does_not(void **state)
{
	struct made *made = *state;
	char *key = key_of(made, make(ACTION_BOOST, "115", NULL));
	char *old = action_old_key(key);
	assert_string_equal(key, "cats|boost|status:115|at:a.example");
	assert_string_equal(old, "cats|boost|status:115");
	assert_null(action_old_key(old));
	free(old);
	free(key);
	char *forwarded = key_of(made, forward("115", HOOK));
	assert_null(action_old_key(forwarded));
	free(forwarded);
}

#define ACTION_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_names_every_action),
		ACTION_TEST(the_same_status_by_another_event_is_the_same_boost),
		ACTION_TEST(a_reply_is_one_per_status_unless_it_has_a_key),
		ACTION_TEST(posts_differ_by_event_and_number),
		ACTION_TEST(a_forward_goes_once_to_each_address),
		ACTION_TEST(parts_of_a_key_cannot_be_mistaken),
		ACTION_TEST(a_boost_is_a_request_on_the_status),
		ACTION_TEST(a_reply_names_its_target_and_keeps_other_parameters),
		ACTION_TEST(an_idempotency_key_depends_on_nothing_but_the_decision),
		ACTION_TEST(secrets_do_not_reach_the_row),
		ACTION_TEST(refuses_what_cannot_become_a_request),
		ACTION_TEST(actions_on_accounts_are_requests_with_their_parameters),
		ACTION_TEST(a_report_is_about_an_account_or_about_a_post),
		ACTION_TEST(nothing_is_done_to_ourselves),
		ACTION_TEST(a_raw_post_stays_below_the_api),
		ACTION_TEST(a_key_names_the_server_and_its_old_form_does_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
