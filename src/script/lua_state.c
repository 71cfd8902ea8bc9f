/* SPDX-License-Identifier: MIT */
/* A Lua state: allocator, creation, the protected door, tracebacks. */
#include "lua_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "attr.h"
#include "lua_state_internal.h"
#include "xmalloc.h"

struct body {
	lua_body_fn *run;
	void *data;
};

struct lua_state *
lua_state_of(lua_State *L)
{
	struct lua_state *state;
	memcpy(&state, lua_getextraspace(L), sizeof(state));
	return state;
}

void *
lua_state_owner(lua_State *L)
{
	return lua_state_of(L)->config.owner;
}

void
lua_state_usage(const struct lua_state *state, struct plugin_usage *usage)
{
	const struct lua_budget *budget = &state->budget;
	*usage = (struct plugin_usage){
		.calls = budget->calls,
		.cpu_us = budget->cpu_us,
		.cpu_us_last = budget->cpu_us_last,
		.bytes = budget->used + budget->charged + budget->outside,
		.charged = budget->charged + budget->outside,
		.peak = budget->peak,
		.limit_bytes = budget->limit_bytes,
		.cpu_limit_ms = budget->cpu_ms,
	};
}

void
lua_state_set_cpu(struct lua_state *state, int cpu_ms)
{
	lua_budget_set_cpu(&state->budget, cpu_ms);
}

void
lua_state_add_outside(struct lua_state *state, ptrdiff_t more)
{
	struct lua_budget *budget = &state->budget;
	size_t less = more < 0 ? (size_t)-more : 0;
	size_t bytes = more >= 0                ? budget->outside + (size_t)more
		       : less < budget->outside ? budget->outside - less
						: 0;
	lua_state_set_outside(state, bytes);
}

void
lua_state_set_outside(struct lua_state *state, size_t bytes)
{
	struct lua_budget *budget = &state->budget;
	budget->outside = bytes;
	size_t held = budget->used + budget->charged + bytes;
	budget->peak = held > budget->peak ? held : budget->peak;
	if (budget->limit_bytes && held > budget->limit_bytes)
		budget->over = true; /* the next call begins with a look at it */
}

enum plugin_limit
lua_state_limit(const struct lua_state *state)
{
	return state->budget.last;
}

/* `osize` is the type of the new object, not a size, when `ptr` is NULL. Freeing and shrinking never fail. */
static void *
on_lua_alloc(void *data, void *ptr, size_t osize, size_t nsize)
{
	struct lua_state *state = data;
	struct lua_budget *budget = &state->budget;
	size_t old = ptr ? osize : 0;
	if (nsize == 0) {
		(void)lua_blocks_resize(&state->blocks, ptr, old, 0);
		budget->used -= old;
		return NULL;
	}
	if (nsize > old) {
		unsigned long fail_at = state->config.fail_at;
		if (fail_at && ++state->allocations >= fail_at) {
			lua_budget_out_of_memory(budget);
			return NULL;
		}
		if (!lua_budget_may_grow(budget, old, nsize))
			return NULL;
	}
	void *fresh = lua_blocks_resize(&state->blocks, ptr, old, nsize);
	if (fresh)
		budget->used = budget->used - old + nsize;
	else
		lua_budget_out_of_memory(budget);
	return fresh;
}

static int
on_lua_panic(lua_State *L)
{
	const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no message";
	fprintf(stderr, "moontusk: a Lua error outside the protected door: %s\n", text);
	return 0; /* Lua aborts */
}

static bool
is_hidden(const struct lua_state *state, const lua_Debug *frame)
{
	if (frame->currentline < 0)
		return true;
	return !state->config.trusted &&
	       strncmp(frame->source, LIBRARY_CHUNK, sizeof(LIBRARY_CHUNK) - 1) == 0;
}

const char *
lua_state_source(const lua_Debug *frame)
{
	bool is_path = *frame->source == '@' || *frame->source == '=';
	return is_path ? frame->source + 1 : frame->short_src;
}

