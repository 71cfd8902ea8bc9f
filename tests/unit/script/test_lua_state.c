/* SPDX-License-Identifier: MIT */
/* Tests of the Lua state: the door, the sandbox, require, memory. */
#include "lua_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void
run_text(lua_State *L, void *data)
{
	lua_state_load(L, str_from(data), "plugins/cats.lua");
	lua_call(L, 0, 0);
}

static bool
run_with(const struct lua_state_config *config, const char *text, char *error)
{
	struct lua_state *state = lua_state_create(config, error);
	if (!state)
		return false;
	union {
		const char *in;
		void *out;
	} data = {text};
	bool ok = lua_state_call(state, run_text, data.out, error);
	lua_state_destroy(state);
	return ok;
}

static void
assert_runs(const char *text)
{
	char error[PLUGIN_ERROR_MAX];
	if (!run_with(&(struct lua_state_config){0}, text, error))
		fail_msg("%s", error);
}

static void
assert_fails(const char *text, const char *expected)
{
	char error[PLUGIN_ERROR_MAX];
	assert_false(run_with(&(struct lua_state_config){0}, text, error));
	if (!strstr(error, expected))
		fail_msg("found: %s\nexpected: %s", error, expected);
}

static void
hides_what_is_not_listed(void **state)
{
	(void)state;
	assert_runs(
		"assert(io == nil and debug == nil and package == nil)\n"
		"assert(dofile == nil and loadfile == nil and warn == nil)\n"
		"assert(os.execute == nil and os.getenv == nil and os.remove == nil)\n"
		"assert(os.exit == nil and os.tmpname == nil and os.setlocale == nil)\n"
		"assert(string.dump == nil)\n"
		"for name in pairs(_G) do assert(_G[name] == nil or name ~= 'package', name) end");
	assert_runs("assert(os.time() > 0 and os.clock() and os.date('!%Y', 0) == '1970')\n"
		    "assert(table.concat{1, 2} == '12' and utf8.char(228) == 'ä' and math.pi > 3)\n"
		    "assert(coroutine.wrap(function() return 7 end)() == 7)");
}

static void
refuses_bytecode(void **state)
{
	(void)state;
	assert_runs("local code = '\\27Lua\\84\\0\\25\\147\\r\\n\\26\\n'\n"
		    "local f, message = load(code, 'x', 'b')\n"
		    "assert(f == nil and message:find('binary', 1, true), message)\n"
		    "assert(load(code, 'x', 'bt') == nil and load(code) == nil)\n"
		    "assert(load(function() return nil end))\n"
		    "assert(load('return 1 + 1')() == 2)\n"
		    "assert(load('return x', 'x', 't', {x = 5})() == 5)");
	assert_fails("\x1bLua", "compiled Lua");
}

static void
keeps_the_metatable_of_strings(void **state)
{
	(void)state;
	assert_runs("assert(getmetatable('') == false)\n"
		    "assert(not pcall(setmetatable, '', {}))\n"
		    "string.trim = function(s) return (s:gsub('^%s+', '')) end\n"
		    "assert(('  x'):trim() == 'x')");
}

static void
refuses_finalizers_and_a_stopped_collector(void **state)
{
	(void)state;
	assert_runs("assert(not pcall(setmetatable, {}, {__gc = function() end}))\n"
		    "assert(setmetatable({}, {__index = {a = 1}}).a == 1)\n"
		    "assert(not pcall(collectgarbage, 'stop'))\n"
		    "assert(collectgarbage('count') > 0)\n"
		    "collectgarbage()");
}

/* A chain of weak keys can stop the collector, and the host with it, for minutes. */
static void
plugins_have_no_weak_tables(void **state)
{
	(void)state;
	assert_runs(
		"assert(not pcall(setmetatable, {}, {__mode = 'k'}) and not pcall(setmetatable, {}, {__mode = 'v'}))\n"
		"local mt = {}\n"
		"local t = setmetatable({}, mt)\n"
		"mt.__mode = 'kv' rawset(mt, '__mo' .. 'de', 'k')\n"
		"t[{}] = {} t[1] = {}\n"
		"collectgarbage() collectgarbage()\n"
		"assert(next(t) ~= nil and t[1] and mt.__mode == 'k')\n"
		"t[1] = nil assert(type(next(t)) == 'table')");
}

static void
names_file_line_and_frames(void **state)
{
	(void)state;
	assert_fails("local x\nlocal function inner()\n  return x.y\nend\ninner()",
		"plugins/cats.lua:3: attempt to index a nil value (upvalue 'x')\n"
		"  plugins/cats.lua:3: in local 'inner'\n"
		"  plugins/cats.lua:5: in the main chunk");
	assert_fails("x =", "plugins/cats.lua:1: unexpected symbol near <eof>");
	assert_fails("error({})", "called with a table");
	assert_fails("error(setmetatable({}, {__tostring = function() return 'mine' end}))",
		"mine\n  plugins/cats.lua:1:");
	assert_fails("error(setmetatable({}, {__tostring = function() error('no') end}))", "");
	assert_fails("#!/usr/bin/env moontusk\n\nerror('x')", "plugins/cats.lua:3: x");
	assert_fails("local function f() return f() + 1 end f()", "stack overflow");
}

