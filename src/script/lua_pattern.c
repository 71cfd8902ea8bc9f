/* SPDX-License-Identifier: MIT */
/* string.find, match, gmatch and gsub: a matcher of Lua patterns that looks at the budget as it goes. */
#include "lua_pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_state.h"

#define CAPTURE_COUNT 32   /* as Lua has it */
#define DEEPEST       200  /* as Lua has it: of calls of match_here in each other */
#define STEPS_A_CHECK 1000 /* about 10 µs */

#define LEN_UNFINISHED (-1)
#define LEN_POSITION   (-2)

/* One search. The subject and the pattern may hold any bytes. */
struct search {
	lua_State *L;
	const char *start, *end; /* of the subject */
	const char *pattern_end;
	unsigned depth;
	size_t steps; /* since the budget was looked at */
	unsigned level;
	struct {
		const char *start;
		ptrdiff_t len; /* or LEN_... */
	} captures[CAPTURE_COUNT];
};

static const char *match_here(struct search *search, const char *s, const char *p);

static inline void
count_steps(struct search *search, size_t steps)
{
	search->steps += steps;
	if (search->steps > STEPS_A_CHECK) {
		search->steps = 0;
		lua_state_check(search->L);
	}
}

/* ---- single characters ---- */

static bool
in_class(unsigned char c, unsigned char class)
{
	bool found;
	switch (tolower(class)) {
	case 'a':
		found = isalpha(c) != 0;
		break;
	case 'c':
		found = iscntrl(c) != 0;
		break;
	case 'd':
		found = isdigit(c) != 0;
		break;
	case 'g':
		found = isgraph(c) != 0;
		break;
	case 'l':
		found = islower(c) != 0;
		break;
	case 'p':
		found = ispunct(c) != 0;
		break;
	case 's':
		found = isspace(c) != 0;
		break;
	case 'u':
		found = isupper(c) != 0;
		break;
	case 'w':
		found = isalnum(c) != 0;
		break;
	case 'x':
		found = isxdigit(c) != 0;
		break;
	default:
		return class == c;
	}
	return isupper(class) ? !found : found;
}

/* Behind the item that starts at `p`: a character, %x or a set. */
static const char *
item_end(struct search *search, const char *p)
{
	if (*p == '%') {
		if (p + 1 >= search->pattern_end)
			luaL_error(search->L, "malformed pattern (ends with '%%')");
		return p + 2;
	}
	if (*p++ != '[')
		return p;
	if (p < search->pattern_end && *p == '^')
		p++;
	do { /* a ']' that comes first stands for itself */
		if (p == search->pattern_end)
			luaL_error(search->L, "malformed pattern (missing ']')");
		if (*p++ == '%') {
			if (p == search->pattern_end)
				luaL_error(search->L, "malformed pattern (missing ']')");
			p++;
		}
	} while (p == search->pattern_end || *p != ']');
	return p + 1;
}

/* `set` is at its '[', `close` at its ']'. */
static bool
in_set(unsigned char c, const char *set, const char *close)
{
	bool want = true;
	if (*++set == '^') {
		want = false;
		set++;
	}
	for (; set < close; set++) {
		if (*set == '%') {
			set++;
			if (in_class(c, (unsigned char)*set))
				return want;
		} else if (set + 2 < close && set[1] == '-') {
			if ((unsigned char)set[0] <= c && c <= (unsigned char)set[2])
				return want;
			set += 2;
		} else if ((unsigned char)*set == c) {
			return want;
		}
	}
	return !want;
}

/* Whether the character at `s` is one that the item from `p` to `after` allows. */
static bool
matches_one(struct search *search, const char *s, const char *p, const char *after)
{
	if (s >= search->end)
		return false;
	unsigned char c = (unsigned char)*s;
	switch (*p) {
	case '.':
		return true;
	case '%':
		return in_class(c, (unsigned char)p[1]);
	case '[':
		count_steps(search, (size_t)(after - p) / 4);
		return in_set(c, p, after - 1);
	}
	return (unsigned char)*p == c;
}

/* ---- repetition ---- */

/* `least` of the item, then as many as possible, fewer when the rest asks for it. */
static const char *
match_many(struct search *search, const char *s, const char *p, const char *after)
{
	ptrdiff_t count = 0;
	while (matches_one(search, s + count, p, after)) {
		count_steps(search, 1);
		count++;
	}
	for (; count >= 0; count--) {
		const char *end = match_here(search, s + count, after + 1);
		if (end)
			return end;
	}
	return NULL;
}

/* As few as possible. */
static const char *
match_few(struct search *search, const char *s, const char *p, const char *after)
{
	for (;; s++) {
		const char *end = match_here(search, s, after + 1);
		if (end)
			return end;
		if (!matches_one(search, s, p, after))
			return NULL;
	}
}

