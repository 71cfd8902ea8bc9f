/* SPDX-License-Identifier: MIT */
/* Tests of what handlers ask for: actions, archive lines, state, permissions. */
#include "effects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin_bench.h"

#define TUSK   "local tusk = require 'moontusk'\n"
#define UPDATE TUSK "tusk.on('update', function(status, event) "
#define END    " end)"

#define STATUS(visibility, more)                                                                               \
	"{\"id\":\"100\",\"visibility\":\"" visibility "\"," more "\"spoiler_text\":\"\","                     \
	"\"content\":\"<p>Look: a <b>cat</b> &amp; &lt;@all&gt;</p>\",\"url\":\"https://s.example/@ann/100\"," \
	"\"account\":{\"id\":\"9\",\"acct\":\"ann@s.example\",\"display_name\":\"Ann\"},"                      \
	"\"media_attachments\":[],\"reblog\":null}"

static void
run(struct bench *bench, const char *source, const char *status)
{
	bench_must_load(bench, source);
	int ran = bench_deliver(bench, bench_update(bench, status));
	if (ran < 0)
		fail_msg("%s", bench->error.text);
	assert_int_equal(ran, 1);
}

static void
raises(struct bench *bench, const char *source, const char *status, const char *expected)
{
	bench_must_load(bench, source);
	assert_int_equal(bench_deliver(bench, bench_update(bench, status)), -1);
	bench_assert_contains(bench->error.text, expected);
	assert_int_equal(bench->effects.count, 0);
}

static void
acts_on_statuses(void **state)
{
	struct bench *bench = *state;
	run(bench,
		UPDATE
		"local handle = status:boost { at_most = { 20, per = '1h' }, visibility = 'unlisted' }\n"
		"assert(handle.action == 'boost' and handle.target == '100' and handle.verdict == nil)\n"
		"status:favourite() status:bookmark { key = 'mine' } status:unboost()" END,
		STATUS("public", ""));
	assert_int_equal(bench->effects.count, 4);
	const struct action *action = &bench_effect(bench, 0, EFFECT_ACTION)->action;
	assert_int_equal(action->kind, ACTION_BOOST);
	assert_string_equal(action->target, "100");
	assert_string_equal(action->target_author, "9");
	assert_string_equal(action->body, "{\"visibility\":\"unlisted\"}");
	assert_int_equal(action->at_most, 20);
	assert_int_equal(action->per_ms, 3600000);
	assert_string_equal(action->summary, "boost of @ann@s.example: \"Look: a cat & <@all>\"");
	assert_null(action->key);
	assert_int_equal(bench_effect(bench, 1, EFFECT_ACTION)->action.kind, ACTION_FAVOURITE);
	assert_string_equal(bench_effect(bench, 2, EFFECT_ACTION)->action.key, "mine");
	assert_int_equal(bench_effect(bench, 3, EFFECT_ACTION)->action.kind, ACTION_UNBOOST);
}

static void
acts_on_the_inner_post_of_a_boost(void **state)
{
	struct bench *bench = *state;
	run(bench, UPDATE "status:boost() status:reply('hi') status.reblog:favourite()" END,
		"{\"id\":\"200\",\"visibility\":\"public\",\"account\":{\"id\":\"7\",\"acct\":\"bob\"},\"content\":\"\","
		"\"reblog\":" STATUS("public", "") "}");
	for (size_t i = 0; i < 3; i++) {
		const struct action *action = &bench_effect(bench, i, EFFECT_ACTION)->action;
		assert_string_equal(action->target, "100");
		assert_string_equal(action->target_author, "9");
	}
	bench_assert_contains(bench->effects.list[1].action.body, "@ann@s.example hi");
}

