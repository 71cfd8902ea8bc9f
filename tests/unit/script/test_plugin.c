/* SPDX-License-Identifier: MIT */
/* Tests of plugins: loading, registration, delivery, errors. */
#include "plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin_bench.h"
#include "zone.h"

#define TUSK "local tusk = require 'moontusk'\n"

static const char status_json[] =
	"{\"id\":\"115600\",\"created_at\":\"2025-11-20T11:59:58.000Z\",\"visibility\":\"public\","
	"\"spoiler_text\":\"\",\"sensitive\":false,\"language\":\"en\",\"url\":\"https://s.example/@ann/115600\","
	"\"content\":\"<p>My cat sleeps <a href=\\\"https://cats.example/1\\\">here</a></p>\",\"replies_count\":3,"
	"\"in_reply_to_id\":null,\"in_reply_to_account_id\":77,\"big\":18446744073709551615,"
	"\"reblog\":null,\"tags\":[],\"mentions\":[{\"id\":\"5\",\"acct\":\"bob\"}],"
	"\"media_attachments\":[{\"id\":\"1\",\"type\":\"image\",\"description\":\"a cat\"}],"
	"\"account\":{\"id\":\"9\",\"acct\":\"ann@s.example\",\"display_name\":\"Ann\",\"bot\":false,"
	"\"created_at\":\"2020-01-01T00:00:00.000Z\",\"note\":\"\",\"fields\":[]}}";

static void
deliver_ok(struct bench *bench, const char *source)
{
	bench_must_load(bench, source);
	int ran = bench_deliver(bench, bench_update(bench, status_json));
	if (ran < 0)
		fail_msg("%s", bench->error.text);
	assert_int_equal(ran, 1);
}

static void
reads_entities_as_tables(void **state)
{
	deliver_ok(*state, TUSK
		"tusk.on('update', function(status, event)\n"
		"assert(type(status) == 'table' and status.id == '115600')\n"
		"assert(status.replies_count == 3 and math.type(status.replies_count) == 'integer')\n"
		"assert(status.in_reply_to_id == nil and status.in_reply_to_account_id == '77')\n"
		"assert(status.big == '18446744073709551615' and status.sensitive == false)\n"
		"assert(status.account.acct == 'ann@s.example' and status.account == status.account)\n"
		"assert(#status.media_attachments == 1 and status.media_attachments[1].type == 'image')\n"
		"assert(#status.tags == 0 and status.nothing == nil and status[1] == nil)\n"
		"for i, m in ipairs(status.mentions) do assert(i == 1 and m.acct == 'bob') end\n"
		"local keys = {} for key in pairs(status) do keys[key] = true end\n"
		"assert(keys.account and keys.content and not keys.reblog and not keys.boost)\n"
		"assert(type(status.boost) == 'function' and status.account.boost == nil)\n"
		"assert(event.kind == 'update' and event.origin == 'live' and event.account == 'bot')\n"
		"assert(event.received_at == 1763640000.25 and event.time == event.received_at)\n"
		"assert(event.streams[1][1] == 'public' and event.streams[1][2] == nil)\n"
		"assert(event.raw:find('\"id\":\"115600\"', 1, true) and next(event.match) == nil)\n"
		"end)");
}