/* ---- what is not a single character ---- */

static const char *
match_balanced(struct search *search, const char *s, const char *p)
{
	if (p + 1 >= search->pattern_end)
		luaL_error(search->L, "malformed pattern (missing arguments to '%%b')");
	if (s >= search->end || *s != p[0])
		return NULL;
	size_t open = 1;
	for (const char *c = s + 1; c < search->end; c++) {
		count_steps(search, 1);
		if (*c == p[1]) {
			if (--open == 0)
				return c + 1;
		} else if (*c == p[0]) {
			open++;
		}
	}
	return NULL;
}

static const char *
start_capture(struct search *search, const char *s, const char *p, ptrdiff_t len)
{
	if (search->level >= CAPTURE_COUNT)
		luaL_error(search->L, "too many captures");
	search->captures[search->level].start = s;
	search->captures[search->level].len = len;
	search->level++;
	const char *end = match_here(search, s, p);
	if (!end)
		search->level--;
	return end;
}

static const char *
end_capture(struct search *search, const char *s, const char *p)
{
	unsigned i = search->level;
	while (i > 0 && search->captures[i - 1].len != LEN_UNFINISHED)
		i--;
	if (i == 0)
		luaL_error(search->L, "invalid pattern capture");
	search->captures[i - 1].len = s - search->captures[i - 1].start;
	const char *end = match_here(search, s, p);
	if (!end)
		search->captures[i - 1].len = LEN_UNFINISHED;
	return end;
}

static const char *
match_reference(struct search *search, const char *s, unsigned char digit)
{
	int index = digit - '1';
	if (index < 0 || (unsigned)index >= search->level ||
		search->captures[index].len == LEN_UNFINISHED)
		luaL_error(search->L, "invalid capture index %%%d", index + 1);
	/* The length of a position is a number that no text has. */
	size_t len = (size_t)search->captures[index].len;
	if ((size_t)(search->end - s) < len)
		return NULL;
	count_steps(search, len / 16);
	return memcmp(search->captures[index].start, s, len) == 0 ? s + len : NULL;
}

static bool
at_frontier(struct search *search, const char *s, const char *set, const char *after)
{
	unsigned char before = s == search->start ? 0 : (unsigned char)s[-1];
	unsigned char here = s == search->end ? 0 : (unsigned char)*s;
	count_steps(search, (size_t)(after - set) / 4);
	return !in_set(before, set, after - 1) && in_set(here, set, after - 1);
}

/* ---- a pattern ---- */

/* An item and what may follow it: '?', '+', '*' or '-'. True: *s and *p are where to go on. False: *end is the result. */
static bool
match_item(struct search *search, const char **s, const char **p, const char **end)
{
	const char *after = item_end(search, *p);
	char suffix = after < search->pattern_end ? *after : '\0';
	if (suffix == '*' || suffix == '-') {
		*end = suffix == '*' ? match_many(search, *s, *p, after)
				     : match_few(search, *s, *p, after);
		return false;
	}
	bool found = matches_one(search, *s, *p, after);
	if (suffix == '?') {
		if (found && (*end = match_here(search, *s + 1, after + 1)) != NULL)
			return false;
		*p = after + 1;
		return true;
	}
	if (suffix == '+') {
		*end = found ? match_many(search, *s + 1, *p, after) : NULL;
		return false;
	}
	*end = NULL;
	if (!found)
		return false;
	*s += 1;
	*p = after;
	return true;
}

/* What starts with '%' and is no single character. True: *s and *p are where to go on; *s is NULL when nothing matches. */
static bool
match_special(struct search *search, const char **s, const char **p)
{
	unsigned char kind = *p + 1 < search->pattern_end ? (unsigned char)(*p)[1] : '\0';
	if (kind == 'b') {
		*s = match_balanced(search, *s, *p + 2);
		*p += 4;
		return true;
	}
	if (kind == 'f') {
		const char *set = *p + 2;
		if (set >= search->pattern_end || *set != '[')
			luaL_error(search->L, "missing '[' after '%%f' in pattern");
		*p = item_end(search, set);
		if (!at_frontier(search, *s, set, *p))
			*s = NULL;
		return true;
	}
	if (isdigit(kind)) {
		*s = match_reference(search, *s, kind);
		*p += 2;
		return true;
	}
	return false;
}

