/* SPDX-License-Identifier: MIT */
/* Tests of permissions: their table, who grants them, how far requests may go, and the words when one is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "permission.h"
#include "plugin_bench.h"
#include "url.h"

#define TUSK "local tusk = require 'moontusk'\n"

static void
knows_every_permission(void **state)
{
	(void)state;
	static const char *const known[] = {"post", "archive:private", "http:hooks.example",
		"http:hooks.example:8443", "http:[::1]:80", "private:nas.example", "api:read"};
	static const char *const wrong[] = {"", "folow", "http", "http:", "http::80", "http:x:0",
		"http:x:65536", "http:https://x", "http:x/y", "http:*.x", "http:[::1",
		"http:[::1]x", "http:a b", "private:"};
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (!permission_find(str_from(known[i])))
			fail_msg("%s", known[i]);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (permission_find(str_from(wrong[i])))
			fail_msg("%s", wrong[i]);
	}
	assert_string_equal(permission_suggest(STR("folow")), "follow");
	assert_null(permission_suggest(STR("something else")));
}

static void
a_host_is_granted_with_its_port(void **state)
{
	(void)state;
	assert_true(permission_is_for("http:x.example", "http:", "x.example", 443));
	assert_true(permission_is_for("http:x.example", "http:", "x.example", 80));
	assert_true(permission_is_for("http:X.Example", "http:", "x.example", 80));
	assert_false(permission_is_for("http:x.example", "http:", "x.example", 8443));
	assert_true(permission_is_for("http:x.example:8443", "http:", "x.example", 8443));
	assert_false(permission_is_for("http:x.example:8443", "http:", "x.example", 443));
	assert_true(permission_is_for("http:x.example:443", "http:", "x.example", 443));
	assert_false(permission_is_for("http:x.example", "http:", "y.x.example", 443));
	assert_true(permission_is_for("http:[::1]:80", "http:", "::1", 80));
	assert_false(permission_is_for("private:x.example", "http:", "x.example", 443));
}

static enum http_reach
reach(struct bench *bench, const char *address)
{
	struct url url;
	assert_true(url_parse(str_from(address), &url));
	enum http_reach reach = plugin_reach(bench->plugin, &url);
	url_finish(&url);
	return reach;
}

static void
requests_go_as_far_as_somebody_meant(void **state)
{
	struct bench *bench = *state;
	bench->config.allow =
		STR("[\"http:hooks.example\", \"http:localhost:8080\", \"http:nas.local\","
		    " \"http:10.0.0.5\", \"http:split.example\", \"private:split.example\","
		    " \"http:undeclared.example\"]");
	bench->config.options = STR(
		"{\"to\":\"discord:https://op.example:444/x\",\"more\":[\"http://[::1]:99/\"]}");
	bench_must_load(bench, TUSK
		"tusk.plugin { permissions = { 'http:hooks.example', 'http:localhost:8080', 'http:nas.local',\n"
		"  'http:10.0.0.5', 'http:split.example', 'http:ungranted.example' } }\n"
		"tusk.options { to = '', more = { {} } }");
	assert_int_equal(reach(bench, "https://hooks.example/"), HTTP_REACH_PUBLIC);
	assert_int_equal(reach(bench, "https://hooks.example:444/"), HTTP_REACH_NONE);
	assert_int_equal(reach(bench, "http://localhost:8080/"), HTTP_REACH_ANY);
	assert_int_equal(reach(bench, "http://localhost/"), HTTP_REACH_NONE);
	assert_int_equal(reach(bench, "http://nas.local/"), HTTP_REACH_ANY);
	assert_int_equal(reach(bench, "http://10.0.0.5/"), HTTP_REACH_ANY);
	assert_int_equal(reach(bench, "https://split.example/"), HTTP_REACH_ANY);
	assert_int_equal(reach(bench, "https://op.example:444/"), HTTP_REACH_ANY);
	assert_int_equal(reach(bench, "http://[::1]:99/"), HTTP_REACH_ANY);
	assert_int_equal(reach(bench, "https://undeclared.example/"), HTTP_REACH_NONE);
	assert_int_equal(reach(bench, "https://ungranted.example/"), HTTP_REACH_NONE);
	assert_true(plugin_may(bench->plugin, "http:hooks.example"));
	assert_true(plugin_may(bench->plugin, "http:op.example:444"));
	assert_false(plugin_may(bench->plugin, "http:op.example"));
	assert_false(plugin_may(bench->plugin, "http:undeclared.example"));
	assert_false(plugin_may(bench->plugin, "http:"));
}

static void
what_is_declared_is_granted_when_the_operator_runs_it(void **state)
{
	struct bench *bench = *state;
	bench->config.as_declared = true;
	bench_must_load(bench, TUSK
		"tusk.plugin { permissions = { 'http:hooks.example', 'follow', 'private:hooks.example' } }");
	assert_true(plugin_may(bench->plugin, "follow"));
	assert_false(plugin_may(bench->plugin, "mute"));
	assert_false(
		plugin_may(bench->plugin, "private:hooks.example")); /* the operator's word alone */
	assert_int_equal(reach(bench, "https://hooks.example/"), HTTP_REACH_PUBLIC);
}

