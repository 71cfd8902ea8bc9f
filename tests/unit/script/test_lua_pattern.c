/* SPDX-License-Identifier: MIT */
/* Tests of our matcher of Lua patterns: it says what Lua's own says, errors included, and it can be ended. */
#include "lua_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lua_state.h"
#include <lauxlib.h>
#include <lualib.h>

/* Lua's own functions, under the name "original". */
static void
add_original(lua_State *L)
{
	lua_pushcfunction(L, luaopen_string);
	lua_call(L, 0, 1);
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

/* same(f, ...): both give the same values or the same error. */
#define SAME                                                                                                                                                         \
	"local function show(...)\n"                                                                                                                                 \
	"  local parts = {}\n"                                                                                                                                       \
	"  for i = 1, select('#', ...) do local text = tostring((select(i, ...))) parts[i] = original.format('%q', (original.gsub(text, \"to '[^']*'\", ''))) end\n" \
	"  return table.concat(parts, ',')\n"                                                                                                                        \
	"end\n"                                                                                                                                                      \
	"local function same(name, ...)\n"                                                                                                                           \
	"  local ours, theirs = show(pcall(string[name], ...)), show(pcall(original[name], ...))\n"                                                                  \
	"  if ours ~= theirs then error(name .. '(' .. show(...) .. ')\\nours   ' .. ours .. '\\ntheirs ' .. theirs, 2) end\n"                                       \
	"end\n"                                                                                                                                                      \
	"local function all(next_value, ...)\n"                                                                                                                      \
	"  local list = {}\n"                                                                                                                                        \
	"  for a, b, c in next_value, ... do\n"                                                                                                                      \
	"    list[#list + 1] = show(a, b, c) if #list > 300 then break end\n"                                                                                        \
	"  end\n"                                                                                                                                                    \
	"  return table.concat(list, ';')\n"                                                                                                                         \
	"end\n"

static void
says_what_lua_says_about_random_patterns(void **state)
{
	(void)state;
	assert_runs(SAME
		"math.randomseed(42)\n"
		"local pieces = {'a', 'b', 'ab', '.', '%a', '%A', '%d', '%s', '%w', '%W', '%p', '%x', '%u', '%l', '%c', '%g',\n"
		"  '[ab]', '[^a]', '[a-c]', '[%d%s]', '[]]', '[^]]', '[a-]', '[%a-z]', '(', ')', '()', '(a)', '(.-)', '(%w+)',\n"
		"  '*', '+', '-', '?', '^', '$', '%1', '%2', '%0', '%bxy', '%b()', '%f[%w]', '%f[^%w]', '%f', '%b', '%', '[', ']',\n"
		"  '%.', '%%', '%)', '\\0', '[%z\\0]', '\\xff', '[\\x80-\\xff]', ' ', 'x', 'y'}\n"
		"local letters = {'a', 'b', 'c', 'x', 'y', ' ', '1', '(', ')', '.', '%', ']', '-', '^', '$', '\\0', '\\xff', 'A', '\\n'}\n"
		"local function pick(list, n)\n"
		"  local out = {}\n"
		"  for i = 1, n do out[i] = list[math.random(#list)] end\n"
		"  return table.concat(out)\n"
		"end\n"
		"local replacements = {'', 'r', '%0', '<%1>', '%%', '%2', '%9', '%', '%x', 'a%1b%0'}\n"
		"for round = 1, 20000 do\n"
		"  local s, p = pick(letters, math.random(0, 12)), pick(pieces, math.random(0, 6))\n"
		"  local init = math.random(3) == 1 and math.random(-15, 15) or nil\n"
		"  same('find', s, p, init) same('match', s, p, init)\n"
		"  same('find', s, p, init, true)\n"
		"  same('gsub', s, p, replacements[math.random(#replacements)], math.random(4) == 1 and math.random(-1, 4) or nil)\n"
		"  if round % 4 == 0 then\n"
		"    same('gsub', s, p, {a = 'A', b = false, ab = 7})\n"
		"    same('gsub', s, p, function(a, b) return b and a end)\n"
		"    local ok, ours = pcall(function() return all(string.gmatch(s, p, init)) end)\n"
		"    local ok2, theirs = pcall(function() return all(original.gmatch(s, p, init)) end)\n"
		"    assert(ok == ok2 and ours == theirs, show(s, p, init, ours, theirs))\n"
		"  end\n"
		"end\n");
}

static void
says_what_lua_says_about_the_edges(void **state)
{
	(void)state;
	assert_runs(SAME
		"for _, name in ipairs{'find', 'match', 'gsub', 'gmatch'} do\n"
		"  same(name) same(name, 'x') same(name, {}, 'x') same(name, 'x', {}) same(name, 'x', nil)\n"
		"end\n"
		"same('gsub', 'x', 'x') same('gsub', 'x', 'x', true) same('gsub', 'x', 'x', function() return {} end)\n"
		"same('gsub', 'abc', '%w', '%0%0', 2) same('gsub', 'abc', '', '-') same('gsub', '', '', '-')\n"
		"same('gsub', 'hello world', 'o', 7) same('gsub', 7777, 7, 1) same('gsub', 'abc', '^a', 'x')\n"
		"same('find', 'abc', 'b', math.mininteger) same('find', 'abc', 'b', math.maxinteger) same('find', '', '')\n"
		"same('find', 'abc', '', 4) same('find', 'abc', '', 5) same('find', 'a.c', '.', 2, true) same('find', 'abc', '', -1)\n"
		"same('match', ('a'):rep(300), ('a?'):rep(300)) same('match', ('a'):rep(190), ('a?'):rep(190))\n"
		"same('match', 'a', ('('):rep(33) .. 'a' .. (')'):rep(33)) same('match', 'a', ('()'):rep(32)) same('match', 'a', ('()'):rep(33))\n"
		"same('match', ('x'):rep(2000), '.-y') same('match', ('x'):rep(100000), '(.*)(.*)y?')\n"
		"same('match', '  key = value  ', '^%s*(%S+)%s*=%s*(.-)%s*$') same('find', 'THE (quick) fox', '%((%a+)%)')\n"
		"same('gsub', 'THE (quick) fox', '%f[%a]%a+%f[%A]', string.lower) same('match', '((a)(b))', '%b()')\n"
		"assert(('x'):find('x') == 1 and ('abc'):gsub('%w', {a = 1}) == '1bc')\n");
}

/* What design section 12 names: seconds to years in Lua's own. */
static void
ends_a_search_that_would_not(void **state)
{
	(void)state;
	char error[PLUGIN_ERROR_MAX];
	const char *preload = getenv("LD_PRELOAD");
	if (preload && strstr(preload, "vgpreload"))
		skip();
	struct lua_state_config config = {.cpu_ms = 50};
	struct lua_state *lua = lua_state_create(&config, error);
	assert_non_null(lua);
	union {
		const char *in;
		void *out;
	} data = {"local s = ('a'):rep(100)\ns:find(('a*'):rep(20) .. 'b')"};
	assert_false(lua_state_call(lua, run_text, data.out, error));
	assert_int_equal(lua_state_limit(lua), LIMIT_CPU);
	if (!strstr(error, "test.lua:2: used more than 50 ms of CPU time"))
		fail_msg("%s", error);
	lua_state_destroy(lua);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_lua_says_about_random_patterns),
		cmocka_unit_test(says_what_lua_says_about_the_edges),
		cmocka_unit_test(ends_a_search_that_would_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