static void
replies_no_wider_than_the_post(void **state)
{
	static const struct {
		const char *call, *status, *body;
	} cases[] = {
		{"'hi'", STATUS("public", ""),
			"{\"in_reply_to_id\":\"100\",\"status\":\"@ann@s.example hi\",\"visibility\":\"unlisted\"}"},
		{"'hi'", STATUS("private", ""),
			"{\"in_reply_to_id\":\"100\",\"status\":\"@ann@s.example hi\",\"visibility\":\"private\"}"},
		{"'hi'", STATUS("direct", ""),
			"{\"in_reply_to_id\":\"100\",\"status\":\"@ann@s.example hi\",\"visibility\":\"direct\"}"},
		{"'hi'", STATUS("mutuals_only", ""),
			"{\"in_reply_to_id\":\"100\",\"status\":\"@ann@s.example hi\",\"visibility\":\"private\"}"},
		{"{ text = 'hi', visibility = 'public' }", STATUS("direct", ""),
			"{\"in_reply_to_id\":\"100\",\"status\":\"@ann@s.example hi\",\"visibility\":\"public\"}"},
		{"'dear @Ann@S.example: hi'", STATUS("public", ""),
			"{\"in_reply_to_id\":\"100\",\"status\":\"dear @Ann@S.example: hi\",\"visibility\":\"unlisted\"}"},
		{"'@ann@s.example2 hi'", STATUS("public", ""),
			"{\"in_reply_to_id\":\"100\",\"status\":\"@ann@s.example @ann@s.example2 hi\",\"visibility\":\"unlisted\"}"},
		{"{ text = 'hi', cw = 'mine', language = 'de' }", STATUS("public", ""),
			"{\"in_reply_to_id\":\"100\",\"language\":\"de\",\"spoiler_text\":\"mine\","
			"\"status\":\"@ann@s.example hi\",\"visibility\":\"unlisted\"}"},
		{"'hi'", STATUS("public", "\"spoiler_text\":\"food\","),
			"{\"in_reply_to_id\":\"100\",\"spoiler_text\":\"food\",\"status\":\"@ann@s.example hi\","
			"\"visibility\":\"unlisted\"}"},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char source[300];
		snprintf(source, sizeof(source), UPDATE "status:reply(%s)" END, cases[i].call);
		run(bench, source, cases[i].status);
		assert_string_equal(
			bench_effect(bench, 0, EFFECT_ACTION)->action.body, cases[i].body);
	}
}

static void
posts_with_all_parameters(void **state)
{
	struct bench *bench = *state;
	run(bench,
		UPDATE
		"tusk.post { text = 'x', visibility = 'private', cw = 'c', language = 'en', sensitive = true,\n"
		"  media_ids = {'1'}, poll = { options = {'a', 'b'}, expires_in = '1d', multiple = true },\n"
		"  quote = status, scheduled_at = '2026-01-01T00:00:00Z', key = 'k' }" END,
		STATUS("public", ""));
	const struct action *action = &bench_effect(bench, 0, EFFECT_ACTION)->action;
	assert_string_equal(action->body,
		"{\"language\":\"en\",\"media_ids\":[\"1\"],\"poll\":{\"expires_in\":86400,\"multiple\":true,"
		"\"options\":[\"a\",\"b\"]},\"quoted_status_id\":\"100\",\"scheduled_at\":\"2026-01-01T00:00:00Z\","
		"\"sensitive\":true,\"spoiler_text\":\"c\",\"status\":\"x\",\"visibility\":\"private\"}");
	assert_string_equal(action->key, "k");
	assert_null(action->target);
	assert_string_equal(action->summary, "post: \"x\"");
}

static void
refuses_wrong_arguments(void **state)
{
	static const struct {
		const char *call, *expected;
	} cases[] = {
		{"status.boost()",
			"boost: found nil, expected a status; write status:boost(...) with a colon"},
		{"status:boost { atmost = {} }",
			"unknown field \"atmost\"; did you mean \"at_most\"?"},
		{"status:boost { at_most = 5 }", "at_most: found 5, expected a table"},
		{"status:boost { at_most = { 5, per = 'hour' } }", "found { 5, per = \"hour\" }"},
		{"status:boost { visibility = 'secret' }",
			"found \"secret\", expected one of public"},
		{"status:reply()", "reply: found nil, expected a text or a table"},
		{"tusk.post(5)", "post: found 5, expected a text or a table"},
		{"status:reply('')", "there is nothing to post: text is empty"},
		{"tusk.post { txt = 'x' }", "unknown field \"txt\"; did you mean \"text\"?"},
		{"tusk.post { text = 'x', poll = { options = {'a'} } }",
			"poll: expected { options ="},
		{"status:archive()", "archive: found nil, expected a name"},
		{"status:archive('../x')", "archive: found \"../x\", expected a name"},
		{"status:forward('ftp://x')", "the target is no http or https address"},
		{"status:forward('disord:https://x.example/1')",
			"unknown shape \"disord\"; did you mean \"discord\"?"},
		{"status:forward('https://x.example/1')",
			"forward needs the permission \"http:x.example\": add tusk.plugin { permissions = { \"http:x.example\" } } to plugins/cats.lua"},
		{"status:reply('\\xff')", "reply: text: not valid UTF-8"},
		{"status:forward('https://x.example/1', { title = '\\xff' })",
			"forward: title: not valid UTF-8"},
		{"status:boost().await()", "write handle:await() with a colon"},
		{"tusk.on('update', print)", "tusk.on works only while the plugin's file runs"},
		{"for i = 1, 2000 do status:favourite() end", "more than 1000 things"},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char source[400];
		snprintf(source, sizeof(source), UPDATE "%s" END, cases[i].call);
		raises(bench, source, STATUS("public", ""), cases[i].expected);
		bench_assert_contains(bench->error.text, "plugins/cats.lua:2: ");
		assert_null(strstr(bench->error.text, "lua/moontusk"));
	}
}