static void
tables_behave_as_tables(void **state)
{
	deliver_ok(*state, TUSK
		"tusk.on('update', function(status)\n"
		"assert(rawget(status, 'id') == '115600')\n"
		"assert(rawlen(status.mentions) == 1 and select('#', table.unpack(status.mentions)) == 1)\n"
		"local account = status.account\n"
		"assert(next(account) ~= nil)\n"
		"account.mine = 1 assert(account.mine == 1 and account.acct == 'ann@s.example')\n"
		"table.insert(status.media_attachments, {type = 'video'})\n"
		"assert(#status.media_attachments == 2 and status.media_attachments[2].type == 'video')\n"
		"table.insert(status.tags, 'x') assert(status.tags[1] == 'x')\n"
		"end)");
	deliver_ok(*state, TUSK
		"tusk.on('update', function(status)\n"
		"local account = status.account\n"
		"account.acct = nil assert(account.acct == nil and account.id == '9')\n"
		"status.account = nil assert(status.account == nil)\n"
		"status.content = 'new' assert(status.content == 'new' and status.id == '115600')\n"
		"assert(type(status.reply) == 'function')\n"
		"assert(getmetatable(status) == false and not pcall(setmetatable, status, {}))\n"
		"end)");
	deliver_ok(*state, TUSK
		"tusk.on('update', function(status)\n"
		"rawset(status, 'id', 'x') assert(status.id == 'x')\n"
		"local text = tusk.json.encode(status.mentions) assert(text == '[{\"id\":\"5\",\"acct\":\"bob\"}]', text)\n"
		"status.mentions[1].acct = 'carl'\n"
		"text = tusk.json.encode(status.mentions) assert(text == '[{\"acct\":\"carl\",\"id\":\"5\"}]', text)\n"
		"local n = 0 for _ in pairs(status.account.fields) do n = n + 1 end\n"
		"assert(n == 0 and tusk.json.encode(status.account.fields) == '[]')\n"
		"end)");
}

static void
a_status_outlives_its_event(void **state)
{
	struct bench *bench = *state;
	deliver_ok(bench, TUSK
		"local kept\n"
		"tusk.on('update', function(status)\n"
		"  if kept then assert(kept.account.acct == 'ann@s.example' and #kept.mentions == 1) end\n"
		"  kept = status collectgarbage()\n"
		"end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), 1);
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), 1);
}

static void
gives_each_kind_its_subject(void **state)
{
	struct bench *bench = *state;
	bench_run(bench,
		TUSK
		"tusk.on('delete', function(id, event) assert(id == '42' and event.kind == 'delete') end)",
		"{\"kind\":\"delete\",\"stream\":[\"user\"],\"origin\":\"live\",\"payload\":\"42\"}");
	bench_run(bench,
		TUSK "tusk.on('*', function(subject, event)\n"
		     "assert(event.kind == 'filters_changed' and subject == nil) end)",
		"{\"kind\":\"filters_changed\",\"stream\":[\"user\"],\"origin\":\"live\"}");
	bench_run(bench,
		TUSK
		"tusk.on('emoji_reaction', function(subject) assert(subject.name == 'x') end, {unknown = true})",
		"{\"kind\":\"emoji_reaction\",\"stream\":[\"user\"],\"payload\":{\"name\":\"x\"}}");
	assert_int_equal(bench->lines.len, 0);
	bench_run(bench,
		TUSK "tusk.on('notification', function(n)\n"
		     "assert(n.type == 'follow' and n.account.acct == 'bob' and n.status == nil)\n"
		     "assert(type(n.forward) == 'function' and n.boost == nil) end)",
		"{\"kind\":\"notification\",\"stream\":[\"user\"],\"payload\":{\"id\":\"8\",\"type\":\"follow\","
		"\"account\":{\"id\":\"5\",\"acct\":\"bob\"}}}");
	bench_must_load(bench, TUSK
		"tusk.on('gap', function(gap, event) assert(gap.stream == 'public' and event.kind == 'gap') end)");
	struct json_doc *doc;
	assert_int_equal(
		json_parse(bench->parser, STR("{\"stream\":\"public\"}"), &doc, NULL), ERR_OK);
	struct plugin_delivery delivery = {.host = json_root(doc)};
	struct plugin_run run;
	plugin_run_init(&run);
	if (!bench_ended(bench, plugin_deliver(bench->plugin, &delivery, &run), &run))
		fail_msg("%s", bench->error.text);
	json_doc_destroy(doc);
}