static void
survives_a_full_memory(void **state)
{
	(void)state;
	char error[PLUGIN_ERROR_MAX];
	struct lua_state_config config = {.limit_bytes = 2u << 20};
	assert_false(run_with(&config, "local s = 'x' while true do s = s .. s end", error));
	assert_non_null(strstr(error, "out of memory"));
}

static void
survives_each_failing_allocation(void **state)
{
	(void)state;
	const char *text = "local t = {} for i = 1, 20 do t[i] = ('x'):rep(50) .. i end\n"
			   "assert(load('return 1'))\n"
			   "assert(not pcall(error, {}))";
	char error[PLUGIN_ERROR_MAX];
	unsigned long n = 1;
	for (; n < 100000; n++) {
		struct lua_state_config config = {.fail_at = n};
		if (run_with(&config, text, error))
			break;
		assert_non_null(strstr(error, "out of memory"));
	}
	assert_in_range(n, 100, 99999);
}

static int
open_empty(lua_State *L)
{
	lua_newtable(L);
	return 1;
}

static void
requires_only_the_library_and_its_own_folder(void **state)
{
	(void)state;
	char folder[] = "/tmp/lua_state_XXXXXX", path[100], error[PLUGIN_ERROR_MAX];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/util.lua", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("runs = (runs or 0) + 1\nreturn {name = ...}", file);
	fclose(file);
	static const struct lua_module modules[] = {{"moontusk.core", open_empty},
		{"moontusk.util", open_empty}, {"moontusk.wait", open_empty}};
	struct lua_state_config config = {
		.folder = folder, .modules = modules, .module_count = COUNT_OF(modules)};
	bool ok = run_with(&config,
		"assert(require('util').name == 'util')\n"
		"assert(require 'util' == require 'util' and runs == 1)\n"
		"assert(type(require 'moontusk') == 'table')\n"
		"assert(not pcall(require, 'moontusk.core'))\n"
		"assert(not pcall(require, 'practice.main'))\n"
		"for _, bad in ipairs{'..util', 'a..b', '', '../util', '/etc/passwd', 'a\\0b', 'util.'} do\n"
		"  local ok, message = pcall(require, bad)\n"
		"  assert(not ok and message:find('module name', 1, true), bad)\n"
		"end\n"
		"local ok, message = pcall(require, 'nothing')\n"
		"assert(message:find('cats.lua:10: require \\'nothing\\'', 1, true), message)",
		error);
	unlink(path);
	rmdir(folder);
	if (!ok)
		fail_msg("%s", error);
}

static void
nested(lua_State *L, void *data)
{
	struct lua_state *state = data;
	char error[PLUGIN_ERROR_MAX];
	union {
		const char *in;
		void *out;
	} text = {"error('inner')"};
	assert_false(lua_state_call(state, run_text, text.out, error));
	assert_non_null(strstr(error, "inner"));
	assert_int_equal(lua_gettop(L), 0);
	lua_state_fail(L, "%d and %s", 7, "more");
}

static void
leaves_the_stack_as_it_was(void **state)
{
	(void)state;
	char error[PLUGIN_ERROR_MAX];
	struct lua_state *lua = lua_state_create(&(struct lua_state_config){0}, error);
	assert_non_null(lua);
	for (int i = 0; i < 100; i++) {
		assert_false(lua_state_call(lua, nested, lua, error));
		assert_string_equal(error, "7 and more");
	}
	struct plugin_usage usage;
	lua_state_usage(lua, &usage);
	assert_in_range(usage.bytes, 1000, 100000);
	lua_state_destroy(lua);
}

static void
runs_nothing_without_the_timer_of_its_cpu_limit(void **state)
{
	(void)state;
	char error[PLUGIN_ERROR_MAX] = "", other[PLUGIN_ERROR_MAX];
	struct rlimit before, none;
	assert_int_equal(getrlimit(RLIMIT_SIGPENDING, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &none), 0);
	struct lua_state_config config = {.cpu_ms = 100};
	struct lua_state *refused = lua_state_create(&config, error);
	struct lua_state *unlimited = lua_state_create(&(struct lua_state_config){0}, other);
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &before), 0);
	if (refused) { /* under valgrind there is no limit */
		assert_non_null(getenv("LD_PRELOAD"));
	} else {
		assert_non_null(
			strstr(error, "no timer can be made for the limit of its CPU time"));
	}
	assert_non_null(unlimited);
	lua_state_destroy(refused);
	lua_state_destroy(unlimited);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hides_what_is_not_listed),
		cmocka_unit_test(refuses_bytecode),
		cmocka_unit_test(keeps_the_metatable_of_strings),
		cmocka_unit_test(refuses_finalizers_and_a_stopped_collector),
		cmocka_unit_test(plugins_have_no_weak_tables),
		cmocka_unit_test(names_file_line_and_frames),
		cmocka_unit_test(survives_a_full_memory),
		cmocka_unit_test(survives_each_failing_allocation),
		cmocka_unit_test(requires_only_the_library_and_its_own_folder),
		cmocka_unit_test(leaves_the_stack_as_it_was),
		cmocka_unit_test(runs_nothing_without_the_timer_of_its_cpu_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