static const char *
match_items(struct search *search, const char *s, const char *p)
{
	const char *end = NULL;
	while (p < search->pattern_end) {
		count_steps(search, 1);
		if (*p == '(') {
			bool is_position = p + 1 < search->pattern_end && p[1] == ')';
			return start_capture(search, s, p + (is_position ? 2 : 1),
				is_position ? LEN_POSITION : LEN_UNFINISHED);
		}
		if (*p == ')')
			return end_capture(search, s, p + 1);
		if (*p == '$' && p + 1 == search->pattern_end)
			return s == search->end ? s : NULL;
		if (*p == '%' && match_special(search, &s, &p)) {
			if (!s)
				return NULL;
			continue;
		}
		if (!match_item(search, &s, &p, &end))
			return end;
	}
	return s;
}

/* The end of the match of the pattern's rest `p` at `s`, or NULL. */
static const char *
match_here(struct search *search, const char *s, const char *p)
{
	if (search->depth++ == DEEPEST)
		luaL_error(search->L, "pattern too complex");
	const char *end = match_items(search, s, p);
	search->depth--;
	return end;
}

static const char *
match_at(struct search *search, const char *s, const char *pattern)
{
	search->level = 0;
	search->depth = 0;
	count_steps(search, 1);
	return match_here(search, s, pattern);
}

/* ---- results ---- */

/* Pushes capture `i`; the whole match (from `s` to `end`) for the first of none. */
static void
push_capture(struct search *search, unsigned i, const char *s, const char *end)
{
	lua_State *L = search->L;
	if (i >= search->level) {
		if (i != 0)
			luaL_error(L, "invalid capture index %%%d", (int)i + 1);
		lua_pushlstring(L, s, (size_t)(end - s));
		return;
	}
	ptrdiff_t len = search->captures[i].len;
	if (len == LEN_UNFINISHED)
		luaL_error(L, "unfinished capture");
	if (len == LEN_POSITION)
		lua_pushinteger(L, search->captures[i].start - search->start + 1);
	else
		lua_pushlstring(L, search->captures[i].start, (size_t)len);
}

/* `s` NULL: only what has parentheses. */
static int
push_captures(struct search *search, const char *s, const char *end)
{
	unsigned count = search->level == 0 && s ? 1 : search->level;
	luaL_checkstack(search->L, (int)count, "too many captures");
	for (unsigned i = 0; i < count; i++)
		push_capture(search, i, s, end);
	return (int)count;
}

static bool
is_plain(const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (pattern[i] && strchr("^$*+?.([%-", pattern[i]))
			return false;
	}
	return true;
}

/* The byte to start at, from 0; past the length when there is none. */
static size_t
read_init(lua_State *L, int index, size_t len)
{
	lua_Integer init = luaL_optinteger(L, index, 1);
	if (init > 0)
		return (size_t)init - 1;
	if (init == 0 || init < -(lua_Integer)len)
		return 0;
	return len - (size_t)-init;
}

static int
find_or_match(lua_State *L, bool is_find)
{
	size_t len, pattern_len;
	const char *subject = luaL_checklstring(L, 1, &len);
	const char *pattern = luaL_checklstring(L, 2, &pattern_len);
	size_t init = read_init(L, 3, len);
	if (init > len) {
		luaL_pushfail(L);
		return 1;
	}
	if (is_find && (lua_toboolean(L, 4) || is_plain(pattern, pattern_len))) {
		const char *found = memmem(subject + init, len - init, pattern, pattern_len);
		if (!found) {
			luaL_pushfail(L);
			return 1;
		}
		lua_pushinteger(L, found - subject + 1);
		lua_pushinteger(L, found - subject + (lua_Integer)pattern_len);
		return 2;
	}
	struct search search = {.L = L, .start = subject, .end = subject + len};
	search.pattern_end = pattern + pattern_len;
	bool is_anchored = pattern_len > 0 && *pattern == '^';
	pattern += is_anchored ? 1 : 0;
	for (const char *s = subject + init; s <= search.end; s++) {
		const char *end = match_at(&search, s, pattern);
		if (end && is_find) {
			lua_pushinteger(L, s - subject + 1);
			lua_pushinteger(L, end - subject);
			return push_captures(&search, NULL, NULL) + 2;
		}
		if (end)
			return push_captures(&search, s, end);
		if (is_anchored)
			break;
	}
	luaL_pushfail(L);
	return 1;
}

/* find(s, pattern [, init [, plain]]) -> first, last, captures | nil */
static int
string_find(lua_State *L)
{
	return find_or_match(L, true);
}

/* match(s, pattern [, init]) -> captures | nil */
static int
string_match(lua_State *L)
{
	return find_or_match(L, false);
}