static void
registers_what_it_wants(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK
		"tusk.plugin { name = 'cats', version = '1.2', permissions = { 'http:x.example' } }\n"
		"tusk.subscribe('hashtag', '#Caturday')\n"
		"tusk.subscribe('list', 12, { account = 'other' })\n"
		"tusk.every('1h30m', function() end)\n"
		"tusk.every('10s', { name = 'fast' }, function() end)\n"
		"tusk.daily({ '18:00:05', '9:00' }, { tz = 'UTC', on = { 'mon', 'sun' }, missed = 'run' }, print)\n"
		"tusk.on('status', function() end)\n"
		"tusk.on('gap', function() end)");
	unsigned count;
	const struct plugin_stream *streams = plugin_streams(bench->plugin, &count);
	assert_int_equal(count, 2);
	assert_string_equal(streams[0].stream, "hashtag");
	assert_string_equal(streams[0].param, "Caturday");
	assert_null(streams[0].account);
	assert_int_equal(streams[0].line, 3);
	assert_string_equal(streams[1].param, "12");
	assert_string_equal(streams[1].account, "other");
	const struct plugin_schedule *schedules = plugin_schedules(bench->plugin, &count);
	assert_int_equal(count, 3);
	assert_string_equal(schedules[0].name, "every 1h30m");
	assert_int_equal(schedules[0].every_ms, 5400000);
	assert_true(schedules[0].runs_late);
	assert_string_equal(schedules[1].name, "fast");
	assert_string_equal(schedules[2].name, "daily 18:00:05, 9:00 on mon, sun UTC");
	assert_true(schedules[2].every_ms == 0 && schedules[2].runs_late);
	assert_int_equal(schedules[2].time_count, 2);
	assert_int_equal(schedules[2].times_s[0], 9 * 3600);
	assert_int_equal(schedules[2].times_s[1], 18 * 3600 + 5);
	assert_int_equal(schedules[2].weekdays, 3);
	const struct plugin_handler *handlers = plugin_handlers(bench->plugin, &count);
	assert_int_equal(count, 2);
	assert_true(handlers[0].kinds[EVENT_UPDATE] && handlers[0].kinds[EVENT_STATUS_UPDATE]);
	assert_false(handlers[0].kinds[EVENT_DELETE]);
	assert_string_equal(handlers[1].host_event, "gap");
	assert_int_equal(handlers[1].line, 9);
	const struct plugin_about *about = plugin_about(bench->plugin);
	assert_string_equal(about->name, "cats");
	assert_string_equal(about->version, "1.2");
	assert_null(about->description);
	assert_int_equal(about->permission_count, 1);
	assert_true(plugin_may(bench->plugin, "boost") && plugin_may(bench->plugin, "archive"));
	assert_false(plugin_may(bench->plugin, "http:x.example"));
	assert_false(about->writes_private);
}

/* The keys of all handlers, a line each. New. */
static char *
handler_keys(struct bench *bench, const char *source)
{
	struct buf keys;
	unsigned count;
	buf_init(&keys, 4096);
	bench_must_load(bench, source);
	const struct plugin_handler *handlers = plugin_handlers(bench->plugin, &count);
	for (unsigned i = 0; i < count; i++)
		buf_printf(&keys, "%s\n", handlers[i].key);
	return buf_take(&keys, NULL);
}

static void
handlers_have_keys_that_outlive_a_new_state(void **state)
{
	char *first = handler_keys(*state, TUSK
		"local f = function() end\n"
		"tusk.on('update', { text = 'cat', language = 'en', tags = 'caturday', reply = true }, f)\n"
		"tusk.on('update', f) tusk.on('update', f) tusk.on('status', f) tusk.hear('cat', f)\n"
		"tusk.on('update', f, { name = 'mine' }) tusk.on('gap', f)\n");
	char *second = handler_keys(*state, TUSK
		"local g = function() return 1 end -- other lines, other order of keys\n\n"
		"tusk.on('update', { reply = true, tags = 'caturday', language = 'en', text = 'cat' }, g)\n"
		"tusk.on('update', g) tusk.on('update', g) tusk.on('status', g) tusk.hear('cat', g)\n"
		"tusk.on('delete', g, { name = 'mine' }) tusk.on('gap', g)\n");
	assert_string_equal(first, second);
	bench_assert_contains(first, "\non update\non update #2\non update status.update\n");
	bench_assert_contains(first, "\n=mine\n");
	char *other = handler_keys(*state, TUSK "tusk.on('update', { text = 'dog' }, print)\n");
	assert_null(strstr(first, other));
	free(first);
	free(second);
	free(other);
}