static void
forwards_in_the_shape_that_is_asked_for(void **state)
{
	struct bench *bench = *state;
	const char *text =
		"Ann (@ann@s.example)\\nLook: a cat & <@all>\\nhttps://s.example/@ann/100";
	bench->config.options = STR("{\"url\":\"https://hook.example:8443/x?t=1\"}");
	run(bench,
		TUSK
		"local options = tusk.options { url = { '', secret = true } }\n"
		"tusk.on('update', function(status)\n"
		"status:forward(options.url, { title = 'T' }) status:forward('discord:' .. options.url)\n"
		"status:forward('slack:' .. options.url) status:forward('ntfy:' .. options.url, { title = 'Grüße', text = 'own' })\n"
		"end)",
		STATUS("public", ""));
	char expected[2000];
	const struct action *action = &bench_effect(bench, 0, EFFECT_ACTION)->action;
	assert_int_equal(action->kind, ACTION_FORWARD);
	assert_string_equal(action->url, "https://hook.example:8443/x?t=1");
	assert_string_equal(action->headers, "{\"Content-Type\":\"application/json\"}");
	snprintf(expected, sizeof(expected),
		"{\"text\":\"%s\",\"title\":\"T\",\"url\":\"https://s.example/@ann/100\","
		"\"event\":{\"kind\":\"update\",\"stream\":[\"public\"],\"account\":\"bot\",\"origin\":\"live\","
		"\"received_at\":\"2025-11-20T12:00:00.250Z\",\"payload\":%s}}",
		text, STATUS("public", ""));
	assert_string_equal(action->body, expected);
	assert_string_equal(action->target, "100");
	bench_assert_contains(action->summary, "forward to hook.example:8443: \"Ann");
	snprintf(expected, sizeof(expected),
		"{\"allowed_mentions\":{\"parse\":[]},\"content\":\"%s\"}", text);
	assert_string_equal(bench->effects.list[1].action.body, expected);
	assert_string_equal(bench->effects.list[2].action.body,
		"{\"text\":\"Ann (@ann@s.example)\\nLook: a cat &amp; &lt;@all&gt;\\nhttps://s.example/@ann/100\"}");
	action = &bench->effects.list[3].action;
	assert_string_equal(action->body, "own\nhttps://s.example/@ann/100");
	assert_string_equal(action->headers,
		"{\"Click\":\"https://s.example/@ann/100\",\"Content-Type\":\"text/plain; charset=utf-8\","
		"\"Title\":\"=?UTF-8?B?R3LDvMOfZQ==?=\"}");
	assert_true(str_eq_text(secrets_get(bench->secrets, "options/cats/url"),
		"https://hook.example:8443/x?t=1"));
}

