/* SPDX-License-Identifier: MIT */
/* tusk.regex: PCRE2 under lrexlib's names: match find gmatch gsub split new. */
#include <string.h>

#include <lauxlib.h>

#include "lua_state_internal.h"
#include "lua_util.h"
#include "pattern.h"
#include "plugin_internal.h"

#define REGEX_TYPE   "moontusk.regex"
#define SCRATCH_TYPE "moontusk.regex_scratch"

static const char cache_key;   /* registry: "flags/pattern" -> regex, weak values */
static const char scratch_key; /* registry: the one scratch of this state */

struct regex {
	struct pattern *pattern;
	size_t charged; /* to the instance's memory */
};
struct scratch {
	struct pattern_scratch *scratch;
};

static int
regex_gc(lua_State *L)
{
	struct regex *regex = luaL_checkudata(L, 1, REGEX_TYPE);
	pattern_destroy(regex->pattern);
	regex->pattern = NULL;
	lua_state_charge(L, -(ptrdiff_t)regex->charged);
	regex->charged = 0;
	return 0;
}

static int
scratch_gc(lua_State *L)
{
	struct scratch *scratch = luaL_checkudata(L, 1, SCRATCH_TYPE);
	pattern_scratch_destroy(scratch->scratch);
	scratch->scratch = NULL;
	return 0;
}

static struct pattern_scratch *
get_scratch(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &scratch_key);
	struct scratch *scratch = lua_touserdata(L, -1);
	lua_pop(L, 1); /* the registry keeps it */
	return scratch->scratch;
}

/* PCRE2's own defaults, as lrexlib has them: case matters, ^ and $ at the ends only. */
static int
read_flags(lua_State *L, int index)
{
	int flags = PATTERN_CASE | PATTERN_ONE_LINE;
	for (const char *c = luaL_optstring(L, index, ""); *c; c++) {
		switch (*c) {
		case 'i':
			flags &= ~PATTERN_CASE;
			break;
		case 'm':
			flags &= ~PATTERN_ONE_LINE;
			break;
		case 's':
			flags |= PATTERN_DOTALL;
			break;
		case 'x':
			flags |= PATTERN_EXTENDED;
			break;
		default:
			lua_state_fail(L,
				"tusk.regex: unknown flag '%c'; the flags are i (caseless), m (^ and $ at lines), s (dot matches line ends), x (extended)",
				*c);
		}
	}
	return flags;
}

/* Pushes the compiled pattern of the argument at `index`: a text (with the flags at `flags_index`) or a regex. */
static struct regex *
check_pattern(lua_State *L, int index, int flags_index)
{
	if (lua_type(L, index) == LUA_TUSERDATA) {
		struct regex *given = luaL_checkudata(L, index, REGEX_TYPE);
		lua_pushvalue(L, index);
		return given;
	}
	struct pattern_error error = {0};
	struct str text = lua_check_str(L, index);
	int flags = read_flags(L, flags_index) | plugin_of(L)->pattern_flags;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
	lua_pushfstring(L, "%d/", flags);
	lua_pushvalue(L, index);
	lua_concat(L, 2); /* cache key */
	lua_pushvalue(L, -1);
	if (lua_rawget(L, -3) == LUA_TUSERDATA) {
		lua_replace(L, -3);
		lua_pop(L, 1);
		return lua_touserdata(L, -1);
	}
	lua_pop(L, 1);
	struct regex *regex = lua_newuserdatauv(L, sizeof(*regex), 0);
	*regex = (struct regex){0};
	luaL_setmetatable(L, REGEX_TYPE); /* from here on __gc owns the pattern */
	lua_state_check(L);
	regex->pattern = pattern_compile(text, flags, &error);
	if (!regex->pattern)
		lua_raise(L, "pattern", "tusk.regex: %s, at offset %zu of the pattern \"%.200s\"",
			error.message, error.offset, text.ptr);
	size_t size = pattern_memory(regex->pattern);
	lua_state_charge(L, (ptrdiff_t)size);
	regex->charged = size;
	lua_pushvalue(L, -2);
	lua_pushvalue(L, -2);
	lua_rawset(L, -5);
	lua_replace(L, -3);
	lua_pop(L, 1);
	return regex;
}

