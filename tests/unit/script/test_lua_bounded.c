/* SPDX-License-Identifier: MIT */
/* Tests of the library functions that keep within the budget: they give what Lua's own give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lua_state.h"
#include <lauxlib.h>
#include <lualib.h>

static void
add_original(lua_State *L)
{
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, luaopen_string);
	lua_call(L, 0, 1);
	lua_setfield(L, -2, "string");
	lua_pushcfunction(L, luaopen_table);
	lua_call(L, 0, 1);
	lua_setfield(L, -2, "table");
	lua_setglobal(L, "original");
}

static void
run_text(lua_State *L, void *data)
{
	lua_state_load(L, str_from(data), "test.lua");
	lua_call(L, 0, 0);
}

static void
assert_runs(const char *text)
{
	char error[PLUGIN_ERROR_MAX];
	struct lua_state_config config = {.globals = add_original};
	struct lua_state *state = lua_state_create(&config, error);
	assert_non_null(state);
	union {
		const char *in;
		void *out;
	} data = {text};
	if (!lua_state_call(state, run_text, data.out, error))
		fail_msg("%s", error);
	lua_state_destroy(state);
}

/* same(library, name, make): `make` gives fresh arguments; results, errors and the first argument afterwards are the same. */
#define SAME                                                                                                                             \
	"local function show(value)\n"                                                                                                   \
	"  if type(value) ~= 'table' then return original.string.format('%q', ((tostring(value):gsub(\"#?%d? to '[^']*'\", '')))) end\n" \
	"  local parts = {}\n"                                                                                                           \
	"  for i = -2, 12 do parts[#parts + 1] = tostring(rawget(value, i)) end\n"                                                       \
	"  return '{' .. original.table.concat(parts, ' ') .. '}'\n"                                                                     \
	"end\n"                                                                                                                          \
	"local function run(f, make)\n"                                                                                                  \
	"  local given = original.table.pack(make())\n"                                                                                  \
	"  local got = original.table.pack(pcall(f, original.table.unpack(given, 1, given.n)))\n"                                        \
	"  local parts = {}\n"                                                                                                           \
	"  for i = 1, got.n do parts[i] = show(got[i]) end\n"                                                                            \
	"  for i = 1, given.n do parts[#parts + 1] = show(given[i]) end\n"                                                               \
	"  return original.table.concat(parts, '|')\n"                                                                                   \
	"end\n"                                                                                                                          \
	"local function same(library, name, make)\n"                                                                                     \
	"  local ours, theirs = run(_G[library][name], make), run(original[library][name], make)\n"                                      \
	"  if ours ~= theirs then error(name .. '\\nours   ' .. ours .. '\\ntheirs ' .. theirs, 2) end\n"                                \
	"end\n"

static void
texts_are_as_lua_makes_them(void **state)
{
	(void)state;
	assert_runs(SAME
		"local function each(name, list)\n"
		"  for _, args in ipairs(list) do same('string', name, function() return table.unpack(args, 1, args.n or #args) end) end\n"
		"end\n"
		"each('rep', {{'ab', 3}, {'ab', 3, '-'}, {'', 5}, {'', 5, ','}, {'x', 0}, {'x', -1}, {'x', 1, 'y'}, {'x', 2, ''},\n"
		"  {'abc', 7, '::'}, {'x', 1 << 62}, {'xy', math.maxinteger, 'z'}, {'x', 'y'}, {}, {7, 2}})\n"
		"local object = setmetatable({}, {__tostring = function() return 'object' end})\n"
		"local named = setmetatable({}, {__name = 'named'})\n"
		"each('format', {{'%d %s %q', 1, 'x', 'y\\0\\n'}, {'%s', object}, {'%10.3s|', object}, {'%-10s|%s', object, object},\n"
		"  {'%d', object}, {'%s'}, {'%%'}, {'%'}, {'%99999d', 1}, {'%99d', 1}, {'%.99f', 1e308}, {'%5.1f', 2.55}, {'%a', 1},\n"
		"  {'%c%c', 65, 0}, {'%i', 3.5}, {'%x', -1}, {'%s %s', 1, true}, {'%q', 1/3}, {'%s', nil, n = 2}, {'%s%%%s', object, 'x'},\n"
		"  {'%p', 1}, {'%y', 1}, {'%s', 1, 2, 3}, {7}, {}})\n"
		"assert(string.format('%s', named):find('^named: '))\n"
		"each('pack', {{'i4', 7}, {'z', 'abc'}, {'s2', 'abc'}, {'c10', 'abc'}, {'c2', 'abc'}, {'>I8 !8 i2', 1, 2}, {'c', 'x'}, {'i17', 1}})\n");
}