/* The library's own names for what it calls ("field 'run'") say nothing to a plugin's author, but for these. */
static const char *
role_name(lua_State *L, int level, const lua_Debug *frame)
{
	static const char *const roles[] = {"handler", "schedule", "timer", "where"};
	lua_Debug caller;
	if (lua_state_of(L)->config.trusted || !lua_getstack(L, level + 1, &caller) ||
		!lua_getinfo(L, "S", &caller) ||
		strncmp(caller.source, LIBRARY_CHUNK, sizeof(LIBRARY_CHUNK) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (frame->name && strcmp(frame->name, roles[i]) == 0)
			return roles[i];
	}
	return "function";
}

static size_t
add_frame(lua_State *L, int level, char *out, size_t len, const lua_Debug *frame)
{
	char name[160];
	const char *role = role_name(L, level, frame);
	if (*frame->what == 'm')
		snprintf(name, sizeof(name), "in the main chunk");
	else if (role)
		snprintf(name, sizeof(name), "in the %s of line %d", role, frame->linedefined);
	else if (frame->name)
		snprintf(name, sizeof(name), "in %s '%s'",
			*frame->namewhat ? frame->namewhat : "function", frame->name);
	else
		snprintf(name, sizeof(name), "in the function of line %d", frame->linedefined);
	int added = snprintf(out + len, PLUGIN_ERROR_MAX - len, "\n  %s:%d: %s",
		lua_state_source(frame), frame->currentline, name);
	return added < 0 || len + (size_t)added >= PLUGIN_ERROR_MAX ? PLUGIN_ERROR_MAX - 1
								    : len + (size_t)added;
}

/* Frames of `L` from `level` on. */
void
lua_state_traceback(lua_State *L, int level, char *out)
{
	struct lua_state *state = lua_state_of(L);
	size_t len = strlen(out);
	unsigned shown = 0;
	lua_Debug frame;
	for (; lua_getstack(L, level, &frame); level++) {
		if (!lua_getinfo(L, "Sln", &frame) || is_hidden(state, &frame))
			continue;
		if (shown == TRACEBACK_FRAMES_MAX) {
			snprintf(out + len, PLUGIN_ERROR_MAX - len, "\n  ...");
			return;
		}
		len = add_frame(L, level, out, len, &frame);
		shown++;
	}
}

/* The error value on top of the stack, as text. To a buffer of C and not to a Lua string: that works without memory too. */
static void
write_message(lua_State *L, char *out)
{
	size_t len;
	const char *text;
	int index = lua_gettop(L);
	if (lua_type(L, index) == LUA_TSTRING) {
		text = lua_tolstring(L, index, &len);
		snprintf(out, PLUGIN_ERROR_MAX, "%.*s", (int)len, text);
	} else if (luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
		text = luaL_tolstring(L, index, &len);
		snprintf(out, PLUGIN_ERROR_MAX, "%.*s", (int)len, text);
	} else {
		snprintf(out, PLUGIN_ERROR_MAX, "error() was called with a %s, expected a text",
			luaL_typename(L, index));
	}
}

static int
on_lua_error(lua_State *L)
{
	struct lua_state *state = lua_state_of(L);
	/* A kill has its own text; nothing of the plugin runs any more. */
	if (state->reported || state->budget.kill)
		return 0;
	write_message(L, state->error);
	lua_state_traceback(L, 1, state->error); /* 0 is this function */
	return 0;
}

static void
write_no_memory(const struct lua_state *state, char *out)
{
	snprintf(out, PLUGIN_ERROR_MAX, "out of memory: %zu KiB in use", state->budget.used / 1024);
}

_Noreturn void
lua_state_rethrow(lua_State *L, lua_State *thread, int status)
{
	struct lua_state *state = lua_state_of(L);
	lua_state_check(L); /* a thread that was killed is left as it is: hooks are off in it */
	if (status == LUA_ERRMEM) {
		write_no_memory(state, state->error);
	} else {
		lua_xmove(thread, L, 1);
		write_message(L, state->error);
		lua_state_traceback(thread, 0, state->error);
	}
	state->reported = true;
	(void)lua_budget_reset(thread, L); /* closes its variables */
	lua_pushnil(L);
	lua_error(L);
	abort(); /* not reached */
}

static int
run_body(lua_State *L)
{
	struct body *body = lua_touserdata(L, 1);
	lua_settop(L, 0);
	body->run(L, body->data);
	return 0;
}

/* After a call that passed the memory limit: what it left behind is garbage, or the instance cannot go on. */
static bool
has_memory(struct lua_state *state, char *error)
{
	struct lua_budget *budget = &state->budget;
	if (!budget->over || state->error)
		return true;
	lua_gc(state->L, LUA_GCCOLLECT); /* finalizers are ours and do not raise */
	size_t held = budget->used + budget->charged + budget->outside;
	budget->over = held > budget->limit_bytes;
	if (!budget->over)
		return true;
	char outside[MESSAGE_MAX / 2] = "";
	if (budget->outside > 0)
		snprintf(outside, sizeof(outside),
			", %zu KiB of them in rolling windows, requests and answers",
			budget->outside / 1024);
	snprintf(error, PLUGIN_ERROR_MAX,
		"out of memory: %zu KiB in use after the last call%s, the limit is %zu KiB; nothing more is run",
		held / 1024, outside, budget->limit_bytes / 1024);
	budget->last = LIMIT_MEMORY;
	return false;
}

static void
write_status(const struct lua_state *state, int status, char *error)
{
	const struct lua_budget *budget = &state->budget;
	if (budget->kill && budget->told)
		snprintf(error, PLUGIN_ERROR_MAX, "%s", budget->text);
	else if (status == LUA_ERRMEM || budget->kill == LIMIT_MEMORY)
		write_no_memory(state, error);
	else if (budget->kill)
		snprintf(error, PLUGIN_ERROR_MAX, "used more than %d ms of CPU time",
			budget->cpu_ms);
	else if (!error[0])
		snprintf(error, PLUGIN_ERROR_MAX, "an error in an error's own __tostring");
}

/* Leaves the stack as it was. Returns Lua's status; the message is written to `error` but for what write_status adds. */
static int
call_protected(struct lua_state *state, lua_body_fn *run, void *data, char *error)
{
	lua_State *L = state->L;
	int top = lua_gettop(L);
	struct body body = {.run = run, .data = data};
	/* Of the call that this one is made from, if any. */
	char *outer = state->error;
	bool outer_reported = state->reported;
	int status = LUA_ERRMEM;
	state->error = error;
	state->reported = false;
	error[0] = '\0';
	if (lua_checkstack(L, LUA_MINSTACK)) { /* none of these pushes allocates */
		lua_pushcfunction(L, on_lua_error);
		lua_pushcfunction(L, run_body);
		lua_pushlightuserdata(L, &body);
		status = lua_pcall(L, 1, 0, top + 1);
		lua_settop(L, top);
	}
	state->error = outer;
	state->reported = outer_reported;
	return status;
}

bool
lua_state_call(struct lua_state *state, lua_body_fn *run, void *data, char *error)
{
	struct lua_budget *budget = &state->budget;
	lua_State *running = budget->running; /* in the call that this one is made from, if any */
	if (!has_memory(state, error))
		return false;
	bool is_outermost = lua_budget_enter(budget, state->L);
	budget->running = state->L;
	int status = call_protected(state, run, data, error);
	/* A body in C may have swallowed the kill. */
	bool ok = status == LUA_OK && !budget->kill;
	if (!ok)
		write_status(state, status, error);
	lua_budget_leave(budget, state->L);
	if (!is_outermost)
		budget->running = running;
	return ok;
}

bool
lua_state_tidy(struct lua_state *state, lua_body_fn *run, void *data, char *error)
{
	struct lua_budget *budget = &state->budget;
	size_t limit = budget->limit_bytes;
	REQUIRE(!budget->depth);
	budget->limit_bytes = 0;
	int status = call_protected(state, run, data, error);
	budget->limit_bytes = limit;
	if (status != LUA_OK)
		write_status(state, status, error);
	return status == LUA_OK;
}

void
lua_state_check(lua_State *L)
{
	struct lua_budget *budget = &lua_state_of(L)->budget;
	lua_budget_check(L, budget);
}

bool
lua_state_must_end(lua_State *L)
{
	const struct lua_budget *budget = &lua_state_of(L)->budget;
	return budget->kill || budget->collect;
}

void
lua_state_room(lua_State *L, size_t bytes)
{
	lua_budget_room(L, bytes);
}

void
lua_state_charge(lua_State *L, ptrdiff_t bytes)
{
	struct lua_budget *budget = &lua_state_of(L)->budget;
	if (bytes > 0)
		lua_budget_charge(L, (size_t)bytes);
	else
		budget->charged -= (size_t)-bytes;
}

bool
lua_state_position(lua_State *L, lua_Debug *where)
{
	struct lua_state *state = lua_state_of(L);
	for (int level = 0; lua_getstack(L, level, where); level++) {
		if (lua_getinfo(L, "Sl", where) && !is_hidden(state, where))
			return true;
	}
	return false;
}

int
lua_state_fail(lua_State *L, const char *format, ...)
{
	lua_Debug where;
	int parts = 1;
	if (lua_state_position(L, &where)) {
		lua_pushfstring(L, "%s:%d: ", lua_state_source(&where), where.currentline);
		parts++;
	}
	va_list args;
	va_start(args, format);
	char *text = NULL;
	int len = vasprintf(&text, format, args);
	va_end(args);
	char line[MESSAGE_MAX * 4];
	snprintf(line, sizeof(line), "%s", len < 0 ? "out of memory" : text);
	free(text); /* before anything that may raise */
	lua_pushstring(L, line);
	lua_concat(L, parts);
	return lua_error(L);
}

static void
open_state(lua_State *L, void *data)
{
	(void)data;
	lua_sandbox_open(L);
}

struct lua_state *
lua_state_create(const struct lua_state_config *config, char *error)
{
	struct lua_state *state = xmalloc(sizeof(*state));
	*state = (struct lua_state){.config = *config};
	lua_budget_init(&state->budget, config->cpu_ms, config->limit_bytes);
	if (state->budget.unbounded) {
		snprintf(error, PLUGIN_ERROR_MAX,
			"no timer can be made for the limit of its CPU time (%s), and without that limit no plugin is run; "
			"is \"ulimit -i\" too small?",
			strerror(state->budget.timer_error));
		goto fail;
	}
	state->L = lua_newstate(on_lua_alloc, state);
	if (!state->L) {
		snprintf(error, PLUGIN_ERROR_MAX, "out of memory for a Lua state");
		goto fail;
	}
	memcpy(lua_getextraspace(state->L), &state, sizeof(state));
	lua_atpanic(state->L, on_lua_panic);
	if (!lua_state_call(state, open_state, NULL, error))
		goto fail;
	return state;
fail:
	lua_state_destroy(state);
	return NULL;
}

void
lua_state_destroy(struct lua_state *state)
{
	if (!state)
		return;
	if (state->L)
		lua_close(state->L);
	lua_blocks_finish(&state->blocks);
	lua_budget_finish(&state->budget);
	free(state);
}