/* lrexlib's init: 1 is the first byte, negative counts from the end. */
static size_t
check_start(lua_State *L, int index, size_t len)
{
	lua_Integer init = luaL_optinteger(L, index, 1);
	if (init > 0)
		return (size_t)init - 1;
	lua_Unsigned back = 0 - (lua_Unsigned)init; /* math.mininteger has no positive */
	return back == 0 || back > len ? 0 : len - (size_t)back;
}

/* False for "does not match"; a limit or bad text raises. `subject->valid` from the second match in a text on:
 * to check all of it for each match would take a time that grows with its square. */
static bool
run(lua_State *L, const struct regex *regex, struct pattern_subject *subject, struct span *spans)
{
	lua_state_check(L);
	if (subject->start > subject->text.len)
		return false;
	subject->work_max = REGEX_WORK_MAX;
	switch (pattern_match(
		regex->pattern, get_scratch(L), subject, spans, PATTERN_CAPTURES_MAX)) {
	case PATTERN_YES:
		return true;
	case PATTERN_NO:
		return false;
	case PATTERN_LIMITED:
		lua_raise(L, "limit",
			"tusk.regex: gave up after %d steps on the pattern \"%.200s\"; make it simpler",
			PATTERN_MATCH_LIMIT, pattern_text(regex->pattern).ptr);
		break;
	case PATTERN_INVALID:
		lua_raise(L, "invalid_utf8",
			"tusk.regex: the text is not valid UTF-8, or the start is inside a character");
		break;
	}
	return false;
}

static unsigned
group_count(const struct regex *regex)
{
	unsigned count = pattern_captures(regex->pattern);
	return count < PATTERN_CAPTURES_MAX - 1 ? count : PATTERN_CAPTURES_MAX - 1;
}

/* Pushes the text of a group; false when it took no part. */
static void
push_span(lua_State *L, struct str text, struct span span)
{
	if (span.start > span.end)
		lua_pushboolean(L, 0);
	else
		lua_pushlstring(L, text.ptr + span.start, span.end - span.start);
}

/* Pushes all groups, or the whole match when there are none and `whole`. Returns how many. */
static int
push_groups(lua_State *L, const struct regex *regex, struct str text, const struct span *spans,
	bool whole)
{
	unsigned count = group_count(regex);
	luaL_checkstack(L, (int)count + 4, "too many captures");
	if (count == 0 && whole) {
		push_span(L, text, spans[0]);
		return 1;
	}
	for (unsigned i = 1; i <= count; i++)
		push_span(L, text, spans[i]);
	return (int)count;
}

/* Where to look next: behind the match, one character on when it was empty. */
static size_t
next_start(struct str text, struct span span)
{
	uint32_t code;
	if (span.end > span.start)
		return span.end;
	struct str rest = {text.ptr + span.end, text.len - span.end};
	size_t step = rest.len ? str_utf8_next(rest, &code) : 1;
	return span.end + (step ? step : 1);
}

/* new(pattern [, flags]) -> regex */
static int
regex_new(lua_State *L)
{
	check_pattern(L, 1, 2);
	return 1;
}

/* match(subject, pattern [, init [, flags]]) -> captures or the whole match | nil; regex:match(subject [, init]) */
static int
find_or_match(lua_State *L, bool is_find)
{
	struct span spans[PATTERN_CAPTURES_MAX];
	lua_settop(L, 4);
	struct str text = lua_check_str(L, 1);
	const struct regex *regex = check_pattern(L, 2, 4);
	struct pattern_subject subject = {.text = text, .start = check_start(L, 3, text.len)};
	if (!run(L, regex, &subject, spans)) {
		lua_pushnil(L);
		return 1;
	}
	if (!is_find)
		return push_groups(L, regex, text, spans, true);
	lua_pushinteger(L, (lua_Integer)spans[0].start + 1);
	lua_pushinteger(L, (lua_Integer)spans[0].end);
	return 2 + push_groups(L, regex, text, spans, false);
}

static int
regex_match(lua_State *L)
{
	return find_or_match(L, false);
}