static void
a_time_of_day_is_in_the_zone_of_the_config_unless_it_says_otherwise(void **state)
{
	struct bench *bench = *state;
	bench->config.tz = "Asia/Tokyo";
	bench_must_load(bench,
		TUSK "tusk.daily('09:00', print) tusk.daily('09:00', { tz = '+02:00' }, print)\n"
		     "assert(tusk.time.date(0).hour == 9 and os.date('%H', 0) == '09')\n"
		     "assert(os.time { year = 1970, month = 1, day = 1, hour = 9 } == 0)");
	unsigned count;
	const struct plugin_schedule *schedules = plugin_schedules(bench->plugin, &count);
	assert_int_equal(count, 2);
	assert_string_equal(zone_name(schedules[0].zone), "Asia/Tokyo");
	assert_string_equal(schedules[0].name, "daily 09:00");
	assert_string_equal(zone_name(schedules[1].zone), "+02:00");
	assert_string_equal(schedules[1].name, "daily 09:00 +02:00");
	assert_true(schedules[0].spec_hash != schedules[1].spec_hash && !schedules[0].runs_late);
}

static void
names_what_is_wrong(void **state)
{
	static const struct {
		const char *source, *expected;
	} cases[] = {
		{"tusk.on('updat', print)",
			"cats.lua:2: tusk.on: unknown event \"updat\"; did you mean \"update\"?"},
		{"tusk.on('update')", "the handler: found nil, expected a function"},
		{"tusk.on('gap', {text = 'x'}, print)",
			"a match table cannot be used with \"gap\""},
		{"\n\ntusk.subscribe('pulic')", "cats.lua:4: tusk.subscribe: "},
		{"tusk.subscribe('hashtag')", "tusk.subscribe: "},
		{"tusk.subscribe('public', {acount = 'x'})",
			"unknown field \"acount\"; did you mean \"account\"?"},
		{"tusk.every('15', print)", "found \"15\", expected a time"},
		{"tusk.every('1m', print) tusk.every('1m', print)",
			"the name \"every 1m\" is taken"},
		{"tusk.every('999ms', print)", "expected \"1s\" to \"366d\""},
		{"tusk.every('367d', print)", "expected \"1s\" to \"366d\""},
		{"tusk.every('1m', { missed = 'late' }, print)",
			"missed: found \"late\", expected \"skip\""},
		{"tusk.every('1m', { name = '' }, print)", "the name has 0 bytes"},
		{"tusk.daily('9am', print)", "found \"9am\", expected a time of day"},
		{"tusk.daily('24:00', print)",
			"found \"24:00\", expected a time of day from \"00:00\" to \"23:59:59\""},
		{"tusk.daily({}, print)", "found a table, expected a time of day"},
		{"tusk.daily({ '09:00', '9:00' }, print)", "the same time twice"},
		{"tusk.daily('09:00', { tz = 'Europe/Berln' }, print)",
			"tz: there is no time zone \"Europe/Berln\"; did you mean \"Europe/Berlin\"?"},
		{"tusk.daily('09:00', { zone = 'UTC' }, print)", "unknown field \"zone\""},
		{"tusk.daily('09:00', { on = { 'mon', 'tues' } }, print)",
			"on: found \"tues\", expected weekdays such as"},
		{"tusk.daily('09:00', { on = {} }, print)", "on: found no weekday"},
		{"tusk.daily('09:00', print) tusk.daily('09:00', print)",
			"the name \"daily 09:00\" is taken by the schedule of line 2"},
		{"tusk.daily('09:00')", "the handler: found nil, expected a function"},
		{"tusk.on('update', print, {name = 'x'})\ntusk.on('delete', print, {name = 'x'})",
			"cats.lua:3: tusk.on: the name \"x\" is taken by the handler of line 2"},
		{"tusk.on('update', print, {name = ''})",
			"name: expected one line of 1 to 128 bytes"},
		{"tusk.plugin { nmae = 'x' }", "unknown field \"nmae\"; did you mean \"name\"?"},
		{"tusk.plugin { permissions = { 'archive:privat' } }",
			"there is no permission \"archive:privat\", did you mean \"archive:private\"?"},
		{"tusk.plugin { permissions = { 'http:' } }",
			"found the permission \"http:\", expected \"http:HOST\""},
		{"tusk.plugin { permissions = { 'https://x.example/y' } }",
			"for example \"http:x.example\""},
		{"tusk.plugin { permissions = { 'folow' } }", "did you mean \"follow\"?"},
		{"tusk.plugin { name = 5 }", "name: found 5, expected a text"},
		{"tusk.pots {}", "there is no tusk.pots; did you mean tusk.post?"},
		{"tusk.on = print", "tusk.on cannot be set"},
		{"tusk.post { text = 'x' }", "post works only inside a handler or a schedule"},
		{"tusk.store.n = 1", "tusk.store.n: the store can be changed inside handlers"},
		{"tusk.on('update', {where = 5}, print)",
			"match: where: found 5, expected function"},
		{"tusk.on('update', {'x'}, print)", "found a list element, expected named keys"},
		{"tusk.on('update', {any = {{where = print}}}, print)",
			"any.1.where: found a function"},
		{"tusk.on('update', {text = {'x', viw = 'raw'}}, print)",
			"unknown field \"viw\"; did you mean \"view\"?"},
		{"tusk.text.fold('\\xff')", "is not valid UTF-8"},
		{"tusk.on('update', {words = {'a', leet = 5}}, print)",
			"words.leet: expected true or false"},
		{"tusk.on('update', {words = {'a', let = true}}, print)", "did you mean \"leet\"?"},
		{"tusk.on('update', {words = {{'a', 'b', leet = true}}}, print)",
			"words.1: expected { \"word\", leet = true }"},
		{"x = = 1", "plugins/cats.lua:2: unexpected symbol near '='"},
		{"local x = nil; x.y = 1",
			"plugins/cats.lua:2: attempt to index a nil value (local 'x')"},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char source[500];
		snprintf(source, sizeof(source), TUSK "%s", cases[i].source);
		if (bench_load(bench, source))
			fail_msg("loaded: %s", cases[i].source);
		bench_assert_contains(bench->error.text, cases[i].expected);
		assert_null(strstr(bench->error.text, "lua/moontusk"));
	}
}