static void
keeps_to_the_limits_of_the_other_side(void **state)
{
	struct bench *bench = *state;
	bench->config.options = STR("{\"url\":\"https://hook.example/x\"}");
	run(bench,
		TUSK
		"local options = tusk.options { url = '' }\n"
		"tusk.on('update', function(status)\n"
		"local long = ('\\u{1F408}'):rep(3000)\n"
		"status:forward('discord:' .. options.url, { text = long }) status:forward('ntfy:' .. options.url, { text = long })\n"
		"status:forward('ntfy:' .. options.url, { text = ('x'):rep(4096 - 27) })\n"
		"end)",
		STATUS("public", ""));
	/* 999 cats of two units and the mark of one */
	const char *body = bench_effect(bench, 0, EFFECT_ACTION)->action.body;
	bench_assert_contains(body, "\xf0\x9f\x90\x88\xe2\x80\xa6\"}");
	assert_int_equal(
		strlen(strstr(body, "\"content\"")), strlen("\"content\":\"\"}") + 999 * 4 + 3);
	assert_int_equal(strlen(bench_effect(bench, 1, EFFECT_ACTION)->action.body), 1023 * 4 + 3);
	assert_int_equal(strlen(bench_effect(bench, 2, EFFECT_ACTION)->action.body), 4096);
}

static void
archives_events_and_other_statuses(void **state)
{
	struct bench *bench = *state;
	run(bench, UPDATE "event:archive('a') status:archive('a.b-c_1')" END, STATUS("public", ""));
	struct effect *effect = bench_effect(bench, 0, EFFECT_ARCHIVE);
	assert_string_equal(effect->name, "a");
	assert_null(effect->json);
	assert_true(str_eq_text(effect->event->id, "100"));
	assert_null(bench_effect(bench, 1, EFFECT_ARCHIVE)->json);
	bench_run(bench, TUSK "tusk.on('notification', function(n) n.status:archive('x') end)",
		"{\"kind\":\"notification\",\"stream\":[\"user\"],\"payload\":{\"id\":\"1\",\"type\":\"mention\","
		"\"account\":{\"id\":\"9\",\"acct\":\"ann\"},\"status\":" STATUS(
			"public", "") "}}");
	assert_string_equal(bench_effect(bench, 0, EFFECT_ARCHIVE)->json, STATUS("public", ""));
}

static void
keeps_private_posts_to_itself(void **state)
{
	struct bench *bench = *state;
	const char *source =
		TUSK "local options = tusk.options { url = 'https://x.example/' }\n"
		     "tusk.on('update', function(status, event)\n"
		     "status:archive('a') event:archive('a') status:forward(options.url) end)";
	bench->config.options = STR("{\"url\":\"https://x.example/\"}");
	run(bench, source, STATUS("direct", ""));
	assert_int_equal(bench->effects.count, 3);
	const struct effect *note = bench_effect(bench, 0, EFFECT_NOTE);
	assert_string_equal(note->name, "refused");
	assert_string_equal(note->json,
		"{\"action\":\"archive\",\"permission\":\"archive:private\",\"reason\":\"not public\"}");
	bench_effect(bench, 1, EFFECT_NOTE);
	bench_effect(bench, 2, EFFECT_NOTE);
	bench_assert_contains(
		bench->lines.ptr, "warn cats a post that is not public is not given to archive");
	size_t logged = bench->lines.len;
	assert_int_equal(bench_deliver(bench, bench_update(bench, STATUS("private", ""))), 1);
	assert_int_equal(bench->lines.len, logged);
	bench->config.allow = STR("[\"archive:private\",\"forward:private\"]");
	run(bench, source, STATUS("direct", ""));
	bench_effect(bench, 0, EFFECT_ARCHIVE);
	const struct action *forward = &bench_effect(bench, 2, EFFECT_ACTION)->action;
	bench_assert_contains(forward->body, "Look: a cat");
	assert_true(plugin_about(bench->plugin)->writes_private);
}

static void
asks_for_permissions(void **state)
{
	struct bench *bench = *state;
	const char *source =
		TUSK "tusk.plugin { permissions = { 'http:x.example' } }\n"
		     "tusk.on('update', function(status) status:forward('https://x.example/') end)";
	raises(bench, source, STATUS("public", ""),
		"the operator has not granted it: add \"http:x.example\" to allow = { … } of the plugin \"cats\"");
	bench->config.allow = STR("[\"http:x.example\"]");
	run(bench, source, STATUS("public", ""));
	bench->config.allow = STR_NONE;
	bench->config.as_declared = true;
	run(bench, source, STATUS("public", ""));
	bench->config.as_declared = false;
	bench->config.allow = STR("[\"http:x.example\"]");
	raises(bench, UPDATE "status:forward('https://x.example/')" END, STATUS("public", ""),
		"add tusk.plugin { permissions = { \"http:x.example\" } } to plugins/cats.lua");
	bench->config.allow = STR("{\"a\":1}");
	assert_false(bench_load(bench, ""));
	bench_assert_contains(bench->error.text, "allow is a list of texts");
}