/* find(subject, pattern [, init [, flags]]) -> first, last, captures... | nil; regex:find(subject [, init]) */
static int
regex_find(lua_State *L)
{
	return find_or_match(L, true);
}

/* Methods have the regex first, functions the subject: brings regex:f(subject, ...) into the functions' order. */
static int
method_match(lua_State *L)
{
	luaL_checkudata(L, 1, REGEX_TYPE);
	lua_settop(L, 3);
	lua_pushvalue(L, 1);
	lua_copy(L, 2, 1);
	lua_replace(L, 2);
	return find_or_match(L, false);
}

static int
method_find(lua_State *L)
{
	luaL_checkudata(L, 1, REGEX_TYPE);
	lua_settop(L, 3);
	lua_pushvalue(L, 1);
	lua_copy(L, 2, 1);
	lua_replace(L, 2);
	return find_or_match(L, true);
}

/* The iterator of gmatch and split: upvalues subject, regex, where to look next (-1: the end), where the last match ended. */
static int
iterate(lua_State *L, bool is_split)
{
	struct span spans[PATTERN_CAPTURES_MAX];
	struct str text = lua_check_str(L, lua_upvalueindex(1));
	const struct regex *regex = luaL_checkudata(L, lua_upvalueindex(2), REGEX_TYPE);
	lua_Integer next = lua_tointeger(L, lua_upvalueindex(3));
	size_t last = (size_t)lua_tointeger(L, lua_upvalueindex(4));
	if (next < 0)
		return 0;
	struct pattern_subject subject = {.text = text, .start = (size_t)next, .valid = next > 0};
	bool found = run(L, regex, &subject, spans);
	subject.valid = true;
	/* A separator that is empty and stands where the section starts would give an empty section: step over it. */
	while (is_split && found && spans[0].start == spans[0].end && spans[0].start == last) {
		subject.start = next_start(text, spans[0]);
		found = run(L, regex, &subject, spans);
	}
	if (found && is_split && spans[0].start == spans[0].end && spans[0].start == text.len)
		found = false;
	lua_pushinteger(L, found ? (lua_Integer)next_start(text, spans[0]) : -1);
	lua_replace(L, lua_upvalueindex(3));
	lua_pushinteger(L, found ? (lua_Integer)spans[0].end : (lua_Integer)last);
	lua_replace(L, lua_upvalueindex(4));
	if (!is_split)
		return found ? push_groups(L, regex, text, spans, true) : 0;
	size_t end = found ? spans[0].start : text.len;
	lua_pushlstring(L, text.ptr + last, end - last);
	return 1 + (found ? push_groups(L, regex, text, spans, true) : 0);
}

static int
next_gmatch(lua_State *L)
{
	return iterate(L, false);
}

static int
next_split(lua_State *L)
{
	return iterate(L, true);
}

static int
push_iterator(lua_State *L, lua_CFunction step)
{
	lua_settop(L, 3);
	lua_check_str(L, 1);
	lua_pushvalue(L, 1);
	check_pattern(L, 2, 3);
	lua_pushinteger(L, 0);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, step, 4);
	return 1;
}

/* gmatch(subject, pattern [, flags]) -> iterator over captures or whole matches */
static int
regex_gmatch(lua_State *L)
{
	return push_iterator(L, next_gmatch);
}

/* split(subject, separator [, flags]) -> iterator over section, captures or whole separator */
static int
regex_split(lua_State *L)
{
	return push_iterator(L, next_split);
}

/* Adds `replacement` with %0 to %9 and %% filled in. */
static void
add_template(luaL_Buffer *out, lua_State *L, struct str template, struct str text,
	const struct span *spans, unsigned groups)
{
	for (size_t i = 0; i < template.len; i++) {
		char c = template.ptr[i];
		lua_state_check(L);
		if (c != '%' || i + 1 == template.len) {
			luaL_addchar(out, c);
			continue;
		}
		c = template.ptr[++i];
		unsigned group = c >= '0' && c <= '9' ? (unsigned)(c - '0') : PATTERN_CAPTURES_MAX;
		if (group == 1 && groups == 0)
			group = 0; /* as Lua's own gsub */
		if (group == PATTERN_CAPTURES_MAX) {
			luaL_addchar(out, c);
		} else if (group > groups) {
			lua_state_fail(L,
				"tusk.regex.gsub: %%%u names a capture, the pattern has %u", group,
				groups);
		} else if (spans[group].start <= spans[group].end) {
			luaL_addlstring(out, text.ptr + spans[group].start,
				spans[group].end - spans[group].start);
		}
	}
}