static void
warns_about_events_it_does_not_know(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK "tusk.on('mention', print)");
	bench_assert_contains(
		bench->lines.ptr, "warn cats plugins/cats.lua:2: tusk.on: \"mention\"");
	bench_assert_contains(bench->lines.ptr, "{ type = \"mention\" }");
}

static void
a_handler_that_raises_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench, TUSK "local function deeper() local t\n"
				    "  return t.x end\n"
				    "tusk.on('update', function(status)\n"
				    "  status:boost()\n"
				    "  deeper()\n"
				    "end)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
	assert_int_equal(bench->effects.count, 0);
	bench_assert_contains(bench->error.text,
		"plugins/cats.lua:3: attempt to index a nil value (local 't')\n"
		"  plugins/cats.lua:3: in upvalue 'deeper'\n"
		"  plugins/cats.lua:6: in ");
	assert_null(strstr(bench->error.text, "lua/moontusk"));
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), -1);
}

static void
logs_under_its_own_name(void **state)
{
	struct bench *bench = *state;
	deliver_ok(bench,
		TUSK "tusk.on('update', function()\n"
		     "print('a', 1, nil) tusk.log.info('%s is %d', 'x', 5) tusk.log.warn('100%')\n"
		     "tusk.log.error('%d', 'no number') tusk.log.debug(true)\n"
		     "end)");
	assert_string_equal(bench->lines.ptr,
		"info cats a\\t1\\tnil\ninfo cats x is 5\nwarn cats 100%\nerror cats %d\\tno number\ndebug cats true\n");
	deliver_ok(bench, TUSK "tusk.on('update', function() for i = 1, 500 do print(i) end end)");
	bench_assert_contains(bench->lines.ptr,
		"info cats 200\nwarn cats this handler call has logged 200 lines");
	assert_null(strstr(bench->lines.ptr, "info cats 201"));
}