static void
stores_what_a_handler_leaves(void **state)
{
	struct bench *bench = *state;
	const char *source = UPDATE
		"local store = tusk.store\n"
		"store.n = (store.n or 0) + 1\n"
		"store.users = store.users or {}\n"
		"local id = status.id\n"
		"store.users[id] = { seen = true }\n"
		"assert(store.users[id].seen)\n"
		"store.copy = status.account\n"
		"local keys = {} for key in pairs(store) do keys[#keys + 1] = key end\n"
		"assert(#keys == 3)\n"
		"if status.sensitive then error('no') end\n"
		"if store.n == 3 then store.users = nil store.copy = nil end\n"
		"if store.n == 4 then assert(store.copy.acct and not store.users['1']) end" END;
	run(bench, source, STATUS("public", ""));
	assert_int_equal(bench->effects.count, 3);
	char *seen[3];
	for (size_t i = 0; i < 3; i++) {
		const struct effect *effect = bench_effect(bench, i, EFFECT_STATE_PUT);
		seen[i] = effect->json;
		if (strcmp(effect->name, "n") == 0)
			assert_string_equal(seen[i], "1");
		else if (strcmp(effect->name, "users") == 0)
			assert_string_equal(seen[i], "{\"100\":{\"seen\":true}}");
		else
			assert_string_equal(effect->name, "copy");
	}
	/* A handler that raises leaves all as it was. */
	assert_int_equal(
		bench_deliver(bench, bench_update(bench, STATUS("public", "\"sensitive\":true,"))),
		-1);
	assert_int_equal(bench_deliver(bench, bench_update(bench, STATUS("public", ""))), 1);
	assert_int_equal(bench->effects.count, 1); /* only n has changed */
	assert_string_equal(bench->effects.list[0].json, "2");
	assert_int_equal(bench_deliver(bench, bench_update(bench, STATUS("public", ""))), 1);
	assert_int_equal(bench->effects.count, 3);
	unsigned deleted = 0;
	for (size_t i = 0; i < 3; i++)
		deleted += bench->effects.list[i].type == EFFECT_STATE_DELETE;
	assert_int_equal(deleted, 2);
}

static void
restores_its_store(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, UPDATE
		"assert(tusk.store.n == 41 and tusk.store.list[2] == 'b' and tusk.store.f == 1.5)\n"
		"table.insert(tusk.store.list, 'c') tusk.store.n = 41" END);
	plugin_restore(bench->plugin, STR("n"), STR("41"));
	plugin_restore(bench->plugin, STR("f"), STR("1.5"));
	plugin_restore(bench->plugin, STR("list"), STR("[\"a\",\"b\"]"));
	if (bench_deliver(bench, bench_update(bench, STATUS("public", ""))) != 1)
		fail_msg("%s", bench->error.text);
	assert_int_equal(bench->effects.count, 1);
	assert_string_equal(bench_effect(bench, 0, EFFECT_STATE_PUT)->json, "[\"a\",\"b\",\"c\"]");
}