/* Pushes the replacement of one match: from the function or table at 3; nil or false keep the match. */
static bool
push_replacement(lua_State *L, const struct regex *regex, struct str text, const struct span *spans)
{
	if (lua_isfunction(L, 3)) {
		lua_pushvalue(L, 3);
		int count = push_groups(L, regex, text, spans, true);
		lua_call(L, count, 1);
	} else {
		push_span(L, text, spans[group_count(regex) ? 1 : 0]);
		lua_gettable(L, 3);
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		return false;
	}
	if (!lua_isstring(L, -1))
		lua_state_fail(L, "tusk.regex.gsub: the replacement is a %s, expected a text",
			luaL_typename(L, -1));
	return true;
}

/* gsub(subject, pattern, replacement [, n [, flags]]) -> text, matches, replacements */
static int
regex_gsub(lua_State *L)
{
	struct span spans[PATTERN_CAPTURES_MAX];
	lua_settop(L, 5);
	struct str text = lua_check_str(L, 1), template = STR_NONE;
	lua_Integer limit = luaL_optinteger(L, 4, LUA_MAXINTEGER);
	if (lua_type(L, 3) == LUA_TSTRING)
		template = lua_check_str(L, 3);
	else
		luaL_argexpected(L, lua_istable(L, 3) || lua_isfunction(L, 3), 3,
			"string, table or function");
	const struct regex *regex = check_pattern(L, 2, 5);
	lua_Integer matches = 0, replaced = 0;
	struct pattern_subject subject = {.text = text};
	size_t copied = 0;
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	while (matches < limit && run(L, regex, &subject, spans)) {
		luaL_addlstring(&out, text.ptr + copied, spans[0].start - copied);
		copied = spans[0].end;
		subject.start = next_start(text, spans[0]);
		subject.valid = true;
		matches++;
		if (template.ptr) {
			add_template(&out, L, template, text, spans, group_count(regex));
			replaced++;
		} else if (push_replacement(L, regex, text, spans)) {
			luaL_addvalue(&out);
			replaced++;
		} else {
			luaL_addlstring(
				&out, text.ptr + spans[0].start, spans[0].end - spans[0].start);
		}
	}
	luaL_addlstring(&out, text.ptr + copied, text.len - copied);
	luaL_pushresult(&out);
	lua_pushinteger(L, matches);
	lua_pushinteger(L, replaced);
	return 3;
}

static const luaL_Reg functions[] = {
	{"find", regex_find},
	{"gmatch", regex_gmatch},
	{"gsub", regex_gsub},
	{"match", regex_match},
	{"new", regex_new},
	{"split", regex_split},
	{NULL, NULL},
};

static const luaL_Reg methods[] = {
	{"find", method_find},
	{"match", method_match},
	{NULL, NULL},
};

int
lua_regex_open(lua_State *L)
{
	luaL_newmetatable(L, REGEX_TYPE);
	lua_pushcfunction(L, regex_gc);
	lua_setfield(L, -2, "__gc");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	luaL_newlib(L, methods);
	lua_setfield(L, -2, "__index");
	lua_newtable(L); /* cache */
	lua_sandbox_make_weak(L, "v");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
	struct scratch *scratch = lua_newuserdatauv(L, sizeof(*scratch), 0);
	scratch->scratch = NULL;
	luaL_newmetatable(L, SCRATCH_TYPE);
	lua_pushcfunction(L, scratch_gc);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2); /* from here on __gc owns it */
	scratch->scratch = pattern_scratch_create();
	lua_rawsetp(L, LUA_REGISTRYINDEX, &scratch_key);
	luaL_newlib(L, functions);
	return 1;
}