static void
runs_schedules(void **state)
{
	struct bench *bench = *state;
	bench_must_load(bench,
		TUSK "tusk.every('15m', function(due)\n"
		     "assert(due == 1763640000.5) tusk.post { text = 'hello' } end)\n"
		     "tusk.every('1h', function() error('no') end)");
	assert_true(bench_tick(bench, 0, 1763640000500));
	struct effect *effect = bench_effect(bench, 0, EFFECT_ACTION);
	assert_int_equal(effect->action.kind, ACTION_POST);
	assert_string_equal(effect->action.body, "{\"status\":\"hello\"}");
	assert_false(bench_tick(bench, 1, 0));
	bench_assert_contains(bench->error.text, "plugins/cats.lua:4: no");
}

/* As it stands in the documentation. */
static void
runs_the_twenty_line_bot(void **state)
{
	static const char bot[] =
		"local tusk = require \"moontusk\"\n"
		"\n"
		"local options = tusk.options {\n"
		"  tag      = { \"caturday\", help = \"hashtag to follow, without #\" },\n"
		"  per_hour = { 20, help = \"boost at most this many posts an hour\" },\n"
		"}\n"
		"\n"
		"tusk.subscribe(\"hashtag\", options.tag)\n"
		"\n"
		"tusk.on(\"update\", {\n"
		"  text    = [[\\bcat(s|urday)?\\b]],              -- PCRE2 on what people see, not on HTML\n"
		"  media   = { min = 1, described = \"all\" },\n"
		"  account = { bot = false, age = \">7d\" },\n"
		"}, function(status)\n"
		"  status:boost { at_most = { options.per_hour, per = \"1h\" } }\n"
		"end)\n";
	struct bench *bench = *state;
	bench->config.options = STR("{\"per_hour\":3}");
	bench_must_load(bench, bot);
	unsigned count;
	assert_string_equal(plugin_streams(bench->plugin, &count)->param, "caturday");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), 1);
	const struct action *action = &bench_effect(bench, 0, EFFECT_ACTION)->action;
	assert_int_equal(action->kind, ACTION_BOOST);
	assert_string_equal(action->target, "115600");
	assert_int_equal(action->at_most, 3);
	assert_int_equal(
		bench_deliver(bench, bench_update(bench, "{\"id\":\"1\",\"content\":\"a dog\"}")),
		0);
}

static void
hears_mentions_and_gives_captures(void **state)
{
	struct bench *bench = *state;
	bench_run(bench,
		TUSK
		"tusk.hear([[^(\\d+) (km|mi)( please)?$]], function(status, number, unit, please, more)\n"
		"assert(number == '12' and unit == 'KM' and please == false and more == nil)\n"
		"status:reply(number .. unit) end)",
		"{\"kind\":\"notification\",\"stream\":[\"user\"],\"payload\":{\"id\":\"1\",\"type\":\"mention\","
		"\"account\":{\"id\":\"9\",\"acct\":\"ann\"},\"status\":{\"id\":\"5\",\"visibility\":\"public\","
		"\"account\":{\"id\":\"9\",\"acct\":\"ann\"},\"spoiler_text\":\"\",\"content\":\"<p><span class=\\\"h-card\\\">"
		"<a href=\\\"https://s.example/@bot\\\" class=\\\"u-url mention\\\">@<span>bot</span></a></span> 12 KM</p>\","
		"\"mentions\":[{\"id\":\"2\",\"acct\":\"bot\",\"username\":\"bot\",\"url\":\"https://s.example/@bot\"}]}}}");
	bench_assert_contains(bench_effect(bench, 0, EFFECT_ACTION)->action.body, "@ann 12KM");
}