/* The iterator of gmatch. Upvalues: subject, pattern, where to go on (from 0), where the last match ended (-1: none). */
static int
next_match(lua_State *L)
{
	size_t len, pattern_len;
	const char *subject = lua_tolstring(L, lua_upvalueindex(1), &len);
	const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_len);
	size_t from = (size_t)lua_tointeger(L, lua_upvalueindex(3));
	lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
	struct search search = {.L = L, .start = subject, .end = subject + len};
	search.pattern_end = pattern + pattern_len;
	for (; from <= len; from++) {
		const char *end = match_at(&search, subject + from, pattern);
		if (!end || end - subject == last)
			continue;
		lua_pushinteger(L, end - subject);
		lua_pushvalue(L, -1);
		lua_replace(L, lua_upvalueindex(3));
		lua_replace(L, lua_upvalueindex(4));
		return push_captures(&search, subject + from, end);
	}
	return 0;
}

/* gmatch(s, pattern [, init]) -> iterator */
static int
string_gmatch(lua_State *L)
{
	size_t len;
	luaL_checklstring(L, 1, &len);
	luaL_checkstring(L, 2);
	size_t init = read_init(L, 3, len);
	lua_settop(L, 2);
	lua_pushinteger(L, (lua_Integer)(init > len ? len + 1 : init));
	lua_pushinteger(L, -1);
	lua_pushcclosure(L, next_match, 4);
	return 1;
}

/* Adds the replacement text at 3 with %0 to %9 and %% filled in. */
static void
add_template(struct search *search, luaL_Buffer *out, const char *s, const char *end)
{
	lua_State *L = search->L;
	size_t len;
	const char *text = lua_tolstring(L, 3, &len), *text_end = text + len;
	const char *percent;
	while ((percent = memchr(text, '%', (size_t)(text_end - text))) != NULL) {
		lua_state_check(L);
		luaL_addlstring(out, text, (size_t)(percent - text));
		text = percent + 1;
		unsigned char c = text < text_end ? (unsigned char)*text : '\0';
		if (c == '%') {
			luaL_addchar(out, '%');
		} else if (c == '0') {
			luaL_addlstring(out, s, (size_t)(end - s));
		} else if (isdigit(c)) {
			push_capture(search, c - '1', s, end);
			luaL_addvalue(out);
		} else {
			luaL_error(L, "invalid use of '%%' in replacement string");
		}
		text++;
	}
	luaL_addlstring(out, text, (size_t)(text_end - text));
}

/* Adds what replaces the match; false: the match itself, as the function or table said nothing. */
static bool
add_replacement(struct search *search, luaL_Buffer *out, int type, const char *s, const char *end)
{
	lua_State *L = search->L;
	if (type == LUA_TFUNCTION) {
		lua_pushvalue(L, 3);
		lua_call(L, push_captures(search, s, end), 1);
	} else if (type == LUA_TTABLE) {
		push_capture(search, 0, s, end);
		lua_gettable(L, 3);
	} else {
		add_template(search, out, s, end);
		return true;
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		luaL_addlstring(out, s, (size_t)(end - s));
		return false;
	}
	if (!lua_isstring(L, -1))
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	luaL_addvalue(out);
	return true;
}

/* gsub(s, pattern, replacement [, n]) -> text, count */
static int
string_gsub(lua_State *L)
{
	size_t len, pattern_len;
	const char *s = luaL_checklstring(L, 1, &len), *last = NULL;
	const char *pattern = luaL_checklstring(L, 2, &pattern_len);
	int type = lua_type(L, 3);
	lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)len + 1), count = 0;
	luaL_argexpected(L,
		type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
			type == LUA_TTABLE,
		3, "string/function/table");
	struct search search = {.L = L, .start = s, .end = s + len};
	search.pattern_end = pattern + pattern_len;
	bool is_anchored = pattern_len > 0 && *pattern == '^', is_changed = false;
	pattern += is_anchored ? 1 : 0;
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	while (count < most) {
		const char *end = match_at(&search, s, pattern);
		lua_state_check(L); /* memory, too: the result grows */
		if (end && end != last) {
			count++;
			if (add_replacement(&search, &out, type, s, end))
				is_changed = true;
			s = last = end;
		} else if (s < search.end) {
			/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): s walks over the subject */
			luaL_addchar(&out, *s++);
		} else {
			break;
		}
		if (is_anchored)
			break;
	}
	if (is_changed) {
		luaL_addlstring(&out, s, (size_t)(search.end - s));
		luaL_pushresult(&out);
	} else {
		lua_pushvalue(L, 1);
	}
	lua_pushinteger(L, count);
	return 2;
}

void
lua_pattern_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"find", string_find},
		{"gmatch", string_gmatch},
		{"gsub", string_gsub},
		{"match", string_match},
		{NULL, NULL},
	};
	luaL_setfuncs(L, functions, 0);
}