static void
refuses_what_is_no_json(void **state)
{
	static const struct {
		const char *code, *expected;
	} cases[] = {
		{"tusk.store.f = print", "plugins/cats.lua:2: tusk.store.f: found a function"},
		{"tusk.store.t = { a = { b = { print } } }",
			"tusk.store.t.a.b[1]: found a function"},
		{"tusk.store.t = { 1, 2, x = 3 }", "tusk.store.t: found a table with both"},
		{"tusk.store.t = { [1.5] = 1 }", "tusk.store.t: found a key that is no text"},
		{"tusk.store.t = 0/0", "tusk.store.t: found a number that is not finite"},
		{"local t = {} t.t = t tusk.store.t = t", "contains itself"},
		{"tusk.store[1] = 1", "tusk.store: the key is 1, expected a text"},
		{"tusk.store.t = ('x'):rep(1 << 21)", "bytes as JSON, at most 1048576"},
		{"tusk.store.t = { '\\xff' }",
			"tusk.store.t[1]: found a text that is not valid UTF-8"},
		{"tusk.store.t = { ['\\xff'] = 1 }", "found a key that is not valid UTF-8"},
		{"tusk.store['\\xff'] = 1", "the key: not valid UTF-8"},
		{"tusk.store.t = { a = { b = {} } }\nlocal t = tusk.store.t\nt.a.b.c = print",
			"plugins/cats.lua:4: tusk.store.t.a.b.c: found a function"},
		{"tusk.store.t = { { 1 } }\nlocal t = tusk.store.t\nt[1][2] = 0/0",
			"plugins/cats.lua:4: tusk.store.t[1][2]: found a number that is not finite"},
		{"tusk.store.t = { 1 }\ntusk.store.t.x = 1",
			"tusk.store.t.x: a text as a key of a list"},
		{"tusk.store.t = { x = 1 }\ntusk.store.t[1] = 1",
			"tusk.store.t[1]: a number as a key of a table"},
		{"tusk.store.t = { 1 }\ntusk.store.t[3] = 1",
			"the list has 1 elements; the next one is [2]"},
		{"tusk.store.t = { 1 }\ntusk.store.t[true] = 1",
			"the key is true, expected a text"},
		{"tusk.store.t = {}\nlocal t = tusk.store.t\nt.t = { t = { {} , print } }",
			"tusk.store.t.t.t[2]: found a function"},
		{"for i = 1, 9 do tusk.store['k' .. i] = ('x'):rep(1000000) end",
			"tusk.store.k9: the whole store would have"},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char source[300];
		snprintf(source, sizeof(source), UPDATE "%s" END, cases[i].code);
		raises(bench, source, STATUS("public", ""), cases[i].expected);
	}
}

static void
tables_of_the_store_behave_as_tables(void **state)
{
	struct bench *bench = *state;
	run(bench,
		UPDATE
		"tusk.store.t = { list = { 'b', 'a' }, deep = { x = { 1, 2, 3 } } }\n"
		"local t = tusk.store.t\n"
		"assert(t == tusk.store.t and t.list == t.list and type(t.list) == 'table')\n"
		"table.insert(t.list, 'c') table.insert(t.list, 1, 'z') table.sort(t.list)\n"
		"assert(table.concat(t.list, ' ') == 'a b c z' and #t.list == 4 and table.remove(t.list) == 'z')\n"
		"assert(select('#', table.unpack(t.list)) == 3 and rawlen(t.list) == 3 and rawget(t, 'list')[1] == 'a')\n"
		"local n = 0 for i, v in ipairs(t.list) do n = n + i assert(type(v) == 'string') end assert(n == 6)\n"
		"local keys = {} for key, value in pairs(t) do keys[key] = value end\n"
		"assert(keys.list == t.list and keys.deep == t.deep and next(t) ~= nil)\n"
		"for key, value in pairs(t) do if key == 'deep' then value.x[1] = 10 end end\n"
		"assert(tusk.json.encode(t) == '{\"deep\":{\"x\":[10,2,3]},\"list\":[\"a\",\"b\",\"c\"]}')\n"
		"local mine = { 1 } t.mine = mine mine[2] = 2 assert(#t.mine == 1)\n" /* assigned tables are copied */
		"t.again = t.deep t.again.x[1] = 11 assert(t.deep.x[1] == 10)\n"
		"tusk.store.copy = t.list t.list[1] = 'A' assert(tusk.store.copy[1] == 'a')\n"
		"t.mine = nil t.again = nil" END,
		STATUS("public", ""));
	assert_int_equal(bench->effects.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct effect *effect = &bench->effects.list[i];
		assert_string_equal(effect->json,
			strcmp(effect->name, "t") == 0
				? "{\"deep\":{\"x\":[10,2,3]},\"list\":[\"A\",\"b\",\"c\"]}"
				: "[\"a\",\"b\",\"c\"]");
	}
}

static void
a_table_of_an_earlier_call_cannot_be_changed(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"local kept\n"
		"tusk.on('update', function() if kept then kept.x = 1 end tusk.store.t = {} kept = tusk.store.t end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, STATUS("public", ""))), 1);
	assert_int_equal(bench_deliver(bench, bench_update(bench, STATUS("public", ""))), -1);
	bench_assert_contains(
		bench->error.text, "tusk.store.t.x: this table was read in an earlier call");
}