static void
explains_match_errors(void **state)
{
	static const struct {
		const char *match, *expected;
	} cases[] = {
		{"text = 'a(b'", "plugins/cats.lua:2: tusk.on: match: text: "},
		{"text = 'a(b'", "the pattern is \"a(b\""},
		{"txt = 'a'", "did you mean \"text\"?"},
		{"account = { agee = '>7d' }", "match: account"},
		{"any = { { text = 'x' }, { text = '[' } }", "match: any.2.text: "},
		{"text = { 'x', view = 'rew' }", "did you mean \"raw\"?"},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char source[300];
		snprintf(source, sizeof(source), TUSK "tusk.on('update', { %s }, print)",
			cases[i].match);
		if (bench_load(bench, source))
			fail_msg("loaded: %s", cases[i].match);
		bench_assert_contains(bench->error.text, cases[i].expected);
	}
}

static void
asks_where_last(void **state)
{
	struct bench *bench = *state;
	deliver_ok(bench, TUSK
		"local asked = 0\n"
		"tusk.on('update', { text = 'cat', where = function(status, event)\n"
		"  asked = asked + 1 assert(event.match.rule == 'text') return status.id == 'other' end }, error)");
	bench_must_load(bench, TUSK
		"tusk.on('update', { text = 'dog', where = function() error('asked') end }, print)");
	assert_int_equal(bench_deliver(bench, bench_update(bench, status_json)), 0);
}

static void
survives_each_failing_allocation(void **state)
{
	struct bench *bench = *state;
	const char *source =
		TUSK "local options = tusk.options { tag = { 'caturday' }, per_hour = { 20 } }\n"
		     "tusk.subscribe('hashtag', options.tag)\n"
		     "tusk.on('update', function(status, event)\n"
		     "  tusk.store.n = (tusk.store.n or 0) + 1\n"
		     "  tusk.store.last = { id = status.id, tags = status.tags }\n"
		     "  for key in pairs(status.account) do assert(key) end\n"
		     "  assert(event.raw and tusk.regex.match(status.content, 'c(a)t') == 'a')\n"
		     "  status:boost { at_most = { options.per_hour, per = '1h' } }\n"
		     "  status:reply('hello')\n"
		     "  status:archive('x')\n"
		     "end)";
	unsigned long n = 1;
	bool done = false;
	for (; n < 20000 && !done; n++) {
		bench->config.fail_at = n;
		done = bench_load(bench, source) &&
		       bench_deliver(bench, bench_update(bench, status_json)) == 1;
		if (!done) {
			bench_assert_contains(bench->error.text, "out of memory");
			assert_int_equal(bench->effects.count, 0);
		}
	}
	assert_true(done);
	assert_int_equal(bench->effects.count, 5);
	assert_in_range(n, 500, 19999);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		T(reads_entities_as_tables),
		T(tables_behave_as_tables),
		T(a_status_outlives_its_event),
		T(gives_each_kind_its_subject),
		T(registers_what_it_wants),
		T(handlers_have_keys_that_outlive_a_new_state),
		T(a_time_of_day_is_in_the_zone_of_the_config_unless_it_says_otherwise),
		T(names_what_is_wrong),
		T(warns_about_events_it_does_not_know),
		T(a_handler_that_raises_leaves_nothing),
		T(logs_under_its_own_name),
		T(runs_schedules),
		T(runs_the_twenty_line_bot),
		T(hears_mentions_and_gives_captures),
		T(explains_match_errors),
		T(asks_where_last),
		T(survives_each_failing_allocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