static void
tables_are_as_lua_changes_them(void **state)
{
	(void)state;
	assert_runs(SAME
		"local function list() return {1, 2, 3, 4, 5} end\n"
		"for _, args in ipairs{{n = 0}, {9}, {1, 9}, {3, 9}, {6, 9}, {7, 9}, {0, 9}, {1, 2, 3}, {'x', 9}} do\n"
		"  same('table', 'insert', function() return list(), table.unpack(args, 1, args.n or #args) end)\n"
		"end\n"
		"for _, position in ipairs{1, 3, 5, 6, 7, 0, -1, 'x', 'none'} do\n"
		"  same('table', 'remove', function() if position == 'none' then return list() end return list(), position end)\n"
		"  same('table', 'remove', function() return {}, position ~= 'none' and position or nil end)\n"
		"end\n"
		"for _, args in ipairs{{1, 3, 2}, {2, 4, 1}, {1, 5, 3}, {3, 2, 1}, {1, 5, 1}, {1, 3, 2, {}}, {1, 0, 1}, {-1, 2, 3},\n"
		"  {1, math.maxinteger, 2}, {math.mininteger, 2, 2}, {1, 2, math.maxinteger}, {1}, {}} do\n"
		"  same('table', 'move', function() return list(), table.unpack(args) end)\n"
		"end\n"
		"for _, args in ipairs{{}, {','}, {',', 2}, {',', 2, 3}, {',', 3, 2}, {',', 1, 9}, {1}, {',', math.maxinteger, math.maxinteger}} do\n"
		"  same('table', 'concat', function() return list(), table.unpack(args) end)\n"
		"end\n"
		"same('table', 'concat', function() return {1, 'a', 2.5} end) same('table', 'concat', function() return {1, true} end)\n"
		"same('table', 'concat', function() return {[math.maxinteger] = 'x'}, '', math.maxinteger, math.maxinteger end)\n"
		"local proxy = setmetatable({}, {__index = function(_, i) return i <= 3 and i or nil end, __len = function() return 3 end})\n"
		"assert(table.concat(proxy, ',') == '1,2,3')\n"
		"for _, name in ipairs{'insert', 'remove', 'move', 'concat', 'sort'} do same('table', name, function() return 7 end) end\n");
}

static void
sorts(void **state)
{
	(void)state;
	assert_runs(SAME
		"math.randomseed(7)\n"
		"for round = 1, 300 do\n"
		"  local list, other = {}, {}\n"
		"  for i = 1, math.random(0, 120) do\n"
		"    list[i] = round % 3 == 0 and math.random(5) or math.random(1000)\n"
		"    if round % 5 == 0 then list[i] = i elseif round % 5 == 1 then list[i] = -i end\n"
		"    other[i] = list[i]\n"
		"  end\n"
		"  local order = round % 2 == 0 and function(a, b) return a > b end or nil\n"
		"  table.sort(list, order) original.table.sort(other, order)\n"
		"  for i = 1, #other do assert(list[i] == other[i], round) end\n"
		"  assert(#list == #other)\n"
		"end\n"
		"local words = {'b', 'a', 'C', 'ä', ''} table.sort(words) assert(table.concat(words, ',') == ',C,a,b,ä')\n"
		"local big = {} for i = 1, 20000 do big[i] = (i * 7919) % 20011 end table.sort(big)\n"
		"for i = 2, #big do assert(big[i - 1] <= big[i]) end\n"
		"assert(not pcall(table.sort, {1, 'x', 2}) and not pcall(table.sort, {1, 2}, 5))\n"
		"for _, order in ipairs{function() return true end, function() return math.random(2) == 1 end, function() return false end} do\n"
		"  local list = {} for i = 1, 100 do list[i] = i end\n"
		"  local ok, message = pcall(table.sort, list, order)\n"
		"  assert(ok or message:find('invalid order function for sorting', 1, true), message)\n"
		"  local sum = 0 for i = 1, 100 do sum = sum + list[i] end assert(sum == 5050 or not ok)\n"
		"end\n");
}

static void
loads_texts_in_pieces(void **state)
{
	(void)state;
	assert_runs(
		"assert(load('return ' .. ('1 + '):rep(5000) .. '1')() == 5001)\n"
		"local parts = {'return ', '4', '2', nil}\n"
		"local i = 0\n"
		"assert(load(function() i = i + 1 return parts[i] end)() == 42)\n"
		"local ok, message = pcall(load, function() return {} end)\n"
		"assert(not ok and message == 'reader function must return a string', message)\n"
		"local f, why = load('x =', '=mine') assert(f == nil and why == 'mine:1: unexpected symbol near <eof>', why)\n"
		"f, why = load('x =') assert(why:find('[string \"x =\"]:1:', 1, true), why)\n"
		"f, why = load(function() return nil end, '=y') assert(f)\n"
		"assert(load('return x', 'x', 't', nil) and not pcall(load('return x.y', 'x', 't', nil)))\n"
		"f, why = load((' '):rep(2 << 20)) assert(f == nil and why == 'load: longer than 1048576 bytes', why)\n"
		"f, why = load(('goto e '):rep(9000) .. '::e::') assert(f == nil and why:find('more than 8192 times', 1, true), why)\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_as_lua_makes_them),
		cmocka_unit_test(tables_are_as_lua_changes_them),
		cmocka_unit_test(sorts),
		cmocka_unit_test(loads_texts_in_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