static void
a_missing_permission_names_the_lines_to_add(void **state)
{
	struct bench *bench = *state;
	const char *act = "tusk.on('update', function(status) status.account:follow() end)";
	const char *status = "{\"id\":\"1\",\"account\":{\"id\":\"2\"}}";
	char source[300];
	bench->config.config_file = "/etc/moontusk.lua";
	snprintf(
		source, sizeof(source), TUSK "\ntusk.plugin { permissions = { 'mute' } }\n%s", act);
	bench_must_load(bench, source);
	assert_int_equal(bench_deliver(bench, bench_update(bench, status)), -1);
	bench_assert_contains(bench->error.text,
		"plugins/cats.lua:4: follow needs the permission \"follow\": add \"follow\" to permissions in tusk.plugin "
		"{ … } (plugins/cats.lua:3), and add \"follow\" to allow = { … } of the plugin \"cats\" in /etc/moontusk.lua\n");
	bench->config.allow = STR("[\"follow\"]");
	bench_must_load(bench, source);
	assert_int_equal(bench_deliver(bench, bench_update(bench, status)), -1);
	bench_assert_contains(bench->error.text, "tusk.plugin { … } (plugins/cats.lua:3)\n");
	bench->config.allow = STR_NONE;
	snprintf(
		source, sizeof(source), TUSK "tusk.plugin { permissions = { 'follow' } }\n%s", act);
	bench_must_load(bench, source);
	assert_int_equal(bench_deliver(bench, bench_update(bench, status)), -1);
	bench_assert_contains(bench->error.text,
		"the operator has not granted it: add \"follow\" to allow = { … } of the plugin \"cats\" in /etc/moontusk.lua");
	bench->config.as_declared = true;
	snprintf(source, sizeof(source), TUSK "%s", act);
	bench_must_load(bench, source);
	assert_int_equal(bench_deliver(bench, bench_update(bench, status)), -1);
	bench_assert_contains(bench->error.text,
		"add tusk.plugin { permissions = { \"follow\" } } to plugins/cats.lua\n");
}

static void
collect(void *data, const char *text)
{
	(void)buf_printf(data, "%s\n", text);
}

static void
odd_grants_are_told(void **state)
{
	struct bench *bench = *state;
	struct buf out;
	buf_init(&out, 1 << 16);
	bench->config.config_file = "/etc/moontusk.lua";
	bench->config.allow = STR(
		"[\"folow\", \"mute\", \"post\", \"http://x\", \"http:x.example:443\", \"block\","
		" \"archive:private\", \"private:y\"]");
	bench_must_load(bench,
		TUSK "tusk.plugin { permissions = { 'follow', 'block', 'http:x.example:443' } }");
	plugin_each_odd_grant(bench->plugin, collect, &out);
	assert_string_equal(out.ptr,
		"plugins/cats.lua:2 declares \"follow\", which is not granted: what needs it will fail; add \"follow\" to "
		"allow = { … } of the plugin \"cats\" in /etc/moontusk.lua\n"
		"/etc/moontusk.lua: allow of the plugin \"cats\" names \"folow\", and there is no such permission; did you "
		"mean \"follow\"?\n"
		"/etc/moontusk.lua: allow of the plugin \"cats\" names \"mute\", which the plugin does not declare: it "
		"changes nothing\n"
		"/etc/moontusk.lua: allow of the plugin \"cats\" names \"post\", which every plugin may do\n"
		"/etc/moontusk.lua: allow of the plugin \"cats\" names \"http://x\"; expected \"http:HOST\" or "
		"\"http:HOST:PORT\"\n");
	buf_finish(&out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_every_permission),
		cmocka_unit_test(a_host_is_granted_with_its_port),
		T(requests_go_as_far_as_somebody_meant),
		T(what_is_declared_is_granted_when_the_operator_runs_it),
		T(a_missing_permission_names_the_lines_to_add),
		T(odd_grants_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