static void
restore_some(void *data, struct plugin *plugin)
{
	(void)data;
	plugin_restore(plugin, STR("tags"), STR("[\"a\",\"b\"]"));
}

static void
can_be_read_while_the_file_runs(void **state)
{
	struct bench *bench = *state;
	bench->config.restore = restore_some;
	run(bench,
		TUSK
		"local tags = tusk.store.tags\n"
		"assert(#tags == 2 and tags[2] == 'b' and tusk.store.other == nil)\n"
		"for key in pairs(tusk.store) do assert(key == 'tags') end\n"
		"local ok, message = pcall(function() tags[1] = 'x' end)\n"
		"assert(not ok and message:find('tusk.store.tags[1]: the store can be changed inside handlers', 1, true))\n"
		"tusk.on('update', function() table.insert(tusk.store.tags, 'c') end)",
		STATUS("public", ""));
	assert_string_equal(bench_effect(bench, 0, EFFECT_STATE_PUT)->json, "[\"a\",\"b\",\"c\"]");
}

static void
checks_options(void **state)
{
	static const struct {
		const char *declared, *given, *expected;
	} cases[] = {
		{"tag = { 'x' }, n = { 5 }", "{\"tga\":\"y\"}",
			"cats.lua:2: unknown option \"tga\"; did you mean \"tag\"?"},
		{"tag = { 'x' }", "{\"tag\":5}", "option \"tag\": found 5, expected a text"},
		{"n = { 5 }", "{\"n\":5.5}", "option \"n\": found 5.5, expected a whole number"},
		{"n = { 5 }", "{\"n\":\"5\"}",
			"option \"n\": found \"5\", expected a whole number"},
		{"b = { true }", "{\"b\":1}", "option \"b\": found 1, expected true or false"},
		{"l = { { 'a' } }", "{\"l\":\"a\"}", "option \"l\": found \"a\", expected a list"},
		{"l = { { 'a' } }", "{\"l\":[\"b\",3]}",
			"option \"l\": element 2: found 3, expected a text"},
		{"c = { 'a', choices = { 'a', 'b' } }", "{\"c\":\"d\"}",
			"found \"d\", expected one of \"a\", \"b\""},
		{"s = { '', secret = true }", "{\"s\":12345678}",
			"option \"s\": found a whole number, expected a text"},
		{"r = { type = 'text', required = true, help = 'where' }", "{}",
			"option \"r\" is missing: it needs a text (where)"},
		{"x = { 1, hlep = 'y' }", "{}", "unknown field \"hlep\"; did you mean \"help\"?"},
		{"x = {}", "{}", "x: without a default it needs a type"},
		{"x = { print }", "{}", "the default is a function"},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char source[300];
		snprintf(source, sizeof(source), TUSK "tusk.options { %s }", cases[i].declared);
		bench->config.options = str_from(cases[i].given);
		if (bench_load(bench, source))
			fail_msg("loaded: %s with %s", cases[i].declared, cases[i].given);
		bench_assert_contains(bench->error.text, cases[i].expected);
	}
	bench->config.options = STR("{\"tag\":\"y\",\"f\":3,\"l\":[]}");
	bench_must_load(bench, TUSK
		"local o = tusk.options { tag = 'x', n = { 5 }, f = { 1.5 }, l = { { 'a' } }, e = { type = 'text' } }\n"
		"assert(o.tag == 'y' and o.n == 5 and o.f == 3 and #o.l == 0 and o.e == nil)");
	bench->config.options = STR("{\"tag\":\"y\"}");
	assert_false(bench_load(bench, TUSK));
	bench_assert_contains(bench->error.text, "this plugin has none");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		T(acts_on_statuses),
		T(acts_on_the_inner_post_of_a_boost),
		T(replies_no_wider_than_the_post),
		T(posts_with_all_parameters),
		T(refuses_wrong_arguments),
		T(forwards_in_the_shape_that_is_asked_for),
		T(keeps_to_the_limits_of_the_other_side),
		T(archives_events_and_other_statuses),
		T(keeps_private_posts_to_itself),
		T(asks_for_permissions),
		T(stores_what_a_handler_leaves),
		T(restores_its_store),
		T(tables_of_the_store_behave_as_tables),
		T(a_table_of_an_earlier_call_cannot_be_changed),
		T(can_be_read_while_the_file_runs),
		T(refuses_what_is_no_json),
		T(checks_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
